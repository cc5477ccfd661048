"""``analyze``: trace a preprocessing function, resolve its analyzers over the data, and trace it again."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from headrace.data import cleaning, counted, dictionary_encoded, warn_of_rows
from headrace.data.dataset import known_nulls
from headrace.engines import Counting, LocalEngine, fold_counted
from headrace.errors import DataError, TransformError, did_you_mean
from headrace.model.lists import is_list_type
from headrace.schema import FeatureSpec
from headrace.transform.cache import AnalysisCache
from headrace.transform.checks import data_and_mask, kind_of
from headrace.transform.column_parts import split_by_column
from headrace.transform.columns import Inputs, NullCounter, raw_columns, signature_inputs
from headrace.transform.document_counts import DocumentFrequency
from headrace.transform.finish import check_outputs, finished_model, plain_model
from headrace.transform.fold import AnalyzerInput, CombinedAccumulator, Task
from headrace.transform.graph import AnalyzerResult, TransformGraph
from headrace.transform.lineage import infos, path_between, reached, shape_of_computation
from headrace.transform.mistakes import defined_at, explain
from headrace.transform.rowwise import check_rowwise
from headrace.transform.trace import Trace, tracing
from headrace.transform.word_shards import Words, in_words
from headrace.transform.word_store import TemporaryWords

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection, Mapping, Sequence

    import ndonnx as ndx
    import onnx
    import spox
    from spox._var import _VarInfo

    from headrace.data import Dataset
    from headrace.engines import Engine
    from headrace.transform.columns import ColumnInputs, RawColumn
    from headrace.transform.trace import AnalyzerCall

__all__ = ["analyze", "open_dataset"]


def open_dataset(source: Any) -> Dataset:
    """Return the dataset of a source, table, path or dataset."""
    from headrace.data import Dataset, as_source

    if isinstance(source, Dataset):
        return source
    opened: Dataset = as_source(source).dataset()
    return opened


@dataclass
class _Pass:
    trace: Trace
    columns: dict[str, ColumnInputs]
    outputs: dict[str, ndx.Array]

    def column_of(self) -> dict[_VarInfo, str]:
        """Name the raw column of each of the graph's inputs."""
        return {
            var._var_info: name  # noqa: SLF001 - spox's identity of a value
            for name, column in self.columns.items()
            for var in column.arguments.values()
        }


