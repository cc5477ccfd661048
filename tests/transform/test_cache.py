from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headrace import transform as tft
from headrace.data import csv, parquet
from headrace.engines import LocalEngine
from headrace.transform.cache import AnalysisCache

if TYPE_CHECKING:
    from pathlib import Path


def preprocessing_fn(inputs: Any) -> dict[str, Any]:
    word = tft.fill_missing(inputs["word"], "none")
    return {
        "x": tft.scale_to_z_score(inputs["x"]),
        "bucket": tft.bucketize(inputs["x"], 5),
        "word": tft.compute_and_apply_vocabulary(word, num_oov_buckets=1),
    }


def write_day(folder: Path, day: int, rows: int = 700) -> None:
    chance = np.random.default_rng(day)
    words = pa.array(chance.choice(["a", "b", "c", f"new {day}"], rows), mask=chance.random(rows) < 0.1)
    table = pa.table({"x": chance.normal(day, 3, rows), "word": words})
    pq.write_table(table, folder / f"day-{day}.parquet", row_group_size=100)


@pytest.fixture
def days(tmp_path: Path) -> Path:
    folder = tmp_path / "days"
    folder.mkdir()
    for day in range(3):
        write_day(folder, day)
    return folder


def same(ours: tft.TransformGraph, theirs: tft.TransformGraph) -> bool:
    first, second = (graph.to_onnx().SerializeToString(deterministic=True) for graph in (ours, theirs))
    return bool(first == second)


def test_a_new_day_costs_one_day(days: Path, tmp_path: Path) -> None:
    source = parquet(days)
    first = AnalysisCache(tmp_path / "cache")
    found = tft.analyze(source, preprocessing_fn, cache=first)
    # One pass for the analyzers; the footers of the files tell of nulls.
    assert (first.hits, first.misses) == (0, 3)
    assert same(found, tft.analyze(source, preprocessing_fn))

    write_day(days, 3)
    second = AnalysisCache(tmp_path / "cache")
    found = tft.analyze(source, preprocessing_fn, cache=second)
    assert (second.hits, second.misses) == (3, 1)
    assert same(found, tft.analyze(source, preprocessing_fn))
    assert "new 3" in dict(found.vocabularies())["word"]


def test_another_function_shares_nothing(days: Path, tmp_path: Path) -> None:
    tft.analyze(parquet(days), preprocessing_fn, cache=tmp_path / "cache")
    cache = AnalysisCache(tmp_path / "cache")
    tft.analyze(parquet(days), lambda inputs: {"x": tft.scale_to_0_1(inputs["x"])}, cache=cache)
    assert (cache.hits, cache.misses) == (0, 3)


def test_a_changed_file_is_read_again(days: Path, tmp_path: Path) -> None:
    tft.analyze(parquet(days), preprocessing_fn, cache=tmp_path / "cache")
    write_day(days, 1, rows=650)
    cache = AnalysisCache(tmp_path / "cache")
    found = tft.analyze(parquet(days), preprocessing_fn, cache=cache)
    assert (cache.hits, cache.misses) == (2, 1)
    assert same(found, tft.analyze(parquet(days), preprocessing_fn))


