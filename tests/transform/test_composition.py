"""Functions composed of random mappers: a batch is its rows, and analysis does not depend on how data is cut."""

from __future__ import annotations

import datetime as dt
from typing import Any

import ndonnx as ndx
import numpy as np
import onnx
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace import transform as tft
from headrace.data import dataset_from_table
from headrace.engines import LocalEngine
from headrace.model import bits_equal

TEXT = st.one_of(
    st.sampled_from(["", "a", "b a", "🎈 é", "1.5", "2024-02-29", "x,y,,z", "word " * 2000]),
    st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12),
)
NUMBER = st.one_of(
    st.sampled_from([0.0, -0.0, 1.0, 1e-300, 1e300, np.inf, -np.inf, np.nan]), st.floats(-1e6, 1e6), st.none()
)
ROW = st.fixed_dictionaries(
    {
        "x": NUMBER,
        "y": st.floats(-100.0, 100.0),
        "n": st.integers(-50, 50),
        "w": st.one_of(TEXT, st.none()),
        "v": TEXT,
        "t": st.datetimes().filter(lambda time: time.year > 0),
        "label": st.integers(0, 1),
        "tags": st.one_of(st.lists(st.one_of(TEXT, st.none()), max_size=6), st.none()),
        "marks": st.lists(NUMBER, max_size=5),
    }
)
SCHEMA = pa.schema(
    [
        ("x", pa.float64()),
        ("y", pa.float64()),
        ("n", pa.int64()),
        ("w", pa.string()),
        ("v", pa.string()),
        ("t", pa.timestamp("us")),
        ("label", pa.int64()),
        ("tags", pa.list_(pa.string())),
        ("marks", pa.list_(pa.float64())),
    ]
)


WORDS = {
    "x": 1.0,
    "y": 2.0,
    "n": 3,
    "w": "a b",
    "v": "a 1",
    "label": 1,
    "tags": ["a", "b a"],
    "marks": [1.0, 2.5],
    "t": dt.datetime(2024, 2, 29),  # noqa: DTZ001 - columns of times have no time zone
}


def filled(x: Any) -> Any:
    return tft.fill_missing(x, -1.0)


def ids(tokens: Any) -> Any:
    return tft.compute_and_apply_vocabulary(tokens, num_oov_buckets=2, top_k=5)


MAPPERS: dict[str, Any] = {
    "tags_ids": lambda i: tft.pad_lists(ids(i["tags"]), 4, -1),
    "tags_hot": lambda i: tft.multi_hot(ids(tft.lower(i["tags"])), counts=True),
    "tags_tfidf": lambda i: tft.pad_lists(tft.tfidf(ids(i["tags"]))[1], 4, 0.0),
    "tags_grams": lambda i: tft.multi_hot(ids(tft.bag_of_words(i["tags"], (1, 3)))),
    "tags_once": lambda i: tft.list_length(tft.deduplicate_per_row(i["tags"])),
    "tags_runs": lambda i: tft.pad_lists(tft.segment_indices(ids(i["tags"])), 4, -1),
    "tags_joined": lambda i: tft.hash_strings(tft.join(i["tags"], "|"), 1000),
    "tags_known": lambda i: tft.list_length(tft.isin(i["tags"], ["a", ""])),
    "tags_none": lambda i: tft.is_missing_list(i["tags"]),
    "tags_most": lambda i: tft.impute(tft.pad_lists(i["tags"], 2, ""), "most_frequent")[0] == "a",
    "marks_sum": lambda i: tft.list_sum(i["marks"]),
    "marks_mean": lambda i: filled(tft.list_mean(i["marks"])),
    "marks_max": lambda i: filled(tft.list_max(i["marks"])),
    "marks_top": lambda i: filled(tft.list_top(i["marks"], 2)),
    "marks_z": lambda i: tft.pad_lists(tft.scale_to_z_score(ndx.clip(i["marks"], -1e6, 1e6)), 3, 0.0),
    "marks_parts": lambda i: tft.pad_lists(tft.bucketize(i["marks"], 3), 3, -1),
    "marks_gone": lambda i: tft.pad_lists(tft.is_missing(i["marks"]), 3, value=True),
    "z": lambda i: tft.scale_to_z_score(i["y"]),
    "unit": lambda i: tft.scale_to_0_1(i["y"]),
    "buckets": lambda i: tft.bucketize(i["y"], 3),
    "z_key": lambda i: tft.scale_to_z_score_per_key(i["y"], i["w"]),
    "unit_key": lambda i: tft.scale_to_0_1_per_key(i["y"], i["n"]),
    "buckets_key": lambda i: tft.bucketize_per_key(i["y"], i["v"], 3),
    "imputed": lambda i: tft.impute(i["x"], "constant", 2.0)[0],
    "absent": lambda i: tft.impute(i["y"], "median")[1],
    "clipped": lambda i: tft.clip_outliers(i["y"]),
    "uniform": lambda i: tft.quantile_transform(i["y"], 20),
    "normal": lambda i: tft.quantile_transform(i["y"], 20, "normal"),
    "power": lambda i: tft.power_transform(i["y"]),
    "gauss": lambda i: tft.scale_to_gaussian(i["y"]),
    "inter": lambda i: tft.apply_buckets_with_interpolation(i["y"], tft.quantiles(i["y"], 5)),
    "density": lambda i: tft.estimated_probability_density(i["y"], 6),
    "shares": lambda i: tft.frequency_encode(i["v"]),
    "target": lambda i: tft.target_encode(i["w"], i["label"], fold_by=[i["n"], i["v"]]),
    "circle": lambda i: tft.cyclic(tft.date_part(i["t"], "hour"), 24),
    "month": lambda i: tft.date_part(i["t"], "month"),
    "week": lambda i: tft.date_part(i["t"], "week"),
    "parsed": lambda i: filled(tft.parse_number(i["v"])),
    "day": lambda i: tft.fill_missing(tft.date_part(tft.parse_date(i["v"]), "day"), 0),
    "length": lambda i: tft.fill_missing(tft.length(i["w"]), -1),
    "upper": lambda i: tft.hash_strings(tft.upper(i["v"]), 1000),
    "replaced": lambda i: tft.hash_strings(tft.replace(i["v"], "a", "é"), 1000),
    "extracted": lambda i: tft.compute_and_apply_vocabulary(tft.regex_extract(i["v"], r"\w"), num_oov_buckets=1),
    "hot": lambda i: tft.multi_hot(tft.hash_strings(tft.split(i["w"]), 8)),
    "bag": lambda i: tft.multi_hot(tft.hash_strings(tft.bag_of_words(tft.split(i["v"]), (1, 2)), 8), counts=True),
    "tfidf": lambda i: tft.pad_lists(tft.tfidf(ids(tft.split(i["v"])))[1], 4, 0.0),
    "words": lambda i: tft.pad_lists(ids(tft.split(i["v"], ",")), 3, 0),
    "items": lambda i: filled(tft.list_mean(tft.parse_number(tft.split(i["w"], ",")))),
    "stacked": lambda i: tft.list_sum(tft.stack([i["y"], i["n"]])),
    "pca": lambda i: tft.apply_pca(tft.stack([i["y"], i["n"]]), 1),
    "vectors": lambda i: tft.embedding_lookup(tft.date_part(i["t"], "weekday"), np.eye(7)),
    "approximate": lambda i: tft.compute_and_apply_approximate_vocabulary(i["v"], 3),
    "informative": lambda i: tft.compute_and_apply_vocabulary(i["v"], labels=i["label"], min_diff_from_avg=0.0),
    "crossed": lambda i: tft.cross([i["v"], i["n"]], 100),
}
# ONNX Runtime's Log rounds the tail of a batch by another last place of float64.
ROUNDED = {"normal", "power", "gauss"}


