"""Vectors that an encoder makes of pictures: made once, kept by content, and compared with in mode clip."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from mean_colour import COLOURS, MeanColour, made_library, picture
from PIL import Image

from captionret import Library, Searcher, SearchResult
from captionret.errors import BadLibrary, BadSetting
from captionret.library.vectors import encoded
from captionret.locks import locked
from captionret.retrieval.modes.fusion import WEIGHTS
from captionret.web.shelf import Shelved


class ColourSpace:
    """Puts a picture where its mean colour is, and a text where the colour that it names is."""

    mode, name = "clip", "colour-space"

    def __init__(self, key: str = "a") -> None:
        self.key, self.read = key, 0

    def describe(self) -> dict[str, object]:
        return {"encoder": "colours:here", "name": self.name, "key": self.key}

    def check(self, backbone: object) -> None:
        return None

    def encode_opened(self, images: Sequence[Image.Image]) -> np.ndarray:
        self.read += len(images)
        return units([np.asarray(image, np.float32).reshape(-1, 3).mean(0) for image in images])

    def encode_texts(self, sentences: Sequence[str]) -> np.ndarray:
        return units([np.array(COLOURS[text.split()[-1]], np.float32) for text in sentences])

    def encode_features(self, features: np.ndarray) -> np.ndarray:
        raise BadSetting("it reads pictures")


def units(rows: Sequence[np.ndarray]) -> np.ndarray:
    table = np.array(rows, np.float32)
    found: np.ndarray = table / np.linalg.norm(table, axis=1, keepdims=True)
    return found


@pytest.fixture
def photos(tmp_path: Path) -> Library:
    """Red, green, blue and yellow in one folder."""
    return made_library(tmp_path, {f"{colour}.png": colour for colour in ("red", "green", "blue", "yellow")})


def searching(library: Library, space: ColourSpace) -> Searcher:
    return Searcher(library, captioner=MeanColour(), spaces=[space])  # type: ignore[list-item]


def first(found: SearchResult) -> str:
    """The path of the best hit, from the library's root on."""
    return str(found[0].path)


def rows_file(library: Library) -> Path:
    (file,) = library.path.glob("encoded-*.rows")
    return file


def test_a_text_and_a_picture_find_the_nearest_in_the_encoders_space(photos: Library, tmp_path: Path) -> None:
    searcher = searching(photos, ColourSpace())
    assert first(searcher.search("some blue", mode="clip", top=1)) == "blue.png"
    other = picture(tmp_path / "query.png", "yellow", shade=-20)
    assert first(searcher.search(image=other, mode="clip", top=1)) == "yellow.png"
    hits = searcher.search("some red", mode="clip", minus=["some yellow"], top=None)
    assert hits[-1].path != "red.png" and len(hits) == 4


def test_the_page_offers_the_encoders_mode_from_when_the_library_has_one(photos: Library) -> None:
    shelved = Shelved("photos", Searcher(photos, captioner=MeanColour()))
    assert "clip" not in shelved.modes
    with Library.open(photos.path) as elsewhere:
        elsewhere.encode_pictures(ColourSpace(), progress=False)
    assert "clip" in shelved.modes


def test_filters_alone_list_all_that_they_leave_with_nothing_to_place_in_the_space(photos: Library) -> None:
    picture(photos.root / "more" / "white.png", "white")
    photos.update(captioner=MeanColour())
    searcher = searching(photos, ColourSpace())
    for mode in ("clip", "jaccard"):
        assert searcher.search("under:more", mode=mode).paths == [photos.root / "more" / "white.png"]
    assert len(searcher.search("under:more", mode="clip", explain=True)) == 1


def test_each_picture_is_encoded_once_and_again_only_where_it_changed(photos: Library) -> None:
    first, again = ColourSpace(), ColourSpace()
    assert photos.encode_pictures(first, progress=False) == 4
    assert photos.encode_pictures(again, progress=False) == 0
    assert (first.read, again.read) == (4, 0)
    picture(photos.root / "red.png", "white")
    shutil.copy(photos.root / "blue.png", photos.root / "copy.png")
    photos.update(captioner=MeanColour())
    assert photos.encode_pictures(again, progress=False) == 1
    assert again.read == 1 and photos.encoder == again.describe()


