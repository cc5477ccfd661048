from __future__ import annotations

import os
import subprocess
import sys


def run(code: str, backend: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"KERAS_BACKEND": backend}
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)


def test_the_environment_does_not_choose_the_back_end() -> None:
    code = (
        "from headrace.estimators._keras import import_keras; import os;"
        "assert import_keras().backend.backend() == 'jax'; assert os.environ['KERAS_BACKEND'] == 'torch'"
    )
    found = run(code, "torch")
    assert found.returncode == 0, found.stderr


def test_keras_that_came_before_with_another_back_end_is_an_error() -> None:
    code = (
        "import keras; from headrace.estimators._keras import import_keras\n"
        "try: import_keras()\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    found = run(code, "numpy")
    assert "EstimatorError" in found.stdout, found.stderr
    assert "Keras imported with 'numpy'" in found.stdout
