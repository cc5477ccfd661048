"""The artifact types that the standard components read and write; their names are those of TFX."""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from headrace.components.splits import keep_split
from headrace.errors import DataError, did_you_mean
from headrace.pipeline import Artifact

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

    from headrace.data import Dataset, SpanFile
    from headrace.evaluation import EvalResult
    from headrace.model import LoadedModel
    from headrace.schema import Schema as SchemaOfData
    from headrace.statistics import Statistics
    from headrace.transform import TransformGraph as Graph
    from headrace.validation import Anomalies, SkewResult

__all__ = [
    "ExampleAnomalies",
    "ExampleStatistics",
    "Examples",
    "ExamplesDiff",
    "HyperParameters",
    "InferenceResult",
    "InfraBlessing",
    "Model",
    "ModelEvaluation",
    "PushedModel",
    "Schema",
    "TransformGraph",
]


# The folder of rows that could not be read, beside those of the splits.
SET_ASIDE = "unreadable"


class Examples(Artifact):
    """An immutable snapshot of rows, in splits: a folder of Parquet files for each, and ``examples.json``."""

    type_name: ClassVar[str] = "Examples"

    @cached_property
    def summary(self) -> dict[str, Any]:
        """Rows of each split, rows that were read and set aside, and the spans that they came from."""
        summary: dict[str, Any] = json.loads((self.path / "examples.json").read_text("utf-8"))
        return summary

    @property
    def splits(self) -> list[str]:
        """Names of the splits, in the order in which they were made."""
        return list(self.summary["rows"])

    @property
    def spans(self) -> dict[str, list[SpanFile]]:
        """Source name → the files of spans that were read; empty where no source has spans."""
        from headrace.data import SpanFile

        said: dict[str, list[dict[str, Any]]] = self.summary.get("spans", {})
        return {name: [SpanFile(**one) for one in files] for name, files in said.items()}

    def split(self, name: str) -> Dataset:
        """Open one split.

        Raises
        ------
        DataError
            If there is no split of that name.
        """
        from headrace.data import open_parquet

        if name not in self.splits:
            raise DataError(
                "A split that the examples have is wanted",
                got=name,
                where=str(self.path),
                fix=did_you_mean(name, self.splits),
            )
        return open_parquet(self.path / name)

    def unreadable(self) -> Dataset | None:
        """Open the rows that could not be read (file, row, reason, text); None where there are none."""
        from headrace.data import open_parquet

        folder = self.path / SET_ASIDE
        return open_parquet(folder) if folder.is_dir() else None

    def map(self, function: Callable[[pa.RecordBatch], pa.RecordBatch]) -> Examples:
        """Make new examples, with the same splits, of what ``function`` makes of every record batch."""
        from headrace.data import ParquetSink
        from headrace.engines import LocalEngine

        made = type(self).create()
        rows: dict[str, int] = {}
        for name in self.splits:
            mapped = LocalEngine().map(self.split(name).shards, function, ParquetSink(made.path / name))
            rows[name] = keep_split(made.path / name, mapped)
        made.describe({"rows": rows})
        return made

    def describe(self, summary: dict[str, Any]) -> None:
        """Write ``examples.json``, and keep its counts and spans as properties."""
        (self.path / "examples.json").write_text(json.dumps(summary, indent=2, ensure_ascii=False), "utf-8")
        self.properties |= {key: value for key, value in summary.items() if key != "unreadable"}


class ExampleStatistics(Artifact):
    """Statistics of every split: ``statistics.json``."""

    type_name: ClassVar[str] = "ExampleStatistics"

    def load(self) -> Statistics:
        """Read the statistics."""
        from headrace.statistics import Statistics

        return Statistics.load(self.path / "statistics.json")


class Schema(Artifact):
    """What the data should look like: ``schema.yaml``."""

    type_name: ClassVar[str] = "Schema"

    def load(self) -> SchemaOfData:
        """Read the schema."""
        from headrace.schema import Schema as SchemaOfData

        return SchemaOfData.load(self.path / "schema.yaml")


