from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pandas as pd
import pytest
from pandera.errors import SchemaErrors

from headrace.schema import BoolDomain, Feature, Schema, UniqueConstraints, ValueCountRange

# Pandera's import sets this, which would drop the zones of moments in other tests of this process.
os.environ.pop("PYARROW_IGNORE_TIMEZONE", None)

SCHEMA = Schema(
    (
        Feature("age", "INT", 1.0, min=0, max=120),
        Feature("gap", "INT", 0.5),
        Feature("fare", "FLOAT"),
        Feature("job", "STRING", min_count=2, values=("clerk", "cook"), unique_constraints=UniqueConstraints(2, 2)),
        Feature("rare", "STRING", domain="few", min_domain_mass=0.6),
        Feature("answer", "STRING", bool_domain=BoolDomain("yes", "no")),
        Feature("key", "STRING", unique=True),
        Feature("on", "BOOL"),
        Feature("at", "TIMESTAMP"),
        Feature("raw", "BYTES"),
        Feature("tags", "STRING", value_counts=(ValueCountRange(1, 2),)),
        Feature("pixels", "FLOAT", shape=(2,)),
        Feature("person", "STRUCT", features=(Feature("city", "STRING"),)),
        Feature("old", "INT", 1.0, lifecycle_stage="DEPRECATED"),
        Feature("optional", "INT"),
        Feature("label", "STRING", 1.0, not_in_environment=("serving",)),
    ),
    string_domains={"few": ("a", "b")},
)
GOOD: dict[str, Any] = {
    "age": [1, 2, 3],
    "gap": [1, None, 3],
    "fare": [1, 2, 3],
    "job": ["clerk", "cook", None],
    "rare": ["a", "b", "c"],
    "answer": ["yes", None, "no"],
    "key": ["x", None, None],
    "on": [True, False, True],
    "at": [pd.Timestamp(2020, 1, 1), None, pd.Timestamp(2020, 1, 3)],
    "raw": [b"a", None, b"b"],
    "tags": [["a"], ["a", "b"], None],
    "pixels": [[1, 2], [3, 4], None],
    "person": [{"city": "Oslo"}, None, {}],
    "old": ["any", 3, None],
    "label": ["yes", "no", "no"],
}


def faults(frame: pd.DataFrame, schema: Schema = SCHEMA, environment: str | None = None) -> set[tuple[str, str]]:
    """Return which columns fail which checks."""
    try:
        schema.to_pandera(environment=environment).validate(frame, lazy=True)
    except SchemaErrors as error:
        return {(row.column, row.check) for row in error.failure_cases.itertuples()}
    return set()


def test_good_frames_pass() -> None:
    assert faults(pd.DataFrame(GOOD)) == set()
    served = pd.DataFrame({key: column for key, column in GOOD.items() if key != "label"})
    assert faults(served, environment="serving") == set()
    assert {check for _, check in faults(served)} == {"column_in_dataframe"}


@pytest.mark.parametrize(
    ("name", "column", "check"),
    [
        ("age", [1, 2, 130], "at most 120"),
        ("age", [1, 2, -1], "at least 0"),
        ("age", [1, 2, 2.5], "whole numbers"),
        ("age", [True, False, True], "whole numbers"),
        ("age", [1, 2, None], "not_nullable"),
        ("gap", [None, None, 3], "a value in at least 0.5 of the rows"),
        ("fare", ["1", "2", "3"], "numbers"),
        ("fare", [1, 2, float("inf")], "finite"),
        ("job", ["clerk", "cook", "king"], "values of the domain"),
        ("job", ["clerk", None, None], "a value in at least 2 rows"),
        ("job", ["clerk", "clerk", None], "2 to 2 distinct values"),
        ("rare", ["a", "c", "d"], "at least 0.6 of the values in the domain"),
        ("answer", ["yes", "perhaps", None], "values of the domain"),
        ("key", ["x", "x", None], "each value once"),
        ("on", [1, 2, 3], "truth values"),
        ("at", ["2020", "2021", None], "moments"),
        ("raw", ["a", "b", None], "bytes"),
        ("tags", [["a"], ["a", "b", "c"], None], "1 to 2 values in a list"),
        ("tags", ["ab", ["a"], None], "lists"),
        ("pixels", [[1, 2], [3], None], "2 to 2 values in a list"),
        ("person", ["Oslo", None, None], "mappings"),
        ("label", [1, 2, 3], "texts"),
    ],
)
def test_bad_frames_fail(name: str, column: list[Any], check: str) -> None:
    assert (name, check) in faults(pd.DataFrame(GOOD | {name: column}))


def test_categories_are_texts() -> None:
    assert faults(pd.DataFrame(GOOD | {"label": pd.Categorical(["a", "b", "a"])})) == set()


def test_the_environment_stays_as_it_is() -> None:
    code = (
        "import os; from headrace.schema import Feature, Schema; Schema((Feature('at', 'TIMESTAMP'),)).to_pandera(); "
        "print('PYARROW_IGNORE_TIMEZONE' in os.environ)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "False"
