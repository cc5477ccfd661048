"""Where the data does not fit its schema, or has drifted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from headrace.components.artifacts import ExampleAnomalies, Examples, ExampleStatistics, Schema
from headrace.errors import AnomaliesFound, UsageError, did_you_mean
from headrace.pipeline import component

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["example_validator"]


@component
def example_validator(
    statistics: ExampleStatistics,
    schema: Schema,
    *,
    previous: ExampleStatistics | None = None,
    serving: ExampleStatistics | None = None,
    previous_version: ExampleStatistics | None = None,
    examples: Examples | None = None,
    environment: str | None = None,
    splits: Sequence[str] | None = None,
    slices: bool = False,
    severity: Mapping[str, Literal["error", "warning", "off"]] | None = None,
    significance: float | None = None,
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
    serving
        Statistics of what is served; skew is measured where the schema has thresholds for it.
    previous_version
        Statistics of the previous version of the same span; its number of rows is compared.
    examples
        The data itself, where rows are to be checked too: rules that statistics cannot tell are found, and the rows
        that break a rule are kept beside the anomalies, with the reasons.
    environment
        The schema's environment, for example ``"serving"`` where the label is absent.
    splits
        All of them by default.
    slices
        Whether the slices that the statistics have are checked too, each against the slice of the same key in other
        data.
    severity
        Severities other than usual, by ``rule`` or ``feature:rule`` with wildcards: ``error``, ``warning``, ``off``.
    significance
        Drift and skew that chance alone would make more often than this are warnings; not tested by default.
    stop_on
        The mildest severity that ends the run as found wanting. The anomalies are kept in any case.

    Raises
    ------
    AnomaliesFound
        If there are anomalies of that severity.
    """
    from headrace.validation import Anomalies, validate_corresponding_slices, validate_examples, validate_statistics

    severities = ("error", "warning", "never")
    if stop_on not in severities:
        raise UsageError(
            "stop_on is error, warning or never",
            got=stop_on,
            where="example_validator",
            fix=did_you_mean(str(stop_on), severities),
        )
    given = statistics.load()
    wanted = schema.load()
    before, served = (None if other is None else other.load() for other in (previous, serving))
    whole = given.whole().only(*splits) if splits else given.whole()
    anomalies = validate_statistics(
        whole,
        wanted,
        environment=environment,
        previous=before,
        serving=served,
        previous_version=None if previous_version is None else previous_version.load(),
        severity=severity,
        significance=significance,
    )
    result = ExampleAnomalies.create()
    if examples is not None:
        known = {(one.split, one.feature, one.rule, one.name) for one in anomalies}
        # What only rows can tell is told below.
        found = [one for one in anomalies if one.rule != "needs_rows"]
        for name in anomalies.splits:
            rows = validate_examples(
                examples.split(name),
                wanted,
                environment=environment,
                severity=severity,
                side_file=result.path / "rows" / f"{name}.parquet",
                name=name,
            )
            found += [one for one in rows if (one.split, one.feature, one.rule, one.name) not in known]
        anomalies = Anomalies(tuple(found), anomalies.splits)
    if slices:
        parts = [given.slices(name) for name in whole.names]
        of_slices = validate_corresponding_slices(
            parts[0].merge(*parts[1:]),
            wanted,
            environment=environment,
            previous=None if before is None else before.slices(),
            serving=None if served is None else served.slices(),
            severity=severity,
            significance=significance,
        )
        anomalies = Anomalies((*anomalies, *of_slices), (*anomalies.splits, *of_slices.splits))
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
