"""Make captionret/app/query/caption_places.npy: where captions usually lie in the shipped space.

    python benchmarks/caption_places.py --data flickr8k:data/flickr8k coco:data/coco

Captions of the training splits, of each collection as many, are put into 512 groups by k-means on the sphere;
the groups' centres are kept, and a probe by which the space is known.
"""

import argparse

import numpy as np
from numpy.typing import NDArray

from captionret.app.places import SHIPPED_SPACES
from captionret.app.query.caption_places import COUNT, SHIPPED
from captionret.app.query.class_reading import probe_of
from captionret.datasets import open_dataset
from captionret.models.embedding.model import EmbeddingModel

MOST, ROUNDS = 12_000, 12


def centres(rows: NDArray[np.float32], count: int, seed: int = 3) -> NDArray[np.float32]:
    """(count, D) unit rows: spherical k-means of (M, D) unit rows."""
    random = np.random.default_rng(seed)
    found = rows[random.permutation(len(rows))[:count]].copy()
    for _ in range(ROUNDS):
        nearest = np.concatenate(
            [(rows[start : start + 5000] @ found.T).argmax(1) for start in range(0, len(rows), 5000)]
        )
        sums = np.zeros_like(found)
        np.add.at(sums, nearest, rows)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        found = np.where(lengths > 0, sums / np.maximum(lengths, 1e-9), found).astype(np.float32)
    return found


def main() -> None:
    """Read the captions and write the file."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--data", nargs="+", default=["flickr8k:data/flickr8k", "coco:data/coco"])
    given = options.parse_args()
    space = EmbeddingModel.load(SHIPPED_SPACES["embedding"])
    texts: list[str] = []
    for data in given.data:
        captions = [caption for item in open_dataset(data).split("train") for caption in item.captions]
        chosen = np.random.default_rng(3).permutation(len(captions))[: MOST // len(given.data)]
        texts += [captions[place] for place in chosen]
    rows = space.encode_texts(texts, progress=None)
    np.save(SHIPPED, np.vstack([centres(rows, COUNT), probe_of(space)]).astype(np.float16))
    print(f"{SHIPPED}: the centres of {len(rows):,} captions")


if __name__ == "__main__":
    main()
