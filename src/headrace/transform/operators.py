"""Operators of ONNX Runtime that neither ONNX nor ndonnx has, and thin forms of some that they have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import ndonnx as ndx
import numpy as np
import spox.opset.ai.onnx.ml.v4 as ml
import spox.opset.ai.onnx.v17 as op17
import spox.opset.ai.onnx.v19 as op19
import spox.opset.ai.onnx.v20 as op20
import spox.opset.ai.onnx.v21 as op
from spox import Tensor, Var
from spox._attributes import AttrInt64, AttrString  # spox's way to add an operator
from spox._fields import BaseAttributes, BaseInputs, BaseOutputs
from spox._future import initializer
from spox._node import Node, OpType
from spox._var import _VarInfo, create_prop_dict, unwrap_vars

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spox._type_system import Type
    from spox._value_prop import PropDict

__all__ = [
    "change_case",
    "concat_strings",
    "const",
    "equals",
    "full_match",
    "identity",
    "join_strings",
    "literal",
    "lookup",
    "matches",
    "murmur_hash",
    "split_strings",
    "strip_whitespace",
]

# From the first character that is not whitespace to the last one.
_TOKEN = r"(?s)[^\t\n\v\f\r ](?:.*[^\t\n\v\f\r ])?"  # noqa: S105 - a pattern, not a secret

# A row that is put in front of a batch; no text that is valid begins with this character.
_GUARD = "\x00row"
_GUARD_PATTERN = r"^\x00row$"

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
    return op17.gather(matches(texts, _TOKEN), const(np.int64(0)), axis=1)


def matches(texts: Var, pattern: str) -> Var:
    """Return the parts of each text of a vector that match a pattern, one behind the other: ``[N, M]``, M at least 1.

    A row that has fewer than others is filled up with ``""``; no match is empty. The tokenizer gives a matrix with as
    many columns as the longest row has tokens: none where no row has one, and the wrong rank where there are no rows.
    A row in front that always has one token settles both.
    """
    padded = op17.concat([const(np.array([_GUARD])), texts], axis=0)
    node = _Tokenizer(
        _Tokenizer.Attributes(
            mark=AttrInt64(0, "mark"),
            mincharnum=AttrInt64(1, "mincharnum"),
            pad_value=AttrString("", "pad_value"),
            tokenexp=AttrString(f"(?:{pattern})|{_GUARD_PATTERN}", "tokenexp"),
        ),
        _Tokenizer.Inputs(unwrap_vars(padded)),
    )
    return _behind_first(_only(node, padded))


def _behind_first(x: Var) -> Var:
    return op17.slice(x, const(np.array([1], np.int64)), const(np.array([np.iinfo(np.int64).max], np.int64)))


def equals(texts: Var, text: str) -> Var:
    """Return where texts are equal to one."""
    return op19.equal(texts, const(np.array(text)))


def full_match(texts: Var, pattern: str) -> Var:
    """Return where a pattern of RE2 matches the whole of a text."""
    return op20.regex_full_match(texts, pattern=pattern)


def split_strings(texts: Var, separator: str | None) -> tuple[Var, Var]:
    """Split the texts of a vector at a separator, or at spaces.

    Returns
    -------
    tuple of spox.Var
        Parts ``[N, M]``, filled up with ``""``, M at least 1, and how many each text has, int64 ``[N]``.
    """
    parts, counts = op20.string_split(texts, delimiter=separator)
    # Never true, and as long as the texts.
    never = op17.less(op.unsqueeze(counts, const(np.array([1]))), const(np.int64(0)))
    blank = const(np.array(""))
    return op17.concat([parts, op17.where(never, blank, blank)], axis=1), counts


def join_strings(parts: Var, present: Var, separator: str) -> Var:
    """Join the parts ``[N, M]``, M at least 1, of each row where they are present."""
    one = const(np.array([1]))
    # What is absent is empty, and brings no separator; what is present brings one unless it is the first.
    behind = op17.greater(op17.cumsum(op.cast(present, to=np.int64), const(np.int64(1))), const(np.int64(1)))
    nothing = const(np.array(""))
    pieces = op20.string_concat(
        op17.where(op17.and_(present, behind), const(np.array(separator)), nothing),
        op17.where(present, parts, nothing),
    )
    columns = op17.slice(op.shape(parts), const(np.array([1])), const(np.array([2])))
    first = op17.gather(pieces, const(np.int64(0)), axis=1)

    def body(number: Var, _: Var, joined: Var) -> list[Var]:
        next_one = op.squeeze(op17.gather(pieces, op17.add(number, one), axis=1), one)
        return [const(np.array([True])), op20.string_concat(joined, next_one)]

    return op.loop(op17.sub(columns, one), const(np.array([True])), [first], body=body)[0]


def change_case(texts: Var, to: Literal["LOWER", "UPPER"]) -> Var:
    """Change the case of the texts of a vector, each character for itself.

    The operator takes no empty vector, so that a row goes in front.
    """
    padded = op17.concat([const(np.array([_GUARD])), texts], axis=0)
    changed = op17.string_normalizer(padded, case_change_action=to, is_case_sensitive=1, locale="C.UTF-8")
    return _behind_first(changed)


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


def const(value: Any) -> Var:
    """Return a constant: an initializer, which spox need not compute to know, as it does a node's value."""
    return initializer(np.asarray(value))


def literal(value: Any) -> ndx.Array:
    """Return a constant as an array; ndonnx's own would be an operator, which spox runs to know its value."""
    return ndx.asarray(const(value))


def concat_strings(left: Var, separator: str, right: Var) -> Var:
    """Join two vectors of texts, row by row."""
    return op20.string_concat(op20.string_concat(left, const(np.array(separator))), right)


def identity(x: Var) -> Var:
    """Return a value of its own that equals ``x``."""
    return op.identity(x)
