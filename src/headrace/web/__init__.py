"""Pages that people look at: the report of a run."""

from headrace.web.report import run_report

__all__ = ["run_report"]
