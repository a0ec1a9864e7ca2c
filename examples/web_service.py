"""A small web service that searches a library, with nothing but the standard library.

python examples/web_service.py photos --port 8000
curl 'http://127.0.0.1:8000/search?text=a+dog+on+a+beach&top=3'
curl --data-binary @q.jpg 'http://127.0.0.1:8000/search?mode=expected-cosine'

One Searcher serves all requests: it may be used from several threads, loads its models once, and sees the
library as it is at each query, while `captionret index` may be updating it. The service has no passwords; it
listens on this machine alone unless --host says otherwise.
"""

import argparse
import json
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from captionret import CaptionretError, Searcher

MOST_BYTES = 50_000_000  # of a picture


class Handler(BaseHTTPRequestHandler):
    """Answers GET /search?text=... and POST /search with a picture as the body, in JSON."""

    searcher: Searcher

    def do_GET(self) -> None:
        """Search for a text."""
        self._search(None)

    def do_POST(self) -> None:
        """Search for the picture in the body, and a text if there is one."""
        length = int(self.headers.get("Content-Length") or 0)
        if 0 < length <= MOST_BYTES:
            self._search(self.rfile.read(length))
        else:
            why = f"a picture has 1 to {MOST_BYTES:,} bytes"
            self._answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, {"error": why})

    def _search(self, picture: bytes | None) -> None:
        url = urlsplit(self.path)
        asked = {name: values[-1] for name, values in parse_qs(url.query).items()}
        if url.path != "/search":
            return self._answer(HTTPStatus.NOT_FOUND, {"error": "ask /search?text=..."})
        try:
            result = self.searcher.search(
                text=asked.get("text"),
                image=picture,
                mode=asked.get("mode", "jaccard"),
                top=int(asked.get("top", 10)),
            )
        except (CaptionretError, ValueError) as error:
            return self._answer(HTTPStatus.BAD_REQUEST, {"error": str(error)})
        hits = [
            {
                "rank": hit.rank,
                "score": hit.score,
                "path": hit.path,
                "caption": hit.caption,
                "why": hit.why,
                "words": dict(hit.words),
                "weak": hit.weak,
            }
            for hit in result
        ]
        return self._answer(HTTPStatus.OK, {"mode": result.mode, "caption": result.caption, "hits": hits})

    def _answer(self, status: HTTPStatus, content: dict[str, object]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    """Serve until Ctrl-C."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("library", help="a library by name or path, or a folder of pictures")
    options.add_argument("--host", default="127.0.0.1")
    options.add_argument("--port", type=int, default=8000, help="0: any that is free")
    given = options.parse_args()

    with Searcher(given.library) as searcher:
        Handler.searcher = searcher
        with ThreadingHTTPServer((given.host, given.port), Handler) as server:
            print(f"http://{given.host}:{server.server_port}/search?text=a+dog", flush=True)
            try:
                server.serve_forever()
            except KeyboardInterrupt:
                print("Stopped.")


if __name__ == "__main__":
    main()