class ExampleAnomalies(Artifact):
    """Where the data does not fit its schema: ``anomalies.json``."""

    type_name: ClassVar[str] = "ExampleAnomalies"

    def load(self) -> Anomalies:
        """Read the anomalies."""
        from headrace.validation import Anomalies

        return Anomalies.load(self.path / "anomalies.json")

    def rows(self, split: str) -> Dataset:
        """Open the rows of a split that break a rule, where rows were checked, with the reasons.

        Raises
        ------
        DataError
            If rows were not checked, or there is no such split.
        """
        from headrace.data import open_parquet

        return open_parquet(self.path / "rows" / f"{split}.parquet")


class ExamplesDiff(Artifact):
    """Where rows of the same key differ between two snapshots: ``<split>.json``."""

    type_name: ClassVar[str] = "ExamplesDiff"

    def load(self, split: str) -> SkewResult:
        """Read the counts of a split.

        Raises
        ------
        DataError
            If there is no split of that name.
        """
        from headrace.validation import SkewResult

        return SkewResult.load(self.path / f"{split}.json")


class TransformGraph(Artifact):
    """An analysed ``preprocessing_fn`` as a graph, and the schema of its raw columns."""

    type_name: ClassVar[str] = "TransformGraph"

    def load(self) -> Graph:
        """Read the graph."""
        from headrace.transform import TransformGraph as Graph

        return Graph.load(self.path)


class HyperParameters(Artifact):
    """The best parameters of a search, and all of its trials: ``tuning.json``."""

    type_name: ClassVar[str] = "HyperParameters"

    def load(self) -> dict[str, Any]:
        """Read the best parameters."""
        best: dict[str, Any] = json.loads((self.path / "tuning.json").read_text("utf-8"))["best_params"]
        return best


class Model(Artifact):
    """A model folder: ``model.onnx``, ``signature.json``, ``schema.yaml``, ``training.json``, ``native/``."""

    type_name: ClassVar[str] = "Model"

    def load(self) -> LoadedModel:
        """Open the model for prediction."""
        from headrace.model import load_model

        return load_model(self.path)


class ModelEvaluation(Artifact):
    """Metrics, slices, and the verdict over a model: ``evaluation.json``."""

    type_name: ClassVar[str] = "ModelEvaluation"

    def load(self) -> EvalResult:
        """Read the evaluation."""
        from headrace.evaluation import EvalResult

        return EvalResult.load(self.path / "evaluation.json")


class InfraBlessing(Artifact):
    """The verdict of the crash test: ``crash_test.json``."""

    type_name: ClassVar[str] = "InfraBlessing"

    @cached_property
    def verdict(self) -> dict[str, Any]:
        """What was tried and how it went; ``ok`` says whether the model may be served."""
        verdict: dict[str, Any] = json.loads((self.path / "crash_test.json").read_text("utf-8"))
        return verdict


class PushedModel(Artifact):
    """Where a model was published: ``push.json``."""

    type_name: ClassVar[str] = "PushedModel"

    @cached_property
    def target(self) -> dict[str, Any]:
        """Name, version and folder of the published model."""
        target: dict[str, Any] = json.loads((self.path / "push.json").read_text("utf-8"))
        return target

    def still_holds(self) -> bool:
        """Whether the version is still published."""
        # Beside the artifacts, so that a home that was moved still has it.
        home = self.path.parents[2]
        version = home / "models" / self.properties["name"] / str(self.properties["version"])
        return super().still_holds() and (version / "model.onnx").is_file()


class InferenceResult(Artifact):
    """Predictions with the keys of their rows: Parquet files in ``predictions/<split>/``."""

    type_name: ClassVar[str] = "InferenceResult"

    @property
    def splits(self) -> list[str]:
        """Names of the splits, in the order of the alphabet."""
        return sorted(folder.name for folder in (self.path / "predictions").iterdir() if folder.is_dir())

    def dataset(self, *splits: str) -> Dataset:
        """Open the predictions of some splits, one after the other, or of all.

        Raises
        ------
        DataError
            If there are no predictions of such a split.
        """
        from headrace.data import open_parquet

        for name in splits:
            if name not in self.splits:
                raise DataError(
                    "A split that was predicted is wanted",
                    got=name,
                    where=str(self.path),
                    fix=did_you_mean(name, self.splits),
                )
        folders = [self.path / "predictions" / name for name in splits or self.splits]
        return open_parquet([file for folder in folders for file in sorted(folder.glob("*.parquet"))])
