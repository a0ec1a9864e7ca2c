"""What there is to draw: the things, their colours and places, and the scenes that make up a whole set."""

from dataclasses import dataclass

import numpy as np

from ...errors import BadSetting

NUMBERS = ("one", "two", "three")
SHARES = {"train": 0.7, "val": 0.1, "test": 0.2}
ALIKE = {"train": 1, "val": 2, "test": 4}
SMALLEST = 20


@dataclass(frozen=True, slots=True)
class Thing:
    """A main object: the colours it comes in, chosen so that no two are easily confused, and the places where
    it makes sense."""

    colours: tuple[str, ...]
    places: tuple[str, ...]


THINGS: dict[str, Thing] = {
    "ball": Thing(("red", "blue", "yellow"), ("meadow", "beach", "room")),
    "balloon": Thing(("red", "yellow", "green"), ("sky", "sea")),
    "bird": Thing(("red", "yellow", "black", "white"), ("sky", "meadow")),
    "boat": Thing(("red", "yellow", "white", "green"), ("sea", "beach")),
    "butterfly": Thing(("blue", "pink", "white"), ("meadow", "sky")),
    "car": Thing(("red", "blue", "yellow"), ("road", "snow")),
    "cat": Thing(("black", "white", "orange"), ("room", "meadow")),
    "cup": Thing(("red", "white", "green"), ("table",)),
    "dog": Thing(("brown", "black", "white"), ("beach", "meadow")),
    "fish": Thing(("orange", "yellow", "purple", "white"), ("water",)),
    "flower": Thing(("red", "purple", "white"), ("meadow", "table")),
    "house": Thing(("red", "yellow", "blue", "white"), ("meadow", "beach")),
    "kite": Thing(("red", "yellow", "green"), ("sky", "beach")),
    "tree": Thing(("green", "red", "yellow"), ("meadow", "road")),
    "truck": Thing(("red", "green", "yellow", "blue"), ("road", "snow")),
    "umbrella": Thing(("red", "yellow", "purple"), ("beach", "meadow")),
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


COMBINATIONS = [(name, colour) for name, thing in THINGS.items() for colour in thing.colours]


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

    Object and colour go round in one shuffled order, so each combination is as frequent as every other, and
    what is tested was also trained. In val and test a scene is drawn ALIKE times, differently each time:
    whichever of them is the query, others that show the same stand in the gallery.
    errors: BadSetting for a count below SMALLEST
    """
    if count < SMALLEST:
        raise BadSetting(
            f"scenes: count={count} is too few to train and to test on. Ask for at least {SMALLEST}."
        )
    order = np.random.default_rng(seed).permutation(len(COMBINATIONS))
    groups = {split: round(share * count / ALIKE[split]) for split, share in SHARES.items()}
    groups["train"] = count - sum(groups[split] * ALIKE[split] for split in ("val", "test"))
    scenes = []
    for number, (split, several) in enumerate(groups.items()):
        rng = np.random.default_rng([seed, number])
        for index in range(several):
            turn, step = divmod(index, len(COMBINATIONS))
            thing, colour = COMBINATIONS[order[step]]
            scenes += [(split, _scene(thing, colour, turn, rng))] * ALIKE[split]
    return scenes


def _scene(thing: str, colour: str, turn: int, rng: np.random.Generator) -> Scene:
    places = THINGS[thing].places
    place = places[(turn + THINGS[thing].colours.index(colour)) % len(places)]
    seconds = [name for name in SECOND[place] if name != thing]
    return Scene(
        thing,
        colour,
        place,
        number=str(rng.choice(NUMBERS, p=(0.74, 0.18, 0.08))),
        size=str(rng.choice(("large", "small"))),
        second=str(rng.choice(seconds)) if rng.random() < 0.5 else None,
    )
