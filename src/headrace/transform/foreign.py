"""Models and transformers of others as mappers: any ONNX graph, and what scikit-learn has fitted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import ndonnx as ndx
import numpy as np
import onnx
from onnx import helper
from spox import inline

from headrace.errors import TransformError, did_you_mean, import_extra
from headrace.model.session import open_session
from headrace.transform.checks import column, data_and_mask, is_text, kind_of
from headrace.transform.operators import literal
from headrace.transform.trace import current_trace

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import TypeAlias

    Columns: TypeAlias = ndx.Array | Mapping[str, ndx.Array]

__all__ = ["apply_onnx", "apply_sklearn"]

_OPSET = 21
_SUPPORTED = "https://onnx.ai/sklearn-onnx/supported.html"


def apply_onnx(
    model: str | Path | bytes | onnx.ModelProto, inputs: Columns, *, outputs: Sequence[str] | None = None
) -> Any:
    """Call an ONNX model inside a preprocessing function, as an embedding that was learned elsewhere.

    The model becomes a part of the graph: whoever serves the graph serves it too.

    Parameters
    ----------
    model
        A file, its bytes, or a model that is loaded. Of opset 21 at most. Its first axis is that of the rows, of any
        size, and it treats each row by itself.
    inputs
        The columns by the names of the model's inputs, or one column where it has one input. ``[N]`` or ``[N, k]``;
        a column ``[N]`` also fits an input ``[N, 1]``. Numbers and truth values are cast to the input's type.
    outputs
        The outputs that are wanted; all when None.

    Returns
    -------
    ndonnx.Array or dict of ndonnx.Array
        The output, or by name where there are several. Of the model's types, never missing.

    Raises
    ------
    TransformError
        If the model cannot be loaded, an input is lacking, unknown, may be missing, or does not fit.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> import onnx.parser
    >>> model = onnx.parser.parse_model(
    ...     '''<ir_version: 10, opset_import: ["": 21]>
    ...     twice (float[N] x) => (float[N] y) { y = Add (x, x) }'''
    ... )
    >>> data = {"x": [1.0, 4.0]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": tft.apply_onnx(model, inputs["x"])})
    >>> graph.transform(data).to_table()["y"].to_pylist()
    [2.0, 8.0]
    """
    function = "apply_onnx"
    loaded = _load(model, function)
    given = _named(inputs, [value.name for value in _free_inputs(loaded)], function)
    return _call(loaded, given, outputs, function)


def apply_sklearn(transformer: Any, inputs: Columns) -> ndx.Array:
    """Apply a fitted transformer of scikit-learn, as a ``ColumnTransformer`` or a ``Pipeline`` of transformers.

    skl2onnx exports it, in float64 where it can, and its graph becomes a part of this one.

    Parameters
    ----------
    transformer
        Fitted on a data frame whose columns have the names of ``inputs``, or on a matrix.
    inputs
        The columns ``[N]`` by the names that the transformer was fitted with, or one column ``[N]`` or ``[N, k]``
        where it was fitted on a matrix. Missing numbers become NaN, which is what scikit-learn takes for missing;
        missing texts are to be filled first.

    Returns
    -------
    ndonnx.Array
        What ``transform`` gives, ``[N, k]``, never missing; float64, float32, int64 or text.

    Raises
    ------
    TransformError
        If the transformer is not fitted, cannot be exported, or the columns are not those that it was fitted with.
    MissingExtraError
        If scikit-learn or skl2onnx is not installed.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> from sklearn.preprocessing import StandardScaler
    >>> fitted = StandardScaler().fit([[1.0], [3.0]])
    >>> data = {"x": [1.0, 5.0]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": tft.apply_sklearn(fitted, inputs["x"])})
    >>> graph.transform(data).to_table()["y"].to_pylist()
    [[-1.0], [3.0]]
    """
    function = "apply_sklearn"
    names = getattr(transformer, "feature_names_in_", None)
    if not isinstance(inputs, Mapping):
        given: dict[str, ndx.Array] = {"rows": inputs}
    elif names is None:
        raise TransformError(
            f"tft.{function} takes one matrix where the transformer was fitted on a matrix",
            got=f"{len(inputs)} named columns for a {type(transformer).__name__}",
            fix="Fit it on a data frame, whose columns have names",
        )
    else:
        given = _named(inputs, [str(name) for name in names], function)
    prepared = {name: _with_nan(array, name, function) for name, array in given.items()}
    trace = current_trace(function)
    exported = _export(transformer, prepared)
    result = _call(exported, prepared, [exported.graph.output[0].name], function)
    assert isinstance(result, ndx.Array)
    trace.labels.setdefault(result.unwrap_spox()._var_info, f"tft.{function}")  # noqa: SLF001 - spox's identity
    return result


def _load(model: str | Path | bytes | onnx.ModelProto, function: str) -> onnx.ModelProto:
    if isinstance(model, onnx.ModelProto):
        return model
    where = "bytes in memory" if isinstance(model, bytes) else str(model)
    try:
        return onnx.load_from_string(model) if isinstance(model, bytes) else onnx.load(model)
    except Exception as error:  # the decoder's exceptions are its own business
        raise TransformError(
            f"tft.{function} takes an ONNX model", got=str(error).strip()[:200] or type(error).__name__, where=where
        ) from error


def _free_inputs(model: onnx.ModelProto) -> list[onnx.ValueInfoProto]:
    constants = {item.name for item in model.graph.initializer}
    return [value for value in model.graph.input if value.name not in constants]


def _named(inputs: Columns, names: Sequence[str], function: str) -> dict[str, ndx.Array]:
    if not isinstance(inputs, Mapping):
        if len(names) != 1:
            raise TransformError(
                f"tft.{function} takes a dictionary where the model has several inputs",
                got="one column",
                fix=f"Name the columns of {', '.join(map(repr, names))}",
            )
        return {names[0]: inputs}
    for name in inputs:
        if name not in names:
            raise TransformError("The model has no such input", got=repr(name), fix=did_you_mean(name, names))
    lacking = [name for name in names if name not in inputs]
    if lacking:
        raise TransformError(
            f"tft.{function} takes a column for every input of the model", got=f"none for {', '.join(lacking)}"
        )
    return {name: inputs[name] for name in names}


def _with_nan(array: ndx.Array, name: str, function: str) -> ndx.Array:
    data, mask = data_and_mask(column(array, function, "number", "text", "truth"))
    if mask is None:
        return data.astype(ndx.int64) if kind_of(data) == "truth" else data
    if is_text(data):
        raise TransformError(
            f"A column of texts that tft.{function} is given may not be missing in any row",
            got=repr(name),
            fix="Put what the transformer learned for missing in its place: tft.fill_missing(x, 'missing')",
        )
    return ndx.where(mask, literal(np.float64("nan")), data.astype(ndx.float64))


def _export(transformer: Any, inputs: Mapping[str, ndx.Array]) -> onnx.ModelProto:
    skl2onnx = import_extra("skl2onnx", "sklearn")
    types = import_extra("skl2onnx.common.data_types", "sklearn")
    problem: Exception | None = None
    # Some operators and converters know float32 alone, and some want all numbers of one type.
    for integers, floats in (("Int64", "Double"), ("Double", "Double"), ("Int64", "Float"), ("Float", "Float")):
        kinds = []
        for name, array in inputs.items():
            kind = "String" if is_text(array) else floats if "float" in str(array.dtype) else integers
            kinds.append((name, getattr(types, f"{kind}TensorType")([None, 1 if array.ndim == 1 else array.shape[1]])))
        try:
            exported = skl2onnx.convert_sklearn(
                transformer, initial_types=kinds, target_opset={"": _OPSET, "ai.onnx.ml": 3}
            )
            # What is exported may have operators for which the runtime has no kernel of these types.
            open_session(exported.SerializeToString())
        except Exception as error:  # its converters fail in many ways  # noqa: BLE001
            problem = problem or error
            continue
        assert isinstance(exported, onnx.ModelProto)
        return exported
    raise TransformError(
        "skl2onnx can export the transformer",
        got=f"{type(transformer).__name__}: {type(problem).__name__}: {str(problem).strip()[:200]}",
        fix=f"Fit it first, and choose one that it supports: {_SUPPORTED}",
    ) from problem


def _call(
    model: onnx.ModelProto, given: Mapping[str, ndx.Array], outputs: Sequence[str] | None, function: str
) -> ndx.Array | dict[str, ndx.Array]:
    for opset in model.opset_import:
        if opset.domain in ("", "ai.onnx") and opset.version > _OPSET:
            raise TransformError(
                f"tft.{function} takes models of opset {_OPSET} at most",
                got=f"opset {opset.version}",
                fix=f"Export it again for opset {_OPSET}",
            )
    known = [value.name for value in model.graph.output]
    wanted = list(outputs) if outputs is not None else known
    for name in wanted:
        if name not in known:
            raise TransformError("The model has no such output", got=repr(name), fix=did_you_mean(name, known))
    trace = current_trace(function)
    shapes = {value.name: value for value in _free_inputs(model)}
    fed = {name: _fit(array, shapes[name], function) for name, array in given.items()}
    types = {value.name: value for value in model.graph.output}
    if trace.depends_on_open(*given.values()):
        found = {name: _stand_in(types[name], list(given.values()), function) for name in wanted}
    else:
        try:
            made = inline(model)(**{name: array.unwrap_spox() for name, array in fed.items()})
        except Exception as error:
            raise TransformError(
                f"tft.{function} takes a model that can be a part of another one", got=str(error).strip()[:300]
            ) from error
        found = {name: ndx.asarray(made[name]) for name in wanted}
    return next(iter(found.values())) if len(found) == 1 else found


def _dims(value: onnx.ValueInfoProto) -> list[int | None] | None:
    tensor = value.type.tensor_type
    if not tensor.HasField("shape"):
        return None
    return [dim.dim_value if dim.HasField("dim_value") else None for dim in tensor.shape.dim]


def _fit(array: ndx.Array, value: onnx.ValueInfoProto, function: str) -> ndx.Array:
    data, mask = data_and_mask(column(array, function, "number", "text", "truth"))
    named = f"input {value.name!r}"
    if mask is not None:
        raise TransformError(
            f"A column that tft.{function} is given may not be missing in any row",
            got=named,
            fix="Put a value in place of missing ones: tft.fill_missing(x, 0)",
        )
    dims = _dims(value)
    if dims:
        if dims[0] is not None:
            raise TransformError(
                f"The first axis of a model that tft.{function} is given is that of the rows, of any size",
                got=f"{named}, whose first axis has the size {dims[0]}",
                fix="Export it with a dynamic first axis",
            )
        if data.ndim == 1 and len(dims) == 2 and dims[1] in (1, None):
            data = data[:, None]
        fits = len(dims) == data.ndim and all(
            want is None or have is None or want == have for want, have in zip(dims[1:], data.shape[1:], strict=True)
        )
        if not fits:
            shape = [size if size is not None else "N" for size in data.shape]
            raise TransformError(
                f"A column that tft.{function} is given has the shape of the model's input",
                got=f"{named} of shape {['N', *dims[1:]]}, and a column of shape {shape}",
            )
    kind = helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)
    if (kind == np.dtype(object) or kind.kind in "UO") != is_text(data):
        raise TransformError(
            f"A column that tft.{function} is given is of the type of the model's input",
            got=f"{named} of {'text' if kind.kind in 'UO' else kind}, and a column of {data.dtype}",
        )
    return data if is_text(data) else data.astype(getattr(ndx, str(kind)))


def _stand_in(value: onnx.ValueInfoProto, needs: list[ndx.Array], function: str) -> ndx.Array:
    kind = helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)
    dtype = ndx.utf8 if kind.kind in "UO" else getattr(ndx, str(kind))
    dims = _dims(value) or [None]
    trace = current_trace(function)
    return trace.stand_in(("N", *dims[1:]), dtype, needs, f"tft.{function}")
