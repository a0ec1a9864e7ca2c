"""Put a scene together: the backdrop, something behind, and the main things with their shadows."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from . import living, things
from .backdrops import BACKDROPS
from .extras import EXTRAS
from .mood import MOODS
from .pen import COLOURS, OVERSAMPLE, SIZE, Canvas, Colour, Pen
from .plan import NUMBERS, Scene
from .words import describe

Drawing = Callable[[Pen, Colour, np.random.Generator], None]


@dataclass(frozen=True, slots=True)
class Figure:
    """How a thing is drawn.

    draw:  what draws it, in units of half its height
    reach: half its width, in the same units
    scale: its height beside that of the other things
    foot:  how much of its width its shadow takes
    """

    draw: Drawing
    reach: float = 1.0
    scale: float = 1.0
    foot: float = 1.1


FIGURES: dict[str, Figure] = {
    "ball": Figure(things.ball, 1.0, 0.8),
    "balloon": Figure(things.balloon, 0.8, 1.15),
    "bird": Figure(living.standing_bird, 1.15, 0.85),
    "boat": Figure(things.boat, 1.0, 1.05),
    "butterfly": Figure(living.butterfly, 1.15, 0.85),
    "car": Figure(things.car, 1.5, 0.8),
    "cat": Figure(living.cat, 1.05, 1.0),
    "cup": Figure(things.cup, 1.05, 0.9),
    "dog": Figure(living.dog, 1.4, 0.85),
    "fish": Figure(living.fish, 1.3, 0.8),
    "flower": Figure(living.flower, 0.65, 1.1, 0.6),
    "house": Figure(things.house, 1.14, 1.0),
    "kite": Figure(things.kite, 0.66, 1.15),
    "tree": Figure(living.tree, 0.9, 1.15, 0.7),
    "truck": Figure(things.truck, 1.5, 0.8),
    "umbrella": Figure(things.umbrella, 1.2, 1.05, 0.5),
}
IN_PLACE: dict[tuple[str, str], Figure] = {
    ("bird", "sky"): Figure(living.flying_bird, 1.4, 0.85),
    ("flower", "table"): Figure(living.potted_flower, 0.55, 1.1),
}

# where the feet of a thing that stands come to lie, in rows of the finished picture
GROUND = {
    "beach": (204, 234),
    "meadow": (200, 232),
    "road": (212, 224),
    "room": (212, 230),
    "sea": (196, 220),
    "snow": (204, 232),
    "table": (204, 222),
}
BESIDE_THE_ROAD = (166, 172)
IN_THE_AIR = {
    ("balloon", "sea"),
    ("balloon", "sky"),
    ("bird", "sky"),
    ("butterfly", "meadow"),
    ("butterfly", "sky"),
    ("fish", "water"),
    ("kite", "beach"),
    ("kite", "sky"),
}
HALF_HEIGHT = {
    ("one", "large"): 80,
    ("one", "small"): 56,
    ("two", "large"): 60,
    ("two", "small"): 48,
    ("three", "large"): 48,
    ("three", "small"): 41,
}


def draw_scene(
    scene: Scene, rng: np.random.Generator
) -> tuple[Image.Image, tuple[str, ...], tuple[str, ...]]:
    """Draw and describe a scene; the same generator state gives the same picture and the same words.

    returns: the picture (256, 256) RGB; its labels (Scene.labels); five captions
    """
    mood_name = str(rng.choice(list(MOODS)))
    mood = MOODS[mood_name]
    canvas = Canvas()
    BACKDROPS[scene.place](canvas, rng, mood)
    away, flip = 0.0, bool(rng.random() < 0.5)
    if scene.second:
        side = 1 if rng.random() < 0.5 else -1
        EXTRAS[scene.second](canvas, SIZE / 2 + side * float(rng.uniform(72, 94)), mood)
        away = -side
    for spot in sorted(_spots(scene, away, rng), key=lambda spot: spot[1]):
        _draw_thing(canvas, scene, flip, rng, *spot)
    return canvas.finish(), scene.labels, describe(scene, mood_name, rng)


def _figure(scene: Scene) -> Figure:
    return IN_PLACE.get((scene.thing, scene.place), FIGURES[scene.thing])


def _spots(scene: Scene, away: float, rng: np.random.Generator) -> list[tuple[float, float, float]]:
    """The middle column, the lowest row and the half height of each of the things.

    away: 1 draws a single thing to the right and -1 to the left, where it does not cover what is behind; 0
          leaves it to chance
    """
    figure, count = _figure(scene), NUMBERS.index(scene.number) + 1
    room = SIZE / count
    unit = min(
        HALF_HEIGHT[scene.number, scene.size] * figure.scale,
        (0.47 if count == 1 else 0.56) * room / figure.reach,
    )
    spots = []
    for index in range(count):
        half = unit * float(rng.uniform(0.95, 1.04))
        spare = max(3.0, min(34.0, (room / 2 - half * figure.reach) * 0.9))
        shift = float(rng.uniform(-spare, spare))
        x = room * (index + 0.5) + (away * abs(shift) if away and count == 1 else shift)
        x = float(np.clip(x, half * figure.reach + 3, SIZE - half * figure.reach - 3))
        spots.append((x, _lowest(scene, half, index, count, rng), half))
    return spots


def _lowest(scene: Scene, half: float, index: int, count: int, rng: np.random.Generator) -> float:
    if (scene.thing, scene.place) in IN_THE_AIR:
        middle = 104 if scene.place in ("beach", "sea") else 122
        sway = 0 if count == 1 else (-22, 22, -14)[index]
        bottom = middle + sway + half + float(rng.uniform(-14, 14))
        return float(np.clip(bottom, 2 * half + 6, 240))
    low, high = BESIDE_THE_ROAD if (scene.thing, scene.place) == ("tree", "road") else GROUND[scene.place]
    return max(float(rng.uniform(low, high)), 2 * half + 6)


def _draw_thing(
    canvas: Canvas, scene: Scene, flip: bool, rng: np.random.Generator, x: float, bottom: float, half: float
) -> None:
    figure = _figure(scene)
    in_air = (scene.thing, scene.place) in IN_THE_AIR
    if scene.thing == "kite":
        canvas.pen.line(
            [
                (x - 0.2 * half, bottom - half),
                (x + 0.3 * half, (bottom + SIZE) / 2),
                (x + float(rng.uniform(-40, 60)), SIZE),
            ],
            0.8,
            (90, 90, 96),
        )
    if not in_air and scene.place != "sea":
        canvas.glow(
            x + 0.1 * half,
            bottom - 1,
            half * figure.reach * figure.foot,
            max(6, half * 0.16),
            (30, 34, 40),
            0.75,
        )
    unit = half * OVERSAMPLE
    width, height = round(unit * (figure.reach * 2 + 0.3)), round(unit * 2.2)
    layer = Image.new("RGBA", (width, height))
    pen = Pen(layer, unit, (width / 2, height / 2), flip)
    figure.draw(pen, COLOURS[scene.colour], rng)
    canvas.stamp(layer, round(x * OVERSAMPLE - width / 2), round((bottom - half) * OVERSAMPLE - height / 2))
    if scene.thing == "boat" and scene.place == "sea":
        _bow_wave(canvas, x, bottom, half)


def _bow_wave(canvas: Canvas, x: float, bottom: float, half: float) -> None:
    for step, colour in enumerate(((60, 136, 176), (206, 230, 238), (70, 144, 182))):
        y, reach = bottom - 4 + step * 2.2, half * (0.9 + 0.08 * step)
        points = [(x - reach + reach * 2 * k / 8, y + (1.5 if k % 2 else -1.5)) for k in range(9)]
        canvas.pen.line(points, 2.6, colour)
