"""Every kind of pixels as 8-bit RGB."""

from collections.abc import Iterator

import numpy as np
from PIL import Image

# Converted at a time, so that a conversion takes little memory of its own
_STRIP_PIXELS = 4_000_000


def as_rgb(image: Image.Image) -> Image.Image:
    """A loaded picture as 8-bit RGB: transparency on white, more than 8 bits scaled."""
    deep = image.mode.startswith(("I", "F"))  # Pillow's own conversion would clip 16-bit values at 255
    clear = image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info
    if not deep and not clear:
        return image if image.mode == "RGB" else image.convert("RGB")
    low, high = _range(image) if deep else (0.0, 255.0)
    result = Image.new("RGB", image.size)
    for top, strip in _strips(image):
        strip = _to_8_bits(strip, low, high) if deep else strip
        result.paste(_on_white(strip) if clear else strip.convert("RGB"), (0, top))
    return result


def _strips(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    """The picture in strips of a few million pixels, each with its top row."""
    rows = max(1, _STRIP_PIXELS // image.width)
    for top in range(0, image.height, rows):
        yield top, image.crop((0, top, image.width, min(image.height, top + rows)))


def _on_white(image: Image.Image) -> Image.Image:
    image = image.convert("RGBA")
    white = Image.new("RGBA", image.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, image).convert("RGB")


def _range(image: Image.Image) -> tuple[float, float]:
    """The values of a picture of more than 8 bits that become black and white."""
    if image.mode.startswith("I;16"):
        return 0.0, 65535.0
    extremes = []
    for _, strip in _strips(image):
        values = np.asarray(strip)
        if not np.isfinite(values).all():
            raise ValueError("it holds values that are not numbers")
        extremes += [float(values.min()), float(values.max())]
    low, high = min(extremes), max(extremes)
    sixteen = image.mode == "I" and low >= 0 and high <= 65535
    return (0.0, 65535.0) if sixteen else (low, high)


def _to_8_bits(image: Image.Image, low: float, high: float) -> Image.Image:
    values = np.asarray(image).astype(np.float64)
    if (low, high) == (0.0, 65535.0):
        values = values / 257.0
    else:
        values = (values - low) * (255.0 / (high - low)) if high > low else np.zeros_like(values)
    return Image.fromarray(values.round().astype(np.uint8))
