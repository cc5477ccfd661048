"""Feature types, domains, presence and environments: what data should look like."""

from headrace.schema.diff import Change, diff
from headrace.schema.features import FeatureSpec
from headrace.schema.schema import Comparator, Feature, FeatureType, Schema

__all__ = ["Change", "Comparator", "Feature", "FeatureSpec", "FeatureType", "Schema", "diff"]
