from __future__ import annotations

from headrace.schema import FeatureSpec


def test_ids_with_buckets_are_categorical() -> None:
    assert FeatureSpec("job", "int64", num_buckets=10).is_categorical
    assert not FeatureSpec("age", "float32").is_categorical
