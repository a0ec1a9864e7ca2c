"""The second things that stand behind the main ones: a tree beside the house, a lighthouse at sea. Each is
drawn at the side x."""

import math
from collections.abc import Callable

from .backdrops import cloud, fir
from .mood import Mood
from .pen import SIZE, Canvas, darker, lighter, mix


def big_tree(canvas: Canvas, x: float, mood: Mood) -> None:
    """A leafy tree at the edge of the meadow."""
    trunk, leaf = mood.lit((124, 92, 66)), mood.lit((92, 148, 80))
    canvas.glow(x + 4, 154, 34, 6, (40, 60, 30), 0.5)
    canvas.pen.polygon([(x - 4, 106), (x + 4, 106), (x + 7, 154), (x - 7, 154)], trunk)
    for dx, dy, radius in (
        (-18, 4, 17),
        (18, 4, 17),
        (-12, -16, 17),
        (12, -17, 17),
        (0, -28, 15),
        (0, 0, 20),
    ):
        canvas.pen.ellipse(x + dx, 90 + dy, radius, radius, darker(leaf, 0.1))
        canvas.pen.ellipse(x + dx - 3, 87 + dy, radius * 0.78, radius * 0.74, leaf)


def fence(canvas: Canvas, x: float, mood: Mood) -> None:
    """A wooden fence across the meadow."""
    wood = mood.lit((196, 164, 122))
    for y in (141, 150):
        canvas.pen.box(0, y, SIZE, y + 4, darker(wood, 0.12))
    for post in range(-4 + round(x) % 22, SIZE, 22):
        canvas.pen.polygon(
            [(post, 134), (post + 3.5, 130), (post + 7, 134), (post + 7, 162), (post, 162)], wood
        )


def palm(canvas: Canvas, x: float, mood: Mood) -> None:
    """A palm tree on the beach."""
    lean = 10 if x < 128 else -10
    canvas.glow(x, 160, 24, 5, (90, 70, 40), 0.5)
    canvas.pen.line([(x, 160), (x + lean * 0.3, 120), (x + lean, 78)], 6, mood.lit((150, 112, 76)))
    for angle in (-165, -140, -100, -70, -35, -12):
        dx, dy = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        tip = (x + lean + 40 * dx, 78 + 24 * dy + 22)
        middle = (x + lean + 24 * dx, 76 + 22 * dy)
        canvas.pen.blob(
            [(x + lean, 76), (middle[0], middle[1] - 5), tip, (middle[0], middle[1] + 4)],
            mood.lit((84, 142, 84)),
        )
    canvas.pen.ellipse(x + lean - 3, 80, 3.4, 3.4, (112, 78, 52))
    canvas.pen.ellipse(x + lean + 4, 81, 3.4, 3.4, (112, 78, 52))


def lighthouse(canvas: Canvas, x: float, mood: Mood) -> None:
    """A lighthouse on a rock."""
    canvas.pen.blob(
        [(x - 34, 146), (x - 22, 132), (x - 4, 126), (x + 16, 130), (x + 32, 146)], mood.lit((126, 128, 132))
    )
    canvas.pen.polygon([(x - 9, 130), (x - 6, 62), (x + 6, 62), (x + 9, 130)], mood.lit((246, 244, 238)))
    for top, bottom in ((76, 90), (104, 118)):
        a, b = 6 + 3 * (top - 62) / 68, 6 + 3 * (bottom - 62) / 68
        canvas.pen.polygon(
            [(x - a, top), (x + a, top), (x + b, bottom), (x - b, bottom)], mood.lit((120, 134, 156))
        )
    canvas.glow(x, 54, 30, 18, (255, 246, 200), 0.7)
    canvas.pen.box(x - 5, 50, x + 5, 62, (255, 240, 180))
    canvas.pen.box(x - 9, 60, x + 9, 63, (84, 90, 104))
    canvas.pen.polygon([(x - 7, 50), (x, 42), (x + 7, 50)], (84, 90, 104))


def island(canvas: Canvas, x: float, mood: Mood) -> None:
    """A little green island on the horizon."""
    canvas.pen.blob(
        [(x - 44, 140), (x - 30, 126), (x - 8, 112), (x + 10, 108), (x + 28, 122), (x + 44, 140)],
        mood.lit((104, 148, 104)),
    )
    canvas.pen.blob(
        [(x - 50, 143), (x - 30, 137), (x, 139), (x + 30, 137), (x + 50, 143), (x, 146)],
        mood.lit((232, 214, 168)),
    )
    for dx, height in ((-16, 12), (0, 16), (14, 13)):
        canvas.pen.ellipse(x + dx, 118 - height * 0.2, 9, height * 0.7, mood.lit((84, 132, 88)))


