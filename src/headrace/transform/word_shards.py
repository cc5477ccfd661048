"""Shards whose texts are words already: split when they are read for the first time, and kept for the next."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa

from headrace.data import Dataset
from headrace.data.kept_batches import stamp_of
from headrace.errors import DataError
from headrace.transform.shard_identity import ASIDE, digest_of, file_of, identity
from headrace.transform.tokens import is_text, split_texts, words_pay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from headrace.data import Shard
    from headrace.transform.column_parts import Split
    from headrace.transform.word_store import WordStore, WordWriter

__all__ = ["WordShard", "Words", "in_words", "stamped", "word_columns"]

_FORMAT = b"headrace words 2"


@dataclass(frozen=True)
class WordShard:
    """A shard of which some columns of texts come as words (see `Tokens.array`), where that pays.

    Parameters
    ----------
    shard
        What is read.
    separators
        By column, what is between words, as `split_texts` takes it.
    counted
        Whether it is wanted how many rows have each word.
    key
        Of the shard's rows.
    store
        Where words are kept.
    """

    shard: Shard
    separators: tuple[tuple[str, bytes | None], ...]
    counted: bool
    key: bytes = field(repr=False, metadata=ASIDE)
    store: WordStore = field(repr=False, compare=False, metadata=ASIDE)

    @property
    def num_rows(self) -> int | None:
        """Rows in the shard, if that is known without reading."""
        return self.shard.num_rows

    def read(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the rows.

        Raises
        ------
        DataError
            If the file has changed since its texts were split.
        """
        wanted = {name: separator for name, separator in self.separators if columns is None or name in columns}
        found = {name: self._kept(name, separator) for name, separator in wanted.items()}
        kept = {name: words for name, words in found.items() if words is not None}
        open_columns = {name: separator for name, separator in wanted.items() if name not in kept}
        rest = None if columns is None else [name for name in columns if name not in kept]
        if kept and rest == []:
            rows: Iterable[pa.RecordBatch] | None = None
        else:
            rows = self._split(rest, open_columns) if open_columns else self.shard.read(rest)
        yield from _joined(rows, kept, columns) if kept else rows or ()

    def _kept(self, column: str, separator: bytes | None) -> Iterator[pa.Array] | None:
        words = self.store.read(self._name(column, separator, counted=True))
        if words is not None or self.counted:
            return words
        return self.store.read(self._name(column, separator, counted=False))

    def _name(self, column: str, separator: bytes | None, *, counted: bool) -> str:
        return digest_of(_FORMAT, self.key, column.encode(), repr((separator, counted)).encode()).hex()

    def _split(self, columns: Sequence[str] | None, separators: Mapping[str, bytes | None]) -> Iterator[pa.RecordBatch]:
        """Yield the rows with words in place of texts, and keep those of a column whose texts were all split."""
        pays: dict[str, bool] = {}
        writers: dict[str, WordWriter] = {}
        try:
            for texts_batch in self.shard.read(columns):
                batch = texts_batch
                for name, separator in separators.items():
                    index = batch.schema.get_field_index(name)
                    texts = batch.column(index)
                    if name not in pays:
                        pays[name] = _repeat(texts, separator)
                        if pays[name]:
                            writers[name] = self.store.writer(self._name(name, separator, counted=self.counted))
                    if pays[name]:
                        tokens = split_texts(texts, separator)
                        words = (tokens.counted() if self.counted else tokens).array(texts)
                        writers[name].write(words)
                        batch = batch.set_column(index, name, words)
                yield batch
            for writer in writers.values():
                writer.close()
        finally:
            for writer in writers.values():
                writer.give_up()


def _repeat(texts: pa.Array, separator: bytes | None) -> bool:
    return is_text(texts.type) and words_pay(len(texts), lambda rows: split_texts(texts.take(rows), separator))


def _joined(
    rows: Iterable[pa.RecordBatch] | None, kept: Mapping[str, Iterator[pa.Array]], columns: Sequence[str] | None
) -> Iterator[pa.RecordBatch]:
    """Put columns beside the rows that they are of, however each is cut."""
    parts = {name: _Slices(words) for name, words in kept.items()}
    raw = None if rows is None else _Slices(iter(rows))
    sources = [*parts.values(), *([] if raw is None else [raw])]
    while all(source.left() for source in sources):
        size = min(source.left() for source in sources)
        batch = None if raw is None else raw.take(size)
        known = {} if batch is None else dict(zip(batch.schema.names, batch.columns, strict=True))
        arrays = known | {name: part.take(size) for name, part in parts.items()}
        names = list(arrays) if columns is None else list(columns)
        yield pa.RecordBatch.from_arrays([arrays[name] for name in names], names)
    if any(source.left() for source in sources):
        raise DataError("The file has changed while it was read", fix="Read it again")


class _Slices:
    """Arrays or batches, of which any number of rows is taken one after the other."""

    def __init__(self, parts: Iterator[pa.Array | pa.RecordBatch]) -> None:
        self._parts = parts
        self._now: pa.Array | pa.RecordBatch | None = None
        self._start = 0

    def left(self) -> int:
        """Return how many rows can be taken at once; 0 at the end."""
        while self._now is None or self._start == len(self._now):
            self._now, self._start = next(self._parts, None), 0
            if self._now is None:
                return 0
        return len(self._now) - self._start

    def take(self, size: int) -> pa.Array | pa.RecordBatch:
        assert self._now is not None
        self._start += size
        return self._now.slice(self._start - size, size)


def word_columns(split: Split) -> dict[str, bytes | None]:
    """Return the raw columns of which a graph needs nothing but the words, and what is between words."""
    others = {item.feature for item in split.inputs} | {part.column for part in split.parts}
    others |= {item.feature for part in split.tokens if part.texts is not None for item in part.inputs}
    others |= {part.column.feature for part in split.tokens if part.column.is_list}
    uses = Counter(part.column.feature for part in split.tokens)
    return {
        part.column.feature: part.separator
        for part in split.tokens
        if part.column.feature not in others and uses[part.column.feature] == 1
    }


def stamped(shard: Shard) -> bytes | None:
    """Return what tells a shard of a file on this machine from others while the file does not change."""
    path = file_of(shard)
    stamp = None if path is None else stamp_of(path)
    return None if stamp is None else digest_of(repr((path, stamp)).encode(), identity(shard).encode())


@dataclass(frozen=True)
class Words:
    """Words of texts that were split before.

    Parameters
    ----------
    store
        Keeps them.
    key_of
        Tells shards apart; None for one whose words are not to be kept, which stays as it is.
    """

    store: WordStore
    key_of: Callable[[Shard], bytes | None] = stamped


def in_words(dataset: Dataset, split: Split, words: Words, *, counted: bool = False) -> Dataset:
    """Return a dataset with words in place of the texts of which a graph needs nothing else.

    Parameters
    ----------
    dataset
        Raw columns.
    split
        The graph.
    words
        Keeps the words from one reading to the next.
    counted
        Whether it will be asked how many rows have each word.
    """
    separators = tuple(word_columns(split).items())
    if not separators:
        return dataset
    keys = [words.key_of(shard) for shard in dataset.shards]
    shards = (
        shard if key is None else WordShard(shard, separators, counted, key, words.store)
        for shard, key in zip(dataset.shards, keys, strict=True)
    )
    return Dataset(dataset.schema, tuple(shards))
