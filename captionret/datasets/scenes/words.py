"""Say what a scene shows, five times, as five people might."""

import numpy as np

from .plan import Scene

PLURALS = {"butterfly": "butterflies", "fish": "fish"}

# (it ..., they ..., ...ing) for each thing, and where a place asks for another verb
VERBS: dict[str, tuple[str, str, str]] = {
    "ball": ("lies", "lie", "lying"),
    "balloon": ("floats", "float", "floating"),
    "bird": ("stands", "stand", "standing"),
    "boat": ("lies", "lie", "lying"),
    "butterfly": ("flies", "fly", "flying"),
    "cat": ("sits", "sit", "sitting"),
    "fish": ("swims", "swim", "swimming"),
    "kite": ("flies", "fly", "flying"),
}
STANDS = ("stands", "stand", "standing")
VERBS_THERE: dict[tuple[str, str], tuple[str, str, str]] = {
    ("bird", "sky"): ("flies", "fly", "flying"),
    ("boat", "sea"): ("sails", "sail", "sailing"),
    ("car", "road"): ("drives", "drive", "driving"),
    ("truck", "road"): ("drives", "drive", "driving"),
    ("flower", "meadow"): ("grows", "grow", "growing"),
    ("tree", "meadow"): ("grows", "grow", "growing"),
}

# the usual words for a place first: they come more often than the others
WHERE: dict[str, tuple[str, ...]] = {
    "beach": ("on the beach", "on the sand"),
    "meadow": ("on the grass", "in a meadow"),
    "road": ("on the road", "on a street"),
    "room": ("in a room", "on the floor"),
    "sea": ("on the sea", "on the water"),
    "sky": ("in the sky", "high in the sky"),
    "snow": ("in the snow",),
    "table": ("on a table", "on a wooden table"),
    "water": ("in the water", "under water"),
}
WHERE_THERE: dict[tuple[str, str], tuple[str, ...]] = {
    ("balloon", "sea"): ("over the sea", "over the water"),
    ("butterfly", "meadow"): ("over the grass", "over a meadow"),
    ("kite", "beach"): ("over the beach", "over the sand"),
    ("tree", "road"): ("by the road", "near the road"),
    ("house", "beach"): ("on the beach", "by the sea"),
}
STAGES = {
    "road": "a road",
    "sea": "the sea",
    "sky": "the sky",
    "snow": "a snowy field",
    "water": "the deep sea",
}
SIZES = {"large": ("large", "big"), "small": ("small", "little")}
DAYS = {
    "day": "on a sunny day",
    "morning": "in the morning",
    "evening": "at sunset",
    "cloudy": "on a cloudy day",
}
OPENINGS = ("there is", "here is", "you can see")
OPENINGS_OF_SEVERAL = ("there are", "here are", "you can see")
OUT_OF_SIGHT = ("room", "table", "water")  # no sky that shows the time of day


def describe(scene: Scene, mood: str, rng: np.random.Generator) -> tuple[str, ...]:
    """Five captions, no two alike; each says the main thing and its colour, some the size, the second thing
    or the day.

    The first is the plainest, and another may begin with its words: a captioner that takes the most probable
    words then says similar things of similar pictures, instead of one wording here and another there.
    """
    it_does, they_do, doing = VERBS_THERE.get((scene.thing, scene.place), VERBS.get(scene.thing, STANDS))
    places = WHERE_THERE.get((scene.thing, scene.place), WHERE[scene.place])
    plain, sized = _things(scene), _things(scene, _usually(SIZES[scene.size], rng))
    does = it_does if scene.number == "one" else they_do
    day = f" {DAYS[mood]}" if scene.place not in OUT_OF_SIGHT and rng.random() < 0.3 else ""
    behind = _with(scene, rng) if rng.random() < 0.7 else ""
    there_is = _any(OPENINGS if scene.number == "one" else OPENINGS_OF_SEVERAL, rng)
    captions = (
        f"{plain} {does} {_usually(places, rng)}",
        f"{sized if rng.random() < 0.6 else plain} {doing} {_usually(places, rng)}{_with(scene, rng)}",
        f"{plain} {does} {_usually(places, rng)}{behind}" if behind else f"{plain} {_usually(places, rng)}",
        f"{there_is} {sized if rng.random() < 0.3 else plain} {_usually(places, rng)}{day}",
        f"{STAGES.get(scene.place, f'a {scene.place}')} with {plain}"
        if rng.random() < 0.5
        else f"a picture of {plain} {places[0]}",
    )
    return tuple(f"{caption[0].upper()}{caption[1:]}." for caption in captions)


def _things(scene: Scene, size: str = "") -> str:
    """The main things with article or number: "a red car", "a small orange cat", "two brown dogs"; several
    are given no size."""
    words = [size, scene.colour] if size and scene.number == "one" else [scene.colour]
    if scene.number == "one":
        return " ".join(["an" if words[0][0] in "aeiou" else "a", *words, scene.thing])
    return " ".join([scene.number, *words, PLURALS.get(scene.thing, f"{scene.thing}s")])


def _with(scene: Scene, rng: np.random.Generator) -> str:
    """What stands behind, if anything does: " near a tree"."""
    if not scene.second:
        return ""
    second = (
        scene.second
        if scene.second.endswith("s")
        else f"{'an' if scene.second[0] in 'aeiou' else 'a'} {scene.second}"
    )
    them = "it" if scene.number == "one" else "them"
    return _any((f" with {second} behind {them}", f" with {second}", f" near {second}"), rng)


def _usually(choices: tuple[str, ...], rng: np.random.Generator) -> str:
    """The first of the choices more often than not."""
    return choices[0] if rng.random() < 0.75 else _any(choices, rng)


def _any(choices: tuple[str, ...], rng: np.random.Generator) -> str:
    return choices[int(rng.integers(len(choices)))]
