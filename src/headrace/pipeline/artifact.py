"""Artifacts: typed handles on folders."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Self

from headrace.pipeline.context import current_step, new_folder
from headrace.storage import tree_digest

__all__ = ["Artifact"]


class Artifact:
    """A folder of a known type, which a step has made or is making.

    Subclasses add methods that read and write the folder; their ``type_name`` is the name of the class unless they
    set another.

    Parameters
    ----------
    path
        The folder.
    properties
        Small facts for people, as JSON values, shown with the lineage.
    """

    type_name: ClassVar[str] = "Artifact"
    path: Path
    properties: dict[str, Any]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "type_name" not in cls.__dict__:
            cls.type_name = cls.__name__

    def __init__(self, path: str | Path, *, properties: dict[str, Any] | None = None) -> None:
        self.path = Path(path)
        self.properties = dict(properties or {})
        self._digest: str | None = None
        self._id: str | None = None

    @classmethod
    def create(cls) -> Self:
        """Make a new artifact with an empty folder, to be filled.

        Inside a step it is published when the step succeeds; outside a run it lives as long as the process.
        """
        artifact = cls(new_folder(cls.type_name))
        step = current_step()
        if step is not None:
            step.created.append(artifact)
        return artifact

    @classmethod
    def published(cls, path: Path, artifact_id: str, digest: str, properties: dict[str, Any]) -> Self:
        """Return the handle on an artifact that the metadata knows."""
        artifact = cls(path, properties=properties)
        artifact._id = artifact_id
        artifact._digest = digest
        return artifact

    @property
    def id(self) -> str | None:
        """The id in the metadata, or None where the artifact is not published."""
        return self._id

    @property
    def digest(self) -> str:
        """The digest of names and bytes in the folder (of an unpublished one: as it is now)."""
        return self._digest if self._digest is not None else tree_digest(self.path)

    def still_holds(self) -> bool:
        """Whether what the artifact stands for is still there; if not, the step that made it runs again.

        For types that stand for something outside their folder; it is asked before a step is reused, so it is quick.
        """
        return self.path.is_dir()

    def __repr__(self) -> str:
        return f"{self.type_name}({str(self.path)!r})"
