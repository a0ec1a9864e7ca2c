"""The order in which reasons are told."""

from collections.abc import Iterable

from ...records import WordReason


def by_share(reasons: Iterable[WordReason]) -> tuple[WordReason, ...]:
    """The most telling first; then what would have told most; then by spelling."""
    return tuple(
        sorted(
            reasons,
            key=lambda reason: (-reason.share, -reason.weight * max(reason.query, reason.image), reason.word),
        )
    )
