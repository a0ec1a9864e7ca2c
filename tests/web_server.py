"""A server on the loopback address that answers every path with the bytes, or the behaviour, that stand under
it."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

Answer = Callable[[socket.socket], None]
NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


class WebServer:
    """asked: the paths, in the order in which they were; requests: what each was asked with, as sent"""

    def __init__(self) -> None:
        self.answers: dict[str, bytes | Answer] = {}
        # what a path that stands in no row gives, by its path and its arguments
        self.otherwise: Callable[[str, dict[str, str]], bytes] = lambda path, arguments: NOT_FOUND
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.asked: list[str] = []
        self.requests: list[str] = []
        self.times: list[float] = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.answer, args=(connection,), daemon=True).start()

    def answer(self, connection: socket.socket) -> None:
        request = b""
        while b"\r\n\r\n" not in request and (piece := connection.recv(4096)):
            request += piece
        if not request:
            connection.close()
            return
        whole = request.split()[1].decode()
        self.asked.append(whole)
        self.requests.append(request.decode())
        self.times.append(time.monotonic())
        parts = urlsplit(whole)
        arguments = {name: values[0] for name, values in parse_qs(parts.query).items()}
        answer = self.answers.get(whole) or self.otherwise(parts.path, arguments)
        try:
            if isinstance(answer, bytes):
                connection.sendall(answer)
            else:
                answer(connection)
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the other side has had enough
        finally:
            connection.close()


@contextmanager
def serving() -> Iterator[WebServer]:
    """A server for as long as the block runs."""
    server = WebServer()
    try:
        yield server
    finally:
        server.listener.close()


def page(body: bytes, kind: str = "image/png") -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def data(value: object) -> bytes:
    return page(json.dumps(value).encode(), "application/json")


def redirect(to: str, status: int = 302) -> bytes:
    return f"HTTP/1.1 {status} Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n".encode()


def refusal(status: int, after: str = "") -> bytes:
    header = f"Retry-After: {after}\r\n" if after else ""
    return f"HTTP/1.1 {status} No\r\n{header}Content-Length: 0\r\n\r\n".encode()
