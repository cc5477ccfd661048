"""The crash test: the very file, in the real server, in a process of its own."""

from __future__ import annotations

import json

from headrace.components.artifacts import Examples, InfraBlessing, Model
from headrace.pipeline import component

__all__ = ["infra_validator"]


@component
def infra_validator(
    model: Model,
    examples: Examples,
    *,
    split: str = "eval",
    rows: int = 200,
    timeout: float = 60.0,
    max_memory_mb: int = 2048,
) -> InfraBlessing:
    """Load the model into a model server, replay rows, and compare its answers bit for bit.

    Refuses a model that crashes, takes longer than ``timeout`` seconds to load or answer, uses more than
    ``max_memory_mb`` megabytes, or answers differently than it does in process.

    Parameters
    ----------
    model
        What to test.
    examples
        Raw rows to replay.
    split
        Where to take them from.
    rows
        How many, from the first on.
    timeout
        Seconds for loading the model, and for every answer.
    max_memory_mb
        Resident memory of the server, in units of 2**20 bytes.

    Returns
    -------
    InfraBlessing
        The verdict; a model that was refused is no error here, the pusher stops at it.

    Raises
    ------
    DataError
        If the examples have no such split.
    """
    from headrace.serving import crash_test

    result = crash_test(
        model.path,
        examples.split(split),
        timeout_s=timeout,
        request_timeout_s=timeout,
        max_memory_mb=max_memory_mb,
        max_rows=rows,
    )
    blessing = InfraBlessing.create()
    (blessing.path / "crash_test.json").write_text(json.dumps(result.to_dict(), indent=2), "utf-8")
    blessing.properties |= {"ok": result.ok, "reason": result.reason}
    return blessing
