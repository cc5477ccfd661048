"""HTTP/1.1 on asyncio and httptools: as much of it as a model server needs, and nothing on the way of a request."""

from __future__ import annotations

import asyncio
import contextlib
import email.utils
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus

import msgspec

from headrace.errors import ServingError, import_extra

__all__ = ["Handler", "HttpLimits", "HttpListener", "Request", "Response", "error_response"]

_log = logging.getLogger("headrace.serving")


@dataclass(frozen=True, slots=True)
class Request:
    """A request that has arrived in full; header names are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    keep_alive: bool = True
    version: str = "1.1"


@dataclass(frozen=True, slots=True)
class Response:
    """An answer; ``headers`` come on top of Content-Type, Content-Length and Date."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


Handler = Callable[[Request], Response | Awaitable[Response]]


@dataclass(frozen=True)
class HttpLimits:
    """What a client may ask of the server.

    Parameters
    ----------
    body_bytes
        The largest body; more is answered with 413, by its Content-Length before any of it is read.
    header_bytes
        The largest request line and headers together; more is 431.
    read_seconds
        A request's headers must arrive within this time, and its body may not pause for longer; then 408.
    body_seconds
        A body must have arrived within this time.
    idle_seconds
        A connection without a request is closed after this time.
    linger_seconds
        After a refusal, what the client still sends is thrown away for this long, so that it reads the answer before
        the connection closes.
    """

    body_bytes: int = 64 << 20
    header_bytes: int = 64 << 10
    read_seconds: float = 20.0
    body_seconds: float = 300.0
    idle_seconds: float = 75.0
    linger_seconds: float = 2.0


def error_response(status: int, message: str, **headers: str) -> Response:
    """Make the answer ``{"error": message}``."""
    return Response(status, msgspec.json.encode({"error": message}), headers=tuple(headers.items()))


