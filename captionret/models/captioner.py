"""The captioner: pictures in, captions out.

    captioner = Captioner.load("checkpoints/flickr8k-lite")
    captioner.caption(["q.jpg"], beam=3)[0][0].text

One file, read once: the decoder is made from its variant's row, the features come from the backbone, the search says the words.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from functools import cached_property
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from ..errors import BadCheckpoint, BadImage, BadSetting
from ..images import decoded_batches
from ..records import Caption, Captioned, Failure
from ..text import Vocabulary, join
from .attention import AdaptiveDecoder, AttentionDecoder, SoftAttentionDecoder
from .backbones import Backbone, backbone_config, load_backbone, load_own_backbone
from .checkpoint import OWN_BACKBONE, Checkpoint, load_checkpoint
from .decoding import beam_search
from .lstm import LSTMDecoder
from .transformer import TransformerDecoder
from .variants import TRAINING_FIELDS, CaptionerConfig

Decoder = LSTMDecoder | AttentionDecoder | TransformerDecoder


def make_decoder(config: CaptionerConfig, vocabulary_size: int) -> Decoder:
    """The part that learns, with random weights."""
    backbone = backbone_config(config.backbone)
    side, depth = backbone.grid
    if config.decoder == "transformer":
        return TransformerDecoder(config, depth, vocabulary_size, side * side)
    if config.decoder == "soft-attention":
        return SoftAttentionDecoder(config, depth, vocabulary_size)
    if config.decoder == "adaptive":
        return AdaptiveDecoder(config, depth, vocabulary_size)
    return LSTMDecoder(config, backbone.dim, vocabulary_size)


def count_parameters(module: nn.Module) -> int:
    """How many numbers of it learn."""
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


def choose_device(name: str = "auto") -> torch.device:
    """ "auto": the GPU where there is one. BadSetting for a device this machine has not."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as error:
        raise BadSetting(f"The device {name!r} cannot be used here ({str(error).splitlines()[0]}). Use --device auto or cpu.") from None


