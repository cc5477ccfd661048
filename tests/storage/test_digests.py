from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.errors import StorageError
from headrace.storage import file_digest, tree_digest, tree_size

names = st.text("abc.", min_size=1, max_size=3).filter(lambda n: n.strip("."))
trees = st.recursive(st.binary(max_size=4), lambda inner: st.dictionaries(names, inner, max_size=3), max_leaves=6)
folders = st.dictionaries(names, trees, max_size=3)


def build(root: Path, tree: object) -> None:
    if isinstance(tree, dict):
        root.mkdir()
        for name in reversed(list(tree)):
            build(root / name, tree[name])
    else:
        assert isinstance(tree, bytes)
        root.write_bytes(tree)


@given(folders, folders)
@settings(deadline=None, max_examples=60)
def test_equal_digests_mean_equal_trees(one: dict[str, object], two: dict[str, object]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        build(Path(folder, "one"), one)
        build(Path(folder, "two"), two)
        assert (tree_digest(Path(folder, "one")) == tree_digest(Path(folder, "two"))) == (one == two)


def test_files(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "c").write_bytes(b"abc")
    # BLAKE2b with 16 bytes, as b2sum -l 128 prints it.
    assert file_digest(tmp_path / "a") == "cf4ab791c62b8d2b2109c90275287816"
    assert tree_digest(tmp_path / "a") == file_digest(tmp_path / "b" / "c")
    assert tree_size(tmp_path) == 6
    with pytest.raises(StorageError, match="none"):
        file_digest(tmp_path / "none")
