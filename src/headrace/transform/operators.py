"""Operators of ONNX Runtime that neither ONNX nor ndonnx has, and thin forms of some that they have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import spox.opset.ai.onnx.ml.v4 as ml
import spox.opset.ai.onnx.v17 as op17
import spox.opset.ai.onnx.v20 as op20
import spox.opset.ai.onnx.v21 as op
from spox import Tensor, Var
from spox._attributes import AttrInt64, AttrString  # spox's way to add an operator
from spox._fields import BaseAttributes, BaseInputs, BaseOutputs
from spox._node import Node, OpType
from spox._var import _VarInfo, create_prop_dict, unwrap_vars

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spox._type_system import Type
    from spox._value_prop import PropDict

__all__ = ["concat_strings", "identity", "lookup", "murmur_hash", "strip_whitespace"]

# From the first character that is not whitespace to the last one.
_TOKEN = r"(?s)[^\t\n\v\f\r ](?:.*[^\t\n\v\f\r ])?"  # noqa: S105 - a pattern, not a secret

_BARE = r"(?s)(?:[^\t\n\v\f\r ](?:.*[^\t\n\v\f\r ])?)?"


class _Tokenizer(Node):
    @dataclass
    class Attributes(BaseAttributes):
        mark: AttrInt64
        mincharnum: AttrInt64
        pad_value: AttrString
        tokenexp: AttrString

    @dataclass
    class Inputs(BaseInputs):
        X: _VarInfo

    @dataclass
    class Outputs(BaseOutputs):
        Y: _VarInfo

    op_type = OpType("Tokenizer", "com.microsoft", 1)
    attrs: Attributes
    inputs: Inputs
    outputs: Outputs

    def infer_output_types(self, input_prop_values: PropDict) -> dict[str, Type]:  # noqa: ARG002 - spox calls it
        return {"Y": Tensor(np.str_, (None, None))}


class _MurmurHash3(Node):
    @dataclass
    class Attributes(BaseAttributes):
        positive: AttrInt64
        seed: AttrInt64

    @dataclass
    class Inputs(BaseInputs):
        X: _VarInfo

    @dataclass
    class Outputs(BaseOutputs):
        Y: _VarInfo

    op_type = OpType("MurmurHash3", "com.microsoft", 1)
    attrs: Attributes
    inputs: Inputs
    outputs: Outputs

    def infer_output_types(self, input_prop_values: PropDict) -> dict[str, Type]:  # noqa: ARG002 - spox calls it
        return {"Y": Tensor(np.uint32, self.inputs.X.unwrap_tensor().shape)}


def _only(node: Node, x: Var) -> Var:
    (var,) = node.get_output_vars(input_prop_values=create_prop_dict(X=x)).flatten_vars().values()
    return var


def strip_whitespace(texts: Var) -> Var:
    r"""Remove `` \t\n\v\f\r`` from both ends of every text of a vector.

    Most data has nothing to strip. Finding that out costs a tenth of stripping, so that only batches in which a text
    begins or ends with whitespace pay for it.
    """
    bare = op20.regex_full_match(texts, pattern=_BARE)
    others = op17.reduce_sum(op.cast(op17.not_(bare), to=np.int64), keepdims=False)
    (stripped,) = op.if_(
        op.cast(others, to=np.bool_),
        then_branch=lambda: [_strip_all(texts)],
        else_branch=lambda: [op.identity(texts)],
    )
    return stripped


def _strip_all(texts: Var) -> Var:
    """Strip every text.

    The tokenizer gives a matrix with as many columns as the longest row has tokens: none where all rows are blank, and
    the wrong rank where there are no rows. A row in front that always has one token settles both.
    """
    padded = op17.concat([op.const(np.array(["x"])), texts], axis=0)
    node = _Tokenizer(
        _Tokenizer.Attributes(
            mark=AttrInt64(0, "mark"),
            mincharnum=AttrInt64(1, "mincharnum"),
            pad_value=AttrString("", "pad_value"),
            tokenexp=AttrString(_TOKEN, "tokenexp"),
        ),
        _Tokenizer.Inputs(unwrap_vars(padded)),
    )
    first = op17.gather(_only(node, padded), op.const(np.int64(0)), axis=1)
    return op17.slice(first, op.const(np.array([1], np.int64)), op.const(np.array([np.iinfo(np.int64).max], np.int64)))


def murmur_hash(x: Var, seed: int = 0) -> Var:
    """Hash texts (their UTF-8 bytes) or int64 numbers (their eight bytes) with MurmurHash3, 32 bits, as int64."""
    node = _MurmurHash3(
        _MurmurHash3.Attributes(positive=AttrInt64(1, "positive"), seed=AttrInt64(seed, "seed")),
        _MurmurHash3.Inputs(unwrap_vars(x)),
    )
    return op.cast(_only(node, x), to=np.int64)


def lookup(texts: Var, words: Sequence[str], default: int) -> Var:
    """Return the position of each text in ``words``, or ``default``."""
    return ml.label_encoder(
        texts, keys_strings=list(words), values_int64s=list(range(len(words))), default_int64=default
    )


def concat_strings(left: Var, separator: str, right: Var) -> Var:
    """Join two vectors of texts, row by row."""
    return op20.string_concat(op20.string_concat(left, op.const(np.array(separator))), right)


def identity(x: Var) -> Var:
    """Return a value of its own that equals ``x``."""
    return op.identity(x)
