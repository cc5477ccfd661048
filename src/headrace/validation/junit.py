"""Anomalies as the XML of JUnit, which continuous integration systems show."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from headrace.validation.anomalies import Anomalies, Anomaly

__all__ = ["to_junit"]

# What XML 1.0 has no way to write.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_junit(anomalies: Anomalies, name: str = "headrace") -> str:
    """Return a suite of tests: one an anomaly, which fails where it is an error, and one for a clean data set."""
    cases = [_case(name, anomaly) for anomaly in anomalies]
    found = {anomaly.split for anomaly in anomalies}
    cases += [
        ET.Element("testcase", classname=_plain(f"{name}.{split}"), name="fits the schema")
        for split in anomalies.splits
        if split not in found
    ]
    suite = ET.Element(
        "testsuite",
        name=_plain(name),
        tests=str(len(cases)),
        failures=str(len(anomalies.errors)),
        errors="0",
        skipped="0",
    )
    suite.extend(cases)
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _case(suite: str, anomaly: Anomaly) -> ET.Element:
    title = f"{anomaly.feature or 'data set'}: {anomaly.name or anomaly.rule}"
    case = ET.Element("testcase", classname=_plain(f"{suite}.{anomaly.split}"), name=_plain(title))
    lines = [anomaly.message]
    lines += [f"seen: {', '.join(anomaly.examples)}"] * bool(anomaly.examples)
    lines += [f"rows: {', '.join(map(str, anomaly.row_numbers))}"] * bool(anomaly.row_numbers)
    lines += [f"fix: {anomaly.suggestion}"] * bool(anomaly.suggestion)
    text = _plain("\n".join(lines))
    if anomaly.severity == "error":
        failure = ET.SubElement(case, "failure", message=_plain(anomaly.message), type=anomaly.rule)
        failure.text = text
    else:
        ET.SubElement(case, "system-out").text = text
    return case


def _plain(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
