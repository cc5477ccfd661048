from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.evaluation.fold import Plan, SliceFold
from headrace.metrics import MetricSettings, get_metric

if TYPE_CHECKING:
    import numpy.typing as npt

    from headrace.metrics import Task

TASK: Task = "binary_classification"


@dataclass(frozen=True)
class Columns:
    def read(self, batch: pa.RecordBatch) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], None]:
        return batch["label"].to_numpy(), batch["prediction"].to_numpy(), None


METRICS = tuple(get_metric(name, TASK) for name in ("auc", "accuracy", "log_loss"))
PLAN = Plan(Columns(), METRICS, MetricSettings(), (("g",), ("g", "h")), 1000)


def batch_of(seed: int, rows: int = 600, groups: int = 40) -> pa.RecordBatch:
    generator = np.random.default_rng(seed)
    label = (generator.random(rows) < 0.5).astype(float)
    label[generator.random(rows) < 0.05] = np.nan
    return pa.record_batch(
        {
            "label": label,
            "prediction": generator.random(rows),
            "g": generator.integers(0, groups, rows),
            "h": generator.integers(0, 2, rows),
        }
    )


def values(fold: SliceFold) -> list[Any]:
    groups = [((), fold.overall), *fold.result()]
    return [
        (key, group.rows, [repr(one.value(group.state_of(METRICS, one))) for one in METRICS]) for key, group in groups
    ]


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 100), cuts=st.lists(st.integers(0, 600), max_size=4), travel=st.booleans())
def test_parts_merge_to_the_same_in_any_order(seed: int, cuts: list[int], travel: bool) -> None:
    batch = batch_of(seed)
    whole = SliceFold(PLAN)
    whole.update(batch)
    edges = [0, *sorted(cuts), 600]
    parts = []
    for start, stop in zip(edges, edges[1:], strict=False):  # noqa: RUF007 - slices of one batch
        part = SliceFold(PLAN)
        part.update(batch.slice(start, stop - start))
        parts.append(pickle.loads(pickle.dumps(part)) if travel else part)
    total = SliceFold(PLAN)
    for part in reversed(parts):
        total.merge(part)
    assert values(total) == values(whole)
    assert total.data_digest() == whole.data_digest()
    assert total.rows_without_label == whole.rows_without_label > 0


def test_digest_tells_labels_apart() -> None:
    digests = set()
    for seed in range(5):
        fold = SliceFold(PLAN)
        fold.update(batch_of(seed))
        digests.add(fold.data_digest())
    assert len(digests) == 5
