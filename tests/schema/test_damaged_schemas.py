"""Damaged schemas: a few by seed, as ``benchmarks/fuzz.py`` makes many, and those that once did harm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.fuzzing.schema_cases import PBTXT, YAML
from tests.fuzzing.targets import judged, made

from headrace.errors import SchemaError
from headrace.schema import Schema

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("target", ["yaml", "pbtxt"])
def test_they_are_understood_or_refused(target: str, tmp_path: Path) -> None:
    outcomes = {judged(made(target, seed), seed, tmp_path).outcome for seed in range(60)}
    assert "read" in outcomes
    assert len(outcomes) > 2


def test_what_is_damaged_was_whole() -> None:
    assert [len(Schema.from_yaml(text)) for text in YAML] == [5, 5, 0, 1]


@pytest.mark.filterwarnings("ignore:Kept as they are:UserWarning")
def test_what_is_damaged_was_whole_as_pbtxt() -> None:
    assert [len(Schema.from_pbtxt(text)) for text in PBTXT] == [3, 6]


@pytest.mark.parametrize("escape", [r"\d", r"\777"])
def test_an_escape_that_protocol_buffers_do_not_have(escape: str) -> None:
    with pytest.raises(SchemaError, match=r"text of TensorFlow Metadata.*escape"):
        Schema.from_pbtxt(f'feature {{ name: "{escape}" type: INT }}\n')


def test_very_many_comments() -> None:
    # What went from each of them to the end took half an hour.
    schema = Schema.from_yaml("features: {}\n" + "# x\n" * 200_000)
    assert schema.annotation is not None
    assert len(schema.annotation.comments) == 200_000
