from __future__ import annotations

import importlib
import importlib.util
import itertools
import sys
import textwrap
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from headrace.pipeline import code_digest

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

Load = Callable[..., Any]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Write modules into a fresh folder, as another process would find them, and return one."""
    counter = itertools.count()

    def make(modules: dict[str, str], name: str = "mine") -> ModuleType:
        folder = tmp_path / str(next(counter))
        folder.mkdir()
        for module, source in modules.items():
            path = folder / (module.replace(".", "/") + ".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(source))
        for module in modules:
            sys.modules.pop(module.removesuffix(".__init__"), None)
        monkeypatch.syspath_prepend(str(folder))
        spec = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        loaded = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, loaded)
        spec.loader.exec_module(loaded)
        return loaded

    return make


BASE = """
import math
import helpers
from helpers import clean, Shape

LIMIT = 3
TABLE = {"a": 1}
UNUSED = 5

def inner(x):
    return x + LIMIT

def f(x):
    y = inner(x) * TABLE["a"]
    return clean(y), helpers.scale(y), math.sqrt(y), Shape(y)

def unrelated(x):
    return UNUSED
"""
HELPERS = """
FACTOR = 2
OFFSET = 1

def clean(x):
    return x

def scale(x):
    return x * FACTOR

def unused(x):
    return OFFSET

class Base:
    def size(self):
        return 1

class Shape(Base):
    def __init__(self, y):
        self.y = y
