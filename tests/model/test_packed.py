"""Packed graphs: the bits of the graphs themselves, whatever these are made of."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from headrace.errors import ModelError
from headrace.model import PackedSession, bits_equal, open_packed_session, open_session, run_session
from headrace.model.packed import optimized
from headrace.model.packing import pack, rewrite

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Array = np.ndarray[Any, Any]

FLOAT, DOUBLE, INT64, INT32 = TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.INT64, TensorProto.INT32
BOOL, STRING = TensorProto.BOOL, TensorProto.STRING
NUMPY: dict[int, Any] = {
    FLOAT: np.float32, DOUBLE: np.float64, INT64: np.int64, INT32: np.int32, BOOL: np.bool_, STRING: np.object_
}  # fmt: skip
NAN = [np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.5, 1e300, 5e-324, 2.0**53 + 2]
POOL: dict[int, Array] = {
    FLOAT: np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.5, 1e38, 1e-45, 0.1], np.float32),
    DOUBLE: np.array(NAN),
    INT64: np.array([0, 1, -1, 7, 2**62, -(2**63), 2**53 + 1]),
    INT32: np.array([0, 1, -1, 7, 2**31 - 1, -(2**31)], np.int32),
    BOOL: np.array([True, False]),
    STRING: np.array(["", "a", "b", "é", "🎈 long enough to lie on the heap", "a" * 40], object),
}


def value(name: str, dtype: int, shape: Sequence[Any] = ("N",)) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, dtype, shape)


def constant(name: str, array: Any) -> onnx.TensorProto:
    return numpy_helper.from_array(np.asarray(array), name)


def node(kind: str, inputs: Sequence[str], *outputs: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(kind, inputs, outputs, **attributes)


def graph(
    nodes: Sequence[onnx.NodeProto],
    inputs: Sequence[onnx.ValueInfoProto],
    outputs: Sequence[onnx.ValueInfoProto],
    constants: Sequence[onnx.TensorProto] = (),
    opset: int = 21,
) -> onnx.ModelProto:
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("ai.onnx.ml", 4)]
    made = helper.make_graph(list(nodes), "graph", list(inputs), list(outputs), list(constants))
    model = helper.make_model(made, opset_imports=opsets, ir_version=10)
    onnx.checker.check_model(model)
    return model


def random_feeds(model: onnx.ModelProto, rows: int, seed: int = 0, width: int = 3) -> dict[str, Array]:
    random = np.random.default_rng(seed)
    found = {}
    for item in model.graph.input:
        kind = item.type.tensor_type
        shape = [rows, *(dim.dim_value or width for dim in kind.shape.dim[1:])]
        found[item.name] = random.choice(POOL[kind.elem_type], shape).astype(NUMPY[kind.elem_type])
    return found


def rewritten(data: bytes) -> PackedSession:
    """Open a graph that is packed whether it pays or not."""
    found = optimized(data)
    assert found is not None
    model, inputs, outputs = found
    packed = rewrite(model)
    onnx.checker.check_model(packed.model)
    return PackedSession(packed, inputs, outputs)


def check(model: onnx.ModelProto, *, rows: Sequence[int] = (0, 1, 2, 5, 33)) -> Any:
    """Compare the packed session with the plain one, all outputs and each alone; returns the packed one."""
    data = model.SerializeToString()
    plain, packed = open_session(data), rewritten(data)
    names = [item.name for item in model.graph.output]
    assert [item.name for item in packed.get_outputs()] == names
    assert [(item.name, item.type) for item in packed.get_inputs()] == [(i.name, i.type) for i in plain.get_inputs()]
    for number in rows:
        feeds = random_feeds(model, number, number)
        expected = plain.run(None, feeds)
        for found in (packed.run(None, feeds), [packed.run([name], feeds)[0] for name in names]):
            for name, left, right in zip(names, expected, found, strict=True):
                assert bits_equal(left, right), (name, number, left, right, onnx.printer.to_text(model))
    return packed


# Random graphs

ARITHMETIC = ["Add", "Sub", "Mul", "Div", "Min", "Max"]
COMPARISONS = ["Less", "Greater", "Equal", "LessOrEqual", "GreaterOrEqual"]
UNARY = ["Abs", "Neg", "Identity"]
EXACT = ["Sqrt", "Floor", "Ceil"]


class Builder:
    """Draws chains of operators, the same for some columns of a type, with constants of their own."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.kinds: dict[str, tuple[int, int]] = {}
        self.count = 0

    def fresh(self) -> str:
        self.count += 1
        return f"v{self.count}"

    def add(self, kind: str, inputs: Sequence[str], dtype: int, rank: int = 1, **attributes: Any) -> str:
        name = self.fresh()
        self.nodes.append(node(kind, inputs, name, name=self.draw(st.sampled_from(["", name])), **attributes))
        self.kinds[name] = (dtype, rank)
        return name

    def constant(self, dtype: int, *, safe: bool = False, shape: tuple[int, ...] | None = None) -> str:
        pool = POOL[dtype][[1, 3]] if safe else POOL[dtype]
        shape = self.draw(st.sampled_from([(), (1,)])) if shape is None else shape
        size = int(np.prod(shape))
        picked = self.draw(st.lists(st.integers(0, len(pool) - 1), min_size=size, max_size=size))
        name = self.fresh()
        array = pool[picked].reshape(shape).astype(NUMPY[dtype])
        if self.draw(st.booleans()):
            self.constants.append(constant(name, array))
        else:
            self.nodes.append(node("Constant", [], name, value=constant(name, array)))
        return name

    def other(self, dtype: int, rank: int) -> str:
        """Return a column of a type, or a constant."""
        columns = [name for name, kind in self.kinds.items() if kind == (dtype, rank)]
        if columns and self.draw(st.booleans()):
            return str(self.draw(st.sampled_from(columns)))
        return self.constant(dtype)

    def step(self, choice: str, name: str) -> str:
        dtype, rank = self.kinds[name]
        numbers = dtype not in (BOOL, STRING)
        if choice in ARITHMETIC and numbers:
            # Division of an integer by nought, or of the least one by -1, ends the process.
            whole = choice == "Div" and dtype in (INT64, INT32)
            return self.add(
                choice, [name, self.constant(dtype, safe=True) if whole else self.other(dtype, rank)], dtype, rank
            )
        if choice in COMPARISONS and (numbers or (choice == "Equal" and rank == 1)):
            return self.add(choice, [self.other(dtype, rank), name][:: self.draw(st.sampled_from([1, -1]))], BOOL, rank)
        if choice in UNARY and (numbers or choice == "Identity"):
            return self.add(choice, [name], dtype, rank)
        if choice in EXACT and dtype in (FLOAT, DOUBLE):
            return self.add(choice, [name], dtype, rank)
        if choice == "Log" and dtype == FLOAT and rank == 1:
            return self.add(choice, [name], dtype)
        if dtype == BOOL and choice in ("And", "Or", "Xor"):
            return self.add(choice, [name, self.other(BOOL, rank)], BOOL, rank)
        if dtype == BOOL and choice == "Not":
            return self.add("Not", [name], BOOL, rank)
        if choice == "Where" and dtype != BOOL:
            mask = self.other(BOOL, rank)
            both = [name, self.other(dtype, rank)]
            return self.add("Where", [mask, *both[:: self.draw(st.sampled_from([1, -1]))]], dtype, rank)
        if choice == "Cast" and dtype != STRING:
            to = self.draw(st.sampled_from([DOUBLE, FLOAT, INT64, INT32, BOOL]))
            return self.add("Cast", [name], to, rank, to=to)
        if choice == "Match" and dtype == STRING:
            return self.add("RegexFullMatch", [name], BOOL, rank, pattern="a.*")
        if choice == "Bucketize" and rank == 1 and numbers:
            axis = self.fresh()
            self.constants.append(constant(axis, np.array([self.draw(st.sampled_from([1, -1]))])))
            wide = self.add("Unsqueeze", [name, axis], dtype, 2)
            width = self.draw(st.integers(1, 3))
            shape = self.draw(st.sampled_from([(width,), (1, width)]))
            truths = self.add("Less", [wide, self.constant(dtype, shape=shape)], BOOL, 2)
            counts = self.add("Cast", [truths], INT64, 2, to=INT64)
            self.kinds = {key: kind for key, kind in self.kinds.items() if key not in (truths, counts)}
            keep = self.draw(st.integers(0, 1))
            return self.add("ReduceSum", [counts, axis], INT64, 1 + keep, keepdims=keep)
        return name


