"""The places in the open: meadow, beach, sea, road, sky, snow, and under water. Each function paints one onto
an empty canvas; BACKDROPS lists all places."""

from collections.abc import Callable

import numpy as np

from .indoors import room, table
from .mood import Mood
from .pen import SIZE, Canvas, Colour, darker, lighter, mix


def _sky(canvas: Canvas, rng: np.random.Generator, mood: Mood, horizon: float, clouds: int) -> None:
    canvas.gradient(0, horizon, mood.top, mood.bottom)
    if mood.sun:
        x = float(rng.choice([rng.uniform(20, 70), rng.uniform(186, 236)]))
        y = float(rng.uniform(18, 44))
        canvas.glow(x, y, 62, 62, mood.sun, 0.75)
        canvas.pen.ellipse(x, y, 11, 11, mood.sun)
    for _ in range(clouds + (2 if mood.sun is None else 0)):
        cloud(
            canvas,
            float(rng.uniform(0, SIZE)),
            float(rng.uniform(14, horizon * 0.62)),
            float(rng.uniform(0.6, 1.1)),
            mood,
        )


def cloud(canvas: Canvas, x: float, y: float, scale: float, mood: Mood) -> None:
    """A soft cloud around (x, y)."""
    white = mix((255, 255, 255), mood.bottom, 0.25)
    for dx, dy, rx, ry in ((-22, 4, 24, 14), (0, -3, 30, 21), (24, 4, 26, 14), (4, 7, 46, 11)):
        canvas.glow(x + dx * scale, y + dy * scale, rx * scale * 1.25, ry * scale * 1.25, white, 0.85)


def _hills(canvas: Canvas, rng: np.random.Generator, base: float, height: float, colour: Colour) -> None:
    xs = np.linspace(-10, SIZE + 10, 56)
    phase, waves = rng.uniform(0, 6.28, 3), (1.0, 2.1, 3.7)
    bumps = sum(
        np.sin(xs / SIZE * 6.28 * wave * 0.7 + shift) / wave for wave, shift in zip(waves, phase, strict=True)
    )
    tops = base - height * (0.55 + 0.3 * bumps)
    canvas.pen.polygon(
        [*zip(xs.tolist(), tops.tolist(), strict=True), (SIZE + 10, base + 3), (-10, base + 3)], colour
    )


def _far_trees(canvas: Canvas, rng: np.random.Generator, base: float, count: int, colour: Colour) -> None:
    for x in rng.uniform(0, SIZE, count).tolist():
        height = float(rng.uniform(5, 10))
        canvas.pen.ellipse(
            x, base - height * 0.6, height * 0.75, height * 0.7, darker(colour, float(rng.uniform(0, 0.16)))
        )


def meadow(canvas: Canvas, rng: np.random.Generator, mood: Mood) -> None:
    """Grass under the sky, with hills, trees far away and little flowers."""
    horizon = float(rng.uniform(118, 136))
    _sky(canvas, rng, mood, horizon, int(rng.integers(1, 4)))
    _hills(
        canvas, rng, horizon, float(rng.uniform(18, 34)), mix(mood.lit((128, 172, 160)), mood.bottom, 0.35)
    )
    _hills(canvas, rng, horizon, float(rng.uniform(8, 18)), mood.lit((128, 178, 112)))
    _far_trees(canvas, rng, horizon, int(rng.integers(3, 12)), mood.lit((92, 146, 92)))
    _grass(canvas, rng, mood, horizon)


def _grass(canvas: Canvas, rng: np.random.Generator, mood: Mood, top: float) -> None:
    canvas.gradient(top, SIZE, mood.lit((160, 204, 112)), mood.lit((92, 160, 66)))
    for _ in range(6):
        canvas.glow(
            float(rng.uniform(0, SIZE)),
            float(rng.uniform(top + 14, SIZE)),
            70,
            9,
            mood.lit((178, 214, 120)),
            0.5,
        )
    for y in np.sort(rng.uniform(top + 6, SIZE + 4, 90)).tolist():
        x, reach = float(rng.uniform(0, SIZE)), 2 + 5 * (y - top) / (SIZE - top)
        blade = mood.lit(mix((78, 146, 56), (150, 200, 100), float(rng.uniform(0, 1))))
        for lean in (-0.45, 0.0, 0.4):
            canvas.pen.polygon([(x - 0.8, y), (x + lean * reach, y - reach), (x + 0.8, y)], blade)
    for _ in range(int(rng.integers(6, 16))):
        y = float(rng.uniform(top + 12, SIZE))
        radius = 0.8 + 1.1 * (y - top) / (SIZE - top)
        canvas.pen.ellipse(float(rng.uniform(0, SIZE)), y, radius, radius * 0.8, (250, 250, 236))


