from __future__ import annotations

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.data import Cleaning, clean_array, cleaning, with_cleaning

TEXTS = st.lists(st.none() | st.text(st.sampled_from(" \t\n\v\f\r\u00a0\u2003ab?é"), max_size=6), max_size=12)
CLEANINGS = st.builds(Cleaning, st.booleans(), st.lists(st.sampled_from(["", "?", "a", " ", "a b"])).map(tuple))


def by_hand(text: str | None, how: Cleaning) -> str | None:
    if text is None:
        return None
    if how.strip:
        text = text.strip(" \t\n\v\f\r")
    return None if text in how.null_values else text


@settings(deadline=None)
@given(texts=TEXTS, how=CLEANINGS)
def test_arrays_are_cleaned_as_by_hand(texts: list[str | None], how: Cleaning) -> None:
    wanted = [by_hand(text, how) for text in texts]
    array = pa.array(texts, pa.string())
    assert clean_array(array, how).to_pylist() == wanted
    assert clean_array(array.dictionary_encode(), how).to_pylist() == wanted
    assert clean_array(array.dictionary_encode(), how).type == array.dictionary_encode().type
    chunked = pa.chunked_array([array, array], pa.string())
    assert clean_array(chunked, how).to_pylist() == wanted * 2
    assert clean_array(chunked.dictionary_encode(), how).to_pylist() == wanted * 2


@settings(deadline=None)
@given(how=CLEANINGS)
def test_a_field_carries_its_cleaning(how: Cleaning) -> None:
    field = pa.field("a", pa.string(), metadata={"other": "kept"})
    declared = with_cleaning(field, how)
    assert cleaning(declared) == how
    assert declared.metadata[b"other"] == b"kept"
    assert cleaning(with_cleaning(declared, Cleaning())) == Cleaning()


def test_metadata_is_as_documented() -> None:
    field = with_cleaning(pa.field("a", pa.string()), Cleaning(strip=True, null_values=("?", "é")))
    assert field.metadata == {b"headrace.strip": b"true", b"headrace.null_values": '["?", "é"]'.encode()}
    assert with_cleaning(pa.field("a", pa.string()), Cleaning()).metadata is None
