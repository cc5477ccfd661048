"""Feature types, domains, presence and environments: what data should look like."""

from headrace.schema.diff import Change, Part, diff
from headrace.schema.domains import (
    Annotation,
    BoolDomain,
    Comparator,
    DatasetConstraints,
    ImageDomain,
    LifecycleStage,
    NaturalLanguageDomain,
    NumExamplesComparator,
    Range,
    Rule,
    SemanticDomain,
    SparseFeature,
    TimeDomain,
    TokenConstraint,
    UniqueConstraints,
    ValueCountRange,
    WeightedFeature,
)
from headrace.schema.feature import Feature, FeatureType
from headrace.schema.features import FeatureSpec
from headrace.schema.schema import Domain, Schema

__all__ = [
    "Annotation",
    "BoolDomain",
    "Change",
    "Comparator",
    "DatasetConstraints",
    "Domain",
    "Feature",
    "FeatureSpec",
    "FeatureType",
    "ImageDomain",
    "LifecycleStage",
    "NaturalLanguageDomain",
    "NumExamplesComparator",
    "Part",
    "Range",
    "Rule",
    "Schema",
    "SemanticDomain",
    "SparseFeature",
    "TimeDomain",
    "TokenConstraint",
    "UniqueConstraints",
    "ValueCountRange",
    "WeightedFeature",
    "diff",
]
