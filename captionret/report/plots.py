"""Plots, drawn without a display and without matplotlib's global state."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator
from numpy.typing import ArrayLike

from ..errors import BadSetting
from ..files import publishing

# Okabe and Ito's colours, which every kind of colour vision keeps apart
_BLUE, _ORANGE, _GREEN = "#0072b2", "#d55e00", "#009e73"
_INK, _GRID = "#3a3d44", "#e4e4e4"


def training_curve(history: Sequence[Mapping[str, float]], path: Path | str) -> Path:
    """Draw a training's losses and CIDEr-D over the epochs, the best epoch marked, as a PNG.

    history: a row per epoch with `epoch` and, where measured, `train_loss`, `val_loss` (both nats per word)
             and `cider_d` (x100)
    returns: the file's path. The best epoch is that of the highest CIDEr-D, or of the lowest validation loss
             without one.
    errors:  BadSetting for an empty history; NoSpace
    """
    if not history:
        raise BadSetting(f"There is no epoch to draw into {path}. Train for at least one.")
    figure = Figure(figsize=(9, 3.4), dpi=150, layout="constrained")
    losses, cider = figure.subplots(1, 2)
    _line(losses, history, "train_loss", _BLUE, "o-", "training")
    _line(losses, history, "val_loss", _ORANGE, "s--", "validation")
    _line(cider, history, "cider_d", _GREEN, "D-", "validation")
    best = _best(history)
    for axes, name, key in (
        (losses, "loss (nats per word)", "val_loss"),
        (cider, "CIDEr-D (×100)", "cider_d"),
    ):
        _dress(axes, name)
        if best is not None and key in best:
            label = f"best epoch: {best['epoch']:.0f} ({best[key]:.4g})"
            axes.axvline(best["epoch"], color=_INK, linewidth=1, linestyle=":", zorder=1, label=label)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(frameon=False, fontsize=9, labelcolor=_INK)
    with publishing(path) as file:
        figure.savefig(file, format="png")
    return Path(path)


def _line(
    axes: Axes, history: Sequence[Mapping[str, float]], key: str, colour: str, style: str, label: str
) -> None:
    points = [(row["epoch"], row[key]) for row in history if key in row]
    if points:
        axes.plot(
            *zip(*points, strict=True),
            style,
            color=colour,
            label=label,
            linewidth=1.8,
            markersize=4.5,
            zorder=2,
        )


def _best(history: Sequence[Mapping[str, float]]) -> Mapping[str, float] | None:
    for key, sign in (("cider_d", 1), ("val_loss", -1)):
        rows = [row for row in history if key in row]
        if rows:
            return max(rows, key=lambda row: sign * row[key])
    return None


def _dress(axes: Axes, name: str) -> None:
    axes.set_xlabel("epoch", color=_INK)
    axes.set_ylabel(name, color=_INK)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(axis="y", color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=_INK, labelsize=9)


def ndcg_curves(curves: Mapping[str, Sequence[float]], path: Path | str) -> Path:
    """Draw NDCG@k over k = 1, 2, ... of several modes, the best named first; a PNG. BadSetting for none."""
    if not curves:
        raise BadSetting(f"There is no mode to draw into {path}. Choose at least one.")
    figure = Figure(figsize=(9, 5), dpi=120, layout="constrained")
    axes = figure.subplots()
    for place, (name, values) in enumerate(
        sorted(curves.items(), key=lambda curve: -curve[1][min(9, len(curve[1]) - 1)])
    ):
        style = ("-", "--", ":", "-.")[place // 10 % 4]
        axes.plot(
            range(1, len(values) + 1),
            values,
            style,
            label=f"{name} ({values[min(9, len(values) - 1)]:.3f})",
            linewidth=1.6,
        )
    _dress(axes, "NDCG@k")
    axes.set_xlabel("k", color=_INK)
    axes.legend(
        frameon=False,
        fontsize=8,
        labelcolor=_INK,
        loc="center left",
        bbox_to_anchor=(1, 0.5),
        title="mode (NDCG@10)",
    )
    with publishing(path) as file:
        figure.savefig(file, format="png")
    return Path(path)


def occurrences(counts: Mapping[str, ArrayLike], k: int, path: Path | str) -> Path:
    """Draw how many images stand in at least so many k-nearest lists, a line for each way of comparing; a
    PNG.

    counts: of each way the N_k of N images. Both axes are logarithmic, so that a few hubs are seen beside
            many antihubs.
    errors: BadSetting for none
    """
    if not counts:
        raise BadSetting(f"There is nothing to draw into {path}. Count the lists of at least one mode.")
    figure = Figure(figsize=(9, 4), dpi=120, layout="constrained")
    axes = figure.subplots()
    for (name, values), style in zip(counts.items(), cycle(("-", "--", ":", "-."))):  # the styles never end
        ordered = np.sort(np.asarray(values, np.float64))[::-1]
        shown = ordered > 0
        axes.step(
            ordered[shown],
            np.arange(1, len(ordered) + 1)[shown],
            style,
            where="post",
            label=name,
            linewidth=1.8,
        )
    axes.axvline(k, color=_INK, linewidth=1, linestyle=":", label=f"the mean, {k}")
    axes.set_xscale("log")
    axes.set_yscale("log")
    _dress(axes, "images in at least so many")
    axes.xaxis.set_major_locator(LogLocator())
    axes.set_xlabel(f"lists of the {k} nearest", color=_INK)
    axes.legend(frameon=False, fontsize=9, labelcolor=_INK)
    with publishing(path) as file:
        figure.savefig(file, format="png")
    return Path(path)


def heat_map(names: Sequence[str], values: Sequence[Sequence[float]], path: Path | str) -> Path:
    """Draw a square table of shares from 0 to 1 as colours with their numbers; a PNG."""
    side = 1.5 + 0.5 * len(names)
    figure = Figure(figsize=(side + 1, side), dpi=110, layout="constrained")
    axes = figure.subplots()
    axes.imshow(values, vmin=0, vmax=1, cmap="Blues")
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=8, color=_INK)
    axes.set_yticks(range(len(names)), names, fontsize=8, color=_INK)
    for row, line in enumerate(values):
        for column, value in enumerate(line):
            axes.text(
                column,
                row,
                f"{100 * value:.0f}",
                ha="center",
                va="center",
                fontsize=7,
                color="white" if value > 0.6 else _INK,
            )
    with publishing(path) as file:
        figure.savefig(file, format="png")
    return Path(path)


def bars(values: Mapping[str, float], name: str, path: Path | str) -> Path:
    """Draw one number for each of several names as horizontal bars; a PNG."""
    figure = Figure(figsize=(8, 1 + 0.26 * len(values)), dpi=110, layout="constrained")
    axes = figure.subplots()
    axes.barh(list(values), list(values.values()), color=_BLUE)
    axes.invert_yaxis()
    _dress(axes, "")
    axes.set_xlabel(name, color=_INK)
    with publishing(path) as file:
        figure.savefig(file, format="png")
    return Path(path)


def reliability_plot(bins: Sequence[tuple[float, float, int]], path: Path | str) -> Path:
    """Draw what share of pairs is right against their probability, above how many pairs each point stands
    for; on the diagonal a probability means what it says. A PNG.

    bins: (mean probability, share that is right, how many pairs), ascending
    """
    figure = Figure(figsize=(5, 5.4), dpi=110, layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    means, shares, counts = ([one[place] for one in bins] for place in range(3))
    upper.plot([0, 1], [0, 1], ":", color=_INK, linewidth=1)
    upper.plot(means, shares, "o-", color=_BLUE)
    upper.set_ylim(0, 1)
    _dress(upper, "share that is right")
    lower.bar(means, counts, width=0.08, color=_BLUE)
    lower.set_yscale("log")
    _dress(lower, "pairs")
    lower.set_xlim(0, 1)
    lower.set_xlabel("word probability", color=_INK)
    with publishing(path) as file:
        figure.savefig(file, format="png")
    return Path(path)
