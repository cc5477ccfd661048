"""The one graph: signatures, sessions, rows to feeds, loaded models, joining graphs, and comparing what they give."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

# Imported at once, so that the name is the function's and not the module's.
from headrace.model.compose import compose, prune

if TYPE_CHECKING:
    from headrace.model.compare import (
        Difference,
        OperatorDifference,
        bits_equal,
        differing_operators,
        first_difference,
        ulp_distance,
    )
    from headrace.model.feeds import Feeds, feeds_from_batch
    from headrace.model.lists import list_pieces
    from headrace.model.loaded import LabelGraph, LoadedModel, load_model, model_folder, save_model
    from headrace.model.packed import PackedSession, open_packed_session
    from headrace.model.rows import RowDecoder, batch_from_columns, batch_from_rows
    from headrace.model.session import open_session, run_session
    from headrace.model.signature import TRANSFORMED_SUFFIX, Input, Output, Signature, inputs_of, signature_of

_HOMES = {
    "TRANSFORMED_SUFFIX": "signature",
    "Difference": "compare",
    "Feeds": "feeds",
    "Input": "signature",
    "LabelGraph": "loaded",
    "LoadedModel": "loaded",
    "OperatorDifference": "compare",
    "Output": "signature",
    "PackedSession": "packed",
    "RowDecoder": "rows",
    "Signature": "signature",
    "batch_from_columns": "rows",
    "batch_from_rows": "rows",
    "bits_equal": "compare",
    "differing_operators": "compare",
    "feeds_from_batch": "feeds",
    "first_difference": "compare",
    "inputs_of": "signature",
    "list_pieces": "lists",
    "load_model": "loaded",
    "model_folder": "loaded",
    "open_packed_session": "packed",
    "open_session": "session",
    "run_session": "session",
    "save_model": "loaded",
    "signature_of": "signature",
    "ulp_distance": "compare",
}

__all__ = [
    "TRANSFORMED_SUFFIX",
    "Difference",
    "Feeds",
    "Input",
    "LabelGraph",
    "LoadedModel",
    "OperatorDifference",
    "Output",
    "PackedSession",
    "RowDecoder",
    "Signature",
    "batch_from_columns",
    "batch_from_rows",
    "bits_equal",
    "compose",
    "differing_operators",
    "feeds_from_batch",
    "first_difference",
    "inputs_of",
    "list_pieces",
    "load_model",
    "model_folder",
    "open_packed_session",
    "open_session",
    "prune",
    "run_session",
    "save_model",
    "signature_of",
    "ulp_distance",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        module = import_module(f"headrace.model.{_HOMES[name]}")
        value = getattr(module, name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
