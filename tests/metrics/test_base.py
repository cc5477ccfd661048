from __future__ import annotations

import math

import numpy as np

from headrace.metrics import Examples, MetricValue


def test_rows_are_taken_together() -> None:
    examples = Examples(np.arange(4.0), np.arange(4.0) / 4, np.array([1.0, 2.0, 3.0, 4.0]))
    found = examples.take(slice(1, 3))
    assert len(found) == 2
    assert found.weight is not None
    assert found.weight.tolist() == [2.0, 3.0]
    assert Examples(examples.label, examples.prediction).take(np.array([3, 0])).label.tolist() == [3.0, 0.0]


def test_values_survive_json() -> None:
    for value in (
        MetricValue(0.5, 0.4, 0.6),
        MetricValue(math.inf),
        MetricValue(0.25, error_bound=1e-9),
    ):
        assert MetricValue.from_dict(value.to_dict()) == value
    undefined = MetricValue.undefined("nothing there")
    assert undefined.to_dict() == {"value": None, "reason": "nothing there"}
    assert math.isnan(MetricValue.from_dict(undefined.to_dict()).value)
