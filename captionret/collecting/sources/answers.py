"""Answers of interfaces in JSON: nothing in them is taken to be as it should."""

import json
from typing import TypeVar
from urllib.parse import urlencode

from ...errors import NotFetched
from ...fetching import Visitor

_BYTES = 20_000_000
T = TypeVar("T", str, int, float, list, dict)  # type: ignore[type-arg]


def ask(visitor: Visitor, server: str, arguments: dict[str, str], apart: float = 0.0) -> dict[str, object]:
    """The object that an interface answers with.

    apart:  seconds between two requests that it asks for
    errors: NotFetched, also for what is no JSON object
    """
    address = f"{server}{'&' if '?' in server else '?'}{urlencode(arguments)}"
    try:
        answer = visitor.get(address, "application/json", _BYTES, robots=False, apart=apart)
    except NotFetched as error:
        message = str(error).replace(address, server)  # which says as much to people
        raise NotFetched(message, error.kind, error.status, error.host, error.after) from None
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
