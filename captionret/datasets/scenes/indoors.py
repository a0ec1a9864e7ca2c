"""The places indoors: a room, and a table in front of a wall."""

import numpy as np

from .mood import Mood
from .pen import SIZE, Canvas, Colour, darker, lighter, mix

WALLS: tuple[Colour, ...] = ((236, 224, 204), (212, 224, 222), (226, 218, 224), (220, 226, 210))


def _wall(canvas: Canvas, rng: np.random.Generator, mood: Mood, base: float) -> None:
    wall = WALLS[int(rng.integers(len(WALLS)))]
    wall = mix(wall, mood.tint, mood.strength * 0.6)
    canvas.gradient(0, base, lighter(wall, 0.25), wall)
    if rng.random() < 0.5:
        for x in np.arange(float(rng.uniform(-16, 0)), SIZE, 20):
            canvas.pen.box(float(x), 0, float(x) + 9, base, lighter(wall, 0.28))


def room(canvas: Canvas, rng: np.random.Generator, mood: Mood) -> None:
    """A wall, a wooden floor and a rug."""
    base = float(rng.uniform(156, 166))
    _wall(canvas, rng, mood, base)
    canvas.pen.box(0, base - 9, SIZE, base, (248, 246, 240))
    wood = ((206, 166, 122), (190, 150, 112), (216, 182, 142))[int(rng.integers(3))]
    canvas.gradient(base, SIZE, darker(wood, 0.1), wood)
    for y in (base, base + 12, base + 30, base + 56):
        canvas.pen.line([(0, y), (SIZE, y)], 0.8, darker(wood, 0.25))
    for y0, y1 in ((base, base + 12), (base + 12, base + 30), (base + 30, base + 56), (base + 56, SIZE)):
        for x in rng.uniform(0, SIZE, 4).tolist():
            canvas.pen.line([(x, y0), (x + (x - 128) * (y1 - y0) / 200, y1)], 0.7, darker(wood, 0.22))
    canvas.pen.ellipse(128, 220, 112, 24, (226, 216, 200))
    canvas.pen.ellipse(128, 220, 104, 20.5, (238, 230, 216))
    canvas.pen.ellipse(128, 220, 88, 16, (230, 220, 204))


def table(canvas: Canvas, rng: np.random.Generator, mood: Mood) -> None:
    """A wooden table in front of a wall."""
    _wall(canvas, rng, mood, SIZE)
    top = float(rng.uniform(160, 172))
    wood = ((188, 134, 88), (170, 118, 78), (204, 156, 108))[int(rng.integers(3))]
    canvas.gradient(top, 236, lighter(wood, 0.22), wood)
    canvas.gradient(236, SIZE, darker(wood, 0.25), darker(wood, 0.4))
    for y in np.sort(rng.uniform(top + 4, 234, 12)).tolist():
        x = float(rng.uniform(-20, SIZE))
        canvas.pen.line([(x, y), (x + 40, y + 1), (x + 90, y)], 0.7, darker(wood, 0.12))
