"""The sentence encoder beside the same network in torch: as fast in NumPy, for one text and for many?

    python benchmarks/sentence_encoder.py --data flickr8k:data/flickr8k

Both compute with one thread.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch
from results import markdown_table, parser, write_section
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional as F

from captionret.datasets import open_dataset
from captionret.models.sentence.minilm import HEADS, LAYERS, SentenceEncoder, find_model

BATCH = 64


class TorchEncoder:
    """The same in torch; (N, 384) of N lists of token ids of one length."""

    def __init__(self) -> None:
        self.weights = load_file(find_model() / "model.safetensors")

    @torch.inference_mode()
    def __call__(self, tokens: Sequence[Sequence[int]]) -> np.ndarray:
        """(N, 384) unit rows."""
        ids = torch.tensor(tokens)
        w = self.weights
        x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.token_type_embeddings.weight"][0]
        x = self.normalised(
            x + w["embeddings.position_embeddings.weight"][: ids.shape[1]], "embeddings.LayerNorm"
        )
        for layer in range(LAYERS):
            name = f"encoder.layer.{layer}"
            parts = [
                self.linear(x, f"{name}.attention.self.{one}").unflatten(2, (HEADS, -1)).transpose(1, 2)
                for one in ("query", "key", "value")
            ]
            seen = F.scaled_dot_product_attention(*parts).transpose(1, 2).flatten(2)
            x = x + self.linear(seen, f"{name}.attention.output.dense")
            x = self.normalised(x, f"{name}.attention.output.LayerNorm")
            inner = F.gelu(self.linear(x, f"{name}.intermediate.dense"))
            x = self.normalised(x + self.linear(inner, f"{name}.output.dense"), f"{name}.output.LayerNorm")
        return F.normalize(x.sum(1), dim=1).numpy()

    def linear(self, x: Tensor, name: str) -> Tensor:
        """One linear map."""
        return F.linear(x, self.weights[f"{name}.weight"], self.weights[f"{name}.bias"])

    def normalised(self, x: Tensor, name: str) -> Tensor:
        """Layer normalisation."""
        return F.layer_norm(
            x, (384,), self.weights[f"{name}.weight"], self.weights[f"{name}.bias"], eps=1e-12
        )


def of_one_length(encoder: SentenceEncoder, texts: Sequence[str]) -> tuple[list[str], list[list[int]]]:
    """A batch of texts with equally many tokens, so that neither side reads padding; and their ids."""
    by_length: dict[int, list[tuple[str, list[int]]]] = {}
    for text in dict.fromkeys(texts):
        ids = encoder.token_ids([text])[0]
        rows = by_length.setdefault(len(ids), [])
        rows.append((text, ids))
        if len(rows) == BATCH:
            return [one for one, _ in rows], [ids for _, ids in rows]
    raise SystemExit(f"The collection has no {BATCH} captions of one length.")


def medians(runs: int, *calls: Callable[[], np.ndarray]) -> list[float]:
    """Milliseconds of each, measured in turn."""
    seconds: list[list[float]] = [[] for _ in calls]
    for _ in range(runs):
        for call, own in zip(calls, seconds, strict=True):
            began = time.perf_counter()
            call()
            own.append(time.perf_counter() - began)
    return [1000 * statistics.median(own) for own in seconds]


def main() -> None:
    """Measure in turn, write the section."""
    options = parser(__doc__)
    options.add_argument("--data", required=True, metavar="KIND:PATH")
    options.add_argument("--runs", type=int, default=15)
    given = options.parse_args()
    torch.set_num_threads(1)
    encoder, other = SentenceEncoder.load(), TorchEncoder()
    texts = [caption for item in open_dataset(given.data).items[:2000] for caption in item.captions]
    batch, tokens = of_one_length(encoder, texts)
    rows: list[list[object]] = []
    for name, some, ids in (("one text", batch[:1], tokens[:1]), (f"{BATCH} captions", batch, tokens)):
        apart = float(np.abs(encoder.encode(some) - other(ids)).max())
        ours, theirs = medians(given.runs, partial(encoder.encode, some), partial(other, ids))
        rows.append([name, f"{ours:.1f}", f"{theirs:.1f}", f"{apart:.1e}"])
    columns = ["what", "NumPy, ms", "torch, ms", "largest difference"]
    body = (
        f"Medians of {given.runs} runs, one thread each. NumPy's side cuts the texts into word pieces, too."
    )
    write_section(
        given.results,
        "The sentence encoder without torch",
        f"{body}\n\n{markdown_table(columns, rows)}",
        "OMP_NUM_THREADS=1 python benchmarks/sentence_encoder.py --data flickr8k:DIR",
    )


if __name__ == "__main__":
    main()
