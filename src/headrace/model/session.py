"""ONNX Runtime sessions that give the same bits every time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.errors import ModelError

if TYPE_CHECKING:
    import os

__all__ = ["failed", "open_session", "run_session"]


def open_session(
    source: str | os.PathLike[str] | bytes,
    *,
    threads: int = 1,
    optimized: os.PathLike[str] | None = None,
    optimize: bool = True,
    patterns: bool = False,
) -> Any:
    """Open a graph with ONNX Runtime on the CPU.

    Parameters
    ----------
    source
        A file, or the bytes of one.
    threads
        Threads inside one operator. One gives the same bits on every machine size, and a server or an engine runs
        requests side by side anyway.
    optimized
        A file that the graph is written to as ONNX Runtime's optimizer has made it.
    optimize
        Whether the optimizer may change the graph.
    patterns
        Remember where in memory inner values lie for each shape of the inputs, up to some ten kilobytes for each: worth
        it where shapes are few.

    Returns
    -------
    onnxruntime.InferenceSession
        Logs errors only. It keeps no memory arena, which holds on to the memory of the largest batch ever seen.

    Raises
    ------
    ModelError
        If the file is absent or is no graph that ONNX Runtime can run.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = patterns
    if optimized is not None:
        options.optimized_model_filepath = str(optimized)
    if not optimize:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if isinstance(source, bytes):
        where, given = "bytes in memory", source
    else:
        where = str(source)
        if not Path(source).is_file():
            raise ModelError(
                "A model is an ONNX file",
                got="no such file",
                where=where,
                fix="Give the folder that holds model.onnx, as a trainer or pusher wrote it",
            )
        given = where.encode()
    try:
        return onnxruntime.InferenceSession(
            given if isinstance(source, bytes) else where, options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # the runtime's exceptions share no base
        raise ModelError(
            "A model is an ONNX file that ONNX Runtime can load",
            got=str(error).strip()[:500],
            where=where,
            fix="The file may be cut short or of a newer format; train or copy it again",
        ) from error


def run_session(session: Any, outputs: list[str], feeds: dict[str, Any]) -> list[Any]:
    """Run a session.

    Raises
    ------
    ModelError
        If an operator fails on these values.
    """
    try:
        return session.run(outputs, feeds)  # type: ignore[no-any-return]
    except Exception as error:  # the runtime's exceptions share no base
        raise failed(error) from error


def failed(error: Exception) -> ModelError:
    """Return the error that says that a session's run raised another."""
    return ModelError("The model failed on these rows", got=str(error).strip()[:500])
