from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv

from headrace.data import parquet
from headrace.statistics import StatsOptions, generate_statistics

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import CensusSource

    from headrace.statistics import SemanticGuess

RNG = np.random.default_rng(11)
DAYS = np.arange("2013-01-01", "2014-01-01", dtype="datetime64[D]").astype(object)


def guessed(values: Any, kind: pa.DataType | None = None, **more: Any) -> list[SemanticGuess]:
    return list(generate_statistics({"x": pa.array(values, kind), **more})["data"]["x"].semantics)


def kinds(values: Any, kind: pa.DataType | None = None) -> list[str]:
    return [guess.kind for guess in guessed(values, kind)]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([str(at % 60) for at in range(200)], "integer_text"),
        ([f"-{at % 60}" for at in range(200)], "integer_text"),
        ([f"{at % 60}.5" for at in range(200)], "number_text"),
        ([f"{at % 60}e-3" for at in range(200)], "number_text"),
        ([f"{at % 60:05}" for at in range(200)], "zip_like"),
        ([f"https://example.org/{at % 60}?q=1" for at in range(200)], "url"),
        ([f"person.{at % 60}@mail.example.com" for at in range(200)], "email"),
        ([f"It's a nice day, said number{'s' * (at % 60)} to them." for at in range(200)], "natural_language"),
        (["same"] * 30, "constant"),
        ([f"u-{at:x}" for at in range(200)], "identifier"),
    ],
)
def test_what_texts_look_like(values: list[str], kind: str) -> None:
    assert kinds(values) == [kind]
    spoilt = [value if at % 2 else "n/a %" for at, value in enumerate(values)]
    assert kind not in kinds(spoilt)


@pytest.mark.parametrize(
    ("written", "detail"),
    [
        ("%Y-%m-%d", "%Y-%m-%d"),
        ("%d.%m.%Y", "%d.%m.%Y"),
        ("%m/%d/%Y", "%m/%d/%Y"),
        ("%d/%m/%Y", "%d/%m/%Y"),
        ("%d-%b-%Y", "%d-%b-%Y"),
        ("%b %d, %Y", "%b %d, %Y"),
        ("%d %B %Y", "%d %B %Y"),
        ("%Y%m%d", "%Y%m%d"),
        ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S"),
        ("%Y-%m-%d %H:%M:%S.123", "%Y-%m-%d %H:%M:%S"),
    ],
)
def test_dates_are_told_with_their_format(written: str, detail: str) -> None:
    # With one day more, so that no column is an identifier.
    values = [day.strftime(written) for day in [*DAYS, DAYS[0]]]
    (guess,) = guessed(pa.array(values))
    assert (guess.kind, guess.fraction, guess.detail) == ("date_text", 1.0, detail)


def test_dates_that_can_be_read_in_two_ways_say_so() -> None:
    (guess,) = guessed([f"0{1 + at % 9}/0{1 + at % 7}/2013" for at in range(200)])
    assert guess.detail == "%m/%d/%Y or %d/%m/%Y"


def test_images_are_told_by_their_first_bytes() -> None:
    png, jpeg, webp = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"RIFF\x10\x00\x00\x00WEBP"
    (guess,) = guessed([*[png + b"1"] * 20, *[jpeg + b"2"] * 10, *[webp + b"3"] * 5])
    assert (guess.kind, guess.fraction, guess.detail) == ("image", 1.0, "PNG, JPEG, WebP")
    assert kinds([b"text", b"other"] * 20) == []


def test_numbers() -> None:
    assert kinds([at % 5 for at in range(500)]) == ["categorical_integer"]
    assert kinds([at % 5 * 100 for at in range(500)]) == []
    assert kinds([at % 60 for at in range(5_000)]) == []
    assert kinds(list(range(500))) == ["identifier"]
    assert kinds([7] * 50) == ["constant"]
    assert kinds([0.5] * 50) == ["constant"]
    assert kinds([0.5, float("nan")] * 50) == []
    assert kinds(RNG.normal(size=500)) == []
    assert kinds([True] * 50) == ["constant"]
    assert kinds([True, False] * 50) == []


