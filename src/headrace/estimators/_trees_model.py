"""A trained ensemble: LightGBM's text form, and one ONNX node."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from headrace.errors import EstimatorError, import_extra
from headrace.estimators._operators import ml, op
from headrace.estimators._outputs import classifier_arrays, classifier_vars
from headrace.schema import FeatureSpec
from headrace.storage import write_atomic

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from spox import Var

__all__ = ["Ensemble", "TreesModel", "categorical_columns", "matrix", "plain_text"]

LESS_OR_EQUAL, MEMBER = 0, 6


def matrix(specs: Sequence[FeatureSpec], columns: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return all values of a row side by side, float64 ``[N, D]``: float32 and ids survive it unchanged."""
    rows = len(columns[specs[0].name])
    return np.concatenate(
        [columns[spec.name].reshape(rows, spec.shape[0] if spec.shape else 1).astype(np.float64) for spec in specs],
        axis=1,
    )


def categorical_columns(specs: Sequence[FeatureSpec]) -> list[int]:
    """Return which columns of the matrix hold ids."""
    kinds: list[bool] = []
    for spec in specs:
        kinds += [spec.is_categorical] * (spec.shape[0] if spec.shape else 1)
    return [index for index, is_id in enumerate(kinds) if is_id]


def plain_text(text: str) -> str:
    """Leave out what does not bear on predictions: the parameters, among them the number of threads."""
    return re.sub(r"\nparameters:\n.*?\nend of parameters\n", "\n", text, flags=re.DOTALL)


class _Manifest(msgspec.Struct, frozen=True):
    specs: tuple[FeatureSpec, ...]
    n_classes: int


