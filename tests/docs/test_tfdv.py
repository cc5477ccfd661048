"""The page for users of TensorFlow Data Validation leaves nothing out, and names nothing that is not there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

import headrace as hr
from headrace.schema import Feature, Schema
from headrace.validation import Rule

PAGE_FILE = Path(__file__).parents[2] / "docs" / "reference" / "tfdv.md"
PAGE = PAGE_FILE.read_text("utf-8")

# What TFDV 1.17 and TensorFlow Metadata 1.17 have, by the heading under which it stands.
ITEMS = {
    "Functions and classes": """
        CombinerStatsGenerator CrossFeatureView DatasetListView DatasetView DetectFeatureSkew FeaturePath
        FeatureView GenerateStatistics MergeDatasetFeatureStatisticsList StatsOptions TransformStatsGenerator
        WriteStatisticsToBinaryFile WriteStatisticsToRecordsAndBinaryFile WriteStatisticsToTFRecord
        compare_slices default_sharded_output_suffix default_sharded_output_supported display_anomalies
        display_schema experimental_get_feature_value_slicer generate_dummy_schema_with_paths
        generate_statistics_from_csv generate_statistics_from_dataframe generate_statistics_from_tfrecord
        get_confusion_count_dataframes get_domain get_feature get_feature_stats get_match_stats_dataframe
        get_skew_result_dataframe get_slice_stats get_statistics_html infer_schema load_anomalies_text
        load_schema_text load_sharded_statistics load_statistics load_stats_binary load_stats_text set_domain
        update_schema validate_corresponding_slices validate_examples_in_csv validate_examples_in_tfrecord
        validate_statistics visualize_statistics write_anomalies_text write_schema_text write_stats_text
    """,
    "Options": """
        generators schema label_feature weight_feature slice_functions sample_rate num_top_values
        frequency_threshold weighted_frequency_threshold num_rank_histogram_buckets num_values_histogram_buckets
        num_histogram_buckets num_quantiles_histogram_buckets epsilon infer_type_from_schema desired_batch_size
        enable_semantic_domain_stats semantic_domain_stats_sample_rate per_feature_weight_override vocab_paths
        add_default_generators feature_allowlist experimental_use_sketch_based_topk_uniques
        use_sketch_based_topk_uniques experimental_slice_functions experimental_slice_sqls
        experimental_result_partitions experimental_num_feature_partitions slicing_config
        experimental_filter_read_paths per_feature_stats_config statistics infer_feature_shape
        max_string_domain_size schema_transformations environment previous_statistics serving_statistics
        custom_validation_config
    """,
    "Anomalies": """
        UNKNOWN_TYPE MULTIPLE_REASONS BOOL_TYPE_BIG_INT BOOL_TYPE_BYTES_NOT_INT BOOL_TYPE_BYTES_NOT_STRING
        BOOL_TYPE_FLOAT_NOT_INT BOOL_TYPE_FLOAT_NOT_STRING BOOL_TYPE_INT_NOT_STRING BOOL_TYPE_SMALL_INT
        BOOL_TYPE_STRING_NOT_INT BOOL_TYPE_UNEXPECTED_STRING BOOL_TYPE_UNEXPECTED_FLOAT BOOL_TYPE_INVALID_CONFIG
        ENUM_TYPE_BYTES_NOT_STRING ENUM_TYPE_FLOAT_NOT_STRING ENUM_TYPE_INT_NOT_STRING ENUM_TYPE_INVALID_UTF8
        ENUM_TYPE_UNEXPECTED_STRING_VALUES FEATURE_TYPE_HIGH_NUMBER_VALUES FEATURE_TYPE_LOW_FRACTION_PRESENT
        FEATURE_TYPE_LOW_NUMBER_PRESENT FEATURE_TYPE_LOW_NUMBER_VALUES FEATURE_TYPE_NOT_PRESENT
        FEATURE_TYPE_NO_VALUES FEATURE_TYPE_UNEXPECTED_REPEATED FEATURE_TYPE_HIGH_UNIQUE FEATURE_TYPE_LOW_UNIQUE
        FEATURE_TYPE_NO_UNIQUE FLOAT_TYPE_BIG_FLOAT FLOAT_TYPE_NOT_FLOAT FLOAT_TYPE_SMALL_FLOAT
        FLOAT_TYPE_STRING_NOT_FLOAT FLOAT_TYPE_NON_STRING FLOAT_TYPE_UNKNOWN_TYPE_NUMBER FLOAT_TYPE_HAS_NAN
        FLOAT_TYPE_HAS_INF INT_TYPE_BIG_INT INT_TYPE_INT_EXPECTED INT_TYPE_NOT_INT_STRING INT_TYPE_NOT_STRING
        INT_TYPE_SMALL_INT INT_TYPE_STRING_EXPECTED INT_TYPE_UNKNOWN_TYPE_NUMBER LOW_SUPPORTED_IMAGE_FRACTION
        SCHEMA_MISSING_COLUMN SCHEMA_NEW_COLUMN SCHEMA_TRAINING_SERVING_SKEW STRING_TYPE_NOW_FLOAT
        STRING_TYPE_NOW_INT COMPARATOR_CONTROL_DATA_MISSING COMPARATOR_TREATMENT_DATA_MISSING
        COMPARATOR_L_INFTY_HIGH COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH
        COMPARATOR_NORMALIZED_ABSOLUTE_DIFFERENCE_HIGH NO_DATA_IN_SPAN SPARSE_FEATURE_MISSING_VALUE
        SPARSE_FEATURE_MISSING_INDEX SPARSE_FEATURE_LENGTH_MISMATCH SPARSE_FEATURE_NAME_COLLISION
        SEMANTIC_DOMAIN_UPDATE COMPARATOR_LOW_NUM_EXAMPLES COMPARATOR_HIGH_NUM_EXAMPLES DATASET_LOW_NUM_EXAMPLES
        DATASET_HIGH_NUM_EXAMPLES WEIGHTED_FEATURE_NAME_COLLISION WEIGHTED_FEATURE_MISSING_VALUE
        WEIGHTED_FEATURE_MISSING_WEIGHT WEIGHTED_FEATURE_LENGTH_MISMATCH VALUE_NESTEDNESS_MISMATCH
        DOMAIN_INVALID_FOR_TYPE FEATURE_MISSING_NAME FEATURE_MISSING_TYPE INVALID_SCHEMA_SPECIFICATION
        INVALID_DOMAIN_SPECIFICATION UNEXPECTED_DATA_TYPE SEQUENCE_VALUE_TOO_FEW_OCCURRENCES
        SEQUENCE_VALUE_TOO_MANY_OCCURRENCES SEQUENCE_VALUE_TOO_SMALL_FRACTION SEQUENCE_VALUE_TOO_LARGE_FRACTION
        FEATURE_COVERAGE_TOO_LOW FEATURE_COVERAGE_TOO_SHORT_AVG_TOKEN_LENGTH NLP_WRONG_LOCATION
        EMBEDDING_SHAPE_INVALID MAX_IMAGE_BYTE_SIZE_EXCEEDED INVALID_FEATURE_SHAPE STATS_NOT_AVAILABLE
        DERIVED_FEATURE_BAD_LIFECYCLE DERIVED_FEATURE_INVALID_SOURCE CUSTOM_VALIDATION
    """,
    "Fields of a schema": """
        name deprecated presence group_presence shape value_count value_counts type domain int_domain
        float_domain string_domain bool_domain struct_domain natural_language_domain image_domain mid_domain
        url_domain time_domain time_of_day_domain distribution_constraints annotation skew_comparator
        drift_comparator in_environment not_in_environment lifecycle_stage unique_constraints
        validation_derived_source sequence_metadata feature sparse_feature weighted_feature default_environment
        represent_variable_length_as_ragged dataset_constraints tensor_representation_group
    """,
    "Fields of statistics": """
        DatasetFeatureStatistics.name DatasetFeatureStatistics.num_examples
        DatasetFeatureStatistics.weighted_num_examples DatasetFeatureStatistics.features
        DatasetFeatureStatistics.cross_features FeatureNameStatistics.name FeatureNameStatistics.path
        FeatureNameStatistics.type FeatureNameStatistics.num_stats FeatureNameStatistics.string_stats
        FeatureNameStatistics.bytes_stats FeatureNameStatistics.struct_stats FeatureNameStatistics.custom_stats
        FeatureNameStatistics.validation_derived_source CommonStatistics.num_non_missing
        CommonStatistics.num_missing CommonStatistics.min_num_values CommonStatistics.max_num_values
        CommonStatistics.avg_num_values CommonStatistics.tot_num_values CommonStatistics.num_values_histogram
        CommonStatistics.weighted_common_stats CommonStatistics.feature_list_length_histogram
        CommonStatistics.presence_and_valency_stats CommonStatistics.weighted_presence_and_valency_stats
        WeightedCommonStatistics.num_non_missing WeightedCommonStatistics.num_missing
        WeightedCommonStatistics.avg_num_values WeightedCommonStatistics.tot_num_values
        NumericStatistics.common_stats NumericStatistics.mean NumericStatistics.std_dev
        NumericStatistics.num_zeros NumericStatistics.min NumericStatistics.median NumericStatistics.max
        NumericStatistics.histograms NumericStatistics.weighted_numeric_stats StringStatistics.common_stats
        StringStatistics.unique StringStatistics.top_values StringStatistics.avg_length
        StringStatistics.rank_histogram StringStatistics.weighted_string_stats StringStatistics.vocabulary_file
        StringStatistics.invalid_utf8_count BytesStatistics.common_stats BytesStatistics.unique
        BytesStatistics.avg_num_bytes BytesStatistics.min_num_bytes BytesStatistics.max_num_bytes
        BytesStatistics.max_num_bytes_int CrossFeatureStatistics.path_x CrossFeatureStatistics.path_y
        CrossFeatureStatistics.count CrossFeatureStatistics.num_cross_stats
        CrossFeatureStatistics.categorical_cross_stats
    """,
}


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the tables under a heading."""
    start = PAGE.index(f"\n## {heading}\n")
    section = PAGE[start : PAGE.find("\n## ", start + 1)]
    cells = [line.strip("|").split(" | ") for line in section.splitlines() if line.startswith("|")]
    return [row for row in cells if not row[0].startswith("---")]


