from __future__ import annotations

import json
from typing import TYPE_CHECKING

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import feather, orc

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Said

    Call = Callable[..., Said]

NAMES = (
    "age,workclass,fnlwgt,education,education_num,marital_status,occupation,relationship,race,sex,capital_gain,"
    "capital_loss,hours_per_week,native_country,income_bracket"
)
CENSUS = ["--names", NAMES, "--strip", "--null", "?"]


class TestStats:
    def test_a_line_for_every_column(self, here: Path, headrace: Call) -> None:
        said = headrace("stats", "adult.data", *CENSUS)
        assert said.code == 0
        lines = said.out.splitlines()
        assert lines[0] == "2,000 rows, 15 columns"
        assert lines[1].split()[:4] == ["column", "type", "missing", "distinct"]
        assert [line.split()[0] for line in lines[2:]] == NAMES.split(",")
        age = lines[2].split()
        assert age[1:4] == ["int", "-", "67"]
        assert lines[3].split()[2].endswith("%")
        assert "Private 1,381" in lines[3]

    def test_for_machines(self, here: Path, headrace: Call) -> None:
        found = headrace("stats", "adult.data", *CENSUS, "--column", "age", "--column", "sex", "--json").json
        (data,) = found["datasets"]
        assert data["num_examples"] == 2000
        assert [one["name"] for one in data["features"]] == ["age", "sex"]
        assert data["features"][0]["num_stats"]["common_stats"]["num_missing"] == 0

    @pytest.mark.parametrize("command", [["stats"], ["stats", "--json"], ["schema", "infer"]])
    def test_rows_that_cannot_be_read_are_said(self, headrace: Call, tmp_path: Path, command: list[str]) -> None:
        file = tmp_path / "a.csv"
        file.write_text("x,s\n" + "".join(f"{at if at % 60 else 'NA'},a\n" for at in range(300)))
        said = headrace(*command, file)
        assert said.code == 0
        assert said.err.startswith("warning: 5 of 300 rows cannot be read and are left out; the first is ")
        assert "column 'x': 'NA' is not of type int64" in said.err
        assert len(said.err.splitlines()) == 1
        assert headrace(*command, file, "--null", "NA").err == ""
        if "--json" in command:
            assert said.json["datasets"][0]["num_set_aside"] == 5

    @pytest.mark.parametrize("name", ["x.jsonl", "x.json", "x.feather", "x.arrow", "x.orc", "x.avro"])
    def test_files_of_every_kind(self, headrace: Call, tmp_path: Path, name: str) -> None:
        table = pa.table({"a": [1, 2, None], "s": ["x", None, "z"]})
        with (tmp_path / name).open("wb") as file:
            if name.endswith(".jsonl"):
                file.write(b"".join(json.dumps(row).encode() + b"\n" for row in table.to_pylist()))
            elif name.endswith(".json"):
                file.write(json.dumps(table.to_pylist()).encode())
            elif name.endswith(".orc"):
                orc.write_table(table, file)
            elif name.endswith(".avro"):
                kinds = [{"name": "a", "type": ["null", "long"]}, {"name": "s", "type": ["null", "string"]}]
                fastavro.writer(file, {"type": "record", "name": "R", "fields": kinds}, table.to_pylist())
            else:
                feather.write_feather(table, file)
        for path in (tmp_path / name, f"file://{tmp_path}/{name}"):
            said = headrace("stats", path)
            assert said.code == 0
            assert said.out.splitlines()[0] == "3 rows, 2 columns"
        if not name.startswith("x.json"):
            assert "options of CSV files are for CSV files" in headrace("stats", tmp_path / name, "--strip").err

    def test_options_of_csv_make_a_file_of_any_name_csv(self, headrace: Call, tmp_path: Path) -> None:
        (tmp_path / "table.dat").write_text("a;b\n1;x\n")
        assert headrace("stats", tmp_path / "table.dat").code == 2
        assert headrace("stats", tmp_path / "table.dat", "--separator", ";").out.startswith("1 rows, 2 columns")

    def test_the_encoding_of_json(self, headrace: Call, tmp_path: Path) -> None:
        (tmp_path / "x.jsonl").write_text('{"a": "é"}\n', "latin-1")
        assert headrace("stats", tmp_path / "x.jsonl").code == 1
        assert "é 1" in headrace("stats", tmp_path / "x.jsonl", "--encoding", "latin-1").out
        said = headrace("stats", tmp_path / "x.jsonl", "--encoding", "latin-1", "--strip")
        assert "options of CSV files are for CSV files" in said.err

    def test_values_whose_ends_cannot_be_seen_are_quoted(self, here: Path, headrace: Call) -> None:
        assert "' Private' 1,381" in headrace("stats", "adult.data", "--names", NAMES).out

    def test_every_type(self, headrace: Call, tmp_path: Path) -> None:
        import datetime as dt

        when = dt.datetime(2024, 5, 1)  # noqa: DTZ001 - a column without a zone
        table = pa.table(
            {
                "flag": [True, True, None],
                "at": pa.array([when, None, when], pa.timestamp("us")),
                "nothing": pa.array([None, None, None], pa.float64()),
                "wide": [1.5, float("nan"), 2e20],
            }
        )
        pq.write_table(table, tmp_path / "x.parquet")
        lines = headrace("stats", tmp_path / "x.parquet").out.splitlines()
        assert lines[2].split() == ["flag", "bool", "33.3%", "1", "true", "2"]
        assert lines[3].split()[:3] == ["at", "timestamp", "33.3%"]
        assert "2024-05-01" in lines[3]
        assert lines[4].split()[2] == "100.0%"
        assert json.loads(headrace("stats", tmp_path / "x.parquet", "--json").out)

    def test_a_page(self, here: Path, headrace: Call, tmp_path: Path) -> None:
        assert headrace("stats", "adult.data", *CENSUS, "--html", tmp_path / "x.html").code == 0
        assert "education_num" in (tmp_path / "x.html").read_text("utf-8")

    def test_other_separators(self, headrace: Call, tmp_path: Path) -> None:
        (tmp_path / "a.tsv").write_text("a\tb\n1\tx\n", "utf-8")
        (tmp_path / "b.csv").write_text("# note\na;b\n1;x\n", "utf-8")
        one = headrace("stats", tmp_path / "a.tsv", "--strip")
        other = headrace("stats", tmp_path / "b.csv", "--separator", ";", "--comment", "#")
        assert one.out == other.out
        tabs = headrace("stats", tmp_path / "a.tsv", "--separator", "\\t", "--skip-rows", "1", "--names", "a,b")
        assert tabs.out == one.out

    def test_what_cannot_be_read(self, here: Path, headrace: Call, tmp_path: Path) -> None:
        assert "Did you mean 'adult.data'" in headrace("stats", "adult.dat", "--strip").err
        pq.write_table(pa.table({"a": [1]}), tmp_path / "x.parquet")
        said = headrace("stats", tmp_path / "x.parquet", "--strip")
        assert said.code == 2
        assert "options of CSV files" in said.err
        column = headrace("stats", tmp_path / "x.parquet", "--column", "aa")
        assert column.code == 1
        assert "Did you mean 'a'" in column.err


