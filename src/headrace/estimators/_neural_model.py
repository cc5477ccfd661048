"""The network: its layout, its Keras model, its ONNX graph and its files."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from headrace.errors import EstimatorError
from headrace.estimators._operators import op
from headrace.estimators._outputs import classifier_arrays, classifier_vars
from headrace.schema import FeatureSpec
from headrace.storage import write_atomic

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from spox import Var

__all__ = ["Layout", "NeuralModel", "embedding_dimension"]

CHUNK = 8192


def embedding_dimension(buckets: int) -> int:
    """Return the rule of thumb ``min(50, 1.6 * buckets ** 0.56)``, rounded."""
    return max(1, min(50, round(1.6 * math.pow(buckets, 0.56))))


class Layout(msgspec.Struct, frozen=True):
    """All that fixes the network's shape.

    Parameters
    ----------
    specs
        The features. Numbers are packed side by side into one float32 input, ids into one int32 input.
    dimensions
        The embedding dimension of every id feature; 0 where it is one-hot.
    units
        Outputs: 1 for two classes and for a regression, else the number of classes.
    """

    specs: tuple[FeatureSpec, ...]
    wide: bool
    deep: bool
    hidden_units: tuple[int, ...]
    dropout: float
    dimensions: tuple[int, ...]
    units: int
    regression: bool
    seed: int

    @property
    def numbers(self) -> list[FeatureSpec]:
        """Features that are numbers."""
        return [spec for spec in self.specs if not spec.is_categorical]

    @property
    def categories(self) -> list[FeatureSpec]:
        """Features that are ids."""
        return [spec for spec in self.specs if spec.is_categorical]

    @property
    def numbers_width(self) -> int:
        """Values a row in the packed numbers."""
        return sum(_width(spec) for spec in self.numbers)

    @property
    def offsets(self) -> np.ndarray:
        """For every packed id, where its feature begins in the table of wide weights: int64."""
        starts: list[int] = []
        total = 0
        for spec in self.categories:
            starts += [total] * _width(spec)
            total += spec.num_buckets or 0
        return np.array(starts, np.int64)

    @property
    def buckets(self) -> int:
        """Rows of the table of wide weights."""
        return sum(spec.num_buckets or 0 for spec in self.categories)

    def pack(self, columns: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Return numbers float32 ``[N, D]`` and ids int32 ``[N, S]``."""
        rows = len(next(iter(columns.values())))

        def side_by_side(specs: list[FeatureSpec], dtype: type) -> np.ndarray:
            parts: list[np.ndarray] = [columns[spec.name].reshape(rows, _width(spec)).astype(dtype) for spec in specs]
            return np.concatenate(parts, axis=1) if parts else np.zeros((rows, 0), dtype)

        return side_by_side(self.numbers, np.float32), side_by_side(self.categories, np.int32)

    def keras_model(self, shift: np.ndarray, scale: np.ndarray) -> Any:
        """Build the Keras model from ``[numbers, ids]`` to ``[N, units]``."""
        from headrace.estimators._keras import import_keras

        keras = import_keras()
        seeds = iter(range(self.seed * 1000, self.seed * 1000 + 1000))

        def dense(name: str, units: int, *, bias: bool = True, zero: bool = False, **kwargs: Any) -> Any:
            start = "zeros" if zero else keras.initializers.GlorotUniform(seed=next(seeds))
            return keras.layers.Dense(
                units, use_bias=bias, kernel_initializer=start, name=name, dtype="float32", **kwargs
            )

        raw = keras.Input((self.numbers_width,), name="numbers", dtype="float32")
        ids = keras.Input((len(self.offsets),), name="ids", dtype="int32")
        numbers = keras.ops.multiply(keras.ops.subtract(raw, shift), scale)
        logits = []
        if self.deep:
            parts: list[Any] = [numbers] if self.numbers_width else []
            start = 0
            for index, (spec, dimension) in enumerate(zip(self.categories, self.dimensions, strict=True)):
                chosen = ids[:, start : start + _width(spec)]
                start += _width(spec)
                if dimension:
                    table = keras.layers.Embedding(
                        spec.num_buckets,
                        dimension,
                        embeddings_initializer=keras.initializers.RandomUniform(-0.05, 0.05, seed=next(seeds)),
                        name=f"embedding_{index}",
                        dtype="float32",
                    )
                    parts.append(keras.ops.mean(table(chosen), axis=1))
                else:
                    parts.append(keras.ops.sum(keras.ops.one_hot(chosen, spec.num_buckets, dtype="float32"), axis=1))
            hidden = keras.layers.Concatenate()(parts) if len(parts) > 1 else parts[0]
            for index, units in enumerate(self.hidden_units):
                hidden = dense(f"hidden_{index}", units, activation="relu")(hidden)
                if self.dropout:
                    hidden = keras.layers.Dropout(self.dropout, seed=next(seeds), name=f"dropout_{index}")(hidden)
            logits.append(dense("deep_logits", self.units)(hidden))
        if self.wide:
            if self.numbers_width:
                logits.append(dense("wide_numbers", self.units, bias=False, zero=True)(numbers))
            if self.buckets:
                table = keras.layers.Embedding(
                    self.buckets, self.units, embeddings_initializer="zeros", name="wide_ids", dtype="float32"
                )
                logits.append(keras.ops.sum(table(keras.ops.add(ids, self.offsets.astype(np.int32))), axis=1))
            if not self.deep:
                ones = keras.ops.ones_like(ids[:, :1] if self.buckets else raw[:, :1], dtype="float32")
                logits.append(dense("bias", self.units, bias=False, zero=True)(ones))
        output = keras.layers.Add()(logits) if len(logits) > 1 else logits[0]
        return keras.Model([raw, ids], output, name="network")


