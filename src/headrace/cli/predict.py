"""``headrace predict``: predictions of a model without a server."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headrace.cli.output import Command, emit, home_option, json_option, to_json
from headrace.config import resolve_home
from headrace.errors import RequestError, UsageError

if TYPE_CHECKING:
    import numpy as np

    from headrace.model import LoadedModel

__all__ = ["command"]


@click.command("predict", cls=Command)
@click.argument("model")
@click.argument("rows", default="-")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write a Parquet file, for data files."
)
@click.option(
    "--key", "keys", multiple=True, metavar="COLUMN", help="Column to keep beside the predictions; may be repeated."
)
@home_option
@json_option
def command(
    model: str, rows: str, output: Path | None, keys: tuple[str, ...], home: str | None, *, as_json: bool
) -> None:
    """Predict ROWS with MODEL (a name, name/version, or a folder).

    ROWS is a JSON file (a list of objects, an object with "instances" or "inputs", or one object a line), "-" for
    standard input, or a data file (Parquet, CSV with a head) with --output.

    Example:
      headrace predict census people.json
      echo '{"age": 25, …}' | headrace predict census/3
      headrace predict census new.parquet --key id -o predictions.parquet
    """
    from headrace.model import load_model
    from headrace.registry import Registry

    loaded = load_model(Registry(resolve_home(home)).resolve(model))
    if rows == "-" or Path(rows).suffix.lower() in {".json", ".jsonl", ".ndjson"}:
        if output is not None or keys:
            raise UsageError("--output and --key go with data files", got=rows, fix="Leave them out")
        given = _read(rows)
        predictions = [_plain(one) for one in _rows(loaded.predict(given))]
        text = "\n".join(to_json(one) for one in predictions)
        emit({"predictions": predictions}, text, as_json=as_json)
        return
    if output is None:
        raise UsageError("Predictions of a data file go to a Parquet file", got=rows, fix="Name it with --output")
    count = _predict_file(loaded, rows, output, keys)
    emit({"rows": count, "written": str(output)}, f"{count:,} predictions in {output}", as_json=as_json)


def _read(name: str) -> list[dict[str, Any]] | dict[str, list[Any]]:
    where = "standard input" if name == "-" else name
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text("utf-8")
    except UnicodeDecodeError as error:
        raise RequestError("Rows are JSON in UTF-8", got=str(error), where=where) from error
    except OSError as error:
        raise UsageError("Rows come from a file that can be read", got=error.strerror, where=where) from error
    if not text.strip():
        raise RequestError("At least one row is wanted", got="none", where=where)
    try:
        given = json.loads(text)
    except ValueError:
        found = []
        for number, line in enumerate(text.splitlines(), 1):
            if not line.strip():
                continue
            try:
                found.append(json.loads(line))
            except ValueError as error:
                raise RequestError("Rows are JSON", got=str(error), where=f"{where}, line {number}") from error
        given = found
    except RecursionError as error:
        raise RequestError("Rows are JSON objects", got="deeply nested JSON", where=where) from error
    if isinstance(given, dict):
        if isinstance(given.get("inputs"), dict):
            return dict(given["inputs"])
        given = given.get("instances", [given])
    if not isinstance(given, list) or not all(isinstance(row, dict) for row in given):
        raise RequestError("Rows are objects of field and value", got=text[:80], where=where)
    return given


def _rows(outputs: dict[str, np.ndarray]) -> list[dict[str, Any]]:
    count = len(next(iter(outputs.values())))
    return [{name: values[row] for name, values in outputs.items()} for row in range(count)]


def _plain(value: Any) -> Any:
    """Return an output as JSON has it: a float32 as the shortest decimal that gives it again."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if getattr(value, "ndim", 0):
        return [_plain(one) for one in value]
    if getattr(value, "dtype", None) == "float32":
        return float(str(value))
    return value.item() if hasattr(value, "item") else value


def _predict_file(loaded: LoadedModel, path: str, output: Path, keys: tuple[str, ...]) -> int:
    import pyarrow.parquet as pq

    from headrace.data import SetAside, as_source, counted, set_aside_in, warn_of_rows
    from headrace.serving import with_predictions
    from headrace.storage import disk_errors

    dataset = as_source(path).dataset()
    predict = with_predictions(loaded, keys)
    dataset.check_columns(keys)
    partial = output.with_name(f".{output.name}.part")
    count = 0
    left_out = SetAside()
    writer = None
    try:
        with disk_errors(output):
            for batch in counted(dataset).batches():
                left_out += set_aside_in(batch) or SetAside()
                made = predict(batch)
                writer = writer or pq.ParquetWriter(partial, made.schema, compression="zstd")
                writer.write_batch(made)
                count += made.num_rows
            if writer is None:
                raise RequestError("At least one row is wanted", got="none", where=path)
            writer.close()
            partial.replace(output)
            warn_of_rows(left_out, count)
    finally:
        partial.unlink(missing_ok=True)
    return count