@st.composite
def random_graphs(draw: Any) -> onnx.ModelProto:
    builder = Builder(draw)
    inputs = []
    for dtype in (DOUBLE, INT64, BOOL, STRING, FLOAT, INT32):
        for _ in range(draw(st.integers(0, 3))):
            name = builder.fresh()
            builder.kinds[name] = (dtype, 1)
            inputs.append(value(name, dtype))
    if not inputs:
        builder.kinds["only"] = (DOUBLE, 1)
        inputs.append(value("only", DOUBLE))
    choices = [*ARITHMETIC, *COMPARISONS, *UNARY, *EXACT, "Log", "And", "Or", "Xor", "Not", "Where", "Cast", "Match"]
    results = []
    for _ in range(draw(st.integers(1, 3))):
        chain = draw(st.lists(st.sampled_from([*choices, "Bucketize"]), min_size=1, max_size=5))
        for name in draw(st.lists(st.sampled_from(sorted(builder.kinds)), min_size=1, max_size=5, unique=True)):
            at = name
            for choice in chain:
                at = builder.step(choice, at)
            results.append(at)
    made = [name for one in builder.nodes if one.op_type != "Constant" for name in one.output]
    results += draw(st.lists(st.sampled_from(made), max_size=2)) if made else []
    outputs = [name for name in dict.fromkeys(results) if name in made and name in builder.kinds]
    if not outputs:
        outputs = [builder.add("Identity", [inputs[0].name], inputs[0].type.tensor_type.elem_type)]
    shapes = {name: ("N",) if builder.kinds[name][1] == 1 else ("N", 1) for name in outputs}
    infos = [value(name, builder.kinds[name][0], shapes[name]) for name in outputs]
    return graph(builder.nodes, inputs, infos, builder.constants)


