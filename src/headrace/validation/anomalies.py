"""What is wrong with the data, how much of it, and which change of the schema would allow it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec

from headrace.errors import AnomaliesFound, UsageError
from headrace.schema import Comparator, Feature, Schema
from headrace.storage import from_json, read_json, to_json, to_plain, write_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

__all__ = ["Anomalies", "Anomaly", "Rule"]

_RULE = "Anomalies are a JSON file that headrace wrote"

Rule: TypeAlias = Literal[
    "column_missing",
    "column_new",
    "domain_values",
    "drift_jensen_shannon",
    "drift_linf",
    "infinite",
    "missing_values",
    "nan",
    "no_data",
    "range",
    "skew_jensen_shannon",
    "skew_linf",
    "type",
    "unique",
]


class Anomaly(msgspec.Struct, frozen=True, omit_defaults=True):
    """One way in which the data does not fit the schema.

    Parameters
    ----------
    feature
        The column; None where the whole data set is meant.
    rule
        Which rule broke; the codes stay the same between versions.
    severity
        An error stops what comes after; a warning does not.
    split
        The data set.
    message
        What was expected and what was found, for people.
    rows
        How many rows break the rule; None where rows cannot be counted.
    fraction
        ``rows`` as a share of the rows, or the distance where the rule is about one.
    examples
        Some of the values that break it, the most frequent first.
    suggestion
        What to do about it.
    suggested
        The feature as it would allow this data; None where no change of the schema would help.
    removes
        Whether the change would be to take the feature out of the schema.
    """

    feature: str | None
    rule: Rule
    severity: Literal["error", "warning"]
    split: str
    message: str
    rows: int | None = None
    fraction: float | None = None
    examples: tuple[str, ...] = ()
    suggestion: str = ""
    suggested: Feature | None = None
    removes: bool = False

    def __str__(self) -> str:
        return f"{self.split}: {self.message}"


class Anomalies(msgspec.Struct, frozen=True):
    """The anomalies of data sets, in the order of the data sets and of the schema's features.

    Parameters
    ----------
    anomalies
        All of them.
    splits
        The data sets that were looked at.
    """

    anomalies: tuple[Anomaly, ...] = ()
    splits: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Anomaly]:
        return iter(self.anomalies)

    def __len__(self) -> int:
        return len(self.anomalies)

    @property
    def errors(self) -> tuple[Anomaly, ...]:
        """The anomalies that are errors."""
        return tuple(anomaly for anomaly in self.anomalies if anomaly.severity == "error")

    @property
    def warnings(self) -> tuple[Anomaly, ...]:
        """The anomalies that are warnings."""
        return tuple(anomaly for anomaly in self.anomalies if anomaly.severity == "warning")

    @property
    def ok(self) -> bool:
        """Whether there is no error."""
        return not self.errors

    def raise_for_errors(self) -> None:
        """Raise AnomaliesFound, with the first few, unless :attr:`ok`."""
        errors = self.errors
        if errors:
            more = f"; and {len(errors) - 3} more" if len(errors) > 3 else ""
            raise AnomaliesFound(
                "The data fits its schema",
                got="; ".join(str(error).rstrip(".") for error in errors[:3]) + more,
                fix="Mend the data, or review and accept the schema changes",
            )

    def accept(self, schema: Schema, which: Iterable[Anomaly] | Callable[[Anomaly], bool] | None = None) -> Schema:
        """Return the schema with the suggested changes of some anomalies.

        Changes of one feature are joined: domains grow by the new values of all, ranges widen to hold all.

        Parameters
        ----------
        schema
            The schema that the data was checked against.
        which
            The anomalies, or a function that picks them; all that have a suggested change when None.

        Raises
        ------
        UsageError
            If an anomaly was picked by hand that no change of the schema would help.
        """
        if which is None:
            chosen = [anomaly for anomaly in self.anomalies if anomaly.suggested is not None or anomaly.removes]
        elif callable(which):
            chosen = [anomaly for anomaly in self.anomalies if which(anomaly)]
        else:
            chosen = list(which)
        for anomaly in chosen:
            if anomaly.feature is None or (anomaly.suggested is None and not anomaly.removes):
                raise UsageError(
                    "An anomaly that is accepted has a suggested change of the schema",
                    got=anomaly.rule,
                    where=str(anomaly),
                    fix=anomaly.suggestion or None,
                )
        changed = schema
        for anomaly in chosen:
            if anomaly.suggested is not None:
                name = anomaly.suggested.name
                changed = changed.with_feature(_joined(schema.get(name), changed.get(name), anomaly.suggested))
            elif anomaly.feature is not None and anomaly.feature in changed:
                changed = changed.without_feature(anomaly.feature)
        return changed

    def to_dict(self) -> dict[str, Any]:
        """Return plain dicts and lists."""
        plain: dict[str, Any] = to_plain(self)
        return plain

    def to_json(self) -> str:
        """Return the JSON form, indented."""
        return to_json(self)

    @classmethod
    def from_json(cls, text: str | bytes, *, file: str | None = None) -> Anomalies:
        """Read the JSON form.

        Raises
        ------
        DataError
            If it is not the JSON of anomalies.
        """
        return from_json(cls, text, rule=_RULE, where=file)

    def save(self, path: str | Path) -> None:
        """Write the JSON form; the file is there whole or not at all (StorageError)."""
        write_json(path, self)

    @classmethod
    def load(cls, path: str | Path) -> Anomalies:
        """Read a JSON file.

        Raises
        ------
        DataError
            If there is no such file, or it is not the JSON of anomalies.
        """
        return read_json(cls, path, rule=_RULE)

    def _repr_html_(self) -> str:
        from headrace.validation.view import anomalies_view
        from headrace.viz import embed

        return embed(anomalies_view(self))


def _joined(old: Feature | None, now: Feature | None, new: Feature) -> Feature:
    """Carry the difference of ``old`` and ``new`` over to ``now``."""
    if now is None or (now.type != new.type and (old is None or old.type != new.type)):
        return new
    values: dict[str, Any] = {key: getattr(now, key) for key in now.__struct_fields__}
    for key, value in values.items():
        wanted = getattr(new, key)
        if old is None or wanted != getattr(old, key):
            values[key] = _wider(key, value, wanted)
    if values["type"] not in ("INT", "FLOAT"):
        values["min"] = values["max"] = None
    return Feature(**values)


def _wider(key: str, now: Any, new: Any) -> Any:
    if now is None or new is None:
        return new
    if key in ("values", "not_in_environment"):
        return (*now, *(value for value in new if value not in now))
    if key in ("min", "min_fraction", "min_domain_mass"):
        return min(now, new)
    if key == "max":
        return max(now, new)
    if key in ("drift", "skew"):
        pairs = [(getattr(now, name), getattr(new, name)) for name in ("linf", "jensen_shannon")]
        return Comparator(*(b if a is None else a if b is None else max(a, b) for a, b in pairs))
    return new
