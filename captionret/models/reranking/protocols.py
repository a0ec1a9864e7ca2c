"""What a captioner asks of whatever chooses among its captions."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from ...decoding import Rerank
from ...records import Caption


class Reranking(Protocol):
    """What chooses among a picture's captions: reranking.fit.Reranker."""

    def check(self, backbone: Mapping[str, object] | None) -> None:
        """BadSetting where features of this backbone are not what it reads."""
        ...

    def rank(
        self,
        images: Sequence[Sequence[Caption]],
        pooled: np.ndarray,
        decoding: Rerank,
        length_penalty: float,
    ) -> list[list[Caption]]:
        """Each image's captions, the best first. pooled: (N, D) float32."""
        ...
