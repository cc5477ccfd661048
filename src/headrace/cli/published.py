"""The artifact that stands for a published model."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.metadata import ArtifactRecord, MetadataReader

__all__ = ["pushed_artifact"]


def pushed_artifact(reader: MetadataReader, folder: Path) -> ArtifactRecord | None:
    """Return the artifact of the run that published a model folder; None where no run of this home did."""
    place = folder.resolve()
    if place.parent.parent != reader.home / "models":
        return None
    wanted = (place.parent.name, place.name)
    for record in reader.artifacts(type_name="PushedModel"):
        if (record.properties.get("name"), str(record.properties.get("version"))) == wanted:
            return record
    return None
