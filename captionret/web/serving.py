"""Serving the application until it is stopped."""

import asyncio
import logging
import socket
import sys
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from ..errors import BadSetting
from .application import create_app
from .settings import Settings

log = logging.getLogger(__name__)

_IDLE = 10  # seconds after which a connection is closed on which nothing is asked
_TO_END = 2  # seconds that answers are waited for once it is stopped
_CONNECTIONS = 8192


def serve(settings: Settings, started: Callable[[str], None]) -> None:
    """Serve until Ctrl-C.

    started: is given the page's address as soon as it can be opened
    errors:  BadLibrary; BadSetting for an address that cannot be listened on
    """
    listening = _listen(settings)
    _allow_many_connections()
    app = create_app(settings)
    config = uvicorn.Config(
        _ending_quietly(app),
        http=_impatient(AutoHTTPProtocol),
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=_IDLE,
        timeout_graceful_shutdown=_TO_END,  # pages listen for as long as a job is paused
        lifespan="on",
    )
    port = listening.getsockname()[1]
    started(settings.address(port))
    with listening:
        uvicorn.Server(config).run(sockets=[listening])


def _ending_quietly(app: ASGIApp) -> ASGIApp:
    """The application, whose answers are no defects where they are given up because the server stops."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await app(scope, receive, send)
        except asyncio.CancelledError:
            if scope["type"] == "lifespan":
                raise

    return answer


def _impatient(kind: type[asyncio.Protocol]) -> type[asyncio.Protocol]:
    """The protocol, which also closes connections on which nothing was ever asked: else they would stay."""

    class Impatient(kind):  # type: ignore[valid-type, misc]
        def connection_made(self, transport: asyncio.Transport) -> None:
            super().connection_made(transport)
            self.timeout_keep_alive_task = self.loop.call_later(_IDLE, self.timeout_keep_alive_handler)

    return Impatient


def _allow_many_connections() -> None:
    """Let the process hold as many connections as the system allows it, at most so many."""
    if sys.platform != "win32":
        import resource

        now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = _CONNECTIONS if most == resource.RLIM_INFINITY else min(_CONNECTIONS, most)
        if now != resource.RLIM_INFINITY and now < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def _listen(settings: Settings) -> socket.socket:
    try:
        found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = found[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(1024)
    except OSError as error:
        raise BadSetting(
            f"{settings.host}:{settings.port} cannot be listened on ({error.strerror}). Give another port."
        ) from None
    return listening
