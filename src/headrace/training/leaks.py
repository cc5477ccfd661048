"""The search for a label that reaches the features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from headrace.errors import LeakError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from headrace.schema import FeatureSpec

__all__ = ["refuse_leaks"]


class _Paths(Protocol):
    @property
    def outputs(self) -> Sequence[FeatureSpec]: ...

    def path(self, output: str, column: str) -> list[str]: ...


def refuse_leaks(
    graph: _Paths,
    features: Sequence[str],
    *,
    label: str,
    weight: str | None = None,
    allow_shared: Collection[str] = (),
) -> None:
    """Raise LeakError if a feature and the label (or the weight) are computed from one raw column.

    Parameters
    ----------
    graph
        Knows what its outputs are computed from, through operators and through analyzers.
    features
        The outputs that the estimator learns from.
    allow_shared
        Raw columns that both may be computed from.
    """
    by_name = {spec.name: spec for spec in graph.outputs}
    for role, target in (("label", label), ("weight", weight)):
        if target is None:
            continue
        origins = set(by_name[target].sources) - set(allow_shared)
        for feature in features:
            for column in by_name[feature].sources:
                if column in origins:
                    path = graph.path(feature, column)
                    raise LeakError(
                        f"No feature is computed from a raw column that the {role} is computed from",
                        got=f"feature {feature!r} and {role} {target!r}, both from {column!r}",
                        where=" → ".join(path) if path else None,
                        fix=f"Leave {feature!r} out, or write allow_shared=[{column!r}] if the {role} does not give "
                        "itself away through it",
                    )
