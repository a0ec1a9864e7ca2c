"""A small real server on the loopback address that speaks OpenAI's protocol as vLLM and Ollama do, and the
ways in which such servers fail."""

import base64
import hashlib
import io
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from PIL import Image


class CaptionServer(ThreadingHTTPServer):
    """Says a picture's size.

    behave:   for the next requests, in turn, what goes wrong; see _Handler
    silent:   while it is set nothing is answered
    asked:    of each picture how often it was answered, by the SHA-256 of what was sent
    requests: what was sent, parsed
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, seconds: float = 0.0) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seconds = seconds
        self.behave: list[str] = []
        self.always = ""
        self.text = "a picture of {width} by {height} pixels"
        self.asked: Counter[str] = Counter()
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.lock = threading.Lock()
        self.silent = threading.Event()
        self.running = self.most = 0
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def close(self) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: CaptionServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.requests.append(body)
            self.server.headers.append(dict(self.headers))
            self.server.running += 1
            self.server.most = max(self.server.most, self.server.running)
            way = self.server.behave.pop(0) if self.server.behave else self.server.always
        try:
            time.sleep(self.server.seconds)
            if self.server.silent.is_set():
                self.close_connection = True  # without an answer
            else:
                self.answer(way, body)
        finally:
            with self.server.lock:
                self.server.running -= 1

    def answer(self, way: str, body: dict[str, Any]) -> None:
        url = body["messages"][0]["content"][1]["image_url"]["url"]
        content = base64.b64decode(url.partition("base64,")[2])
        image = Image.open(io.BytesIO(content))
        text = self.server.text.format(width=image.width, height=image.height)
        if way == "cut":
            self.close_connection = True
            self.connection.close()
        elif way == "drip":
            self.drip()
        elif way.isdigit():
            after = {"Retry-After": "0.2"} if way == "429" else {}
            self.send(int(way), b'{"error": {"message": "not now"}}', **after)
        elif way == "no schema" and "response_format" in body:
            self.send(400, b'{"error": {"message": "response_format is not known"}}')
        elif way == "html":
            self.send(200, b"<!doctype html><html><body>Welcome</body></html>", kind="text/html")
        elif way == "half":
            self.send(200, b'{"choices": [{"message": {"cont')
        elif way == "long":
            self.send(200, b'{"choices": [{"message": {"content": "' + b"x" * 5_000_000 + b'"}}]}')
        elif way == "stream":
            self.send(200, b"".join(self.pieces(text)), kind="text/event-stream")
        else:
            refusal = "I will not look at this" if way == "refusal" else None
            self.send(200, json.dumps(self.whole(text, refusal)).encode())
            with self.server.lock:
                self.server.asked[hashlib.sha256(content).hexdigest()] += 1

    def whole(self, text: str, refusal: str | None) -> dict[str, Any]:
        message = {"role": "assistant", "content": None if refusal else text, "refusal": refusal}
        usage = {"prompt_tokens": 300, "completion_tokens": 9, "cost": 0.001}
        return {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage}

    def pieces(self, text: str) -> Iterator[bytes]:
        for word in text.split(" "):
            facts = {"choices": [{"delta": {"content": f"{word} "}}]}
            yield f"data: {json.dumps(facts)}\n\n".encode()
        yield b'data: {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4}}\n\n'
        yield b"data: [DONE]\n\n"

    def drip(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "100000")
        self.end_headers()
        for _ in range(100):
            self.wfile.write(b" ")
            time.sleep(0.05)

    def send(self, status: int, content: bytes, kind: str = "application/json", **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Nothing on the terminal."""
