from __future__ import annotations

from headrace import components
from headrace.components import Examples
from headrace.pipeline import Artifact


def test_every_artifact_has_the_name_of_its_class() -> None:
    found = {
        name: value
        for name in components.__all__
        if isinstance(value := getattr(components, name), type) and issubclass(value, Artifact)
    }
    assert len(found) == 12
    assert all(value.type_name == name for name, value in found.items())


def test_what_is_described_is_kept_for_people() -> None:
    examples = Examples.create()
    examples.describe({"rows": {"train": 3}, "unreadable": [{"file": "a.csv", "row": 2, "reason": "short"}]})
    assert examples.splits == ["train"]
    assert examples.properties == {"rows": {"train": 3}}
    assert examples.summary["unreadable"][0]["row"] == 2
