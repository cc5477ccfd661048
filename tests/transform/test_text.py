from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from headrace import transform as tft
from headrace.errors import TransformError

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., dict[str, list[Any]]]

# Valid text: no surrogates, and no NUL, which ends a string for some readers.
TEXT = st.text(st.one_of(st.sampled_from(" .,ab1🎈é\n\t"), st.characters(codec="utf-8", exclude_characters="\x00")))
TEXTS = st.lists(st.one_of(st.none(), TEXT), min_size=1, max_size=6)


def test_strip(run: Run) -> None:
    found = run(
        lambda inputs: {
            "x": tft.strip(inputs["x"]) == "a b",
            "n": tft.fill_missing(tft.strip(inputs["n"]), "gone") == "gone",
        },
        x=[" a b\t", "a  b", "\r\na b", "\N{NO-BREAK SPACE}a b"],
        n=["a", None, " gone ", ""],
    )
    assert found == {"x": [1, 0, 1, 0], "n": [0, 1, 1, 0]}


@pytest.fixture(scope="module")
def graph() -> tft.TransformGraph:
    def function(inputs: Any) -> dict[str, Any]:
        x = inputs["x"]
        results = {
            "strip": tft.strip(x),
            "concat": tft.concat("<", x, x, separator="-"),
            "replace": tft.replace(x, "a", "bb"),
            "replace_long": tft.replace(x, "ab", ""),
            "regex_replace": tft.regex_replace(x, r"\d+|é", "#"),
            "extract": tft.regex_extract(x, r"[ab]+1"),
            "join": tft.join(tft.split(x, ","), ","),
            "words": tft.join(tft.split(x), " "),
            "all": tft.join(tft.regex_find_all(x, r"\d"), ""),
        }
        # Texts are no outputs, their hashes are.
        hashes = {name: tft.fill_missing(tft.hash_strings(value, 2**31), -1) for name, value in results.items()}
        return hashes | {
            "length": tft.fill_missing(tft.length(x), -1),
            "contains": tft.fill_missing(tft.contains(x, "."), False),
            "starts": tft.fill_missing(tft.starts_with(x, "a"), False),
            "ends": tft.fill_missing(tft.ends_with(x, "\n"), False),
            "match": tft.fill_missing(tft.regex_full_match(x, r"(?s)[ab].*"), False),
            "hash": tft.fill_missing(tft.hash_strings(x, 2**31), -1),
        }

    return tft.analyze({"x": ["a", None]}, function)


def expected(text: str) -> dict[str, str]:
    found = re.search(r"[ab]+1", text)
    return {
        "strip": text.strip(" \t\n\v\f\r"),
        "concat": f"<-{text}-{text}",
        "replace": text.replace("a", "bb"),
        "replace_long": text.replace("ab", ""),
        "regex_replace": re.sub(r"[0-9]+|é", "#", text),
        "extract": found[0] if found else "",
        "join": text,
        "words": " ".join(re.findall(r"[^ \t\n\v\f\r]+", text)),
        "all": "".join(re.findall(r"[0-9]", text)),
    }


@settings(deadline=None, max_examples=60)
@given(TEXTS)
@example(["", None])
@example(["aab1 a1", "ab,ab,", ",", "a" * 700 + "1", "🎈" * 513])
def test_texts_are_pythons(graph: tft.TransformGraph, texts: list[str | None]) -> None:
    found = graph.transform_batch(pa.record_batch({"x": pa.array(texts, pa.string())})).to_pydict()
    wanted = [expected(text or "") for text in texts]
    asked = sorted({value for values in wanted for value in values.values()})
    hashed = graph.transform_batch(pa.record_batch({"x": pa.array(asked, pa.string())}))["hash"].to_pylist()
    number = dict(zip(asked, hashed, strict=True))
    for at, text in enumerate(texts):
        for name, value in wanted[at].items():
            missing = text is None and name not in ("join", "words", "all")
            missing |= name == "extract" and not value
            assert found[name][at] == (-1 if missing else number[value]), (name, text)
        assert found["length"][at] == (-1 if text is None else len(text))
        assert found["contains"][at] == int("." in (text or ""))
        assert found["starts"][at] == int((text or "").startswith("a"))
        assert found["ends"][at] == int((text or "").endswith("\n"))
        assert found["match"][at] == int((text or "").startswith(("a", "b")))


@settings(deadline=None, max_examples=25)
@given(TEXTS)
def test_a_batch_is_its_rows(graph: tft.TransformGraph, texts: list[str | None]) -> None:
    batch = pa.record_batch({"x": pa.array(texts, pa.string())})
    together = graph.transform_batch(batch)
    for at in range(len(texts)):
        assert graph.transform_batch(batch.slice(at, 1)) == together.slice(at, 1)


def test_a_batch_without_rows(graph: tft.TransformGraph) -> None:
    assert graph.transform_batch(pa.record_batch({"x": pa.array([], pa.string())})).num_rows == 0