@dataclass
class NeuralModel:
    """A trained network.

    Parameters
    ----------
    weights
        By the path of the Keras variable; ``numbers/shift``, ``numbers/scale`` ``[D]`` of the standardization, and for
        a regression ``label/mean`` and ``label/scale`` ``[1]`` that bring the output back to the label's scale.
    """

    layout: Layout
    weights: dict[str, np.ndarray]
    _forward: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = field(default=None, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        return {"layout": self.layout, "weights": self.weights, "_forward": None}

    @cached_property
    def offsets(self) -> np.ndarray:
        """See ``Layout.offsets``."""
        return self.layout.offsets

    def outputs(self, columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Compute the outputs with Keras."""
        if self._forward is None:
            self._forward = self._compile()
        numbers, ids = self.layout.pack(columns)
        raw = in_chunks(self._forward, numbers, ids, self.layout.units)
        if self.layout.regression:
            return {"predictions": (raw * self.weights["label/scale"] + self.weights["label/mean"]).astype(np.float32)}
        return classifier_arrays(raw)

    def _compile(self) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
        import jax

        model = self.layout.keras_model(self.weights["numbers/shift"], self.weights["numbers/scale"])
        trainable = [self.weights[variable.path] for variable in model.trainable_variables]
        fixed = [variable.value for variable in model.non_trainable_variables]

        @jax.jit  # type: ignore[untyped-decorator,unused-ignore]
        def forward(numbers: Any, ids: Any) -> Any:
            return model.stateless_call(trainable, fixed, [numbers, ids], training=False)[0]

        return lambda numbers, ids: np.asarray(forward(numbers, ids))

    def graph(self, inputs: Mapping[str, Var]) -> dict[str, Var]:
        """Compute the outputs with ONNX operators."""
        raw = self._raw_graph(inputs)
        if self.layout.regression:
            scaled = op.mul(raw, op.const(self.weights["label/scale"]))
            return {"predictions": op.add(scaled, op.const(self.weights["label/mean"]))}
        return classifier_vars(raw, max(self.layout.units, 2))

    def _raw_graph(self, inputs: Mapping[str, Var]) -> Var:
        layout, weights = self.layout, self.weights

        def column(spec: FeatureSpec) -> Var:
            return inputs[spec.name] if spec.shape else op.unsqueeze(inputs[spec.name], op.const(np.array([1])))

        numbers: Var | None = None
        if layout.numbers:
            parts: list[Var] = [
                column(spec) if spec.dtype == "float32" else op.cast(column(spec), to=np.float32)
                for spec in layout.numbers
            ]
            numbers = op.concat(parts, axis=1) if len(parts) > 1 else parts[0]
            numbers = op.mul(op.sub(numbers, op.const(weights["numbers/shift"])), op.const(weights["numbers/scale"]))
        logits: list[Var] = []
        if layout.deep:
            parts = [] if numbers is None else [numbers]
            for index, (spec, dimension) in enumerate(zip(layout.categories, layout.dimensions, strict=True)):
                if dimension:
                    table = weights[f"embedding_{index}/embeddings"]
                else:
                    table = np.eye(spec.num_buckets or 0, dtype=np.float32)
                rows = op.gather(op.const(table), inputs[spec.name])
                if spec.shape:
                    rows = _sum_entries(rows, spec.shape[0])
                    rows = op.div(rows, op.const(np.float32(spec.shape[0]))) if dimension else rows
                parts.append(rows)
            hidden = op.concat(parts, axis=1) if len(parts) > 1 else parts[0]
            for index in range(len(layout.hidden_units)):
                hidden = op.relu(self._dense(f"hidden_{index}", hidden))
            logits.append(self._dense("deep_logits", hidden))
        if layout.wide:
            if numbers is not None:
                logits.append(op.matmul(numbers, op.const(weights["wide_numbers/kernel"])))
            if layout.categories:
                ids = [column(spec) for spec in layout.categories]
                side_by_side = op.concat(ids, axis=1) if len(ids) > 1 else ids[0]
                rows = op.gather(op.const(weights["wide_ids/embeddings"]), op.add(side_by_side, op.const(self.offsets)))
                logits.append(_sum_entries(rows, len(self.offsets)))
            if not layout.deep:
                logits.append(op.const(weights["bias/kernel"]))
        total = logits[0]
        for part in logits[1:]:
            total = op.add(total, part)
        return total

    def _dense(self, name: str, x: Var) -> Var:
        product = op.matmul(x, op.const(self.weights[f"{name}/kernel"]))
        result: Var = op.add(product, op.const(self.weights[f"{name}/bias"]))
        return result

    def write(self, directory: Path) -> None:
        """Write ``network.json`` and ``weights.npz``."""
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **self.weights)  # type: ignore[arg-type,unused-ignore]
        write_atomic(directory / "network.json", msgspec.json.format(msgspec.json.encode(self.layout), indent=2))
        write_atomic(directory / "weights.npz", buffer.getvalue())

    @classmethod
    def read(cls, directory: Path) -> NeuralModel:
        """Read what ``write`` wrote."""
        try:
            layout = msgspec.json.decode((directory / "network.json").read_bytes(), type=Layout)
            with np.load(directory / "weights.npz", allow_pickle=False) as arrays:
                weights = {name: arrays[name] for name in arrays.files}
        except (OSError, ValueError, msgspec.DecodeError) as error:
            raise EstimatorError("The folder holds a network", got=str(error), where=str(directory)) from error
        return cls(layout, weights)


def in_chunks(
    forward: Callable[[np.ndarray, np.ndarray], np.ndarray], numbers: np.ndarray, ids: np.ndarray, units: int
) -> np.ndarray:
    """Call a compiled function on chunks of few different sizes, since each new size is compiled anew."""
    rows = len(numbers)
    parts = [np.zeros((0, units), np.float32)]
    for start in range(0, rows, CHUNK):
        stop = min(start + CHUNK, rows)
        size = 1 << (stop - start - 1).bit_length()
        pad = ((0, size - (stop - start)), (0, 0))
        part = forward(np.pad(numbers[start:stop], pad), np.pad(ids[start:stop], pad))
        parts.append(np.asarray(part)[: stop - start])
    return np.concatenate(parts)


def _width(spec: FeatureSpec) -> int:
    return spec.shape[0] if spec.shape else 1


def _sum_entries(rows: Var, count: int) -> Var:
    """Sum ``[N, count, D]`` over its middle axis, in the same order for any N.

    ONNX Runtime's ReduceSum adds in another order when there is only one row.
    """
    axis = op.const(np.array([1]))
    summed = rows if count == 1 else op.sum(op.split(rows, num_outputs=count, axis=1))
    squeezed: Var = op.squeeze(summed, axis)
    return squeezed