_STATUS_LINES = {s.value: f"HTTP/1.1 {s.value} {s.phrase}\r\n".encode() for s in HTTPStatus}
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@dataclass(eq=False)
class HttpListener:
    """Accepts connections and hands their requests to a handler, in order.

    Parameters
    ----------
    handler
        Answers a request, at once or as an awaitable. It may not block.
    limits
        What clients may ask.
    """

    handler: Handler
    limits: HttpLimits = field(default_factory=HttpLimits)
    closing: bool = False
    date: bytes = b""

    def __post_init__(self) -> None:
        self.parser = import_extra("httptools", "serve")
        self.connections: set[_Connection] = set()
        self.empty = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._sweeper: asyncio.TimerHandle | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen, and return the port (a free one was chosen where ``port`` is 0).

        Raises
        ------
        ServingError
            If the port is taken or the host is not this machine's.
        """
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(lambda: _Connection(self, loop), host, port, backlog=1024)
        except (OSError, OverflowError) as error:
            raise ServingError(
                f"The server must be able to listen on {host}:{port}",
                got=str(error),
                where=f"port {port}",
                fix="Stop what uses the port, or choose another: --port 0 takes a free one",
            ) from error
        self._sweep(loop)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self, grace_seconds: float = 30.0) -> None:
        """Stop listening, let running requests finish, and close; after ``grace_seconds`` connections are cut."""
        self.closing = True
        self.empty.clear()
        if self._server is not None:
            self._server.close()
        for connection in list(self.connections):
            connection.close_when_idle()
        if self.connections:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.empty.wait(), grace_seconds)
        self.cut()
        if self._sweeper is not None:
            self._sweeper.cancel()

    def cut(self) -> None:
        """End every connection at once, whatever it is at."""
        for connection in list(self.connections):
            connection.abort()

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        self.date = b"Date: " + email.utils.formatdate(usegmt=True).encode() + b"\r\n"
        now = loop.time()
        for connection in list(self.connections):
            connection.check_time(now)
        period = min(1.0, self.limits.read_seconds / 4, self.limits.idle_seconds / 4, self.limits.linger_seconds / 2)
        self._sweeper = loop.call_later(period, self._sweep, loop)


class _Connection(asyncio.Protocol):
    """One client's connection. Requests are answered one after the other; a waiting one stops the reading."""

    transport: asyncio.Transport

    def __init__(self, listener: HttpListener, loop: asyncio.AbstractEventLoop) -> None:
        self._listener = listener
        self._limits = listener.limits
        self._loop = loop
        self._parser = listener.parser.HttpRequestParser(self)
        self._queue: deque[Request | Response] = deque()
        self._task: asyncio.Task[None] | None = None
        self._refused = self._lingering = self._ended = self._blocked = self._paused = False
        self._wants_continue = False
        self._reading = False
        self._in_headers = True
        self._last = self._begun = 0.0
        self._header_bytes = 0
        self._reset()

    def _reset(self) -> None:
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._body_bytes = 0
        self._header_bytes = 0
        self._in_headers = True

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]
        self._last = self._loop.time()
        self._listener.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - why it was lost makes no difference
        self._listener.connections.discard(self)
        if not self._listener.connections:
            self._listener.empty.set()
        self._queue.clear()
        self._refused = True

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        self._last = self._loop.time()
        began_in_headers, arrived = self._in_headers, len(data)
        parser = self._listener.parser
        while data:
            rest = b""
            try:
                self._parser.feed_data(data)
            except parser.HttpParserUpgrade as upgrade:
                # An offer of another protocol may be ignored, but the parser has left the body unread: it starts over.
                rest = self._head_without_upgrade() + data[upgrade.args[0] :]
                self._parser = parser.HttpRequestParser(self)
            except parser.HttpParserError as error:
                self._refuse(400, f"Malformed request: {error}")
            data = b"" if self._refused else rest
        if began_in_headers and self._in_headers and not self._refused:
            self._header_bytes += arrived
            if self._header_bytes > self._limits.header_bytes:
                self._refuse(431, f"Headers may have {self._limits.header_bytes} bytes at most")
        self._pump()

    def eof_received(self) -> bool:
        self._ended = True
        return bool(self._task or self._queue)

    def pause_writing(self) -> None:
        self._blocked = True
        self._last = self._loop.time()

    def resume_writing(self) -> None:
        self._blocked = False
        self._last = self._loop.time()
        self._pump()

    # What the parser calls.

    def on_message_begin(self) -> None:
        self._reset()
        self._reading = True
        self._begun = self._loop.time()

    def on_url(self, url: bytes) -> None:
        self._url += url
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value))
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        self._headers[key] = f"{self._headers[key]}, {text}" if key in self._headers else text

    def on_headers_complete(self) -> None:
        self._in_headers = False
        if self._parser.get_method() == b"CONNECT":
            self._refuse(405, "CONNECT is not allowed: this server is no proxy")
            return
        length = self._headers.get("content-length", "")
        if length.isdigit() and int(length) > self._limits.body_bytes:
            self._refuse_body(f"{length} bytes")
        elif self._headers.get("expect", "").lower() == "100-continue":
            self._wants_continue = True

    def on_body(self, body: bytes) -> None:
        self._wants_continue = False
        self._body_bytes += len(body)
        if self._body_bytes > self._limits.body_bytes:
            self._refuse_body("more")
        elif not self._refused:
            self._body.append(body)

    def on_message_complete(self) -> None:
        self._reading = self._wants_continue = False
        self._in_headers = True
        self._header_bytes = 0
        if self._refused or self._parser.should_upgrade():
            return
        method = self._parser.get_method().decode("latin-1")
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        url = self._url
        if url.startswith(b"http"):
            # A proxy may leave the whole address in the request line.
            url = b"/" + url.partition(b"://")[2].partition(b"/")[2]
        path = url.partition(b"?")[0].decode("latin-1")
        self._body = []
        version = self._parser.get_http_version()
        self._queue.append(Request(method, path, self._headers, body, self._parser.should_keep_alive(), version))

    def _head_without_upgrade(self) -> bytes:
        kept = {key: value for key, value in self._headers.items() if key not in ("upgrade", "connection")}
        kept["connection"] = "close" if "close" in self._headers.get("connection", "").lower() else "keep-alive"
        lines = [f"{key}: {value}\r\n" for key, value in kept.items()]
        version = self._parser.get_http_version()
        start = b"%b %b HTTP/%b\r\n" % (self._parser.get_method(), self._url, version.encode())
        return start + "".join(lines).encode("latin-1") + b"\r\n"

    # Answering.

    def _count(self, size: int) -> None:
        self._header_bytes += size
        if self._header_bytes > self._limits.header_bytes:
            self._refuse(431, f"Headers may have {self._limits.header_bytes} bytes at most")

    def _refuse_body(self, size: str) -> None:
        self._refuse(413, f"A request's body may have {self._limits.body_bytes} bytes at most; got {size}")

    def _refuse(self, status: int, message: str) -> None:
        if not self._refused:
            self._refused = True
            self._body = []
            self._queue.append(error_response(status, message))

    def _pump(self) -> None:
        """Answer what waits, as far as it goes without waiting."""
        while self._queue and self._task is None and not self._blocked and not self.transport.is_closing():
            item = self._queue.popleft()
            if isinstance(item, Response):
                self._write(item, None)
                self._linger()
                return
            try:
                answer = self._listener.handler(item)
            except Exception:  # noqa: BLE001 - logged there; one request may not take the server down
                answer = _failed(item)
            if isinstance(answer, Response):
                self._write(answer, item)
            else:
                self._task = self._loop.create_task(self._later(item, answer))
        if self._wants_continue and self._task is None and not self._queue:
            self._wants_continue = False
            self.transport.write(_CONTINUE)
        waiting = bool(self._queue)
        if waiting != self._paused and not self.transport.is_closing():
            self._paused = waiting
            if waiting:
                self.transport.pause_reading()
            else:
                self.transport.resume_reading()

    async def _later(self, request: Request, answer: Awaitable[Response]) -> None:
        try:
            response = await answer
        except Exception:  # noqa: BLE001 - as above
            response = _failed(request)
        self._task = None
        self._last = self._loop.time()
        if not self.transport.is_closing():
            self._write(response, request)
            self._pump()

    def _write(self, response: Response, request: Request | None) -> None:
        """Send an answer: to a request, or, without one, to what was refused before it was one."""
        keep_alive = request is not None and request.keep_alive
        last = not keep_alive or self._listener.closing or (self._ended and not self._queue)
        parts = [
            _STATUS_LINES[response.status],
            b"Content-Type: %b\r\nContent-Length: %d\r\n" % (response.content_type.encode(), len(response.body)),
            self._listener.date,
        ]
        parts.extend(f"{name.replace('_', '-')}: {value}\r\n".encode() for name, value in response.headers)
        if last:
            parts.append(b"Connection: close\r\n")
        elif request is not None and request.version == "1.0":
            # A client of HTTP/1.0 that is not told so waits for the connection's end.
            parts.append(b"Connection: keep-alive\r\n")
        parts.append(b"\r\n")
        if request is None or request.method != "HEAD":
            parts.append(response.body)
        self.transport.write(b"".join(parts))
        if last and not self._refused:
            self._queue.clear()
            self.transport.close()

    def _linger(self) -> None:
        self._lingering = True
        self._last = self._loop.time()
        if self._paused:
            self._paused = False
            self.transport.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()

    # What the listener calls.

    def check_time(self, now: float) -> None:
        """Close the connection where its client takes too long."""
        quiet = now - self._last
        if self._lingering:
            if quiet > self._limits.linger_seconds:
                self.transport.abort()
        elif self._blocked:
            if quiet > self._limits.read_seconds:
                self.transport.abort()
        elif self._task is not None or self._queue:
            return
        elif self._reading:
            slow_headers = self._in_headers and now - self._begun > self._limits.read_seconds
            if slow_headers or quiet > self._limits.read_seconds or now - self._begun > self._limits.body_seconds:
                self._refuse(408, "The request did not arrive in time")
                self._pump()
        elif quiet > self._limits.idle_seconds:
            self.transport.close()

    def close_when_idle(self) -> None:
        """Close now, or after the request that is being read or answered."""
        if not (self._task or self._queue or self._reading):
            self.transport.close()

    def abort(self) -> None:
        """Cut the connection."""
        if self._task is not None:
            self._task.cancel()
        self.transport.abort()


def _failed(request: Request) -> Response:
    _log.exception("%s %s failed", request.method, request.path)
    return error_response(500, "Internal error; the server's log has the details")
