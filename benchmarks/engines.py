"""What each engine and precision of the CNN costs, and whether the captions stay: by this `--engine auto` is
chosen.

    python benchmarks/engines.py --data flickr8k:data/flickr8k

Pictures of the split val through each engine in turn, one batch after another, so that all meet the same
machine; then the captions of each, by the shipped captioner's beam of 3. The reference is PyTorch at float32.
An engine may stand in captionret.models.vision.engines.rows.FASTEST if at least 99 % of the captions are the
reference's, to the letter.
"""

import statistics
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from results import anywhere, kind_of, markdown_table, parser, write_section

from captionret.datasets import open_dataset
from captionret.errors import BadSetting
from captionret.evaluation.captions.scorer import CaptionScorer
from captionret.evaluation.modes import score_matrix
from captionret.evaluation.relevance import load_relevance
from captionret.evaluation.semantic import ndcg_linear
from captionret.evaluation.significance import paired_interval
from captionret.images import decoded_batches
from captionret.models.captioning.captioner import Captioner
from captionret.models.lexical.predictor import WordPredictor
from captionret.models.vision.backbones import Backbone, load_backbone
from captionret.models.vision.engines.rows import ENGINES, Compute
from captionret.records import Item
from captionret.retrieval import WordMatrix
from captionret.retrieval.gallery import Gallery
from captionret.retrieval.modes.lexical import ExpectedCosine
from captionret.retrieval.modes.registry import MODES

BATCH = 32
LEAST = 0.0003  # of a word's probability that libraries keep


class Engine:
    """One engine at one precision, and what came of it.

    grids: of each batch (n, cells, D) float16; pooled: (n, D) float16, and own: the same of the last blocks
           of the lexical head
    seconds: of a picture, by the clock; work: of processor time
    """

    def __init__(self, name: str, precision: str, backbone: Backbone, seeing: Backbone) -> None:
        """seeing: the backbone with the lexical head's own last blocks"""
        self.name, self.precision, self.backbone, self._seeing = name, precision, backbone, seeing
        self.grids: list[torch.Tensor] = []
        self.pooled: list[np.ndarray] = []
        self.own: list[np.ndarray] = []
        self.seconds: list[float] = []
        self.work: list[float] = []

    def read(self, pixels: np.ndarray) -> None:
        """One batch."""
        clock, work = time.perf_counter(), time.process_time()
        pooled, grid = self.backbone.read(pixels)
        self.seconds.append((time.perf_counter() - clock) / len(pixels))
        self.work.append((time.process_time() - work) / len(pixels))
        self.grids.append(grid.half())
        self.pooled.append(pooled.half().numpy())
        self.own.append(self._seeing.read_all(pixels)[1].half().numpy())


def engines(name: str, size: int, predictor: WordPredictor) -> list[Engine]:
    """All that run here, PyTorch at float32 first."""
    found = []
    for engine in ENGINES.values():
        for precision in engine.precisions:
            try:
                backbone = load_backbone(name, compute=Compute(engine.name, precision))
                seeing = predictor.seeing_with(backbone)
                nothing = np.zeros((BATCH, size, size, 3), np.uint8)
                for one in (backbone, seeing):
                    one.read(nothing)  # started, and once unmeasured
            except BadSetting as error:
                print(error)
                continue
            found.append(Engine(engine.name, precision, backbone, seeing))
    return found


def captions_of(captioner: Captioner, engine: Engine) -> list[str]:
    """The best caption of each picture."""
    return [found[0].text for grid in engine.grids for found in captioner.decode(grid.float())]


def ndcg_by_captions(texts: Sequence[str], relevance: np.ndarray) -> np.ndarray:
    """NDCG@10 of each picture's neighbours by mode jaccard."""
    names = [f"{number:06}" for number in range(len(texts))]
    return ndcg_linear(score_matrix(MODES["jaccard"], Gallery(names, texts)), relevance, 10)[:, -1]


def ndcg_by_words(engine: Engine, predictor: WordPredictor, relevance: np.ndarray) -> np.ndarray:
    """The same by mode expected-cosine, from the lexical head alone."""
    pooled, own = np.concatenate(engine.pooled), np.concatenate(engine.own)
    predicted = predictor.predict_words([], [""] * len(pooled), pooled, own=own if own.size else None)
    mode = ExpectedCosine(WordMatrix.of_matrix(predictor.words, predicted, LEAST))
    rows = [
        {predictor.words[word]: float(row[word]) for word in np.flatnonzero(row >= LEAST)}
        for row in predicted
    ]
    return ndcg_linear(np.stack([mode.scores(row) for row in rows]), relevance, 10)[:, -1]


