from __future__ import annotations

import pickle
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import csv
from scipy.stats.contingency import association

from headrace.data import dataset_from_table
from headrace.engines import LocalEngine
from headrace.errors import UsageError
from headrace.statistics import CrossFeatureStatistics, DatasetStatistics, generate_statistics
from headrace.statistics.cross import cramers_v
from headrace.statistics.joint import JointAccumulator, plan_joint
from headrace.statistics.label import entropy, mutual_information
from headrace.statistics.options import StatsOptions

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import CensusSource

LN2 = np.log(2.0)


@pytest.fixture(scope="module")
def census(census_source: CensusSource) -> pa.Table:
    return census_source("adult.data").dataset().to_table()


@pytest.fixture(scope="module")
def flights(flights_dir: Path) -> pa.Table:
    with zipfile.ZipFile(flights_dir / "flights.csv.zip") as archive, archive.open(archive.namelist()[0]) as file:
        options = csv.ConvertOptions(null_values=["", "NA"], strings_can_be_null=True)
        table = csv.read_csv(file, convert_options=options)
    # Every fifth flight of the year, which is quicker.
    return table.take(np.arange(0, table.num_rows, 5))


def pair(dataset: DatasetStatistics, x: str, y: str) -> CrossFeatureStatistics:
    (found,) = [one for one in dataset.cross_features if (one.path_x, one.path_y) == (x, y)]
    return found


def leaks(table: Any, label: str, **more: Any) -> set[str]:
    dataset = generate_statistics(table, label_feature=label, **more)["data"]
    return {feature.name for feature in dataset.features if feature.label is not None and feature.label.leakage}


def test_numbers_agree_with_pandas(flights: pa.Table) -> None:
    names = ["dep_delay", "arr_delay", "air_time", "distance", "hour"]
    table = flights.select(names)
    dataset = generate_statistics(dataset_from_table(table, 50_000), cross_features=True)["data"]
    frame = table.to_pandas()
    correlation = frame.corr()
    for one in dataset.cross_features:
        both = frame[[one.path_x, one.path_y]].dropna()
        assert one.count == len(both)
        assert one.correlation == pytest.approx(correlation.loc[one.path_x, one.path_y], rel=1e-9)
        assert one.covariance == pytest.approx(np.cov(both.T.to_numpy(), ddof=0)[0, 1], rel=1e-9)
        assert (one.cramers_v, one.correlation_ratio, one.lift) == (None, None, ())
    assert len(dataset.cross_features) == 10


def test_categories_and_numbers_agree_with_their_definitions(census: pa.Table) -> None:
    table = census.select(["age", "occupation", "sex", "education_num"])
    dataset = generate_statistics(dataset_from_table(table, 5_000), cross_features=True)["data"]
    frame = table.to_pandas()

    counts = pd.crosstab(frame["occupation"], frame["sex"])
    found = pair(dataset, "occupation", "sex")
    assert found.count == counts.to_numpy().sum()
    phi = association(counts.to_numpy(), method="cramer") ** 2 * (min(counts.shape) - 1)
    n = found.count
    r, k = counts.shape
    corrected = max(0.0, phi - (r - 1) * (k - 1) / (n - 1))
    least = min(r - (r - 1) ** 2 / (n - 1), k - (k - 1) ** 2 / (n - 1)) - 1
    assert found.cramers_v == pytest.approx(np.sqrt(corrected / least))
    first, second, lift = found.lift[0]
    shares = counts.to_numpy() / n
    expected = shares / (shares.sum(axis=1, keepdims=True) * shares.sum(axis=0, keepdims=True))
    assert lift == pytest.approx(expected.max())
    assert expected[list(counts.index).index(first), list(counts.columns).index(second)] == pytest.approx(lift)

    for x, y, number, category in (
        ("age", "occupation", "age", "occupation"),
        ("occupation", "education_num", "education_num", "occupation"),
    ):
        known = frame[[number, category]].dropna()
        groups = known.groupby(category)[number]
        between = (groups.size() * (groups.mean() - known[number].mean()) ** 2).sum()
        ratio = np.sqrt(between / ((known[number] - known[number].mean()) ** 2).sum())
        mixed = pair(dataset, x, y)
        assert mixed.correlation_ratio == pytest.approx(ratio)
        assert mixed.count == len(known)


