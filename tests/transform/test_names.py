from __future__ import annotations

import subprocess
import sys

import pytest

from headrace import transform


def test_the_public_names() -> None:
    assert sorted(transform.__all__) == dir(transform)
    for name in transform.__all__:
        assert getattr(transform, name).__doc__


def test_an_unknown_name() -> None:
    with pytest.raises(AttributeError, match="Did you mean 'bucketize'"):
        _ = transform.bucketise


def test_importing_is_light() -> None:
    heavy = ["numpy", "pyarrow", "onnx", "onnxruntime", "ndonnx", "spox"]
    code = f"import sys; from headrace import transform; print([m for m in {heavy} if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
