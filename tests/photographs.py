"""Pictures that look like photographs to a program, each unlike the others, and small."""

import io

import numpy as np
from PIL import Image


def photograph(seed: int, size: tuple[int, int] = (160, 120)) -> Image.Image:
    """Soft patches of colour with noise."""
    rng = np.random.default_rng(seed)
    patches = Image.fromarray(rng.integers(0, 256, (6, 8, 3), np.uint8).astype(np.uint8))
    soft = np.asarray(patches.resize(size, Image.Resampling.BICUBIC), np.int16)
    noisy = soft + rng.integers(-6, 7, soft.shape)
    return Image.fromarray(noisy.clip(0, 255).astype(np.uint8))


def encoded(image: Image.Image, kind: str = "JPEG", quality: int = 90) -> bytes:
    """The bytes of its file."""
    out = io.BytesIO()
    image.save(out, kind, quality=quality)
    return out.getvalue()
