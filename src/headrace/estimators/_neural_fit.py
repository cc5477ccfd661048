"""The fit loop: one compiled scan over the minibatches of an epoch."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from headrace.errors import EstimatorError
from headrace.estimators._curve import validation_metrics
from headrace.estimators._keras import import_keras
from headrace.estimators._neural_model import Layout, NeuralModel, embedding_dimension, in_chunks

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.estimators._inputs import Examples
    from headrace.estimators.base import Monitor
    from headrace.estimators.neural import NeuralEstimator

__all__ = ["fit"]


def fit(
    estimator: NeuralEstimator, examples: Examples, validation: Examples | None, monitor: Monitor | None
) -> NeuralModel:
    """Train a network.

    Raises
    ------
    EstimatorError
        If the loss is not finite.
    """
    layout = make_layout(estimator, examples)
    numbers, ids = layout.pack(examples.columns)
    fixed = _standardization(estimator, numbers, examples)
    run = _Run(estimator, layout, fixed, numbers, ids, examples)
    state = _State.start(run)
    digest = _digest(estimator, layout, numbers, ids, examples)
    kept = monitor.restore() if monitor is not None else None
    if kept is not None and bytes(kept["digest"]) == digest:
        state.resume(kept)
    held_out = None if validation is None else (*layout.pack(validation.columns), validation)
    stop = state.finished
    while state.epoch < estimator.epochs and not stop:
        began = time.perf_counter()
        loss = run.epoch(state)
        seconds = time.perf_counter() - began
        if not np.isfinite(loss):
            raise EstimatorError(
                "The training loss is finite",
                got=f"{loss} in epoch {state.epoch + 1}",
                fix="Lower learning_rate, and scale numbers that are very large",
            )
        state.epoch += 1
        metrics = {"loss": loss}
        if held_out is not None:
            metrics |= run.validate(state, *held_out)
            state.judge(metrics["validation_loss"])
            patience = estimator.early_stopping_patience
            stop = patience is not None and state.bad_epochs >= patience
        metrics |= {"seconds": seconds, "rows_per_second": examples.rows / max(seconds, 1e-9)}
        state.finished = stop
        if monitor is not None:
            monitor.on_epoch(state.epoch, metrics)
            monitor.checkpoint(state.keep(digest))
            stop = stop or monitor.should_stop()
    return NeuralModel(layout, {**fixed, **state.final()})


def make_layout(estimator: NeuralEstimator, examples: Examples) -> Layout:
    """Choose the network's shape for the features."""
    categories = [spec.num_buckets for spec in examples.specs if spec.num_buckets is not None]
    dimensions: tuple[int, ...] = ()
    if estimator.deep:
        limit, fixed = getattr(estimator, "one_hot_up_to", 0), getattr(estimator, "embedding_dimension", None)
        dimensions = tuple(0 if n <= limit else fixed or embedding_dimension(n) for n in categories)
    return Layout(
        specs=examples.specs,
        wide=estimator.wide,
        deep=estimator.deep,
        hidden_units=getattr(estimator, "hidden_units", ()),
        dropout=getattr(estimator, "dropout", 0.0),
        dimensions=dimensions,
        units=len(examples.classes) if len(examples.classes) > 2 else 1,
        regression=not examples.classes,
        seed=estimator.seed,
    )


def _standardization(estimator: NeuralEstimator, numbers: np.ndarray, examples: Examples) -> dict[str, np.ndarray]:
    width = numbers.shape[1]
    shift, scale = np.zeros(width, np.float32), np.ones(width, np.float32)
    if estimator.standardize and width:
        shift = numbers.mean(axis=0, dtype=np.float64).astype(np.float32)
        spread = numbers.std(axis=0, dtype=np.float64)
        scale = (1 / np.where(spread > 1e-12, spread, 1.0)).astype(np.float32)
    fixed = {"numbers/shift": shift, "numbers/scale": scale}
    if not examples.classes:
        mean = np.average(examples.labels, weights=examples.weights)
        spread = np.sqrt(np.average((examples.labels - mean) ** 2, weights=examples.weights))
        fixed["label/mean"] = np.array([mean], np.float32)
        fixed["label/scale"] = np.array([spread if spread > 0 else 1.0], np.float32)
    return fixed


