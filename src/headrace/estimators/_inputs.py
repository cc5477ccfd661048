"""Tables into arrays, checked so that no later step meets a surprise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headrace.data import Dataset, dataset_from_table
from headrace.errors import EstimatorError, did_you_mean
from headrace.schema import FeatureSpec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from headrace.estimators.base import Estimator

__all__ = [
    "Examples",
    "as_dataset",
    "choose_specs",
    "class_names",
    "infer_specs",
    "read_columns",
    "read_examples",
]


@dataclass(frozen=True)
class Examples:
    """Rows to learn from.

    Parameters
    ----------
    specs
        The features, in order.
    columns
        One array a feature: int64 or float32, ``[N]`` or ``[N, K]``.
    labels
        Class indices int64, or numbers float64: ``[N]``.
    weights
        float32 ``[N]``, all one where no weight was named.
    classes
        The label's values, in the order of the class indices; empty for a regression.
    """

    specs: tuple[FeatureSpec, ...]
    columns: Mapping[str, np.ndarray]
    labels: np.ndarray
    weights: np.ndarray
    classes: tuple[Any, ...]

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(self.labels)


def as_dataset(data: Any) -> Dataset:
    """Take in whatever holds columns."""
    if isinstance(data, Dataset):
        return data
    if isinstance(data, pa.RecordBatch):
        data = pa.Table.from_batches([data])
    elif not isinstance(data, pa.Table):
        if not isinstance(data, dict) and not hasattr(data, "__arrow_c_stream__"):
            raise EstimatorError(
                "Data is a Dataset, an Arrow table, a data frame or a dict of columns", got=type(data).__name__
            )
        try:
            data = pa.table(data)
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise EstimatorError("Data becomes an Arrow table", got=str(error)) from error
    return dataset_from_table(data)


def infer_specs(schema: pa.Schema, leave_out: Iterable[str | None] = ()) -> list[FeatureSpec]:
    """Read features off the Arrow types. Integers are numbers: that they are ids is for the caller to know."""
    hidden = set(leave_out)
    return [_infer_spec(field) for field in schema if field.name not in hidden]


def _infer_spec(field: pa.Field) -> FeatureSpec:
    kind: pa.DataType = field.type
    shape: tuple[int, ...] = ()
    while pa.types.is_fixed_size_list(kind):
        shape = (*shape, kind.list_size)
        kind = kind.value_type
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return FeatureSpec(field.name, "float32", shape, sources=(field.name,))
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return FeatureSpec(field.name, "int64", shape, sources=(field.name,))
    raise EstimatorError(
        "A feature is a number, or a list of numbers of one length",
        got=f"{field.name!r} of type {field.type}",
        fix="Turn it into numbers or ids with a preprocessing function, or leave it out with features=",
    )


def choose_specs(specs: Sequence[FeatureSpec], schema: pa.Schema, estimator: Estimator) -> tuple[FeatureSpec, ...]:
    """Pick the features that the estimator learns from, and check that the columns are there."""
    known = [name for name in schema.names if name != estimator.label]
    for role, name in (("label", estimator.label), ("weight", estimator.weight)):
        if name is not None and name not in schema.names:
            raise EstimatorError(f"The {role} is a column of the data", got=name, fix=did_you_mean(name, schema.names))
    by_name = {spec.name: spec for spec in specs if spec.name not in (estimator.label, estimator.weight)}
    if estimator.features is not None:
        for name in estimator.features:
            if name not in by_name:
                raise EstimatorError("A feature is a column of the data", got=name, fix=did_you_mean(name, by_name))
        by_name = {name: by_name[name] for name in estimator.features}
    if not by_name:
        raise EstimatorError("There is at least one feature besides the label and the weight", got="none")
    for spec in by_name.values():
        if spec.name not in schema.names:
            raise EstimatorError("A feature is a column of the data", got=spec.name, fix=did_you_mean(spec.name, known))
        if len(spec.shape) > 1:
            raise EstimatorError(
                "A feature has one value a row, or one row of values",
                got=f"{spec.name!r} of shape {spec.shape}",
                fix="Flatten it in the preprocessing function",
            )
    return tuple(by_name.values())


def read_columns(dataset: Dataset, specs: Sequence[FeatureSpec]) -> dict[str, np.ndarray]:
    """Read the features into memory, checked."""
    for spec in specs:
        if spec.name not in dataset.schema.names:
            raise EstimatorError(
                "A feature is a column of the data", got=spec.name, fix=did_you_mean(spec.name, dataset.schema.names)
            )
    table = dataset.to_table([spec.name for spec in specs])
    return {spec.name: _feature(table.column(spec.name), spec) for spec in specs}


def read_examples(
    dataset: Dataset,
    specs: tuple[FeatureSpec, ...],
    estimator: Estimator,
    *,
    label_spec: FeatureSpec | None = None,
    classes: tuple[Any, ...] | None = None,
) -> Examples:
    """Read features, label and weight into memory, checked.

    Parameters
    ----------
    classes
        The classes to index by, where they are known already: rows of another class are left out.
    """
    names = [spec.name for spec in specs] + [estimator.label]
    if estimator.weight is not None:
        names.append(estimator.weight)
    for name in names:
        if name not in dataset.schema.names:
            raise EstimatorError(
                "The validation rows have the columns of the training rows",
                got=f"no {name!r}",
                fix=did_you_mean(name, dataset.schema.names),
            )
    table = dataset.to_table(names)
    if table.num_rows == 0:
        raise EstimatorError("There is at least one row to learn from", got="no rows")
    raw = _label(table.column(estimator.label), estimator.label)
    keep: np.ndarray | None = None
    if estimator.task == "regression":
        labels, found = _numbers(raw, estimator.label), ()
    else:
        labels, found = _class_indices(raw, estimator, label_spec, classes)
        if (labels < 0).any():
            keep = labels >= 0
    weights = np.ones(table.num_rows, np.float32)
    if estimator.weight is not None:
        weights = _weights(table.column(estimator.weight), estimator.weight)
    columns = {spec.name: _feature(table.column(spec.name), spec) for spec in specs}
    if keep is not None:
        if not keep.any():
            raise EstimatorError("The validation rows have classes of the training rows", got="none of them")
        columns = {name: values[keep] for name, values in columns.items()}
        labels, weights = labels[keep], weights[keep]
    return Examples(specs, columns, labels, weights, found)


def class_names(classes: Sequence[Any], label_spec: FeatureSpec | None) -> tuple[str, ...]:
    """Return the words that the classes stand for, or the classes' values as text."""
    words = label_spec.vocabulary if label_spec is not None and label_spec.vocabulary is not None else ()
    return tuple(
        words[value] if isinstance(value, int) and 0 <= value < len(words) else str(value) for value in classes
    )


