"""What repair may do to which feature, and the account of what it did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec

from headrace.errors import UsageError
from headrace.storage import to_json, to_plain
from headrace.validation.anomalies import Anomalies
from headrace.validation.wording import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FeaturePolicy", "RepairChange", "RepairPolicy", "RepairReport", "RowsAside"]

Action: TypeAlias = Literal["keep", "null", "set_aside"]
_ACTIONS = ("keep", "null", "set_aside")


class FeaturePolicy(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What repair does to one feature.

    Parameters
    ----------
    trim
        Take white space off both ends of texts.
    cast
        Turn numbers, truth values and moments that are written as text into what the schema says, whole floats into
        integers, and numbers into text where the schema says text.
    spelling
        Turn texts that differ from one value of the domain, and from one only, in case, space and punctuation at the
        ends into that value.
    mapping
        Texts and what they mean, before spellings are looked at.
    wrong_type
        What becomes of values that cannot be cast.
    out_of_domain
        What becomes of texts that the schema does not allow.
    other
        A value of the domain that takes the place of texts that the schema does not allow; before ``out_of_domain``.
    out_of_range
        What becomes of numbers out of range; ``clip`` takes the nearest bound.
    not_finite
        What becomes of NaN and infinities that the schema does not allow.
    missing
        What becomes of rows without the feature where the schema has too few with it; ``null`` keeps them.
    fill
        A value that takes the place of missing ones, those too that repair made missing.
    otherwise
        What becomes of rows that break another rule: numbers of values, shape, uniqueness.
    """

    trim: bool = True
    cast: bool = True
    spelling: bool = True
    mapping: dict[str, str] = {}
    wrong_type: Literal["null", "set_aside"] = "set_aside"
    out_of_domain: Action = "set_aside"
    other: str | None = None
    out_of_range: Literal["keep", "null", "set_aside", "clip"] = "set_aside"
    not_finite: Action = "null"
    missing: Action = "set_aside"
    fill: str | float | bool | None = None
    otherwise: Action = "set_aside"

    def __post_init__(self) -> None:
        for key, more in (
            ("wrong_type", ()),
            ("out_of_domain", ("keep",)),
            ("out_of_range", ("keep", "clip")),
            ("not_finite", ("keep",)),
            ("missing", ("keep",)),
            ("otherwise", ("keep",)),
        ):
            if getattr(self, key) not in ("null", "set_aside", *more):
                raise UsageError(
                    f"{key} is {', '.join((*more, 'null'))} or set_aside", got=getattr(self, key), where="FeaturePolicy"
                )


class RepairPolicy(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What repair does.

    Parameters
    ----------
    default
        For features that are not named.
    features
        For single features.
    duplicates
        Key columns: of the rows with equal keys the first stays; nothing is done when empty. Missing keys are equal.
    rows
        What becomes of rows that break a rule in SQL.
    new_columns
        What becomes of columns that are not in the schema.
    """

    default: FeaturePolicy = FeaturePolicy()
    features: dict[str, FeaturePolicy] = {}
    duplicates: tuple[str, ...] = ()
    rows: Literal["keep", "set_aside"] = "set_aside"
    new_columns: Literal["keep", "drop"] = "keep"

    def of(self, feature: str) -> FeaturePolicy:
        """Return the policy for a feature."""
        return self.features.get(feature, self.default)


class RepairChange(msgspec.Struct, frozen=True):
    """One kind of change of one feature.

    Parameters
    ----------
    feature
        The column.
    action
        ``trim``, ``cast``, ``null_value``, ``mapping``, ``spelling``, ``other``, ``clip``, ``fill``, or ``null`` and
        the rule, as ``null:range``.
    values
        How many values changed.
    examples
        Values before and after, the most frequent first; None is missing.
    """

    feature: str
    action: str
    values: int
    examples: tuple[tuple[str | None, str | None], ...] = ()

    def __str__(self) -> str:
        shown = ", ".join(f"{before!r} → {after!r}" for before, after in self.examples[:3])
        changed = f"{self.feature}: {self.action} changed {counted(self.values, 'value')}"
        return f"{changed} ({shown})" if shown else changed


class RowsAside(msgspec.Struct, frozen=True):
    """How many rows were set aside for a reason, as ``age:range``, and the numbers of some of them."""

    reason: str
    rows: int
    first: tuple[int, ...] = ()


class RepairReport(msgspec.Struct, frozen=True, omit_defaults=True):
    """The whole account: ``rows_in`` is ``rows_out + rows_set_aside``.

    Parameters
    ----------
    rows_in
        Rows that could be read.
    rows_out
        Rows of the repaired data.
    rows_set_aside
        Rows that are not in it; a row counts once, whatever its reasons.
    rows_unreadable
        Rows that could not be read, and are in no other number.
    changes
        What was done to values, in the order of the schema.
    set_aside
        Why rows were set aside; a row may have several reasons.
    columns_added, columns_dropped
        Columns that were filled because the data had none, and columns that were left out.
    remaining
        What the repaired data still breaks.
    """

    rows_in: int
    rows_out: int
    rows_set_aside: int
    rows_unreadable: int = 0
    changes: tuple[RepairChange, ...] = ()
    set_aside: tuple[RowsAside, ...] = ()
    columns_added: tuple[str, ...] = ()
    columns_dropped: tuple[str, ...] = ()
    remaining: Anomalies = Anomalies()

    def __str__(self) -> str:
        lines = [f"{self.rows_in:,} rows in, {self.rows_out:,} out, {self.rows_set_aside:,} set aside"]
        lines += [str(change) for change in self.changes]
        lines += [f"{aside.reason}: set {counted(aside.rows, 'row')} aside" for aside in self.set_aside]
        lines += [f"{name}: added" for name in self.columns_added]
        lines += [f"{name}: left out" for name in self.columns_dropped]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return plain dicts and lists."""
        plain: dict[str, Any] = to_plain(self)
        return plain

    def to_json(self) -> str:
        """Return the JSON form, indented."""
        return to_json(self)

    def _repr_html_(self) -> str:
        from headrace.validation.repair_view import repair_view
        from headrace.viz import embed

        return embed(repair_view(self))


def check_policy(policy: RepairPolicy, known: Mapping[str, object]) -> None:
    """Check that a policy is for features that there are.

    Raises
    ------
    UsageError
        If it names others.
    """
    from headrace.errors import did_you_mean

    for name in (*policy.features, *policy.duplicates):
        if name not in known:
            raise UsageError("A policy is for features of the schema", got=name, fix=did_you_mean(name, known))