def test_days_that_follow_each_other_are_kept_as_one(days: Path, tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    tft.analyze(parquet(days), preprocessing_fn, cache=folder)
    (first,) = folder.glob("*/*.together")
    for state in folder.glob("*/*.state"):
        state.unlink()
    write_day(days, 3)
    write_day(days, 4)
    cache = AnalysisCache(folder)
    found = tft.analyze(parquet(days), preprocessing_fn, cache=cache)
    assert (cache.hits, cache.misses) == (3, 2)
    assert same(found, tft.analyze(parquet(days), preprocessing_fn))
    # One for all days takes the place of the one for those before.
    (second,) = folder.glob("*/*.together")
    assert second != first
    cache = AnalysisCache(folder)
    files = sorted(days.glob("*.parquet"))
    tft.analyze(parquet(files[3:]), preprocessing_fn, cache=cache)
    assert (cache.hits, cache.misses) == (2, 0)


def test_a_window_that_moves_on_leaves_no_states_behind(days: Path, tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    for day in range(3, 6):
        write_day(days, day)
    for first in range(4):
        cache = AnalysisCache(folder)
        files = [days / f"day-{day}.parquet" for day in range(first, first + 3)]
        found = tft.analyze(parquet(files), preprocessing_fn, cache=cache)
        assert cache.misses == (3 if first == 0 else 1)
        assert same(found, tft.analyze(parquet(files), preprocessing_fn))
    assert len([*folder.glob("*/*.together")]) == 1


@pytest.mark.parametrize("together", [True, False])
def test_damaged_states_are_computed_again(days: Path, tmp_path: Path, together: bool) -> None:
    tft.analyze(parquet(days), preprocessing_fn, cache=tmp_path / "cache")
    (whole,) = (tmp_path / "cache").glob("*/*.together")
    if together:
        whole.write_bytes(whole.read_bytes()[:-20])
    else:
        whole.unlink()
    states = sorted((tmp_path / "cache").glob("*/*.state"))
    states[0].write_bytes(states[0].read_bytes()[:-20])
    states[1].write_bytes(b"something else")
    (tmp_path / "cache" / "files.json").write_text("no digests")
    cache = AnalysisCache(tmp_path / "cache")
    found = tft.analyze(parquet(days), preprocessing_fn, cache=cache)
    assert (cache.hits, cache.misses) == (1, 2)
    assert same(found, tft.analyze(parquet(days), preprocessing_fn))


def test_what_nobody_uses_is_swept(days: Path, tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    files = sorted(days.glob("*.parquet"))
    tft.analyze(parquet(files[:2]), preprocessing_fn, cache=folder)
    tft.analyze(parquet(files), preprocessing_fn, cache=folder)
    words = folder / "words" / "00" / f"{'0' * 32}.words"
    words.parent.mkdir(parents=True)
    words.write_bytes(b"")
    left = words.with_name(f".{words.name}.0123abcd.tmp")
    left.write_bytes(b"")
    own = folder / "00" / "my.state"
    own.parent.mkdir(exist_ok=True)
    own.write_text("not the cache's")
    kept = {path for path in folder.rglob("*") if path.is_file()}
    long_ago = time.time() - 32 * 86_400
    for path in kept:
        os.utime(path, (long_ago, long_ago))
    # What is used is as good as new; the state of the third day alone was not needed, with that of all days there.
    tft.analyze(parquet(files[:2]), preprocessing_fn, cache=AnalysisCache(folder, keep_days=None))
    assert {path for path in folder.rglob("*") if path.is_file()} >= kept
    tft.analyze(parquet(files[:2]), preprocessing_fn, cache=folder)
    swept = {path.suffix for path in kept if not path.exists()}
    assert swept == {".state", ".together", ".words", ".tmp"}
    assert own.exists()
    cache = AnalysisCache(folder)
    tft.analyze(parquet(files[:2]), preprocessing_fn, cache=cache)
    assert (cache.hits, cache.misses) == (2, 0)


def test_what_is_moved_or_read_in_another_order_is_found(days: Path, tmp_path: Path) -> None:
    tft.analyze(parquet(days), preprocessing_fn, cache=tmp_path / "cache")
    days.rename(tmp_path / "moved")
    files = sorted((tmp_path / "moved").glob("*.parquet"), reverse=True)
    cache = AnalysisCache(tmp_path / "cache")
    tft.analyze(parquet(files), preprocessing_fn, cache=cache, engine=LocalEngine(workers=1))
    assert cache.misses == 0


def test_csv_options_count(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,word\n1,a\n2,?\n")

    def run(**options: Any) -> tuple[int, int]:
        cache = AnalysisCache(tmp_path / "cache")
        source = csv(tmp_path / "a.csv", **options)
        graph = tft.analyze(
            source, lambda i: {"w": tft.compute_and_apply_vocabulary(tft.fill_missing(i["word"], ""))}, cache=cache
        )
        assert set(dict(graph.vocabularies())["w"]) == ({"a", ""} if options else {"a", "?"})
        return cache.hits, cache.misses

    assert run() == (0, 2)
    assert run() == (2, 0)
    assert run(null_values=["?"]) == (0, 2)


def test_data_in_memory_is_not_kept(tmp_path: Path) -> None:
    cache = AnalysisCache(tmp_path / "cache")
    for _ in range(2):
        tft.analyze({"x": [1.0, 2.0]}, lambda inputs: {"x": tft.scale_to_0_1(inputs["x"])}, cache=cache)
    assert cache.hits == 0
    assert not list((tmp_path / "cache").glob("*/*.state"))
