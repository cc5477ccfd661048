"""Rules about words: how many of them a vocabulary has, and how often single ones occur."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Self

from headrace.errors import SchemaError, did_you_mean
from headrace.validation.column import domain_of
from headrace.validation.wording import listed, percent, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.schema import Feature, NaturalLanguageDomain, Schema
    from headrace.validation.anomalies import Anomaly
    from headrace.validation.column import Column

__all__ = ["Words", "counts_words"]

_DISTINCT = 10_000


def counts_words(feature: Feature) -> bool:
    """Return whether a feature has rules about words."""
    language = feature.natural_language_domain
    return language is not None and bool(
        language.tokens or language.min_coverage is not None or language.min_avg_token_length is not None
    )


class Words:
    """Counts words, which white space separates; a monoid.

    Parameters
    ----------
    feature, schema
        Whose natural language domain says what to count.

    Raises
    ------
    SchemaError
        If the schema has no such vocabulary.
    """

    def __init__(self, feature: Feature, schema: Schema) -> None:
        language = feature.natural_language_domain
        assert language is not None
        self._language: NaturalLanguageDomain = language
        self._known = _vocabulary(language, feature, schema)
        self._watched = {constraint.token for constraint in language.tokens}
        self._values = self._words = self._covered = self._letters = 0
        self._strangers: Counter[str] = Counter()
        # How many values have a watched word so many times.
        self._times: Counter[tuple[str, int]] = Counter()

    def add(self, text: str, count: int = 1) -> None:
        """Take in a value that occurs ``count`` times."""
        words = text.split()
        self._values += count
        self._words += count * len(words)
        for word in words:
            if self._known is None or word in self._known:
                self._covered += count
                self._letters += count * len(word)
            elif word in self._strangers or len(self._strangers) < _DISTINCT:
                self._strangers[word] += count
        for word in self._watched.intersection(words):
            self._times[word, words.count(word)] += count

    def merge(self, other: Self) -> None:
        """Take in what another has counted."""
        self._values += other._values
        self._words += other._words
        self._covered += other._covered
        self._letters += other._letters
        self._strangers.update(other._strangers)
        self._times.update(other._times)

    def anomalies(self, column: Column) -> Iterator[Anomaly]:
        """Yield what breaks the rules of the column's feature."""
        language = self._language
        if not self._values:
            return
        coverage = self._covered / self._words if self._words else 1.0
        if language.min_coverage is not None and coverage < language.min_coverage:
            strangers = self._strangers.most_common(10)
            yield column.anomaly(
                "vocabulary_coverage",
                f"has at least {percent(language.min_coverage)} of its words in the vocabulary; "
                f"{percent(coverage)} are: others are {listed(strangers)}.",
                fraction=1.0 - coverage,
                examples=tuple(word for word, _ in strangers),
                suggestion="Look for another language or encoding, add the words, or lower min_coverage",
                suggested=_altered(column, min_coverage=coverage),
            )
        length = self._letters / self._covered if self._covered else 0.0
        if language.min_avg_token_length is not None and self._words and length < language.min_avg_token_length:
            yield column.anomaly(
                "token_length",
                f"has words of at least {language.min_avg_token_length:g} letters on average; they have {length:.3g}.",
                suggestion="Look at how the text was cut into words, or lower min_avg_token_length",
                suggested=_altered(column, min_avg_token_length=length),
            )
        yield from self._tokens(column)

    def _tokens(self, column: Column) -> Iterator[Anomaly]:
        for constraint in self._language.tokens:
            token = constraint.token
            times = {count: rows for (word, count), rows in self._times.items() if word == token}
            having = sum(times.values())
            few = sum(rows for count, rows in times.items() if count < (constraint.min_per_row or 0))
            few += (self._values - having) * bool(constraint.min_per_row)
            many = sum(rows for count, rows in times.items() if count > (constraint.max_per_row or 0))
            share = having / self._values
            for rule, broken, text, rows in (
                ("token_too_few", few > 0, f"at least {constraint.min_per_row} times in a row", few),
                (
                    "token_too_many",
                    constraint.max_per_row is not None and many > 0,
                    f"at most {constraint.max_per_row} times in a row",
                    many,
                ),
                (
                    "token_fraction_low",
                    constraint.min_fraction is not None and share < constraint.min_fraction,
                    f"in at least {percent(constraint.min_fraction or 0.0)} of the rows",
                    self._values - having,
                ),
                (
                    "token_fraction_high",
                    constraint.max_fraction is not None and share > constraint.max_fraction,
                    f"in at most {percent(constraint.max_fraction or 0.0)} of the rows",
                    having,
                ),
            ):
                if broken:
                    yield column.anomaly(
                        rule,  # type: ignore[arg-type]
                        f"has {token!r} {text}; {rows_of(rows, self._values)} break this.",
                        rows=rows,
                        fraction=rows / self._values,
                        examples=(token,),
                        suggestion="Look at how the text is made, or change the constraint on this token",
                        suggested=_altered(
                            column, tokens=tuple(one for one in self._language.tokens if one != constraint)
                        ),
                    )


def _altered(column: Column, **changes: object) -> Feature | None:
    import msgspec

    language = column.feature.natural_language_domain
    assert language is not None
    return column.altered(natural_language_domain=msgspec.structs.replace(language, **changes))


def _vocabulary(language: NaturalLanguageDomain, feature: Feature, schema: Schema) -> frozenset[str] | None:
    if language.vocabulary is None:
        domain = domain_of(feature, schema)
        return None if domain is None else frozenset(domain)
    if language.vocabulary not in schema.string_domains:
        raise SchemaError(
            "The vocabulary is a string domain of the schema",
            got=language.vocabulary,
            where=f"feature {feature.name!r}",
            fix=did_you_mean(language.vocabulary, schema.string_domains),
        )
    return frozenset(schema.string_domains[language.vocabulary])