class TestSchema:
    def test_infer_show_and_diff(self, here: Path, headrace: Call, tmp_path: Path) -> None:
        said = headrace("schema", "infer", "adult.data", *CENSUS)
        assert said.code == 0
        (tmp_path / "a.yaml").write_text(said.out, "utf-8")
        written = headrace("schema", "infer", "adult.data", *CENSUS, "--ranges", "-o", tmp_path / "b.yaml")
        assert written.out == f"wrote {tmp_path / 'b.yaml'}\n"
        shown = headrace("schema", "show", tmp_path / "b.yaml").out.splitlines()
        assert shown[0].split() == ["feature", "type", "presence", "domain"]
        assert shown[1].split() == ["age", "int", "required", "17", "…", "90"]
        assert [one["name"] for one in headrace("schema", "show", tmp_path / "b.yaml", "--json").json["features"]] == (
            NAMES.split(",")
        )
        same = headrace("schema", "diff", tmp_path / "a.yaml", tmp_path / "a.yaml")
        assert (same.code, same.out) == (0, "no difference\n")
        changed = headrace("schema", "diff", tmp_path / "a.yaml", tmp_path / "b.yaml")
        assert changed.code == 3
        assert "age" in changed.out
        assert len(headrace("schema", "diff", tmp_path / "a.yaml", tmp_path / "b.yaml", "--json").json["changes"]) > 0

    def test_a_file_that_is_no_schema(self, headrace: Call, tmp_path: Path) -> None:
        (tmp_path / "x.yaml").write_text("features: [", "utf-8")
        for name in ("x.yaml", "absent.yaml"):
            said = headrace("schema", "show", tmp_path / name)
            assert said.code == 1
            assert name in said.err
            assert headrace("schema", "show", tmp_path / name, "--json").json["error"]["kind"] == "SchemaError"


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
        assert lines[1] == "  seen: Batchelors"
        assert lines[2].startswith("  fix: ")
        assert lines[-1] == "1 error, 0 warnings"
        found = headrace("validate", tmp_path / "new.data", *CENSUS, "--schema", "schema.yaml", "--json")
        assert found.code == 3
        assert found.json["anomalies"][0]["rule"] == "domain_values"

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
