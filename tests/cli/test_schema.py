from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cli.census import CENSUS, NAMES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Said

    Call = Callable[..., Said]


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

    def test_what_a_change_uncovers_is_accepted_too(self, headrace: Call, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text("x\n1\n2\n")
        (tmp_path / "b.csv").write_text("x\n1.5\n7.5\n")
        schema = tmp_path / "schema.yaml"
        assert headrace("schema", "infer", tmp_path / "a.csv", "--ranges", "-o", schema).code == 0
        said = headrace("schema", "accept", schema, tmp_path / "b.csv")
        assert (said.code, said.out.splitlines()) == (0, ["x: type INT -> FLOAT", "x: max 2 -> 7.5"])
        again = headrace("schema", "accept", schema, tmp_path / "b.csv", "-o", tmp_path / "same.yaml")
        assert (again.code, again.out) == (0, "nothing to change\n")
        assert (tmp_path / "same.yaml").read_text("utf-8") == schema.read_text("utf-8")

    def test_anomalies_are_accepted_one_by_one(self, here: Path, headrace: Call, tmp_path: Path) -> None:
        text = (here / "adult.data").read_text("utf-8").replace("Bachelors", "Batchelors", 1)
        (tmp_path / "new.data").write_text(text.replace(" Male,", " male,", 3), "utf-8")
        call = ["schema", "accept", "schema.yaml", tmp_path / "new.data", *CENSUS, "-o", tmp_path / "schema.yaml"]
        said = headrace(*call, "--only", "education")
        assert said.code == 3
        lines = said.out.splitlines()
        assert lines[0] == "education: values + 'Batchelors'"
        assert lines[1].startswith("left: sex has only values of its domain")
        both = headrace(*call)
        assert (both.code, len(both.out.splitlines())) == (0, 2)
        fits = headrace("validate", tmp_path / "new.data", *CENSUS, "--schema", tmp_path / "schema.yaml")
        assert fits.code == 0
        nothing = headrace(*call, "--only", "age:range")
        assert nothing.code == 2
        assert "There are: education:domain_values, sex:domain_values" in nothing.err

    def test_to_tfx_and_back(self, here: Path, headrace: Call, tmp_path: Path) -> None:
        said = headrace("schema", "export", "schema.yaml", "--to", "pbtxt", "-o", tmp_path / "schema.pbtxt")
        assert said.out == f"wrote {tmp_path / 'schema.pbtxt'}\n"
        headrace("schema", "import", tmp_path / "schema.pbtxt", "-o", tmp_path / "back.yaml")
        assert headrace("schema", "diff", "schema.yaml", tmp_path / "back.yaml").code == 0

    def test_to_json_schema(self, here: Path, headrace: Call, tmp_path: Path) -> None:
        said = headrace("schema", "export", "schema.yaml", "--to", "json-schema")
        assert said.json["properties"]["sex"]["enum"] == ["Female", "Male"]
        label = '">50K."]\n'
        text = (here / "schema.yaml").read_text("utf-8")
        assert label in text
        (tmp_path / "schema.yaml").write_text(text.replace(label, f"{label}    not_in_environment: [serving]\n"))
        call = ["schema", "export", tmp_path / "schema.yaml", "--to", "json-schema", "--environment", "serving"]
        serving = headrace(*call)
        assert "income_bracket" not in serving.json["properties"]
