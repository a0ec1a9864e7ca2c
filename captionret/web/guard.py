"""What stands before every request: who may ask, from which page, how much may be sent, and the headers that
keep a browser from doing anything else with the answers.

The page is safe against other pages in the same browser: a foreign name that leads to this machine (DNS
rebinding) is refused by its Host, a foreign page that sends something by its Origin, one that embeds an
answer by Sec-Fetch-Site.
"""

import hmac
import json
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, quote, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..counting import counted
from .settings import Settings

COOKIE = "captionret"
READING = frozenset({"GET", "HEAD"})
MOST_TEXT = 100_000  # bytes of a body that is no picture
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Guard:
    """The application behind its checks, as an ASGI application."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app, self._settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request, or pass it on; every answer gets the headers."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)  # a report brings a stricter policy of its own
            await send(message)

        headers = Headers(scope=scope)
        entry = self._entry(scope)
        if entry is not None:
            await _redirect(sending, entry, self._settings.token)
            return
        refused = self._refusal(scope, headers)
        if refused is not None:
            await _refuse(sending, *refused)
            return
        most = self._settings.most_bytes if _is_picture(headers) else MOST_TEXT
        await self._app(scope, _limited(receive, headers, most), sending)

    def _refusal(self, scope: Scope, headers: Headers) -> tuple[HTTPStatus, str] | None:
        host = headers.get("host", "")
        if _without_port(host).lower() not in self._settings.hosts:
            return HTTPStatus.MISDIRECTED_REQUEST, "This machine is not known by that name here."
        reading = scope["method"] in READING
        origin = headers.get("origin")
        if origin is not None and origin.lower() != f"{scope['scheme']}://{host}".lower():
            return HTTPStatus.FORBIDDEN, "The request comes from another page."
        foreign = headers.get("sec-fetch-site", "none") not in ("none", "same-origin")
        if foreign and not (reading and headers.get("sec-fetch-mode") == "navigate" and _is_page(scope)):
            return HTTPStatus.FORBIDDEN, "The request comes from another page."
        if self._settings.token and not self._has_token(headers):
            return HTTPStatus.UNAUTHORIZED, "Open the address that was printed when the server started."
        return None

    def _has_token(self, headers: Headers) -> bool:
        kind, _, shown = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and self._is_token(shown):
            return True
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            return False
        return cookie is not None and self._is_token(cookie.value)

    def _is_token(self, shown: str) -> bool:
        return hmac.compare_digest(shown.encode(), self._settings.token.encode())

    def _entry(self, scope: Scope) -> str | None:
        """Where to go on for a browser that shows the token in the page's address; None for any other."""
        if not self._settings.token or scope["method"] != "GET" or not _is_page(scope):
            return None
        if _without_port(Headers(scope=scope).get("host", "")).lower() not in self._settings.hosts:
            return None
        pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        if not any(name == "token" and self._is_token(value) for name, value in pairs):
            return None
        rest = urlencode([pair for pair in pairs if pair[0] != "token"])
        return quote(scope["path"]) + (f"?{rest}" if rest else "")


def _limited(receive: Receive, headers: Headers, most: int) -> Receive:
    """The body, as long as it is not too large."""
    length = headers.get("content-length", "")
    taken = int(length) if length.isdecimal() and len(length) < 20 else 0
    announced_too_much, taken = taken > most, 0

    too_much = HTTPException(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"At most {counted(most, 'bytes are')} taken."
    )

    async def receiving() -> Message:
        nonlocal taken
        if announced_too_much:  # nobody waits for what is not taken
            raise too_much
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > most:
            raise too_much
        return message

    return receiving


def _is_page(scope: Scope) -> bool:
    """Whether the page itself is asked for, to which other pages may lead."""
    path = scope["path"]
    return path == "/" or (path.count("/") == 1 and "." not in path)


def _is_picture(headers: Headers) -> bool:
    kind = headers.get("content-type", "")
    return kind.startswith("image/") or kind == "application/octet-stream"


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdecimal() else host


async def _redirect(send: Send, place: str, token: str) -> None:
    cookie = f"{COOKIE}={token}; HttpOnly; SameSite=Strict; Path=/; Max-Age=31536000"
    headers = [
        (b"location", place.encode()),
        (b"set-cookie", cookie.encode()),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": 303, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def _refuse(send: Send, status: HTTPStatus, why: str) -> None:
    body = json.dumps({"error": why}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
    await send({"type": "http.response.body", "body": body})