def more(ours: np.ndarray, theirs: np.ndarray, scale: float) -> str:
    """A mean difference with its interval."""
    mean, low, high = (scale * one for one in paired_interval(ours, theirs))
    return f"{mean:+.2f} ({low:+.2f} to {high:+.2f})"


def row_of(
    engine: Engine,
    first: Engine,
    texts: Sequence[Sequence[str]],
    items: Sequence[Item],
    neighbours: Sequence[tuple[np.ndarray, np.ndarray]],
) -> list[object]:
    """A row of the table. texts: the engine's captions, and the reference's; neighbours: NDCG@10 of each way,
    the engine's and the reference's"""
    ours, theirs = texts
    equal = 100 * sum(a == b for a, b in zip(ours, theirs, strict=True)) / len(ours)
    largest = max(
        float((a.float() - b.float()).abs().max()) for a, b in zip(engine.grids, first.grids, strict=True)
    )
    scale = max(float(grid.abs().max()) for grid in first.grids)
    scorer = CaptionScorer({item.id: item.captions for item in items}, [])
    scores = [
        scorer.score({item.id: text for item, text in zip(items, some, strict=True)}, with_java=False)
        for some in texts
    ]
    faster = [slow / fast for slow, fast in zip(first.work, engine.work, strict=True)]
    return [
        engine.name,
        engine.precision,
        1 / statistics.median(engine.seconds),
        1000 * statistics.median(engine.work),
        statistics.median(faster),
        100 * largest / scale,
        equal,
        more(scores[0].cider_d_each, scores[1].cider_d_each, 1),
        *(more(own, reference, 100) for own, reference in neighbours),
    ]


def main() -> None:
    """Measure, and write the section of RESULTS.md."""
    options = parser(__doc__)
    options.add_argument("--data", default="flickr8k:data/flickr8k", metavar="KIND:PATH")
    options.add_argument("--checkpoint", default="checkpoints/photos-lite", metavar="DIR")
    options.add_argument(
        "--count", type=int, default=500, metavar="N", help="pictures (default: %(default)s)"
    )
    options.add_argument("--threads", type=int, default=1)
    given = options.parse_args()
    torch.set_num_threads(given.threads)
    captioner = Captioner.load(given.checkpoint, "cpu")
    items = [item for item in open_dataset(given.data).split("val") if item.path][: given.count]
    size = captioner.backbone.config.preprocessing.size
    predictor = WordPredictor.load(device="cpu")
    measured = engines(captioner.config.backbone, size, predictor)
    paths: list[Path] = [item.path for item in items if item.path]
    for number, batch in enumerate(decoded_batches(paths, size, BATCH)):
        turn = number % len(measured)
        for engine in measured[turn:] + measured[:turn]:
            engine.read(batch.pixels[0])
    first = measured[0]
    relevance = load_relevance("sbert", [item.captions for item in items])
    theirs = captions_of(captioner, first)
    reference = ndcg_by_captions(theirs, relevance), ndcg_by_words(first, predictor, relevance)
    rows = []
    for engine in measured:
        ours = captions_of(captioner, engine)
        own = ndcg_by_captions(ours, relevance), ndcg_by_words(engine, predictor, relevance)
        rows.append(row_of(engine, first, (ours, theirs), items, list(zip(own, reference, strict=True))))
    columns = [
        "engine",
        "precision",
        "pictures/s",
        "processor ms a picture",
        "times PyTorch's float32",
        "largest error, % of the largest feature",
        "captions equal, %",
        "CIDEr-D more (95 %)",
        "NDCG@10 of captions more (95 %)",
        "NDCG@10 of word probabilities more (95 %)",
    ]
    body = (
        f"{captioner.config.backbone}, {len(items)} pictures of {kind_of(given.data)} val, batches "
        f"of {BATCH}, {given.threads} thread{'s' if given.threads > 1 else ''}, medians over batches; each "
        "batch goes through every engine in turn, and speeds are compared by processor time. Captions by "
        f"{captioner.name}, beam 3; CIDEr-D and NDCG x100.\n\n{markdown_table(columns, rows)}"
    )
    command = f"python benchmarks/engines.py --data {anywhere(given.data)} --count {given.count}"
    write_section(given.results, "The engines of the CNN", body, command)


if __name__ == "__main__":
    main()