def test_the_correction_takes_chance_away() -> None:
    rng = np.random.default_rng(0)
    counts = np.zeros((30, 30), np.int64)
    np.add.at(counts, (rng.integers(0, 30, 3_000), rng.integers(0, 30, 3_000)), 1)
    found = cramers_v(counts)
    assert found is not None
    assert found < 0.05 < association(counts, method="cramer")
    assert cramers_v(np.diag([5, 7, 9])) == pytest.approx(1.0)
    assert cramers_v(np.array([[5, 7]])) is None


def test_what_is_not_finite_or_missing_is_left_out() -> None:
    table = pa.table(
        {
            "x": [1.0, 2.0, None, float("nan"), float("inf"), 4.0],
            "y": [2.0, 4.0, 1.0, 1.0, 1.0, 8.0],
            "c": ["a", "a", "b", "b", None, "c"],
        }
    )
    dataset = generate_statistics(table, cross_features=True)["data"]
    assert pair(dataset, "x", "y").count == 3
    assert pair(dataset, "x", "y").correlation == pytest.approx(1.0)
    assert pair(dataset, "x", "c").count == 3
    assert pair(dataset, "y", "c").count == 5


def test_constants_have_no_correlation() -> None:
    dataset = generate_statistics({"x": [3.0] * 20, "y": list(range(20)), "c": ["a"] * 20}, cross_features=True)["data"]
    assert pair(dataset, "x", "y").correlation is None
    assert pair(dataset, "x", "c").correlation_ratio is None
    assert pair(dataset, "y", "c").correlation_ratio == 0.0


def test_pairs_can_be_named(census: pa.Table) -> None:
    dataset = generate_statistics(census, cross_features=[("sex", "age"), ("age", "fnlwgt")])["data"]
    assert [(one.path_x, one.path_y) for one in dataset.cross_features] == [("sex", "age"), ("age", "fnlwgt")]
    with pytest.raises(UsageError, match="Did you mean 'age'"):
        generate_statistics(census, cross_features=[("agee", "sex")])
    with pytest.raises(UsageError, match="two features"):
        generate_statistics(census, cross_features=[("age", "age")])
    wide = pa.table({f"c{at}": [1.0, 2.0] for at in range(70)})
    with pytest.raises(UsageError, match="at most 2,000 pairs"):
        generate_statistics(wide, cross_features=True)


def test_ids_and_texts_take_no_part_and_fields_of_structs_do() -> None:
    table = pa.table(
        {
            "id": [f"u{at}" for at in range(5_000)],
            "s": [{"n": at % 7, "w": "ab"[at % 2]} for at in range(5_000)],
            "l": [[at] for at in range(5_000)],
        }
    )
    dataset = generate_statistics(table, cross_features=True)["data"]
    assert [(one.path_x, one.path_y) for one in dataset.cross_features] == [("s.n", "s.w")]
    with pytest.raises(UsageError, match="numbers and categories"):
        generate_statistics(table, cross_features=[("id", "s.n")])


def test_entropy_and_information() -> None:
    counts = np.array([[30, 10], [5, 55]])
    shares = counts / counts.sum()
    plain = -(shares * np.log2(shares)).sum()
    assert entropy(counts.ravel()) == pytest.approx(plain + 3 / (2 * 100 * LN2))
    rng = np.random.default_rng(3)
    table = np.zeros((40, 2), np.int64)
    np.add.at(table, (rng.integers(0, 40, 2_000), rng.integers(0, 2, 2_000)), 1)
    # Without the correction, chance alone has 39 / (2 * 2,000 * ln 2) = 0.014 bits.
    assert mutual_information(table) < 0.005
    assert mutual_information(np.diag([50, 50])) == pytest.approx(1.0 + (1 + 1 - 1) / (200 * LN2))


