"""A home with a finished run, made by the libraries themselves but without running a pipeline."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import pytest

from headrace.metadata import (
    ArtifactRecord,
    ExecutionRecord,
    ExternalInput,
    MetadataStore,
    RunRecord,
    StepRecord,
)

if TYPE_CHECKING:
    from pathlib import Path

START = 1_795_201_302.0
NASTY = "<script>alert('x')</script>"


def census(rows: int, seed: int) -> dict[str, list[Any]]:
    chance = random.Random(seed)
    ages = [min(90, max(17, int(chance.gauss(38, 13)))) for _ in range(rows)]
    return {
        "age": ages,
        "hours": [None if chance.random() < 0.05 else chance.choice([20.0, 35.0, 40.0, 40.0, 60.0]) for _ in ages],
        "education": [chance.choice(["HS-grad", "HS-grad", "Bachelors", "Masters", NASTY]) for _ in ages],
        "sex": [chance.choice(["Male", "Male", "Female"]) for _ in ages],
        "label": [int(chance.random() < age / 150) for age in ages],
        "prediction": [min(1.0, max(0.0, age / 150 + chance.gauss(0, 0.1))) for age in ages],
    }


def _write_artifacts(folder: Path) -> dict[str, tuple[str, dict[str, Any]]]:
    """Write a folder for each artifact; return its type and properties by name."""
    import pyarrow as pa

    from headrace import transform as tft
    from headrace.evaluation import EvalConfig, analyze_raw_data
    from headrace.statistics import generate_statistics
    from headrace.transform import analyze
    from headrace.validation import infer_schema, validate_statistics

    train, other = pa.table(census(800, 1)), pa.table(census(200, 2))
    names = {
        "examples": "Examples",
        "statistics": "ExampleStatistics",
        "schema": "Schema",
        "anomalies": "ExampleAnomalies",
        "graph": "TransformGraph",
        "tuned": "HyperParameters",
        "model": "Model",
        "evaluation": "ModelEvaluation",
        "blessing": "InfraBlessing",
        "pushed": "PushedModel",
        "letter": "Letter",
    }
    for name in names:
        (folder / name).mkdir(parents=True)

    def put(place: str, value: Any) -> None:
        (folder / place).write_text(json.dumps(value), "utf-8")

    counts = {"rows": {"train": 800, "eval": 200}, "rows_read": 1003, "rows_set_aside": 3}
    bad = [{"file": "adult.data", "row": 17, "reason": f"too few fields {NASTY}", "text": None}]
    put("examples/examples.json", counts | {"unreadable": bad})
    statistics = generate_statistics(train, name="train").merge(generate_statistics(other, name="eval"))
    statistics.save(folder / "statistics" / "statistics.json")
    schema = infer_schema(generate_statistics(pa.table(census(8, 3)), name="train"))
    schema.save(folder / "schema" / "schema.yaml")
    anomalies = validate_statistics(statistics, schema)
    anomalies.save(folder / "anomalies" / "anomalies.json")
    analyze(
        train.select(["age", "education", "label"]),
        lambda columns: {
            "age": tft.scale_to_z_score(columns["age"]),
            "education": tft.compute_and_apply_vocabulary(columns["education"]),
            "label": columns["label"],
        },
    ).save(folder / "graph")
    trials = [
        {"number": i, "params": {"rate": 0.1 / (i + 1)}, "value": 0.9 + i / 100, "state": "complete", "seconds": 7.0}
        for i in range(3)
    ]
    best = {"best_params": {"rate": 0.1 / 3}, "best_value": 0.92, "direction": "maximize"}
    put("tuned/tuning.json", best | {"trials": trials})
    training = {
        "estimator": "DNNClassifier",
        "params": {"hidden_units": [128, 64], "learning_rate": 0.001},
        "label": "label",
        "weight": None,
        "features": ["age", "education"],
        "classes": ["no", NASTY],
        "rows": {"train": 800, "eval": 200},
        "seconds": 14.2,
        "fit_seconds": 12.0,
        "rows_per_second": 123456.0,
        "resumed_from": None,
        "series": {
            "loss": [(epoch, 0.3 + 0.3 / epoch) for epoch in range(1, 9)],
            "validation_loss": [(epoch, 0.33 + 0.29 / epoch) for epoch in range(1, 9)],
            "validation_auc": [(epoch, 0.92 - 0.2 / epoch) for epoch in range(1, 9)],
        },
    }
    put("model/training.json", training)
    result = analyze_raw_data(
        train,
        EvalConfig(metrics=["auc", "accuracy"], slices=[["sex"], ["education"]], thresholds={"auc": {"min": 0.6}}),
    )
    result.save(folder / "evaluation")
    put(
        "blessing/crash_test.json",
        {"ok": True, "reason": None, "rows": 200, "load_seconds": 0.31, "peak_memory_mb": 77.5},
    )
    pushed = {"name": "census", "version": 4, "path": "/home/models/census/4", "digest": "sha256:" + "d" * 64}
    put("pushed/push.json", pushed)
    (folder / "letter" / "letter.txt").write_text("hello", "utf-8")
    properties: dict[str, dict[str, Any]] = {
        "anomalies": {"errors": len(anomalies.errors), "warnings": len(anomalies.warnings)},
        "evaluation": {"blessed": result.blessed},
        "blessing": {"ok": True},
        "pushed": pushed,
    }
    return {name: (kind, properties.get(name, {})) for name, kind in names.items()}


# Step: what it reads, what it makes, its state, start and seconds.
STEPS: dict[str, tuple[list[str], list[str], str, float, float]] = {
    "example_gen": ([], ["examples"], "done", 0, 1.4),
    "statistics_gen": (["examples"], ["statistics"], "reused", 1.4, 0.01),
    "schema_gen": (["statistics"], ["schema"], "reused", 1.5, 0.01),
    "example_validator": (["statistics", "schema"], ["anomalies"], "done", 1.6, 0.6),
    "transform": (["examples", "schema", "anomalies"], ["graph"], "done", 2.2, 2.9),
    "tuner": (["examples", "graph"], ["tuned"], "done", 5.1, 21.0),
    "trainer": (["examples", "graph", "tuned"], ["model"], "done", 26.1, 14.2),
    "evaluator": (["examples", "model"], ["evaluation"], "done", 40.3, 2.2),
    "infra_validator": (["model", "examples"], ["blessing"], "done", 40.3, 3.5),
    "pusher": (["model", "evaluation", "blessing"], ["pushed", "letter"], "done", 43.8, 0.1),
}


def build_home(home: Path, *, failing: str | None = None) -> str:
    """Fill a home and return the id of its run; with ``failing`` that step and those after it have not ended."""
    run_id = "20261120-190142-7c1d"
    folder = home / "artifacts"
    made = _write_artifacts(folder)
    records = {
        name: ArtifactRecord(
            f"{run_id}-{name}", kind, f"artifacts/{name}", f"sha256:{index:064x}", 1000 * index, START + index, more
        )
        for index, (name, (kind, more)) in enumerate(made.items())
    }
    finished = START + 44
    state = "failed" if failing else "done"
    with MetadataStore(home) as store:
        parameters = {"data": "data/adult.data", "hidden_units": [128, 64], "note": NASTY}
        run = RunRecord(run_id, "census", "pipeline.py", parameters, "running", START, None, None, 4242, "somewhere")
        waiting = []
        makers = {output: step for step, (_, outputs, _, _, _) in STEPS.items() for output in outputs}
        for position, (step, (inputs, _, _, _, _)) in enumerate(STEPS.items()):
            upstream = tuple(dict.fromkeys(makers[name] for name in inputs))
            waiting.append(StepRecord(run_id, step, position, step, upstream, "waiting"))
        store.begin_run(run, waiting)
        for before in waiting:
            inputs, outputs, how, start, seconds = STEPS[before.step_id]
            ends = {"started": START + start, "finished": START + start + seconds}
            if before.step_id == failing:
                error = {"error": "DataError", "rule": f"Rows {NASTY}", "got": "none", "where": "pipeline.py, line 12"}
                store.update_steps([_changed(before, state="failed", error=error, **ends)])
                break
            execution = ExecutionRecord(
                id=f"{run_id}-{before.step_id}",
                key=f"{before.position:064x}",
                component=before.component,
                code_digest=f"{before.position + 99:064x}",
                parameters={"split": "train", "config": {"a": [1, 2]}} if before.position % 2 else {},
                run_id=run_id,
                step_id=before.step_id,
                state="done",
                started=START + start,
                finished=START + start + seconds,
                cpu_seconds=seconds * 1.6,
                peak_memory=200_000_000 + before.position,
                headrace_version="0.1.0",
                inputs=tuple((name, records[name].id) for name in inputs),
                outputs=tuple((name, records[name].id) for name in outputs),
                external=(ExternalInput("source", "data/adult.data", "sha256:" + "a" * 64),) if not inputs else (),
            )
            ended = _changed(
                before,
                state=how,
                execution_id=execution.id,
                cpu_seconds=execution.cpu_seconds,
                peak_memory=execution.peak_memory,
                **ends,
            )
            store.record_execution(execution, [records[name] for name in outputs], ended)
        store.end_run(run_id, "failed" if state == "failed" else "done", 1 if failing else 0, finished)
    logs = home / "runs" / run_id
    logs.mkdir(parents=True)
    (logs / "trainer.log").write_text(f"epoch 1 loss 0.6\nepoch 2 loss 0.4 {NASTY} \x1b[31m\x00\n", "utf-8")
    return run_id


def _changed(step: StepRecord, **changes: Any) -> StepRecord:
    from dataclasses import replace

    return replace(step, **changes)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    home = tmp_path_factory.mktemp("home")
    return home, build_home(home)


@pytest.fixture
def failed(tmp_path: Path) -> tuple[Path, str]:
    return tmp_path, build_home(tmp_path, failing="trainer")


if __name__ == "__main__":
    import sys
    import tempfile
    from pathlib import Path

    from headrace.web import run_report

    for name, failing in (("report", None), ("failed", "trainer")):
        where = Path(tempfile.mkdtemp())
        page = run_report(where, build_home(where, failing=failing))
        (Path(sys.argv[1]) / f"{name}.html").write_text(page, encoding="utf-8")