@settings(deadline=None, max_examples=150)
@given(random_graphs())
def test_random_graphs_give_the_same_bits(model: onnx.ModelProto) -> None:
    check(model, rows=(0, 1, 3, 18))


# Graphs that are hard to rewrite


def test_columns_are_matrices_and_equal_operators_are_one() -> None:
    """Ten columns as a transform has them: scaled, numbered, put into buckets, with a column that may be missing."""
    nodes, constants, outputs = [], [constant("one", np.array([1]))], []
    for place in range(5):
        nodes += [
            node("Cast", [f"n{place}"], f"n{place}_cast", to=DOUBLE),
            node("Sub", [f"n{place}_cast", f"n{place}_mean"], f"n{place}_centred"),
            node("Div", [f"n{place}_centred", f"n{place}_dev"], f"n{place}_div"),
            node("Cast", [f"n{place}_div"], f"n{place}_scaled", to=FLOAT),
            node("Sub", [f"x{place}", f"x{place}_mean"], f"x{place}_centred"),
            node("Div", [f"x{place}_centred", f"x{place}_dev"], f"x{place}_div"),
            node("Where", [f"x{place}_missing", "nought", f"x{place}_div"], f"x{place}_filled"),
            node("Cast", [f"x{place}_filled"], f"x{place}_scaled", to=FLOAT),
            node(
                "LabelEncoder",
                [f"t{place}"],
                f"t{place}_id",
                domain="ai.onnx.ml",
                keys_strings=["a", "é"],
                values_int64s=[place, 9],
                default_int64=-1,
            ),
        ]
        outputs += [value(f"n{place}_scaled", FLOAT), value(f"x{place}_scaled", FLOAT), value(f"t{place}_id", INT64)]
        constants += [constant(f"{kind}{place}_mean", float(place)) for kind in "nx"]
        constants += [constant(f"{kind}{place}_dev", [place + 0.5]) for kind in "nx"]
    constants.append(constant("nought", 0.0))
    for place in range(3):
        nodes += [
            node("Unsqueeze", [f"x{place}", "one"], f"x{place}_wide"),
            node("Less", [f"x{place}_wide", f"x{place}_bounds"], f"x{place}_less"),
            node("Not", [f"x{place}_less"], f"x{place}_not"),
            node("Cast", [f"x{place}_not"], f"x{place}_counts", to=INT64),
            node("ReduceSum", [f"x{place}_counts", "one"], f"x{place}_bucket", keepdims=0),
        ]
        constants.append(constant(f"x{place}_bounds", [-1.0 - place, 0.0, 1.0]))
        outputs.append(value(f"x{place}_bucket", INT64))
    inputs = [value(f"n{place}", INT64) for place in range(5)] + [value(f"x{place}", DOUBLE) for place in range(5)]
    inputs += [value(f"x{place}_missing", BOOL) for place in range(5)] + [
        value(f"t{place}", STRING) for place in range(5)
    ]
    model = graph(nodes, inputs, outputs, constants)
    assert len(model.graph.node) == 60
    check(model)
    packed = pack(model)
    assert [len(one.members) for one in packed.inputs] == [5, 5, 5, 5]
    assert [len(one.members) for one in packed.outputs] == [10, 8]
    assert packed.saved == 32
    kinds = [one.op_type for one in packed.model.graph.node]
    assert {kind: kinds.count(kind) for kind in sorted(set(kinds))} == {
        "Cast": 3, "Concat": 3, "Div": 1, "Gather": 1, "LabelEncoder": 5, "Less": 1, "Not": 1, "ReduceSum": 1,
        "Split": 2, "Sub": 1, "Unsqueeze": 1, "Where": 1,
    }  # fmt: skip


