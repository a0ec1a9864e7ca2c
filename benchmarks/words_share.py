"""What words cost when a folder is captioned: the lexical head's words and ImageNet's classes, beside
captions alone.

    python benchmarks/words_share.py --pictures DIR

Bar: at most 10 % more. Captions alone, and captions with words, are made in turn, in one process; the
     figure is the median of the pairs' ratios, by processor time, which other programs disturb less.
"""

import statistics
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from results import markdown_table, parser, write_section

from captionret.app.places import LEXICAL_HEAD, SHIPPED
from captionret.decoding import BeamSearch
from captionret.images import find_images
from captionret.library.words.word_probabilities import kept_classes, kept_words
from captionret.models.captioning.captioner import Captioner
from captionret.models.lexical.predictor import WordPredictor
from captionret.records import CaptionResult


def captioned(
    captioner: Captioner, predictor: WordPredictor | None, paths: Sequence[Path], beam: int
) -> float:
    """Seconds of the processor for captions; with a predictor for words, too."""
    captioner.see_for(predictor)
    began = time.process_time()
    results: list[CaptionResult] = []
    for batch in captioner.caption_stream(paths, decoding=BeamSearch(beam)):
        results += [one for one in batch if isinstance(one, CaptionResult)]
    if predictor is not None:
        predicted(predictor, results)
    return time.process_time() - began


def predicted(predictor: WordPredictor, results: Sequence[CaptionResult]) -> None:
    """Words and classes as a library keeps them."""
    pooled = np.stack([one.feature for one in results])
    own = [one.own for one in results if one.own is not None]
    hashes = [one.sha256 for one in results]
    paths = [one.path for one in results]
    found = predictor.predict_words(paths, hashes, pooled, own=np.stack(own) if own else None)
    kept_words(predictor.words, found)
    classes = predictor.predict_classes(pooled)
    if classes is not None:
        kept_classes(classes)


def main() -> None:
    """Measure the shipped captioner with the shipped lexical head."""
    options = parser(__doc__)
    options.add_argument("--pictures", type=Path, required=True, metavar="DIR")
    options.add_argument("--count", type=int, default=256, metavar="N")
    options.add_argument("--pairs", type=int, default=5, metavar="N")
    options.add_argument("--beam", type=int, default=5)
    options.add_argument("--threads", type=int, default=2)
    given = options.parse_args()
    torch.set_num_threads(given.threads)
    paths = [path for path, _ in zip(find_images(given.pictures), range(given.count), strict=False)]
    captioner, predictor = Captioner.load(SHIPPED), WordPredictor.load(LEXICAL_HEAD)
    for one in (None, predictor):  # engines start
        captioned(captioner, one, paths[:64], given.beam)
    pairs = [
        (captioned(captioner, None, paths, given.beam), captioned(captioner, predictor, paths, given.beam))
        for _ in range(given.pairs)
    ]
    more = [100 * (both / alone - 1) for alone, both in pairs]
    alone, both = (1000 * statistics.median(column) / len(paths) for column in zip(*pairs, strict=True))
    columns = [
        "captions alone, ms a picture",
        "with words and classes",
        "more, % (median)",
        "range",
        "aimed at",
    ]
    spread = f"{min(more):.1f} to {max(more):.1f}"
    rows: list[list[object]] = [[alone, both, statistics.median(more), spread, "<= 10"]]
    write_section(
        given.results,
        "What words cost when a folder is captioned",
        f"{len(paths)} pictures, {captioner.name} (beam {given.beam}) and {predictor.name}, processor time, "
        f"{given.pairs} pairs of runs, {given.threads} threads.\n\n{markdown_table(columns, rows)}",
        f"python benchmarks/words_share.py --pictures DIR --count {given.count} --pairs {given.pairs}",
    )


if __name__ == "__main__":
    main()