def _feature(column: pa.ChunkedArray, spec: FeatureSpec) -> np.ndarray:
    array = column.combine_chunks()
    _refuse_nulls(array, spec.name, "A feature has no missing values", "Fill them in the preprocessing function")
    rows = len(array)
    width = 1
    for wanted in spec.shape:
        if not pa.types.is_fixed_size_list(array.type) or array.type.list_size != wanted:
            raise EstimatorError(
                "A feature has the shape that its description says",
                got=f"{spec.name!r} of type {array.type}, not {wanted} values a row",
            )
        array = array.flatten()
        width *= wanted
        _refuse_nulls(array, spec.name, "A feature has no missing values", "Fill them in the preprocessing function")
    wanted_type = pa.float32() if spec.dtype == "float32" else pa.int64()
    try:
        # A cast to float32 may round: that is what a float32 feature means.
        values: np.ndarray = pc.cast(array, wanted_type, safe=spec.dtype == "int64").to_numpy(zero_copy_only=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise EstimatorError(
            f"A feature is {spec.dtype} as its description says",
            got=f"{spec.name!r} of type {array.type}",
            fix="Turn it into numbers or ids with a preprocessing function, or leave it out with features=",
        ) from error
    if spec.dtype == "float32":
        _refuse_infinite(values, spec.name, width)
    if spec.num_buckets is not None and len(values):
        _refuse_out_of_range(values, spec, width)
    return values.reshape(rows, width) if spec.shape else values


def _refuse_nulls(array: pa.Array, name: str, rule: str, fix: str) -> None:
    if array.null_count:
        first = int(np.flatnonzero(array.is_null().to_numpy(zero_copy_only=False))[0])
        raise EstimatorError(
            rule, got=f"{array.null_count} of {len(array)} in {name!r}, the first in row {first}", fix=fix
        )


def _refuse_infinite(values: np.ndarray, name: str, width: int) -> None:
    bad = ~np.isfinite(values)
    if bad.any():
        first = int(np.flatnonzero(bad)[0])
        raise EstimatorError(
            "A feature is finite",
            got=f"{values[first]} in {name!r}, row {first // width} ({int(bad.sum())} such values)",
            fix="Fill or clip it in the preprocessing function",
        )


def _refuse_out_of_range(values: np.ndarray, spec: FeatureSpec, width: int) -> None:
    assert spec.num_buckets is not None
    bad = (values < 0) | (values >= spec.num_buckets)
    if bad.any():
        first = int(np.flatnonzero(bad)[0])
        raise EstimatorError(
            f"An id lies between 0 and {spec.num_buckets - 1}",
            got=f"{values[first]} in {spec.name!r}, row {first // width} ({int(bad.sum())} such values)",
            fix="Give unknown values a bucket of their own, as num_oov_buckets=1 does",
        )


def _label(column: pa.ChunkedArray, name: str) -> pa.Array:
    array = column.combine_chunks()
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_nested(array.type):
        if not pa.types.is_fixed_size_list(array.type) or array.type.list_size != 1:
            raise EstimatorError("A label is one value a row", got=f"{name!r} of type {array.type}")
        array = array.flatten()
    _refuse_nulls(array, name, "Every row has a label", "Leave out the rows without one")
    if pa.types.is_floating(array.type):
        bad = ~np.isfinite(array.to_numpy(zero_copy_only=False))
        if bad.any():
            raise EstimatorError(
                "Every label is finite",
                got=f"{int(bad.sum())} NaN or infinite in {name!r}, the first in row {int(np.flatnonzero(bad)[0])}",
                fix="Leave out the rows without one",
            )
    return array


def _numbers(array: pa.Array, name: str) -> np.ndarray:
    kind = array.type
    if not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind)):
        raise EstimatorError(
            "A regressor's label is a number", got=f"{name!r} of type {kind}", fix="Use a classifier for categories"
        )
    numbers: np.ndarray = array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return numbers


