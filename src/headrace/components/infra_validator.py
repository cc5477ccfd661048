"""The crash test: the very file, in the real server, in a process of its own."""

from __future__ import annotations

import json
from itertools import islice

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
        Seconds.
    max_memory_mb
        Resident memory of the server.
    """
    import pyarrow as pa

    from headrace.serving import crash_test

    data = examples.split(split)
    head = pa.Table.from_batches(islice(data.batches(), 1 + rows // 1024), data.schema).slice(0, rows)
    result = crash_test(model.path, head, timeout_s=timeout, max_memory_mb=max_memory_mb)
    blessing = InfraBlessing.create()
    (blessing.path / "crash_test.json").write_text(json.dumps(result.to_dict(), indent=2), "utf-8")
    blessing.properties |= {"ok": result.ok, "reason": result.reason}
    return blessing
