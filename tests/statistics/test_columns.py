from __future__ import annotations

import pyarrow as pa
import pytest

from headrace.errors import DataError
from headrace.statistics.columns import accumulator_for, feature_type


def test_types() -> None:
    assert feature_type(pa.dictionary(pa.int32(), pa.string())) == "STRING"
    assert feature_type(pa.date32()) == "TIMESTAMP"
    assert feature_type(pa.null()) == "STRING"
    assert feature_type(pa.binary(4)) == "BYTES"
    with pytest.raises(DataError, match="list<item: string>"):
        accumulator_for(pa.list_(pa.string()))
