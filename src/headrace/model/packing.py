"""Rewriting a graph of many columns into one of few matrices, a column in each row: fewer operators, the same bits."""

from __future__ import annotations

import zlib
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from headrace.model.columns import AXES, NUMBERS, ROWS, Column, Shape, Step, understood
from headrace.model.compose import reads

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = ["Pack", "Packed", "pack", "rewrite"]

_SPLIT_SINCE = 13


@dataclass(frozen=True)
class Pack:
    """Columns of one type and shape that are one tensor, a column in each row.

    Parameters
    ----------
    name
        Of the tensor, of shape [columns, N] or [columns, N, m].
    members
        The columns, in the order of the rows.
    dtype
        ONNX's number of the type.
    shape
        Of one column; -1 stands for the rows of a batch.
    """

    name: str
    members: tuple[str, ...]
    dtype: int
    shape: Shape


@dataclass(frozen=True)
class Packed:
    """A rewritten graph; the inputs and outputs that are in no pack are as they were."""

    model: onnx.ModelProto
    inputs: tuple[Pack, ...]
    outputs: tuple[Pack, ...]

    @property
    def saved(self) -> int:
        """How many tensors fewer go in and out."""
        return sum(len(one.members) - 1 for one in (*self.inputs, *self.outputs))


def pack(model: onnx.ModelProto) -> Packed:
    """Put columns of one type into one matrix, and equal operators on columns into one operator on a matrix.

    Parameters
    ----------
    model
        A graph whose constants are folded. Its inputs of shape [N] and [N, m] are packed, where N is the name that the
        most inputs have for their first axis and m is fixed; so are outputs of shape [N] that are computed of them one
        value for each value. Values that other operators read, which are left alone, are as they were.

    Returns
    -------
    Packed
        Nothing in it is packed where the rewriting would not pay.
    """
    packed = rewrite(model)
    return packed if _cost(packed.model) < _cost(model) else Packed(model, (), ())


def rewrite(model: onnx.ModelProto) -> Packed:
    """Rewrite a graph as :func:`pack` does, whether it pays or not."""
    version = next((item.version for item in model.opset_import if item.domain in ("", "ai.onnx")), 0)
    return Packed(model, (), ()) if version < _SPLIT_SINCE else _Packing(model).packed()


def _cost(model: onnx.ModelProto) -> int:
    # Handing a tensor over costs about as much as two operators on a few values.
    return len(model.graph.node) + 2 * (len(model.graph.input) + len(model.graph.output))


@dataclass
class _Matrix:
    """A value whose rows are columns; ``parts`` are taken out of it once all that is wanted of it is known."""

    name: str
    rows: tuple[str, ...]
    dtype: int
    parts: dict[tuple[int, ...], str] = field(default_factory=dict)

    @cached_property
    def places(self) -> dict[str, int]:
        """The row of each column."""
        return {row: place for place, row in enumerate(self.rows)}


