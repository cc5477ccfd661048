from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest
from tests.cli.census import CENSUS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Said

    Call = Callable[..., Said]


class TestValidate:
    def test_data_that_fits(self, here: Path, headrace: Call) -> None:
        said = headrace("validate", "adult.data", *CENSUS, "--schema", "schema.yaml")
        assert (said.code, said.out) == (0, "0 errors, 0 warnings\n")

    def test_data_that_does_not_fit(self, here: Path, headrace: Call, tmp_path: Path) -> None:
        text = (here / "adult.data").read_text("utf-8").replace("Bachelors", "Batchelors", 1)
        (tmp_path / "new.data").write_text(text, "utf-8")
        said = headrace("validate", tmp_path / "new.data", *CENSUS, "--schema", "schema.yaml")
        assert said.code == 3
        lines = said.out.splitlines()
        assert lines[0].startswith("error: education has only values of its domain; 1 of 2,000 rows")
        # The message has the value.
        assert lines[1].startswith("  fix: ")
        assert lines[-1] == "1 error, 0 warnings"
        found = headrace("validate", tmp_path / "new.data", *CENSUS, "--schema", "schema.yaml", "--json")
        assert found.code == 3
        assert found.json["anomalies"][0]["rule"] == "domain_values"

    def test_values_that_the_message_has_are_not_said_again(self, headrace: Call, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text("x\n1\n2\n")
        (tmp_path / "b.csv").write_text("x\n1\n12\n")
        assert headrace("schema", "infer", tmp_path / "a.csv", "--ranges", "-o", tmp_path / "s.yaml").code == 0
        said = headrace("validate", tmp_path / "b.csv", "--schema", tmp_path / "s.yaml")
        assert "the largest is 12" in said.out
        assert "seen:" not in said.out

    def test_drift_against_earlier_data_that_is_read_alike(self, here: Path, headrace: Call, tmp_path: Path) -> None:
        schema = (here / "schema.yaml").read_text("utf-8")
        drift = "values: [Female, Male]\n    drift: {linf: 0.01}"
        (tmp_path / "schema.yaml").write_text(schema.replace("values: [Female, Male]", drift), "utf-8")
        text = (here / "adult.data").read_text("utf-8")
        (tmp_path / "earlier.data").write_text(text.replace(" Female,", " Male,", 100), "utf-8")
        call = ["validate", "adult.data", *CENSUS, "--schema", tmp_path / "schema.yaml", "--previous"]
        assert headrace(*call, "adult.data").code == 0
        said = headrace(*call, tmp_path / "earlier.data")
        assert said.code in (0, 3)
        assert "sex" in said.out

    @pytest.mark.parametrize(
        ("args", "code", "message"),
        [
            (["adult.data", *CENSUS], 2, "'--schema'"),
            (["adult.data", *CENSUS, "--schema", "absent.yaml"], 1, "absent.yaml"),
            (["absent.data", *CENSUS, "--schema", "schema.yaml"], 1, "absent.data"),
        ],
    )
    def test_wrong_usage(self, here: Path, headrace: Call, args: list[str], code: int, message: str) -> None:
        said = headrace("validate", *args)
        assert said.code == code
        assert message in said.err

    def test_rows_that_are_wrong(self, here: Path, headrace: Call, tmp_path: Path) -> None:
        lines = (here / "adult.data").read_text("utf-8").splitlines(keepends=True)
        for row in (3, 1000):
            lines[row] = lines[row].replace(" Male,", " male,").replace(" Female,", " female,")
        (tmp_path / "new.data").write_text("".join(lines), "utf-8")
        call = ["validate", tmp_path / "new.data", *CENSUS, "--schema", "schema.yaml"]
        found = headrace(*call, "--side-file", tmp_path / "wrong.parquet", "--json")
        assert found.code == 3
        lines = headrace(*call, "--side-file", tmp_path / "wrong.parquet").out.splitlines()
        assert lines[1] == "  rows, from 0: 3, 1000"
        assert lines[-1] == f"wrote {tmp_path / 'wrong.parquet'}"
        (anomaly,) = found.json["anomalies"]
        assert anomaly["row_numbers"] == [3, 1000]
        assert pq.read_table(tmp_path / "wrong.parquet")["headrace_row"].to_pylist() == [3, 1000]

    def test_severities_and_junit(self, here: Path, headrace: Call, tmp_path: Path) -> None:
        text = (here / "adult.data").read_text("utf-8").replace("Bachelors", "Batchelors", 1)
        (tmp_path / "new.data").write_text(text, "utf-8")
        call = ["validate", tmp_path / "new.data", *CENSUS, "--schema", "schema.yaml"]
        said = headrace(*call, "--severity", "domain_values=warning", "--junit", tmp_path / "junit.xml")
        written = f"wrote {tmp_path / 'junit.xml'}"
        assert (said.code, said.out.splitlines()[-2:]) == (0, ["0 errors, 1 warning", written])
        suite = ET.parse(tmp_path / "junit.xml").getroot().find("testsuite")
        assert suite is not None
        assert suite.attrib["failures"] == "0"
        assert headrace(*call, "--severity", "domain_values").code == 2
        assert "Did you mean 'domain_values'" in headrace(*call, "--severity", "domain_value=off").err

    def test_skew_against_serving_data(self, here: Path, headrace: Call, tmp_path: Path) -> None:
        schema = (here / "schema.yaml").read_text("utf-8")
        skew = "values: [Female, Male]\n    skew: {linf: 0.01}"
        (tmp_path / "schema.yaml").write_text(schema.replace("values: [Female, Male]", skew), "utf-8")
        text = (here / "adult.data").read_text("utf-8")
        (tmp_path / "serving.data").write_text(text.replace(" Female,", " Male,", 100), "utf-8")
        call = ["validate", "adult.data", *CENSUS, "--schema", tmp_path / "schema.yaml", "--serving"]
        assert headrace(*call, tmp_path / "serving.data").code == 3
