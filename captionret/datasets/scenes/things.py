"""The made things: ball, balloon, boat, car, cup, house, kite, truck, umbrella.

Each function draws one thing with a pen whose units run from -1 to 1 over the thing's height; it stands on y
= 1.
"""

import math
from itertools import pairwise

import numpy as np

from .pen import Colour, Pen, corners, darker, is_pale, lighter, smooth

GLASS = (176, 216, 238)
DARK = (44, 44, 50)
CREAM = (248, 242, 226)


def ball(pen: Pen, colour: Colour, rng: np.random.Generator) -> None:
    """A toy ball with a pale band and a star."""
    pen.ellipse(0, 0, 1, 1, colour)
    turn = float(rng.uniform(-25, 25))
    pen.ellipse(0, 0, 1, 0.3, CREAM, angle=turn)
    pen.ellipse(0, 0, 1, 0.2, colour, angle=turn)
    star = []
    for step in range(10):
        reach = 0.34 if step % 2 == 0 else 0.15
        angle = math.radians(step * 36 - 90 + turn)
        star.append((reach * math.cos(angle), reach * math.sin(angle)))
    pen.polygon(star, CREAM)
    pen.ellipse(-0.42, -0.5, 0.2, 0.13, lighter(colour, 0.65), angle=-40)


def balloon(pen: Pen, colour: Colour, rng: np.random.Generator) -> None:
    """A hot-air balloon with its basket."""
    pen.line([(-0.3, 0.4), (-0.15, 0.8)], 0.025, DARK)
    pen.line([(0.3, 0.4), (0.15, 0.8)], 0.025, DARK)
    pen.line([(0, 0.4), (0, 0.8)], 0.025, DARK)
    pen.box(-0.19, 0.74, 0.19, 1, (160, 106, 58), 0.05)
    pen.box(-0.21, 0.72, 0.21, 0.8, (120, 76, 40), 0.03)
    outline = corners(
        "0,-1 0.5,-0.86 0.78,-0.45 0.72,0 0.34,0.45 0,0.52 -0.34,0.45 -0.72,0 -0.78,-0.45 -0.5,-0.86"
    )
    pen.blob(outline, colour)
    for width, fill in ((0.56, lighter(colour, 0.22)), (0.36, colour), (0.14, lighter(colour, 0.22))):
        pen.blob(
            [
                (0, -0.99),
                (width, -0.45),
                (width * 0.92, 0),
                (width * 0.5, 0.46),
                (0, 0.51),
                (-width * 0.5, 0.46),
                (-width * 0.92, 0),
                (-width, -0.45),
            ],
            fill,
        )
    pen.blob([(-0.34, 0.44), (0, 0.36), (0.34, 0.44), (0, 0.53)], darker(colour, 0.35))


def boat(pen: Pen, colour: Colour, rng: np.random.Generator) -> None:
    """A sailing boat: hull and main sail in its colour, the fore sail a paler one."""
    pen.line([(0.02, -1), (0.02, 0.5)], 0.06, (110, 76, 48))
    pen.blob([(-0.06, -0.9), (-0.32, -0.3), (-0.62, 0.34), (-0.3, 0.4), (-0.06, 0.36)], lighter(colour, 0.5))
    pen.polygon([(0.09, -0.92), (0.34, -0.5), (0.58, -0.06), (0.74, 0.34), (0.09, 0.36)], colour)
    pen.polygon(
        [(0.09, -0.3), (0.44, -0.3), (0.58, -0.06), (0.09, -0.06)],
        lighter(colour, 0.3) if not is_pale(colour) else darker(colour, 0.18),
    )
    pen.polygon(
        [(0.02, -1), (0.02, -0.88), (0.24, -0.94)],
        (214, 70, 60) if colour[0] < 200 or is_pale(colour) else (70, 110, 190),
    )
    pen.blob(
        corners("-0.98,0.46 -0.4,0.54 0.4,0.54 1.02,0.42 0.86,0.76 0.62,0.98 0,1 -0.6,0.98 -0.84,0.76"),
        colour,
    )
    pen.line(
        [(-0.9, 0.56), (-0.4, 0.63), (0.4, 0.63), (0.94, 0.53)],
        0.05,
        CREAM if not is_pale(colour) else (90, 110, 140),
    )
    for x in (-0.4, 0, 0.4):
        pen.ellipse(x, 0.78, 0.07, 0.07, (60, 66, 80))


def wheel(pen: Pen, x: float, y: float, radius: float) -> None:
    """A tyre with a bright hub."""
    pen.ellipse(x, y, radius, radius, (34, 34, 38))
    pen.ellipse(x, y, radius * 0.58, radius * 0.58, (196, 200, 206))
    pen.ellipse(x, y, radius * 0.22, radius * 0.22, (104, 108, 114))