def test_branches_that_read_names_from_outside() -> None:
    branches = {
        f"{kind}_branch": helper.make_graph(
            [node("Sub" if kind == "then" else "Add", ["a", "b_twice"], f"{kind}_out")],
            kind,
            [],
            [value(f"{kind}_out", DOUBLE)],
        )
        for kind in ("then", "else")
    }
    nodes = [
        node("Add", ["a", "a"], "a_twice"),
        node("Add", ["b", "b"], "b_twice"),
        node("Cast", ["b"], "b_whole", to=INT64),
        node("Equal", ["a", "b"], "same"),
        node("Cast", ["same"], "ones", to=INT64),
        node("ReduceSum", ["ones"], "count", keepdims=0),
        node("Cast", ["count"], "some", to=BOOL),
        node("If", ["some"], "chosen", **branches),
        node("Mul", ["chosen", "a_twice"], "y"),
        node("Mul", ["a_twice", "b_twice"], "z"),
    ]
    inputs = [value("a", DOUBLE), value("b", DOUBLE)]
    check(graph(nodes, inputs, [value("y", DOUBLE), value("z", DOUBLE), value("a_twice", DOUBLE)]))


def test_loops_that_read_names_from_outside() -> None:
    body = helper.make_graph(
        [node("Identity", ["go_on"], "still"), node("Add", ["sum", "b"], "more"), node("Identity", ["b"], "seen")],
        "body",
        [value("turn", INT64, ()), value("go_on", BOOL, ()), value("sum", DOUBLE)],
        [value("still", BOOL, ()), value("more", DOUBLE), value("seen", DOUBLE)],
    )
    nodes = [node("Neg", ["a"], "minus"), node("Loop", ["turns", "", "minus"], "y", "all", body=body)]
    outputs = [value("y", DOUBLE), value("all", DOUBLE, ("M", "N")), value("minus", DOUBLE)]
    check(graph(nodes, [value("a", DOUBLE), value("b", DOUBLE)], outputs, [constant("turns", 3)]))


def test_outputs_that_are_inputs_constants_or_the_same_value() -> None:
    nodes = [
        node("Identity", ["a"], "same_a"),
        node("Identity", ["a"], "again_a"),
        node("Abs", ["b"], "y"),
        node("Identity", ["y"], "again_y"),
        node("Constant", [], "made", value=constant("made", [1.0, np.nan])),
    ]
    outputs = [value(name, DOUBLE) for name in ("same_a", "b", "again_a", "y", "again_y", "a")]
    outputs += [value("made", DOUBLE, (2,)), value("kept", DOUBLE, (3,))]
    constants = [constant("kept", [1.0, -0.0, 2.0])]
    model = graph(nodes, [value("a", DOUBLE), value("b", DOUBLE)], outputs, constants)
    packed = check(model)
    feeds = random_feeds(model, 3)
    found = packed.run(["kept", "b", "kept", "y", "b"], feeds)
    assert found[0].tolist() == found[2].tolist() == [1.0, -0.0, 2.0]
    assert bits_equal(found[1], feeds["b"])
    assert bits_equal(found[4], feeds["b"])
    assert len(packed.run([], feeds)) == len(outputs)


def test_one_output_that_is_a_packed_input() -> None:
    names = [f"x{number}" for number in range(6)]
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N"]) for name in names]
    inputs += [helper.make_tensor_value_info(name, TensorProto.INT64, ["N"]) for name in ("a", "b")]
    outputs = [helper.make_tensor_value_info(f"y{name}", TensorProto.FLOAT, ["N"]) for name in names]
    outputs.append(helper.make_tensor_value_info("a", TensorProto.INT64, ["N"]))
    nodes = [helper.make_node("Neg", [name], [f"y{name}"]) for name in names]
    graph = helper.make_graph(nodes, "graph", inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10).SerializeToString()
    feeds: dict[str, Any] = {name: np.array([1.0, 2.0], np.float32) for name in names}
    feeds |= {"a": np.array([1, 2]), "b": np.array([3, 4])}
    session = open_packed_session(model)
    assert isinstance(session, PackedSession)
    found = session.run(None, feeds)
    assert found[0].tolist() == [-1.0, -2.0]
    assert found[-1].tolist() == [1, 2]


