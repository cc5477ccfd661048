"""What a fit leaves behind as it goes: learning curve, event file, checkpoints."""

from __future__ import annotations

import io
import json
import time
import zipfile
from typing import TYPE_CHECKING, Self

import numpy as np

from headrace.storage import write_atomic
from headrace.training.tensorboard import EventWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

__all__ = ["Progress"]

CHECKPOINT = "checkpoint.npz"
CURVE = "curve.json"


class Progress:
    """The monitor of a training run.

    Parameters
    ----------
    events
        The folder of the TensorBoard event file.
    scratch
        Where the checkpoint is kept between attempts; none is kept when None.
    on_epoch
        Called after every epoch, for a progress line.
    """

    def __init__(
        self,
        events: Path,
        scratch: Path | None = None,
        on_epoch: Callable[[int, Mapping[str, float]], None] | None = None,
    ) -> None:
        self.curve: list[tuple[int, float, dict[str, float]]] = []
        self.resumed_from: int | None = None
        self._events = events
        self._writer: EventWriter | None = None
        self._scratch = scratch
        self._listener = on_epoch

    @property
    def series(self) -> dict[str, list[tuple[int, float]]]:
        """Every metric's values by epoch."""
        found: dict[str, list[tuple[int, float]]] = {}
        for epoch, _, metrics in self.curve:
            for name, value in metrics.items():
                found.setdefault(name, []).append((epoch, value))
        return found

    def on_epoch(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Take the metrics of an epoch into the curve and the event file."""
        now = time.time()
        if self._writer is None:
            # A fit that did not take up the checkpoint begins with epoch 1, and what was kept is of another fit.
            self._writer = self._begin(now, [entry for entry in self.curve if entry[0] < epoch])
        self.curve.append((epoch, now, dict(metrics)))
        self._writer.scalars(epoch, metrics, now)
        if self._listener is not None:
            self._listener(epoch, metrics)

    def _begin(self, now: float, curve: list[tuple[int, float, dict[str, float]]]) -> EventWriter:
        """Open the event file with what was kept of the curve."""
        self.curve = curve
        self.resumed_from = curve[-1][0] if curve else None
        writer = EventWriter(self._events, now)
        for epoch, moment, values in curve:
            writer.scalars(epoch, values, moment)
        return writer

    def checkpoint(self, state: Mapping[str, np.ndarray]) -> None:
        """Keep a state and the curve up to it, in one file."""
        if self._scratch is None:
            return
        buffer = io.BytesIO()
        curve = np.frombuffer(json.dumps(self.curve).encode(), np.uint8)
        np.savez(buffer, allow_pickle=False, **{CURVE: curve, **state})
        self._scratch.mkdir(parents=True, exist_ok=True)
        write_atomic(self._scratch / CHECKPOINT, buffer.getvalue())

    def restore(self) -> dict[str, np.ndarray] | None:
        """Return the state that was kept; None where there is none that can be read."""
        if self._scratch is None or not (self._scratch / CHECKPOINT).is_file():
            return None
        try:
            with np.load(self._scratch / CHECKPOINT, allow_pickle=False) as arrays:
                state = {name: arrays[name] for name in arrays.files}
            curve = json.loads(state.pop(CURVE).tobytes())
        except (OSError, ValueError, KeyError, zipfile.BadZipFile):
            # A checkpoint only saves time: without it the fit starts over.
            return None
        self.curve = [(int(epoch), float(moment), dict(metrics)) for epoch, moment, metrics in curve]
        return state

    def should_stop(self) -> bool:
        """Never ask a fit to stop."""
        return False

    def forget(self) -> None:
        """Remove the checkpoint, once it is of no more use."""
        if self._scratch is not None:
            (self._scratch / CHECKPOINT).unlink(missing_ok=True)

    def close(self) -> None:
        """Finish the event file."""
        if self._writer is None and self.curve:
            # The fit had ended when it was killed, so no epoch was left to run.
            self._writer = self._begin(time.time(), self.curve)
        if self._writer is not None:
            self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
