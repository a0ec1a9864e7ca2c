"""What there is to draw: the things, their colours and places, and the scenes that make up a whole set."""

from dataclasses import dataclass

import numpy as np

from ...errors import BadSetting

NUMBERS = ("one", "two", "three")
SHARES = {"train": 0.625, "val": 0.125, "test": 0.25}
SMALLEST = 16


@dataclass(frozen=True, slots=True)
class Thing:
    """A main object: the colours it comes in, chosen so that no two are easily confused, and the places where it makes sense."""

    colours: tuple[str, ...]
    places: tuple[str, ...]


THINGS: dict[str, Thing] = {
    "ball": Thing(("red", "blue", "yellow", "purple"), ("meadow", "beach", "room")),
    "balloon": Thing(("red", "yellow", "green", "purple"), ("sky", "sea")),
    "bird": Thing(("red", "yellow", "black", "white"), ("sky", "meadow")),
    "boat": Thing(("red", "yellow", "white", "green"), ("sea", "beach")),
    "butterfly": Thing(("orange", "blue", "pink", "white"), ("meadow", "sky")),
    "car": Thing(("red", "blue", "yellow", "black"), ("road", "snow")),
    "cat": Thing(("black", "white", "orange", "gray"), ("room", "meadow")),
    "cup": Thing(("red", "blue", "white", "green"), ("table",)),
    "dog": Thing(("brown", "black", "white", "gray"), ("beach", "meadow")),
    "fish": Thing(("orange", "yellow", "purple", "white"), ("water",)),
    "flower": Thing(("red", "yellow", "purple", "white"), ("meadow", "table")),
    "house": Thing(("red", "yellow", "blue", "white"), ("meadow", "beach")),
    "kite": Thing(("red", "yellow", "green", "purple"), ("sky", "beach")),
    "tree": Thing(("green", "red", "yellow", "pink"), ("meadow", "road")),
    "truck": Thing(("red", "green", "yellow", "blue"), ("road", "snow")),
    "umbrella": Thing(("red", "blue", "yellow", "purple"), ("beach", "meadow")),
}

SECOND: dict[str, tuple[str, ...]] = {
    "beach": ("palm tree",),
    "meadow": ("tree", "fence"),
    "road": ("street lamp",),
    "room": ("window", "plant"),
    "sea": ("lighthouse", "island"),
    "sky": ("rainbow", "cloud"),
    "snow": ("snowman", "fir trees"),
    "table": ("books", "window"),
    "water": ("coral", "rock"),
}


@dataclass(frozen=True, slots=True)
class Scene:
    """What a picture shows, apart from how it is drawn.

    thing:  a key of THINGS; colour and place are among the thing's own
    number: "one", "two" or "three"
    size:   "small" or "large"
    second: something else in the background, a member of SECOND[place], or None
    """

    thing: str
    colour: str
    place: str
    number: str = "one"
    size: str = "large"
    second: str | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """(object, colour, place, number, size) and, where there is one, the second object."""
        labels = (self.thing, self.colour, self.place, self.number, self.size)
        return (*labels, self.second) if self.second else labels


def plan(seed: int, count: int) -> list[tuple[str, Scene]]:
    """The split and the scene of each picture, `count` of them.

    Scenes come in pairs that stand next to each other: the same things, drawn differently. So each picture has at least one other in its
    own split that shows the same, which is the right answer when it is the query. Object and colour go round in one shuffled
    order, so each combination is as frequent as every other, and what is tested is also trained.
    errors: BadSetting for a count that is odd or below SMALLEST
    """
    if count < SMALLEST or count % 2:
        raise BadSetting(f"scenes: count={count} cannot be drawn. Ask for an even number of at least {SMALLEST}.")
    combinations = _shuffled_combinations(seed)
    sizes = {name: round(SHARES[name] * count / 2) for name in ("val", "test")}
    sizes = {"train": count // 2 - sum(sizes.values()), **sizes}
    scenes = []
    for number, (split, pairs) in enumerate(sizes.items()):
        rng = np.random.default_rng([seed, number])
        for index in range(pairs):
            thing, colour = combinations[index % len(combinations)]
            scenes += [(split, _scene(thing, colour, index // len(combinations), rng))] * 2
    return scenes


def _shuffled_combinations(seed: int) -> list[tuple[str, str]]:
    combinations = [(name, colour) for name, thing in THINGS.items() for colour in thing.colours]
    return [combinations[index] for index in np.random.default_rng(seed).permutation(len(combinations))]


def _scene(thing: str, colour: str, turn: int, rng: np.random.Generator) -> Scene:
    places = THINGS[thing].places
    place = places[(turn + THINGS[thing].colours.index(colour)) % len(places)]
    seconds = [name for name in SECOND[place] if name != thing]
    return Scene(
        thing,
        colour,
        place,
        number=str(rng.choice(NUMBERS, p=(0.7, 0.2, 0.1))),
        size=str(rng.choice(("large", "small"))),
        second=str(rng.choice(seconds)) if rng.random() < 0.5 else None,
    )
