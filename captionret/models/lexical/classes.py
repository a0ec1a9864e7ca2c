"""The classifier that a backbone was trained with, read back from its weights: of a pooled feature the
probabilities of ImageNet's 1,000 classes, for the price of one matrix product.

classifier = ImageClassifier.of(head.checkpoint.backbone)
classifier.predict(features)  # (N, 1000)
"""

from collections.abc import Mapping
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray

from ...errors import MissingWeights
from ...files import sha256_of
from ..vision.backbones import find_weights
from ..vision.rows import BACKBONES

CLASSES = 1000
_LAYERS = {
    "efficientnet_lite": "_fc",
    "resnet": "fc",
    "vgg": "classifier.6",
}  # by how a backbone's name begins


class ImageClassifier:
    """The last layer of an ImageNet network.

    weight: (1000, D) float32; bias: (1000,) float32
    """

    def __init__(self, weight: NDArray[np.float32], bias: NDArray[np.float32]) -> None:
        self.weight, self.bias = weight, bias

    @classmethod
    def of(cls, backbone: Mapping[str, object]) -> Self | None:
        """That of a backbone; None where its weight file is not here, or holds none.

        backbone: what a checkpoint says of it, {"name", "sha256"}
        """
        name = str(backbone["name"])
        layer = next((layer for begins, layer in _LAYERS.items() if name.startswith(begins)), None)
        if layer is None or name not in BACKBONES:
            return None
        try:
            file = find_weights(BACKBONES[name])
        except MissingWeights:
            return None
        if not file.is_file() or sha256_of(file) != backbone["sha256"]:  # as of a checkpoint with its own CNN
            return None
        weights = torch.load(file, map_location="cpu", weights_only=True)
        weight, bias = weights.get(f"{layer}.weight"), weights.get(f"{layer}.bias")
        if weight is None or bias is None or weight.shape[0] != CLASSES:
            return None
        return cls(weight.float().numpy().copy(), bias.float().numpy().copy())

    def predict(self, pooled: NDArray[np.floating]) -> NDArray[np.float32]:
        """(N, D) pooled features -> (N, 1000) float32, the probability of each class; rows sum to 1."""
        logits = np.asarray(pooled, np.float32) @ self.weight.T + self.bias
        odds = np.exp(logits - logits.max(1, keepdims=True, initial=-np.inf))
        found: NDArray[np.float32] = odds / odds.sum(1, keepdims=True)
        return found
