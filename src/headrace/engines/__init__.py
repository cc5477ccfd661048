"""Engines: ``fold`` and ``map``, the only two ways in which work is run over data."""

from headrace.engines.base import Accumulator, Engine, Sink, Writer
from headrace.engines.local import LocalEngine

__all__ = ["Accumulator", "Engine", "LocalEngine", "Sink", "Writer"]
