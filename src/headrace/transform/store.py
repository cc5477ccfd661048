"""A transform graph as a folder of files, each of which appears whole or not at all."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import onnx

from headrace.data.cleaning import Cleaning
from headrace.errors import ModelError
from headrace.schema import FeatureSpec
from headrace.storage import write_atomic
from headrace.transform.columns import RawColumn
from headrace.transform.graph import AnalyzerResult, TransformGraph

__all__ = ["load", "save"]

_VERSION = 1
_TRAINING = "transform.training.onnx"


def save(graph: TransformGraph, folder: Path) -> None:
    """Write a graph; ``transform.json`` comes last, so that a folder that has it is complete."""
    content: bytes = graph.to_onnx().SerializeToString(deterministic=True)
    write_atomic(folder / "transform.onnx", content)
    if graph.training_model is not None:
        write_atomic(folder / _TRAINING, graph.training_model.SerializeToString(deterministic=True))
    else:
        (folder / _TRAINING).unlink(missing_ok=True)
    for name, words in graph.vocabularies():
        lines = "".join(word.replace("\\", "\\\\").replace("\n", "\\n") + "\n" for word in words)
        write_atomic(folder / "vocabularies" / f"{_file_name(name)}.txt", lines)
    write_atomic(folder / "transform.json", _document(graph))


def load(folder: Path) -> TransformGraph:
    """Read a graph.

    Raises
    ------
    ModelError
        If the folder has none that can be read.
    """
    try:
        model = onnx.load_model_from_string((folder / "transform.onnx").read_bytes())
        learnt = folder / _TRAINING
        training_model = onnx.load_model_from_string(learnt.read_bytes()) if learnt.is_file() else None
        return _graph(model, training_model, json.loads((folder / "transform.json").read_bytes()))
    except FileNotFoundError as error:
        raise ModelError(
            "A transform graph is a folder with transform.onnx and transform.json",
            got=f"no {Path(error.filename).name}",
            where=str(folder),
        ) from error
    except Exception as error:  # what a broken protobuf or JSON file raises shares no base
        raise ModelError("A transform graph must be readable", got=repr(error), where=str(folder)) from error


def _file_name(feature: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_. " else f"%{ord(letter):02X}" for letter in feature)


def _document(graph: TransformGraph) -> str:
    document = {
        "version": _VERSION,
        "inputs": [asdict(column) for column in graph.inputs],
        "outputs": [asdict(feature) for feature in graph.outputs],
        "analyzers": [asdict(result) for result in graph.analyzers],
        "paths": graph.paths,
        "ignored": graph.ignored,
    }
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def _graph(model: onnx.ModelProto, training_model: onnx.ModelProto | None, document: dict[str, Any]) -> TransformGraph:
    if document["version"] != _VERSION:
        raise ValueError(f"version {document['version']} of transform.json is newer than this headrace")
    inputs = tuple(
        RawColumn(
            item["name"],
            item["dtype"],
            item["may_be_missing"],
            Cleaning(item["cleaning"]["strip"], tuple(item["cleaning"]["null_values"])),
            item.get("size"),
        )
        for item in document["inputs"]
    )
    outputs = tuple(
        FeatureSpec(
            item["name"],
            item["dtype"],
            tuple(item["shape"]),
            item["num_buckets"],
            None if item["vocabulary"] is None else tuple(item["vocabulary"]),
            tuple(item["sources"]),
        )
        for item in document["outputs"]
    )
    analyzers = tuple(
        AnalyzerResult(
            item["name"], tuple(item["columns"]), item["where"], item["value"], tuple(item.get("features", ()))
        )
        for item in document["analyzers"]
    )
    paths, ignored = document["paths"], tuple(document["ignored"])
    return TransformGraph(model, inputs, outputs, analyzers, paths, ignored, training_model)