def test_a_few_values_look_like_nothing() -> None:
    assert kinds(["1", "2", "3"]) == []
    assert kinds([None] * 50, pa.string()) == []
    assert kinds([], pa.string()) == []


def test_copies_of_a_column_are_found() -> None:
    numbers = RNG.integers(0, 1_000, 4_000)
    nearly = numbers.copy()
    nearly[:20] = -1
    half = np.where(RNG.random(4_000) < 0.5, numbers, -1)
    texts = [f"t{n}" if n % 3 else None for n in numbers.tolist()]
    sparse = [np.where(RNG.random(4_000) < 0.002, 1.0, 0.0) for _ in range(2)]
    table = pa.table(
        {
            "a": numbers,
            "b": nearly,
            "c": half,
            "s": pa.array(texts),
            "t": pa.array(texts).dictionary_encode(),
            "u": sparse[0],
            "v": sparse[1],
            "f": numbers.astype(np.float64),
        }
    )
    features = generate_statistics(table)["data"].features
    found = {
        one.name: [(guess.kind, guess.of) for guess in one.semantics if guess.kind == "duplicate"] for one in features
    }
    assert found == {
        **{name: [] for name in "acsuv"},
        "b": [("duplicate", "a")],
        "t": [("duplicate", "s")],
        "f": [("duplicate", "a")],
    }


def test_values_within_lists_and_structs_are_looked_at() -> None:
    rows = [{"links": [f"https://example.org/{at % 50}", f"http://example.org/{at % 7}"]} for at in range(300)]
    dataset = generate_statistics(pa.table({"page": rows}))["data"]
    assert [guess.kind for guess in dataset["page.links"].semantics] == ["url"]


def test_guesses_can_be_turned_off_or_thinned() -> None:
    table = {"x": ["7"] * 500, "y": [f"{at % 30}" for at in range(500)]}
    off = generate_statistics(table, options=StatsOptions(enable_semantic_domain_stats=False))["data"]
    assert all(not feature.semantics for feature in off.features)
    few = generate_statistics(table, options=StatsOptions(semantic_domain_stats_sample_rate=0.2))["data"]
    assert [guess.kind for guess in few["y"].semantics] == ["integer_text"]


def test_census_has_no_false_guesses(census_source: CensusSource) -> None:
    dataset = generate_statistics(census_source("adult.data"))["data"]
    found = {feature.name: [guess.kind for guess in feature.semantics] for feature in dataset.features}
    # A code of education from 1 to 16.
    assert found.pop("education_num") == ["categorical_integer"]
    assert not any(found.values())


def test_flights_have_no_false_guesses(flights_dir: Path) -> None:
    with zipfile.ZipFile(flights_dir / "flights.csv.zip") as archive, archive.open(archive.namelist()[0]) as file:
        options = csv.ConvertOptions(null_values=["", "NA"], strings_can_be_null=True)
        table = csv.read_csv(file, convert_options=options)
    dataset = generate_statistics(table)["data"]
    found = {feature.name: [guess.kind for guess in feature.semantics] for feature in dataset.features}
    assert {name: guesses for name, guesses in found.items() if guesses} == {
        "year": ["constant"],
        "month": ["categorical_integer"],
        "hour": ["categorical_integer"],
    }


def test_films_and_their_viewers(shared_data: Path) -> None:
    folder = shared_data / "movielens100k"
    films = generate_statistics(parquet(folder / "MovieLens100k_items.parquet.brotli"))["data"]
    assert [(one.kind, one.detail) for one in films["release_date"].semantics] == [("date_text", "%d-%b-%Y")]
    assert [one.kind for one in films["IMDb_URL"].semantics] == ["url"]
    assert [one.kind for one in films["movie_id"].semantics] == ["identifier"]
    viewers = generate_statistics(parquet(folder / "MovieLens100k_users.parquet.brotli"))["data"]
    assert [one.kind for one in viewers["zip_code"].semantics] == ["zip_like"]
