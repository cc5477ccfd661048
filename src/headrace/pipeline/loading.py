"""Finding a pipeline in a user's file or module, the same way in every process."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.errors import HeadraceError, UsageError, WiringError, did_you_mean
from headrace.pipeline.pipelines import Pipeline
from headrace.pipeline.places import caller_place, place_in_traceback

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

__all__ = ["MODULE_PREFIX", "Origin", "load_pipeline", "origin_of", "refuse_to_run_while_loading", "search_path"]

MODULE_PREFIX = "headrace_user_"
_loaded_with: dict[str, set[str]] = {}
# The files that are being imported just now.
_loading: list[str] = []


@dataclass(frozen=True)
class Origin:
    """Where a pipeline comes from, so that another process can load it.

    Parameters
    ----------
    file
        Absolute path of the Python file.
    module
        Dotted name where it belongs to a package; None for a file that stands alone.
    name
        Of the pipeline; None for the only one in the file.
    """

    file: str
    module: str | None
    name: str | None


def origin_of(target: str | Path | Callable[..., Any] | Pipeline[Any, Any], name: str | None = None) -> Origin:
    """Return the origin of a path or a pipeline function.

    Raises
    ------
    UsageError
        If there is no such file, or the function is no pipeline.
    WiringError
        If another process could not find the function.
    """
    if isinstance(target, (str, Path)):
        path = Path(target).expanduser().resolve()
        if not path.is_file():
            raise UsageError("A pipeline is a Python file", got=f"no file {str(target)!r}", where=str(Path.cwd()))
        return Origin(str(path), None, name)
    if not isinstance(target, Pipeline):
        raise UsageError("A pipeline is a function with @pipeline, or a file that has one", got=repr(target))
    function = target.function
    file = inspect.getsourcefile(function)
    if file is None or not Path(file).is_file():
        raise WiringError(
            "A pipeline lives in a file, so that every step can load it in its own process",
            got=f"{target.name} without a file",
            fix="Write it into a .py file",
        )
    if "<locals>" in function.__qualname__:
        raise WiringError(
            "A pipeline stands at the top of its file, so that every step can find it",
            got=function.__qualname__,
            where=f"{file}, line {function.__code__.co_firstlineno}",
        )
    module = sys.modules.get(function.__module__)
    package = getattr(module, "__package__", None)
    dotted = function.__module__ if package and function.__module__ != "__main__" else None
    return Origin(str(Path(file).resolve()), dotted, target.name)


@contextmanager
def search_path(origin: Origin) -> Iterator[None]:
    """Have the file's folder at the head of the module search path, as for a script."""
    folder = str(Path(origin.file).parent)
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        if folder in sys.path:
            sys.path.remove(folder)


def load_pipeline(origin: Origin) -> Pipeline[Any, Any]:
    """Load the file as it is now and return its pipeline; call it inside ``search_path``.

    Raises
    ------
    UsageError
        If the file cannot be imported, or has no such pipeline.
    """
    module = _import(origin)
    found = {
        value.name: value
        for value in vars(module).values()
        if isinstance(value, Pipeline) and value.function.__module__ == module.__name__
    }
    if origin.name is not None:
        if origin.name not in found:
            raise UsageError(
                "A pipeline of the file is wanted",
                got=origin.name,
                where=origin.file,
                fix=did_you_mean(origin.name, found),
            )
        return found[origin.name]
    if len(found) == 1:
        return next(iter(found.values()))
    if found:
        raise UsageError(
            "A file with several pipelines needs the name of one",
            got=", ".join(sorted(found)),
            where=origin.file,
            fix=f"Add the name, for example --pipeline {min(found)}",
        )
    raise UsageError(
        "The file has a function with @pipeline", got="none", where=origin.file, fix="Decorate one with @hr.pipeline"
    )


def refuse_to_run_while_loading() -> None:
    """Raise UsageError where a pipeline's file runs a pipeline when it is imported, which would never end."""
    if _loading:
        raise UsageError(
            "A pipeline's file does not run pipelines when it is imported",
            got="run_pipeline(…)",
            where=caller_place(),
            fix='Put the call behind: if __name__ == "__main__":',
        )


def _import(origin: Origin) -> ModuleType:
    _loading.append(origin.file)
    try:
        if origin.module is not None:
            return importlib.import_module(origin.module)
        return _import_file(Path(origin.file))
    except HeadraceError:
        raise
    except SyntaxError as error:
        raise UsageError(
            "The pipeline's file must be Python", got=error.msg, where=f"{error.filename}, line {error.lineno}"
        ) from error
    except ModuleNotFoundError as error:
        raise UsageError(
            "Every module that the pipeline imports must be installed, or lie beside its file",
            got=f"no module {error.name!r}",
            where=place_in_traceback(error.__traceback__) or origin.file,
            fix=f"Run: pip install {error.name.partition('.')[0]}" if error.name else None,
        ) from error
    except (Exception, SystemExit) as error:
        raise UsageError(
            "The pipeline's file must import without an error",
            got=f"{type(error).__name__}: {error}",
            where=place_in_traceback(error.__traceback__) or origin.file,
        ) from error
    finally:
        _loading.pop()


def _import_file(path: Path) -> ModuleType:
    digest = hashlib.blake2b(str(path).encode(), digest_size=4).hexdigest()
    name = f"{MODULE_PREFIX}{path.stem.replace('-', '_')}_{digest}"
    # A long-lived process sees the file, and what it imports from beside it, as they are now.
    for stale in _loaded_with.pop(name, set()):
        sys.modules.pop(stale, None)
    before = set(sys.modules)
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UsageError("A pipeline is a Python file", got=str(path), fix="Give its name the ending .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    importlib.invalidate_caches()
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    finally:
        _loaded_with[name] = {
            new
            for new in set(sys.modules) - before
            if str(getattr(sys.modules[new], "__file__", None) or "").startswith(str(path.parent))
        }
    return module
