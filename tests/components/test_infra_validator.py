from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from headrace.components import Model, infra_validator
from headrace.errors import DataError

if TYPE_CHECKING:
    from headrace.components import Examples, InfraBlessing


def test_a_model_that_answers_as_it_should(survived: InfraBlessing) -> None:
    assert survived.verdict["ok"] is True
    assert survived.verdict["rows"] == 20
    assert survived.verdict["requests"] > 0
    assert survived.properties == {"ok": True, "reason": None}


def test_a_broken_model_is_refused(examples: Examples, model: Model) -> None:
    broken = Model.create()
    shutil.copytree(model.path, broken.path, dirs_exist_ok=True)
    whole = (broken.path / "model.onnx").read_bytes()
    (broken.path / "model.onnx").write_bytes(whole[: len(whole) // 2])
    found = infra_validator(broken, examples, rows=5)
    assert found.verdict["ok"] is False
    assert found.properties["reason"]


def test_a_model_that_takes_too_much_is_refused(examples: Examples, model: Model) -> None:
    found = infra_validator(model, examples, rows=5, max_memory_mb=1)
    assert found.verdict["ok"] is False
    assert "1 MiB are allowed" in found.verdict["reason"]


def test_the_time_counts_for_loading_and_for_answers(
    examples: Examples, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    import headrace.serving

    given: dict[str, object] = {}

    def crash_test(_: object, __: object, **options: object) -> headrace.serving.CrashTestResult:
        given.update(options)
        return headrace.serving.CrashTestResult(ok=True, reason=None)

    monkeypatch.setattr(headrace.serving, "crash_test", crash_test)
    infra_validator(model, examples, rows=500, timeout=7.0)
    assert given == {"timeout_s": 7.0, "request_timeout_s": 7.0, "max_memory_mb": 2048, "max_rows": 500}


def test_a_split_that_is_not_there(examples: Examples, model: Model) -> None:
    with pytest.raises(DataError, match="Did you mean 'eval'"):
        infra_validator(model, examples, split="evla")
