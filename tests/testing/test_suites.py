from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]

BROKEN_ENGINE = """
import pytest
from headrace.engines import LocalEngine
from headrace.testing import EngineSuite

class Backwards(LocalEngine):
    def fold(self, shards, make, *, columns=None):
        return super().fold(list(shards)[::-1], make, columns=columns)

class TestBackwards(EngineSuite):
    @pytest.fixture
    def engine(self):
        return Backwards()
"""
BROKEN_SOURCE = """
import pytest
from headrace.data import as_source
from headrace.testing import SourceSuite

class Forgetful:
    calls = 0
    def dataset(self):
        Forgetful.calls += 1
        return as_source({"a": list(range(Forgetful.calls))}).dataset()
    def fingerprint(self, digest_file):
        Forgetful.calls += 1
        return str(Forgetful.calls)

class TestForgetful(SourceSuite):
    @pytest.fixture
    def source(self):
        return Forgetful()
"""


@pytest.mark.parametrize(
    ("code", "found"),
    [
        (BROKEN_ENGINE, "test_fold_sees_every_row_in_order"),
        (BROKEN_SOURCE, "test_it_can_be_pickled"),
        (BROKEN_SOURCE, "test_the_fingerprint_is_stable"),
    ],
)
def test_a_suite_finds_what_is_broken(pytester: pytest.Pytester, code: str, found: str) -> None:
    pytester.makepyfile(code)
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-k", found)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert result.parseoutcomes()["failed"] >= 1
