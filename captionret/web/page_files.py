"""The files of the page, read once."""

import hashlib
from functools import cache
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response

_KINDS = {".js": "text/javascript", ".css": "text/css", ".html": "text/html", ".svg": "image/svg+xml"}


@cache
def page_files() -> dict[str, tuple[bytes, str, str]]:
    """By name: content, media type and ETag."""
    found = {}
    for file in files("captionret.web").joinpath("page").iterdir():
        ending = "." + file.name.rpartition(".")[2]
        if file.is_file() and ending in _KINDS:
            content = file.read_bytes()
            kind = _KINDS[ending]
            tag = f'"{hashlib.sha256(content).hexdigest()[:20]}"'
            found[file.name] = content, kind + ("" if "svg" in kind else "; charset=utf-8"), tag
    return found


def page_file(request: Request, name: str) -> Response:
    """One of them; 404 for any other name, 304 where the browser has it."""
    if name not in page_files():
        return Response("There is no such file.", 404, media_type="text/plain")
    content, kind, tag = page_files()[name]
    return tagged(request, content, kind, tag, "no-cache")


def tagged(request: Request, content: bytes, kind: str, tag: str, caching: str) -> Response:
    """Content with its ETag; 304 and nothing where the browser has it already."""
    headers = {"ETag": tag, "Cache-Control": caching}
    if tag in (one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")):
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=kind)
