"""Event files, read back by TensorBoard itself."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.compat.proto.event_pb2 import Event

from headrace.training.tensorboard import FILE_NAME, EventWriter, crc32c, frame, scalar_event

if TYPE_CHECKING:
    from pathlib import Path


def read(path: Path) -> list[Event]:
    return [Event.FromString(record) for record in RawEventFileLoader(str(path)).Load()]


def test_tensorboard_reads_what_was_written(tmp_path: Path) -> None:
    with EventWriter(tmp_path / "events", 1000.5) as writer:
        writer.scalars(1, {"loss": 0.5, "validation_loss": 0.75}, 1001.0)
        writer.scalars(300, {"loss": 0.25}, 1002.0)
    header, first, second = read(tmp_path / "events" / FILE_NAME)
    assert header.file_version == "brain.Event:2"
    assert header.wall_time == 1000.5
    assert {value.tag: value.simple_value for value in first.summary.value} == {"loss": 0.5, "validation_loss": 0.75}
    assert (second.step, second.wall_time, second.summary.value[0].simple_value) == (300, 1002.0, 0.25)


def test_an_open_file_can_be_watched(tmp_path: Path) -> None:
    writer = EventWriter(tmp_path, 0.0)
    writer.scalars(1, {"loss": 1.0}, 0.0)
    assert len(read(tmp_path / FILE_NAME)) == 2
    writer.close()


@settings(deadline=None)
@given(
    st.integers(0, 2**62),
    st.dictionaries(st.text(min_size=1), st.floats(width=32, allow_nan=False), max_size=4),
    st.floats(0, 1e10),
)
def test_any_event_decodes_to_itself(step: int, values: dict[str, float], wall_time: float) -> None:
    event = Event.FromString(scalar_event(step, values, wall_time))
    assert event.step == step
    assert event.wall_time == wall_time
    assert {value.tag: value.simple_value for value in event.summary.value} == values


@pytest.mark.parametrize(
    ("data", "value"), [(b"", 0), (b"123456789", 0xE3069283), (bytes(32), 0x8A9136AA), (b"\xff" * 32, 0x62A8AB43)]
)
def test_the_checksum_is_that_of_the_standard(data: bytes, value: int) -> None:
    assert crc32c(data) == value


def test_a_frame_begins_with_the_length() -> None:
    assert struct.unpack("<Q", frame(b"abc")[:8]) == (3,)
    assert len(frame(b"abc")) == 8 + 4 + 3 + 4
