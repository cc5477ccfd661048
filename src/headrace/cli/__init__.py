"""The command line."""

from headrace.cli.main import main

__all__ = ["main"]
