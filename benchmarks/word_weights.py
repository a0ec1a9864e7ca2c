"""Learn how much each word of a text tells of the picture that is meant, for mode `words`:
captionret/retrieval/word_weights.txt.

    python benchmarks/word_weights.py --flickr8k data/flickr8k --coco data/coco

A lexical head learns from half of the training pictures and predicts the words of the other half; there every
caption asks for its picture among a thousand, and the weights are learnt by which these are found. Val only
chooses the head's epoch, test has no part in it.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from results import ROOT, parser
from torch import Tensor
from torch.nn import functional as F

from captionret.datasets import Dataset, open_dataset
from captionret.models.lexical.config import LEXICAL_HEADS
from captionret.models.lexical.head import LexicalHead
from captionret.records import Item
from captionret.text import words
from captionret.training.captioning import CaptionerRun
from captionret.training.features import extract
from captionret.training.loop import train

GALLERY = 1000  # pictures among which one is asked for
EPOCHS, RATE = 8, 0.03
HOLD = 0.5e-3  # how firmly weights are held at 1: the factor of the square of their log
LEAST = 3e-5  # probabilities below it count as it
NEAR_1 = 0.02  # a weight whose log is smaller is not written


def halves(dataset: Dataset, random: np.random.Generator) -> tuple[Dataset, list[Item]]:
    """The collection with half of its training pictures, and the other half."""
    train_items = [item for item in dataset.split("train") if item.captions and item.path]
    first = random.random(len(train_items)) < 0.5
    kept = [item for item, ours in zip(train_items, first, strict=True) if ours]
    val = [item for item in dataset.items if item.split == "val"]
    others = [item for item, ours in zip(train_items, first, strict=True) if not ours]
    return replace(dataset, items=(*kept, *val)), others


def predicted(head: LexicalHead, items: Sequence[Item], folder: Path) -> NDArray[np.float32]:
    """(N, V) of each item's picture."""
    paths = [item.path for item in items if item.path]
    features, failures = extract(head.learns_from, paths, head.config.feature, root=folder)
    assert not failures, failures[0].reason
    rows = np.arange(len(items))
    blocks = [head.predict_words(features.of(rows[at : at + 500])) for at in range(0, len(rows), 500)]
    found: NDArray[np.float32] = np.clip(np.concatenate(blocks), LEAST, 0.999)
    return found


def learned(head: LexicalHead, items: Sequence[Item], found: NDArray[np.float32]) -> dict[str, float]:
    """The weight of each word that captions hold."""
    odds, unsaid = torch.from_numpy(np.log(found / (1 - found))), torch.from_numpy(np.log1p(-found).sum(1))
    known = {word: place for place, word in enumerate(head.vocabulary.tokens) if odds[:, place].max() > -10}
    asked = [
        [[known[word] for word in dict.fromkeys(words(text)) if word in known] for text in item.captions]
        for item in items
    ]
    logs = torch.zeros(odds.shape[1], requires_grad=True)
    scale = torch.tensor([-0.55, 0.1], requires_grad=True)  # logs of a temperature, of the number's factor
    optimizer = torch.optim.Adam([logs, scale], lr=RATE)
    random = np.random.default_rng(0)
    for epoch in range(EPOCHS):
        optimizer.param_groups[0]["lr"] = RATE * (1 - epoch / EPOCHS) + 0.002
        order = random.permutation(len(items))
        for start in range(0, len(order) - GALLERY + 1, GALLERY):
            rows = order[start : start + GALLERY]
            queries = _queries([asked[row] for row in rows], odds.shape[1], random)
            scores = (queries * logs.exp()) @ odds[rows].T + scale[1].exp() * unsaid[rows]
            loss = F.cross_entropy(scale[0].exp() * scores, torch.arange(len(rows)))
            loss = loss + HOLD * (logs**2).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        number = float(scale[1].detach().exp())
        print(f"epoch {epoch + 1}: loss {float(loss.detach()):.3f}, number x {number:.2f}")
    values = logs.detach().numpy()
    return {
        word: float(np.exp(values[place])) for word, place in known.items() if abs(values[place]) > NEAR_1
    }


def _queries(asked: Sequence[list[list[int]]], size: int, random: np.random.Generator) -> Tensor:
    """(N, V) of ones: a caption of each picture."""
    queries = torch.zeros(len(asked), size)
    for row, captions in enumerate(asked):
        queries[row, captions[random.integers(len(captions))]] = 1
    return queries


def main() -> None:
    """Learn and write the table."""
    options = parser(__doc__, None)
    options.add_argument("--flickr8k", default="data/flickr8k", metavar="DIR")
    options.add_argument("--coco", default="data/coco", metavar="DIR")
    options.add_argument("--features", type=Path, default=Path("data/features"), metavar="DIR")
    given = options.parse_args()
    random = np.random.default_rng(123)
    flickr8k, others = halves(open_dataset(f"flickr8k:{given.flickr8k}"), random)
    coco, more = halves(open_dataset(f"coco:{given.coco}"), random)
    config = replace(LEXICAL_HEADS["words-lite"], epochs=10, mixup=0.4)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "half"
        facts = {"also": (coco,), "features_root": given.features, "patience": 10}
        train(CaptionerRun("words-lite", config, flickr8k, out, **facts), torch.device("cpu"))
        head = LexicalHead.load(out, "cpu")
    items = [*others, *more]
    weights = learned(head, items, predicted(head, items, given.features))
    lines = [f"{word} {value:.3f}" for word, value in sorted(weights.items())]
    (ROOT / "captionret/retrieval/word_weights.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(lines):,} words")


if __name__ == "__main__":
    main()