def numbers(x: pa.Array) -> np.ndarray[Any, Any]:
    return np.asarray(x.flatten() if pa.types.is_fixed_size_list(x.type) else x)


def same(one: pa.Array, other: pa.Array, name: str) -> bool:
    if one.equals(other):
        return True
    bound = 3e-7 if name in ROUNDED else 0.0
    return np.allclose(numbers(one), numbers(other), rtol=bound, atol=0.0, equal_nan=True)


@settings(deadline=None, max_examples=6, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    st.lists(st.sampled_from(sorted(MAPPERS)), min_size=1, max_size=3, unique=True),
    st.lists(ROW, min_size=1, max_size=9),
    st.integers(1, 9),
    st.integers(1, 3),
)
def test_a_batch_is_its_rows_and_any_cut_of_them(
    names: list[str], rows: list[dict[str, Any]], cut: int, workers: int
) -> None:
    # Words must be seen somewhere, or there is no vocabulary.
    table = pa.Table.from_pylist([WORDS, *rows], SCHEMA)
    optional = ("x", "w", "tags")

    def function(inputs: Any) -> dict[str, Any]:
        return {name: MAPPERS[name](inputs) for name in names}

    graph = tft.analyze(dataset_from_table(table), function, optional=optional)
    other = tft.analyze(dataset_from_table(table, cut), function, optional=optional, engine=LocalEngine(workers))
    batch = table.to_batches()[0]
    together = graph.transform_batch(batch)
    # Few rows go through a packed graph, which has the same bits.
    plain = graph.batch_transform()(batch)
    assert all(bits_equal(numbers(plain[name]), numbers(together[name])) for name in names)
    apart = [graph.transform_batch(batch.slice(at, 1)) for at in range(batch.num_rows)]
    cut_apart = other.transform_batch(batch)
    for name in names:
        alone = pa.concat_arrays([each[name] for each in apart])
        assert same(together[name], alone, name), name
        close = np.allclose(numbers(together[name]), numbers(cut_apart[name]), rtol=1e-6, atol=1e-6, equal_nan=True)
        assert close, name
    assert graph.transform_batch(batch.slice(0, 0)).num_rows == 0


@pytest.mark.parametrize("name", sorted(MAPPERS))
def test_each_mapper_on_its_own(name: str) -> None:
    random = np.random.default_rng(8)
    size = 70
    table = pa.table(
        {
            "x": [None, np.nan, *random.normal(size=size - 2)],
            "y": np.round(random.normal(size=size), 3),
            "n": random.integers(-3, 3, size),
            "w": [None, "", *random.choice(["a b", "1,2", "🎈 é a"], size - 2)],
            "v": random.choice(["a b", "1", "x,y,,z", "2024-02-29", "Ünï 🎈"], size),
            "t": pa.array(random.integers(0, 2**50, size), pa.timestamp("us")),
            "label": random.integers(0, 2, size),
            "tags": [None, [], [None], *(random.choice(["a", "b a", "🎈"], n).tolist() for n in range(size - 3))],
            "marks": [[None, 1.0], [], *(random.normal(size=n % 9).tolist() for n in range(size - 2))],
        }
    )
    graph = tft.analyze(dataset_from_table(table, 16), lambda i: {name: MAPPERS[name](i)})
    onnx.checker.check_model(graph.to_onnx(), full_check=True)
    batch = table.to_batches()[0]
    together = graph.transform_batch(batch)[name]
    alone = pa.concat_arrays([graph.transform_batch(batch.slice(at, 1))[name] for at in range(size)])
    assert same(together, alone, name)
    assert graph.transform_batch(batch.slice(0, 0)).num_rows == 0