def test_what_is_taken_out_of_a_matrix_for_other_operators() -> None:
    nodes = [
        node("Add", ["a", "one"], "a_more"),
        node("Add", ["b", "two"], "b_more"),
        node("Add", ["c", "two"], "c_more"),
        node("Reshape", ["b_more", "column"], "wide"),
        node("Concat", ["a_more", "c"], "long", axis=0),
        node("ReduceMax", ["c_more"], "largest", keepdims=0),
        node("Sub", ["c_more", "largest"], "below"),
        node("Identity", ["t"], "t_same"),
        node("Concat", ["s", "t", "s"], "texts", axis=0),
        node("Where", ["m", "s", "t"], "one_of"),
    ]
    constants = [constant("one", 1.0), constant("two", [2.0]), constant("column", [-1, 1])]
    inputs = [value(name, DOUBLE) for name in "abc"] + [value("s", STRING), value("t", STRING), value("m", BOOL)]
    outputs = [value("wide", DOUBLE, ("N", 1)), value("long", DOUBLE, ("M",)), value("below", DOUBLE)]
    outputs += [
        value("t_same", STRING),
        value("texts", STRING, ("M",)),
        value("one_of", STRING),
        value("a_more", DOUBLE),
    ]
    # The largest of nothing is no number.
    check(graph(nodes, inputs, outputs, constants), rows=(1, 2, 7))


def test_constants_of_every_rank() -> None:
    shapes: list[tuple[int, ...]] = [(), (1,), (1, 1), (2,), (1, 2), (3, 1)]
    nodes = [node("Unsqueeze", [name, "axis"], f"{name}_wide") for name in "abcdef"]
    nodes += [node("Mul", [f"{name}_wide", f"{name}_by"], f"{name}_y") for name in "abcdef"]
    nodes += [node("Sub", [f"{name}_by", f"{name}_wide"], f"{name}_z") for name in "abcdef"]
    # One value for each row, not for all of them.
    nodes += [node("Add", ["a", "long"], "a_long"), node("Add", ["b", "matrix"], "b_matrix")]
    constants = [constant("axis", [-1]), constant("long", [1.0, 2.0, 3.0]), constant("matrix", [[0.1]])]
    constants += [
        constant(f"{name}_by", np.arange(1.0, 1 + np.prod(shape)).reshape(shape))
        for name, shape in zip("abcdef", shapes, strict=True)
    ]
    outputs = [value(f"{name}_{kind}", DOUBLE, ("N", None)) for name in "abcdef" for kind in "yz"]
    outputs += [value("a_long", DOUBLE), value("b_matrix", DOUBLE, (1, "N"))]
    check(graph(nodes, [value(name, DOUBLE) for name in "abcdef"], outputs, constants), rows=(1, 3))


def rank_of(name: str) -> int:
    return 2 if name.endswith(("_1", "_none")) else 1


def test_sums_over_one_axis_or_all() -> None:
    nodes = []
    for name in "ab":
        nodes += [node("Unsqueeze", [name, "one"], f"{name}_wide"), node("Add", [f"{name}_wide", "many"], f"{name}_m")]
        nodes += [
            node("ReduceSum", [f"{name}_m", axis], f"{name}_{axis}_{keep}", keepdims=keep)
            for axis in ("one", "minus", "nought")
            for keep in (0, 1)
        ]
        nodes += [
            node("ReduceSum", [f"{name}_m"], f"{name}_all", keepdims=0),
            node("ReduceSum", [f"{name}_m"], f"{name}_none", noop_with_empty_axes=1),
            node("ReduceSum", [name], f"{name}_whole", keepdims=0),
            node("ReduceSum", [name], f"{name}_kept"),
            node("Mul", [f"{name}_whole", "seven"], f"{name}_sevens"),
            node("Squeeze", [f"{name}_one_1", "one"], f"{name}_back"),
        ]
    outputs = [
        value(name, INT64, ["M"] * (0 if name.endswith(("_all", "_whole", "_sevens")) else rank_of(name)))
        for one in nodes
        if one.op_type in ("ReduceSum", "Mul", "Squeeze")
        for name in one.output
    ]
    constants = [constant("one", [1]), constant("minus", [-1]), constant("nought", [0]), constant("seven", 7)]
    constants.append(constant("many", [1, 2, 3]))
    model = graph(nodes, [value("a", INT64), value("b", INT64)], outputs, constants)
    check(model)


