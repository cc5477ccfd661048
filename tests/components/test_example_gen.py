from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import headrace as hr
from headrace.components import Examples, example_gen
from headrace.errors import DataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from headrace.data import CsvSource

    Describe = Callable[..., CsvSource]


def test_given_splits_keep_their_names_and_every_row(examples: Examples) -> None:
    assert examples.splits == ["train", "eval", "test"]
    rows = {split: examples.split(split).count_rows() for split in examples.splits}
    assert rows == examples.summary["rows"] == examples.properties["rows"]
    assert rows["train"] + rows["eval"] == 2000
    assert rows["test"] == 1000
    assert examples.summary["rows_read"] == 3000
    assert 0.75 < rows["train"] / 2000 < 0.85
    assert examples.unreadable() is None


def test_without_splits_there_is_one(folder: Path, source: Describe) -> None:
    examples = example_gen(source(folder / "adult.data"))
    assert examples.summary["rows"] == {"all": 2000}


def test_rows_go_to_a_split_by_their_content_alone(folder: Path, source: Describe, tmp_path: Path) -> None:
    lines = (folder / "adult.data").read_text("utf-8").splitlines(keepends=True)
    (tmp_path / "backwards.csv").write_text("".join(reversed(lines)), "utf-8")
    splits = {"train": 3, "eval": 1}
    one = example_gen(source(folder / "adult.data"), splits=splits)
    other = example_gen(source(tmp_path / "backwards.csv"), splits=splits)
    for split in splits:
        rows = one.split(split).to_table().to_pylist()
        assert sorted(map(str, rows)) == sorted(map(str, other.split(split).to_table().to_pylist()))


def test_rows_of_one_key_stay_together(folder: Path, source: Describe) -> None:
    examples = example_gen(source(folder / "adult.data"), splits={"train": 1, "eval": 1}, by=["age", "education"])
    keys = [
        {(row["age"], row["education"]) for row in examples.split(split).to_table(["age", "education"]).to_pylist()}
        for split in ("train", "eval")
    ]
    assert all(keys)
    assert not keys[0] & keys[1]


def test_unreadable_rows_are_counted_and_kept_for_every_source(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,age\n1,30\n2\n3,40\n", "utf-8")
    (tmp_path / "b.csv").write_text("id,age\n4,50\n5,60,70\n", "utf-8")
    examples = example_gen({"train": hr.csv(tmp_path / "a.csv"), "eval": hr.csv(tmp_path / "b.csv")})
    assert examples.summary["rows"] == {"train": 2, "eval": 1}
    assert examples.summary["rows_set_aside"] == 2
    kept = examples.unreadable()
    assert kept is not None
    rows = kept.to_table().to_pylist()
    assert sorted(row["text"].strip() for row in rows) == ["2", "5,60,70"]
    shown = examples.summary["unreadable"]
    assert [(one["file"].rpartition("/")[2], one["row"]) for one in shown] == [("a.csv", 3), ("b.csv", 3)]
    assert "unreadable" not in examples.properties


@pytest.mark.parametrize(("allowed", "stops"), [(0, True), (1, False), (0.1, True), (0.5, False), (None, False)])
def test_too_many_unreadable_rows_stop_the_run(tmp_path: Path, allowed: float | None, stops: bool) -> None:
    (tmp_path / "a.csv").write_text("id,age\n1,30\n2\n3,40\n", "utf-8")
    if stops:
        with pytest.raises(DataError, match=r"1 of 3.*row 3"):
            example_gen(hr.csv(tmp_path / "a.csv"), max_bad_rows=allowed)
    else:
        assert example_gen(hr.csv(tmp_path / "a.csv"), max_bad_rows=allowed).summary["rows_set_aside"] == 1


def test_sources_agree_about_types(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x\n1\n2\n", "utf-8")
    (tmp_path / "b.csv").write_text("x\n1.5\n", "utf-8")
    examples = example_gen({"train": hr.csv(tmp_path / "a.csv"), "eval": hr.csv(tmp_path / "b.csv")})
    assert examples.split("train").schema == examples.split("eval").schema
    assert examples.split("train").to_table().to_pydict() == {"x": [1.0, 2.0]}


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        ({"trian": {"train": 8, "eval": 2}}, "Did you mean 'train'"),
        ({"train": 8}, "how much goes to each split"),
        ({"train": {"a": "8"}}, "how much goes to each split"),
        ({"train": {"test": 1, "more": 1}}, "name of its own; got test"),
        ({"train": {"../up": 1}}, "name of a folder"),
        ({"train": {"unreadable": 1, "b": 1}}, "name of a folder"),
    ],
)
def test_splits_that_do_not_fit_named_sources(folder: Path, source: Describe, splits: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        example_gen({"train": source(folder / "adult.data"), "test": source(folder / "adult.test")}, splits=splits)


def test_splits_that_do_not_fit_one_source(folder: Path, source: Describe) -> None:
    with pytest.raises(UsageError, match=r'Write \{"train": 8, "eval": 2\}'):
        example_gen(source(folder / "adult.data"), splits={"train": {"train": 8, "eval": 2}})
    with pytest.raises(UsageError, match="by names the key"):
        example_gen(source(folder / "adult.data"), by=["age"])
    with pytest.raises(UsageError, match="At least one source"):
        example_gen({})


def test_an_unknown_split_says_which_there_are(examples: Examples) -> None:
    with pytest.raises(DataError, match="Did you mean 'train'"):
        examples.split("trian")


def test_examples_map_to_new_examples(examples: Examples) -> None:
    shorter = examples.map(lambda batch: batch.select(["age"]))
    assert shorter.splits == examples.splits
    assert shorter.summary["rows"] == examples.summary["rows"]
    assert shorter.split("eval").columns == ["age"]
    assert shorter.split("eval").to_table() == examples.split("eval").to_table(["age"])


def test_the_spans_that_were_read_are_kept(tmp_path: Path) -> None:
    for name in ("day-1-v1", "day-2-v1", "day-2-v2", "day-3-v1"):
        (tmp_path / f"{name}.csv").write_text("x\n1\n", "utf-8")
    pattern = tmp_path / "day-{SPAN}-v{VERSION}.csv"
    examples = example_gen({"train": hr.csv(pattern, spans=(1, 2)), "eval": hr.csv(tmp_path / "day-3-v1.csv")})
    read = [(one.span, one.version, one.name.rpartition("/")[2]) for one in examples.spans["train"]]
    assert read == [(1, 1, "day-1-v1.csv"), (2, 2, "day-2-v2.csv")]
    assert list(examples.spans) == list(examples.properties["spans"]) == ["train"]


def test_without_spans_none_are_said(examples: Examples) -> None:
    assert examples.spans == {}
    assert "spans" not in examples.properties
