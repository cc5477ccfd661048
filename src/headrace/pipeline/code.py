"""Digests of code: what a function does, through everything of the user's that it refers to."""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.util
import linecache
import sys
import sysconfig
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from headrace._version import __version__
from headrace.pipeline.loading import MODULE_PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["CodeWalker", "distribution_label", "is_local_file", "module_label"]

_HEADRACE = Path(__file__).resolve().parents[1]
_EXAMPLES = _HEADRACE / "examples"
_STDLIB = tuple(Path(sysconfig.get_paths()[name]).resolve() for name in ("stdlib", "platstdlib"))
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


class CodeWalker:
    """Collects what code consists of, as pairs of a label and a content, from one or more roots.

    The user's own functions and classes count by their syntax without comments, blank lines, positions and docstrings;
    constants by value; code of the standard library by its name, of installed packages and headrace by their versions.

    Parameters
    ----------
    encode_value
        Gives the bytes of a constant, or None where it has no stable ones.
    """

    def __init__(self, encode_value: Callable[[Any], bytes | None]) -> None:
        self._encode_value = encode_value
        self._entries: set[tuple[str, bytes]] = set()
        self._seen: dict[Any, object] = {}
        self._pending: list[Callable[[], None]] = []

    def digest(self) -> str:
        """Return the digest of all that was collected."""
        while self._pending:
            self._pending.pop()()
        total = hashlib.blake2b(digest_size=16)
        for label, content in sorted(self._entries):
            for part in (label.encode(), content):
                total.update(len(part).to_bytes(8, "little") + part)
        return total.hexdigest()

    def add(self, thing: Any) -> str:
        """Take in a function, class or module, and return the name by which others refer to it."""
        module = module_of(thing)
        name = getattr(thing, "__qualname__", getattr(thing, "__name__", type(thing).__qualname__))
        if not _is_local(thing, module):
            label = f"{distribution_label(module)}:{module}.{name}"
            self._entries.add((label, b""))
            return label
        label = f"{module_label(module)}:{name}"
        if id(thing) not in self._seen:
            self._seen[id(thing)] = thing
            self._pending.append(functools.partial(self._take, label, thing))
        return label

    def _take(self, label: str, thing: Any) -> None:
        if isinstance(thing, ModuleType):
            self._add_file(label, getattr(thing, "__file__", None), getattr(thing, "__package__", None))
        elif isinstance(thing, type):
            self._add_class(label, thing)
        else:
            self._add_function(label, thing)

    def _add_function(self, label: str, function: FunctionType) -> None:
        node = _node_of(function.__code__)
        content = _dump(node) if node is not None else _bytecode(function.__code__)
        names = _names(node, function.__code__) if node is not None else set(_all_names(function.__code__))
        self._entries.add((label, content))
        cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
        for name, cell in sorted(cells, key=lambda pair: pair[0]):
            try:
                value = cell.cell_contents
            except ValueError:
                continue  # a name that is not bound yet has no content
            if value is not function:
                self._add_value(f"{label}<{name}>", value, None)
        defaults: dict[Any, Any] = {**dict(enumerate(function.__defaults__ or ())), **(function.__kwdefaults__ or {})}
        for key, value in defaults.items():
            self._add_value(f"{label}={key}", value, None)
        self._add_names(node, names, function.__globals__)

    def _add_class(self, label: str, class_: type) -> None:
        for base in class_.__bases__:
            if base is not object:
                self._entries.add((f"{label}<base>", self.add(base).encode()))
        module = sys.modules.get(class_.__module__)
        node = _class_node(class_, module)
        if node is None:
            for name, member in sorted(vars(class_).items()):
                if isinstance(member, FunctionType):
                    self._entries.add((f"{label}.{name}", self.add(member).encode()))
            return
        self._entries.add((label, _dump(node)))
        names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
        self._add_names(node, names, vars(module) if module is not None else {})

    def _add_names(self, node: ast.AST | None, names: set[str], scope: dict[str, Any]) -> None:
        chains = _attribute_chains(node) if node is not None else {}
        for name in sorted(names):
            if name not in scope:
                continue
            value = scope[name]
            if isinstance(value, ModuleType):
                self._add_module_use(value, chains.get(name, {()}))
            else:
                module = scope.get("__name__", "")
                self._add_value(f"{module_label(module)}:{name}", value, (name, scope))
        if node is not None:
            self._add_imports(node, scope.get("__package__"))

    def _add_value(self, label: str, value: Any, assigned: tuple[str, dict[str, Any]] | None) -> None:
        if isinstance(value, (FunctionType, type, ModuleType)):
            self._entries.add((label, self.add(value).encode()))
            return
        encoded = self._encode_value(value)
        if encoded is not None:
            self._entries.add((label, encoded))
            return
        # A logger, a lock, a connection: what it is comes from the statement that made it.
        self._entries.add((label, self.add(type(value)).encode()))
        if assigned is not None:
            name, scope = assigned
            key = (scope.get("__name__"), name)
            if key in self._seen:
                return
            self._seen[key] = value
            for statement in _assignments(scope.get("__file__"), name):
                self._entries.add((f"{label}<statement>", _dump(statement)))
                used = {n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
                self._add_names(statement, used - {name}, scope)

    def _add_module_use(self, module: ModuleType, chains: set[tuple[str, ...]]) -> None:
        for chain in sorted(chains):
            current: Any = module
            rest = list(chain)
            while isinstance(current, ModuleType) and _is_local(current, current.__name__) and rest:
                if rest[0] not in vars(current):
                    break
                holder, name = current, rest.pop(0)
                current = vars(current)[name]
                if not isinstance(current, ModuleType):
                    self._add_value(f"{module_label(holder.__name__)}:{name}", current, (name, vars(holder)))
            if isinstance(current, ModuleType):
                self.add(current)

    def _add_imports(self, node: ast.AST, package: str | None) -> None:
        # What is imported when the function runs may be loaded here and not yet in the process of the step, so that
        # nothing may depend on it: an installed module counts by its name and version, a file of the user's as a whole.
        for name in sorted(set(_imported(node, package))):
            file = _find_file(name)
            if file is not None and is_local_file(file):
                self._add_file(module_label(name), file, name.rpartition(".")[0])
            elif not name.startswith("."):
                self._entries.add((f"{distribution_label(name)}:{name}", b""))

    def _add_file(self, label: str, file: str | None, package: str | None) -> None:
        key = ("file", file)
        if file is None or key in self._seen:
            return
        self._seen[key] = file
        tree = _tree(file)
        if tree is None:
            self._entries.add((label, _file_bytes(file)))
            return
        self._entries.add((label, _dump(tree)))
        self._add_imports(tree, package)


def module_of(thing: Any) -> str:
    """Return the name of the module that a function, class or module belongs to."""
    if isinstance(thing, ModuleType):
        return thing.__name__
    return getattr(thing, "__module__", None) or type(thing).__module__ or "builtins"


def module_label(module: str) -> str:
    """Return a module's name, free of the place where a user's pipeline file lies."""
    return "pipeline file" if module.startswith(MODULE_PREFIX) or module == "__main__" else module


@functools.cache
def distribution_label(module: str) -> str:
    """Return the name and version of the package that a module belongs to; for the standard library the name alone."""
    top = module.partition(".")[0]
    if top == "headrace":
        return f"headrace {__version__}"
    if top in sys.stdlib_module_names or top in sys.builtin_module_names:
        return top
    import importlib.metadata

    try:
        return f"{top} {importlib.metadata.version(top)}"
    except importlib.metadata.PackageNotFoundError:
        return f"{top} {_loaded_version(top)}".rstrip()


def _loaded_version(top: str) -> str:
    import importlib.metadata

    # Distributions whose name differs from the module's, such as scikit-learn, are found by what they provide.
    names = importlib.metadata.packages_distributions().get(top, [])
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in sorted(set(names)))


