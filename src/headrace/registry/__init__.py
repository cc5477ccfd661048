"""The registry of published models and their versions."""

from headrace.registry.store import Registry
from headrace.registry.versions import ModelVersion, read_version

__all__ = ["ModelVersion", "Registry", "read_version"]