class Captioner:
    """A trained decoder, its vocabulary and (loaded when first needed) its backbone."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        name: str,
        path: Path | None = None,
        device: str | torch.device = "cpu",
        backbone: Backbone | None = None,
    ) -> None:
        self.checkpoint, self.name, self.path = checkpoint, name, path
        self.config: CaptionerConfig = checkpoint.config
        self.vocabulary: Vocabulary = checkpoint.vocabulary
        self.device = torch.device(device)
        self.decoder = make_decoder(self.config, len(self.vocabulary))
        _load_state(self.decoder, checkpoint, path)
        self.decoder.to(self.device).eval()
        self._backbone = backbone

    @classmethod
    def load(cls, path: Path | str, device: str = "auto", backbone: Backbone | None = None) -> "Captioner":
        """Open a checkpoint directory.

        backbone: one that is loaded already; it must have the weights the checkpoint was trained with
        errors:   BadCheckpoint, see load_checkpoint
        """
        path = Path(path)
        return cls(load_checkpoint(path), path.name, path, choose_device(device), backbone)

    @cached_property
    def backbone(self) -> Backbone:
        """The frozen CNN; MissingWeights where its weights are not installed, BadCheckpoint where they are others."""
        backbone = self._backbone or self._own_backbone() or load_backbone(self.config.backbone, device=self.device)
        if backbone.weights_sha256 != self.checkpoint.backbone["sha256"]:
            raise BadCheckpoint(
                f"{self.name} was trained on features of {self.config.backbone} with weights {self.checkpoint.backbone['sha256'][:12]}, "
                f"but here are {backbone.weights_sha256[:12]}. Captions would be wrong: get those weights, or train again."
            )
        trained_with, here = self.checkpoint.backbone.get("preprocessing"), backbone.config.preprocessing.to_json()
        if trained_with not in (None, here):  # None: a record that does not say
            raise BadCheckpoint(
                f"{self.name} was trained on pictures prepared as {trained_with}, this release prepares them as {here}. Train again."
            )
        return backbone

    def caption(
        self,
        paths: Sequence[Path | str],
        *,
        beam: int = 3,
        n: int = 1,
        batch_size: int = 32,
        length_penalty: float | None = None,
        progress: bool = False,
    ) -> list[list[Caption]]:
        """The n most probable captions of every picture, the most probable first.

        n:      at most `beam`
        length_penalty: captions are ranked by log-probability / words**length_penalty; None: as the variant says
        errors: BadImage for the first picture that cannot be read
        """
        captions: list[list[Caption]] = []
        with tqdm(total=len(paths), desc="captions", unit="img", disable=not progress) as bar:
            for batch in decoded_batches([Path(path) for path in paths], self.backbone.config.preprocessing.size, batch_size):
                if batch.failures:
                    raise BadImage(batch.failures[0].reason)
                captions += self.caption_features(self._features(batch.pixels[0])[0], beam=beam, n=n, length_penalty=length_penalty)
                bar.update(len(batch.paths))
        return captions

    def caption_stream(self, paths: Sequence[Path], *, beam: int = 3, batch_size: int = 32) -> Iterator[list[Captioned | Failure]]:
        """One list per batch, an entry for every path, in their order. A bad picture is a Failure, never an exception."""
        for batch in decoded_batches(paths, self.backbone.config.preprocessing.size, batch_size):
            entries: dict[str, Captioned | Failure] = {failure.path: failure for failure in batch.failures}
            if batch.paths:
                features, pooled = self._features(batch.pixels[0])
                captions = self.caption_features(features, beam=beam)
                for path, name, said, feature in zip(batch.paths, batch.hashes, captions, pooled, strict=True):
                    entries[str(path)] = Captioned(path, name, said, feature)
            count = len(batch.paths) + len(batch.failures)  # not len(entries): a path may be given twice
            yield [entries[str(path)] for path in paths[:count]]
            paths = paths[count:]

    @torch.inference_mode()
    def caption_features(self, features: Tensor, *, beam: int = 3, n: int = 1, length_penalty: float | None = None) -> list[list[Caption]]:
        """The n most probable captions for each row of features, (N, D) or (N, cells, D) float32."""
        if beam < 1:
            raise BadSetting(f"The beam must be at least 1, not {beam}.")
        if length_penalty is not None and not 0 <= length_penalty < inf:
            raise BadSetting(f"The length penalty must be a number of at least 0, not {length_penalty}.")
        if not 1 <= n <= beam:
            raise BadSetting(f"A beam of {beam} gives 1 to {beam} captions, not {n}.")
        first, state = self.decoder.begin(features.to(self.device))
        beams = beam_search(
            first,
            state,
            self.decoder.step,
            beam=beam,
            max_words=self.config.max_words,
            length_penalty=self.config.length_penalty if length_penalty is None else length_penalty,
            says_start=self.config.says_start,
        )
        tokens, logprob = beams.tokens[:, :n].tolist(), beams.logprob[:, :n].tolist()
        found = beams.scores[:, :n].isfinite().tolist()
        return [
            [self._caption(ids, score) for ids, score, there in zip(*image, strict=True) if there]
            for image in zip(tokens, logprob, found, strict=True)
        ]

    def describe(self) -> dict[str, Any]:
        """Facts for a library's catalogue; "checkpoint" is the directory, None for a captioner that was never saved."""
        return {"name": self.name, "checkpoint": str(self.path.resolve()) if self.path else None, "variant": self.checkpoint.variant}

    @cached_property
    def fingerprint(self) -> str:
        """A hash over everything that changes a caption: weights, vocabulary, backbone, and of the settings those that outlive training."""
        settings = {name: value for name, value in self.config.to_json().items() if name not in TRAINING_FIELDS}
        digest = hashlib.sha256(json.dumps([settings, self.vocabulary.to_json(), self.checkpoint.backbone], sort_keys=True).encode())
        for name, tensor in sorted(self.checkpoint.tensors.items()):
            digest.update(name.encode() + tensor.numpy().tobytes())
        return digest.hexdigest()

    def _own_backbone(self) -> Backbone | None:
        """The CNN whose weights lie beside the checkpoint, where they do."""
        path = self.path / OWN_BACKBONE if self.path else None
        if path is None or not path.is_file():
            return None
        return load_own_backbone(self.config.backbone, path).to(self.device)

    @torch.inference_mode()
    def _features(self, pixels: np.ndarray) -> tuple[Tensor, np.ndarray]:
        """pixels (N, S, S, 3) uint8 -> what the decoder reads, and the pooled features (N, D) float16."""
        pooled, grid = self.backbone(self.backbone.normalise(torch.from_numpy(pixels).to(self.device)))
        return (grid if self.config.feature == "grid" else pooled), pooled.cpu().numpy().astype(np.float16)

    def _caption(self, ids: list[int], logprob: float) -> Caption:
        tokens = tuple(self.vocabulary.decode(ids))
        return Caption(join(tokens), tokens, logprob)


def _load_state(decoder: nn.Module, checkpoint: Checkpoint, path: Path | None) -> None:
    try:
        decoder.load_state_dict(checkpoint.tensors)
    except RuntimeError as error:
        mismatch = " ".join(str(error).split("\n\t")[1:2]) or str(error)
        raise BadCheckpoint(
            f"{path or 'The checkpoint'} does not fit its own configuration: {mismatch} Restore the directory, or train again."
        ) from None
