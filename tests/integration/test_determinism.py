"""The same data and code give the same bits, in another folder, on other threads, at another time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from headrace.metadata import MetadataReader

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.conftest import Project

# The judged outputs hold no times, so they are compared by their digests; the others have time stamps inside.
TIMELESS = {"Examples", "ExampleStatistics", "Schema", "ExampleAnomalies", "TransformGraph"}


def digests(home: Path) -> set[tuple[str, str]]:
    with MetadataReader(home) as reader:
        return {(one.type, one.digest) for one in reader.artifacts() if one.type in TIMELESS}


def assert_same(project: Project, reference: Project) -> None:
    assert digests(project.home) == digests(reference.home)
    ours, theirs = project.version().path, reference.version().path
    for name in ("model.onnx", "signature.json", "label.onnx", "schema.yaml", "evaluation.json", "statistics.json"):
        assert (ours / name).read_bytes() == (theirs / name).read_bytes(), name


@pytest.mark.parametrize("threads", ["1", "4"])
def test_trees(project: Project, trees_run: Project, threads: str) -> None:
    env = {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads, "PYTHONHASHSEED": threads, "TZ": "Asia/Tokyo"}
    project.run("--set", "model=trees", "--jobs", threads, env=env)
    assert_same(project, trees_run)


def test_network(project: Project, neural_run: Project) -> None:
    env = {"OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "5", "LC_ALL": "C"}
    project.run("--set", "epochs=3", "--jobs", "1", env=env)
    assert_same(project, neural_run)
