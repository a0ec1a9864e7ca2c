"""Compare trained captioners on the same pictures: the quality of their captions, their speed, and what each
retrieves.

    captionret compare-variants --data flickr8k:data/flickr8k       # every checkpoint in checkpoints/
    captionret compare-variants --data scenes --checkpoints checkpoints/a checkpoints/b --out comparison
    captionret compare-variants --data flickr8k:data/flickr8k --embedding checkpoints/photos-space

With --embedding a second table sets the captions beside the CNN's features and embedding spaces, as ways to
find related pictures. Each pair is tested, too: paired intervals, Fisher's randomisation test, Holm's
correction. Writes OUT/variants.csv, OUT/differences.csv, OUT/modes.csv and OUT/index.html. Pictures pass
through each CNN once; captions per second are given those features.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import BadSetting
from .options import FOUND, add_data, add_device, add_features, parser, path_argument, say

if TYPE_CHECKING:  # --help need not wait for it
    from ..app.measuring.comparisons import Comparison


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare checkpoints on a split; print the tables and write the page."""
    given = _parse(arguments)
    if min(given.pictures, given.batch_size, given.beam) < 1:
        raise BadSetting(
            f"--pictures {given.pictures}, --batch-size {given.batch_size}, --beam {given.beam}: all must be "
            "at least 1."
        )
    from ..app.measuring.captioned_split import note_scores
    from ..app.measuring.comparison_report import write_comparison
    from ..app.measuring.comparisons import Measuring, compare
    from ..app.missing import open_data
    from ..app.places import find_checkpoint
    from ..decoding import BeamSearch

    dataset = open_data(given.data, given.fetch_missing)
    say(dataset.summary())
    checkpoints = list(map(find_checkpoint, given.checkpoints)) if given.checkpoints else None
    how = Measuring(
        BeamSearch(given.beam, given.length_penalty),
        given.batch_size,
        given.relevance,
        given.device,
        given.features,
    )
    comparison = compare(dataset, given.split, checkpoints, how, given.embedding)
    if given.note:
        for one in comparison.compared:
            note_scores(Path(one.row["checkpoint"]), given.data, given.split, one.setting, one.row)
    _show(comparison)
    write_comparison(given.out, comparison, given.pictures)
    return FOUND


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command's settings."""
    options = parser("compare-variants", __doc__ or "")
    add_data(options)
    options.add_argument(
        "--checkpoints",
        nargs="+",
        metavar="NAME",
        help="what captions, names or directories (default: every captioner in checkpoints/)",
    )
    options.add_argument(
        "--embedding",
        nargs="+",
        default=[],
        metavar="DIR",
        help="spaces of images and sentences to set beside the captions",
    )
    options.add_argument(
        "--beam", type=int, default=3, metavar="N", help="width of the beam (default: %(default)s)"
    )
    options.add_argument(
        "--length-penalty",
        type=float,
        metavar="A",
        help="captions are ranked by log-probability / words**A (default: each variant's own)",
    )
    options.add_argument(
        "--relevance",
        default="tfidf",
        help="by which retrieval is measured: sbert, tfidf, cider (default: %(default)s)",
    )
    options.add_argument(
        "--batch-size", type=int, default=64, metavar="N", help="pictures at a time (default: %(default)s)"
    )
    options.add_argument(
        "--pictures", type=int, default=12, metavar="N", help="how many the page shows (default: %(default)s)"
    )
    options.add_argument(
        "--out",
        type=path_argument,
        default=Path("report/variants"),
        metavar="DIR",
        help="where the tables and the page go (default: %(default)s)",
    )
    add_features(options)
    options.add_argument(
        "--note", action="store_true", help="write the scores into each checkpoint's record and card"
    )
    add_device(options)
    return options.parse_args(arguments)


def _show(comparison: "Comparison") -> None:
    from ..app.measuring import compared_modes as modes
    from ..app.measuring import comparison_report as report
    from ..app.measuring.compared_captions import FORMATS
    from ..report.terminal import table

    print(table(report.shown_columns(comparison), report.quality_rows(comparison), FORMATS))
    if rows := report.difference_rows(comparison):
        print("\n" + table(report.DIFFERENCE_COLUMNS, rows, report.DIFFERENCE_FORMATS))
    if comparison.beside:
        rows = [list(row.values()) for row in comparison.beside]
        print("\n" + table(modes.COLUMNS, rows, modes.FORMATS))
