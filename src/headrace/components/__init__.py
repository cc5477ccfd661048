"""The standard components of a pipeline, and the artifacts that they read and write."""

from headrace.components.artifacts import (
    ExampleAnomalies,
    Examples,
    ExamplesDiff,
    ExampleStatistics,
    HyperParameters,
    InferenceResult,
    InfraBlessing,
    Model,
    ModelEvaluation,
    PushedModel,
    Schema,
    TransformGraph,
)
from headrace.components.bulk_inferrer import bulk_inferrer
from headrace.components.evaluator import evaluator
from headrace.components.example_diff import example_diff
from headrace.components.example_gen import example_gen
from headrace.components.example_validator import example_validator
from headrace.components.infra_validator import infra_validator
from headrace.components.pusher import pusher
from headrace.components.schema_gen import schema_gen
from headrace.components.statistics_gen import statistics_gen
from headrace.components.trainer import trainer
from headrace.components.transform import transform
from headrace.components.tuner import tuner

__all__ = [
    "ExampleAnomalies",
    "ExampleStatistics",
    "Examples",
    "ExamplesDiff",
    "HyperParameters",
    "InferenceResult",
    "InfraBlessing",
    "Model",
    "ModelEvaluation",
    "PushedModel",
    "Schema",
    "TransformGraph",
    "bulk_inferrer",
    "evaluator",
    "example_diff",
    "example_gen",
    "example_validator",
    "infra_validator",
    "pusher",
    "schema_gen",
    "statistics_gen",
    "trainer",
    "transform",
    "tuner",
]
