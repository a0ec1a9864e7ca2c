"""The table that --list of the commands that train prints."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ..config import Config

if TYPE_CHECKING:
    from torch import nn


def rows_table(
    row: str,
    columns: Mapping[str, Callable[[Any], Any]],
    rows: Mapping[str, Config],
    network: "Callable[[Any, int], nn.Module]",
    words: int,
) -> str:
    """The rows as a table, with how many parameters learn.

    row:     what one is called
    columns: what is shown of each, below which heading
    network: made of a row for a vocabulary of so many `words`, where its parameters were not counted before
    """
    from ..models.parameter_counts import counted_parameters
    from ..report.terminal import table

    shown = []
    for name, config in rows.items():
        size = counted_parameters(config, words) or _counted_now(network, config, words)
        shown.append([name, *(column(config) for column in columns.values()), size])
    return table([row, *columns, "parameters"], shown)


def _counted_now(network: "Callable[[Any, int], nn.Module]", config: Config, words: int) -> int:
    """How many parameters of a network learn, which is built for it without any values."""
    import torch

    from ..models.trained import count_parameters

    with torch.device("meta"):
        return count_parameters(network(config, words))
