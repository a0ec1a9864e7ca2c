"""The cache of sentence codes: a caption passes through a frozen encoder once, whatever is trained on top of
it.

It lies beside the pictures' features and in the same form: data/features/<encoder>/sentences/, float16 rows
named by the text's hash.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..models.embedding.reader import FrozenEncoder
from ..models.sentence import MINILM_DIM
from ..models.sentence.minilm import FILES, NAME
from ..models.sentence.skipthought.encoder import SkipThought
from ..progress import bar
from .features import FeatureStore

_CHUNK = 1024  # sentences that are encoded, then stored: a run that is cut loses no more


class CachedSentenceEncoder:
    """Encodes as `encoder` does, to the precision of float16, and each sentence only once.

    root: the feature cache
    """

    def __init__(self, encoder: FrozenEncoder, root: Path) -> None:
        self.encoder = encoder
        if isinstance(encoder, SkipThought):
            self.dim, name = encoder.dim, f"skipthought-{encoder.fingerprint[:12]}"
        else:
            self.dim, name = MINILM_DIM, f"{NAME}-{FILES['model.safetensors'][:12]}"
        self.store = FeatureStore(root / name / "sentences", (self.dim,))

    def encode(
        self, sentences: Sequence[str], batch_size: int = 64, progress: bool | None = False
    ) -> np.ndarray:
        """(N, E) float32, each row a unit vector but for rounding; see the encoder's own."""
        hashes = [hashlib.sha256(sentence.encode()).hexdigest() for sentence in sentences]
        todo = {
            name: text for name, text in zip(hashes, sentences, strict=True) if name not in self.store.rows
        }
        names = sorted(todo, key=lambda name: len(todo[name]))
        show = progress if names else False
        with bar(total=len(names), desc="sentence codes", unit="sentence", show=show) as shown:
            for start in range(0, len(names), _CHUNK):
                chunk = names[start : start + _CHUNK]
                self.store.append(chunk, self.encoder.encode([todo[name] for name in chunk], batch_size))
                shown.update(len(chunk))
        if not hashes:
            return np.empty((0, self.dim), np.float32)
        return self.store.memmap()[[self.store.rows[name] for name in hashes]].astype(np.float32)
