"""Charts, tables and pages over plain values: inline SVG and one style sheet, nothing loaded from any host."""

from headrace.viz.apps import app
from headrace.viz.bar_charts import Interval, bars, interval, intervals
from headrace.viz.blocks import Kind, badge, card, cards, code, details, key_values, meter, note
from headrace.viz.charts import histogram, spark
from headrace.viz.format import bytes_, duration, moment, number, percent
from headrace.viz.graphs import DagNode, State, dag
from headrace.viz.html import Markup, escape, join, tag
from headrace.viz.line_charts import lines
from headrace.viz.pages import Section, embed, page
from headrace.viz.tables import Cell, Column, table
from headrace.viz.timelines import Span, timeline

__all__ = [
    "Cell",
    "Column",
    "DagNode",
    "Interval",
    "Kind",
    "Markup",
    "Section",
    "Span",
    "State",
    "app",
    "badge",
    "bars",
    "bytes_",
    "card",
    "cards",
    "code",
    "dag",
    "details",
    "duration",
    "embed",
    "escape",
    "histogram",
    "interval",
    "intervals",
    "join",
    "key_values",
    "lines",
    "meter",
    "moment",
    "note",
    "number",
    "page",
    "percent",
    "spark",
    "table",
    "tag",
    "timeline",
]
