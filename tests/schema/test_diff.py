from __future__ import annotations

import json

import msgspec

from headrace.schema import (
    Annotation,
    Comparator,
    DatasetConstraints,
    Feature,
    Rule,
    Schema,
    SparseFeature,
    ValueCountRange,
    WeightedFeature,
    diff,
)

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


def test_every_part_is_compared() -> None:
    city, pay = Feature("city", "STRING"), Feature("pay", "INT")
    old = Schema(
        (Feature("p", "STRUCT", features=(city, pay)), Feature("i", "INT"), Feature("v", "INT")),
        string_domains={"jobs": ("a",), "gone": ()},
        sparse_features=(SparseFeature("s", "v", ("i",)),),
        rules=(Rule("r", "i > 0"),),
        annotation=Annotation((), ("A comment.",)),
    )
    new = Schema(
        (
            Feature("p", "STRUCT", features=(Feature("city", "STRING", values=("x",)), Feature("zip", "INT"))),
            Feature("i", "INT", value_counts=(ValueCountRange(1),), annotation=Annotation(("key",), ("Another.",))),
            Feature("v", "INT"),
        ),
        string_domains={"jobs": ("a", "b"), "new": ()},
        default_environments=("training",),
        sparse_features=(SparseFeature("s", "v", ("i",), is_sorted=True),),
        weighted_features=(WeightedFeature("w", "v", "i"),),
        dataset_constraints=DatasetConstraints(5),
        rules=(Rule("r", "i > 1", severity="warning"),),
    )
    changes = diff(old, new)
    assert [str(change) for change in changes] == [
        "p.city: values none -> ['x']",
        "p.pay: removed",
        "p.zip: added",
        "i: value_counts [] -> [{'min': 1}]",
        "i: tags none -> ['key']",
        "string domain jobs: values + 'b'",
        "string domain gone: removed",
        "string domain new: added",
        "sparse feature s: is_sorted False -> True",
        "weighted feature w: added",
        "rule r: sql i > 0 -> i > 1",
        "rule r: severity error -> warning",
        "schema: default_environments + 'training'",
        "schema: dataset_constraints none -> {'min_examples_count': 5}",
    ]
    plain = json.loads(msgspec.json.encode(changes))
    assert plain[5] == {
        "feature": "jobs",
        "kind": "changed",
        "key": "values",
        "old": ["a"],
        "new": ["a", "b"],
        "part": "string_domain",
    }
