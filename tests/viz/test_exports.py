from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from headrace import viz


def test_public_names_exist() -> None:
    assert list(viz.__all__) == sorted(viz.__all__)
    assert all(hasattr(viz, name) for name in viz.__all__)


def test_nothing_heavy_is_imported() -> None:
    code = "import sys, headrace.viz; print([m for m in ('numpy', 'pyarrow', 'msgspec') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_same_values_give_the_same_page(demo: str) -> None:
    code = (
        "import runpy, sys; page = runpy.run_path(sys.argv[1])['build_demo'](); "
        "import hashlib; print(hashlib.sha256(page.encode()).hexdigest())"
    )
    source = str(Path(__file__).with_name("conftest.py"))
    done = subprocess.run(
        [sys.executable, "-c", code, source],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "7"},
    )
    assert done.stdout.strip() == hashlib.sha256(demo.encode()).hexdigest()