def lamp(canvas: Canvas, x: float, mood: Mood) -> None:
    """A street lamp at the kerb."""
    iron = (72, 78, 88)
    canvas.pen.box(x - 2.2, 66, x + 2.2, 166, iron)
    canvas.pen.box(x - 5, 156, x + 5, 168, iron, 1)
    reach = 18 if x < 128 else -18
    canvas.pen.line([(x, 70), (x + reach * 0.5, 58), (x + reach, 62)], 3, iron)
    canvas.glow(x + reach, 68, 18, 14, (255, 244, 190), 0.9)
    canvas.pen.ellipse(x + reach, 64, 8, 4.5, iron)
    canvas.pen.ellipse(x + reach, 66.5, 5.5, 3.5, (255, 244, 196))


def rainbow(canvas: Canvas, x: float, mood: Mood) -> None:
    """A pale rainbow across the sky."""
    bands = (
        (236, 120, 110),
        (246, 180, 110),
        (250, 232, 140),
        (150, 208, 150),
        (130, 176, 226),
        (178, 150, 214),
    )
    for step, colour in enumerate(bands):
        radius = 150 - step * 6
        middle = SIZE / 2 + (x - SIZE / 2) * 0.7
        arc = [
            (middle + radius * math.cos(a / 20 * math.pi), 232 - radius * math.sin(a / 20 * math.pi))
            for a in range(21)
        ]
        canvas.pen.line(arc, 6.5, (*colour, 150))


def big_cloud(canvas: Canvas, x: float, mood: Mood) -> None:
    """A great white cloud."""
    for dx, dy, scale in ((-24, 6, 1.2), (24, 6, 1.2), (0, -6, 1.5)):
        cloud(canvas, x + dx, 52 + dy, scale, Mood(mood.top, (255, 255, 255), None, mood.tint, 0))


def snowman(canvas: Canvas, x: float, mood: Mood) -> None:
    """A snowman with a hat."""
    canvas.glow(x, 166, 28, 6, (90, 110, 150), 0.5)
    for y, radius in ((146, 20), (118, 14.5), (96, 10.5)):
        canvas.pen.ellipse(x, y, radius, radius, (196, 208, 226))
        canvas.pen.ellipse(x - 1.2, y - 1.2, radius - 1.4, radius - 1.4, (250, 252, 255))
    canvas.pen.box(x - 11, 86, x + 11, 89, (60, 62, 74))
    canvas.pen.box(x - 7, 72, x + 7, 88, (60, 62, 74))
    for dx, y, radius in (
        (-4, 94, 1.5),
        (4, 94, 1.5),
        (0, 113, 1.6),
        (0, 121, 1.6),
        (0, 138, 1.8),
        (0, 148, 1.8),
    ):
        canvas.pen.ellipse(x + dx, y, radius, radius, (50, 52, 62))
    canvas.pen.polygon([(x, 96), (x + 10, 99), (x, 100)], (236, 146, 70))
    canvas.pen.line([(x - 13, 116), (x - 28, 104)], 1.8, (116, 86, 66))
    canvas.pen.line([(x + 13, 116), (x + 28, 104)], 1.8, (116, 86, 66))


def firs(canvas: Canvas, x: float, mood: Mood) -> None:
    """Two tall firs in the snow."""
    fir(canvas, x - 14, 152, 84)
    fir(canvas, x + 16, 158, 66)


