"""Work on the texts of columns of lists once for each distinct one of a batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pyarrow as pa
from onnx import TensorProto, helper

from headrace.model.feeds import feeds_from_batch
from headrace.model.lists import list_parts
from headrace.transform.token_parts import Found, Graph, TokenPart, TokenRun, rest_of, word_model, word_types
from headrace.transform.tokens import Lists, Tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from headrace.model.signature import Input

__all__ = ["ListPart", "ListRun", "cut_lists"]


@dataclass(frozen=True)
class ListPart(TokenPart):
    """The part of a graph that treats each text of a column of lists by itself.

    Parameters
    ----------
    absent
        The graph's input that is true where lists have no item. It is given with the texts, since both are as wide.
    """

    absent: str = ""

    @property
    def names(self) -> set[str]:
        """The graph's values that it gives."""
        return {*super().names, self.absent}

    def tokens(self, batch: pa.RecordBatch) -> Tokens:
        """Return the texts of a batch's lists; the last word but one stands in place of an item that is missing.

        Raises
        ------
        RequestError
            As `feeds_from_batch` does.
        """
        column = batch.column(self.column.feature)
        # It knows what types there may be, and whether lists may be missing.
        checked = column if column.null_count else column.slice(0, 0)
        feeds_from_batch(pa.record_batch({self.column.feature: checked}), self.inputs)
        if pa.types.is_null(column.type):
            column = column.cast(pa.list_(pa.string()))
        items, lengths = list_parts(column)
        if pa.types.is_dictionary(items.type) and items.dictionary.null_count:
            items = items.dictionary_decode()
        if not pa.types.is_dictionary(items.type):
            items = items.cast(pa.string()).dictionary_encode()
        words = items.dictionary.cast(pa.string())
        codes = items.indices.cast(pa.int32()).fill_null(len(words)).to_numpy(zero_copy_only=False)
        return Tokens(pa.concat_arrays([words, pa.array(["", ""])]), codes, lengths)

    def run(self, batch: pa.RecordBatch) -> ListRun:
        """Run the model once for each distinct text."""
        found = super().run(batch)
        return ListRun(self, found.tokens, found.values, self.absent)


@dataclass(frozen=True)
class ListRun(TokenRun):
    """What a part found in a batch."""

    absent: str = ""

    def lists(self, values: str, missing: str | None) -> Lists | None:
        """Return two of the graph's outputs as lists without what is missing; None where texts do not tell it."""
        if values not in self.values or missing not in self.part.beyond or self.values[values].dtype.kind == "f":
            return None
        tokens = self.tokens
        kept = tokens.codes < len(tokens.words) - 2
        if kept.all():
            return Lists(self.values[values], tokens.codes, tokens.counts)
        sums = np.concatenate([[0], np.cumsum(kept)])
        return Lists(self.values[values], tokens.codes[kept], np.diff(sums[tokens.starts]))

    def chunk(self, rows: NDArray[np.int64], width: int = 1) -> dict[str, Any]:
        """Return the graph's values for some rows, ``width`` columns at least."""
        codes = self.tokens.matrix(rows, max(width, int(self.tokens.counts[rows].max(initial=0))))
        found = super().chunk(rows, codes.shape[1])
        return found | {self.absent: codes >= len(self.tokens.words) - 2}


def cut_lists(whole: onnx.ModelProto, inputs: Sequence[Input]) -> tuple[tuple[ListPart, ...], onnx.ModelProto]:
    """Cut the parts off a graph that treat each text of a column of lists by itself.

    Returns
    -------
    tuple of ListPart
        The parts.
    onnx.ModelProto
        The rest, as of `cut_tokens`.
    """
    graph = Graph(whole.graph)
    parts: list[ListPart] = []
    types: dict[str, onnx.ValueInfoProto] = {}
    for item in inputs:
        if item.role != "value" or item.dtype != "string" or item.shape != ("N", "M"):
            continue
        own = tuple(one for one in inputs if one.feature == item.feature)
        absent = next((one.name for one in own if one.role == "absent"), None)
        if absent is None or {item.name, absent} & graph.captured:
            continue
        found = _part(whole, graph, item, own, absent)
        if found is not None:
            parts.append(found[0])
            types |= found[1]
    return tuple(parts), rest_of(whole, parts, types)


def _part(
    whole: onnx.ModelProto, graph: Graph, item: Input, own: tuple[Input, ...], absent: str
) -> tuple[ListPart, dict[str, onnx.ValueInfoProto]] | None:
    place = Found(item.name, None, item.name, frozenset(), None, ())
    mine, outputs = graph.by_word(place)
    if item.name in outputs or not outputs:
        return None
    model = word_model(whole, item.name, outputs)
    types = word_types(model, item.name, outputs)
    if types is None:
        return None
    texts = {name for name in outputs if types[name].type.tensor_type.elem_type == TensorProto.STRING}
    if any(not mine.issuperset(node.output) for name in texts for node in graph.readers.get(name, [])):
        # A matrix of texts that the rest of the graph takes would be made for nothing.
        return None
    shapes = graph.shapes(place, mine)
    for one in shapes:
        size = len(range(2)[one.start : one.end])
        types[one.name] = helper.make_tensor_value_info(one.name, TensorProto.INT64, [size])
    asked = tuple(name for name in outputs if name in graph.outputs)
    masks = {one.name for one in own if one.role == "missing"}
    part = ListPart(
        column=item, texts=b"", inputs=own, separator=None, matrix=item.name, model=model, outputs=tuple(outputs),
        asked=asked, counts=None, beyond=_same_as_absent(graph, absent, masks), shapes=shapes, gives_texts=bool(texts),
        absent=absent,
    )  # fmt: skip
    return part, types


def _same_as_absent(graph: Graph, absent: str, masks: set[str]) -> frozenset[str]:
    """Return the graph's outputs that are true where lists have no item, or are missing themselves."""
    same = {absent}
    lists = {
        node.output[0] for node in graph.graph.node if node.op_type == "Unsqueeze" and masks.intersection(node.input)
    }
    for node in graph.graph.node:
        whole = node.op_type == "Or" and set(node.input) & same and set(node.input) <= same | lists
        if whole or (node.op_type == "Identity" and node.input[0] in same):
            same.add(node.output[0])
    return frozenset(same & set(graph.outputs))