def analyze(
    source: Any,
    preprocessing_fn: Callable[[Mapping[str, ndx.Array]], Mapping[str, ndx.Array]],
    *,
    engine: Engine | None = None,
    optional: Collection[str] | None = None,
    cache: str | os.PathLike[str] | AnalysisCache | None = None,
) -> TransformGraph:
    """Resolve the analyzers of a preprocessing function over data, and finish its graph.

    Parameters
    ----------
    source
        A dataset, a source, a path, a table.
    preprocessing_fn
        Takes a mapping from column to array, and returns the outputs by name. An array is nullable where its column
        may be missing. The function is called once more than analyzers are nested, and must do the same every time.
    engine
        Reads the data once for each level of analyzers; threads on this machine when None.
    optional
        The columns that may be missing. When None, they are those that are missing in a row of the data (which one
        more, cheap pass finds out).
    cache
        A folder that keeps what was gathered of each file, so that only files that are new or changed are read when
        the same function is analyzed over more data.

    Raises
    ------
    TransformError
        If the function cannot become a graph, or an analyzer finds no value; with the user's file and line.
    DataError
        If the data cannot be read.
    """
    dataset = dictionary_encoded(open_dataset(source))
    engine = engine or LocalEngine()
    kept = cache if cache is None or isinstance(cache, AnalysisCache) else AnalysisCache(cache)
    if kept is not None:
        kept.look_at(dataset)
    words = Words(TemporaryWords()) if kept is None else Words(kept.words, kept.key_of)
    if optional is None:
        names = [column.name for column in raw_columns(dataset.schema, ())]
        optional = _missing_somewhere(dataset, names, engine, kept)
    else:
        # Whether items of lists of one length are missing, nobody says but the data.
        fixed = [column.name for column in raw_columns(dataset.schema, ()) if isinstance(column.size, int)]
        if fixed:
            optional = {*optional, *_missing_somewhere(dataset, fixed, engine, kept)}
    for name in optional:
        if name not in dataset.schema.names:
            raise TransformError(
                "Columns that may be missing are columns of the data", got=name, fix=did_you_mean(name, dataset.columns)
            )
    columns = raw_columns(dataset.schema, optional)
    others = [name for name in dataset.schema.names if name not in {column.name for column in columns}]

    values: dict[int, Any] = {}
    first: _Pass | None = None
    while True:
        this = _trace(preprocessing_fn, columns, others, values)
        if first is None:
            first = this
        _check_same(first.trace, this.trace)
        waiting = [call for call in this.trace.calls if call.is_open]
        if not waiting:
            break
        ready = [call for call in waiting if not this.trace.depends_on_open(*call.columns)]
        values |= _resolve(ready, this, columns, dataset, engine, kept, words)
    learnt = None
    if this.trace.training_differs:
        learnt = _trace(preprocessing_fn, columns, others, values, training=True)
        _check_same(first.trace, learnt.trace)
    graph = _finish(first, this, learnt, columns, dataset.columns)
    # What is only transformed is no part of the analysis to be kept.
    graph.words = words if kept is None else Words(kept.words.for_reading(), kept.known_key_of)
    if kept is not None:
        kept.sweep()
    _check_on_data(graph, dataset, defined_at(preprocessing_fn))
    return graph


def _missing_somewhere(dataset: Dataset, names: Sequence[str], engine: Engine, cache: AnalysisCache | None) -> set[str]:
    """Find which of some columns have missing values, reading only those of which the data does not tell by itself."""
    known = _known_nulls(dataset, names)
    found = {name for name, count in known.items() if count}
    if known and len(known) == len(names):
        return found
    # What is read whole may leave rows out, of which a warning tells.
    whole = not known and len(names) == len(raw_columns(dataset.schema, ()))
    rest = None if whole else [name for name in names if name not in known]
    make = partial(NullCounter, dataset.schema)
    if cache is None:
        counter, aside = fold_counted(engine, dataset, make, columns=rest)
    else:
        key = [b"nulls", dataset.schema.to_string(show_field_metadata=True).encode()]
        every = counted(dataset)
        counter, aside = cache.fold(engine, every, partial(Counting, make), columns=rest, key=key).result()
    warn_of_rows(aside, counter.rows)
    return found | set(counter.result())


def _known_nulls(dataset: Dataset, names: Sequence[str]) -> dict[str, int]:
    # A text may mean missing, which only reading can tell, and the same goes for an item of a list.
    fields = [dataset.schema.field(name) for name in names]
    plain = [one.name for one in fields if not cleaning(one).null_values and not is_list_type(one.type)]
    known = dict.fromkeys(plain, 0)
    for shard in dataset.shards:
        nulls = known_nulls(shard, list(known))
        known = {name: count + nulls[name] for name, count in known.items() if name in nulls}
    return known


def _check_on_data(graph: TransformGraph, dataset: Dataset, where: str | None) -> None:
    transform = graph.batch_transform()
    columns = list(dict.fromkeys(item.feature for item in transform.inputs)) or dataset.columns[:1]
    batch = next((batch for batch in dataset.batches(columns) if batch.num_rows), None)
    if batch is not None:
        check_rowwise(transform, batch, where)


def _trace(
    function: Callable[[Any], Any],
    columns: Sequence[RawColumn],
    others: Sequence[str],
    values: dict[int, Any],
    *,
    training: bool = False,
) -> _Pass:
    inputs = Inputs(columns, others)
    with tracing(Trace(dict(values), training)) as trace:
        try:
            outputs = function(inputs)
        except Exception as error:
            raise explain(error) from error
    check_outputs(outputs, function, trace)
    return _Pass(trace, inputs.entered, dict(outputs))


