from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from headrace import transform as tft
from headrace.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path


def graph_of(words: list[str]) -> tft.TransformGraph:
    def function(inputs: Any) -> dict[str, Any]:
        return {"a/b": tft.compute_and_apply_vocabulary(inputs["word"], num_oov_buckets=1)}

    return tft.analyze({"word": words}, function)


def test_a_folder_gives_the_same_graph_and_the_words_as_text(tmp_path: Path) -> None:
    words = ["x", "x", "x", "two\nlines", "two\nlines", "back\\slash"]
    graph = graph_of(words)
    graph.save(tmp_path / "graph")
    (listed,) = (tmp_path / "graph" / "vocabularies").iterdir()
    assert listed.read_text() == "x\ntwo\\nlines\nback\\\\slash\n"
    loaded = tft.TransformGraph.load(tmp_path / "graph")
    assert (loaded.inputs, loaded.outputs, loaded.analyzers) == (graph.inputs, graph.outputs, graph.analyzers)
    assert loaded.to_onnx().SerializeToString(deterministic=True) == graph.to_onnx().SerializeToString(
        deterministic=True
    )


@pytest.mark.parametrize("name", ["transform.onnx", "transform.json"])
def test_a_folder_that_is_not_whole_is_refused(name: str, tmp_path: Path) -> None:
    graph_of(["x"]).save(tmp_path)
    file = tmp_path / name
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(ModelError, match="must be readable"):
        tft.TransformGraph.load(tmp_path)
    file.unlink()
    with pytest.raises(ModelError, match=f"no {name}"):
        tft.TransformGraph.load(tmp_path)