@dataclass
class TreesModel:
    """Boosted trees.

    Parameters
    ----------
    n_classes
        0 for a regression.
    text
        LightGBM's own form of the model.
    """

    specs: tuple[FeatureSpec, ...]
    n_classes: int
    text: str
    _booster: Any = field(default=None, repr=False, compare=False)

    def __getstate__(self) -> dict[str, Any]:
        return {"specs": self.specs, "n_classes": self.n_classes, "text": self.text, "_booster": None}

    @property
    def booster(self) -> Any:
        """The model in LightGBM."""
        if self._booster is None:
            lightgbm = import_extra("lightgbm", "trees")
            self._booster = lightgbm.Booster(model_str=self.text)
        return self._booster

    @cached_property
    def ensemble(self) -> Ensemble:
        """The trees as arrays."""
        return Ensemble.from_dump(self.booster.dump_model())

    def raw(self, columns: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the summed leaves, float64 ``[N, 1]`` or ``[N, C]``."""
        rows = matrix(self.specs, columns)
        width = self.n_classes if self.n_classes > 2 else 1
        if not len(rows):
            return np.zeros((0, width))
        found: np.ndarray = self.booster.predict(rows, raw_score=True)
        return found.reshape(len(rows), width)

    def outputs(self, columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Compute the outputs with LightGBM."""
        raw = self.raw(columns).astype(np.float32)
        return classifier_arrays(raw) if self.n_classes else {"predictions": raw}

    def graph(self, inputs: Mapping[str, Var]) -> dict[str, Var]:
        """Compute the outputs with ONNX operators."""
        parts = []
        for spec in self.specs:
            wide = op.cast(inputs[spec.name], to=np.float64)
            parts.append(wide if spec.shape else op.unsqueeze(wide, op.const(np.array([1]))))
        rows = op.concat(parts, axis=1) if len(parts) > 1 else parts[0]
        raw = op.cast(self.ensemble.node(rows), to=np.float32)
        return classifier_vars(raw, self.n_classes) if self.n_classes else {"predictions": raw}

    def write(self, directory: Path) -> None:
        """Write ``model.txt``, which LightGBM reads, and ``features.json``."""
        manifest = msgspec.json.encode(_Manifest(self.specs, self.n_classes))
        write_atomic(directory / "features.json", msgspec.json.format(manifest, indent=2))
        write_atomic(directory / "model.txt", self.text.encode())

    @classmethod
    def read(cls, directory: Path) -> TreesModel:
        """Read what ``write`` wrote."""
        try:
            manifest = msgspec.json.decode((Path(directory) / "features.json").read_bytes(), type=_Manifest)
            text = (Path(directory) / "model.txt").read_text(encoding="utf-8")
        except (OSError, ValueError, msgspec.DecodeError) as error:
            raise EstimatorError("The folder holds boosted trees", got=str(error), where=str(directory)) from error
        return cls(manifest.specs, manifest.n_classes, text)


@dataclass
class Ensemble:
    """Trees as the attributes of ai.onnx.ml's ``TreeEnsemble``, all in double precision.

    Leaf values are rounded to multiples of a power of two, so small that the sums stay within 2**-40 of LightGBM's (or
    within double precision, where the values are large) and so coarse that sums are exact: their bits do not depend on
    the order of addition, and with that on batch sizes or threads.
    """

    n_targets: int
    roots: list[int] = field(default_factory=list)
    features: list[int] = field(default_factory=list)
    splits: list[float] = field(default_factory=list)
    modes: list[int] = field(default_factory=list)
    missing_true: list[int] = field(default_factory=list)
    children: tuple[list[int], list[int]] = field(default_factory=lambda: ([], []))
    to_leaf: tuple[list[int], list[int]] = field(default_factory=lambda: ([], []))
    members: list[float] = field(default_factory=list)
    targets: list[int] = field(default_factory=list)
    leaves: list[float] = field(default_factory=list)

    @classmethod
    def from_dump(cls, dump: dict[str, Any]) -> Ensemble:
        """Read LightGBM's ``Booster.dump_model``."""
        per_round = dump["num_tree_per_iteration"]
        ensemble = cls(per_round)
        bound = 0.0
        for index, tree in enumerate(dump["tree_info"]):
            first = len(ensemble.leaves)
            ensemble._add(tree["tree_structure"], index % per_round)
            bound += max(abs(value) for value in ensemble.leaves[first:])
        # A sum below 2**e of multiples of 2**(e - 52) has at most 52 bits.
        exponent = max(-40, int(np.ceil(np.log2(bound))) - 52) if bound > 0 else -40
        ensemble.leaves = [float(np.ldexp(np.rint(np.ldexp(value, -exponent)), exponent)) for value in ensemble.leaves]
        return ensemble

    def _add(self, root: dict[str, Any], target: int) -> None:
        self.roots.append(len(self.features))
        if "split_feature" not in root:
            # The operator wants an inner node at every root: both ways lead to the one leaf.
            leaf = self._leaf(root, target)
            self._node(0, 0.0, LESS_OR_EQUAL, missing_true=False)
            for side in (0, 1):
                self.children[side][-1], self.to_leaf[side][-1] = leaf, 1
            return
        waiting: list[tuple[dict[str, Any], int, int]] = [(root, -1, 0)]
        while waiting:
            structure, parent, side = waiting.pop()
            is_leaf = "split_feature" not in structure
            index = self._leaf(structure, target) if is_leaf else self._split(structure)
            if parent >= 0:
                self.children[side][parent], self.to_leaf[side][parent] = index, int(is_leaf)
            if not is_leaf:
                waiting += [(structure["right_child"], index, 1), (structure["left_child"], index, 0)]

    def _leaf(self, structure: dict[str, Any], target: int) -> int:
        self.targets.append(target)
        self.leaves.append(float(structure["leaf_value"]))
        return len(self.leaves) - 1

    def _split(self, structure: dict[str, Any]) -> int:
        feature, threshold = structure["split_feature"], structure["threshold"]
        if structure["decision_type"] == "==":
            # A set of ids: whatever is not in it, a missing value too, goes right.
            index = self._node(feature, 0.0, MEMBER, missing_true=False)
            self.members += [*(float(part) for part in threshold.split("||")), float("nan")]
            return index
        missing, left = structure["missing_type"], bool(structure["default_left"])
        if missing == "Zero":
            raise EstimatorError(
                "Zero is a number", got="a tree that takes 0 for missing", fix="Train with zero_as_missing=False"
            )
        # Without a direction of their own, LightGBM takes missing values for 0.
        return self._node(feature, threshold, LESS_OR_EQUAL, missing_true=left if missing == "NaN" else threshold >= 0)

    def _node(self, feature: int, split: float, mode: int, *, missing_true: bool) -> int:
        self.features.append(feature)
        self.splits.append(split)
        self.modes.append(mode)
        self.missing_true.append(int(missing_true))
        for side in (0, 1):
            self.children[side].append(0)
            self.to_leaf[side].append(0)
        return len(self.features) - 1

    def node(self, rows: Var) -> Var:
        """Return the sums of the leaves, double ``[N, n_targets]``, of rows double ``[N, D]``."""
        result: Var = ml.tree_ensemble(
            rows,
            aggregate_function=1,
            leaf_targetids=self.targets,
            leaf_weights=np.array(self.leaves, np.float64),
            membership_values=np.array(self.members, np.float64) if self.members else None,
            n_targets=self.n_targets,
            nodes_falseleafs=self.to_leaf[1],
            nodes_falsenodeids=self.children[1],
            nodes_featureids=self.features,
            nodes_missing_value_tracks_true=self.missing_true,
            nodes_modes=np.array(self.modes, np.uint8),
            nodes_splits=np.array(self.splits, np.float64),
            nodes_trueleafs=self.to_leaf[0],
            nodes_truenodeids=self.children[0],
            post_transform=0,
            tree_roots=self.roots,
        )
        return result