def _check_same(first: Trace, this: Trace) -> None:
    for before, now in zip(first.calls, this.calls, strict=False):
        if before.analyzer != now.analyzer or before.where != now.where:
            raise TransformError(
                "A preprocessing function must do the same each time that it is called",
                got=f"tft.{now.analyzer.name} where tft.{before.analyzer.name} ({before.where}) was called before",
                where=now.where,
                fix="Let it depend on nothing but its inputs: no random numbers, no state outside of it",
            )
    if len(first.calls) != len(this.calls):
        raise TransformError(
            "A preprocessing function must do the same each time that it is called",
            got=f"{len(this.calls)} analyzers after {len(first.calls)}",
            where=(first.calls or this.calls)[0].where,
            fix="Let it depend on nothing but its inputs: no random numbers, no state outside of it",
        )


@dataclass
class _Plan:
    """Shares equal inputs among analyzers, and equal analyzers among calls."""

    known: dict[_VarInfo, int] = field(default_factory=dict)
    numbers: dict[Any, int] = field(default_factory=dict)
    inputs: dict[tuple[int, ...], AnalyzerInput] = field(default_factory=dict)
    arrays: dict[str, spox.Var] = field(default_factory=dict)
    tasks: dict[Task, list[AnalyzerCall]] = field(default_factory=dict)

    def add(self, call: AnalyzerCall) -> None:
        looks_at = tuple(self._input(column) for column in call.columns)
        self.tasks.setdefault(Task(call.analyzer, looks_at), []).append(call)

    def _input(self, column: ndx.Array) -> AnalyzerInput:
        key = tuple(shape_of_computation(info, self.known, self.numbers) for info in infos(column))
        if key not in self.inputs:
            number = len(self.inputs)
            data, mask = data_and_mask(column)
            names = AnalyzerInput(f"values_{number}", None if mask is None else f"missing_{number}")
            self.arrays[names.values] = data.unwrap_spox()
            if names.missing is not None and mask is not None:
                self.arrays[names.missing] = mask.unwrap_spox()
            self.inputs[key] = names
        return self.inputs[key]


def _infos_of(call: AnalyzerCall) -> list[_VarInfo]:
    return [info for column in call.columns for info in infos(column)]


def _resolve(
    ready: Sequence[AnalyzerCall],
    this: _Pass,
    columns: Sequence[RawColumn],
    dataset: Dataset,
    engine: Engine,
    cache: AnalysisCache | None,
    words: Words,
) -> dict[int, Any]:
    plan = _Plan()
    for call in ready:
        plan.add(call)
    column_of = this.column_of()
    needed = {column_of[info] for call in ready for info in reached(_infos_of(call)) if info in column_of}
    used = [column for column in columns if column.name in needed]
    arguments = {name: var for column in used for name, var in this.columns[column.name].arguments.items()}
    model = plain_model(arguments, plan.arrays)
    inputs = signature_inputs(used)
    tasks = tuple(plan.tasks)
    names = [column.name for column in used] or dataset.columns[:1]
    make = partial(CombinedAccumulator, model, inputs, tasks)
    split = split_by_column(model, inputs)
    counted = any(isinstance(call.analyzer, DocumentFrequency) for call in this.trace.calls)
    dataset = in_words(dataset, split, words, counted=counted)
    if cache is None:
        total = engine.fold(dataset.shards, make, columns=names)
    else:
        key = [model, repr((inputs, tasks)).encode()]
        # What depends on values of analyzers is another thing with every new day.
        total = cache.fold(engine, dataset, make, columns=names, key=key, grows=not this.trace.values)
    values: dict[int, Any] = {}
    for calls, value in zip(plan.tasks.values(), total.result(), strict=True):
        if value is None:
            raise _nothing_seen(calls[0], this, total.rows)
        values |= dict.fromkeys((call.number for call in calls), value)
    return values


