"""Conformance suites: subclass one, give it the thing to test, and pytest runs the whole contract over it."""

from __future__ import annotations

from headrace.testing.engines import EngineSuite
from headrace.testing.sources import SourceSuite

__all__ = ["EngineSuite", "SourceSuite"]