class _Run:
    """The compiled functions and the data on the device."""

    def __init__(
        self,
        estimator: NeuralEstimator,
        layout: Layout,
        fixed: dict[str, np.ndarray],
        numbers: np.ndarray,
        ids: np.ndarray,
        examples: Examples,
    ) -> None:
        import jax
        import jax.numpy as jnp

        self.estimator = estimator
        self.layout = layout
        self.fixed = fixed
        self.keras = import_keras()
        self.model = layout.keras_model(fixed["numbers/shift"], fixed["numbers/scale"])
        self.optimizer = self.keras.optimizers.Adam(estimator.learning_rate)
        self.optimizer.build(self.model.trainable_variables)
        self.paths = [variable.path for variable in self.model.trainable_variables]
        self.targets = self.to_targets(examples.labels)
        self.rows = examples.rows
        self.batch = min(estimator.batch_size, self.rows)
        self.data = tuple(jnp.asarray(a) for a in (numbers, ids, self.targets, examples.weights))
        self.loss = _loss_function(layout)
        self._epoch = jax.jit(self._make_epoch())
        model = self.model

        @jax.jit  # type: ignore[untyped-decorator,unused-ignore]
        def forward(trainable: Any, others: Any, numbers: Any, ids: Any) -> Any:
            return model.stateless_call(trainable, others, [numbers, ids], training=False)[0]

        self._forward = forward

    def to_targets(self, labels: np.ndarray) -> np.ndarray:
        """Bring labels to the scale of the network's output."""
        if self.layout.regression:
            scaled = (labels - self.fixed["label/mean"][0]) / self.fixed["label/scale"][0]
            return np.asarray(scaled, np.float32)
        return labels.astype(np.int32 if self.layout.units > 1 else np.float32)

    def _make_epoch(self) -> Callable[..., Any]:
        import jax
        import jax.numpy as jnp

        model, optimizer, l2 = self.model, self.optimizer, self.estimator.l2
        decayed = [index for index, path in enumerate(self.paths) if not path.endswith("bias")]

        def objective(trainable: Any, others: Any, numbers: Any, ids: Any, targets: Any, weights: Any) -> Any:
            raw, others = model.stateless_call(trainable, others, [numbers, ids], training=True)
            total = jnp.sum(weights)
            loss = jnp.sum(weights * self.loss(raw, targets)) / jnp.maximum(total, 1e-12)
            penalty = l2 * sum(jnp.sum(jnp.square(trainable[index])) for index in decayed) if l2 else 0.0
            return loss + penalty, (loss * total, total, others)

        gradient = jax.grad(objective, has_aux=True)

        def step(state: Any, picked: Any, data: Any) -> Any:
            trainable, others, slots = state
            rows, present = picked
            numbers, ids, targets, weights = (array[rows] for array in data)
            gradients, (loss, total, others) = gradient(trainable, others, numbers, ids, targets, weights * present)
            trainable, slots = optimizer.stateless_apply(slots, gradients, trainable)
            return (trainable, others, slots), (loss, total)

        def epoch(state: Any, order: Any, present: Any, data: Any) -> Any:
            state, (loss, total) = jax.lax.scan(lambda s, p: step(s, p, data), state, (order, present))
            return state, jnp.sum(loss) / jnp.sum(total)

        return epoch

    def epoch(self, state: _State) -> float:
        """Run one epoch and return the mean loss of its rows."""
        order = np.random.default_rng([self.estimator.seed, state.epoch]).permutation(self.rows)
        steps = -(-self.rows // self.batch)
        padded = np.zeros(steps * self.batch, np.int32)
        present = np.zeros(steps * self.batch, np.float32)
        padded[: self.rows] = order
        present[: self.rows] = 1
        shape = (steps, self.batch)
        current = (state.trainable, state.others, state.slots)
        current, loss = self._epoch(current, padded.reshape(shape), present.reshape(shape), self.data)
        state.trainable, state.others, state.slots = current
        return float(loss)

    def validate(self, state: _State, numbers: np.ndarray, ids: np.ndarray, examples: Examples) -> dict[str, float]:
        """Return the metrics of rows that are not trained on."""

        def forward(numbers: np.ndarray, ids: np.ndarray) -> np.ndarray:
            return np.asarray(self._forward(state.trainable, state.others, numbers, ids))

        raw = in_chunks(forward, numbers, ids, self.layout.units)
        losses = np.asarray(self.loss(raw, self.to_targets(examples.labels)))
        loss = float(np.average(losses, weights=examples.weights))
        if self.layout.regression:
            raw = raw * self.fixed["label/scale"] + self.fixed["label/mean"]
        return {"validation_loss": loss, **validation_metrics(raw, examples)}


class _State:
    """Everything that changes from epoch to epoch."""

    def __init__(self, paths: list[str], trainable: list[Any], others: list[Any], slots: list[Any]) -> None:
        self.paths = paths
        self.trainable = trainable
        self.others = others
        self.slots = slots
        self.epoch = 0
        self.best_loss = np.inf
        self.best: list[Any] | None = None
        self.bad_epochs = 0
        self.finished = False

    @classmethod
    def start(cls, run: _Run) -> _State:
        return cls(
            run.paths,
            [variable.value for variable in run.model.trainable_variables],
            [variable.value for variable in run.model.non_trainable_variables],
            [variable.value for variable in run.optimizer.variables],
        )

    def judge(self, loss: float) -> None:
        """Take the weights for the best so far, or count an epoch without progress."""
        if loss < self.best_loss:
            self.best_loss, self.best, self.bad_epochs = loss, self.trainable, 0
        else:
            self.bad_epochs += 1

    def final(self) -> dict[str, np.ndarray]:
        """Return the weights to keep."""
        values = self.trainable if self.best is None else self.best
        return {path: np.asarray(value) for path, value in zip(self.paths, values, strict=True)}

    def keep(self, digest: bytes) -> dict[str, np.ndarray]:
        """Return the state as arrays."""
        kept = {
            "digest": np.frombuffer(digest, np.uint8),
            "epoch": np.array(self.epoch),
            "best_loss": np.array(self.best_loss),
            "bad_epochs": np.array(self.bad_epochs),
            "finished": np.array(self.finished),
        }
        groups = {"trainable": self.trainable, "others": self.others, "slots": self.slots, "best": self.best or []}
        for group, values in groups.items():
            kept |= {f"{group}/{index}": np.asarray(value) for index, value in enumerate(values)}
        return kept

    def resume(self, kept: Any) -> None:
        """Go on from what ``keep`` returned."""
        import jax.numpy as jnp

        def group(name: str) -> list[Any]:
            count = sum(key.startswith(f"{name}/") for key in kept)
            return [jnp.asarray(kept[f"{name}/{index}"]) for index in range(count)]

        self.trainable, self.others, self.slots = group("trainable"), group("others"), group("slots")
        self.best = group("best") or None
        self.epoch = int(kept["epoch"])
        self.best_loss = float(kept["best_loss"])
        self.bad_epochs = int(kept["bad_epochs"])
        self.finished = bool(kept["finished"])


def _loss_function(layout: Layout) -> Callable[[Any, Any], Any]:
    import jax
    import jax.numpy as jnp

    def squared(raw: Any, targets: Any) -> Any:
        return jnp.square(raw[:, 0] - targets)

    def two_classes(raw: Any, targets: Any) -> Any:
        return jax.nn.softplus(raw[:, 0]) - targets * raw[:, 0]

    def many_classes(raw: Any, targets: Any) -> Any:
        return jax.nn.logsumexp(raw, axis=1) - jnp.take_along_axis(raw, targets[:, None], axis=1)[:, 0]

    if layout.regression:
        return squared
    return two_classes if layout.units == 1 else many_classes


def _digest(
    estimator: NeuralEstimator, layout: Layout, numbers: np.ndarray, ids: np.ndarray, examples: Examples
) -> bytes:
    """Name the fit by its parameters and data: a checkpoint of another one must not be resumed."""
    found = hashlib.blake2b(digest_size=16)
    params = estimator.get_params() | {"epochs": None}
    found.update(repr([type(estimator).__name__, sorted(params.items(), key=lambda item: item[0])]).encode())
    found.update(msgspec.json.encode(layout))
    for array in (numbers, ids, examples.labels, examples.weights):
        found.update(np.ascontiguousarray(array).data)
    return found.digest()
