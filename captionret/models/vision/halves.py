"""The two halves of an ImageNet network: what makes the grid, and what pools it. Batch norms folded in."""

from collections.abc import Callable
from functools import partial
from typing import Any

from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from .backbone_config import TIMM


def halves(name: str, network: Any) -> tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]:
    """What makes the grid, and what makes the pooled feature of it."""
    if name.startswith(TIMM):
        from .timm_rows import halves_of

        return halves_of(name, network)
    if name.startswith("efficientnet_lite"):
        return network.extract_features, _mean
    # as functions, not as modules: a Backbone that held these too would hold every weight twice. Not as
    # lambdas either: a copy of the network, as int8 rounds it, would still run the first one's weights
    if name.startswith("vgg"):
        return partial(_vgg_grid, network), partial(_vgg_hidden, network)
    return partial(_resnet_grid, network), _mean


def _resnet_grid(network: Any, images: Tensor) -> Tensor:
    for child in list(network.children())[:-2]:
        images = child(images)
    return images


def _vgg_grid(network: Any, images: Tensor) -> Tensor:
    grid: Tensor = network.features(images)
    return grid


def _vgg_hidden(network: Any, grid: Tensor) -> Tensor:
    """The feature of the published systems: the last hidden layer, after its ReLU."""
    hidden: Tensor = network.avgpool(grid).flatten(1)
    for layer in list(network.classifier)[:-2]:
        hidden = layer(hidden)
    return hidden


def _mean(grid: Tensor) -> Tensor:
    return grid.mean((2, 3))


def blocks_before(network: Any, count: int) -> tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]:
    """Of an EfficientNet-Lite, all before its last `count` blocks, and these with what follows them up to the
    grid."""

    # not as closures, for the reason above
    return partial(_first_blocks, network, count), partial(_last_blocks, network, count)


def _first_blocks(network: Any, count: int, images: Tensor) -> Tensor:
    cells: Tensor = network._swish(network._bn0(network._conv_stem(images)))
    for block in list(network._blocks)[:-count]:
        cells = block(cells)
    return cells


def _last_blocks(network: Any, count: int, cells: Tensor) -> Tensor:
    for block in list(network._blocks)[-count:]:
        cells = block(cells)
    grid: Tensor = network._swish(network._bn1(network._conv_head(cells)))
    return grid


def fold_batch_norms(network: nn.Module) -> None:
    """Fold each batch norm into the convolution before it: the same numbers, a third fewer passes over
    memory."""
    for module in network.modules():
        for conv_name, norm_name in _pairs(module):
            _fold(getattr(module, conv_name), getattr(module, norm_name))
            setattr(module, norm_name, nn.Identity())


def _fold(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
    """In place: a copy of each convolution, as fuse_conv_bn_eval makes, takes twice as long."""
    assert norm.running_mean is not None and norm.running_var is not None
    conv.weight, bias = fuse_conv_bn_weights(
        conv.weight, conv.bias, norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias
    )
    conv.register_parameter("bias", bias)


def _pairs(module: nn.Module) -> list[tuple[str, str]]:
    names = dict(module.named_children())
    known = [
        # torchvision's ResNet, its shortcut being 0, 1
        *(("conv1", "bn1"), ("conv2", "bn2"), ("conv3", "bn3"), ("0", "1")),
        *(
            ("_conv_stem", "_bn0"),
            ("_expand_conv", "_bn0"),
            ("_depthwise_conv", "_bn1"),
            ("_project_conv", "_bn2"),
            ("_conv_head", "_bn1"),
            ("conv", "norm"),  # of LastBlocks
        ),
    ]
    return [
        (a, b)
        for a, b in known
        if isinstance(names.get(a), nn.Conv2d) and isinstance(names.get(b), nn.BatchNorm2d)
    ]
