"""HTTP as bytes on a socket: what clients send, well or badly."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import TYPE_CHECKING

import pytest

from headrace.serving.http import HttpLimits, HttpListener, Request, Response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

LIMITS = HttpLimits(
    body_bytes=1000, header_bytes=2000, read_seconds=0.4, body_seconds=2.0, idle_seconds=0.6, linger_seconds=0.3
)


def _handler(request: Request) -> Response | Awaitable[Response]:
    if request.path == "/fail":
        raise ValueError("on purpose")
    answer = Response(200, json.dumps([request.method, request.path, request.body.decode()]).encode())
    if request.path != "/slow":
        return answer

    async def later() -> Response:
        await asyncio.sleep(0.2)
        return answer

    return later()


def _talk(script: Callable[[asyncio.StreamReader, asyncio.StreamWriter, HttpListener], Awaitable[None]]) -> None:
    async def main() -> None:
        listener = HttpListener(_handler, LIMITS)
        port = await listener.start("127.0.0.1", 0)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            await asyncio.wait_for(script(reader, writer, listener), 10)
        finally:
            writer.close()
            await listener.stop(0.5)

    asyncio.run(main())


async def _read(reader: asyncio.StreamReader, *, body: bool = True) -> tuple[int, dict[str, str], bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = {key.lower(): value for key, _, value in (line.partition(": ") for line in head[1:] if line)}
    content = await reader.readexactly(int(headers["content-length"])) if body and "content-length" in headers else b""
    return int(head[0].split()[1]), headers, content


def test_keep_alive_and_a_body_in_pieces() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener: HttpListener) -> None:
        for byte in b"POST /a?x=1 HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello":
            writer.write(bytes([byte]))
            await writer.drain()
        status, headers, body = await _read(reader)
        assert (status, json.loads(body)) == (200, ["POST", "/a", "hello"])
        assert headers["date"].endswith("GMT")
        writer.write(b"HEAD /b HTTP/1.1\r\n\r\n")
        assert (await _read(reader, body=False))[0] == 200
        writer.write(b"GET http://host:1/d/e?x HTTP/1.1\r\n\r\n")
        assert json.loads((await _read(reader))[2])[1] == "/d/e"
        writer.write(b"GET /c HTTP/1.1\r\nConnection: close\r\n\r\n")
        status, headers, body = await _read(reader)
        assert (json.loads(body)[1], headers["connection"]) == ("/c", "close")
        assert await reader.read() == b""

    _talk(script)


def test_an_old_client_is_told_that_its_connection_is_kept() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener: HttpListener) -> None:
        writer.write(b"GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert (await _read(reader))[1]["connection"] == "keep-alive"
        writer.write(b"GET /b HTTP/1.0\r\n\r\n")
        assert (await _read(reader))[1]["connection"] == "close"
        assert await reader.read() == b""

    _talk(script)


def test_pipelined_requests_are_answered_in_order() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener: HttpListener) -> None:
        paths = ["/1", "/slow", "/2", "/fail", "/slow", "/3"]
        writer.write(b"".join(f"GET {path} HTTP/1.1\r\n\r\n".encode() for path in paths))
        for path in paths:
            status, _, body = await _read(reader)
            if path == "/fail":
                assert (status, json.loads(body)["error"]) == (500, "Internal error; the server's log has the details")
            else:
                assert json.loads(body)[1] == path

    _talk(script)


def test_chunked_bodies() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener: HttpListener) -> None:
        head = b"POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
        writer.write(head + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
        assert json.loads((await _read(reader))[2])[2] == "abcde"
        writer.write(head + b"ff\r\n" + b"x" * 255 + b"\r\n" + b"2ff\r\n" + b"x" * 767 + b"\r\n")
        assert (await _read(reader))[0] == 413
        assert await reader.read() == b""

    _talk(script)


def test_expect_continue() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener: HttpListener) -> None:
        writer.write(b"POST /e HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        assert (await _read(reader))[0] == 100
        writer.write(b"ok")
        assert json.loads((await _read(reader))[2])[2] == "ok"
        # After a request that takes a while, the invitation waits for its answer.
        writer.write(b"GET /slow HTTP/1.1\r\n\r\nPOST /e HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        assert json.loads((await _read(reader))[2])[1] == "/slow"
        assert (await _read(reader))[0] == 100
        writer.write(b"ok")
        assert json.loads((await _read(reader))[2])[2] == "ok"

    _talk(script)


def test_a_large_body_is_refused_before_it_is_sent() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener: HttpListener) -> None:
        writer.write(b"POST /e HTTP/1.1\r\nContent-Length: 100000000\r\nExpect: 100-continue\r\n\r\n")
        status, headers, body = await _read(reader)
        assert (status, headers["connection"]) == (413, "close")
        assert "1000 bytes at most; got 100000000 bytes" in json.loads(body)["error"]
        assert await reader.read() == b""

    _talk(script)


def test_an_offer_to_upgrade_is_ignored() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener: HttpListener) -> None:
        for _ in range(2):
            writer.write(b"GET /u HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n")
            assert json.loads((await _read(reader))[2])[1] == "/u"
        writer.write(
            b"POST /u HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\nok"
            b"GET /next HTTP/1.1\r\n\r\n"
        )
        assert json.loads((await _read(reader))[2])[1:] == ["/u", "ok"]
        assert json.loads((await _read(reader))[2])[1] == "/next"

    _talk(script)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"hello\r\n\r\n", 400),
        (b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\nhello", 405),
        (b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nA: " + b"x" * 3000 + b"\r\n\r\n", 431),
        (b"GET /" + b"x" * 3000, 431),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 1000, 431),
        (b"GET / HTTP/1.1\r\nA:", 408),
        (b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\na", 408),
    ],
)
def test_bad_and_slow_requests_get_an_answer_and_the_connection_closes(sent: bytes, status: int) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener: HttpListener) -> None:
        writer.write(sent)
        found, headers, body = await _read(reader)
        assert found == status
        assert headers["connection"] == "close"
        assert "error" in json.loads(body)
        assert await reader.read() == b""
        await asyncio.sleep(0.6)
        assert not listener.connections

    _talk(script)


def test_a_byte_now_and_then_does_not_hold_a_connection() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener: HttpListener) -> None:
        writer.write(b"GET / HTTP/1.1\r\n")
        answer = asyncio.ensure_future(reader.read())
        while not answer.done():
            writer.write(b"A")
            await asyncio.sleep(0.05)
        assert b" 408 " in answer.result()

    _talk(script)


def test_an_idle_connection_is_closed() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener: HttpListener) -> None:
        assert await reader.read() == b""

    _talk(script)


def test_half_closed_and_dropped_connections() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener: HttpListener) -> None:
        writer.write(b"GET /slow HTTP/1.1\r\n\r\n")
        writer.write_eof()
        assert json.loads((await _read(reader))[2])[1] == "/slow"
        assert await reader.read() == b""
        assert listener.parser is not None

    async def drop(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener: HttpListener) -> None:
        writer.write(b"GET /slow HTTP/1.1\r\n\r\n")
        await asyncio.sleep(0.05)
        writer.transport.abort()
        await asyncio.sleep(0.4)
        assert not listener.connections

    _talk(script)
    _talk(drop)


def test_stopping_finishes_what_runs() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener: HttpListener) -> None:
        writer.write(b"GET /slow HTTP/1.1\r\n\r\n")
        await asyncio.sleep(0.05)
        stopping = asyncio.ensure_future(listener.stop(3600))
        status, headers, _ = await _read(reader)
        assert (status, headers["connection"]) == (200, "close")
        await stopping

    before = threading.active_count()
    _talk(script)
    assert threading.active_count() == before
