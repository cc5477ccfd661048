from __future__ import annotations

import csv as stdlib_csv
import pickle
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from headrace.data import Unreadable, csv, csv_dataset, csv_header, dictionary_encoded
from headrace.data.csv_header import data_chunks
from headrace.data.csv_parse import Plan, parse_chunk
from headrace.data.csv_records import cut_chunks
from headrace.data.csv_shards import CsvShard, source_cleaning
from headrace.data.csv_types import ARROW_TYPES, ColumnTypes

INTEGERS = ["0", "7", "-3", "+5", "007", " 8", "9\t", "0x1F", "0XA", "99999999999999999999", "-0"]
FLOATS = ["1.5", "-2e3", ".5", "nan", "NaN", " NaN", "inf", "-Infinity", "1e999", "i", "nano"]
TIMES = ["2020-01-02", "1999-12-31", "2020-01-02 03:04:05", "2020-01-02T03:04:05Z", "2020-02-30", "20200102"]
OTHERS = [
    "true",
    "False",
    " true",
    "TRUE",
    "x",
    "a 0x b",
    "née",
    "a,b",
    'say "hi"',
    "two\nlines",
    "",
    " ",
    "NA",
    " NA",
    "-999",
]
# Most columns have values of one sort, with now and then another one among them.
CELLS = st.sampled_from([INTEGERS[:3], INTEGERS, FLOATS[:3], FLOATS, TIMES[:2], TIMES, OTHERS[:2], OTHERS])
COLUMN = CELLS.flatmap(
    lambda few: st.lists(
        st.sampled_from(few) | st.sampled_from([*few, *few, *few, *few, *INTEGERS, *FLOATS, *TIMES, *OTHERS]),
        min_size=1,
        max_size=40,
    )
)
OPTIONS = st.fixed_dictionaries(
    {
        "null_values": st.sampled_from([[""], ["", "NA"], ["NA", "-999"], ["NaN"], []]),
        "strip": st.booleans(),
        "types": st.sampled_from([{}, {}, {"a": "float64"}, {"a": "bool"}, {"a": "timestamp"}, {"b": "int64"}]),
    }
)


def written(path: Path, columns: list[list[str]], quoting: int, broken: int | None) -> None:
    rows = list(zip(*columns, strict=False))
    with path.open("w", newline="") as file:
        writer: Any = stdlib_csv.writer(file, quoting=quoting, lineterminator="\n")  # type: ignore[arg-type]
        writer.writerow("abc"[: len(columns)])
        for number, row in enumerate(rows):
            writer.writerow([*row, "more"] if number == broken else row)


def read(dataset: Any) -> tuple[pa.Table, list[Unreadable]]:
    bad: list[Unreadable] = []
    batches = [batch for shard in dataset.shards for batch in shard.read_reporting(bad.append)]
    return pa.Table.from_batches(batches, dataset.schema), bad


def same(one: pa.Table, other: pa.Table) -> bool:
    """Compare bit by bit: not a number is itself, and zeros have signs."""
    return one.schema.equals(other.schema, check_metadata=True) and repr(one.to_pydict()) == repr(other.to_pydict())


@settings(deadline=None, max_examples=300)
@given(
    columns=st.lists(COLUMN, min_size=2, max_size=3),
    options=OPTIONS,
    quoting=st.sampled_from([stdlib_csv.QUOTE_MINIMAL, stdlib_csv.QUOTE_ALL]),
    broken=st.none() | st.integers(0, 40),
    sizes=st.tuples(st.integers(1, 80), st.integers(16, 120)),
)
@example([["1"] * 9 + ["NaN"], ["1"] * 9 + [" NaN"]], {"null_values": ["NaN"]}, 0, None, (1, 500))
@example([["1.5"] * 9 + ["\tNaN"], ["1"] * 9 + ["0x10"]], {"null_values": ["NaN"]}, 0, None, (20, 500))
@example([["1"] * 9 + ["0x10"], ["2"] * 9 + ["0XA"]], {}, 0, None, (1, 500))
@example([["1"] * 30 + ["2.5"], ["x"] * 31], {}, 1, None, (8, 30))
@example([["true"] * 20 + ["1"], ["2020-01-02"] * 20 + ["2020-01-02 03:04"]], {}, 0, 3, (16, 40))
def test_values_read_at_once_are_those_that_texts_give(
    columns: list[list[str]], options: dict[str, Any], quoting: int, broken: int | None, sizes: tuple[int, int]
) -> None:
    sample, size = sizes
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        path = Path(folder) / "x.csv"
        written(path, columns, quoting, broken)
        source = csv(path, **options)
        names = "abc"[: len(columns)]
        (chunk,) = data_chunks(path, source)
        texts = parse_chunk(chunk, "x", names, names, source).table
        types = ColumnTypes({name: dict(source.types).get(name) for name in names}, source_cleaning(source))
        types.update(texts)
        if not texts.num_rows:
            return
        patch.setattr(csv_header, "cut_chunks", partial(cut_chunks, size=size))
        patch.setattr(csv_dataset, "SAMPLE_BYTES", sample)
        dataset = source.dataset()
        assert dict(zip(names, dataset.schema.types, strict=True)) == {
            name: ARROW_TYPES[kind] for name, kind in types.result().items()
        }
        shards = [shard for shard in dataset.shards if isinstance(shard, CsvShard)]
        assert all(shard.unclean == types.unclean() for shard in shards)
        slow = replace(dataset, shards=tuple(replace(one, kept=None, unclean=tuple(names)) for one in shards))
        table, bad = read(slow)
        assert table.num_rows + len(bad) == len(min(columns, key=len))
        again = replace(dataset, shards=tuple(pickle.loads(pickle.dumps(shard)) for shard in shards))
        for other in (dataset, again):
            assert same(read(other)[0], table)
            assert read(other)[1] == bad
            counted = dictionary_encoded(other).batches()
            assert same(pa.Table.from_batches([_plain(batch, dataset.schema) for batch in counted]), table)


def _plain(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    return batch.cast(schema)


def test_a_stray_quote_at_the_end_is_found_out(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text('a,b\n1,x\n2,y"y\n3,"z\n')
    table, bad = read(csv(path).dataset())
    assert table.to_pydict() == {"a": [1, 2], "b": ["x", 'y"y']}
    assert [(row.row, row.reason) for row in bad] == [(4, "a quote is opened and never closed")]


def test_what_is_expected_makes_no_difference(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a,b,c,d,e\n" + "1,x,2020-01-02,0.5,true\n" * 3)
    source = csv(path)
    (chunk,) = data_chunks(path, source)
    texts = parse_chunk(chunk, "x", "abcde", "abcde", source).table
    assert set(texts.schema.types) == {pa.string()}
    for kind, good in (("int64", "a"), ("float64", "ad"), ("timestamp", "c"), ("date32", "c"), ("bool", "e")):
        table = parse_chunk(chunk, "x", "abcde", "abcde", source, Plan(dict.fromkeys("abcde", kind))).table
        assert {name for name in "abcde" if table.schema.field(name).type == ARROW_TYPES[kind]} <= set(good)
        wanted = [
            pa.string() if table.schema.field(name).type == pa.string() else ARROW_TYPES[kind] for name in "abcde"
        ]
        assert table.schema.types == wanted
        assert table.column("b").equals(texts.column("b"))