def named(cell: str) -> list[str]:
    return re.findall(r"`(\w+)`", cell)


@pytest.mark.parametrize("heading", ITEMS)
def test_every_item_stands_in_the_first_column(heading: str) -> None:
    there = {name for row in rows(heading) for cell in row[:-1] for name in named(cell)}
    missing = [item for item in ITEMS[heading].split() if item.rpartition(".")[2] not in there]
    assert not missing


def test_fields_of_statistics_stand_beside_their_message() -> None:
    there = {
        f"{message}.{field}"
        for cells in rows("Fields of statistics")
        for message in named(cells[0])
        for field in named(cells[1])
    }
    assert set(ITEMS["Fields of statistics"].split()) == there


def test_every_row_says_what_stands_here() -> None:
    for heading in ITEMS:
        for row in rows(heading):
            assert row[-1].strip(), row


def test_names_of_headrace_exist() -> None:
    for name in re.findall(r"`hr\.(\w+)", PAGE):
        assert hasattr(hr, name), name
    for path in re.findall(r"`(headrace(?:\.\w+)+)", PAGE):
        module, _, name = path.rpartition(".")
        assert hasattr(__import__(module, fromlist=[name]), name), path


def test_rules_are_rules() -> None:
    known = {*get_args(Rule), "SchemaError"}
    for row in rows("Anomalies")[1:]:
        for rule in named(row[-1]):
            assert rule in known, rule


def test_every_rule_stands_in_the_guide() -> None:
    guide = (PAGE_FILE.parents[1] / "guides" / "validation.md").read_text("utf-8")
    for rule in get_args(Rule):
        assert f"`{rule.replace('skew_', 'drift_')}`" in guide, rule


def test_keys_are_keys() -> None:
    known = {*Feature.__struct_fields__, *Schema.__struct_fields__, "mid", "url", "time_of_day", "email"}
    for row in rows("Fields of a schema"):
        for key in re.findall(r"`(\w+)", row[-1]):
            assert key in known, key
