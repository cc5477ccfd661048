"""ONNX operators: opset 21 and ai.onnx.ml 5."""

from __future__ import annotations

from typing import Any

import spox.opset.ai.onnx.ml.v5 as _ml
import spox.opset.ai.onnx.v21 as _op

__all__ = ["ml", "op"]

# spox's modules hand out operators of older opsets without declaring so, which a type checker takes for a mistake.
op: Any = _op
ml: Any = _ml
