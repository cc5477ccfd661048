"""Names of the files between a runner and a worker."""

from __future__ import annotations

__all__ = ["ORDER_NAME", "RESULT_NAME"]

ORDER_NAME = "order.json"
RESULT_NAME = "result.json"
