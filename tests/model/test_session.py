"""Sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from headrace.errors import ModelError
from headrace.model import open_session, run_session

if TYPE_CHECKING:
    from pathlib import Path


def test_one_thread_and_clear_errors(model: Path, tmp_path: Path) -> None:
    assert open_session(model / "model.onnx").get_session_options().intra_op_num_threads == 1
    assert open_session((model / "model.onnx").read_bytes(), threads=2).get_session_options().intra_op_num_threads == 2
    with pytest.raises(ModelError, match="no such file"):
        open_session(tmp_path / "nope.onnx")
    for content in (b"", b"junk"):
        with pytest.raises(ModelError, match="bytes in memory"):
            open_session(content)
    with pytest.raises(ModelError, match="failed on these rows"):
        run_session(open_session(model / "model.onnx"), ["logits"], {"age": np.array([1])})