def car(pen: Pen, colour: Colour, rng: np.random.Generator) -> None:
    """A car from the side, looking to the right."""
    edge = lighter(colour, 0.25)
    pen.blob(
        corners("-0.98,0.02 -0.72,-0.5 -0.4,-0.68 0.2,-0.66 0.5,-0.44 0.86,0.04 0.4,0.2 -0.6,0.2"),
        colour,
    )
    pen.polygon([(-0.76, -0.02), (-0.6, -0.42), (-0.38, -0.54), (-0.16, -0.54), (-0.16, -0.02)], GLASS)
    pen.polygon([(-0.06, -0.02), (-0.06, -0.54), (0.16, -0.52), (0.38, -0.36), (0.62, -0.02)], GLASS)
    pen.polygon([(-0.58, -0.02), (-0.42, -0.5), (-0.32, -0.53), (-0.46, -0.02)], (214, 236, 248))
    pen.blob(
        corners(
            "-1.46,0.12 -1.3,-0.02 -0.9,-0.06 0.7,-0.06 1.2,0.06 1.48,0.24 1.5,0.6 1.3,0.7 -1.3,0.7 -1.5,0.6"
        ),
        colour,
    )
    pen.line([(-1.36, 0.16), (1.36, 0.2)], 0.04, edge)
    pen.line([(-0.11, 0.0), (-0.11, 0.6)], 0.025, darker(colour, 0.35))
    pen.box(-0.02, 0.12, 0.18, 0.17, darker(colour, 0.45), 0.02)
    pen.ellipse(1.36, 0.32, 0.1, 0.11, (255, 244, 190))
    pen.box(-1.5, 0.24, -1.38, 0.4, (190, 30, 36), 0.04)
    pen.box(-1.52, 0.56, 1.52, 0.7, (82, 84, 92), 0.06)
    for x in (-0.82, 0.86):
        pen.ellipse(x, 0.66, 0.42, 0.4, darker(colour, 0.6))
        wheel(pen, x, 0.66, 0.34)


def cup(pen: Pen, colour: Colour, rng: np.random.Generator) -> None:
    """A mug of something hot on a saucer."""
    steam = (255, 255, 255, 150)
    for x in (-0.36, -0.06, 0.24):
        pen.line([(x, -0.62), (x + 0.09, -0.74), (x - 0.06, -0.86), (x + 0.04, -1)], 0.06, steam)
    pen.ellipse(0, 0.9, 1.02, 0.13, darker(CREAM, 0.12))
    pen.ellipse(0, 0.86, 1, 0.12, CREAM)
    pen.blob([(0.5, -0.24), (0.92, -0.3), (1.08, 0.06), (0.9, 0.4), (0.48, 0.5)], darker(colour, 0.12))
    pen.blob([(0.58, -0.06), (0.8, -0.1), (0.88, 0.08), (0.76, 0.26), (0.54, 0.32)], (214, 190, 160))
    pen.blob(
        corners("-0.74,-0.44 0,-0.4 0.74,-0.44 0.72,0.3 0.54,0.8 0,0.92 -0.54,0.8 -0.72,0.3"),
        colour,
    )
    pen.ellipse(0, -0.44, 0.74, 0.17, lighter(colour, 0.3) if not is_pale(colour) else (226, 228, 230))
    pen.ellipse(0, -0.42, 0.64, 0.125, (92, 56, 34))
    pen.line([(-0.54, -0.1), (-0.54, 0.3), (-0.42, 0.6)], 0.1, lighter(colour, 0.45))


def house(pen: Pen, colour: Colour, rng: np.random.Generator) -> None:
    """A house with a brown roof, a chimney, a door and two windows."""
    roof = (120, 78, 58)
    pen.box(0.42, -0.92, 0.66, -0.3, (150, 96, 78))
    pen.box(0.38, -0.98, 0.7, -0.88, (110, 72, 60))
    pen.box(-0.92, -0.2, 0.92, 1, colour)
    for y in np.arange(-0.1, 1, 0.16):
        pen.line([(-0.92, float(y)), (0.92, float(y))], 0.012, darker(colour, 0.16))
    pen.polygon([(-0.78, -0.18), (0, -0.86), (0.78, -0.18)], colour)
    pen.polygon([(-1.14, -0.08), (0, -1), (1.14, -0.08), (0.98, -0.02), (0, -0.78), (-0.98, -0.02)], roof)
    pen.ellipse(0, -0.36, 0.14, 0.14, CREAM)
    pen.ellipse(0, -0.36, 0.1, 0.1, GLASS)
    pen.box(-0.2, 0.34, 0.2, 1, CREAM, 0.03)
    pen.box(-0.15, 0.4, 0.15, 1, (116, 74, 46), 0.03)
    pen.ellipse(0.08, 0.72, 0.03, 0.03, (240, 206, 110))
    for x in (-0.57, 0.57):
        pen.box(x - 0.22, 0.14, x + 0.22, 0.62, CREAM, 0.02)
        pen.box(x - 0.17, 0.19, x + 0.17, 0.57, GLASS)
        pen.box(x - 0.02, 0.19, x + 0.02, 0.57, CREAM)
        pen.box(x - 0.17, 0.36, x + 0.17, 0.4, CREAM)
        pen.box(x - 0.25, 0.6, x + 0.25, 0.68, (170, 130, 96), 0.02)
    pen.box(-0.3, 0.94, 0.3, 1, (190, 186, 178))


