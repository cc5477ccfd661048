from __future__ import annotations

import pyarrow as pa

from headrace.data import dataset_from_table
from headrace.schema import Feature, Schema
from headrace.statistics import DatasetStatistics, FeatureStatistics, SemanticGuess, Statistics, generate_statistics
from headrace.validation import infer_schema, suggest_schema


def described(table: pa.Table, **semantics: tuple[SemanticGuess, ...]) -> Statistics:
    """Return statistics of a table, with guesses as the statistics would have them."""
    (data,) = generate_statistics(dataset_from_table(table), name="data").datasets
    columns = []
    for column in data.features:
        plain = {key: getattr(column, key) for key in column.__struct_fields__}
        columns.append(FeatureStatistics(**(plain | {"semantics": semantics.get(column.name, ())})))
    return Statistics((DatasetStatistics(data.name, data.num_examples, tuple(columns)),))


DATA = described(
    pa.table(
        {"id": range(200), "code": [1, 2] * 100, "text": ["1", "2"] * 100, "one": ["a"] * 200, "gap": pa.nulls(200)}
    ),
    code=(SemanticGuess("categorical_integer", 1.0),),
    text=(SemanticGuess("integer_text", 1.0),),
    one=(SemanticGuess("constant", 1.0), SemanticGuess("duplicate", 1.0, of="text")),
)


def test_what_people_may_want_is_told_and_not_done() -> None:
    schema = infer_schema(DATA)
    assert not any(feature.unique or feature.is_categorical for feature in schema)
    suggestions = suggest_schema(schema, DATA)
    assert [str(suggestion) for suggestion in suggestions] == [
        "id: every value occurs once; is it a key?",
        "code: the numbers look like names of categories",
        "text: all texts are numbers; read it as INT with types= of the source",
        "one: there is one value in all rows",
        "one: it is the same as text",
    ]
    for suggestion in suggestions:
        schema = suggestion.accept(schema)
    assert schema["id"].unique
    assert schema["code"].is_categorical
    assert [suggestion.kind for suggestion in suggest_schema(schema, DATA)] == ["type", "constant", "duplicate"]


def test_few_values_are_no_key() -> None:
    few = described(pa.table({"id": range(20)}))
    assert suggest_schema(infer_schema(few), few) == ()


def test_features_that_are_not_validated_are_left_alone() -> None:
    assert suggest_schema(Schema((Feature("id", "INT", lifecycle_stage="PLANNED"),)), DATA) == ()
