"""How bad an anomaly is, where the user says otherwise."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import msgspec

from headrace.errors import UsageError, did_you_mean
from headrace.validation.anomalies import Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from headrace.validation.anomalies import Anomaly

__all__ = ["SeverityPolicy", "judged"]

SeverityPolicy: TypeAlias = "Mapping[str, Literal['error', 'warning', 'off']]"
_LEVELS = ("error", "warning", "off")


def judged(
    anomalies: Iterable[Anomaly], policy: SeverityPolicy | None, rules: Iterable[str] = ()
) -> tuple[Anomaly, ...]:
    """Return the anomalies with the severities that a policy gives them.

    Parameters
    ----------
    policy
        Severities by ``rule`` or ``feature:rule``, either of which may have wildcards, as ``drift_*``; the last entry
        that fits counts. A rule of the user's is named by its name. What is ``off`` is left out.
    rules
        Names of the user's rules.

    Raises
    ------
    UsageError
        If a severity is none of error, warning and off, or a key fits no rule that there is.
    """
    found = list(anomalies)
    known = (*get_args(Rule), *rules)
    for key, wanted in (policy or {}).items():
        if wanted not in _LEVELS:
            raise UsageError("A severity is error, warning or off", got=wanted, where=f"severity of {key!r}")
        if not any(fnmatchcase(one, key.rpartition(":")[2]) for one in known):
            raise UsageError(
                "A severity is given to a rule that there is", got=key, fix=did_you_mean(key.rpartition(":")[2], known)
            )
    kept = []
    for anomaly in found:
        level: Literal["error", "warning", "off"] = anomaly.severity
        for key, wanted in (policy or {}).items():
            feature, _, rule = key.rpartition(":")
            fits = any(fnmatchcase(code, rule) for code in (anomaly.rule, anomaly.name or anomaly.rule))
            if fits and (not feature or fnmatchcase(anomaly.feature or "", feature)):
                level = wanted
        if level != "off":
            kept.append(anomaly if level == anomaly.severity else msgspec.structs.replace(anomaly, severity=level))
    return tuple(kept)
