"""``headrace doctor``: what is installed, and what is wrong."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
from dataclasses import asdict, dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Literal

import click

from headrace._version import __version__
from headrace.cli.output import Command, emit, home_option, json_option, table
from headrace.config import resolve_home

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["command"]

LOW_DISK_GB = 1.0


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    what: str
    state: Literal["ok", "absent", "wrong"]
    found: str
    fix: str = ""


@click.command("doctor", cls=Command)
@home_option
@json_option
def command(home: str | None, *, as_json: bool) -> int:
    """Say what is installed and what is wrong; leaves with 1 when something is.

    An extra that is not installed is no fault: its line has the command that installs it.

    Example:
      headrace doctor
      headrace doctor --json | jq '.findings[] | select(.state == "wrong")'
    """
    findings = [_python(), *_packages(), _home(resolve_home(home))]
    wrong = [finding for finding in findings if finding.state == "wrong"]
    marks = {"ok": "ok", "absent": "-", "wrong": "WRONG"}
    rows = [
        [marks[finding.state], finding.what, f"{finding.found}: {finding.fix}" if finding.fix else finding.found]
        for finding in findings
    ]
    verdict = f"{len(wrong)} wrong" if wrong else "all is well"
    emit(
        {"version": __version__, "ok": not wrong, "findings": [asdict(finding) for finding in findings]},
        lambda: f"headrace {__version__}: {verdict}\n" + table(["", "what", "found"], rows),
        as_json=as_json,
    )
    return 1 if wrong else 0


def _python() -> Finding:
    found = f"{platform.python_version()} at {sys.executable}"
    if (3, 11) <= sys.version_info[:2] <= (3, 13):
        return Finding("python", "ok", found)
    return Finding("python", "wrong", found, "headrace needs Python 3.11 to 3.13")


def _packages() -> list[Finding]:
    """Look at every requirement that the installed distribution declares."""
    base: list[Finding] = []
    extras: dict[str, list[tuple[str, str | None]]] = {}
    for requirement in metadata.requires("headrace") or []:
        name = re.split(r"[\s<>=!~;\[(]", requirement, maxsplit=1)[0]
        extra = re.search(r"extra == ['\"](\w+)['\"]", requirement)
        if name == "headrace":
            continue
        version = _installed(name)
        if extra is not None:
            extras.setdefault(extra.group(1), []).append((name, version))
        elif version is None:
            base.append(Finding(name, "wrong", "not installed", "pip install headrace"))
        else:
            base.append(Finding(name, "ok", version))
    for extra_name, members in extras.items():
        found = ", ".join(f"{name} {version}" for name, version in members if version)
        if all(version for _, version in members):
            base.append(Finding(f"extra {extra_name}", "ok", found))
        else:
            absent = ", ".join(name for name, version in members if not version)
            base.append(
                Finding(
                    f"extra {extra_name}", "absent", f"{absent} not installed", f"pip install 'headrace[{extra_name}]'"
                )
            )
    return base


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _home(home: Path) -> Finding:
    place = home
    while not place.exists():
        place = place.parent
    if not place.is_dir():
        return Finding("home", "wrong", f"{place} is not a folder", "Name another with --home or HEADRACE_HOME")
    if not os.access(place, os.W_OK):
        return Finding("home", "wrong", f"{home} cannot be written", "Name another with --home or HEADRACE_HOME")
    free = shutil.disk_usage(place).free / 1e9
    if free < LOW_DISK_GB:
        return Finding("home", "wrong", f"{home}, {free:.1f} GB free", "Make room on this disk")
    return Finding("home", "ok", f"{home}, {free:.0f} GB free")