def _water(canvas: Canvas, rng: np.random.Generator, mood: Mood, top: float, bottom: float) -> None:
    far, near = mood.lit((112, 178, 206)), mood.lit((46, 128, 172))
    canvas.gradient(top, bottom, far, near)
    for y in np.sort(rng.uniform(top + 2, bottom, int((bottom - top) * 0.6))).tolist():
        depth = (y - top) / (SIZE - top)
        x, reach = float(rng.uniform(-10, SIZE)), 4 + 22 * depth
        crest = lighter(mix(far, near, depth), float(rng.uniform(0.15, 0.4)))
        canvas.pen.line(
            [(x, y), (x + reach * 0.5, y - 0.5 - 2 * depth), (x + reach, y)], 0.7 + 0.8 * depth, crest
        )


def sea(canvas: Canvas, rng: np.random.Generator, mood: Mood) -> None:
    """Open water under the sky."""
    horizon = float(rng.uniform(112, 138))
    _sky(canvas, rng, mood, horizon, int(rng.integers(1, 4)))
    if rng.random() < 0.5:
        _hills(
            canvas, rng, horizon, float(rng.uniform(5, 12)), mix(mood.lit((120, 150, 170)), mood.bottom, 0.4)
        )
    _water(canvas, rng, mood, horizon, SIZE)


def beach(canvas: Canvas, rng: np.random.Generator, mood: Mood) -> None:
    """Sand in front of the sea."""
    horizon = float(rng.uniform(92, 110))
    shore = horizon + float(rng.uniform(26, 38))
    _sky(canvas, rng, mood, horizon, int(rng.integers(1, 3)))
    _water(canvas, rng, mood, horizon, shore + 8)
    phase = float(rng.uniform(0, 6))
    xs = np.linspace(-5, SIZE + 5, 60)
    line = shore + 2.6 * np.sin(xs / 28 + phase) + 1.6 * np.sin(xs / 11 + 2 * phase)
    edge = list(zip(xs.tolist(), line.tolist(), strict=True))
    canvas.gradient(shore + 6, SIZE, mood.lit((236, 214, 166)), mood.lit((222, 190, 136)))
    for shift, colour in (
        (0, (250, 252, 250)),
        (4, mood.lit((206, 182, 138))),
        (8, mood.lit((236, 214, 166))),
    ):
        canvas.pen.polygon(
            [*((x, y + shift) for x, y in edge), (SIZE + 5, shore + 18), (-5, shore + 18)], colour
        )
    for _ in range(9):
        canvas.glow(
            float(rng.uniform(0, SIZE)),
            float(rng.uniform(shore + 26, SIZE)),
            60,
            6,
            mood.lit((246, 228, 186)),
            0.6,
        )
    for x, y in zip(
        rng.uniform(0, SIZE, 130).tolist(), rng.uniform(shore + 12, SIZE, 130).tolist(), strict=True
    ):
        canvas.pen.ellipse(x, y, 0.8, 0.6, mood.lit((200, 166, 112)))


def road(canvas: Canvas, rng: np.random.Generator, mood: Mood) -> None:
    """A road from left to right, green beyond it, with a town or hills far away."""
    horizon = float(rng.uniform(116, 130))
    _sky(canvas, rng, mood, horizon, int(rng.integers(1, 4)))
    if rng.random() < 0.5:
        _skyline(canvas, rng, mood, horizon)
    else:
        _hills(
            canvas, rng, horizon, float(rng.uniform(16, 34)), mix(mood.lit((128, 172, 160)), mood.bottom, 0.3)
        )
    canvas.gradient(horizon, SIZE, mood.lit((152, 196, 112)), mood.lit((104, 164, 78)))
    _far_trees(canvas, rng, horizon + 3, int(rng.integers(8, 20)), mood.lit((92, 150, 88)))
    top = 168.0
    canvas.pen.box(0, top - 6, SIZE, top, mood.lit((206, 202, 194)))
    canvas.gradient(top, 248, mood.lit((132, 134, 142)), mood.lit((104, 106, 116)))
    canvas.pen.box(0, top + 2, SIZE, top + 4, mood.lit((228, 228, 224)))
    start = float(rng.uniform(-40, 0))
    for x in np.arange(start, SIZE, 48):
        canvas.pen.box(float(x), 227, float(x) + 27, 231, mood.lit((238, 236, 226)))
    canvas.pen.box(0, 248, SIZE, SIZE, mood.lit((118, 172, 86)))


def _skyline(canvas: Canvas, rng: np.random.Generator, mood: Mood, base: float) -> None:
    x = -6.0
    while x < SIZE:
        width, height = float(rng.uniform(12, 26)), float(rng.uniform(12, 44))
        wall = mix(mood.lit((150, 164, 186)), mood.bottom, float(rng.uniform(0.3, 0.6)))
        canvas.pen.box(x, base - height, x + width, base + 2, wall)
        for wx in np.arange(x + 3, x + width - 3, 5):
            for wy in np.arange(base - height + 4, base - 4, 7):
                canvas.pen.box(float(wx), float(wy), float(wx) + 2, float(wy) + 3, lighter(wall, 0.4))
        x += width + float(rng.uniform(0, 7))


