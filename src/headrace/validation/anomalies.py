"""What is wrong with the data, how much of it, and which change of the schema would allow it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec

from headrace.errors import AnomaliesFound, UsageError
from headrace.schema import DatasetConstraints, Feature, Schema
from headrace.storage import from_json, read_json, to_json, to_plain, write_json
from headrace.validation.accepting import accepted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

__all__ = ["Anomalies", "Anomaly", "Rule", "Severity"]

_RULE = "Anomalies are a JSON file that headrace wrote"

Severity: TypeAlias = Literal["error", "warning"]
Rule: TypeAlias = Literal[
    "bool_values",
    "column_missing",
    "column_new",
    "custom",
    "derived_column",
    "domain_values",
    "drift_chi_squared",
    "drift_hellinger",
    "drift_jensen_shannon",
    "drift_kolmogorov_smirnov",
    "drift_linf",
    "drift_no_data",
    "drift_normalized_abs_difference",
    "drift_psi",
    "drift_wasserstein",
    "duplicate_column",
    "embedding_dim",
    "few_examples",
    "few_examples_drift",
    "few_examples_version",
    "few_present",
    "few_unique",
    "few_values",
    "group_missing",
    "image_kind",
    "image_size",
    "infinite",
    "invalid_utf8",
    "leakage",
    "location",
    "many_examples",
    "many_examples_drift",
    "many_examples_version",
    "many_unique",
    "many_values",
    "missing_values",
    "nan",
    "needs_rows",
    "nestedness",
    "no_data",
    "number_in_text",
    "other",
    "range",
    "semantic_domain",
    "semantic_suggestion",
    "shape",
    "skew_chi_squared",
    "skew_hellinger",
    "skew_jensen_shannon",
    "skew_kolmogorov_smirnov",
    "skew_linf",
    "skew_no_data",
    "skew_normalized_abs_difference",
    "skew_psi",
    "skew_wasserstein",
    "sparse_length",
    "sparse_missing_index",
    "sparse_missing_value",
    "time_format",
    "token_fraction_high",
    "token_fraction_low",
    "token_length",
    "token_too_few",
    "token_too_many",
    "type",
    "unique",
    "vocabulary_coverage",
    "weighted_length",
    "weighted_missing_value",
    "weighted_missing_weight",
]


class Anomaly(msgspec.Struct, frozen=True, omit_defaults=True):
    """One way in which the data does not fit the schema.

    Parameters
    ----------
    feature
        The column, or the path to a field of a struct joined by dots; None where the whole data set is meant.
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
    path
        The steps to a field of a struct; empty for columns.
    name
        Of the user's rule, of the sparse or weighted feature; where the rule is ``other``, the type that TFX gives.
    row_numbers
        Some of the rows, counted from 0 among the rows that can be read; empty where only statistics were looked at.
    p_value
        For drift and skew, how likely two samples of one distribution are at least so far apart.
    suggested_values
        What would have to be added to the string domain that the feature shares with others.
    suggested_constraints
        The constraints on the data set as they would allow it.
    tfx
        What anomalies of TFX say beyond all this, as text of TensorFlow Metadata; see :meth:`Anomalies.from_pbtxt`.
    """

    feature: str | None
    rule: Rule
    severity: Severity
    split: str
    message: str
    rows: int | None = None
    fraction: float | None = None
    examples: tuple[str, ...] = ()
    suggestion: str = ""
    suggested: Feature | None = None
    removes: bool = False
    path: tuple[str, ...] = ()
    name: str = ""
    row_numbers: tuple[int, ...] = ()
    p_value: float | None = None
    suggested_values: tuple[str, ...] = ()
    suggested_constraints: DatasetConstraints | None = None
    tfx: str = ""

    @property
    def acceptable(self) -> bool:
        """Whether a change of the schema would allow the data."""
        changes = (self.suggested, self.suggested_values, self.suggested_constraints)
        return self.removes or any(changes)

    @property
    def steps(self) -> tuple[str, ...]:
        """The path to the feature; empty where the whole data set is meant."""
        return self.path or (() if self.feature is None else (self.feature,))

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
    tfx
        By data set, what anomalies of TFX say beyond all this, as text of TensorFlow Metadata.
    """

    anomalies: tuple[Anomaly, ...] = ()
    splits: tuple[str, ...] = ()
    tfx: dict[str, str] = {}

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
            chosen = [anomaly for anomaly in self.anomalies if anomaly.acceptable]
        elif callable(which):
            chosen = [anomaly for anomaly in self.anomalies if which(anomaly)]
        else:
            chosen = list(which)
        changed = schema
        for anomaly in chosen:
            if not anomaly.acceptable:
                raise UsageError(
                    "An anomaly that is accepted has a suggested change of the schema",
                    got=anomaly.rule,
                    where=str(anomaly),
                    fix=anomaly.suggestion or None,
                )
            changed = accepted(anomaly, schema, changed)
        return changed

    def to_junit(self, name: str = "headrace") -> str:
        """Return JUnit's XML, which continuous integration shows: a failed test an error, a passed one a warning.

        Parameters
        ----------
        name
            Of the suite of tests.
        """
        from headrace.validation.junit import to_junit

        return to_junit(self, name)

    def to_dict(self) -> dict[str, Any]:
        """Return plain dicts and lists."""
        plain: dict[str, Any] = to_plain(self)
        if not self.tfx:
            del plain["tfx"]
        return plain

    def to_json(self) -> str:
        """Return the JSON form, indented."""
        return to_json(self.to_dict())

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
        write_json(path, self.to_dict())

    @classmethod
    def load(cls, path: str | Path) -> Anomalies:
        """Read a JSON file.

        Raises
        ------
        DataError
            If there is no such file, or it is not the JSON of anomalies.
        """
        return read_json(cls, path, rule=_RULE)

    def to_pbtxt(self, schema: Schema, *, split: str | None = None) -> str:
        """Return the text form of TensorFlow Metadata, as TFX's ExampleValidator has it; needs the extra ``tfx``.

        What TensorFlow Metadata has no place for stands in an annotation of the schema, from which :meth:`from_pbtxt`
        reads it; TFX takes no notice of it.

        Parameters
        ----------
        schema
            The schema that the data was checked against.
        split
            The data set, since a message is about one; it may be left out where there is one.

        Raises
        ------
        MissingExtraError
            If tensorflow-metadata is not installed.
        UsageError
            If there are several data sets and none is named, or there is none of this name.
        DataError
            If a text is not valid Unicode.
        """
        from headrace.validation.tfmd import anomalies_to_pbtxt

        return anomalies_to_pbtxt(self, schema, split=split)

    @classmethod
    def from_pbtxt(cls, source: str | Path, *, split: str | None = None) -> Anomalies:
        """Read the text form of TensorFlow Metadata, as TFX's ExampleValidator writes it; needs the extra ``tfx``.

        Each reason is an anomaly. One of a type that headrace has no rule for has the rule ``other``, and the type as
        its ``name``. What else headrace has no word for is kept in ``tfx`` and written back by :meth:`to_pbtxt`. The
        binary form, and the schema that the data was checked against, are read by ``headrace.validation.tfmd``.

        Parameters
        ----------
        source
            The text, or a path: a :class:`~pathlib.Path`, or one line that ends in ``.pbtxt``.
        split
            The name of the data set; when None the one that headrace wrote, otherwise ``data``.

        Raises
        ------
        MissingExtraError
            If tensorflow-metadata is not installed.
        DataError
            If there is no such file, or it has no such message.
        """
        from headrace.validation.tfmd import anomalies_from_pbtxt

        return anomalies_from_pbtxt(source, split=split)

    def _repr_html_(self) -> str:
        from headrace.validation.view import anomalies_view
        from headrace.viz import embed

        return embed(anomalies_view(self))
