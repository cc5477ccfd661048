from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.pipeline.conftest import Project


def test_provenance_names_code_parameters_and_data_of_all_before(project: Project) -> None:
    project.write(
        """
        import json

        @component
        def read(path: FilePath) -> Text:
            return write(Path(path).read_text())

        @component
        def push(text: Text) -> Text:
            step = current_step()
            assert step is not None and step.scratch.is_dir()
            return write(json.dumps(step.provenance()))

        @pipeline
        def demo(times: int = 3):
            make()
            push(twice(read("data.txt")))
        """
    )
    (project.folder / "data.txt").write_text("one")
    result = project.run()
    facts = json.loads((result.step("push").paths["Text"] / "text").read_text())
    assert (facts["run_id"], facts["pipeline"], facts["parameters"]) == (result.run_id, "demo", {"times": 3})
    assert list(facts["steps"]) == ["read", "twice", "push"]
    assert facts["steps"]["read"]["data"][0]["path"] == str(project.folder / "data.txt")
    assert facts["steps"]["twice"]["inputs"][0]["digest"] == result.step("read").outputs["Text"].digest
    assert facts["steps"]["push"]["code_digest"]
