from __future__ import annotations

from pathlib import Path

from headrace.pipeline import Artifact


class Text(Artifact):
    pass


def test_artifact_type_names() -> None:
    class Named(Artifact):
        type_name = "other"

    class Inherited(Named):
        pass

    assert (Text.type_name, Named.type_name, Inherited.type_name) == ("Text", "other", "Inherited")
    assert repr(Text(Path("x"))) == "Text('x')"
    assert Text(Path("x"), properties={"rows": 1}).properties == {"rows": 1}
    assert Text(Path("x")).id is None
