from __future__ import annotations

import sqlite3
import time
from typing import TYPE_CHECKING

import pytest

import headrace.metadata
from headrace.errors import MetadataError
from headrace.metadata import (
    ArtifactRecord,
    ExecutionRecord,
    ExternalInput,
    MetadataReader,
    MetadataStore,
    RunRecord,
    StepRecord,
    StoredFileDigest,
)

if TYPE_CHECKING:
    from pathlib import Path


def run(run_id: str = "r1") -> RunRecord:
    return RunRecord(run_id, "demo", "pipeline.py", {"a": [1]}, "running", time.time(), None, None, 7, "here")


def step(step_id: str, run_id: str = "r1", **changes: object) -> StepRecord:
    values: dict[str, object] = {"position": 0, "component": "make", "upstream": ("x",), "state": "waiting", **changes}
    return StepRecord(run_id, step_id, **values)  # type: ignore[arg-type]


def artifact(name: str) -> ArtifactRecord:
    return ArtifactRecord(name, "Text", f"artifacts/Text/{name}", f"digest of {name}", 3, time.time(), {"rows": 2})


def execution(
    name: str,
    inputs: tuple[str, ...],
    outputs: tuple[str, ...],
    external: tuple[ExternalInput, ...] = (),
    key: str = "",
) -> ExecutionRecord:
    return ExecutionRecord(
        id=name, key=key or f"key of {name}", component="make", code_digest="c", parameters={"size": 1}, run_id="r1",
        step_id=name, state="done", started=1.0, finished=time.time(), cpu_seconds=0.5, peak_memory=9,
        headrace_version="0", inputs=tuple(("in", i) for i in inputs), outputs=tuple(("out", o) for o in outputs),
        external=external,
    )  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> MetadataStore:
    store = MetadataStore(tmp_path / "home")
    data = ExternalInput("path", "/data/x.csv", "d1")
    store.begin_run(run(), [step("e1"), step("e2", position=1)])
    store.record_execution(execution("e1", (), ("a",), (data,)), [artifact("a")], step("e1", state="done"))
    store.record_execution(execution("e2", ("a",), ("b", "c")), [artifact("b"), artifact("c")], step("e2"))
    store.record_execution(execution("e3", ("b",), ("d",)), [artifact("d")], step("e3", position=2))
    store.record_execution(execution("e4", (), ("z",)), [artifact("z")], step("e4", position=3))
    return store


def test_what_is_written_is_read(store: MetadataStore) -> None:
    found = store.find_execution("key of e2")
    assert found is not None
    assert (found.inputs, found.outputs) == ((("in", "a"),), (("out", "b"), ("out", "c")))
    assert found.parameters == {"size": 1}
    assert store.artifact("a").properties == {"rows": 2}
    assert store.find_execution("other") is None
    assert [s.step_id for s in store.steps("r1")] == ["e1", "e2", "e3", "e4"]
    assert store.steps("r1")[0].upstream == ("x",)
    assert store.run("r1").parameters == {"a": [1]}
    assert {a.id for a in store.artifacts(run_id="r1")} == set("abcdz")
    assert store.artifacts(type_name="Other") == []
    assert len(store.artifacts(limit=2)) == 2
    assert [e.id for e in store.readers_of_file("/data/x.csv")] == ["e1"]


def test_lineage_goes_both_ways(store: MetadataStore) -> None:
    graph = store.lineage("b")
    assert [e.id for e in graph.upstream] == ["e2", "e1"]
    assert [e.id for e in graph.downstream] == ["e3"]
    assert set(graph.artifacts) == set("abcd")
    assert graph.data == (ExternalInput("path", "/data/x.csv", "d1"),)
    assert ("e2", "b") in graph.edges
    assert ("b", "e3") in graph.edges
    plain = graph.to_dict()
    assert plain["data"][0]["path"] == "/data/x.csv"
    assert plain["upstream"][0]["inputs"] == [{"name": "in", "artifact": "a"}]
    assert store.lineage(store.home / "artifacts" / "Text" / "d" / "file").artifact.id == "d"
    with pytest.raises(MetadataError, match="An artifact that exists"):
        store.lineage("nothing")


def test_runs_by_the_start_of_their_id(store: MetadataStore) -> None:
    store.begin_run(run("r12"), [])
    store.begin_run(run("q7"), [])
    assert store.run("q").id == "q7"
    assert store.run("r1").id == "r1"
    with pytest.raises(MetadataError, match="one run"):
        store.run("r")
    with pytest.raises(MetadataError, match="A run that exists"):
        store.run("zz")
    store.end_run("q7", "done", 0, 2.0)
    assert [r.id for r in store.runs(state="running")] == ["r12", "r1"]
    assert len(store.runs(limit=1)) == 1


def test_one_execution_is_all_or_nothing(store: MetadataStore) -> None:
    before = store.artifacts()
    with pytest.raises(MetadataError, match="consistent"):
        store.record_execution(execution("e9", ("no such artifact",), ("n",)), [artifact("n")], step("e9"))
    assert store.artifacts() == before
    assert store.executions(["e9"]) == []


def test_file_digests_are_replaced(store: MetadataStore) -> None:
    for inode, digest in ((2**64 - 1, "one"), (5, "two")):
        store.put_file_digests([StoredFileDigest("/x", 1, 2, inode, digest)])
        assert store.file_digests() == {"/x": StoredFileDigest("/x", 1, 2, inode, digest)}


def test_a_newer_database_is_refused(store: MetadataStore) -> None:
    store.close()
    with sqlite3.connect(store.home / "metadata.db") as raw:
        raw.execute("INSERT INTO schema_version VALUES (999)")
    raw.close()
    with pytest.raises(MetadataError, match=r"version 999, written by a newer headrace"):
        MetadataReader(store.home)


def test_a_url_works_too() -> None:
    with MetadataStore("sqlite:///:memory:") as store:
        store.begin_run(run(), [])
        assert store.run("r1").state == "running"


def test_public_names_exist() -> None:
    for name in headrace.metadata.__all__:
        assert getattr(headrace.metadata, name) is not None
    with pytest.raises(AttributeError):
        headrace.metadata.nothing  # noqa: B018
