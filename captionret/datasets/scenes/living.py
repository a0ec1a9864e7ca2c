"""The living things: bird, butterfly, cat, dog, fish, flower, tree. Units as in things.py; animals look to
the right."""

import math

import numpy as np

from .pen import COLOURS, Colour, Pen, corners, darker, is_pale, lighter

EYE = (30, 28, 30)
WOOD = (122, 84, 54)
LEAF = (70, 140, 60)


def eye(pen: Pen, x: float, y: float, radius: float, white: Colour = (250, 250, 246)) -> None:
    """A round eye with a glint."""
    pen.ellipse(x, y, radius, radius * 1.1, white)
    pen.ellipse(x + radius * 0.15, y, radius * 0.62, radius * 0.75, EYE)
    pen.ellipse(x - radius * 0.05, y - radius * 0.3, radius * 0.22, radius * 0.22, (255, 255, 255))


def flying_bird(pen: Pen, colour: Colour, rng: np.random.Generator) -> None:
    """A bird on the wing."""
    wing, under = darker(colour, 0.14), darker(colour, 0.32)
    pen.blob([(0.1, 0.1), (0.3, -0.5), (0.18, -0.98), (0.62, -0.66), (0.7, -0.2), (0.5, 0.2)], under)
    pen.polygon(
        [(-0.66, 0.3), (-1.36, 0.22), (-1.2, 0.4), (-1.4, 0.52), (-1.14, 0.58), (-1.2, 0.76), (-0.56, 0.52)],
        under,
    )
    pen.blob(
        corners("-0.9,0.36 -0.3,0.06 0.3,-0.06 0.76,-0.14 1.06,0.06 1.0,0.34 0.6,0.6 0,0.74 -0.5,0.62"),
        colour,
    )
    pen.blob([(0.9, 0.3), (0.5, 0.64), (0, 0.7), (-0.3, 0.6), (0.3, 0.5)], lighter(colour, 0.45))
    pen.polygon(
        [(1.04, -0.02), (1.4, 0.14), (1.02, 0.24)],
        (244, 168, 40) if colour != COLOURS["yellow"] else (226, 110, 30),
    )
    pen.blob(
        corners(
            "0.36,0.2 0.1,-0.4 -0.42,-0.98 -0.52,-0.7 -0.74,-0.72 -0.66,-0.46 -0.78,-0.34 -0.5,0.0 -0.2,0.3"
        ),
        wing,
    )
    for share in (0.3, 0.55, 0.8):
        pen.line(
            [(-0.2 * share + 0.2, 0.2 - 0.5 * share), (-0.62 * share - 0.06, 0.06 - 0.55 * share)],
            0.03,
            under,
        )
    eye(pen, 0.84, 0.03, 0.1)


def standing_bird(pen: Pen, colour: Colour, rng: np.random.Generator) -> None:
    """A bird on its two legs."""
    wing = darker(colour, 0.2)
    beak = (244, 168, 40) if colour != COLOURS["yellow"] else (226, 110, 30)
    for x in (-0.12, 0.16):
        pen.line([(x, 0.5), (x + 0.02, 0.95)], 0.06, beak)
        pen.line([(x - 0.1, 0.97), (x + 0.2, 0.97)], 0.05, beak)
    pen.polygon([(-0.5, 0.1), (-1.3, 0.52), (-1.16, 0.66), (-0.4, 0.5)], wing)
    pen.blob(
        corners(
            "0.16,-0.94 0.52,-0.84 0.66,-0.5 0.62,-0.1 0.56,0.3 "
            "0.2,0.62 -0.3,0.6 -0.7,0.34 -0.56,0 -0.26,-0.36 -0.18,-0.76"
        ),
        colour,
    )
    pen.blob([(0.58, -0.24), (0.54, 0.3), (0.2, 0.58), (0.06, 0.4), (0.3, 0.1)], lighter(colour, 0.45))
    pen.polygon([(0.6, -0.7), (1.0, -0.54), (0.6, -0.42)], beak)
    pen.blob([(0.14, -0.2), (0.2, 0.14), (-0.1, 0.4), (-0.96, 0.54), (-0.6, 0.14), (-0.3, -0.22)], wing)
    pen.line([(0.0, 0.12), (-0.6, 0.4)], 0.03, darker(colour, 0.4))
    eye(pen, 0.32, -0.62, 0.12)