def test_division_of_integers_and_columns_against_columns() -> None:
    nodes = [
        node("Div", ["a", "seven"], "a_div"),
        node("Div", ["b", "minus"], "b_div"),
        node("Mul", ["a_div", "b_div"], "product"),
        node("Mul", ["b_div", "a_div"], "other"),
        node("Where", ["m", "product", "a"], "x"),
        node("Where", ["n", "b", "other"], "y"),
        node("Sub", ["x", "x"], "nought"),
        node("Mod", ["y", "seven"], "left"),
        node("Max", ["x", "y", "seven"], "top"),
    ]
    inputs = [value("a", INT64), value("b", INT64), value("m", BOOL), value("n", BOOL)]
    outputs = [value(name, INT64) for name in ("x", "y", "nought", "left", "top")]
    check(graph(nodes, inputs, outputs, [constant("seven", 7), constant("minus", [-3])]))


def test_what_ieee_754_leaves_open() -> None:
    """Which of 0.0 and -0.0 is larger, and which NaN comes of two, may differ in the tail of a vector."""
    pairs = ["ab", "cd", "ef"]
    nodes = [node(kind, list(pair), f"{kind}_{pair}") for kind in ("Max", "Min", "Add", "Mul") for pair in pairs]
    nodes += [node("Sub", [pair[0], "nan"], f"nan_{pair}") for pair in pairs]
    outputs = [value(name, FLOAT) for one in nodes for name in one.output]
    constants = [constant("nan", np.float32(-np.nan))]
    model = graph(nodes, [value(name, FLOAT) for name in "abcdef"], outputs, constants)
    data = model.SerializeToString()
    plain, packed = open_session(data), rewritten(data)
    random = np.random.default_rng(5)
    for rows in (1, 3, 7, 18, 33):
        for pool in ([0.0, -0.0], [np.nan, -np.nan, 1.0]):
            feeds = {name: random.choice(np.array(pool, np.float32), rows) for name in "abcdef"}
            expected, found = plain.run(None, feeds), packed.run(None, feeds)
            for one, left, right in zip(outputs, expected, found, strict=True):
                assert bits_equal(left, right), (one.name, rows)


def test_the_optimizer_does_not_change_a_packed_graph_again() -> None:
    nodes = [node("Add", [name, "nought"], f"{name}_y") for name in "abc"]
    outputs = [value(f"{name}_y", DOUBLE) for name in "abc"]
    model = graph(nodes, [value(name, DOUBLE) for name in "abc"], outputs, [constant("nought", 0.0)])
    data = model.SerializeToString()
    feeds = {name: np.array([-0.0, 1.0]) for name in "abc"}
    for left, right in zip(open_session(data).run(None, feeds), rewritten(data).run(None, feeds), strict=True):
        assert bits_equal(left, right)


def test_columns_of_other_shapes() -> None:
    nodes = [
        node("Sub", ["a", "one"], "a_less"),
        node("Sub", ["b", "two"], "b_less"),
        node("Concat", ["a_less", "b_less", "pair"], "wide", axis=1),
        node("Mul", ["c", "one"], "c_more"),
        node("Mul", ["d", "one"], "d_more"),
        node("Mul", ["pair", "two"], "pair_more"),
        node("Mul", ["list", "one"], "list_more"),
        node("Mul", ["fixed", "one"], "fixed_more"),
        node("Mul", ["alone", "one"], "alone_more"),
        node("Add", ["c_more", "e"], "other_rows"),
    ]
    inputs = [value("a", DOUBLE, ("N", 1)), value("b", DOUBLE, ("N", 1)), value("pair", DOUBLE, ("N", 2))]
    inputs += [value("c", DOUBLE), value("d", DOUBLE), value("list", DOUBLE, ("N", "M")), value("e", DOUBLE, ("K",))]
    inputs += [value("fixed", DOUBLE, (3,)), value("alone", DOUBLE, (None,))]
    outputs = [value("wide", DOUBLE, ("N", 4)), value("pair_more", DOUBLE, ("N", 2)), value("c_more", DOUBLE)]
    outputs += [value("d_more", DOUBLE), value("list_more", DOUBLE, ("N", "M")), value("fixed_more", DOUBLE, (3,))]
    outputs += [value("alone_more", DOUBLE, (None,)), value("other_rows", DOUBLE), value("a_less", DOUBLE, ("N", 1))]
    model = graph(nodes, inputs, outputs, [constant("one", 1.5), constant("two", [2.5])])
    check(model, rows=(3,))
    assert {one.name for one in rewrite(model).model.graph.input} >= {"list", "e", "fixed", "alone"}


