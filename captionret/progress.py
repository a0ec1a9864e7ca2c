"""Progress bars: on stderr, and only where somebody looks at it."""

from collections.abc import Iterable
from typing import Any

from tqdm import tqdm

_shown: bool | None = None


def show(wanted: bool | None) -> None:
    """Decide for all bars that no caller decides on: shown, not shown, or None for "on a terminal"."""
    global _shown
    _shown = wanted


def bar(
    what: Iterable[Any] | None = None,
    *,
    desc: str,
    unit: str,
    total: int | None = None,
    initial: int = 0,
    show: bool | None = None,
) -> "tqdm[Any]":
    """A tqdm bar over `what`, or one to update by hand.

    unit: in the singular, e.g. "picture"
    show: True always, False never, None where stderr is a terminal and nobody asked for silence, see `show`
    """
    show = _shown if show is None else show
    return tqdm(
        what,
        desc=desc,
        unit=f" {unit}",
        total=total,
        initial=initial,
        disable=None if show is None else not show,
        dynamic_ncols=True,
    )
