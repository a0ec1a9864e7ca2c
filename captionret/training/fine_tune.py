"""Training the CNN together with the decoder: every picture passes through it in every epoch, with gradients.

The CNN's batch norms keep their ImageNet statistics: with a dozen pictures in a batch, their own would be
noise.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from torch import Tensor, nn

from .. import files
from ..images import View, decoded_batches, load_views
from ..models.captioning.beam_search import State
from ..models.captioning.decoders import Decoder
from ..models.checkpoint import OWN_BACKBONE
from ..models.vision.backbones import Backbone
from ..records import Failure

BACKBONE_RATE = 0.1  # of the decoder's learning rate: the CNN is trained already


class FineTuned(nn.Module):
    """A decoder with the CNN it is trained with."""

    def __init__(self, decoder: Decoder, backbone: Backbone) -> None:
        super().__init__()
        self.decoder, self.backbone = decoder, backbone

    def train(self, mode: bool = True) -> "FineTuned":
        """Only the decoder changes its mode; see the module's first lines."""
        super().train(mode)
        self.backbone.eval()
        return self

    def forward(self, features: Tensor, tokens: Tensor, read: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """As the decoder's."""
        logits: tuple[Tensor, Tensor] = self.decoder(features, tokens, read)
        return logits

    def begin(self, features: Tensor) -> tuple[Tensor, State]:
        """As the decoder's."""
        return self.decoder.begin(features)

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """As the decoder's."""
        return self.decoder.step(tokens, state)


class LiveFeatures:
    """Features that are computed when they are asked for; stands where training otherwise reads the cache."""

    def __init__(self, backbone: Backbone, paths: Sequence[Path], kind: str, views: tuple[View, ...]) -> None:
        self.backbone, self.paths, self.kind, self.views = backbone, paths, kind, views

    def of(
        self, pictures: np.ndarray, views: np.ndarray | None = None, device: torch.device | None = None
    ) -> Tensor:
        """(len(pictures), D) or (len(pictures), cells, D) float32 on the backbone's device, with gradients
        where they are enabled."""
        chosen = np.zeros_like(pictures) if views is None else views
        size = self.backbone.config.preprocessing.size
        pixels = [
            load_views(self.paths[picture], size, (self.views[view],))[1][0]
            for picture, view in zip(pictures, chosen, strict=True)
        ]
        device = next(self.backbone.parameters()).device
        pooled, grid = self.backbone(self.backbone.normalise(torch.from_numpy(np.stack(pixels)).to(device)))
        features: Tensor = grid if self.kind == "grid" else pooled
        return features


def readable(paths: Sequence[Path], size: int) -> tuple[list[int], list[Failure]]:
    """Which of the pictures can be read, and the failures: better found before the training than in the
    middle of it."""
    failures = [failure for batch in decoded_batches(paths, size, 32) for failure in batch.failures]
    failed = {failure.path for failure in failures}
    return [index for index, path in enumerate(paths) if str(path) not in failed], failures


def save_backbone(backbone: Backbone, folder: Path) -> str:
    """Put the CNN's weights, without its classifier, beside a checkpoint; returns the file's SHA-256."""
    tensors = {
        name: tensor.detach().cpu().contiguous() for name, tensor in backbone.network.state_dict().items()
    }
    kept = {name: tensor for name, tensor in tensors.items() if not name.startswith(("fc.", "_fc."))}
    with files.publishing(folder / OWN_BACKBONE) as file:
        file.write(safetensors.torch.save(kept))
    return files.sha256_of(folder / OWN_BACKBONE)
