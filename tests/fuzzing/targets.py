"""The formats by name: how a broken file is made, and how its reader is judged."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.fuzzing import avro_cases, columnar_cases, csv_cases, json_cases, schema_cases, tfrecord_cases

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.fuzzing.cases import Case, Verdict

__all__ = ["TARGETS", "Target", "judged", "made"]


@dataclass(frozen=True)
class Target:
    make: Callable[[random.Random], Case]
    check: Callable[[Case, Path, random.Random], Verdict]


TARGETS = {
    "csv": Target(csv_cases.make, csv_cases.check),
    "json": Target(json_cases.make, json_cases.check),
    "avro": Target(avro_cases.make, avro_cases.check),
    "tfrecord": Target(tfrecord_cases.make, tfrecord_cases.check),
    "arrow": Target(columnar_cases.make_arrow, columnar_cases.check_arrow),
    "orc": Target(columnar_cases.make_orc, columnar_cases.check_orc),
    "parquet": Target(columnar_cases.make_parquet, columnar_cases.check_parquet),
    "yaml": Target(schema_cases.make_yaml, schema_cases.check_yaml),
    "pbtxt": Target(schema_cases.make_pbtxt, schema_cases.check_pbtxt),
}


def made(target: str, seed: int) -> Case:
    """Return the case of a seed, always the same one."""
    return TARGETS[target].make(random.Random(f"{target} {seed}"))


def judged(case: Case, seed: int, folder: Path) -> Verdict:
    """Read a case in every way; raises Finding, or whatever the reader raises that it must not."""
    return TARGETS[case.target].check(case, folder, random.Random(f"{case.target} {seed} read"))