def butterfly(pen: Pen, colour: Colour, rng: np.random.Generator) -> None:
    """A butterfly with open wings, seen from above."""
    edge = darker(colour, 0.72)
    for side in (-1, 1):
        upper = [(0.05, -0.1), (0.3, -0.7), (0.8, -0.96), (1.16, -0.8), (1.1, -0.3), (0.7, 0.04)]
        lower = [(0.05, 0), (0.66, 0.04), (0.92, 0.36), (0.74, 0.84), (0.42, 0.9), (0.14, 0.5)]
        for wing, cx, cy in ((lower, 0.52, 0.4), (upper, 0.64, -0.44)):
            pen.blob([(side * x, y) for x, y in wing], edge)
            pen.blob([(side * (cx + (x - cx) * 0.84), cy + (y - cy) * 0.84) for x, y in wing], colour)
        for x, y, radius in ((0.96, -0.74, 0.06), (1.02, -0.52, 0.05), (0.76, 0.62, 0.05)):
            pen.ellipse(side * x, y, radius, radius, (255, 255, 255))
        pen.ellipse(side * 0.56, -0.5, 0.2, 0.12, lighter(colour, 0.5), angle=-side * 50)
        pen.ellipse(side * 0.5, 0.36, 0.14, 0.1, lighter(colour, 0.5), angle=side * 50)
        pen.line([(0.02 * side, -0.5), (0.16 * side, -0.8), (0.34 * side, -0.92)], 0.035, EYE)
        pen.ellipse(side * 0.34, -0.92, 0.04, 0.04, EYE)
    pen.ellipse(0, 0.06, 0.09, 0.56, (52, 42, 40))
    pen.ellipse(0, -0.46, 0.11, 0.11, (52, 42, 40))


def cat(pen: Pen, colour: Colour, rng: np.random.Generator) -> None:
    """A cat that sits and looks at us, its tail curled to the side."""
    shade, pale = darker(colour, 0.25), lighter(colour, 0.4)
    pen.line([(0.4, 0.86), (0.86, 0.8), (0.98, 0.44), (0.8, 0.14), (0.9, -0.06)], 0.2, shade)
    pen.blob(
        [(-0.5, 0.96), (-0.6, 0.5), (-0.36, 0), (0, -0.16), (0.36, 0), (0.6, 0.5), (0.5, 0.96), (0, 1)],
        colour,
    )
    pen.blob([(0, -0.06), (0.2, 0.3), (0.14, 0.7), (0, 0.78), (-0.14, 0.7), (-0.2, 0.3)], pale)
    for side in (-1, 1):
        pen.ellipse(side * 0.2, 0.9, 0.17, 0.1, pale)
        pen.line([(side * 0.36, 0.5), (side * 0.34, 0.9)], 0.03, shade)
        pen.polygon([(side * 0.1, -0.72), (side * 0.5, -1), (side * 0.54, -0.44)], colour)
        pen.polygon([(side * 0.22, -0.7), (side * 0.45, -0.88), (side * 0.47, -0.54)], (236, 150, 160))
    pen.ellipse(0, -0.42, 0.56, 0.46, colour)
    for x in (-0.12, 0, 0.12):
        pen.line([(x, -0.84), (x * 0.8, -0.66)], 0.05, shade)
    for side in (-1, 1):
        pen.line(
            [(side * 0.2, -0.2), (side * 0.74, -0.28)],
            0.02,
            (240, 240, 236) if max(colour) < 200 else (90, 84, 84),
        )
        pen.line(
            [(side * 0.2, -0.16), (side * 0.74, -0.12)],
            0.02,
            (240, 240, 236) if max(colour) < 200 else (90, 84, 84),
        )
        pen.ellipse(side * 0.22, -0.45, 0.13, 0.14, (176, 208, 84))
        pen.ellipse(side * 0.22, -0.45, 0.05, 0.13, EYE)
        pen.ellipse(side * 0.22 - 0.04, -0.5, 0.03, 0.03, (255, 255, 255))
        pen.ellipse(side * 0.1, -0.17, 0.13, 0.1, pale)
    pen.polygon([(-0.08, -0.28), (0.08, -0.28), (0, -0.19)], (226, 118, 130))


