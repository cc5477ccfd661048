from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

CODE = """
import sys
from headrace import transform as tft
from headrace.data import ParquetSink
from headrace.engines import LocalEngine

def peak():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))

def preprocessing_fn(inputs):
    return {"x": tft.stack([inputs["x"] * number for number in range(64)])}

source, folder = sys.argv[1:]
engine = LocalEngine(workers=2)
graph = tft.analyze(source, preprocessing_fn, engine=engine)
before = peak()
graph.transform(source, sink=ParquetSink(folder), engine=engine)
print(peak() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not say what a process has used")
def test_large_lists_are_written_in_bounded_memory(tmp_path: Path) -> None:
    rows = 1_500_000
    pq.write_table(pa.table({"x": np.arange(rows, dtype=np.float64)}), tmp_path / "x.parquet", row_group_size=65_536)
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(tmp_path / "x.parquet"), str(tmp_path / "out")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    written = pq.ParquetFile(tmp_path / "out" / "part-00000.parquet")
    assert written.schema_arrow.field("x").type == pa.list_(pa.float32(), 64)
    # All rows are 384 MB; two threads hold two row groups each, and what they are made of.
    assert int(done.stdout) < 300_000