def test_the_score_of_one_feature_agrees_with_the_ranking_that_it_makes(census: pa.Table) -> None:
    dataset = generate_statistics(census, label_feature="income")["data"]
    assert dataset["income"].label is None
    label = dataset["sex"].label
    assert label is not None
    rich = pc.equal(census["income"], ">50K").to_numpy(zero_copy_only=False)
    man = pc.equal(census["sex"], "Male").to_numpy(zero_copy_only=False)
    area = 0.5 * (1.0 + man[rich].mean() - man[~rich].mean())
    assert label.score == pytest.approx(area, abs=1e-3)
    assert label.normalized == pytest.approx(0.037 / 0.796, rel=0.02)
    numbers = generate_statistics(census, label_feature="age", columns=["age", "marital_status"])["data"]
    frame = census.select(["age", "marital_status"]).to_pandas()
    means = frame.groupby("marital_status")["age"].transform("mean")
    determined = 1.0 - ((frame["age"] - means) ** 2).sum() / ((frame["age"] - frame["age"].mean()) ** 2).sum()
    assert numbers["marital_status"].label is not None
    assert numbers["marital_status"].label.score == pytest.approx(determined, abs=2e-3)


def test_census_has_no_leak_and_a_code_of_the_label_is_one(census: pa.Table) -> None:
    assert leaks(census, "income") == set()
    rich = pc.equal(census["income"], ">50K")
    noise = np.random.default_rng(1).normal(0.0, 0.1, census.num_rows)
    table = (
        census.append_column("copy", census["income"])
        .append_column("code", pc.if_else(rich, "A7", "B2"))
        .append_column("flag", rich)
        .append_column("number", pc.if_else(rich, 7, 3))
        .append_column("score", pc.add(rich.cast(pa.float64()), pa.array(noise)))
        .append_column("paid_out", pc.if_else(rich, pa.scalar("yes"), pa.scalar(None, pa.string())))
    )
    wanted = {"copy", "code", "flag", "number", "score", "paid_out"}
    assert leaks(table, "income") == wanted
    assert leaks(table, "flag") == wanted - {"flag"} | {"income"}
    dataset = generate_statistics(table, label_feature="income", columns=["income", "paid_out", "code"])["data"]
    for name, said in (("paid_out", "From whether it is missing alone"), ("code", "From its values alone")):
        label = dataset[name].label
        assert label is not None
        assert said in label.reason
        assert "area under the ROC curve of 1.0" in label.reason


def test_flights_have_only_real_leaks(flights: pa.Table) -> None:
    table = flights.append_column("late", pc.greater(flights["arr_delay"], 15)).append_column(
        "cancelled", pc.is_null(flights["dep_time"])
    )
    table = table.append_column("hours_late", pc.divide(flights["arr_delay"].cast(pa.float64()), 60.0))
    assert leaks(table.drop(["cancelled"]), "late") == {"arr_delay", "hours_late"}
    times = {"dep_time", "dep_delay", "arr_time", "arr_delay", "air_time"}
    assert leaks(table.drop(["late", "hours_late"]), "cancelled") == times
    assert leaks(table.drop(["cancelled", "late"]), "arr_delay") == {"hours_late"}
    assert leaks(table.drop(["arr_delay", "hours_late", "cancelled"]), "late") == set()


def test_classes_are_numbers_too() -> None:
    rng = np.random.default_rng(2)
    stars = rng.integers(1, 6, 4_000)
    table = pa.table(
        {
            "stars": stars,
            "grade": pa.array(["_EDCBA"[at] for at in stars.tolist()]),
            "guess": np.where(rng.random(4_000) < 0.5, stars, rng.integers(1, 6, 4_000)),
            "one": ["x"] * 4_000,
        }
    )
    assert leaks(table, "grade") == {"stars"}
    dataset = generate_statistics(table, label_feature="grade")["data"]
    assert dataset["guess"].label is not None
    assert dataset["guess"].label.score == pytest.approx(0.6, abs=0.03)
    assert dataset["one"].label is not None
    assert (dataset["one"].label.mutual_information, dataset["one"].label.normalized) == (0.0, 0.0)


