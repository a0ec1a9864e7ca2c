"""Answers of interfaces in JSON: nothing in them is taken to be as it should."""

import json
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urlencode, urlsplit

from ...errors import NotFetched
from ...fetching import Answer, Visitor

_BYTES = 20_000_000
_PAUSE = "5"  # seconds, where a busy interface does not say how many
T = TypeVar("T")


def ask(
    visitor: Visitor,
    server: str,
    arguments: dict[str, str],
    apart: float = 0.0,
    is_busy: Callable[[dict[str, object]], bool] = lambda found: False,
) -> dict[str, object]:
    """The object that an interface answers with.

    apart:   seconds between two requests that it asks for
    is_busy: whether an answer asks to come back later, which is done
    errors:  NotFetched, also for what is no JSON object
    """
    address = f"{server}{'&' if '?' in server else '?'}{urlencode(arguments)}"

    def check(answer: Answer) -> None:
        if is_busy(_object(answer, server)):
            host = urlsplit(server).hostname or ""
            raise NotFetched(f"{server} is busy.", "status", 503, host, answer.after or _PAUSE)

    try:
        answer = visitor.get(address, "application/json", _BYTES, robots=False, apart=apart, check=check)
    except NotFetched as error:
        message = str(error).replace(address, server)  # which says as much to people
        raise NotFetched(message, error.kind, error.status, error.host, error.after) from None
    return _object(answer, server)


def _object(answer: Answer, server: str) -> dict[str, object]:
    try:
        found = json.loads(answer.content)
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, dict):
        return found
    page = answer.kind == "text/html" or answer.content.lstrip()[:1] == b"<"
    what = (
        "a page instead of data. Is there a sign-in page before the web"
        if page
        else "something else than data"
    )
    raise NotFetched(f"{server} answers with {what}{'?' if page else '.'}", "not data")


def part(record: object, name: str, kind: type[T]) -> T:
    """`record[name]` where it is of the kind; else an empty one."""
    found = record.get(name) if isinstance(record, dict) else None
    return found if isinstance(found, kind) else kind()
