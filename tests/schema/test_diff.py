from __future__ import annotations

from headrace.schema import Comparator, Feature, Schema, diff

OLD = Schema((Feature("age", "INT", 1.0), Feature("job", "STRING", values=("a", "b")), Feature("gone", "BOOL")))


def test_the_same_has_no_differences() -> None:
    assert diff(OLD, Schema(OLD.features)) == ()


def test_every_difference_is_told() -> None:
    new = Schema(
        (
            Feature("job", "STRING", values=("b", "c"), drift=Comparator(linf=0.1)),
            Feature("age", "FLOAT", 0.5),
            Feature("more", "INT"),
        )
    )
    assert [str(change) for change in diff(OLD, new)] == [
        "age: type INT -> FLOAT",
        "age: min_fraction 1.0 -> 0.5",
        "job: values + 'c' - 'a'",
        "job: drift none -> {'linf': 0.1}",
        "gone: removed",
        "more: added",
    ]
    assert [change.kind for change in diff(new, OLD)].count("added") == 1
