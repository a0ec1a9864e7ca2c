"""Hubs of a library: pictures that stand among the nearest of far too many others, pictures that stand in no
such list, and what remedies change.

found = library_hubs(Searcher("photos"), "cnn", k=10, remedies=["csls"])
print(found.rows())
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...counting import counted
from ...errors import BadLibrary, BadSetting
from ...remedies import remedy
from ...retrieval import Gallery, find_mode
from ..searcher import Searcher

if TYPE_CHECKING:
    from ...evaluation.hubness import Hubness
    from ...report.page import PicturesSection

MOST = 25_000  # images: their scores take 2.5 GB, and a remedy as much again
COLUMNS = ("", "skewness", "maximum", "antihubs, %", "the top 1 % hold, %")
FORMATS = {"skewness": ".2f"} | dict.fromkeys(COLUMNS[2:], ".1f")
_ROWS = 256  # compared at a time with all others
BINS = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)  # lower ends


@dataclass(frozen=True, eq=False)
class Hubs:
    """The hubness of one mode in a gallery.

    k:     the length of a list of nearest pictures
    found: by the mode's name, and beside it by the name of each remedy
    root:  the folder that the gallery's paths lie in
    """

    gallery: Gallery
    mode: str
    k: int
    found: "Mapping[str, Hubness]"
    root: Path

    @property
    def plain(self) -> "Hubness":
        """Of the mode without a remedy."""
        return self.found[self.mode]

    def rows(self) -> list[list[str | int | float | None]]:
        """A row of COLUMNS for the mode and for each remedy."""
        return [
            [
                name if name == self.mode else f"{self.mode}, {name}",
                one.skewness,
                one.maximum,
                100 * one.antihubs,
                100 * one.hub_share,
            ]
            for name, one in self.found.items()
        ]

    def to_json(self) -> dict[str, Any]:
        """{"mode", "images", "k", "rows": {mode or remedy: {"skewness", "maximum", "antihubs", "hub_share",
        "distribution": {N_k: images}, "occurrence": {path: N_k}}}}."""
        rows = {
            name: hubness.to_json()
            | {
                "distribution": {str(times): images for times, images in hubness.distribution().items()},
                "occurrence": self._by_path(hubness),
            }
            for name, hubness in self.found.items()
        }
        return {"mode": self.mode, "images": len(self.gallery), "k": self.k, "rows": rows}

    def _by_path(self, hubness: "Hubness") -> dict[str, float]:
        occurrence = np.round(hubness.occurrence, 4).tolist()
        return dict(zip(self.gallery.paths, occurrence, strict=True))


def library_hubs(searcher: Searcher, mode: str, k: int = 10, remedies: Sequence[str] = ()) -> Hubs:
    """The hubs of a searcher's library.

    errors: BadLibrary for fewer than k + 1 pictures, and for more than can be compared with each other;
            UnknownName; BadSetting, see Searcher.check_spaces
    """
    from ...evaluation.hubness import find_remedies

    find_mode(mode), find_remedies(remedies)  # before anything is loaded in vain
    if k < 1:
        raise BadSetting(f"k is {k}; a list holds at least 1 picture.")
    _check_size(searcher, k)
    searcher.check_spaces(mode)
    gallery = searcher.gallery(mode)
    return Hubs(gallery, mode, k, measured(gallery, mode, k, remedies), searcher.library.root)


def _check_size(searcher: Searcher, k: int) -> None:
    library = searcher.library
    count = len(library)
    if count <= k:
        raise BadLibrary(
            f"{library.path} holds {counted(count, 'pictures')}: too few for lists of {k}.",
            remedy("shorter lists"),
        )
    if count > MOST:
        raise BadLibrary(
            f"{library.path} holds {counted(count, 'pictures')}; comparing each with all is made for up to "
            f"{MOST:,}. Take a part of them."
        )


def measured(gallery: Gallery, mode: str, k: int, remedies: Sequence[str] = ()) -> "dict[str, Hubness]":
    """The hubness of a mode in a gallery by its name, and with each remedy by that one's."""
    from ...evaluation.hubness import find_remedies, measure_hubness, without_self
    from ...evaluation.modes import score_matrix

    chosen = find_mode(mode)
    scores = without_self(score_matrix(chosen, gallery), chosen.relative)
    return {mode: measure_hubness(scores, k)} | {
        name: measure_hubness(remedied(scores), k) for name, remedied in find_remedies(remedies).items()
    }


