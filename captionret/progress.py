"""Progress bars: on stderr, and only where somebody looks at it.

The library that draws them is loaded for the first one that is shown: a search has none.
"""

import sys
from collections.abc import Iterable, Iterator
from typing import Any, Protocol, Self, cast

_shown: bool | None = None


def show(wanted: bool | None) -> None:
    """Decide for all bars that no caller decides on: shown, not shown, or None for "on a terminal"."""
    global _shown
    _shown = wanted


class Bar(Protocol):
    """What is done with a bar: iterate over it, or update it by hand inside a with statement."""

    def __iter__(self) -> Iterator[Any]: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def update(self, n: float = 1, /) -> object:
        """Go on by so many."""
        ...

    def set_postfix(self, *, refresh: bool = True, **values: object) -> None:
        """Show facts behind it."""
        ...


def bar(
    what: Iterable[Any] | None = None,
    *,
    desc: str,
    unit: str,
    total: int | None = None,
    initial: int = 0,
    show: bool | None = None,
) -> Bar:
    """A tqdm bar over `what`, or one to update by hand; where none is shown, something that does the same
    and shows nothing.

    unit: in the singular, e.g. "picture"
    show: True always, False never, None where stderr is a terminal and nobody asked for silence, see `show`
    """
    show = _shown if show is None else show
    if show is False or (show is None and not sys.stderr.isatty()):
        return _NoBar(what)
    from tqdm import tqdm

    drawn = tqdm(
        what, desc=desc, unit=f" {unit}", total=total, initial=initial, disable=False, dynamic_ncols=True
    )
    return cast("Bar", drawn)


class _NoBar:
    """Nothing is shown."""

    def __init__(self, what: Iterable[Any] | None) -> None:
        self._what = what

    def __iter__(self) -> Iterator[Any]:
        return iter(self._what or ())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def update(self, n: float = 1, /) -> None:
        pass

    def set_postfix(self, *, refresh: bool = True, **values: object) -> None:
        pass
