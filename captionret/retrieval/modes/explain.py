"""The order of reasons."""

from collections.abc import Iterable

from ...records import WordReason


def by_share(reasons: Iterable[WordReason]) -> tuple[WordReason, ...]:
    """The largest shares first; then what could have added most; then by spelling."""
    return tuple(
        sorted(
            reasons,
            key=lambda reason: (-reason.share, -reason.weight * max(reason.query, reason.image), reason.word),
        )
    )
