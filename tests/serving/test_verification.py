"""The proof that every path answers the same."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from headrace.errors import RequestError
from headrace.serving import verification, verify

if TYPE_CHECKING:
    from pathlib import Path


def test_every_path_has_the_same_bits(model: Path, graphs: Any) -> None:
    rows = graphs.rows(130)
    report = verify(model, pa.Table.from_pylist(rows), batch_sizes=(1, 7, None))
    assert report.ok, str(report)
    assert {item.path for item in report.comparisons} == {
        "batch",
        "REST rows",
        "REST columns",
        "onnxruntime",
        "Python against all rows at once",
    }
    same = [item for item in report.comparisons if "against" not in item.path]
    assert len(same) == 12
    assert all(item.identical for item in same)
    assert json.dumps(report.to_dict())
    assert str(report).startswith("Same on every path, 130 rows")


def test_a_vector_tail_is_named(make_model: Any, graphs: Any, tmp_path: Path) -> None:
    report = verify(make_model(tmp_path / "m", log=True), graphs.rows(130), batch_sizes=(1, None))
    across = [item for item in report.comparisons if "against" in item.path]
    assert report.ok, str(report)
    assert all(operator.startswith("Log (") for item in across for operator in item.operators)


def test_a_path_that_differs_is_found(model: Path, graphs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    feeds = verification._plain_feeds

    def wrong(rows: Any, signature: Any) -> Any:
        made = feeds(rows, signature)
        made["age"][-1] += 1
        return made

    monkeypatch.setattr(verification, "_plain_feeds", wrong)
    report = verify(model, graphs.rows(5), batch_sizes=(None,))
    assert not report.ok
    (bad,) = [item for item in report.comparisons if not item.ok]
    assert (bad.path, bad.output) == ("onnxruntime", "probabilities")
    assert "row 4" in (bad.difference or "")
    assert "DIFFERENT" in str(report)


def test_rows_with_nan_are_left_out(model: Path, graphs: Any) -> None:
    rows = graphs.rows(4)
    rows[1]["hours"] = float("inf")
    assert verify(model, rows, batch_sizes=(2,)).rows_left_out == 1
    with pytest.raises(RequestError):
        verify(model, rows[1:2])