def dog(pen: Pen, colour: Colour, rng: np.random.Generator) -> None:
    """A dog that stands in profile, its tail up, with a collar."""
    shade, pale = darker(colour, 0.28), lighter(colour, 0.35)
    pen.line([(-0.84, 0.0), (-1.14, -0.3), (-1.16, -0.66)], 0.17, colour)
    for x in (-0.62, 0.44):
        pen.line([(x, 0.3), (x + 0.02, 0.9)], 0.22, shade)
        pen.ellipse(x + 0.08, 0.93, 0.18, 0.075, shade)
    pen.blob(
        corners(
            "-0.98,0.1 -0.8,-0.16 0,-0.14 0.4,-0.34 0.72,-0.2 0.72,0.2 0.5,0.5 -0.1,0.4 -0.7,0.52 -0.96,0.4"
        ),
        colour,
    )
    for x in (-0.8, 0.6):
        pen.line([(x, 0.3), (x - 0.02, 0.9)], 0.24, colour)
        pen.ellipse(x + 0.07, 0.93, 0.2, 0.08, pale)
    pen.blob(
        corners(
            "0.24,-0.16 0.34,-0.6 0.62,-0.92 1.0,-0.82 1.12,-0.6 "
            "1.46,-0.5 1.5,-0.28 1.2,-0.2 0.9,-0.18 0.76,0.14"
        ),
        colour,
    )
    pen.blob([(1.12, -0.52), (1.44, -0.5), (1.5, -0.3), (1.22, -0.2), (1.02, -0.26)], pale)
    pen.ellipse(1.46, -0.46, 0.09, 0.075, EYE)
    pen.line([(1.06, -0.27), (1.24, -0.25), (1.4, -0.28)], 0.03, EYE)
    pen.blob([(1.14, -0.24), (1.3, -0.24), (1.28, -0.02), (1.18, -0.02)], (232, 106, 120))
    pen.blob([(0.5, -0.86), (0.72, -0.8), (0.72, -0.44), (0.56, -0.1), (0.38, -0.2), (0.34, -0.56)], shade)
    eye(pen, 0.94, -0.6, 0.1)
    pen.line([(0.3, -0.12), (0.56, 0.04), (0.78, 0.06)], 0.1, (70, 150, 170))
    pen.ellipse(0.66, 0.14, 0.07, 0.07, (240, 206, 90))


def fish(pen: Pen, colour: Colour, rng: np.random.Generator) -> None:
    """A fish with stripes."""
    fin, stripe = darker(colour, 0.2), lighter(colour, 0.6) if not is_pale(colour) else (206, 212, 220)
    pen.blob([(-0.72, 0), (-1.24, -0.66), (-1.36, -0.5), (-1.12, 0), (-1.36, 0.5), (-1.24, 0.66)], fin)
    pen.blob([(-0.5, -0.4), (-0.3, -0.92), (0.2, -0.98), (0.52, -0.5), (0, -0.4)], fin)
    pen.blob([(-0.3, 0.4), (-0.36, 0.88), (0, 0.84), (0.16, 0.5)], fin)
    pen.blob(
        corners(
            "-0.84,0 -0.5,-0.46 0.1,-0.68 0.72,-0.56 1.12,-0.16 "
            "1.18,0.04 1.08,0.22 0.7,0.54 0.1,0.66 -0.5,0.44"
        ),
        colour,
    )
    pen.blob(
        corners("0.36,-0.62 0.52,-0.2 0.5,0.2 0.34,0.62 0.2,0.62 0.32,0.2 0.34,-0.2 0.2,-0.63"),
        stripe,
    )
    pen.blob(
        corners("-0.34,-0.52 -0.2,-0.2 -0.2,0.2 -0.34,0.52 -0.48,0.44 -0.36,0.2 -0.36,-0.2 -0.48,-0.44"),
        stripe,
    )
    pen.blob([(0.1, 0.04), (-0.3, 0.0), (-0.34, 0.3), (-0.1, 0.4)], fin)
    pen.line([(1.13, 0.14), (1.0, 0.18), (0.9, 0.12)], 0.04, darker(colour, 0.6))
    eye(pen, 0.82, -0.2, 0.14)


