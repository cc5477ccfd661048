from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import feather, orc
from tests.cli.census import CENSUS, NAMES

from headrace.cli.sources import _spooled

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Said

    Call = Callable[..., Said]


class TestStats:
    def test_a_line_for_every_column(self, here: Path, headrace: Call) -> None:
        said = headrace("stats", "adult.data", *CENSUS)
        assert said.code == 0
        lines = said.out.splitlines()
        assert lines[0] == "2,000 rows, 15 columns"
        assert lines[1].split()[:4] == ["column", "type", "missing", "distinct"]
        assert [line.split()[0] for line in lines[2:17]] == NAMES.split(",")
        assert lines[17:] == ["note: education_num looks like categories as numbers"]
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

    def test_a_header_that_looks_like_a_row_is_said(self, headrace: Call, tmp_path: Path) -> None:
        file = tmp_path / "a.csv"
        file.write_text("39,Private\n50,Private\n")
        said = headrace("stats", file)
        assert said.code == 0
        assert said.err == (
            f"warning: The first row of {file} was taken as its header, and looks like data: the columns are named "
            "'39', 'Private'. If the file has no header, give --names\n"
        )
        assert headrace("stats", file, "--names", "age,job").err == ""

    @pytest.mark.parametrize("command", [["stats"], ["stats", "--json"], ["schema", "infer"]])
    def test_rows_that_cannot_be_read_are_said(self, headrace: Call, tmp_path: Path, command: list[str]) -> None:
        file = tmp_path / "a.csv"
        file.write_text("x,s\n" + "".join(f"{at if at % 60 else 'NA'},a\n" for at in range(300)))
        said = headrace(*command, file)
        assert said.code == 0
        assert said.err.startswith("warning: 5 of 300 rows cannot be read and are left out; the first is ")
        assert "column 'x': 'NA' is not of type int64" in said.err
        assert len(said.err.splitlines()) == 1
        assert said.err.endswith("Where such a text means missing, name it with --null\n")
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

    def test_slices_labels_pairs_and_weights(self, here: Path, headrace: Call) -> None:
        said = headrace(
            "stats",
            "adult.data",
            *CENSUS,
            "--slice",
            "sex",
            "--label",
            "income_bracket",
            "--cross",
            "--weight",
            "fnlwgt",
        )
        assert said.code == 0
        lines = said.out.splitlines()
        assert lines[0] == "data: 2,000 rows, 15 columns"
        assert any(line.startswith("data/sex=Female: ") for line in lines)
        best = next(line for line in lines if line.startswith("what says most of the label: "))
        assert "relationship" in best
        assert not any(line.startswith("warning:") for line in lines)
        assert "pairs (the 10 strongest of " in said.out
        pairs = said.out.partition("pairs (")[2].splitlines()
        assert pairs[1].split() == ["one", "other", "measure", "value"]
        assert pairs[2].split()[:2] == ["education", "education_num"]

    def test_a_slice_by_a_predicate(self, here: Path, headrace: Call) -> None:
        found = headrace("stats", "adult.data", *CENSUS, "--where", "age >= 65", "--column", "age", "--json").json
        whole, old = found["datasets"]
        assert whole["num_examples"] == 2000
        assert old["features"][0]["num_stats"]["min"] >= 65

    def test_a_column_that_gives_the_label_away(self, headrace: Call, tmp_path: Path) -> None:
        rows = "".join(f"{'yes' if at % 3 else 'no'},{at % 3},{at % 7}\n" for at in range(600))
        (tmp_path / "a.csv").write_text("label,code,other\n" + rows)
        said = headrace("stats", tmp_path / "a.csv", "--label", "label")
        assert "warning: code " in said.out
        assert "warning: other " not in said.out

    def test_data_sets_side_by_side(self, here: Path, headrace: Call, tmp_path: Path) -> None:
        text = (here / "adult.data").read_text("utf-8")
        (tmp_path / "new.data").write_text(text.replace(" Male,", " Female,", 500), "utf-8")
        call = ["stats", "adult.data", *CENSUS, "--compare", tmp_path / "new.data", "--html", tmp_path / "page.html"]
        said = headrace(*call)
        lines = said.out.splitlines()
        assert lines[0] == "adult.data: 2,000 rows, 15 columns"
        at = lines.index("new.data against adult.data: 1 of 15 columns drifted")
        assert lines[at + 2].split()[0] == "sex"
        assert (tmp_path / "page.html").stat().st_size > 10_000
        comparison = headrace(*call, "--json").json["comparison"]
        assert [one["feature"] for one in comparison["features"] if one.get("drifted")] == ["sex"]
        same = headrace("stats", "adult.data", *CENSUS, "--compare", "adult.data")
        assert same.out.splitlines()[-1] == "adult.data (2) against adult.data: 0 of 15 columns drifted"

    def test_columns_of_one_side_alone_have_not_drifted(self, headrace: Call, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text("x,y,at\n" + "1,2,2020-01-01\n" * 50)
        (tmp_path / "b.csv").write_text("x,z,at\n" + "1,2,2020-01-01\n" * 50)
        said = headrace("stats", tmp_path / "a.csv", "--compare", tmp_path / "b.csv", "-o", tmp_path / "s.json")
        *_, title, first, second, blank, written = said.out.splitlines()
        assert title.endswith("0 of 2 columns drifted")
        assert [first, second] == ["not in b.csv: y", "not in a.csv: z"]
        assert (blank, written) == ("", f"wrote {tmp_path / 's.json'}")

    def test_moments_are_short(self, headrace: Call, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text("at\n2020-01-01 00:00:00\n2020-01-02 03:04:05\n2020-01-03 00:00:00.5\n")
        said = headrace("stats", tmp_path / "a.csv")
        assert said.out.splitlines()[2].split()[4:] == [
            "2020-01-01",
            "2020-01-02T03:04:05",
            "2020-01-03T00:00:00.500000",
        ]

    def test_standard_input(self, here: Path, headrace: Call, monkeypatch: pytest.MonkeyPatch) -> None:
        for kind, text in (("csv", b"x\n1\n2\n"), ("jsonl", b'{"x": 1}\n{"x": 2}\n')):
            monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text)))
            said = headrace("stats", "-", "--format", kind)
            assert said.out.splitlines()[0] == "2 rows, 1 column"
            _spooled.cache_clear()
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO()))
        assert "The file is empty (standard input)." in headrace("stats", "-").err
        _spooled.cache_clear()

    def test_a_format_that_the_name_does_not_say(self, headrace: Call, tmp_path: Path) -> None:
        (tmp_path / "log").write_text('{"x": [1, 2]}\n{"x": []}\nnot json\n')
        assert headrace("stats", tmp_path / "log").code == 2
        said = headrace("stats", tmp_path / "log", "--format", "jsonl")
        assert said.out.splitlines()[2].split()[:2] == ["x", "int[]"]
        assert "1 of 3 rows" in said.err

    def test_statistics_are_kept(self, here: Path, headrace: Call, tmp_path: Path) -> None:
        from headrace.statistics import Statistics

        headrace("stats", "adult.data", *CENSUS, "-o", tmp_path / "statistics.json")
        assert Statistics.load(tmp_path / "statistics.json")["data"].num_examples == 2000