def _class_indices(
    array: pa.Array, estimator: Estimator, label_spec: FeatureSpec | None, classes: tuple[Any, ...] | None
) -> tuple[np.ndarray, tuple[Any, ...]]:
    kind = array.type
    if pa.types.is_boolean(kind):
        array = array.cast(pa.int64())
    elif pa.types.is_floating(kind):
        values = array.to_numpy(zero_copy_only=False)
        if (values != np.round(values)).any():
            raise EstimatorError(
                "A classifier's label is a whole number, a truth value or a word",
                got=f"fractions in {estimator.label!r}",
                fix="Use a regressor for numbers",
            )
        array = pa.array(values.astype(np.int64))
    elif pa.types.is_integer(kind):
        array = array.cast(pa.int64())
    elif not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        raise EstimatorError(
            "A classifier's label is a whole number, a truth value or a word",
            got=f"{estimator.label!r} of type {kind}",
        )
    if classes is None:
        observed = sorted(pc.unique(array).to_pylist())
        if len(observed) < 2:
            raise EstimatorError(
                "A classifier's label has at least two classes",
                got=f"only {observed[0]!r} in {estimator.label!r}",
                fix="Look at the condition that computes the label, and at the rows of the training split",
            )
        words = label_spec.vocabulary if label_spec is not None else None
        if words is not None and isinstance(observed[0], int) and observed[0] >= 0 and observed[-1] < len(words):
            observed = list(range(len(words)))
        classes = tuple(observed)
    indices = pc.index_in(array, value_set=pa.array(list(classes), type=array.type))
    positions: np.ndarray = pc.fill_null(indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    return positions, classes


def _weights(column: pa.ChunkedArray, name: str) -> np.ndarray:
    array = column.combine_chunks()
    _refuse_nulls(array, name, "Every row has a weight", "Fill it in the preprocessing function")
    values = _numbers(array, name)
    if not np.isfinite(values).all() or (values < 0).any() or values.sum() <= 0:
        raise EstimatorError(
            "Weights are finite, none is negative, and some are positive",
            got=f"{name!r} between {values.min()} and {values.max()}",
        )
    return values.astype(np.float32)
