"""Words that find: every mode on Flickr8k test (text to image beside image to image, word probabilities), on
Caltech by the categories' names, and some on COCO val, beside what is aimed at.

    python benchmarks/text_search.py --flickr8k data/flickr8k --caltech data/caltech --coco data/coco

Nothing is chosen on these pictures: settings come from Flickr8k val.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from results import markdown_table, parser, write_section

from captionret.app.measuring.measured_modes import IMAGE, MeasuredModes, measure_modes
from captionret.app.measuring.measured_split import ModesMeasuring
from captionret.app.measuring.measured_text import MeasuredLabels, measure_labels
from captionret.app.measuring.measured_words import MeasuredWords, measure_words
from captionret.datasets import open_dataset
from captionret.retrieval import MODES

AUTO = "auto"
WORD_MODES = ("words", "expected-cosine", "expected-jaccard")  # explainable, by an inverted index
IN_ORDER = ("jaccard", "cnn-centred", "embedding", *WORD_MODES, "hybrid", AUTO)  # compared on COCO, too
KINDS = ("sbert", "tfidf", "cider")
PUBLISHED: list[list[object]] = [
    ["*CLIP ViT-B/32, OpenAI, zero-shot*", None, 80.5, *[None] * 8],
    ["*CLIP ViT-B/32, LAION-2B, zero-shot*", None, 86.3, *[None] * 8],
]
COLUMNS = [
    *("mode", "text R@1", "R@5", "R@10", "medr", "MRR", "misses"),
    *("image NDCG@10 sbert", "95 %", "image NDCG@10 tfidf", "image NDCG@10 cider"),
]


def retrieval_table(found: MeasuredModes) -> str:
    """Text to image beside image to image, a row for each mode; figures of others below."""
    texts = {one.mode: one for one in found.texts}
    images = {(one.mode, one.relevance): one.interval for one in found.measured}
    names = list(dict.fromkeys([*(one.mode for one in found.measured), *texts]))
    rows: list[list[object]] = []
    for name in names:
        values: list[object] = [*texts[name].values()] if name in texts else [None] * 6
        values[4] = 100 * texts[name].mrr if name in texts else None
        rows.append([name, *values, *_related(images, name)])
    return markdown_table(COLUMNS, [*rows, *PUBLISHED])


def _related(images: dict[tuple[str, str], tuple[float, float, float]], mode: str) -> list[object]:
    """NDCG@10 by each kind of relevance, the first with its interval."""
    if (mode, KINDS[0]) not in images:
        return [None] * 4
    first, *others = (images[mode, kind] for kind in KINDS)
    return [100 * first[0], f"{100 * first[1]:.1f}–{100 * first[2]:.1f}", *(100 * one[0] for one in others)]


def order_table(found: MeasuredModes) -> str:
    """Image to image alone, a row for each mode."""
    images = {(one.mode, one.relevance): one.scores.summary().ndcg10 for one in found.measured}
    names = dict.fromkeys(one.mode for one in found.measured)
    rows: list[list[object]] = [[name, *(100 * images[name, kind] for kind in KINDS)] for name in names]
    return markdown_table(["mode", *(f"NDCG@10 {kind}" for kind in KINDS)], rows)


def label_table(found: MeasuredLabels) -> str:
    """A row for each mode."""
    rows: list[list[object]] = [
        [one.mode, *(100 * value for value in one.values()[:3]), one.misses] for one in found.found
    ]
    return markdown_table(["mode", "R-precision", "MRR", "AP", "misses"], rows)


def word_tables(found: MeasuredWords) -> str:
    """Calibration, thresholds and single words as queries."""
    bins: list[list[object]] = [[one.mean, one.right, one.pairs] for one in found.reliability]
    thresholds: list[list[object]] = [
        [one.at, one.precision, one.recall, one.words, *one.spread] for one in found.thresholds
    ]
    answered: list[list[object]] = [[one.mode, 100 * one.absent, 100 * one.present] for one in found.answered]
    return "\n\n".join(
        [
            markdown_table(["mean p", "right", "pairs"], bins),
            markdown_table(
                ["p at least", "precision", "recall", "words", "10 % of words below", "median", "90 % below"],
                thresholds,
            ),
            markdown_table(
                ["mode", "absent words that return something, %", "present words that return nothing, %"],
                answered,
            ),
        ]
    )


def bars(found: MeasuredModes, labels: MeasuredLabels, words: MeasuredWords) -> str:
    """What is aimed at, and what is reached."""
    texts = {one.mode: one.r10 for one in found.texts}
    images = {
        one.mode: 100 * one.scores.summary().ndcg10 for one in found.measured if one.relevance == KINDS[0]
    }
    precision = {one.mode: 100 * one.r_precision for one in labels.found}
    reciprocal = {one.mode: 100 * one.mrr for one in labels.found}
    absent = {one.mode: 100 * one.absent for one in words.answered}
    lost = {one.mode: 100 * one.present for one in words.answered}
    sure = next(100 * one.precision for one in words.thresholds if one.at == 0.8)
    rows: list[list[object]] = [
        ["text to image R@10, best word mode", *_best(texts, WORD_MODES), ">= 64"],
        ["text to image R@10, auto", *_best(texts, (AUTO,)), ">= 74"],
        ["image to image NDCG@10 sbert, best word mode", *_best(images, WORD_MODES), ">= 68.5"],
        ["image to image NDCG@10 sbert, auto", *_best(images, (AUTO,)), ">= 70"],
        ["Caltech R-precision, auto", *_best(precision, (AUTO,)), ">= 60"],
        ["Caltech MRR, auto", *_best(reciprocal, (AUTO,)), ">= 75"],
        ["Caltech R-precision, best word mode", *_best(precision, WORD_MODES), ">= 52"],
        ["calibration error", "word probabilities", 100 * words.error, "<= 3"],
        ['"p >= .8" is right', "word probabilities", sure, ">= 85"],
        ["absent words that return something, %", *_best(absent, (AUTO,)), "<= 5"],
        ["present words that return nothing, %", *_best(lost, (AUTO,)), "<= 5"],
    ]
    return markdown_table(["what", "by", "reached", "aimed at"], rows)


def _best(figures: dict[str, float], names: Sequence[str]) -> tuple[str, float | None]:
    """The best of some modes with its figure; those that there are not yet are passed over."""
    known = [name for name in names if name in figures]
    if not known:
        return f"{' or '.join(names)}: not there", None
    best = max(known, key=figures.__getitem__)
    return best, figures[best]


def main() -> None:
    """Measure and write the section."""
    options = parser(__doc__)
    options.add_argument("--flickr8k", default="data/flickr8k", metavar="DIR")
    options.add_argument("--caltech", default="data/caltech", metavar="DIR")
    options.add_argument("--coco", default="data/coco", metavar="DIR")
    options.add_argument("--features", type=Path, default=Path("data/features"), metavar="DIR")
    options.add_argument("--embedding", nargs="+", default=[], metavar="DIR", help="further spaces")
    options.add_argument("--modes", nargs="+", default=list(MODES), metavar="MODE", help="(default: all)")
    options.add_argument(
        "--samples",
        type=int,
        default=0,
        metavar="N",
        help="captions drawn of each picture beside the lexical head (default: none, as in a library)",
    )
    given = options.parse_args()
    how = ModesMeasuring(
        given.modes, KINDS, spaces=given.embedding, samples=given.samples, folder=given.features
    )
    flickr8k = open_dataset(f"flickr8k:{given.flickr8k}")
    found = measure_modes(flickr8k, "test", how)
    words = measure_words(flickr8k, "test", how)
    labels = measure_labels(open_dataset(f"labels:{given.caltech}"), "all", how)
    some = replace(how, modes=[name for name in given.modes if name in IN_ORDER])
    coco = measure_modes(open_dataset(f"coco:{given.coco}"), "val", some, (IMAGE,))
    body = [
        "Captions by the shipped captioner (beam 5), word probabilities by the shipped lexical head "
        f"{f'and {given.samples} drawn captions' if given.samples else 'alone, as in a library'}, embedding "
        "by the shipped space. Expected values over random order within ties; x100.",
        bars(found, labels, words),
        f"**Flickr8k test.** Text to image: {found.queries:,} captions that people wrote ask for their "
        f"picture among {len(found.gallery):,}; misses: queries of which a mode knows no word. Image to "
        "image: every picture asks for the others, relevance from people's captions. x100. In italics the "
        "published figures of others.",
        retrieval_table(found),
        f"**COCO val.** Image to image, {len(coco.gallery):,} pictures, as above.",
        order_table(coco),
        f"**Other people's photographs: labels as queries.** {len(labels.labels)} categories of Caltech-101 "
        f"typed as words, {labels.pictures:,} pictures; the mean over categories, x100. How nouns are read "
        "by a dictionary, and when one fits, was chosen on Flickr8k val and on hidden classes "
        "(hidden_classes.py); what each of these labels found was in view.",
        label_table(labels),
        f"**Knowing when nothing fits.** {words.words} words of Flickr8k test; a picture is right for a word "
        "if two or more of its captions hold it in any form. Expected calibration error over pairs with "
        f"p >= .05: {words.error:.3f}.",
        word_tables(words),
    ]
    write_section(
        given.results,
        "Words that find",
        "\n\n".join(body),
        "python benchmarks/text_search.py"
        f"{f' --samples {given.samples}' if given.samples else ''}"
        f"{'' if given.modes == list(MODES) else ' --modes ' + ' '.join(given.modes)}",
    )


if __name__ == "__main__":
    main()