def test_a_few_rows_and_ids_are_no_leak() -> None:
    rng = np.random.default_rng(4)
    for rows in (20, 150, 3_000):
        table = pa.table(
            {
                "label": np.where(rng.random(rows) < 0.3, "yes", "no").tolist(),
                "id": [f"u{at}" for at in range(rows)],
                "number": rng.normal(size=rows),
                "code": rng.integers(0, rows // 4, rows).astype(str).tolist(),
            }
        )
        assert leaks(table, "label") == set()


def test_labels_that_are_no_labels_are_refused() -> None:
    with pytest.raises(UsageError, match="class or a number"):
        generate_statistics({"id": [f"u{at}" for at in range(5_000)], "x": [1] * 5_000}, label_feature="id")
    with pytest.raises(UsageError, match="among the columns"):
        generate_statistics({"y": [1, 2], "x": [1, 2]}, label_feature="y", columns=["x"])


def test_slices_have_pairs_and_labels_of_their_own(census: pa.Table) -> None:
    statistics = generate_statistics(
        census, slices=["sex"], label_feature="income", cross_features=[("age", "hours_per_week")]
    )
    women = statistics.get_slice("sex=Female")
    frame = census.to_pandas()
    frame = frame[frame["sex"] == "Female"]
    assert pair(women, "age", "hours_per_week").correlation == pytest.approx(frame["age"].corr(frame["hours_per_week"]))
    assert women["sex"].label is not None
    assert women["sex"].label.mutual_information == 0.0


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b", None]),
            st.one_of(st.none(), st.integers(-9, 9)),
            st.booleans(),
            st.one_of(st.none(), st.floats(-1e3, 1e3), st.just(float("nan"))),
        ),
        min_size=1,
        max_size=50,
    ),
    st.integers(1, 30),
)
@settings(max_examples=40, deadline=None)
def test_every_cut_gives_the_same(rows: list[tuple[Any, ...]], cut: int) -> None:
    table = pa.table(
        {
            "c": pa.array([row[0] for row in rows], pa.string()),
            "n": pa.array([row[1] for row in rows], pa.int64()),
            "b": pa.array([row[2] for row in rows]),
            "f": pa.array([row[3] for row in rows], pa.float64()),
        }
    )
    one, many = (
        generate_statistics(
            dataset_from_table(table, size), cross_features=True, label_feature="b", engine=LocalEngine(threads)
        )["data"]
        for size, threads in ((1_000, 1), (cut, 2))
    )
    for first, second in zip(one.cross_features, many.cross_features, strict=True):
        assert (first.path_x, first.path_y, first.count) == (second.path_x, second.path_y, second.count)
        assert (first.cramers_v, first.lift) == (second.cramers_v, second.lift)
        if first.covariance is None:
            assert second.covariance is None
        else:
            assert second.covariance == pytest.approx(first.covariance, rel=1e-9, abs=1e-9)
    for name in "cnf":
        before, after = one[name].label, many[name].label
        assert before is not None
        assert after is not None
        assert (before.mutual_information, before.leakage) == (after.mutual_information, after.leakage)
        assert after.score == pytest.approx(before.score)


def test_accumulators_can_travel(census: pa.Table) -> None:
    options = StatsOptions(label_feature="income", cross_features=True)
    first = generate_statistics(census)["data"]
    plan = plan_joint(first, census.schema, options)
    whole, *parts = (JointAccumulator(census.schema, plan, options) for _ in range(3))
    for at, batch in enumerate(dataset_from_table(census, 8_000).batches()):
        parts[at % 2].update(batch)
        whole.update(batch)
    travelled = pickle.loads(pickle.dumps(parts[0]))
    travelled.merge(parts[1])
    one, other = travelled.result(), whole.result()
    assert [(pair.path_x, pair.path_y, pair.count, pair.lift) for pair in one] == [
        (pair.path_x, pair.path_y, pair.count, pair.lift) for pair in other
    ]
