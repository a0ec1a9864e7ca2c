"""The captioner: pictures in, captions out.

    captioner = Captioner.load("checkpoints/photos-lite")
    captioner.caption(["q.jpg"], beam=3)[0][0].text

One file, read once: the decoder is made from its variant's row, the features come from the backbone, the search says the words.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from ..errors import BadCheckpoint, BadImage, BadSetting
from ..images import decoded_batches
from ..records import Caption, Captioned, Decoding, Failure
from ..text import Vocabulary, ends_badly, join
from .attention import AdaptiveDecoder, AttentionDecoder, SoftAttentionDecoder
from .backbones import Backbone, backbone_config, load_backbone, load_own_backbone
from .checkpoint import OWN_BACKBONE, Checkpoint, load_checkpoint
from .decoding import Rules, beam_search, ordered
from .lstm import LSTMDecoder
from .sampling import sample, uniforms
from .transformer import TransformerDecoder
from .variants import TRAINING_FIELDS, CaptionerConfig

BEAM_OF_3 = Decoding()
Decoder = LSTMDecoder | AttentionDecoder | TransformerDecoder


def make_decoder(config: CaptionerConfig, vocabulary_size: int) -> Decoder:
    """The part that learns, with random weights."""
    backbone = backbone_config(config.backbone)
    side, depth = backbone.grid
    return new_decoder(config, depth if config.feature == "grid" else backbone.dim, side * side, vocabulary_size)


def new_decoder(config: CaptionerConfig, feature_dim: int, cells: int, vocabulary_size: int) -> Decoder:
    """A decoder for features of any size: (N, feature_dim), or (N, cells, feature_dim) for those that read the grid."""
    if config.decoder == "transformer":
        return TransformerDecoder(config, feature_dim, vocabulary_size, cells)
    kinds: dict[str, type[LSTMDecoder | AttentionDecoder]]
    kinds = {"lstm": LSTMDecoder, "soft-attention": SoftAttentionDecoder, "adaptive": AdaptiveDecoder}
    return kinds[config.decoder](config, feature_dim, vocabulary_size)


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
        self.decoder: Any = make_decoder(self.config, len(self.vocabulary))
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
        decoding: Decoding | None = None,
        progress: bool = False,
    ) -> list[list[Caption]]:
        """The n most probable captions of every picture, the most probable first.

        n:      at most `beam`
        length_penalty: captions are ranked by log-probability / words**length_penalty; None: as the variant says
        decoding: in place of the three, for whatever else: sampling, diverse beams, with or without constraints
        errors: BadImage for the first picture that cannot be read
        """
        decoding = decoding or Decoding(beam=beam, captions=n, length_penalty=length_penalty)
        captions: list[list[Caption]] = []
        with tqdm(total=len(paths), desc="captions", unit="img", disable=not progress) as bar:
            for batch in decoded_batches([Path(path) for path in paths], self.backbone.config.preprocessing.size, batch_size):
                if batch.failures:
                    raise BadImage(batch.failures[0].reason)
                captions += self.decode(self._features(batch.pixels[0])[0], decoding, batch.hashes)
                bar.update(len(batch.paths))
        return captions

    def caption_stream(
        self, paths: Sequence[Path], *, decoding: Decoding = BEAM_OF_3, batch_size: int = 32
    ) -> Iterator[list[Captioned | Failure]]:
        """One list per batch, an entry for every path, in their order. A bad picture is a Failure, never an exception."""
        for batch in decoded_batches(paths, self.backbone.config.preprocessing.size, batch_size):
            entries: dict[str, Captioned | Failure] = {failure.path: failure for failure in batch.failures}
            if batch.paths:
                features, pooled = self._features(batch.pixels[0])
                captions = self.decode(features, decoding, batch.hashes)
                for path, name, said, feature in zip(batch.paths, batch.hashes, captions, pooled, strict=True):
                    entries[str(path)] = Captioned(path, name, said, feature)
            count = len(batch.paths) + len(batch.failures)  # not len(entries): a path may be given twice
            yield [entries[str(path)] for path in paths[:count]]
            paths = paths[count:]

    def caption_features(
        self, features: Tensor, *, beam: int = 3, n: int = 1, length_penalty: float | None = None, constraints: bool | None = None
    ) -> list[list[Caption]]:
        """The n most probable captions for each row of features, (N, D) or (N, cells, D) float32."""
        return self.decode(features, Decoding(beam=beam, captions=n, length_penalty=length_penalty, constraints=constraints))

    @torch.inference_mode()
    def decode(self, features: Tensor, decoding: Decoding, pictures: Sequence[str] = ()) -> list[list[Caption]]:
        """Captions for each row of features, (N, D) or (N, cells, D) float32, the best first; drawn ones by probability, equal ones once.

        pictures: content hashes, which sampling needs: a picture's captions depend on it and the seed, not on the batch it is in
        """
        first, state = self.decoder.begin(features.to(self.device))
        rules = self.rules if (self.config.constraints if decoding.constraints is None else decoding.constraints) else None
        settings: dict[str, Any] = {"says_start": self.config.says_start, "rules": rules}
        if decoding.samples:
            if len(pictures) != len(features):
                raise BadSetting(f"Sampling needs the content hash of each of the {len(features)} pictures, not {len(pictures)}.")
            draws = [uniforms(decoding.seed, picture, decoding.captions, self.config.max_words) for picture in pictures]
            settings |= {"temperature": decoding.temperature, "top_k": decoding.top_k}
            settings["top_p"] = decoding.top_p if decoding.method == "nucleus" else 1.0
            chance = torch.from_numpy(np.stack(draws)).to(self.device)
            beams = ordered(sample(first, state, self.decoder.step, chance, **settings))
        else:
            if decoding.method == "diverse-beam":
                settings |= {"groups": decoding.groups, "diversity": decoding.diversity}
            settings["length_penalty"] = self.config.length_penalty if decoding.length_penalty is None else decoding.length_penalty
            beams = beam_search(first, state, self.decoder.step, beam=decoding.beam, max_words=self.config.max_words, **settings)
        found = beams.scores.isfinite().tolist()
        captions = [
            [self._caption(ids, score, rules is not None) for ids, score, there in zip(*image, strict=True) if there]
            for image in zip(beams.tokens.tolist(), beams.logprob.tolist(), found, strict=True)
        ]
        if decoding.samples:
            captions = [list({caption.tokens: caption for caption in reversed(image)}.values())[::-1] for image in captions]
        return [image[: decoding.captions] for image in captions]

    @cached_property
    def rules(self) -> Rules:
        """What its captions must not do where constraints are asked for."""
        return Rules.of(self.vocabulary, self.device)

    def describe(self) -> dict[str, Any]:
        """Facts for a library's catalogue; "checkpoint" is the directory, None for a captioner that was never saved."""
        return {"name": self.name, "checkpoint": str(self.path.resolve()) if self.path else None, "variant": self.checkpoint.variant}

    @cached_property
    def fingerprint(self) -> str:
        """A hash over everything that changes a caption: weights, vocabulary, backbone, and of the settings those that outlive training."""
        settings = {name: value for name, value in self.config.to_json().items() if name not in TRAINING_FIELDS}
        if not settings["constraints"]:
            del settings["constraints"]  # as before there were any: a library that was captioned then stays this captioner's
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

    def _caption(self, ids: list[int], logprob: float, whole: bool) -> Caption:
        """whole: a caption that max_words cut off is ended before the words that lead on."""
        tokens = self.vocabulary.decode(ids)
        while whole and len(tokens) > 1 and ends_badly(tokens):
            tokens.pop()
        return Caption(join(tokens), tuple(tokens), logprob)


def _load_state(decoder: nn.Module, checkpoint: Checkpoint, path: Path | None) -> None:
    try:
        decoder.load_state_dict(checkpoint.tensors)
    except RuntimeError as error:
        mismatch = " ".join(str(error).split("\n\t")[1:2]) or str(error)
        raise BadCheckpoint(
            f"{path or 'The checkpoint'} does not fit its own configuration: {mismatch} Restore the directory, or train again."
        ) from None
