"""Statistics to look at: a page that stands alone, and fragments for notebooks and reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

from headrace.statistics.fragments import feature_view, statistics_view
from headrace.statistics.page import index_of, statistics_page

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from headrace.statistics.results import Statistics
    from headrace.viz import Markup

__all__ = ["Finding", "feature_view", "get_statistics_html", "statistics_view", "visualize_statistics"]


class Finding(Protocol):
    """What is wrong with a feature, or with the data set where ``feature`` is None; its text says so in words."""

    @property
    def feature(self) -> str | None:
        """The feature's name."""

    @property
    def severity(self) -> Literal["error", "warning"]:
        """How grave it is."""


def visualize_statistics(
    statistics: Statistics,
    path: str | Path | None = None,
    *,
    baseline: str | None = None,
    distances: Mapping[str, float] | None = None,
    anomalies: Iterable[Finding] = (),
) -> Markup:
    """Return the statistics as markup, which a notebook shows; also write a page that stands alone where asked.

    The page has every feature in a table that sorts, searches and filters, and each one's details on a click; it loads
    nothing from any host. Of several data sets, what has moved most comes first; with anomalies, what has most of them.

    Parameters
    ----------
    statistics
        Of one or more data sets, splits, spans or slices; several are drawn over each other.
    path
        An HTML file to write; it is there whole or not at all (StorageError).
    baseline
        The data set that the others are compared with; the first when None.
    distances
        Feature to how far it has moved, where it was measured; otherwise the page measures with the Jensen-Shannon
        divergence of what the rows hold.
    anomalies
        What is wrong with the features, as ``validate_statistics`` says it.

    Raises
    ------
    UsageError
        If there is no data set of the baseline's name.
    """
    index_of(statistics, baseline)
    if path is not None:
        from headrace.storage import write_atomic

        whole = get_statistics_html(statistics, baseline=baseline, distances=distances, anomalies=anomalies)
        write_atomic(path, whole)
    return statistics_view(statistics)


def get_statistics_html(
    statistics: Statistics,
    *,
    baseline: str | None = None,
    distances: Mapping[str, float] | None = None,
    anomalies: Iterable[Finding] = (),
) -> str:
    """Return the page that `visualize_statistics` writes, with the same parameters, as text."""
    wrong: dict[str, list[tuple[str, str]]] = {}
    for anomaly in anomalies:
        if anomaly.feature is not None:
            wrong.setdefault(anomaly.feature, []).append((anomaly.severity, str(anomaly)))
    return statistics_page(statistics, baseline=baseline, distances=distances, anomalies=wrong)