def test_a_search_encodes_what_is_new_by_itself(photos: Library) -> None:
    space = ColourSpace()
    photos.encode_pictures(space, progress=False)
    picture(photos.root / "white.png", "white")
    photos.update(captioner=MeanColour())
    assert first(searching(photos, space).search("all white", mode="clip", top=1)) == "white.png"
    assert space.read == 5


def test_vectors_of_another_encoder_are_not_taken_for_its_own(photos: Library) -> None:
    photos.encode_pictures(ColourSpace("a"), progress=False)
    other = ColourSpace("b")
    photos.encode_pictures(other, progress=False)
    assert other.read == 4 and len(list(photos.path.glob("encoded-*.rows"))) == 2


def test_what_a_killed_run_has_done_counts_and_half_a_row_does_not(photos: Library) -> None:
    photos.encode_pictures(ColourSpace(), progress=False)
    file, whole = rows_file(photos), rows_file(photos).read_bytes()
    file.write_bytes(whole[: len(whole) - len(whole) // 4 - 5])
    space = ColourSpace()
    assert photos.encode_pictures(space, progress=False) == 2
    assert file.read_bytes()[: len(whole) // 2] == whole[: len(whole) // 2]
    assert sorted(rows_of(file.read_bytes())) == sorted(rows_of(whole))


def rows_of(content: bytes) -> list[bytes]:
    return [content[start : start + 48] for start in range(0, len(content), 48)]


@pytest.mark.parametrize("byte", [3, 33, 40])
def test_a_flipped_byte_is_found_and_that_vector_made_again(photos: Library, byte: int) -> None:
    photos.encode_pictures(ColourSpace(), progress=False)
    content = bytearray(rows_file(photos).read_bytes())
    content[48 + byte] ^= 16
    rows_file(photos).write_bytes(content)
    assert ["1 vector is not" in problem for problem in photos.verify()] == [True]
    space = ColourSpace()
    assert first(searching(photos, space).search("some red", mode="clip", top=1)) == "red.png"
    assert space.read == 1


def test_a_picture_that_is_gone_is_like_nothing_and_the_others_are_found(
    photos: Library, caplog: pytest.LogCaptureFixture
) -> None:
    (photos.root / "red.png").unlink()
    found = searching(photos, ColourSpace()).search("some green", mode="clip", top=None)
    assert first(found) == "green.png" and "red.png" not in [hit.path for hit in found if hit.score > 0]
    assert "1 picture cannot be read any more" in caplog.text
    shutil.rmtree(photos.root)
    with pytest.raises(BadLibrary, match="None of the pictures"):
        photos.encode_pictures(ColourSpace("b"), progress=False)


def test_while_another_process_writes_them_vectors_are_made_and_not_kept(photos: Library) -> None:
    with locked(photos.path / encoded.LOCK):
        space = ColourSpace()
        assert first(searching(photos, space).search("some red", mode="clip", top=1)) == "red.png"
    assert not list(photos.path.glob("encoded-*"))


def test_rows_of_pictures_that_are_gone_go_when_they_are_most(photos: Library) -> None:
    photos.encode_pictures(ColourSpace(), progress=False)
    photos.remove(["red.png", "green.png", "blue.png"])
    photos.encode_pictures(ColourSpace(), progress=False)
    assert len(rows_of(rows_file(photos).read_bytes())) == 1


def test_a_hybrid_may_hold_the_encoders_mode(photos: Library) -> None:
    photos.encode_pictures(ColourSpace(), progress=False)
    assert "clip" not in WEIGHTS, "nobody has measured a weight for an encoder that is not known"
    photos.set_hybrid({"clip": 1.0, "jaccard": 0.1})
    found = searching(photos, ColourSpace()).search("some blue", mode="hybrid", explain=True, top=1)
    assert first(found) == "blue.png"
    assert [name for name, _ in found.explanations[0].parts] == ["clip", "jaccard"]


def test_without_an_encoder_mode_clip_says_how_to_give_one(photos: Library) -> None:
    with pytest.raises(BadSetting, match="none is named") as error:
        Searcher(photos, captioner=MeanColour()).search("a dog", mode="clip")
    assert "captionret index DIR --encoder" in error.value.in_shell()
