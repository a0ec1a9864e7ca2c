"""Drawing with soft edges: colours, and a pen that draws in its own units on a layer several times the final
resolution."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

Colour = tuple[int, int, int]
Points = Sequence[tuple[float, float]]

SIZE = 256  # pixels along each side of a finished picture
OVERSAMPLE = 3  # everything is drawn this much larger and reduced at the end: Pillow's own edges are hard

COLOURS: dict[str, Colour] = {
    "black": (46, 46, 52),
    "blue": (40, 98, 214),
    "brown": (142, 88, 48),
    "gray": (148, 152, 160),
    "green": (44, 150, 74),
    "orange": (247, 132, 24),
    "pink": (246, 130, 178),
    "purple": (132, 62, 188),
    "red": (218, 40, 40),
    "white": (250, 250, 247),
    "yellow": (252, 208, 36),
}


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """The colour that lies `share` of the way from `first` to `second`."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def lighter(colour: Colour, share: float = 0.3) -> Colour:
    """Mixed with white."""
    return mix(colour, (255, 255, 255), share)


def darker(colour: Colour, share: float = 0.3) -> Colour:
    """Mixed with a warm black."""
    return mix(colour, (24, 18, 22), share)


def is_pale(colour: Colour) -> bool:
    """Whether a colour is so near to white that pale details would not show on it."""
    return min(colour) > 200


def corners(text: str) -> list[tuple[float, float]]:
    """A path as people write one: "0,-1 0.5,0.2" is from (0, -1) to (0.5, 0.2)."""
    numbers = (corner.split(",") for corner in text.split())
    return [(float(x), float(y)) for x, y in numbers]


def smooth(points: Points, closed: bool, steps: int = 9) -> list[tuple[float, float]]:
    """A Catmull-Rom curve through the points."""
    p = np.asarray(points, float)
    p = np.concatenate([p[-1:], p, p[:2]]) if closed else np.concatenate([p[:1], p, p[-1:]])
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]  # (steps, 1)
    parts = []
    for a, b, c, d in zip(p, p[1:], p[2:], p[3:], strict=False):
        parts.append(
            0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        )
    curve = np.concatenate(parts if closed else [*parts, p[-1:]])
    return [(float(x), float(y)) for x, y in curve]


class Pen:
    """Draws shapes on an image; x grows to the right (to the left when flipped), y downwards.

    unit:   how many pixels of the image one unit takes
    origin: where (0, 0) lies, in pixels of the image
    """

    def __init__(
        self, image: Image.Image, unit: float, origin: tuple[float, float] = (0, 0), flip: bool = False
    ) -> None:
        self._draw = ImageDraw.Draw(image, "RGBA" if image.mode == "RGB" else None)
        self._scale = np.array([-unit if flip else unit, unit])
        self._origin = np.array(origin)
        self._unit = unit

    def polygon(self, points: Points, fill: Any) -> None:
        """A straight-edged shape."""
        self._draw.polygon(
            [tuple(point) for point in (np.asarray(points) * self._scale + self._origin).tolist()], fill
        )

    def blob(self, points: Points, fill: Any) -> None:
        """A closed curve through the points."""
        self.polygon(smooth(points, closed=True), fill)

    def ellipse(self, x: float, y: float, rx: float, ry: float, fill: Any, angle: float = 0) -> None:
        """An ellipse around (x, y), turned clockwise by `angle` degrees."""
        t = np.linspace(0, 2 * np.pi, 48, endpoint=False)
        turn = np.radians(angle)
        a, b = rx * np.cos(t), ry * np.sin(t)
        xs, ys = x + a * np.cos(turn) - b * np.sin(turn), y + a * np.sin(turn) + b * np.cos(turn)
        self.polygon(list(zip(xs.tolist(), ys.tolist(), strict=True)), fill)

    def box(self, left: float, top: float, right: float, bottom: float, fill: Any, radius: float = 0) -> None:
        """A rectangle, its corners rounded by `radius`."""
        (x0, y0), (x1, y1) = (
            (np.array([[left, top], [right, bottom]]) * self._scale) + self._origin
        ).tolist()
        self._draw.rounded_rectangle((min(x0, x1), y0, max(x0, x1), y1), radius * self._unit, fill)

    def line(self, points: Points, width: float, fill: Any) -> None:
        """A stroke with round ends, curved through the points."""
        curve = smooth(points, closed=False) if len(points) > 2 else points
        placed = (np.asarray(curve) * self._scale + self._origin).tolist()
        pixels = max(1, round(width * self._unit))
        self._draw.line([tuple(point) for point in placed], fill, pixels, joint="curve")
        for x, y in (placed[0], placed[-1]):
            self._draw.ellipse((x - pixels / 2, y - pixels / 2, x + pixels / 2, y + pixels / 2), fill)


