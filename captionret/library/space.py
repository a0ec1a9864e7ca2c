"""What a library needs of an embedding space. Only this, so that a library can be searched and tested without torch."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np


class Space(Protocol):
    """Anything that puts pictures' features and sentences into one space."""

    @property
    def name(self) -> str:
        """What people call it, e.g. "photos-space"."""
        ...

    def check(self, backbone: dict[str, Any] | None) -> None:
        """BadSetting where features of this backbone ({"name", "sha256"}; None: nobody knows) are not what it reads."""
        ...

    def encode_features(self, features: np.ndarray) -> np.ndarray:
        """(N, D_image) features of pictures -> (N, D) float32 unit rows."""
        ...

    def encode_sentences(self, sentences: Sequence[str]) -> np.ndarray:
        """M sentences -> (M, D) float32 unit rows."""
        ...
