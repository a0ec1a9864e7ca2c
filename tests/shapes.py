"""A data set with a known right answer: coloured shapes, drawn into a folder with a table of captions beside
them."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from captionret.datasets.vse import write_split

COLOURS = {"red": (220, 30, 30), "green": (30, 160, 30), "blue": (30, 60, 220), "yellow": (235, 215, 40)}
SHAPES = ("circle", "square")
WORDINGS = ("a {} {} on white paper .", "there is a {} {} on paper .")


def shape(path: Path, colour: str, kind: str, variation: int = 0) -> Path:
    """Draw one shape; each variation is another content that shows the same."""
    random = np.random.default_rng([variation, len(colour), len(kind)])
    image = Image.new("RGB", (96, 96), (250, 250, 250))
    left, top = random.integers(3, 20, 2).tolist()
    side = int(random.integers(60, 74))
    tone = tuple(
        int(value) for value in np.clip(np.array(COLOURS[colour]) + random.integers(-15, 15, 3), 0, 255)
    )
    draw = ImageDraw.Draw(image)
    (draw.ellipse if kind == "circle" else draw.rectangle)((left, top, left + side, top + side), fill=tone)
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)
    return path


def arrays(folder: Path, repeat: bool = False) -> str:
    """A data set as VSE's arrays, whose features tell which word a picture's captions say; its spec."""
    random = np.random.default_rng(0)
    words = "dog cat car tree boat bird".split()
    for split in ("train", "val", "test"):
        kinds = random.integers(0, len(words), 25)
        features = np.eye(len(words))[kinds] + random.normal(scale=0.05, size=(25, len(words)))
        texts = [[f"a {words[kind]} number {k}" for k in range(5)] for kind in kinds]
        write_split(folder, "f8k", split, texts, features, repeat)
    return f"vse:{folder}/f8k"


def table(folder: Path, splits: dict[str, int], wordings: Sequence[str] = WORDINGS) -> str:
    """Draw every shape in every colour so many times per split; returns the spec of the data set. A picture's
    name says what it shows."""
    rows = []
    for split, count in splits.items():
        for number in range(count):
            for colour in COLOURS:
                for kind in SHAPES:
                    name = f"{split}/{colour}-{kind}-{number}.png"
                    shape(folder / name, colour, kind, variation=number + 1000 * list(splits).index(split))
                    rows += [(name, wording.format(colour, kind), split) for wording in wordings]
    with open(folder / "captions.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("image", "caption", "split"), *rows])
    return f"table:{folder / 'captions.csv'}"


@dataclass(frozen=True)
class Trained:
    """The captioner of the fixture `trained`: it tells every colour and shape.

    spec:     its data set; pictures: the folder of its test pictures, named for what they show
              (red-circle-0.png)
    features: the feature cache it was trained with
    settings: of the command, to train the very same again
    """

    checkpoint: Path
    spec: str
    pictures: Path
    features: Path
    settings: tuple[str, ...]

    @property
    def known(self) -> tuple[str, ...]:
        """The options of a command that measures it on its data, with the features that are cached."""
        return ("--data", self.spec, "--checkpoint", str(self.checkpoint), "--features", str(self.features))