def kite(pen: Pen, colour: Colour, rng: np.random.Generator) -> None:
    """A diamond kite with a tail of bows and a line that leads down."""
    pale = lighter(colour, 0.35)
    tail = [(-0.1, 0.34), (-0.3, 0.5), (-0.1, 0.66), (-0.34, 0.82), (-0.16, 1)]
    pen.line(tail, 0.03, DARK)
    for x, y in tail[1:]:
        pen.polygon([(x, y), (x - 0.13, y - 0.08), (x - 0.13, y + 0.08)], colour)
        pen.polygon([(x, y), (x + 0.13, y - 0.08), (x + 0.13, y + 0.08)], colour)
    top, right, bottom, left, middle = (0.2, -1), (0.66, -0.34), (-0.1, 0.36), (-0.6, -0.56), (0.06, -0.45)
    pen.polygon([top, right, middle], pale)
    pen.polygon([right, bottom, middle], colour)
    pen.polygon([bottom, left, middle], pale)
    pen.polygon([left, top, middle], colour)
    pen.line([top, bottom], 0.03, darker(colour, 0.45))
    pen.line([left, right], 0.03, darker(colour, 0.45))


def truck(pen: Pen, colour: Colour, rng: np.random.Generator) -> None:
    """A lorry from the side: a long box and a cab, both in its colour."""
    pen.box(-1.5, 0.5, 1.46, 0.72, (74, 76, 84), 0.04)
    pen.box(-1.5, -0.9, 0.5, 0.56, colour, 0.05)
    for x in np.arange(-1.3, 0.45, 0.25):
        pen.line([(float(x), -0.84), (float(x), 0.5)], 0.025, darker(colour, 0.2))
    pen.box(-1.5, -0.3, 0.5, -0.12, CREAM if not is_pale(colour) else (120, 150, 190))
    pen.blob(
        corners(
            "0.6,-0.46 0.72,-0.5 1.06,-0.5 1.22,-0.4 1.36,0.0 1.5,0.12 1.52,0.56 1.3,0.62 0.7,0.62 0.58,0.54"
        ),
        colour,
    )
    pen.polygon([(0.78, -0.36), (1.08, -0.36), (1.26, 0.02), (0.78, 0.02)], GLASS)
    pen.polygon([(0.84, -0.36), (0.92, -0.36), (1.06, 0.02), (0.94, 0.02)], (214, 236, 248))
    pen.box(0.74, 0.14, 0.9, 0.19, darker(colour, 0.5), 0.02)
    pen.ellipse(1.44, 0.34, 0.08, 0.1, (255, 244, 190))
    pen.box(1.3, 0.54, 1.56, 0.7, (110, 112, 120), 0.04)
    for x in (-1.06, -0.44, 1.0):
        wheel(pen, x, 0.7, 0.3)


def umbrella(pen: Pen, colour: Colour, rng: np.random.Generator) -> None:
    """An open parasol on its pole, every second panel paler."""
    pale = lighter(colour, 0.5)
    pen.line([(0, -0.95), (0, 1)], 0.07, (150, 106, 66))
    pen.ellipse(0, -0.97, 0.05, 0.06, (150, 106, 66))
    ribs = [-1.2, -0.74, -0.26, 0.26, 0.74, 1.2]
    crown = corners("-1.2,-0.06 -1.02,-0.5 -0.6,-0.82 0,-0.94 0.6,-0.82 1.02,-0.5 1.2,-0.06")
    pen.polygon(
        [*smooth(crown, closed=False), (0.74, -0.1), (0.26, -0.12), (-0.26, -0.12), (-0.74, -0.1)], colour
    )
    for left, right in ((-0.74, -0.26), (0.26, 0.74)):
        pen.blob(
            [
                (0, -0.93),
                (right * 0.8, -0.6),
                (right, -0.1),
                ((left + right) / 2, -0.14),
                (left, -0.1),
                (left * 0.8, -0.6),
            ],
            pale,
        )
    for left, right in pairwise(ribs):
        fill = pale if left in (-0.74, 0.26) else colour
        pen.ellipse((left + right) / 2, -0.09, (right - left) / 2, 0.1, fill)