@functools.cache
def is_local_file(file: str) -> bool:
    """Say whether a file is the user's own: not of the standard library, an installed package or headrace."""
    path = Path(file).resolve()
    if path.is_relative_to(_HEADRACE):
        return path.is_relative_to(_EXAMPLES)
    if {"site-packages", "dist-packages"} & set(path.parts):
        return False
    return not any(path.is_relative_to(folder) for folder in _STDLIB)


def _is_local(thing: Any, module: str) -> bool:
    if module.startswith(MODULE_PREFIX) or module == "__main__":
        return True
    if isinstance(thing, FunctionType) and module == "builtins":
        return True  # made by exec, in a namespace without a name
    if module.partition(".")[0] in sys.stdlib_module_names:
        return False
    loaded = sys.modules.get(module)
    file = getattr(loaded, "__file__", None)
    if file is None and isinstance(thing, FunctionType):
        file = thing.__code__.co_filename
    return file is not None and is_local_file(file)


_trees: dict[str, tuple[Any, ast.Module | None]] = {}


def _tree(file: str) -> ast.Module | None:
    try:
        status = Path(file).stat()
        stamp: Any = (status.st_size, status.st_mtime_ns)
    except OSError:
        stamp = None
    if file not in _trees or _trees[file][0] != stamp:
        linecache.checkcache(file)
        source = "".join(linecache.getlines(file))
        try:
            _trees[file] = (stamp, ast.parse(source) if source else None)
        except SyntaxError:
            _trees[file] = (stamp, None)
    return _trees[file][1]


def _file_bytes(file: str) -> bytes:
    try:
        return hashlib.blake2b(Path(file).read_bytes(), digest_size=16).digest()
    except OSError:
        return b""


def _node_of(code: CodeType) -> ast.AST | None:
    tree = _tree(code.co_filename)
    if tree is None:
        return None
    found: list[ast.AST] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Lambda) and code.co_name == "<lambda>" and node.lineno == code.co_firstlineno:
            found.append(node)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == code.co_name:
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            if code.co_firstlineno in (first, node.lineno):
                found.append(node)
    if len(found) > 1:
        exact = [node for node in found if _spans(node, code)]
        found = sorted(exact or found, key=lambda node: -getattr(node, "col_offset", 0))[:1]
    return found[0] if found else None


