"""Networks of timm as backbones: their rows are made from timm's own records.

    --set backbone=timm:resnet10t.c3_in1k

The size of the input, mean and deviation are those that timm notes for the weights. A network that gives a
map is pooled as timm pools it; one of patches, as a ViT, by the mean of its patches, for the grid is made of
them.
"""

import math
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ...errors import BadSetting, MissingWeights, UnknownName
from ..encoders.local_files import without_network
from .backbone_config import TIMM, BackboneConfig, Preprocessing

Half = Callable[[Tensor], Tensor]


@cache
def row_of(name: str) -> BackboneConfig:
    """The row of "timm:MODEL". errors: BadSetting where timm is not installed, or the network gives no square
    grid; UnknownName"""
    with torch.device("meta"):
        network = network_of(name)
        facts = network.pretrained_cfg
        _, height, width = facts["input_size"]
        if height != width:
            raise BadSetting(f"{name} reads pictures of {width} by {height}; a backbone reads squares.")
        grid_of, pooled_of = halves_of(name, network)
        grid = grid_of(torch.empty(1, 3, height, width))
        pooled = pooled_of(grid)
    preprocessing = Preprocessing(height, _three(facts["mean"]), _three(facts["std"]))
    licence = str(facts.get("license") or "see the model's card")
    _, depth, side, _ = grid.shape
    return BackboneConfig(
        name, pooled.shape[1], (side, depth), preprocessing, weights_of(name), None, licence
    )


def network_of(name: str) -> Any:
    """The whole network of "timm:MODEL", classifier included, with random weights. errors: as row_of"""
    try:
        import timm
    except ImportError as error:
        raise BadSetting(
            f"Networks of timm need that package ({error}). Install it: pip install captionret[timm]"
        ) from None
    model = name.removeprefix(TIMM)
    if not timm.is_model(model):
        raise UnknownName.among("model of timm", model, timm.list_models())
    return timm.create_model(model, pretrained=False)


def halves_of(name: str, network: Any) -> tuple[Half, Half]:
    """What makes the grid, and what makes the pooled feature of it."""
    patches = hasattr(network, "patch_embed")

    def grid_of(images: Tensor) -> Tensor:
        found: Tensor = network.forward_features(images)
        if found.ndim == 3:  # (N, tokens, D)
            found = found[:, getattr(network, "num_prefix_tokens", 0) :].transpose(1, 2)
            side = math.isqrt(found.shape[2])
            if side * side != found.shape[2]:
                raise BadSetting(f"{name} does not cut pictures into a square grid. Choose another network.")
            return found.reshape(*found.shape[:2], side, side)
        return found.permute(0, 3, 1, 2) if patches else found

    def pooled_of(grid: Tensor) -> Tensor:
        pooled: Tensor = grid.mean((2, 3)) if patches else network.forward_head(grid, pre_logits=True)
        return pooled

    return grid_of, pooled_of


def weights_of(name: str) -> str:
    """The name of its weight file in the folder of backbones."""
    return f"{name.replace(':', '-')}.safetensors"


def find_in_cache(name: str) -> Path:
    """Where the Hugging Face hub's cache keeps its weights. errors: MissingWeights"""
    import timm
    from huggingface_hub import try_to_load_from_cache

    facts = timm.get_pretrained_cfg(name.removeprefix(TIMM))
    hub = facts.hf_hub_id if facts is not None else None
    for file in ("model.safetensors", "pytorch_model.bin") if hub else ():
        with without_network():
            found = try_to_load_from_cache(hub, file)
        if isinstance(found, str):
            return Path(found)
    raise MissingWeights(
        f"The weights of {name} are not on this machine. Fetch them (hf download {hub or 'NAME'}), or put "
        f"them as {weights_of(name)} into the folder of backbones."
    )


def load_weights(network: nn.Module, file: Path) -> None:
    """Put the weights of a file into a network. errors: as load_state_dict"""
    if file.suffix == ".safetensors":
        import safetensors.torch

        network.load_state_dict(safetensors.torch.load_file(file))
    else:
        network.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))


def _three(values: Any) -> tuple[float, float, float]:
    a, b, c = map(float, values)
    return a, b, c