def test_very_long_texts(graph: tft.TransformGraph) -> None:
    texts = ["é" * 100_001, "b" * 65_536, "x"]
    assert graph.transform_batch(pa.record_batch({"x": texts}))["length"].to_pylist() == [100_001, 65_536, 1]


# Greek has a final sigma, and some letters become two or depend on the language.
SPECIAL = "İıςŉǰſ\N{LATIN CAPITAL LETTER D WITH SMALL LETTER Z WITH CARON}ǈǋǲ"
RANGES = (range(0x20, 0x250), range(0x391, 0x3C9), range(0x410, 0x450), range(0x10400, 0x10450))
LETTERS = [
    letter
    for letter in (chr(code) for codes in RANGES for code in codes)
    if len(letter.lower()) == 1 == len(letter.upper()) and letter not in SPECIAL
]


def test_case(run: Run) -> None:
    letters = [*LETTERS, "", "ÀB🎈"]
    found = run(
        lambda i: {
            "lower": tft.lower(i["x"]) == i["low"],
            "upper": tft.upper(i["x"]) == i["high"],
            "lists": tft.join(tft.upper(tft.split(i["pair"])), " ") == "Ä B",
        },
        500,
        x=letters,
        low=[letter.lower() for letter in letters],
        high=[letter.upper() for letter in letters],
        pair=["ä b"] * len(letters),
    )
    wrong = [letter for letter, *same in zip(letters, *found.values(), strict=True) if same != [1, 1, 1]]
    assert wrong == []


NUMBERS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False, min_value=-1e290, max_value=1e290)
    .filter(lambda x: x == 0 or abs(x) > 1e-280)
    .map(repr),
    st.integers(-(10**30), 10**30).map(str),
    st.sampled_from(["+1", ".5", "5.", "1E5", "1e-05", "007", "-0.0", "1e+10"]),
)
NO_NUMBERS = st.sampled_from(
    ["", "x", "1 ", "nan", "inf", "1e", "--1", ".", "1e999", "1_000", "\N{ARABIC-INDIC DIGIT ONE}", "1,5", "1e-400"]
)


@pytest.fixture(scope="module")
def parsed() -> tft.TransformGraph:
    import ndonnx as ndx

    def exact(inputs: Any) -> dict[str, Any]:
        number = tft.parse_number(inputs["x"])
        return {
            "none": tft.is_missing(number),
            "same": tft.fill_missing(number, 0.0) == tft.fill_missing(inputs["y"], 0.0).astype(ndx.float64),
        }

    return tft.analyze({"x": ["1", None], "y": [1.0, None]}, exact)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.one_of(st.none(), NUMBERS, NO_NUMBERS), min_size=1, max_size=8))
def test_numbers_are_pythons(parsed: tft.TransformGraph, texts: list[str | None]) -> None:
    known = [
        text is not None and re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?", text)
        for text in texts
    ]
    values = [
        float(text) if text is not None and is_number and text not in ("1e999", "1e-400") else None
        for text, is_number in zip(texts, known, strict=True)
    ]
    batch = pa.record_batch({"x": pa.array(texts, pa.string()), "y": pa.array(values, pa.float64())})
    found = parsed.transform_batch(batch).to_pydict()
    assert found["none"] == [int(value is None) for value in values]
    assert found["same"] == [1] * len(texts)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda i: {"y": tft.strip(i["n"])}, r"tft\.strip takes texts; got a column of int64"),
        (lambda i: {"y": tft.lower(i["n"])}, r"tft\.lower takes texts"),
        (lambda i: {"y": tft.contains(i["x"], "")}, "not empty"),
        (lambda i: {"y": tft.contains(i["x"], i["x"])}, "text of tft.contains is a text"),
        (lambda i: {"y": tft.split(i["x"], "")}, "not empty"),
        (lambda i: {"y": tft.split(tft.split(i["x"]))}, "one text a row"),
        (lambda i: {"y": tft.regex_full_match(i["x"], "(")}, "regular expression of RE2"),
        (lambda i: {"y": tft.regex_extract(i["x"], "a(?=b)")}, "no look-around"),
        (lambda i: {"y": tft.regex_replace(i["x"], "^a", "b")}, "no anchors"),
        (lambda i: {"y": tft.regex_replace(i["x"], r"a\b", "b")}, "no anchors"),
        (lambda i: {"y": tft.concat("a", "b")}, "at least one column"),
        (lambda i: {"y": tft.join(i["x"])}, "takes lists"),
        (lambda i: {"y": i["x"].lower()}, "tft.lower"),
        (lambda i: {"y": i["x"].str.split()}, "tft.split"),
    ],
)
def test_mistakes(function: Any, message: str) -> None:
    with pytest.raises(TransformError, match=message) as caught:
        tft.analyze({"x": ["a"], "n": [1]}, function)
    assert "test_text.py:" in str(caught.value)