def sky(canvas: Canvas, rng: np.random.Generator, mood: Mood) -> None:
    """High up: clouds, and hills only at the very bottom."""
    _sky(canvas, rng, mood, SIZE, int(rng.integers(3, 6)))
    _hills(canvas, rng, SIZE, float(rng.uniform(22, 34)), mix(mood.lit((128, 172, 160)), mood.bottom, 0.35))
    _hills(canvas, rng, SIZE, float(rng.uniform(9, 18)), mood.lit((124, 176, 104)))


def snow(canvas: Canvas, rng: np.random.Generator, mood: Mood) -> None:
    """A snowy field with fir trees, flakes in the air."""
    horizon = float(rng.uniform(116, 134))
    pale = mix(mood.top, (176, 196, 220), 0.5)
    canvas.gradient(0, horizon, pale, lighter(mood.bottom, 0.3))
    _hills(canvas, rng, horizon, float(rng.uniform(26, 44)), (206, 218, 234))
    _hills(canvas, rng, horizon, float(rng.uniform(10, 18)), (222, 231, 242))
    for x in rng.uniform(0, SIZE, int(rng.integers(5, 12))).tolist():
        fir(canvas, x, horizon + float(rng.uniform(0, 5)), float(rng.uniform(14, 26)))
    canvas.gradient(horizon, SIZE, (236, 242, 250), (212, 224, 240))
    for _ in range(8):
        canvas.glow(
            float(rng.uniform(0, SIZE)), float(rng.uniform(horizon + 14, SIZE)), 80, 9, (252, 253, 255), 0.8
        )
    for x, y in rng.uniform(0, SIZE, (70, 2)).tolist():
        canvas.pen.ellipse(x, y, 1.3, 1.3, (255, 255, 255, 210))


def fir(canvas: Canvas, x: float, base: float, height: float) -> None:
    """A fir tree dusted with snow."""
    canvas.pen.box(x - height * 0.05, base - height * 0.2, x + height * 0.05, base, (112, 84, 66))
    for share in (0.0, 0.28, 0.54):
        low, half = base - height * (0.12 + share), height * (0.32 - share * 0.32)
        canvas.pen.polygon([(x - half, low), (x, low - height * 0.42), (x + half, low)], (84, 128, 108))
        canvas.pen.polygon(
            [
                (x - half * 0.45, low - height * 0.23),
                (x, low - height * 0.42),
                (x + half * 0.45, low - height * 0.23),
            ],
            (244, 248, 252),
        )


def water(canvas: Canvas, rng: np.random.Generator, mood: Mood) -> None:
    """Under water: rays of light, sand, weed and bubbles."""
    canvas.gradient(0, SIZE, mood.lit((110, 204, 220)), (22, 92, 142))
    for _ in range(5):
        x, width = float(rng.uniform(-10, SIZE)), float(rng.uniform(8, 22))
        canvas.pen.polygon(
            [(x, 0), (x + width, 0), (x + width * 2 - 40, 215), (x - width - 40, 215)], (224, 250, 250, 26)
        )
    _hills(canvas, rng, SIZE, float(rng.uniform(44, 56)), (52, 122, 152))
    _hills(canvas, rng, SIZE, float(rng.uniform(22, 34)), (206, 192, 150))
    for x in rng.uniform(0, SIZE, int(rng.integers(4, 8))).tolist():
        height, green = (
            float(rng.uniform(26, 60)),
            mix((44, 120, 96), (86, 152, 92), float(rng.uniform(0, 1))),
        )
        for shift in (-6, 0, 6):
            sway = [
                (x + shift, 252),
                (x + shift + 5, 252 - height * 0.33),
                (x + shift - 4, 252 - height * 0.66),
                (x + shift + 3, 252 - height),
            ]
            canvas.pen.line(sway, 2.6, green)
    for _ in range(int(rng.integers(5, 11))):
        x, y, radius = float(rng.uniform(0, SIZE)), float(rng.uniform(10, 200)), float(rng.uniform(1.5, 4))
        canvas.pen.ellipse(x, y, radius, radius, (224, 246, 250, 130))
        canvas.pen.ellipse(
            x - radius * 0.3, y - radius * 0.3, radius * 0.35, radius * 0.35, (255, 255, 255, 220)
        )


BACKDROPS: dict[str, Callable[[Canvas, np.random.Generator, Mood], None]] = {
    "beach": beach,
    "meadow": meadow,
    "road": road,
    "room": room,
    "sea": sea,
    "sky": sky,
    "snow": snow,
    "table": table,
    "water": water,
}