def occurrence_in_space(vectors: NDArray[np.float32], k: int = 10) -> NDArray[np.float64]:
    """In how many lists of the k nearest others each picture stands: (N,), k on average.

    vectors: (N, D) unit rows; a block of them is compared with all at a time
    """
    from ...evaluation.hubness import k_occurrence

    counts = np.zeros(len(vectors))
    for start in range(0, len(vectors), _ROWS):
        scores = vectors[start : start + _ROWS] @ vectors.T
        rows = np.arange(len(scores))
        scores[rows, rows + start] = -np.inf
        counts += k_occurrence(scores, k)
    return counts


def spread(hubness: "Hubness") -> list[tuple[str, int]]:
    """How many images stand in so many lists, by ranges up to the largest."""
    counts = np.rint(hubness.occurrence)
    ends = [*(low - 1 for low in BINS[1:]), np.inf]
    rows = []
    for low, high in zip(BINS, ends, strict=True):
        name = f"{low:,}" if high == low else f"{low:,} or more" if high == np.inf else f"{low:,}-{high:,}"
        rows.append((name, int(((counts >= low) & (counts <= high)).sum())))
        if high >= counts.max():
            break
    return rows


def write_hubs(file: Path, hubs: Hubs, library: str, worst: int = 12) -> Path:
    """Write a page with a table, a plot and the worst hubs as pictures.

    library: its name, for the first line
    worst:   how many hubs of the mode, and of each remedy
    """
    from tempfile import TemporaryDirectory

    from ...report.page import PlotSection, Section, TableSection, write_page
    from ...report.plots import occurrences

    alt = f"How many pictures stand in how many lists; skewness {hubs.plain.skewness:.2f} as it is."
    note = (
        "Antihubs stand in no list. The last column is the share of all places in lists that one in a "
        "hundred pictures takes."
    )
    lead = (
        f"{counted(len(hubs.gallery), 'pictures')} of {library}, each asks for the {hubs.k} nearest others "
        f"by {hubs.mode}."
    )
    lowest: Any = dict.fromkeys(COLUMNS[1:], "lowest")
    with TemporaryDirectory() as folder:
        counts = {name: one.occurrence for name, one in hubs.found.items()}
        plot = occurrences(counts, hubs.k, Path(folder) / "occurrences.png")
        sections: list[Section] = [
            TableSection("How uneven", COLUMNS, hubs.rows(), note, lowest, FORMATS),
            PlotSection(f"The distribution of N_{hubs.k}", plot, alt),
            *(_worst(hubs, name, worst) for name in hubs.found if worst),
        ]
        return write_page(file, f"captionret: hubs of {hubs.mode}", lead, sections)


def _worst(hubs: Hubs, name: str, count: int) -> "PicturesSection":
    from ...report.page import Picture, PicturesSection

    gallery, hubness = hubs.gallery, hubs.found[name]
    title = f"The worst hubs of {hubs.mode}" + (f" with {name}" if name != hubs.mode else "")
    pictures = [
        Picture(
            hubs.root / gallery.paths[row],
            f"{hubness.occurrence[row]:.0f}",
            gallery.captions[row],
            gallery.paths[row],
        )
        for row in hubness.worst(count)
        if hubness.occurrence[row]
    ]
    about = f"In how many of the {len(gallery):,} lists of {hubs.k} each stands; the mean is {hubs.k}."
    return PicturesSection(title, pictures, about)
