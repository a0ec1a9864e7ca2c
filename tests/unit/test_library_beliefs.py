"""What a library keeps of beliefs: by content, only the new asked for, never another's, and a hybrid's weights beside them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mean_colour import MeanColour, picture

from captionret.errors import BadLibrary, BadSetting
from captionret.library import Library
from captionret.searching import search


class Colours:
    """Believes in three colours by the feature, which is the mean colour."""

    words = ("blue", "green", "red")

    def __init__(self, fingerprint: str = "b" * 64) -> None:
        self.fingerprint = fingerprint
        self.asked: list[str] = []

    def describe(self) -> dict[str, Any]:
        return {"name": "colours", "fingerprint": self.fingerprint}

    def check(self, backbone: dict[str, Any] | None) -> None:
        return None

    def believe(self, paths: Sequence[Path], hashes: Sequence[str], pooled: np.ndarray) -> np.ndarray:
        self.asked += [path.name for path in paths]
        return np.asarray(pooled[:, ::-1], np.float32)


@pytest.fixture
def library(tmp_path: Path) -> Library:
    for name, colour in (("red.png", "red"), ("blue.png", "blue"), ("green.png", "green")):
        picture(tmp_path / "photos" / name, colour)
    library = Library.create(tmp_path / "library", tmp_path / "photos")
    library.update(library.root, MeanColour(), progress=False)
    return library


def test_only_new_pictures_are_asked_about(library: Library) -> None:
    believer = Colours()
    assert library.believe(believer, progress=False) == 3
    picture(library.root / "red too.png", "red", shade=9)
    library.update(library.root, MeanColour(), progress=False)
    assert library.unbelieved() == 1
    assert library.believe(believer, progress=False) == 1
    assert believer.asked[3:] == ["red too.png"]
    assert library.unbelieved() == 0


def test_beliefs_belong_to_contents_not_to_places(library: Library) -> None:
    library.believe(Colours(), progress=False)
    (library.root / "red.png").rename(library.root / "a.png")
    library.update(library.root, MeanColour(), progress=False)
    gallery = library.gallery()
    assert gallery.beliefs.row(gallery.paths.index("a.png"))["red"] == pytest.approx(220 / 255, abs=1e-3)


def test_another_believer_begins_anew(library: Library) -> None:
    library.believe(Colours(), progress=False)
    other = Colours("c" * 64)
    assert library.believe(other, progress=False) == 3
    assert library.believed_by == other.describe()


def test_new_pictures_without_a_belief_are_said_not_hidden(library: Library) -> None:
    library.believe(Colours(), progress=False)
    picture(library.root / "yellow.png", "yellow")
    library.update(library.root, MeanColour(), progress=False)
    with pytest.raises(BadLibrary, match=r"no belief of 1 pictures that were captioned since.*believe\.py"):
        search(library, text="red", mode="expected-jaccard")


def test_a_library_without_beliefs_says_how_to_get_them(library: Library) -> None:
    assert library.believed_by is None
    with pytest.raises(BadSetting, match=r"believe\.py"):
        search(library, text="red", mode="expected-jaccard")


def test_a_file_of_unequal_parts_is_refused(library: Library) -> None:
    library.believe(Colours(), progress=False)
    file = library.path / "beliefs.npz"
    parts = dict(np.load(file))
    for name, value in (("starts", parts["starts"][:-1]), ("ids", parts["ids"][::-1]), ("record", parts["record"][:-5])):
        np.savez(file, **(parts | {name: value}))
        with pytest.raises((BadLibrary, BadSetting)):
            Library.open(library.path).gallery()


def test_a_known_picture_is_described_from_the_library(library: Library) -> None:
    library.believe(Colours(), progress=False)
    hits = search(library, image=library.root / "red.png", mode="expected-jaccard", keep_self=True, top=1)
    assert (hits[0].path, hits[0].score) == ("red.png", 1.0)
    assert hits[0].why[0] == "red"


def test_weights_of_a_hybrid_stay_with_the_library(library: Library) -> None:
    library.set_hybrid({"jaccard": 1.0, "cnn": 0.5})
    library.close()
    with Library.open(library.path) as opened:
        assert opened.gallery().hybrid == {"jaccard": 1.0, "cnn": 0.5}
        hits = search(opened, image=opened.root / "red.png", mode="hybrid", top=None)
        assert len(hits) == 2