def test_operands_that_are_left_out_and_texts_that_become_numbers() -> None:
    nodes = [
        node("Clip", ["a", "", "most"], "a_cut"),
        node("Clip", ["b", "", "most"], "b_cut"),
        node("Cast", ["s"], "s_number", to=DOUBLE),
        node("Cast", ["t"], "t_number", to=DOUBLE),
        node("Cast", ["a"], "a_text", to=STRING),
        node("Cast", ["b"], "b_text", to=STRING),
        node("Add", ["s_number", "a_cut"], "y"),
        node("Add", ["t_number", "b_cut"], "z"),
    ]
    outputs = [value("y", DOUBLE), value("z", DOUBLE), value("a_text", STRING), value("b_text", STRING)]
    inputs = [value("a", DOUBLE), value("b", DOUBLE), value("s", STRING), value("t", STRING)]
    model = graph(nodes, inputs, outputs, [constant("most", 2.0)])
    feeds = {"a": np.array([1.0, 7.5]), "b": np.array([np.nan, -0.0]), "s": np.array(["1", "2.5"], object)}
    feeds["t"] = np.array(["-3", "1e9"], object)
    plain, packed = open_session(model.SerializeToString()), rewritten(model.SerializeToString())
    for left, right in zip(plain.run(None, feeds), packed.run(None, feeds), strict=True):
        assert bits_equal(left, right)
    with pytest.raises(ModelError, match="failed on these rows"):
        run_session(packed, ["y"], feeds | {"s": np.array(["1", "two"], object)})


def test_functions_and_inputs_with_a_value_of_their_own() -> None:
    twice = helper.make_function(
        "here", "Twice", ["x"], ["y"], [node("Add", ["x", "x"], "y")], [helper.make_opsetid("", 21)]
    )
    nodes = [helper.make_node("Twice", [name], [f"{name}_twice"], domain="here") for name in "ab"]
    nodes += [node("Mul", [f"{name}_twice", "scale"], f"{name}_y") for name in "ab"]
    inputs = [value("a", DOUBLE), value("b", DOUBLE), value("scale", DOUBLE, ("N",))]
    outputs = [value("a_y", DOUBLE), value("b_y", DOUBLE)]
    made = helper.make_graph(nodes, "graph", inputs, outputs, [constant("scale", [2.5])])
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("here", 1)]
    data = helper.make_model(made, opset_imports=opsets, functions=[twice], ir_version=10).SerializeToString()
    plain, packed = open_session(data), rewritten(data)
    feeds: dict[str, Any] = {"a": np.array([1.0, -0.0]), "b": np.array([np.inf, 5.0])}
    for fed in (feeds, feeds | {"scale": np.array([3.0, 4.0])}):
        for left, right in zip(plain.run(None, fed), packed.run(None, fed), strict=True):
            assert bits_equal(left, right)


def test_axes_keep_their_names_and_bytes_that_are_no_text_are_left_alone() -> None:
    nodes = [node("Mul", [name, "two"], f"{name}_y") for name in "abcd"]
    nodes += [node("Mul", ["other", "two"], "other_y"), node("Equal", ["s", "bytes"], "s_y")]
    names = [*"abcd", "other"]
    axes = ["rows"] * 4 + ["N"]
    inputs = [value(name, DOUBLE, (axis,)) for name, axis in zip(names, axes, strict=True)] + [
        value("s", STRING, ("rows",))
    ]
    outputs = [value(f"{name}_y", DOUBLE, (axis,)) for name, axis in zip(names, axes, strict=True)]
    constants = [constant("two", 2.0), TensorProto(name="bytes", data_type=STRING, string_data=[b"\xff"])]
    model = graph(nodes, inputs, [*outputs, value("s_y", BOOL, ("rows",))], constants)
    packed = rewrite(model).model
    named = {
        one.name: one.type.tensor_type.shape.dim[-1].dim_param for one in (*packed.graph.input, *packed.graph.output)
    }
    assert named.pop("other") == named.pop("other_y") == "N"
    assert set(named.values()) == {"rows"}
    session = rewritten(model.SerializeToString())
    feeds = random_feeds(model, 3) | {"other": np.array([1.0])}
    assert session.run(["other_y", "a_y"], feeds)[0].tolist() == [2.0]
    assert session.run(["s_y"], feeds)[0].tolist() == [False] * 3