class _Packing:
    def __init__(self, model: onnx.ModelProto) -> None:
        self._model = model
        graph = self._graph = model.graph
        given = {value.name for value in graph.input}
        self._tensors = {item.name: item for item in graph.initializer if item.name not in given}
        self._overridable = {item.name for item in graph.initializer if item.name in given}
        self._taken = {name for node in graph.node for name in (*node.input, *node.output)} | given | set(self._tensors)
        self._symbol = ""
        self._columns: dict[str, Column] = {}
        self._steps: list[Step] = []
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._shared: dict[tuple[Any, ...], str] = {}
        self._matrices: list[_Matrix] = []
        self._exact: dict[tuple[str, ...], _Matrix] = {}
        self._homes: dict[str, list[_Matrix]] = defaultdict(list)

    def packed(self) -> Packed:
        inputs = self._inputs()
        others = self._understand()
        read = {name for step in self._steps for name in step.columns}
        # A column without a companion is no cheaper as a matrix, unless something can be made of it there.
        for name in [members[0] for members in inputs if len(members) == 1 and members[0] not in read]:
            del self._columns[name]
        inputs = [members for members in inputs if members[0] in self._columns]
        wanted = {name for node in others for name in reads(node)}
        groups = self._outputs()
        wanted |= {value.name for value in self._graph.output} - {name for group in groups for name in group}
        after = self._after()
        packs = []
        for members in inputs:
            column = self._columns[members[0]]
            matrix = self._matrix(self._fresh("inputs"), _side_by_side(members, after), column.dtype)
            packs.append(Pack(matrix.name, matrix.rows, column.dtype, column.shape))
        self._merge()
        made = []
        for members in groups:
            column = self._columns[members[0]]
            order = self._order(members)
            matrix = self._assembled(tuple(members[place] for place in order))
            name = matrix.name
            if name in {one.name for one in packs}:
                name = self._fresh("outputs")
                self._add("Identity", [matrix.name], name)
            made.append(Pack(name, matrix.rows, column.dtype, column.shape))
        for name in self._columns:
            if name in wanted:
                self._plain(name)
        for matrix in self._matrices:
            self._take_out(matrix)
        return Packed(self._written(others, packs, made), tuple(packs), tuple(made))

    def _fresh(self, kind: str) -> str:
        number = len(self._taken)
        while (name := f"packed/{kind}_{number}") in self._taken:
            number += 1
        self._taken.add(name)
        return name

    # What there is

    def _inputs(self) -> list[list[str]]:
        """Find the inputs that are columns, by type and shape."""
        found: dict[tuple[int, Shape], list[str]] = defaultdict(list)
        values = [value for value in self._graph.input if value.name not in self._overridable]
        names = Counter(symbol for value in values if (symbol := _rows_of(value)))
        if not names:
            return []
        symbol = self._symbol = names.most_common(1)[0][0]
        for value in values:
            if _rows_of(value) == symbol:
                dims = value.type.tensor_type.shape.dim
                shape = (ROWS, *(dim.dim_value for dim in dims[1:]))
                found[value.type.tensor_type.elem_type, shape].append(value.name)
        self._columns = {name: Column(*kind) for kind, names in found.items() for name in names}
        return list(found.values())

    def _understand(self) -> list[onnx.NodeProto]:
        """Find the nodes on columns; returns the others."""
        others = []
        makers: dict[str, int] = {}
        for node in self._graph.node:
            found = understood(node, self._columns, self._tensors)
            if found is None:
                others.append(node)
                continue
            step, column = found
            for name in step.columns:
                if name in makers:
                    place = makers[name]
                    step.before |= self._steps[place].before | 1 << place
            makers[step.output] = len(self._steps)
            self._steps.append(step)
            self._columns[step.output] = column
        return others

    def _outputs(self) -> list[list[str]]:
        """Find the outputs that are columns, by type."""
        found: dict[Column, list[str]] = defaultdict(list)
        for value in self._graph.output:
            column = self._columns.get(value.name)
            if column is not None and column.shape == (ROWS,):
                found[column].append(value.name)
        return [names for names in found.values() if len(names) > 1]

    def _after(self) -> dict[str, int]:
        """Digest what happens to each column, so that columns of which the same becomes lie side by side."""
        found: dict[str, list[int]] = defaultdict(list)
        for value in self._graph.output:
            found[value.name].append(1)
        digests: dict[str, int] = {}
        for step in reversed(self._steps):
            digests[step.output] = zlib.crc32(repr(sorted(found[step.output])).encode())
            own = zlib.crc32(repr((step.kind, digests[step.output])).encode())
            for name in step.columns:
                if name is not None:
                    found[name].append(own)
        return {name: zlib.crc32(repr(sorted(uses)).encode()) for name, uses in found.items()}

    # Making one node of many

    def _merge(self) -> None:
        pending = set(range(len(self._steps)))
        done = 0
        while pending:
            ready: dict[tuple[Any, ...], list[int]] = defaultdict(list)
            waiting: dict[tuple[Any, ...], list[int]] = defaultdict(list)
            for place in sorted(pending):
                step = self._steps[place]
                free = step.before & ~done == 0
                if step.alone:
                    if free:
                        self._one(step)
                        done |= 1 << place
                        pending.discard(place)
                else:
                    (ready if free else waiting)[step.kind].append(place)
            best: tuple[bool, int] | None = None
            chosen: list[int] = []
            for kind, places in ready.items():
                mine = sum(1 << place for place in places)
                # Those that need one of these cannot be waited for.
                whole = all(self._steps[place].before & mine for place in waiting[kind])
                if best is None or (whole, len(places)) > best:
                    best, chosen = (whole, len(places)), places
            for place in chosen:
                done |= 1 << place
                pending.discard(place)
            if chosen:
                self._many([self._steps[place] for place in chosen])

    def _many(self, steps: list[Step]) -> None:
        first = steps[0]
        lead = next(place for place, name in enumerate(first.columns) if name is not None)
        if len(steps) > 1:
            order = self._order([cast("str", step.columns[lead]) for step in steps])
            steps = [steps[place] for place in order]
            first = steps[0]
        operands: list[str] = []
        for place, name in enumerate(first.columns):
            if name is not None:
                operands.append(self._assembled(tuple(cast("str", step.columns[place]) for step in steps)).name)
            elif first.node.op_type in AXES:
                operands.append(self._axes(first))
            else:
                operands.append(self._stacked([step.constants[place] for step in steps], first))
        if first.node.op_type == "ReduceSum" and len(operands) == 1:
            operands.append(self._axes(first))
        column = self._columns[first.output]
        matrix = self._matrix(self._fresh(first.node.op_type), tuple(step.output for step in steps), column.dtype)
        node = onnx.NodeProto()
        node.CopyFrom(first.node)
        del node.input[:], node.output[:]
        node.input.extend(operands)
        node.output.append(matrix.name)
        node.name = matrix.name
        self._nodes.append(node)

    def _one(self, step: Step) -> None:
        self._many([step])

    def _axes(self, step: Step) -> str:
        if len(step.node.input) == 1:
            column = self._columns[cast("str", step.columns[0])]
            return self._constant(np.arange(1, len(column.shape) + 1))
        return self._constant(np.array([2]))

    def _stacked(self, values: Sequence[Any], step: Step) -> str:
        rank = len(self._columns[step.output].shape)
        found = [value.reshape((1,) * (rank - value.ndim) + value.shape) for value in values]
        if all(_same_bits(found[0], value) for value in found[1:]):
            return self._constant(values[0])
        return self._constant(np.stack(found))

    def _constant(self, value: np.ndarray[Any, Any]) -> str:
        key = (value.dtype.str, value.shape, tuple(value.ravel()) if value.dtype == np.object_ else value.tobytes())
        if key not in self._shared:
            name = self._shared[key] = self._fresh("constant")
            self._constants.append(numpy_helper.from_array(value, name))
        return self._shared[key]

    # Putting columns together, and taking them apart

    def _matrix(self, name: str, rows: tuple[str, ...], dtype: int) -> _Matrix:
        matrix = _Matrix(name, rows, dtype)
        self._matrices.append(matrix)
        self._exact.setdefault(rows, matrix)
        for row in dict.fromkeys(rows):
            self._homes[row].append(matrix)
        return matrix

    def _order(self, names: Sequence[str]) -> list[int]:
        """Order columns as they lie in a matrix that has them all, or as their matrices were made."""
        every = self._with_all(names)
        if every is not None:
            return sorted(range(len(names)), key=lambda place: every.places[names[place]])
        made = {id(matrix): number for number, matrix in enumerate(self._matrices)}

        def where(place: int) -> tuple[int, int]:
            home = self._homes[names[place]][0]
            return made[id(home)], home.places[names[place]]

        return sorted(range(len(names)), key=where)

    def _with_all(self, names: Sequence[str]) -> _Matrix | None:
        """Return the smallest matrix that has all of some columns."""
        wanted = set(names)
        found = [matrix for matrix in self._homes[names[0]] if wanted <= matrix.places.keys()]
        return min(found, key=lambda matrix: len(matrix.rows), default=None)

    def _assembled(self, rows: tuple[str, ...]) -> _Matrix:
        """Return a matrix with just these rows."""
        if rows in self._exact:
            return self._exact[rows]
        every = self._with_all(rows)
        if every is not None:
            return self._part(every, rows)
        runs: list[tuple[_Matrix, list[str]]] = []
        for row in rows:
            home = self._homes[row][0]
            if runs and runs[-1][0] is home:
                runs[-1][1].append(row)
            else:
                runs.append((home, [row]))
        if sum(tuple(names) not in self._exact for _, names in runs) > 1:
            homes = list({id(home): home for home, _ in runs}.values())
            return self._part(self._joined(homes), rows)
        return self._joined([self._assembled(tuple(names)) for _, names in runs])

    def _joined(self, matrices: list[_Matrix]) -> _Matrix:
        rows = tuple(row for matrix in matrices for row in matrix.rows)
        if rows not in self._exact:
            matrix = self._matrix(self._fresh("Concat"), rows, matrices[0].dtype)
            self._add("Concat", [one.name for one in matrices], matrix.name, axis=0)
        return self._exact[rows]

    def _part(self, matrix: _Matrix, rows: tuple[str, ...]) -> _Matrix:
        if rows in self._exact:
            return self._exact[rows]
        places = tuple(matrix.places[row] for row in rows)
        if matrix.dtype == TensorProto.STRING and not _is_run(places):
            return self._joined([self._assembled((row,)) for row in rows])
        part = self._matrix(self._fresh("part"), rows, matrix.dtype)
        matrix.parts[places] = part.name
        return part

    def _plain(self, name: str) -> None:
        """Give a column the name and shape that it had."""
        if self._columns[name].dtype == TensorProto.STRING:
            self._assembled((name,))
        # Of the smallest matrix: that of one row is but given another shape.
        home = min(self._homes[name], key=lambda matrix: len(matrix.rows))
        if len(home.rows) == 1:
            self._add("Squeeze", [home.name, self._constant(np.array([0]))], name)
        else:
            place = self._constant(np.array(home.places[name]))
            self._add("Gather", [home.name, place], name, axis=0)

    def _take_out(self, matrix: _Matrix) -> None:
        """Take out of a matrix what is wanted of it: with one Split what lies apart, the rest each for itself."""
        free = set(range(len(matrix.rows)))
        segments: dict[tuple[int, ...], str] = {}
        rest: dict[tuple[int, ...], str] = {}
        for places, name in sorted(matrix.parts.items(), key=lambda item: (len(item[0]), item[0])):
            if _is_run(places) and free.issuperset(places):
                segments[places] = name
                free.difference_update(places)
            else:
                rest[places] = name
        if len(segments) == 1:
            rest |= segments
        elif segments:
            for places in _runs(sorted(free)):
                segments[places] = self._fresh("unused")
            ordered = sorted(segments)
            sizes = self._constant(np.array([len(places) for places in ordered]))
            outputs = [segments[places] for places in ordered]
            self._nodes.append(helper.make_node("Split", [matrix.name, sizes], outputs, outputs[0], axis=0))
        for places, name in rest.items():
            if matrix.dtype == TensorProto.STRING:
                # ONNX Runtime's Gather copies the first text alone of each row.
                bounds = [self._constant(np.array([place])) for place in (places[0], places[-1] + 1, 0)]
                self._add("Slice", [matrix.name, *bounds], name)
                continue
            self._add("Gather", [matrix.name, self._constant(np.array(places))], name, axis=0)

    def _add(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> None:
        self._nodes.append(helper.make_node(kind, inputs, [output], output, **attributes))

    # The new graph

    def _written(self, others: list[onnx.NodeProto], inputs: list[Pack], outputs: list[Pack]) -> onnx.ModelProto:
        old = self._graph
        given = {name for one in inputs for name in one.members}
        made_packed = {name for one in outputs for name in one.members}
        graph = onnx.GraphProto(name=old.name)
        # The name that the axis has elsewhere: ONNX Runtime takes axes of one name for equally long.
        graph.input.extend(_value(one, self._symbol) for one in inputs)
        graph.input.extend(value for value in old.input if value.name not in given)
        graph.output.extend(_value(one, self._symbol) for one in outputs)
        graph.output.extend(value for value in old.output if value.name not in made_packed)
        ready = {value.name for value in graph.input} | self._tensors.keys() | {item.name for item in self._constants}
        ready |= {item.values.name for item in old.sparse_initializer} | self._overridable
        graph.node.extend(_in_order([*self._nodes, *others], ready))
        needed = {value.name for value in graph.output} | {name for node in graph.node for name in reads(node)}
        needed |= self._overridable
        graph.initializer.extend(item for item in (*old.initializer, *self._constants) if item.name in needed)
        graph.sparse_initializer.extend(old.sparse_initializer)
        made = {name for node in graph.node for name in node.output}
        graph.value_info.extend(item for item in old.value_info if item.name in made)
        return onnx.ModelProto(
            ir_version=self._model.ir_version,
            opset_import=self._model.opset_import,
            functions=self._model.functions,
            graph=graph,
        )


def _side_by_side(names: Iterable[str], kinds: Mapping[str, int]) -> tuple[str, ...]:
    """Order names so that those of one kind follow one another."""
    found: dict[int | None, list[str]] = {}
    for name in names:
        found.setdefault(kinds.get(name), []).append(name)
    return tuple(name for same in found.values() for name in same)


def _rows_of(value: onnx.ValueInfoProto) -> str:
    """Return the name of the first axis of an input that may be a column, or ""."""
    kind = value.type.tensor_type
    dims = kind.shape.dim
    if not 1 <= len(dims) <= 2 or not all(dim.dim_value > 0 for dim in dims[1:]):
        return ""
    return dims[0].dim_param if kind.elem_type in (*NUMBERS, TensorProto.STRING) else ""


def _value(one: Pack, symbol: str) -> onnx.ValueInfoProto:
    shape = [len(one.members), *(symbol if size == ROWS else size for size in one.shape)]
    return helper.make_tensor_value_info(one.name, one.dtype, shape)


def _same_bits(left: np.ndarray[Any, Any], right: np.ndarray[Any, Any]) -> bool:
    if left.shape != right.shape:
        return False
    return left.tolist() == right.tolist() if left.dtype == np.object_ else left.tobytes() == right.tobytes()


def _is_run(places: tuple[int, ...]) -> bool:
    return places == tuple(range(places[0], places[-1] + 1))


def _runs(places: Iterable[int]) -> Iterator[tuple[int, ...]]:
    """Cut numbers into runs without a gap."""
    run: list[int] = []
    for place in places:
        if run and place != run[-1] + 1:
            yield tuple(run)
            run = []
        run.append(place)
    if run:
        yield tuple(run)


def _in_order(nodes: list[onnx.NodeProto], ready: set[str]) -> list[onnx.NodeProto]:
    """Order nodes so that each comes after those that it reads."""
    makers = {name: place for place, node in enumerate(nodes) for name in node.output if name}
    needs = [{makers[name] for name in reads(node) if name in makers and name not in ready} for node in nodes]
    users: dict[int, list[int]] = defaultdict(list)
    for place, sources in enumerate(needs):
        for source in sources:
            users[source].append(place)
    free = [place for place in reversed(range(len(nodes))) if not needs[place]]
    found = []
    while free:
        place = free.pop()
        found.append(nodes[place])
        for user in users[place]:
            needs[user].discard(place)
            if not needs[user]:
                free.append(user)
    return found
