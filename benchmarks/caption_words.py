"""Learn how far the words of a captioner's captions are trusted beside those that are predicted from the
CNN's features (captionret/retrieval/other_captions.py): on Flickr8k val, mode `words`, text to image.

    python benchmarks/caption_words.py --data flickr8k:data/flickr8k
    python benchmarks/caption_words.py --scored     # as chosen: mode `auto`, and pictures that ask

Two captioners stand for the worst and the best that there are. One sees with the same CNN: the shipped one,
whose five captions hold nothing new. The other sees with other eyes: people, of whose five captions of a
picture one or two are taken for a captioner's, and the others ask for the picture.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from results import markdown_table, parser, write_section

from captionret.app.measuring.measured_modes import relevances_of
from captionret.app.measuring.measured_split import (
    MeasuredSplit,
    ModesMeasuring,
    captioned_items,
    measured_split,
)
from captionret.app.measuring.measured_text import TextQueries, caption_queries, measure_texts
from captionret.datasets import open_dataset
from captionret.evaluation.semantic import measure
from captionret.evaluation.significance import mean_interval
from captionret.home import data_folder
from captionret.retrieval import MODES, Gallery, other_captions
from captionret.retrieval.index.columns import Columns
from captionret.retrieval.predicted import WordProbabilities
from captionret.text import word_set

SMOOTHINGS, TRUSTS = (1.0, 10.0), (0.1, 0.3, 0.5)


def captions_of(captions: Sequence[Sequence[str]]) -> other_captions.OtherCaptions:
    """The words of these captions of each picture."""
    counts: defaultdict[str, NDArray[np.int64]] = defaultdict(lambda: np.zeros(len(captions), np.int64))
    for row, each in enumerate(captions):
        for caption in each:
            for word in word_set(caption):
                counts[word][row] += 1
    every, texts = np.ones(len(captions), np.bool_), np.array([len(each) for each in captions])
    return other_captions.OtherCaptions(every, texts, counts.__getitem__)


def measured(
    gallery: Gallery,
    words: other_captions.OtherCaptions | None,
    queries: TextQueries,
    mode: str = "words",
) -> tuple[float, float]:
    """R@1 and R@10."""
    head = Columns(gallery.word_probabilities)
    known = head if words is None else other_captions.WithOtherCaptions(head, words)
    classes = None if gallery.classes is None else Columns(gallery.classes)
    gallery._prepared.clear()
    gallery.__dict__["predicted"] = WordProbabilities(known, classes, gallery.calibration)
    found = next(one for one in measure_texts(gallery, [mode], queries, []) if one.mode == mode)
    return found.r1, found.r10


def rows_of(split: MeasuredSplit, captions: Sequence[Sequence[str]], asked: int) -> list[list[object]]:
    """R@1 and R@10 without and with these captions, by every setting; asked: captions that do not ask"""
    items = [replace(item, captions=item.captions[asked:]) for item in split.every]
    queries = caption_queries(items, split.rows, {}, split.gallery)
    found: list[list[object]] = [["none", "", *measured(split.gallery, None, queries)]]
    words = captions_of(captions)
    for smoothing in SMOOTHINGS:
        for trust in TRUSTS:
            other_captions.SMOOTHING, other_captions.TRUST = smoothing, trust
            found.append([f"{trust:g}", f"{smoothing:g}", *measured(split.gallery, words, queries)])
    return found


def texts_by_auto(
    split: MeasuredSplit, captions: Mapping[str, Sequence[Sequence[str]] | None]
) -> list[list[object]]:
    """R@1 and R@10 of mode `auto`, as words are trusted by default; the last three captions of each ask."""
    items = [replace(item, captions=item.captions[2:]) for item in split.every]
    queries = caption_queries(items, split.rows, split.spaces, split.gallery)
    return [
        [name, *measured(split.gallery, None if own is None else captions_of(own), queries, "auto")]
        for name, own in captions.items()
    ]


def pictures_asking(
    split: MeasuredSplit, captions: Mapping[str, Sequence[Sequence[str]] | None]
) -> list[list[object]]:
    """NDCG@10 of each picture asking for the others, with captions of its own. Relevance is by people's
    captions but the first."""
    items = [replace(item, captions=item.captions[1:]) for item in split.items]
    relevance = relevances_of(items, ("sbert",), [])["sbert"]
    gallery, found = split.gallery, list[list[object]]()
    gallery.__dict__.pop("predicted", None)
    gallery._prepared.clear()
    stored = gallery.stored_words
    known = frozenset(gallery.word_probabilities.words) if stored is None else stored.head.words
    for mode in ("words", "auto"):
        prepared, parts = MODES[mode].prepare(gallery), MODES[mode].required_parts(gallery) & gallery.parts
        for name, own in captions.items():
            scores = np.zeros((len(gallery), len(gallery)), np.float32)
            for row in range(len(gallery)):
                query = gallery.query(row, parts)
                if own is not None:
                    likely = other_captions.raised(query.word_probabilities or {}, own[row], known)
                    query = replace(query, word_probabilities=likely)
                scores[row] = prepared.scores(query)
            mean, low, high = mean_interval(measure(scores, relevance).ndcg10)
            found.append([f"{mode}, {name}", 100 * mean, f"{100 * low:.1f}-{100 * high:.1f}"])
    return found


def settings(split: MeasuredSplit, people: Sequence[Sequence[str]]) -> tuple[str, str]:
    """The title and the text of what was learnt."""
    chosen = other_captions.TRUST, other_captions.SMOOTHING
    tables = [
        (
            "The shipped captioner, of the same CNN: its five captions",
            rows_of(split, split.gallery.all_captions, 0),
        ),
        ("People: one caption of each picture", rows_of(split, [one[:1] for one in people], 2)),
        ("People: two captions of each picture", rows_of(split, [one[:2] for one in people], 2)),
    ]
    parts = [
        f"**{title}**\n\n{markdown_table(['trust', 'smoothing', 'R@1', 'R@10'], rows)}"
        for title, rows in tables
    ]
    body = (
        "Flickr8k val, mode `words`, captions ask for their picture; a captioner's captions beside the word "
        "probabilities of the lexical head and the classes. Those of the same CNN say nothing new, and are "
        f"not counted. Chosen for others: trust {chosen[0]:g}, smoothing {chosen[1]:g}.\n\n"
        + "\n\n".join(parts)
    )
    return "Words of another captioner's captions", body


def scored(split: MeasuredSplit, people: Sequence[Sequence[str]]) -> tuple[str, str]:
    """The same of what they are worth as chosen."""
    captions: dict[str, Sequence[Sequence[str]] | None] = {
        "none": None,
        "the shipped captioner's five": split.gallery.all_captions,
        "one by a person": [one[:1] for one in people],
    }
    texts = markdown_table(["captions", "R@1", "R@10"], texts_by_auto(split, captions))
    pictures = markdown_table(["mode, captions", "NDCG@10", "95 %"], pictures_asking(split, captions))
    body = (
        "Flickr8k val. Captions of a captioner beside the word probabilities of the lexical head and the "
        f"classes: trust {other_captions.TRUST:g}, smoothing {other_captions.SMOOTHING:g}. Those of the "
        "shipped captioner, which sees with the same CNN, are not counted in a library.\n\n"
        f"**Texts by mode `auto`: the last three captions of each picture ask for it**\n\n{texts}\n\n"
        f"**Pictures that ask, their words raised by captions of their own**\n\n{pictures}"
    )
    return "Another captioner's captions in mode auto, and of pictures that ask", body


def main() -> None:
    """Measure and write the section."""
    options = parser(__doc__)
    options.add_argument("--data", default="flickr8k:data/flickr8k")
    options.add_argument("--features", type=Path, default=data_folder("features"))
    options.add_argument("--scored", action="store_true", help="what captions are worth as chosen")
    given = options.parse_args()
    how = ModesMeasuring(modes=("words", "auto"), samples=0, folder=given.features)
    split = measured_split(captioned_items(open_dataset(given.data), "val"), how, [])
    of_row = {row: item.captions for row, item in zip(split.rows, split.every, strict=True)}
    people = [of_row[row] for row in range(len(split.gallery))]
    title, body = (scored if given.scored else settings)(split, people)
    command = "python benchmarks/caption_words.py" + " --scored" * given.scored
    write_section(given.results, title, body, command)


if __name__ == "__main__":
    main()