def _bloom(pen: Pen, x: float, y: float, radius: float, colour: Colour) -> None:
    for step in range(8):
        angle = math.radians(step * 45 + 10)
        fill = colour if step % 2 else darker(colour, 0.12)
        pen.ellipse(
            x + radius * 0.6 * math.cos(angle),
            y + radius * 0.6 * math.sin(angle),
            radius * 0.42,
            radius * 0.27,
            fill,
            math.degrees(angle),
        )
    middle = (246, 196, 52) if colour != COLOURS["yellow"] else (150, 92, 40)
    pen.ellipse(x, y, radius * 0.3, radius * 0.3, darker(middle, 0.15))
    pen.ellipse(x - 0.01, y - 0.02, radius * 0.25, radius * 0.25, middle)


def flower(pen: Pen, colour: Colour, rng: np.random.Generator) -> None:
    """A flower that grows from the ground."""
    pen.line([(0, -0.3), (0.05, 0.3), (0, 1)], 0.08, LEAF)
    pen.blob([(0.02, 0.66), (0.3, 0.3), (0.66, 0.2), (0.5, 0.54)], LEAF)
    pen.blob([(0.02, 0.8), (-0.26, 0.44), (-0.64, 0.38), (-0.46, 0.7)], darker(LEAF, 0.15))
    _bloom(pen, 0, -0.4, 0.6, colour)


def potted_flower(pen: Pen, colour: Colour, rng: np.random.Generator) -> None:
    """A flower in a clay pot."""
    pen.line([(0, -0.3), (0.03, 0.1), (0, 0.5)], 0.07, LEAF)
    pen.blob([(0.02, 0.36), (0.2, 0.08), (0.52, 0.0), (0.4, 0.28)], LEAF)
    pen.blob([(0.02, 0.4), (-0.2, 0.12), (-0.52, 0.06), (-0.4, 0.32)], darker(LEAF, 0.15))
    pen.polygon([(-0.36, 0.46), (0.36, 0.46), (0.26, 1), (-0.26, 1)], (186, 112, 78))
    pen.box(-0.42, 0.4, 0.42, 0.56, (202, 128, 92), 0.04)
    _bloom(pen, 0, -0.44, 0.56, colour)


def tree(pen: Pen, colour: Colour, rng: np.random.Generator) -> None:
    """A broad tree with a round crown."""
    pen.blob([(-0.12, 0.3), (-0.13, 0.8), (-0.26, 1), (0.26, 1), (0.13, 0.8), (0.12, 0.3)], WOOD)
    pen.line([(0, 0.5), (0.3, 0.12)], 0.08, WOOD)
    pen.line([(0, 0.44), (-0.28, 0.08)], 0.07, WOOD)
    bumps = [
        (-0.52, -0.02, 0.36),
        (0.52, -0.02, 0.36),
        (-0.56, -0.4, 0.34),
        (0.56, -0.4, 0.34),
        (0, 0.08, 0.36),
        (-0.28, -0.66, 0.34),
        (0.28, -0.66, 0.34),
    ]
    for x, y, radius in bumps:
        pen.ellipse(x, y, radius, radius, darker(colour, 0.12))
    pen.ellipse(0, -0.34, 0.6, 0.52, colour)
    for _ in range(26):
        angle, reach = rng.uniform(0, 2 * math.pi), rng.uniform(0, 0.78)
        x, y = reach * math.cos(angle), -0.32 + 0.72 * reach * math.sin(angle)
        fill = lighter(colour, 0.25) if y + 0.4 * x < -0.3 else darker(colour, 0.2)
        pen.ellipse(x, y, 0.1, 0.065, fill, angle=float(rng.uniform(-40, 40)))
