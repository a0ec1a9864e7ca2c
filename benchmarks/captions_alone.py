"""Word probabilities of captions alone, where nothing is predicted from the pictures
(captionret/retrieval/caption_words.py): how they are smoothed, and what they find, on Flickr8k val.

    python benchmarks/captions_alone.py --data flickr8k:data/flickr8k

One, two or four of each picture's captions by people stand for a captioner's; the last one asks for its
picture.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from results import markdown_table, parser, write_section

from captionret.app.measuring.measured_text import TextQueries, caption_queries, measure_texts
from captionret.datasets import open_dataset
from captionret.library.catalogue.documents import Document
from captionret.library.index.merged import MergedSegments
from captionret.library.index.segment import segment_of
from captionret.records import Item
from captionret.retrieval import Gallery, WordMatrix, caption_words, other_captions
from captionret.retrieval.caption_words import words_of_captions
from captionret.retrieval.sources import TableSource

GIVEN = (1, 2, 4)  # captions of each picture
SMOOTHINGS, LENGTHS = (0.3, 1.0, 3.0), (0.0, 0.3, 0.55, 0.9)


def gallery_of(items: Sequence[Item], given: int) -> Gallery:
    """The pictures with so many captions of each, as a library of captions alone has them."""
    hashes = [hashlib.sha256(item.id.encode()).hexdigest() for item in items]
    captions = [item.captions[:given] for item in items]
    documents = [
        Document(sha256, (item.id,), said, False, 0, None)
        for sha256, item, said in zip(hashes, items, captions, strict=True)
    ]
    table = MergedSegments([segment_of(documents, kept=True)], [np.zeros(0, np.int32)])
    said = WordMatrix.of_rows([words_of_captions(one) for one in captions])
    source = TableSource(hashes, captions=captions, word_probabilities=said)
    return Gallery.of_table(table, source, by_captions=True)


def recall(gallery: Gallery, queries: TextQueries, mode: str) -> list[float]:
    """R@1 and R@10, as things are set."""
    gallery.__dict__.pop("predicted", None)
    gallery._prepared.clear()
    found = next(one for one in measure_texts(gallery, [mode], queries, []) if one.mode == mode)
    return [found.r1, found.r10]


def measured(items: Sequence[Item], given: int) -> tuple[list[list[object]], list[list[object]]]:
    """The rows of what was learnt, and of the modes as set."""
    gallery = gallery_of(items, given)
    asking = [replace(item, captions=item.captions[4:]) for item in items]
    queries = caption_queries(asking, range(len(items)), {}, gallery)
    modes: list[list[object]] = [
        [given, mode, *recall(gallery, queries, mode)] for mode in ("jaccard-idf", "words")
    ]
    chosen = other_captions.SMOOTHING, caption_words.LENGTH
    settings: list[list[object]] = []
    for smoothing in SMOOTHINGS:
        for length in LENGTHS:
            other_captions.SMOOTHING, caption_words.LENGTH = smoothing, length
            settings.append([given, smoothing, length, *recall(gallery, queries, "words")])
    other_captions.SMOOTHING, caption_words.LENGTH = chosen
    return settings, modes


def main() -> None:
    """Measure and write the section."""
    options = parser(__doc__)
    options.add_argument("--data", default="flickr8k:data/flickr8k")
    options.add_argument("--pictures", type=int, help="(default: all of val)")
    given = options.parse_args()
    every = (item for item in open_dataset(given.data).items if item.split == "val")
    items = sorted(every, key=lambda item: item.id)[: given.pictures]
    settings: list[list[object]] = []
    modes: list[list[object]] = []
    for count in GIVEN:
        learnt, found = measured(items, count)
        settings, modes = settings + learnt, modes + found
    by_mode = markdown_table(["captions", "mode", "R@1", "R@10"], modes)
    learnt_table = markdown_table(["captions", "smoothing", "length", "R@1", "R@10"], settings)
    body = (
        f"{len(items):,} pictures of Flickr8k val, a library of captions alone: so many captions by people "
        "of each picture; the fifth asks for it. x100. Mode `jaccard-idf`, which compares the first caption, "
        f"is what `auto` answered by before; it answers by `words` now.\n\n{by_mode}\n\nMode `words` by "
        f"its settings; chosen: smoothing {other_captions.SMOOTHING:g}, length {caption_words.LENGTH:g}."
        f"\n\n{learnt_table}"
    )
    write_section(given.results, "Words of captions alone", body, "python benchmarks/captions_alone.py")


if __name__ == "__main__":
    main()