"""


def digest(load: Load, base: str = BASE, helpers: str = HELPERS) -> str:
    return code_digest(load({"helpers": helpers, "mine": base}).f)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("def inner(x):\n", "def inner(x):\n    # a comment\n\n"),
        ("def f(x):\n", 'def f(x):\n    """A docstring."""\n'),
        ("UNUSED = 5", "UNUSED = 6"),
        ("return UNUSED", "return 0"),
        ("LIMIT = 3", "LIMIT = 1 + 2"),
        ("import math\n", "import math\nimport json\n\n\n"),
        ('TABLE["a"]', "TABLE['a']"),
    ],
)
def test_what_does_not_matter(load: Load, old: str, new: str) -> None:
    assert old in BASE
    assert digest(load, BASE.replace(old, new)) == digest(load)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return x + LIMIT", "return x - LIMIT"),
        ("LIMIT = 3", "LIMIT = 4"),
        ('{"a": 1}', '{"a": 2}'),
        ("math.sqrt", "math.exp"),
        ("def f(x):", "def f(x, z=1):"),
    ],
)
def test_what_matters(load: Load, old: str, new: str) -> None:
    assert old in BASE
    assert digest(load, BASE.replace(old, new)) != digest(load)


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("FACTOR = 2", "FACTOR = 3", False),
        ("OFFSET = 1", "OFFSET = 3", True),
        ("return OFFSET", "return 9", True),
        ("def clean(x):\n    return x", "def clean(x):\n    return -x", False),
        ("return 1", "return 2", False),
        ("self.y = y", "self.y = -y", False),
        ("def scale(x):", "# note\n\ndef scale(x):", True),
    ],
)
def test_imported_modules(load: Load, old: str, new: str, *, same: bool) -> None:
    assert old in HELPERS
    assert (digest(load, helpers=HELPERS.replace(old, new)) == digest(load)) is same


def test_lambdas_on_one_line_are_told_apart(load: Load) -> None:
    module = load({"mine": "fs = [lambda x: x + 1, lambda x: x + 2, lambda x: x + 1]"})
    first, second, third = map(code_digest, module.fs)
    assert first != second
    assert first == third
    assert load({"mine": "\n\nfs = [lambda x:   x + 1]"}).fs[0] is not None
    assert code_digest(load({"mine": "\n\nfs = [lambda x:   x + 1]"}).fs[0]) == first


def test_closures_partials_defaults_and_instances(load: Load) -> None:
    module = load(
        {
            "mine": """
            import functools

            def outer(n):
                def inner(x):
                    return x + n
                return inner

            def plus(x, n):
                return x + n

            class Plus:
                def __init__(self, n):
                    self.n = n

                def __call__(self, x):
                    return x + self.n

            def p(n):
                return functools.partial(plus, n=n)

            loops = [lambda x, n=n: x + n for n in range(2)]
            """
        }
    )
    for make in (module.outer, module.p, module.Plus, module.loops.__getitem__):
        assert code_digest(make(0)) == code_digest(make(0))
        assert code_digest(make(0)) != code_digest(make(1))
    assert code_digest(module.Plus(0).__call__) != code_digest(module.Plus(1).__call__)


def test_imports_inside_functions_count_as_whole_files(load: Load) -> None:
    main = "def f(x):\n    from late import g\n    import json\n    return g(x)\n"
    late = "import later\ndef g(x):\n    return x\n"

    def made(late: str, later: str) -> str:
        return code_digest(load({"mine": main, "late": late, "later": later}).f)

    assert made(late, "A = 1") == made(late + "# comment\n", "A = 1")
    assert made(late, "A = 1") != made(late.replace("return x", "return -x"), "A = 1")
    assert made(late, "A = 1") != made(late, "A = 2")


def test_relative_imports_in_packages(load: Load) -> None:
    def made(value: int) -> str:
        modules = {
            "pack.__init__": "",
            "pack.deep": f"def h(x):\n    return x + {value}\n",
            "pack.top": "from .deep import h\ndef g(x):\n    from . import deep\n    return h(x)\n",
            "mine": "import pack.top\ndef f(x):\n    return pack.top.g(x)\n",
        }
        sys.modules.pop("pack", None)
        return code_digest(load(modules).f)

    assert made(1) == made(1)
    assert made(1) != made(2)


def test_recursion_ends(load: Load) -> None:
    source = """
    def f(x):
        return g(x - 1) if x else 0

    def g(x):
        return f(x) + {n}
    """
    assert code_digest(load({"mine": source.format(n=1)}).f) != code_digest(load({"mine": source.format(n=2)}).f)


def test_values_without_content_count_by_their_statement(load: Load) -> None:
    source = """
    import logging
    import threading
    NAME = "a"
    log = logging.getLogger(NAME)
    lock = threading.Lock()

    def f(x):
        with lock:
            log.info(x)
    """
    first = code_digest(load({"mine": source}).f)
    assert first == code_digest(load({"mine": source}).f)
    assert first != code_digest(load({"mine": source.replace('NAME = "a"', 'NAME = "b"')}).f)


def test_headrace_and_installed_packages_count_by_version(monkeypatch: pytest.MonkeyPatch) -> None:
    from headrace.pipeline import code
    from headrace.storage import file_digest

    first = code_digest(file_digest)
    code.distribution_label.cache_clear()
    monkeypatch.setattr(code, "__version__", "99")
    assert code_digest(file_digest) != first
    code.distribution_label.cache_clear()
    assert code.distribution_label("msgspec.json").startswith("msgspec 0.")
    assert code.distribution_label("sklearn").startswith("sklearn scikit-learn ")
    assert code.distribution_label("json") == "json"


def test_code_without_source() -> None:
    spaces: list[dict[str, Any]] = [{}, {}, {}]
    for space, source in zip(spaces, ["x + 1", "x + 1", "x + 2"], strict=True):
        exec(f"def f(x): return {source}", space)
    one, same, other = (code_digest(space["f"]) for space in spaces)
    assert one == same != other


@pytest.mark.parametrize("module", ["pyarrow.csv", "xml.dom.minidom", "headrace.viz", "json.tool"])
def test_what_is_loaded_already_does_not_count(load: Load, monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    function = load({"mine": f"def f():\n    import {module} as inside\n    return inside\n"}).f
    importlib.import_module(module)
    loaded = code_digest(function)
    monkeypatch.delitem(sys.modules, module)
    assert code_digest(function) == loaded
    assert module not in sys.modules
