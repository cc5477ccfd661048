"""The exception tree: what a message says, which exit code it has, and that it travels between processes."""

from __future__ import annotations

import inspect
import pickle
from typing import TYPE_CHECKING

import pytest

from headrace import errors
from headrace.errors import DataError, FoundWanting, HeadraceError, MissingExtraError, UsageError, import_extra

if TYPE_CHECKING:
    from pathlib import Path

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, HeadraceError)]


def test_a_message_has_rule_got_where_and_fix() -> None:
    error = DataError("A column is wanted", got="agee", where="a.csv, row 3", fix="Did you mean 'age'?")
    assert str(error) == "A column is wanted; got agee (a.csv, row 3). Did you mean 'age'?"
    assert str(DataError("A rule.")) == "A rule."
    assert str(DataError("A rule", got=["x"], fix="Mend it")) == "A rule; got ['x']. Mend it."


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_travels_and_is_in_the_tree(kind: type[HeadraceError]) -> None:
    error = pickle.loads(pickle.dumps(kind("Rule", got=1, where="here", fix="so")))
    assert type(error) is kind
    assert (error.rule, error.got, error.where, error.fix) == ("Rule", 1, "here", "so")
    assert kind.__name__ in (errors.__doc__ or "")
    assert kind.__name__ in errors.__all__
    wanted = 3 if issubclass(kind, FoundWanting) else 2 if issubclass(kind, UsageError) else 1
    assert kind.exit_code == wanted


def test_a_missing_extra_says_the_command() -> None:
    with pytest.raises(MissingExtraError, match=r"pip install 'headrace\[trees\]'"):
        import_extra("a_module_that_is_not_there", "trees")


def test_what_an_extra_itself_lacks_is_not_blamed_on_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_extra.py").write_text("import a_module_that_is_not_there\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError) as caught:
        import_extra("broken_extra", "trees")
    assert not isinstance(caught.value, MissingExtraError)
