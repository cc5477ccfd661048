"""Whether thresholds are met, and how a result differs from a baseline."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from headrace.errors import EvaluationError
from headrace.evaluation.config import Threshold
from headrace.evaluation.result import Check, Difference, EvalResult, SliceResult

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from headrace.evaluation.config import EvalConfig

__all__ = ["check_thresholds", "compare_results"]


def compare_results(result: EvalResult, baseline: EvalResult) -> tuple[Difference, ...]:
    """Return the differences of all metrics that both have, by slice.

    Raises
    ------
    EvaluationError
        If the two were not evaluated on the same rows.
    """
    if result.task != baseline.task:
        raise EvaluationError("A baseline has the same task", got=f"{result.task} and {baseline.task}")
    if result.data != baseline.data:
        raise EvaluationError(
            "A baseline is evaluated on the same rows, for only then its differences tell about the models",
            got=f"{result.overall.rows} rows, baseline {baseline.overall.rows}, with different labels",
            fix="Hand in the baseline model instead of its result: it is evaluated again, on these rows",
        )
    theirs = {one.name: one.metrics for one in (baseline.overall, *baseline.slices)}
    return tuple(
        Difference(name, one.name, value.value, theirs[one.name][name].value)
        for one in (result.overall, *result.slices)
        for name, value in one.metrics.items()
        if name in theirs.get(one.name, {})
        and math.isfinite(value.value)
        and math.isfinite(theirs[one.name][name].value)
    )


def check_thresholds(result: EvalResult, config: EvalConfig) -> tuple[Check, ...]:
    """Return a check for each threshold, over all rows first and then by slice."""
    checks: list[Check] = []
    differences = {(one.metric, one.slice): one.change for one in result.differences}
    for given in (config.thresholds, config.change_thresholds):
        checks += _checks(result.overall, given, differences, has_baseline=result.baseline is not None)
    for key, given in config.slice_thresholds.items():
        found = [one for one in result.slices if _is_meant(one, key)]
        for one in found:
            if one.rows >= config.min_slice_rows:
                checks += _checks(one, given, differences, has_baseline=result.baseline is not None)
        if not found and "=" in key:
            # A slice that somebody vouches for, and that nobody has seen, is not fine.
            checks += [
                Check(name, key, rule, None, bound, ok=False, note="has no rows")
                for name, threshold in given.items()
                for rule, bound in Threshold.of(threshold, key).to_dict().items()
            ]
    return tuple(checks)


def _is_meant(one: SliceResult, key: str) -> bool:
    return key in ("*", one.name, ", ".join(column for column, _ in one.key))


def _checks(
    one: SliceResult,
    thresholds: Mapping[str, Any],
    differences: Mapping[tuple[str, str], float],
    *,
    has_baseline: bool,
) -> Iterator[Check]:
    for name, threshold in thresholds.items():
        found = one.metrics[name]
        for rule, bound in Threshold.of(threshold, name).to_dict().items():
            note = f"has no value, because {found.reason}" if found.reason else None
            if rule.endswith("change"):
                value = differences.get((name, one.name))
                if not has_baseline:
                    yield Check(name, one.name, rule, None, bound, ok=True, note="has no baseline")
                    continue
                note = note or "has no value to compare with"
            else:
                value = found.value if math.isfinite(found.value) else None
                note = note or "is beyond the range of numbers"
            met = value is not None and (value >= bound if rule.startswith("min") else value <= bound)
            yield Check(name, one.name, rule, value, bound, ok=met, note=note if value is None else None)
