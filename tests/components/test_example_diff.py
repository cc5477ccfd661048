from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pytest

import headrace as hr
from headrace.components import ExamplesDiff, example_diff, example_gen
from headrace.errors import AnomaliesFound, DataError, UsageError
from headrace.web.artifact_views import show_artifact

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.components import Examples


@pytest.fixture
def baseline(tmp_path: Path) -> Examples:
    """Return a snapshot of forty rows in two splits."""
    (tmp_path / "rows.csv").write_text("id,x\n" + "".join(f"{i},{i * 10}\n" for i in range(40)))
    return example_gen(hr.csv(tmp_path / "rows.csv"), splits={"train": 1, "eval": 1})


def later(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Add one to x where the id is below 10."""
    small = pc.less(batch.column(0), 10)
    changed = pc.if_else(small, pc.add(batch.column(1), 1), batch.column(1))
    return pa.RecordBatch.from_arrays([batch.column(0), changed], schema=batch.schema)


def test_rows_that_differ_are_counted_split_by_split(baseline: Examples) -> None:
    diff = example_diff(baseline, baseline.map(later), keys=["id"])
    assert isinstance(diff, ExamplesDiff)
    splits = [diff.load(name) for name in baseline.splits]
    assert sum(found.pairs for found in splits) == 40
    assert sum(found["x"].mismatch_count for found in splits) == 10
    assert diff.properties["skewed_train"] == int(bool(splits[0].skewed))
    page = show_artifact("ExamplesDiff", diff.path)
    assert ">train<" in page
    assert ">x<" in page
    with pytest.raises(DataError, match="test"):
        diff.load("test")


def test_too_many_differences_stop_the_run(baseline: Examples) -> None:
    same = example_diff(baseline, baseline.map(lambda batch: batch), keys=["id"], max_skewed=0.0)
    assert same.properties == {"skewed_train": 0, "skewed_eval": 0}
    with pytest.raises(AnomaliesFound, match=r"x in .* pairs of"):
        example_diff(baseline, baseline.map(later), keys=["id"], max_skewed=0.01)


def test_wrong_requests(baseline: Examples) -> None:
    with pytest.raises(UsageError, match="max_skewed"):
        example_diff(baseline, baseline, keys=["id"], max_skewed=2.0)
    with pytest.raises(UsageError, match="Did you mean 'train'"):
        example_diff(baseline, baseline, keys=["id"], splits=["trian"])
