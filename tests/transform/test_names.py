from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from headrace import transform


def test_the_public_names() -> None:
    assert sorted(transform.__all__) == dir(transform)
    for name in transform.__all__:
        assert getattr(transform, name).__doc__


def functions() -> list[str]:
    """Return what is for use in a preprocessing function."""
    return [name for name in transform.__all__ if name[0].islower() and name not in ("analyze", "visualize_transform")]


@pytest.mark.parametrize("name", functions())
def test_every_function_is_documented_with_an_example(name: str) -> None:
    function = getattr(transform, name)
    page = (Path(__file__).parents[2] / "docs/reference/mappers.md").read_text("utf-8")
    assert f"::: {function.__module__}.{name}\n" in page
    assert ">>> from headrace import transform as tft" in function.__doc__


def test_an_unknown_name() -> None:
    with pytest.raises(AttributeError, match="Did you mean 'bucketize'"):
        _ = transform.bucketise


def test_importing_is_light() -> None:
    heavy = ["numpy", "pyarrow", "onnx", "onnxruntime", "ndonnx", "spox"]
    code = f"import sys; from headrace import transform; print([m for m in {heavy} if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
