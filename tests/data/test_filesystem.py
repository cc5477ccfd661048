from __future__ import annotations

import gzip
import io
import sys
import threading
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import feather, orc

from headrace.data import Source, arrow, as_source, avro, csv, json_lines, parquet, snapshot
from headrace.data.filesystem import RemoteFile, digest_of, file_at, find, size_of
from headrace.errors import DataError, MissingExtraError, UsageError
from headrace.testing import SourceSuite
from headrace.testing.sources import digest_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TABLE = pa.table({"a": [1, 2, None], "b": ["x", None, "z"]})


@pytest.fixture
def memory() -> Iterator[Any]:
    system = fsspec.filesystem("memory")
    system.store.clear()
    yield system
    system.store.clear()


def put(system: Any, path: str, data: bytes) -> None:
    with system.open(path, "wb") as stream:
        stream.write(data)


def packed(name: str) -> bytes:
    out = io.BytesIO()
    if name.endswith(".parquet"):
        pq.write_table(TABLE, out)
    elif name.endswith(".orc"):
        orc.write_table(TABLE, out)
    elif name.endswith(".feather"):
        feather.write_feather(TABLE, out)
    elif name.endswith(".jsonl"):
        out.write(b'{"a":1,"b":"x"}\n{"a":2}\n{"b":"z"}\n')
    elif name.endswith(".csv.gz"):
        out.write(gzip.compress(b"a,b\n1,x\n") + gzip.compress(b"2,\n,z\n"))
    elif name.endswith(".avro"):
        import fastavro

        kinds = [{"name": "a", "type": ["null", "long"]}, {"name": "b", "type": ["null", "string"]}]
        fastavro.writer(out, {"type": "record", "name": "R", "fields": kinds}, TABLE.to_pylist())
    else:
        out.write(b"a,b\n1,x\n2,\n,z\n")
    return out.getvalue()


NAMES = ["x.csv", "x.csv.gz", "x.jsonl", "x.parquet", "x.orc", "x.feather", "x.avro"]


@pytest.mark.parametrize("name", NAMES)
def test_all_kinds_of_files_from_memory_and_from_file_urls(memory: Any, tmp_path: Path, name: str) -> None:
    put(memory, f"/folder/{name}", packed(name))
    (tmp_path / name).write_bytes(packed(name))
    for url in (f"memory://folder/{name}", f"memory://folder/*{name[1:]}", f"file://{tmp_path}/{name}"):
        source = as_source(url)
        assert source.dataset().to_table().equals(TABLE)
        assert source.dataset().to_table(["b"]).equals(TABLE.select(["b"]))
    assert as_source(f"file://{tmp_path}/{name}").fingerprint(digest_file) == as_source(tmp_path / name).fingerprint(
        digest_file
    )


class TestMemory(SourceSuite):
    @pytest.fixture
    def source(self, memory: Any) -> Source:
        for number in range(3):
            put(memory, f"/in/{number}.csv", b"a,b\n1,x\n")
        return csv("memory://in/*.csv")

    @pytest.fixture
    def broken(self, memory: Any) -> tuple[Source, int]:
        put(memory, "/broken/0.csv.gz", gzip.compress(b"a,b\n1,x\n2\n"))
        put(memory, "/broken/1.csv.gz", gzip.compress(b"a,b\nx,y\n3,\xff\n4,z\n"))
        return csv("memory://broken/*.gz", types={"a": "int64"}), 5

    @pytest.fixture
    def others(self, memory: Any, source: Source) -> list[Source]:
        put(memory, "/other/0.csv", b"a,b\n2,x\n")
        return [csv("memory://other/0.csv"), csv("memory://in/0.csv"), csv("memory://in/*.csv", strip=True)]

    @pytest.fixture
    def alike(self, memory: Any, source: Source) -> list[Source]:
        for number in range(3):
            put(memory, f"/again/{number}.csv", b"a,b\n1,x\n")
        return [csv("memory://again/*.csv")]


def test_spans_and_folders_and_lists(memory: Any) -> None:
    for span in (1, 2, 10):
        put(memory, f"/day-{span}/x.parquet", packed("x.parquet"))
    assert parquet("memory://day-{SPAN}/x.parquet").files() == (RemoteFile("memory://day-10/x.parquet"),)
    assert len(parquet("memory://day-{SPAN}/x.parquet", spans=(1, 2)).files()) == 2
    assert as_source("memory://day-2").dataset().count_rows() == 3
    assert as_source(["memory://day-1/x.parquet", "memory://day-2/x.parquet"]).dataset().count_rows() == 6


def test_members_of_an_archive(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "d.zip", "w") as archive:
        archive.writestr("in/1.jsonl", '{"a": 1}\n')
        archive.writestr("in/2.jsonl", '{"a": 2}\n')
    source = as_source(f"zip://in/*.jsonl::{tmp_path}/d.zip")
    assert source.dataset().to_table().to_pydict() == {"a": [1, 2]}
    assert as_source(f"zip://in/2.jsonl::file://{tmp_path}/d.zip").dataset().to_table().to_pydict() == {"a": [2]}