def _spans(node: ast.AST, code: CodeType) -> bool:
    body: Any = getattr(node, "body", node)
    if isinstance(body, list):
        return True
    start, end = (body.lineno, body.col_offset), (body.end_lineno, body.end_col_offset)
    places = [
        ((line, column), (end_line, end_column))
        for line, end_line, column, end_column in code.co_positions()
        if line is not None and column is not None and end_column is not None and (line, column) != (line, end_column)
    ]
    inside = [p for p in places if p[0] >= start and p[1] <= end]
    return bool(inside) and len(inside) >= len(places) - 2 and any(p == (start, end) for p in inside)


def _class_node(class_: type, module: ModuleType | None) -> ast.ClassDef | None:
    file = getattr(module, "__file__", None)
    tree = _tree(file) if file else None
    if tree is None:
        return None
    scope: list[ast.AST] = [tree]
    for part in class_.__qualname__.split("."):
        if part == "<locals>":
            continue
        inner = [n for holder in scope for n in ast.walk(holder) if isinstance(n, _SCOPES) and n is not holder]
        scope = [n for n in inner if getattr(n, "name", None) == part]
    classes = [n for n in scope if isinstance(n, ast.ClassDef)]
    return classes[-1] if classes else None


def _dump(node: ast.AST) -> bytes:
    return ast.dump(_WithoutDocstrings().visit(ast.parse(ast.unparse(node)))).encode()


class _WithoutDocstrings(ast.NodeTransformer):
    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        body = getattr(node, "body", None)
        if isinstance(node, (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and body:
            first = body[0]
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                node.body = body[1:] or [ast.Pass()]
        return node


def _bytecode(code: CodeType) -> bytes:
    constants = [_bytecode(c) if isinstance(c, CodeType) else repr(c).encode() for c in code.co_consts]
    return b"\0".join([code.co_code, *constants, *(n.encode() for n in code.co_names)])


def _all_names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _all_names(constant)


def _names(node: ast.AST, code: CodeType) -> set[str]:
    inside = set(_all_names(code))
    loaded = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    outside: set[str] = set()
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        # Decorators, defaults and annotations are evaluated where the function is defined.
        for part in (*node.decorator_list, node.args, *([node.returns] if node.returns else [])):
            outside |= {n.id for n in ast.walk(part) if isinstance(n, ast.Name)}
    return (loaded & inside) | outside


def _attribute_chains(node: ast.AST) -> dict[str, set[tuple[str, ...]]]:
    chains: dict[str, set[tuple[str, ...]]] = {}
    inner: set[int] = set()
    for child in ast.walk(node):  # an outer attribute comes before the inner ones that it is made of
        if isinstance(child, ast.Attribute) and id(child) not in inner:
            names = [child.attr]
            base = child.value
            while isinstance(base, ast.Attribute):
                inner.add(id(base))
                names.insert(0, base.attr)
                base = base.value
            if isinstance(base, ast.Name):
                inner.add(id(base))
                chains.setdefault(base.id, set()).add(tuple(names))
        elif isinstance(child, ast.Name) and id(child) not in inner:
            chains.setdefault(child.id, set()).add(())
    return chains


def _imported(node: ast.AST, package: str | None) -> Iterator[str]:
    for child in ast.walk(node):
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            base = child.module or ""
            if child.level:
                parents = (package or "").split(".")
                kept = parents[: len(parents) - child.level + 1]
                base = ".".join([*kept, *([child.module] if child.module else [])])
            if base:
                yield base
                for alias in child.names:
                    name = f"{base}.{alias.name}"
                    file = _find_file(base)
                    if file is not None and is_local_file(file) and _find_file(name) is not None:
                        yield name


def _find_file(name: str) -> str | None:
    top = name.partition(".")[0]
    if top in sys.stdlib_module_names or top == "headrace":
        return None
    if top != name:
        # To find a module in a package is to import the package, which for an installed one is not worth its time.
        package = _find_file(top)
        if package is not None and not is_local_file(package):
            return package
    loaded = sys.modules.get(name)
    if loaded is not None:
        return getattr(loaded, "__file__", None)
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError, AttributeError):
        return None
    return None if spec is None or not spec.has_location else spec.origin


def _assignments(file: str | None, name: str) -> list[ast.stmt]:
    tree = _tree(file) if file else None
    found: list[ast.stmt] = []
    for statement in tree.body if tree is not None else []:
        targets: list[ast.expr] = []
        if isinstance(statement, ast.Assign):
            targets = statement.targets
        elif isinstance(statement, (ast.AnnAssign, ast.AugAssign)):
            targets = [statement.target]
        if any(isinstance(n, ast.Name) and n.id == name for target in targets for n in ast.walk(target)):
            found.append(statement)
    return found
