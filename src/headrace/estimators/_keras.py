"""Keras, on JAX."""

from __future__ import annotations

import os
import sys
from typing import Any

from headrace.errors import EstimatorError, import_extra

__all__ = ["import_keras"]


def import_keras() -> Any:
    """Import Keras with its JAX back end, whatever the environment names.

    Raises
    ------
    EstimatorError
        If Keras was imported before with another back end.
    MissingExtraError
        If Keras or JAX is not installed.
    """
    if "keras" not in sys.modules:
        import_extra("jax", "keras")
        before = os.environ.get("KERAS_BACKEND")
        os.environ["KERAS_BACKEND"] = "jax"
        try:
            import_extra("keras", "keras")
        finally:
            if before is None:
                del os.environ["KERAS_BACKEND"]
            else:
                os.environ["KERAS_BACKEND"] = before
    keras: Any = sys.modules["keras"]
    backend = keras.backend.backend()
    if backend != "jax":
        raise EstimatorError(
            "The neural estimators run on Keras's JAX back end",
            got=f"Keras imported with {backend!r}",
            fix="Set KERAS_BACKEND=jax, or fit before keras is imported",
        )
    return keras