def _nothing_seen(call: AnalyzerCall, this: _Pass, rows: int) -> Exception:
    if rows == 0:
        return DataError("Analyzers need data", got="no rows", where=call.where)
    column_of = this.column_of()
    names = sorted({column_of[info] for info in reached(_infos_of(call)) if info in column_of})
    named = f"column {names[0]!r}" if len(names) == 1 else f"a value made of columns {', '.join(names)}"
    return TransformError(
        f"tft.{call.analyzer.name} needs at least one value that is not missing",
        got=f"{named}, missing (or NaN) in all {rows} rows",
        where=call.where,
        fix="Leave the column out, or fill it first with tft.fill_missing",
    )


def _model(last: _Pass, kept: Sequence[RawColumn]) -> tuple[onnx.ModelProto, dict[str, tuple[int, ...]]]:
    arguments = {name: var for column in kept for name, var in last.columns[column.name].arguments.items()}
    return finished_model(arguments, last.outputs)


def _finish(
    first: _Pass, last: _Pass, learnt: _Pass | None, columns: Sequence[RawColumn], known: Sequence[str]
) -> TransformGraph:
    paths, reads = _paths(first)
    kept = tuple(column for column in columns if column.name in last.columns)
    model, shapes = _model(last, kept)
    order = [column.name for column in kept]
    features = []
    for name, array in last.outputs.items():
        domain = last.trace.domain(array)
        truth = kind_of(array) == "truth"
        number = "float" in str(array.dtype)
        features.append(
            FeatureSpec(
                name,
                "float32" if number else "int64",
                shapes[name],
                num_buckets=2 if truth else None if domain is None or number else domain.num_buckets,
                vocabulary=None if domain is None or number else domain.vocabulary,
                sources=tuple(column for column in order if column in reads[name]),
            )
        )
    behind = {name: _calls_behind(first, array) for name, array in first.outputs.items()}
    results = tuple(
        AnalyzerResult(
            call.analyzer.name,
            _in_order(_raw_sources(first, *before.columns), order),
            call.where.rpartition("/")[2] if call.where else None,
            call.value,
            tuple(name for name, numbers in behind.items() if call.number in numbers),
        )
        for before, call in zip(first.trace.calls, last.trace.calls, strict=True)
    )
    ignored = tuple(name for name in known if name not in last.columns)
    training_model = None if learnt is None else _model(learnt, kept)[0]
    return TransformGraph(model, kept, tuple(features), results, paths, ignored, training_model)


def _calls_behind(this: _Pass, array: ndx.Array) -> set[int]:
    found = reached(infos(array), lambda info: this.trace.stand_ins.get(info, ()))
    return {number for info in found for number in this.trace.calls_behind.get(info, ())}


def _in_order(names: set[str], order: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in order if name in names)


def _raw_sources(this: _Pass, *arrays: ndx.Array) -> set[str]:
    column_of = this.column_of()
    found = reached(
        [info for array in arrays for info in infos(array)], lambda info: this.trace.stand_ins.get(info, ())
    )
    return {column_of[info] for info in found if info in column_of}


def _paths(this: _Pass) -> tuple[dict[str, dict[str, list[str]]], dict[str, set[str]]]:
    """Find, in the first pass, where no analyzer is replaced by its value, how columns reach outputs."""
    column_of = this.column_of()
    labels = this.trace.labels
    paths: dict[str, dict[str, list[str]]] = {}
    for name, array in this.outputs.items():
        found = reached(infos(array), lambda info: this.trace.stand_ins.get(info, ()))
        paths[name] = {}
        # A column's values come before its mask among the graph's inputs, and say more.
        for info in column_of:
            if info in found and column_of[info] not in paths[name]:
                steps = path_between(found, info, labels.get)
                paths[name][column_of[info]] = [f"column {column_of[info]!r}", *steps, f"output {name!r}"]
    return paths, {name: set(ways) for name, ways in paths.items()}
