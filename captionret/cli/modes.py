"""List the modes of search: what each takes, and what it compares.

captionret modes
"""

from collections.abc import Sequence

from ..report.terminal import table
from ..retrieval import every_mode
from .options import FOUND, parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a row for each mode."""
    parser("modes", __doc__ or "").parse_args(arguments)
    print(modes_table())
    return FOUND


def modes_table() -> str:
    """Every mode: what it takes, and what it compares."""
    rows = [[mode.name, " and ".join(sorted(mode.accepts)), mode.about] for mode in every_mode().values()]
    return table(["mode", "takes", "compares"], rows)