def test_a_snapshot_of_a_url(memory: Any, tmp_path: Path) -> None:
    put(memory, "/x.csv", b"a\n1\n2\nx,y\n")
    report = snapshot("memory://x.csv", tmp_path / "s")
    assert (report.rows_read, report.rows_set_aside) == (2, 1)
    assert report.unreadable[0].file == "memory://x.csv"


@pytest.mark.parametrize("make", [csv, json_lines, parquet, arrow, avro])
def test_what_is_not_there(memory: Any, make: Any) -> None:
    with pytest.raises(DataError, match="The file does not exist; got memory://none"):
        make("memory://none").dataset()
    with pytest.raises(DataError, match="The pattern matches no file; got memory://none/"):
        make("memory://none/*.x").dataset()


def test_a_file_that_goes_away_between_opening_and_reading(memory: Any) -> None:
    put(memory, "/x.csv", b"a\n1\n")
    dataset = csv("memory://x.csv").dataset()
    memory.rm("/x.csv")
    with pytest.raises(DataError, match=r"The file does not exist; got memory://x\.csv"):
        dataset.to_table()


def test_protocols_that_are_unknown_or_need_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="protocol of a URL is one that fsspec knows; got nonsense://x"):
        csv("nonsense://x.csv").dataset()
    with pytest.raises(UsageError, match="on this machine"):
        file_at("file://host/x.csv")
    for url, extra, module in (("s3://b/x.csv", "s3", "s3fs"), ("gs://b/x.csv", "gcs", "gcsfs")):
        monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(MissingExtraError, match=rf"pip install 'headrace\[{extra}\]'"):
            csv(url).dataset()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def test_a_web_server_that_gives_whole_files_only(tmp_path: Path) -> None:
    rows = 700_000
    (tmp_path / "x.csv").write_bytes(b"a,b\n" + b"1234,words\n" * rows)
    (tmp_path / "x.parquet").write_bytes(packed("x.parquet"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        address = f"http://127.0.0.1:{server.server_port}"
        assert as_source(f"{address}/x.parquet").dataset().to_table().equals(TABLE)
        source = csv(f"{address}/x.csv")
        assert source.dataset().count_rows() == rows
        assert source.fingerprint(digest_file) == csv(tmp_path / "x.csv").fingerprint(digest_file)
        with pytest.raises(DataError, match=r"The file does not exist; got http.*none\.csv"):
            csv(f"{address}/none.csv").dataset()
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_names_and_suffixes_of_urls() -> None:
    assert file_at("https://host/a/x.csv.gz?sign=a/b.json") == RemoteFile("https://host/a/x.csv.gz?sign=a/b.json")
    file = RemoteFile("https://host/a/x.csv.gz?sign=a/b.json")
    assert (file.name, file.suffix, str(file)) == ("x.csv.gz", ".gz", "https://host/a/x.csv.gz?sign=a/b.json")
    assert RemoteFile("zip://in/x.csv::s3://b/d.zip").name == "x.csv"
    assert RemoteFile("s3://b/what?.csv").suffix == ".csv"
    assert str(file_at("file:///a%20b/x.csv")) == "/a b/x.csv"


class _Facts:
    def __init__(self, facts: dict[str, Any]) -> None:
        self.facts = facts

    def invalidate_cache(self) -> None:
        """Remember nothing."""

    def info(self, path: str) -> dict[str, Any]:
        return {"size": 3, **self.facts}

    def open(self, path: str, mode: str) -> Any:
        return io.BytesIO(b"abc")


@pytest.mark.parametrize(
    ("facts", "wanted"),
    [
        ({"ETag": '"abc"', "LastModified": "2020"}, 'ETag:"abc"'),
        ({"md5Hash": "xyz", "etag": "e"}, "md5Hash:xyz"),
        ({"LastModified": "2020"}, '["LastModified", "2020", 3]'),
        ({"created": 7}, "cf4ab791c62b8d2b2109c90275287816"),
    ],
)
def test_what_a_server_knows_of_a_file_is_its_digest(
    monkeypatch: pytest.MonkeyPatch, facts: dict[str, Any], wanted: str
) -> None:
    monkeypatch.setattr("headrace.data.filesystem._filesystem", lambda url: (_Facts(facts), url))
    assert digest_of(RemoteFile("s3://b/x"), digest_file) == wanted


def test_sizes_and_finding(memory: Any, tmp_path: Path) -> None:
    put(memory, "/x.bin", b"12345")
    (tmp_path / "x.bin").write_bytes(b"123")
    assert size_of(RemoteFile("memory://x.bin")) == 5
    assert size_of(tmp_path / "x.bin") == 3
    assert find("memory://*.bin") == ["memory://x.bin"]
    assert find("memory://none.bin") == []
    with pytest.raises(DataError, match="does not exist"):
        size_of(tmp_path / "none")
