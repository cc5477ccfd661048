"""How boosting shares the machine."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = """
import os
import numpy as np
import pyarrow as pa
from headrace.data import dataset_from_table
from headrace.estimators import BoostedTreesRegressor
from headrace.schema import FeatureSpec
x = np.arange(100.0, dtype=np.float32)
table = pa.table({"x": x, "label": x})
BoostedTreesRegressor(label="label", n_trees=1).fit(dataset_from_table(table), [FeatureSpec("x", "float32")])
print(os.environ["OMP_WAIT_POLICY"])
"""


@pytest.mark.parametrize("given", [None, "active"])
def test_waiting_threads_sleep_unless_the_user_wants_otherwise(given: str | None) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    if given is not None:
        environment["OMP_WAIT_POLICY"] = given
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.split() == [given or "passive"], done.stderr
