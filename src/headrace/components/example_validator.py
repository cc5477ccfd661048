"""Where the data does not fit its schema, or has drifted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from headrace.components.artifacts import ExampleAnomalies, ExampleStatistics, Schema
from headrace.errors import AnomaliesFound, UsageError, did_you_mean
from headrace.pipeline import component

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["example_validator"]


@component
def example_validator(
    statistics: ExampleStatistics,
    schema: Schema,
    *,
    previous: ExampleStatistics | None = None,
    environment: str | None = None,
    splits: Sequence[str] | None = None,
    stop_on: Literal["error", "warning", "never"] = "error",
) -> ExampleAnomalies:
    """Compare the statistics with the schema.

    Parameters
    ----------
    statistics
        Of the data to validate, split by split.
    schema
        What the data should look like.
    previous
        Statistics of an earlier span; drift is measured where the schema has thresholds for it.
    environment
        The schema's environment, for example ``"serving"`` where the label is absent.
    splits
        All of them by default.
    stop_on
        The mildest severity that ends the run as found wanting. The anomalies are kept in any case.

    Raises
    ------
    AnomaliesFound
        If there are anomalies of that severity.
    """
    from headrace.validation import validate_statistics

    severities = ("error", "warning", "never")
    if stop_on not in severities:
        raise UsageError(
            "stop_on is error, warning or never",
            got=stop_on,
            where="example_validator",
            fix=did_you_mean(str(stop_on), severities),
        )
    given = statistics.load()
    anomalies = validate_statistics(
        given.only(*splits) if splits else given,
        schema.load(),
        environment=environment,
        previous=None if previous is None else previous.load(),
    )
    result = ExampleAnomalies.create()
    anomalies.save(result.path / "anomalies.json")
    result.properties |= {"errors": len(anomalies.errors), "warnings": len(anomalies.warnings)}
    stopping = {"error": anomalies.errors, "warning": anomalies.anomalies, "never": ()}[stop_on]
    if stopping:
        shown = "; ".join(str(one).rstrip(".") for one in stopping[:3])
        more = f"; and {len(stopping) - 3} more" if len(stopping) > 3 else ""
        raise AnomaliesFound(
            "The data must fit its schema",
            got=shown + more,
            where="example_validator",
            fix="Mend the data, or accept what is right in the curated schema",
        )
    return result
