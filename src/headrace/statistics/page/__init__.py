"""The page of statistics: one file that holds the values and the script that draws them."""

from headrace.statistics.page.document import index_of, statistics_page
from headrace.statistics.page.flags import FLAGS, distinct, flags
from headrace.statistics.page.plain import aligned
from headrace.statistics.page.shift import shift

__all__ = ["FLAGS", "aligned", "distinct", "flags", "index_of", "shift", "statistics_page"]