def test_older_graphs_are_left_alone() -> None:
    nodes = [node("Add", ["a", "one"], "y"), node("Add", ["b", "one"], "z")]
    inputs, outputs = [value("a", DOUBLE), value("b", DOUBLE)], [value("y", DOUBLE), value("z", DOUBLE)]
    model = graph(nodes, inputs, outputs, [constant("one", 1.0)], opset=12)
    assert rewrite(model).saved == 0
    check(model)


# Sessions


def small() -> onnx.ModelProto:
    names = "abcd"
    nodes = [node("Mul", [name, "two"], f"{name}_y") for name in names]
    nodes += [node("Identity", [name], f"{name}_y") for name in "st"]
    inputs = [value(name, DOUBLE) for name in names] + [value(name, STRING) for name in "st"]
    outputs = [value(f"{name}_y", DOUBLE) for name in names] + [value(f"{name}_y", STRING) for name in "st"]
    return graph(nodes, inputs, outputs, [constant("two", 2.0)])


def test_a_session_is_packed_where_that_pays(tmp_path: Path) -> None:
    data = small().SerializeToString()
    assert isinstance(open_packed_session(data), PackedSession)
    (tmp_path / "model.onnx").write_bytes(data)
    assert isinstance(open_packed_session(tmp_path / "model.onnx"), PackedSession)
    few = graph([node("Neg", ["a"], "y")], [value("a", DOUBLE)], [value("y", DOUBLE)])
    assert not isinstance(open_packed_session(few.SerializeToString()), PackedSession)
    with pytest.raises(ModelError, match="no such file"):
        open_packed_session(tmp_path / "nope.onnx")
    with pytest.raises(ModelError, match="bytes in memory"):
        open_packed_session(b"junk")


def test_weights_in_other_files_stay_there(tmp_path: Path) -> None:
    model = small()
    onnx.save(model, tmp_path / "model.onnx", save_as_external_data=True, location="weights", size_threshold=0)
    session = open_packed_session(tmp_path / "model.onnx")
    assert not isinstance(session, PackedSession)
    assert session.run(["a_y"], random_feeds(model, 2))[0].shape == (2,)


def test_feeds_are_checked_as_a_session_does() -> None:
    packed = open_packed_session(small().SerializeToString())
    feeds: dict[str, Any] = random_feeds(small(), 3)
    expected = packed.run(["s_y"], feeds)[0]
    # Texts may have NumPy's own type.
    assert packed.run(["s_y"], feeds | {"s": feeds["s"].astype(str)})[0].tolist() == expected.tolist()
    for wrong, message in (
        ({name: feeds[name] for name in "abcs"}, "input 'd' is missing"),
        (feeds | {"e": feeds["a"]}, "no input 'e'"),
        (feeds | {"a": feeds["a"][:2]}, "inhomogeneous|different"),
        (feeds | {"s": feeds["s"][:2], "t": feeds["t"][:2]}, "3 and 2 rows"),
        (feeds | {"b": feeds["b"].astype(np.float32)}, "float64 was given float32"),
        (feeds | {"a": feeds["a"].reshape(-1, 1)}, "inhomogeneous|broadcast|different"),
        ({name: feeds[name][0] for name in feeds}, "rows"),
        ({name: feeds[name].reshape(-1, 1) for name in feeds}, "rank"),
    ):
        with pytest.raises(ModelError, match=message):
            run_session(packed, ["a_y"], wrong)
    with pytest.raises(ModelError, match="no output 'nope'"):
        run_session(packed, ["nope"], feeds)


def test_results_are_laid_out_as_columns_and_threads_may_share_a_session() -> None:
    packed = open_packed_session(small().SerializeToString())
    feeds = random_feeds(small(), 50)
    found = packed.run(None, feeds)
    assert all(one.flags.c_contiguous for one in found)
    with ThreadPoolExecutor(4) as pool:
        for again in pool.map(lambda _: packed.run(None, feeds), range(60)):
            assert all(bits_equal(left, right) for left, right in zip(found, again, strict=True))
    for names in ([f"{a}_y", f"{b}_y"] for a in "abcdst" for b in "abcdst" * 3):
        assert [one.shape for one in packed.run(names, feeds)] == [(50,), (50,)]
