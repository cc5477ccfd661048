"""The client where there is no server, or one that says nothing useful."""

from __future__ import annotations

import socket
import threading

import pytest

from headrace.errors import ServingError
from headrace.serving import ModelClient


def test_addresses_and_absent_servers() -> None:
    with pytest.raises(ServingError, match="http://host:port"):
        ModelClient("localhost:8501")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with ModelClient(f"http://127.0.0.1:{port}") as client, pytest.raises(ServingError, match="ConnectionRefused"):
        client.status("m")


def test_an_answer_that_is_no_json() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 502 Bad\r\nContent-Length: 4\r\n\r\noops")

        thread = threading.Thread(target=answer)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        with ModelClient(url) as client, pytest.raises(ServingError, match=r"oops.*502 from"):
            client.predict("m", [{"x": 1}])
        thread.join()