def window(canvas: Canvas, x: float, mood: Mood) -> None:
    """A window with the sky in it, and curtains."""
    left, top, right, bottom = x - 34, 22, x + 34, 108
    canvas.pen.box(left - 4, top - 4, right + 4, bottom + 4, (250, 248, 244))
    for step in range(20):
        y = top + (bottom - top) * step / 20
        canvas.pen.box(left, y, right, y + 5, mix(mood.top, mood.bottom, step / 19))
    canvas.pen.blob(
        [
            (left, bottom),
            (left, bottom - 16),
            (x - 10, bottom - 24),
            (x + 14, bottom - 14),
            (right, bottom - 20),
            (right, bottom),
        ],
        (142, 186, 128),
    )
    canvas.pen.box(x - 1.6, top, x + 1.6, bottom, (250, 248, 244))
    canvas.pen.box(left, 62, right, 65, (250, 248, 244))
    canvas.pen.box(left - 8, bottom + 2, right + 8, bottom + 8, (236, 232, 224))
    for side in (-1, 1):
        cloth = [
            (x + side * 44, top - 6),
            (x + side * 18, top - 6),
            (x + side * 26, 66),
            (x + side * 34, bottom + 10),
            (x + side * 46, bottom + 10),
        ]
        canvas.pen.polygon(cloth, (222, 206, 190))
        canvas.pen.line(
            [(x + side * 30, top - 4), (x + side * 34, 62), (x + side * 38, bottom + 8)], 1, (200, 182, 164)
        )
    canvas.pen.box(x - 50, top - 10, x + 50, top - 6, (150, 112, 82), 2)


def plant(canvas: Canvas, x: float, mood: Mood) -> None:
    """A leafy plant in a grey pot, on the floor."""
    canvas.glow(x, 172, 26, 6, (60, 40, 30), 0.55)
    for angle in (-150, -125, -100, -80, -55, -30):
        dx, dy = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        tip, side = (x + 40 * dx, 136 + 62 * dy), (-dy * 7, dx * 7)
        middle = (x + 22 * dx, 136 + 36 * dy)
        leaf = (84, 138, 92) if round(angle) % 2 else (104, 156, 104)
        canvas.pen.blob(
            [
                (x, 138),
                (middle[0] + side[0], middle[1] + side[1]),
                tip,
                (middle[0] - side[0], middle[1] - side[1]),
            ],
            leaf,
        )
    canvas.pen.polygon([(x - 16, 136), (x + 16, 136), (x + 11, 172), (x - 11, 172)], (168, 172, 178))
    canvas.pen.box(x - 18, 132, x + 18, 139, (184, 188, 194), 1)


def books(canvas: Canvas, x: float, mood: Mood) -> None:
    """A pile of books on the table."""
    for top, half, colour in (
        (160, 34, (146, 130, 120)),
        (149, 30, (120, 136, 146)),
        (139, 32, (176, 158, 134)),
    ):
        canvas.pen.box(x - half, top, x + half, top + 10.5, colour, 1.5)
        canvas.pen.box(x - half + 3, top + 2.5, x + half + 0.5, top + 8, (244, 238, 226))
        canvas.pen.box(x - half, top + 2, x - half + 12, top + 9, colour)
    canvas.glow(x, 172, 44, 4, (60, 40, 30), 0.5)


def coral(canvas: Canvas, x: float, mood: Mood) -> None:
    """A branching coral."""
    pink = (226, 150, 150)
    for dx, height, lean in ((-16, 34, -10), (-6, 52, -5), (6, 60, 4), (17, 38, 12)):
        canvas.pen.line(
            [(x + dx * 0.4, 248), (x + dx, 248 - height * 0.5), (x + dx + lean, 248 - height)],
            6,
            darker(pink, 0.12),
        )
        canvas.pen.line([(x + dx, 248 - height * 0.5), (x + dx - lean, 248 - height * 0.8)], 4.6, pink)
        canvas.pen.ellipse(x + dx + lean, 248 - height, 3.6, 3.6, lighter(pink, 0.3))


def rock(canvas: Canvas, x: float, mood: Mood) -> None:
    """A big rock on the sea bed."""
    canvas.pen.blob(
        [(x - 44, 256), (x - 40, 226), (x - 18, 200), (x + 10, 196), (x + 34, 218), (x + 44, 256)],
        (88, 104, 120),
    )
    canvas.pen.blob(
        [(x - 34, 236), (x - 28, 218), (x - 12, 206), (x + 4, 204), (x - 8, 222)], (116, 132, 146)
    )


EXTRAS: dict[str, Callable[[Canvas, float, Mood], None]] = {
    "books": books,
    "cloud": big_cloud,
    "coral": coral,
    "fence": fence,
    "fir trees": firs,
    "island": island,
    "lighthouse": lighthouse,
    "palm tree": palm,
    "plant": plant,
    "rainbow": rainbow,
    "rock": rock,
    "snowman": snowman,
    "street lamp": lamp,
    "tree": big_tree,
    "window": window,
}
