from __future__ import annotations

from typing import Any

import ndonnx as ndx
import numpy as np

from headrace.transform.lineage import infos, path_between, reached, shape_of_computation


def column() -> ndx.Array:
    return ndx.argument(shape=("N",), dtype=ndx.float64)


def test_infos_are_data_then_mask() -> None:
    assert len(infos(column())) == 1
    nullable = ndx.argument(shape=("N",), dtype=ndx.nfloat64)
    data, mask = infos(nullable)
    assert data.unwrap_tensor().dtype == np.float64
    assert mask.unwrap_tensor().dtype == np.bool_


def test_reached_and_paths() -> None:
    x, y, z = column(), column(), column()
    result = ndx.exp(x * 2.0) + y
    found = reached(infos(result))
    assert infos(x)[0] in found
    assert infos(y)[0] in found
    assert infos(z)[0] not in found
    assert path_between(found, infos(x)[0], lambda _: None) == ["Mul", "Exp", "Add"]
    further = reached(infos(result), lambda info: infos(z) if info is infos(y)[0] else ())
    assert path_between(further, infos(z)[0], {infos(y)[0]: "by hand"}.get) == ["by hand", "Add"]


def test_equal_computations_have_one_number() -> None:
    known: dict[Any, int] = {}
    numbers: dict[Any, int] = {}

    def number(array: ndx.Array) -> int:
        return shape_of_computation(infos(array)[0], known, numbers)

    x, y = column(), column()
    assert number(ndx.exp(x * 2.0)) == number(ndx.exp(x * 2.0))
    different = [x * 2.0, x * 3.0, y * 2.0, x + 2.0, ndx.exp(x), x.astype(ndx.float32), x.astype(ndx.int64)]
    assert len({number(array) for array in different}) == len(different)
