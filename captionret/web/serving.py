"""Serving the application until it is stopped."""

import logging
import socket
from collections.abc import Callable

import uvicorn

from ..errors import BadSetting
from .application import create_app
from .settings import Settings

log = logging.getLogger(__name__)


def serve(settings: Settings, started: Callable[[str], None]) -> None:
    """Serve until Ctrl-C.

    started: is given the page's address as soon as it can be opened
    errors:  BadLibrary; BadSetting for an address that cannot be listened on
    """
    listening = _listen(settings)
    app = create_app(settings)
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, timeout_keep_alive=10, lifespan="on"
    )
    port = listening.getsockname()[1]
    started(settings.address(port))
    with listening:
        uvicorn.Server(config).run(sockets=[listening])


def _listen(settings: Settings) -> socket.socket:
    try:
        found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = found[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(128)
    except OSError as error:
        raise BadSetting(
            f"{settings.host}:{settings.port} cannot be listened on ({error.strerror}). Give another port."
        ) from None
    return listening