class Canvas:
    """One picture in the making. All coordinates are in pixels of the finished picture, 0 ... SIZE."""

    def __init__(self) -> None:
        self.image = Image.new("RGB", (SIZE * OVERSAMPLE, SIZE * OVERSAMPLE))
        self.pen = Pen(self.image, OVERSAMPLE)

    def gradient(self, top: float, bottom: float, first: Colour, last: Colour) -> None:
        """Fill the rows from `top` to `bottom` with a vertical gradient over the whole width."""
        rows = max(1, round((bottom - top) * OVERSAMPLE))
        column = np.linspace(first, last, rows).round().astype(np.uint8)[:, None]  # (rows, 1, 3)
        band = Image.fromarray(column).resize((self.image.width, rows), Image.Resampling.NEAREST)
        self.image.paste(band, (0, round(top * OVERSAMPLE)))

    def glow(self, x: float, y: float, rx: float, ry: float, colour: Colour, strength: float) -> None:
        """A soft-edged ellipse: light around a sun, a shadow on the ground. strength: 0 ... 1 in its
        middle."""
        left, top, right, bottom = (round(value * OVERSAMPLE) for value in (x - rx, y - ry, x + rx, y + ry))
        if right > left and bottom > top:
            mask = _SPOT.resize((right - left, bottom - top)).point(lambda value: value * strength)
            self.image.paste(colour, (left, top), mask)

    def stamp(self, layer: Image.Image, left: int, top: int, shadow: float = 0.35) -> None:
        """Shade a drawn RGBA layer as if lit from the upper left, and lay it on; left, top: in pixels of the
        large image."""
        alpha = layer.getchannel("A")
        eighth = (max(1, layer.width // 8), max(1, layer.height // 8))
        small = alpha.resize(eighth, Image.Resampling.BOX).filter(ImageFilter.GaussianBlur(2.2))
        # darker towards the edge, which rounds the form
        rim = small.point(lambda value: 168 + value * 87 // 255)
        light = ImageChops.multiply(rim, _LIGHT.resize(eighth)).resize(layer.size, Image.Resampling.BILINEAR)
        shaded = ImageChops.multiply(layer.convert("RGB"), Image.merge("RGB", (light, light, light)))
        # a soft dark seam sets a white thing off from a pale sky and a green one off from grass
        seam = small.resize(layer.size, Image.Resampling.BILINEAR).point(lambda value: value * shadow)
        self.image.paste((28, 30, 48), (left + OVERSAMPLE, top + 2 * OVERSAMPLE), seam)
        self.image.paste(shaded, (left, top), alpha)

    def finish(self) -> Image.Image:
        """The picture, (SIZE, SIZE), RGB."""
        return self.image.reduce(OVERSAMPLE)


def _spot() -> Image.Image:
    distance = np.hypot(*np.meshgrid(np.linspace(-1, 1, 64), np.linspace(-1, 1, 64)))
    return Image.fromarray((np.clip(1 - distance, 0, 1) ** 1.5 * 255).astype(np.uint8))


def _light() -> Image.Image:
    x, y = np.meshgrid(np.linspace(0, 1, 64), np.linspace(0, 1, 64))
    return Image.fromarray((255 - 70 * np.clip(0.35 * x + 0.85 * y - 0.3, 0, 1)).astype(np.uint8))


_SPOT = _spot()
_LIGHT = _light()
