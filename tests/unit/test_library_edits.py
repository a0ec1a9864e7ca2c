"""What a person changes in a library: captions in their own words, pictures added and removed one by one."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mean_colour import Colours, MeanColour, made_library, picture
from PIL import Image

from captionret.app.searching import search
from captionret.decoding import BeamSearch
from captionret.errors import BadLibrary, BadSetting, LibraryInUse
from captionret.images import Picture
from captionret.library import Library, UpdateReport
from captionret.library.catalogue.rows import Rows, stored
from captionret.library.surroundings import Surroundings
from captionret.library.writing import writing
from captionret.records import CaptionResult, Failure, PictureFacts

OWN = "Bella the otterhound"


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return made_library(
        tmp_path, {"red.png": "red", "blue.png": "blue", "trip/green.png": "green"}, Colours()
    )


MODES_OF_WORDS = ["jaccard", "tfidf", "bm25", "multi-caption", "multi-caption-union", "expected-jaccard"]


@pytest.mark.parametrize("mode", [*MODES_OF_WORDS, "expected-cosine"])
def test_caption_of_a_person_wins_over_the_captioner_in_every_mode(library: Library, mode: str) -> None:
    library.set_caption("red.png", f"  {OWN}\n")
    hit = search(library, text="otterhound", mode=mode)[0]
    assert (hit.path, hit.caption, hit.why) == ("red.png", OWN, ("otterhound",))
    if mode != "expected-cosine":  # there the mean of all pictures counts, too
        assert "red.png" not in [hit.path for hit in search(library, text="red plain picture", mode=mode)]


def test_caption_of_a_person_outlives_updates_recaptioning_renaming_and_predicting(library: Library) -> None:
    library.set_caption("red.png", OWN)
    shutil.copy(library.root / "red.png", library.root / "copy.png")
    (library.root / "red.png").rename(library.root / "bella.png")
    assert library.update(captioner=MeanColour()).renamed == 1
    library.update(captioner=MeanColour("e" * 64, "second"), recaption=True)
    library.predict_words(Colours("e" * 64))
    (hit,) = search(Library.open(library.path), text="otterhound", mode="jaccard")
    assert (hit.path, hit.copies) == ("bella.png", ("copy.png",))
    assert [caption.text for caption in library.captions(library.gallery().hashes[0])] == [OWN]


def test_caption_of_a_person_comes_back_with_its_picture(library: Library) -> None:
    library.set_caption("red.png", OWN)
    (library.root / "red.png").rename(library.path.parent / "away.png")
    assert library.update(captioner=MeanColour()).removed == 1
    shutil.move(library.path.parent / "away.png", library.root / "red.png")
    library.update(captioner=MeanColour())
    assert search(library, text="otterhound", mode="jaccard")[0].path == "red.png"


def test_caption_that_is_taken_away_gives_the_captioners_place_again(library: Library) -> None:
    library.set_caption(library.root / "red.png", OWN)
    library.set_caption("red.png", None)
    assert not search(library, text="otterhound", mode="jaccard")
    assert search(library, text="red", mode="expected-jaccard")[0].caption == "a plain red picture"


def test_changed_picture_says_that_its_own_caption_was_of_the_former_one(
    library: Library, caplog: pytest.LogCaptureFixture
) -> None:
    library.set_caption("red.png", OWN)
    picture(library.root / "red.png", "yellow")
    library.update(captioner=MeanColour())
    assert f"red.png was changed; its caption {OWN!r} was of what it showed before." in caplog.text
    assert not search(library, text="otterhound", mode="jaccard")


@pytest.mark.parametrize("text", ["", " \n", "?!", "a \udcff dog"])
def test_caption_without_a_word_is_refused(library: Library, text: str) -> None:
    with pytest.raises(BadSetting, match="holds"):
        library.set_caption("red.png", text)


def test_caption_of_a_picture_that_is_not_held_is_refused(library: Library) -> None:
    with pytest.raises(BadLibrary, match=r"holds no picture none\.png"):
        library.set_caption("none.png", OWN)


def test_the_bare_name_of_a_file_is_enough_where_only_one_is_called_so(library: Library) -> None:
    assert library.set_caption("green.png", OWN) == "trip/green.png"
    assert {one.path: one.caption for one in library}["trip/green.png"] == OWN
    liked = [
        list(search(library, text="a plain picture", mode="jaccard", like=[name]))
        for name in ("green.png", "trip/green.png")
    ]
    assert liked[0] == liked[1]
    picture(library.root / "green.png", "green", shade=9)
    library.update(captioner=MeanColour())
    assert library.set_caption("green.png", "a meadow") == "green.png", "what answers show goes first"
    picture(library.root / "new/green.png", "green", shade=20)
    library.update(captioner=MeanColour())
    library.remove("green.png")
    with pytest.raises(
        BadSetting, match=r"2 pictures are called green\.png: new/green\.png, trip/green\.png\."
    ):
        library.set_caption("green.png", OWN)


def test_a_query_by_a_picture_that_a_person_captioned_asks_with_that_caption(library: Library) -> None:
    library.set_caption("red.png", "a plain blue picture")
    hit = search(library, image=library.root / "red.png", mode="jaccard")[0]
    assert (hit.path, hit.score) == ("blue.png", 1.0)


def test_pictures_are_told_apart_by_who_captioned_them(library: Library) -> None:
    library.set_caption("blue.png", OWN)
    by = {one.path: (one.caption, one.captioned_by) for one in library}
    assert by == {
        "blue.png": (OWN, "a person"),
        "red.png": ("a plain red picture", "mean-colour"),
        "trip/green.png": ("a plain green picture", "mean-colour"),
    }


def test_removed_pictures_stay_out_of_updates_until_they_are_added_again(library: Library) -> None:
    assert library.remove(["trip", library.root / "red.png"]) == 2
    assert [one.path for one in library] == ["blue.png"]
    assert library.update(captioner=MeanColour()) == UpdateReport(unchanged=1, excluded=2)
    assert library.add("red.png", MeanColour()) == UpdateReport(new=1)
    assert library.update(captioner=MeanColour()) == UpdateReport(unchanged=2, excluded=1)
    assert library.verify() == []
    with pytest.raises(BadLibrary, match=r"holds no picture red\.pn"):
        library.remove("red.pn")
    library.add("trip", MeanColour())
    assert library.remove("green.png") == 1, "by the file's name alone"


def test_added_pictures_are_captioned_without_a_look_at_the_rest(library: Library) -> None:
    for shade, name in enumerate(("new.png", "scans/one.png", "scans/two.png", "not asked for.png")):
        picture(library.root / name, "yellow", shade=shade)
    captioner = MeanColour()
    assert library.add(["new.png", library.root / "scans"], captioner) == UpdateReport(new=3)
    assert len(captioner.seen) == 3 and len(library) == 6
    assert library.add("new.png", captioner) == UpdateReport(unchanged=1)
    assert library.update(captioner=captioner) == UpdateReport(unchanged=6, new=1)
    with pytest.raises(BadSetting, match="does not exist"):
        library.add("nothing.png", captioner)


def test_picture_from_elsewhere_is_kept_by_its_whole_path(library: Library, tmp_path: Path) -> None:
    outside = picture(tmp_path / "elsewhere" / "white.png", "white")
    assert library.add(outside, MeanColour()).new == 1
    assert search(library, text="white", mode="jaccard")[0].path == str(outside)
    assert {one.path: one.file for one in library}[str(outside)] == outside
    assert library.update(captioner=MeanColour()) == UpdateReport(unchanged=4)
    assert library.verify() == []
    outside.unlink()
    assert library.update(captioner=MeanColour()) == UpdateReport(unchanged=3, removed=1)


def test_a_path_is_first_taken_as_an_answer_shows_it_then_from_the_current_folder(
    library: Library, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(library.root / "trip")
    library.set_caption("green.png", OWN)
    library.set_caption(Path("red.png"), f"{OWN} again")
    assert sorted(one.caption for one in library)[:2] == [OWN, f"{OWN} again"]


@pytest.mark.parametrize("nothing", ["", [""], None, 5, [None]])
def test_a_path_left_empty_never_means_the_whole_folder(library: Library, nothing: Any) -> None:
    before = len(library)
    for change in (library.remove, library.add):
        with pytest.raises(BadSetting, match="named by their paths"):
            change(nothing)
    assert len(library) == before


def test_one_text_is_one_path(library: Library) -> None:
    assert library.remove("red.png") == 1


def test_every_picture_is_told_with_its_captions_probabilities_and_facts(library: Library) -> None:
    photo = Image.new("RGB", (30, 20), "yellow")
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112] = "FUJIFILM", "X100F", 6
    exif.get_ifd(0x8769)[0x9003] = "2019:06:30 17:05:00"
    photo.save(library.root / "photo.jpg", exif=exif)
    library.update(captioner=MeanColour())
    library.predict_words(Colours())
    shutil.copy(library.root / "photo.jpg", library.root / "same.jpg")
    library.update(captioner=MeanColour())
    pictures = {one.path: one for one in library}
    assert len(pictures) == len(library) == 4
    photo_held = pictures["photo.jpg"]
    assert photo_held.exif == PictureFacts(20, 30, "2019-06-30T17:05:00", "FUJIFILM X100F", orientation=6)
    assert photo_held.copies == ("same.jpg",) and photo_held.file == library.root / "photo.jpg"
    assert [caption.text for caption in photo_held.captions] == ["a plain yellow picture", "yellow"]
    red = pictures["red.png"]
    assert red.word_probabilities is not None and red.word_probabilities["red"] > 0.8
    assert red.exif == PictureFacts(16, 16)


def test_a_table_of_the_pictures_has_a_row_each(library: Library) -> None:
    table = library.to_pandas()
    assert list(table.columns[:5]) == ["path", "file", "caption", "captions", "captioned_by"]
    assert table.set_index("path").loc["red.png", "caption"] == "a plain red picture"
    assert table["width"].tolist() == [16, 16, 16] and table["taken"].isna().all()
    assert len(Library.create(library.path.parent / "empty", library.root).to_pandas()) == 0


def test_update_without_arguments_follows_its_own_folder_and_decoding(library: Library) -> None:
    picture(library.root / "white.png", "white")
    with pytest.raises(BadSetting, match="Give one"):
        _without_models(library)
    assert library.update(captioner=MeanColour()) == UpdateReport(unchanged=3, new=1)


def _without_models(library: Library) -> None:
    from captionret.library import surroundings

    loader = surroundings.SURROUNDINGS.load_captioner
    surroundings.SURROUNDINGS.load_captioner = None
    try:
        library.update()
    finally:
        surroundings.SURROUNDINGS.load_captioner = loader


def test_another_captioner_tries_again_what_the_former_could_not_read(library: Library) -> None:
    class Blind(MeanColour):
        def answer(self, path: Path | Picture) -> CaptionResult | Failure:
            return Failure(str(path), "too dark") if path.name == "dark.png" else super().answer(path)

    picture(library.root / "dark.png", "black")
    assert library.update(captioner=Blind()).failed == 1
    assert library.update(captioner=Blind()).failed == 1, "the same captioner does not try again"
    report = library.update(captioner=MeanColour("e" * 64, "second"), recaption=True)
    assert (report.failed, report.new, library.failures()) == (0, 1, [])
    assert "dark.png" in library.gallery().paths


def test_files_of_other_kinds_are_counted_by_kind(library: Library) -> None:
    for name in ("a.mp4", "b.MOV", "trip/c.crw", "notes.txt", ".hidden.mp4"):
        (library.root / name).write_bytes(b"x")
    report = library.update(captioner=MeanColour())
    assert report.other == {"RAW photographs": 1, "hidden files": 1, "texts": 1, "videos": 2}


class Careless(MeanColour):
    """Answers with what no library can keep."""

    def __init__(self, **wrong: Any) -> None:
        super().__init__()
        self.wrong = wrong

    def answer(self, path: Path | Picture) -> CaptionResult | Failure:
        from dataclasses import replace

        result = super().answer(path)
        assert isinstance(result, CaptionResult)
        return replace(result, **self.wrong) if path.name == "odd.png" else result


def test_picture_without_a_whole_answer_is_a_failure_and_not_done(library: Library) -> None:
    import numpy as np

    from captionret.records import Caption

    picture(library.root / "odd.png", "white")
    for wrong, reason in (
        ({"captions": []}, "found no caption"),
        ({"captions": [Caption(" ", (), -1.0)]}, "found no caption"),
        ({"captions": [Caption("a \ud800", ("a",), -1.0)]}, "no text"),
        ({"captions": [Caption("a", ("a",), float("nan"))]}, "log-probability"),
        ({"feature": np.array([1, np.inf, 1], np.float32)}, "not finite"),
        ({"feature": np.array([1, 1e9, 1], np.float32)}, "not finite"),
    ):
        os.utime(library.root / "odd.png")
        (library.root / "odd.png").chmod(0o600)
        with library._catalogue.transaction() as connection:
            connection.execute("DELETE FROM failures")
        report = library.update(captioner=Careless(**wrong))
        assert report.failed == 1 and reason in report.failures[0].reason
        assert "odd.png" not in library.gallery().paths


def test_two_who_write_at_once_are_told_apart_and_named(library: Library) -> None:
    other = Library.open(library.path)
    with writing(library.path):
        for write in (lambda: other.update(captioner=MeanColour()), lambda: other.remove("red.png")):
            with pytest.raises(LibraryInUse, match=f"is being updated by process {os.getpid()}"):
                write()
        assert search(other, text="red", mode="expected-jaccard")[0].path == "red.png"
        other.set_caption("red.png", OWN)  # one small transaction, which waits for nobody
        assert other.predict_words(Colours("f" * 64)) == 3, "words are predicted while an update runs"
    assert other.update(captioner=MeanColour()).unchanged == 3
    assert not list(library.path.glob("*.owner"))


def test_what_a_library_cannot_be_asked_is_refused_by_name(library: Library, tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="named by their paths"):
        library.remove([3])  # type: ignore[list-item]
    with pytest.raises(BadSetting, match="batch_size is 0, limit -1"):
        library.update(captioner=MeanColour(), batch_size=0, limit=-1)
    with pytest.raises(BadSetting, match=r"batch_size is 1.5, limit 'a'"):
        library.update(captioner=MeanColour(), batch_size=1.5, limit="a")  # type: ignore[arg-type]
    for name in ("photos-lite", 5):
        with pytest.raises(BadSetting, match=f"{name!r} is no captioner. Give a loaded one"):
            library.update(captioner=name)  # type: ignore[arg-type]
    for text in (5, ["a dog"]):
        with pytest.raises(BadSetting, match="A caption is a text, a str, not"):
            library.set_caption("red.png", text)  # type: ignore[arg-type]
    (tmp_path / "a file").touch()
    with pytest.raises(BadLibrary, match="cannot be made a library"):
        Library.create(tmp_path / "a file" / "library", library.root)
    nothing = Surroundings()
    with pytest.raises(BadSetting, match="No captioner is given"):
        nothing.captioner(None, BeamSearch(), "cpu")
    with pytest.raises(BadSetting, match="No predictor of words is given"):
        nothing.predictor(None, "cpu")


def test_a_lone_surrogate_in_a_message_is_kept_readable() -> None:
    assert stored("name\udcff.jpg") == b"name\xff.jpg"
    assert stored("half \ud83d of a face") == b"half \\ud83d of a face"


def test_adding_reads_no_more_of_the_catalogue_than_what_is_added(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    real = Rows.table

    def watched(rows: Rows, sql: str, *more: Any) -> list[tuple[Any, ...]]:
        found = real(rows, sql, *more)
        asked.extend(row[0] for row in found if sql.startswith("SELECT path"))
        return found

    Image.new("RGB", (90, 70), "red").save(library.root / "further.png")
    sizes = {file.stat().st_size for file in library.root.rglob("*.png") if file.name != "further.png"}
    assert (library.root / "further.png").stat().st_size not in sizes
    monkeypatch.setattr(Rows, "table", watched)
    assert library.add("further.png", MeanColour()).new == 1
    assert set(asked) == {"further.png"}
    assert library.add("further.png", MeanColour()).unchanged == 1
    assert set(asked) == {"further.png"}


class Scenes(Colours):
    """Predicts the same three things of every picture."""

    words: tuple[str, ...] = ("bird", "dogs", "red")

    def predict_words(
        self, paths: Sequence[Path | Picture], hashes: Sequence[str], pooled: np.ndarray
    ) -> np.ndarray:
        return np.tile(np.array([0.85, 0.7, 0.9], np.float32), (len(pooled), 1))


def test_caption_of_a_person_is_beside_what_is_predicted_and_what_it_strikes_is_gone(tmp_path: Path) -> None:
    picture(tmp_path / "photos" / "red.png", "red")
    library = Library.create(tmp_path / "library", tmp_path / "photos")
    library.update(captioner=MeanColour())  # a plain red picture
    library.predict_words(Scenes())
    library.set_caption("red.png", "an ibis with a dog")
    for _ in range(2):  # read from the catalogue, then from an index
        gallery = Library.open(library.path).gallery()
        assert {word: round(p, 2) for word, p in gallery.words_of(0).items() if p > 0.5} == {
            **dict.fromkeys(("an", "ibis", "with", "a", "dog"), 1.0), "bird": 0.85, "dogs": 0.7
        }  # fmt: skip
        found = gallery.predicted
        assert found.uncalibrated("bird")[0] > 0.8 and found.uncalibrated("red")[0] < 0.05
        library.update(captioner=MeanColour())
    library.set_caption("red.png", None)
    assert library.gallery().words_of(0)["red"] > 0.85
    assert library.verify() == []
