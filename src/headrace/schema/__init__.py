"""Feature types, domains, presence and environments: what data should look like."""

from headrace.schema.features import FeatureSpec

__all__ = ["FeatureSpec"]
