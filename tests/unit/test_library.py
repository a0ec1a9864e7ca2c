"""A library follows its folder: what is added, changed, renamed, copied or removed, and nothing captioned
twice."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mean_colour import MeanColour, picture

from captionret.app.searcher import Searcher
from captionret.app.searching import search
from captionret.decoding import BeamSearch
from captionret.errors import BadImage, BadLibrary, BadSetting
from captionret.library import Library, UpdateReport


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    root = tmp_path / "photos"
    picture(root / "red.png", "red")
    picture(root / "beach" / "blue.jpg", "blue")
    picture(root / "beach" / "deep" / "blue too.png", "blue", shade=9)
    picture(root / "green.png", "green")
    return root


@pytest.fixture
def library(tmp_path: Path, photos: Path) -> Library:
    return Library.create(tmp_path / "library", photos)


def update(library: Library, captioner: MeanColour | None = None, **options: Any) -> UpdateReport:
    return library.update(library.root, captioner or MeanColour(), progress=False, **options)


def captions(library: Library) -> dict[str, str]:
    gallery = library.gallery()
    return dict(zip(gallery.paths, gallery.captions, strict=True))


def test_every_picture_below_the_folder_is_captioned(library: Library) -> None:
    assert update(library) == UpdateReport(new=4)
    assert captions(library) == {
        "beach/blue.jpg": "a plain blue picture",
        "beach/deep/blue too.png": "a plain blue picture",
        "green.png": "a plain green picture",
        "red.png": "a plain red picture",
    }
    assert library.verify() == []


def test_second_update_captions_nothing(library: Library) -> None:
    update(library)
    captioner = MeanColour()
    assert update(library, captioner) == UpdateReport(unchanged=4)
    assert captioner.seen == []


def test_touched_file_is_unchanged_and_not_captioned_again(library: Library) -> None:
    update(library)
    os.utime(library.root / "red.png", ns=(1, 1))
    captioner = MeanColour()
    assert update(library, captioner) == UpdateReport(unchanged=4)
    assert captioner.seen == []
    assert library.verify() == []  # its new time is remembered


def test_changed_file_is_captioned_again_and_its_old_content_forgotten(library: Library) -> None:
    update(library)
    picture(library.root / "red.png", "yellow")
    assert update(library) == UpdateReport(unchanged=3, changed=1)
    assert captions(library)["red.png"] == "a plain yellow picture"
    assert len(library) == 4


def test_file_rewritten_with_the_same_size_and_another_time_is_seen_by_its_hash(library: Library) -> None:
    picture(library.root / "one.ppm", "red")
    update(library)
    picture(library.root / "one.ppm", "green")
    os.utime(library.root / "one.ppm", ns=(5, 5))
    assert update(library).changed == 1
    assert captions(library)["one.ppm"] == "a plain green picture"


def test_renamed_file_keeps_its_caption_without_being_captioned(library: Library) -> None:
    update(library)
    (library.root / "red.png").rename(library.root / "beach" / "rouge.png")
    captioner = MeanColour()
    assert update(library, captioner) == UpdateReport(unchanged=3, renamed=1)
    assert captioner.seen == []
    assert captions(library)["beach/rouge.png"] == "a plain red picture"
    assert "red.png" not in captions(library)


def test_copies_are_captioned_once_and_shown_once(library: Library) -> None:
    shutil.copy(library.root / "red.png", library.root / "a copy.png")
    captioner = MeanColour()
    assert update(library, captioner) == UpdateReport(new=4, duplicates=1)
    assert len(captioner.seen) == 4
    (hit,) = search(library, text="red", mode="jaccard")
    assert (hit.path, hit.copies) == ("a copy.png", ("red.png",))


def test_copy_added_later_is_not_captioned(library: Library) -> None:
    update(library)
    shutil.copy(library.root / "red.png", library.root / "later.png")
    captioner = MeanColour()
    assert update(library, captioner) == UpdateReport(unchanged=4, duplicates=1)
    assert captioner.seen == []
    (library.root / "later.png").unlink()
    assert update(library) == UpdateReport(unchanged=4, removed=1)
    assert captions(library)["red.png"] == "a plain red picture"


def test_two_files_that_swap_their_names_swap_their_captions(library: Library) -> None:
    update(library)
    root = library.root
    (root / "red.png").rename(root / "x.png")
    (root / "green.png").rename(root / "red.png")
    (root / "x.png").rename(root / "green.png")
    captioner = MeanColour()
    report = update(library, captioner)
    assert (report.changed, report.unchanged, captioner.seen) == (2, 2, [])
    assert (captions(library)["red.png"], captions(library)["green.png"]) == (
        "a plain green picture",
        "a plain red picture",
    )


def test_removed_files_are_dropped_with_their_captions(library: Library) -> None:
    update(library)
    shutil.rmtree(library.root / "beach")
    sha256 = library.gallery().hashes[0]
    assert update(library) == UpdateReport(unchanged=2, removed=2)
    assert list(captions(library)) == ["green.png", "red.png"]
    assert library.captions(sha256) == []
    assert library.verify() == []


def test_features_stand_in_the_order_of_the_gallery(library: Library) -> None:
    update(library, batch_size=2)
    picture(library.root / "a first.png", "white")
    (library.root / "green.png").unlink()
    update(library)
    features = library.gallery().features
    assert features.dtype == np.float16
    assert features.shape == (4, 3)
    white, red = (
        features[library.gallery().paths.index("a first.png")],
        features[library.gallery().paths.index("red.png")],
    )
    assert white.min() > 0.9
    assert red.argmax() == 0 and red.min() < 0.2


def test_broken_picture_is_named_counted_and_tried_again_only_after_a_change(library: Library) -> None:
    bad = library.root / "bad.jpg"
    bad.write_bytes(b"not a picture")
    report = update(library)
    assert (report.new, report.failed) == (4, 1)
    assert report.failures[0].path == "bad.jpg"
    assert "bad.jpg" in report.failures[0].reason
    captioner = MeanColour()
    assert update(library, captioner).failures == report.failures
    assert captioner.seen == []
    assert [failure.path for failure in library.failures()] == ["bad.jpg"]
    picture(bad, "yellow")
    assert update(library) == UpdateReport(unchanged=4, new=1)
    assert library.failures() == []


def test_failure_is_tried_again_when_only_the_permissions_changed(library: Library) -> None:
    bad = library.root / "bad.jpg"
    bad.write_bytes(b"not a picture")
    update(library)
    bad.chmod(0o600)
    captioner = MeanColour()
    update(library, captioner)
    assert captioner.seen == [bad]


def test_failure_of_a_vanished_file_is_forgotten(library: Library) -> None:
    (library.root / "bad.jpg").write_bytes(b"")
    update(library)
    (library.root / "bad.jpg").unlink()
    assert update(library) == UpdateReport(unchanged=4)
    assert library.failures() == []


def test_picture_that_becomes_unreadable_loses_its_old_caption(library: Library) -> None:
    update(library)
    (library.root / "red.png").write_bytes(b"cut")
    assert update(library).failed == 1
    assert "red.png" not in captions(library)


def test_limit_leaves_the_rest_for_the_next_update(library: Library) -> None:
    assert update(library, limit=1) == UpdateReport(new=1, waiting=3)
    assert update(library) == UpdateReport(unchanged=1, new=3)


def test_library_of_another_captioner_is_refused_by_name(library: Library) -> None:
    update(library, MeanColour("a" * 64, "first"))
    with pytest.raises(
        BadLibrary,
        match=r"first \(aaaaaaaaaaaa, beam 3\), not by second \(bbbbbbbbbbbb, beam 3\).*recaption=True",
    ):
        update(library, MeanColour("b" * 64, "second"))
    with pytest.raises(BadLibrary, match=r"beam 3.*beam 5"):
        update(library, MeanColour("a" * 64, "first"), decoding=BeamSearch(5))
    assert len(library) == 4


def test_recaptioning_replaces_every_caption_and_the_feature_file(library: Library, tmp_path: Path) -> None:
    update(library, MeanColour("a" * 64, "first"))
    captioner = MeanColour("b" * 64, "second", dim=5)
    assert update(library, captioner, recaption=True) == UpdateReport(recaptioned=4)
    assert library.gallery().features.shape == (4, 5)
    assert library.made_by is not None and library.made_by.name == "second"
    assert len(list((tmp_path / "library").glob("features-*"))) == 1
    assert update(library, captioner) == UpdateReport(unchanged=4)


def test_recaptioning_stopped_half_way_never_mixes_two_captioners_and_goes_on(library: Library) -> None:
    update(library, MeanColour("a" * 64, "first"))
    second = MeanColour("b" * 64, "second", dim=5)
    assert update(library, second, recaption=True, limit=3) == UpdateReport(recaptioned=3, waiting=1)
    assert len(library) == 3
    assert library.gallery().features.shape == (3, 5)
    assert library.verify() == ["1 of 4 images wait to be captioned again. Run the update once more."]
    assert update(library, second) == UpdateReport(unchanged=3, recaptioned=1)
    assert library.verify() == []


def test_missing_folder_changes_nothing(library: Library) -> None:
    update(library)
    library.root.rename(library.root.with_name("elsewhere"))
    with pytest.raises(BadLibrary, match="not a folder any more"):
        update(library)
    assert len(library) == 4


def test_suddenly_empty_folder_is_refused_unless_said_so(library: Library) -> None:
    update(library)
    shutil.rmtree(library.root)
    library.root.mkdir()
    with pytest.raises(BadLibrary, match=r"holds no pictures any more.*allow_empty=True"):
        update(library)
    assert len(library) == 4
    assert update(library, allow_empty=True) == UpdateReport(removed=4)
    assert len(library) == 0


def test_moved_folder_is_accepted_when_said_so(library: Library) -> None:
    update(library)
    moved = library.root.rename(library.root.with_name("moved"))
    with pytest.raises(BadLibrary, match="holds the pictures of"):
        library.update(moved, MeanColour(), progress=False)
    assert library.update(moved, MeanColour(), progress=False, relocate=True) == UpdateReport(unchanged=4)
    assert library.root == moved


def test_opened_library_is_what_was_written(library: Library) -> None:
    update(library)
    with Library.open(library.path) as again:
        assert captions(again) == captions(library)
        first, second = again.captions(again.gallery().hashes[0])
        assert (first.tokens, first.logprob, second.text) == (("a", "plain", "blue", "picture"), -1.5, "blue")


def test_open_or_create_opens_what_is_there(tmp_path: Path, photos: Path) -> None:
    with Library.open_or_create(tmp_path / "new", photos) as made:
        update(made)
    with Library.open_or_create(tmp_path / "new", photos) as again:
        assert len(again) == 4
    with pytest.raises(BadLibrary, match="already holds"):
        Library.create(tmp_path / "new", photos)


def test_library_that_is_not_there_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(BadLibrary, match="no library in"):
        Library.open(tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()


def test_folder_that_is_not_there_makes_no_library(tmp_path: Path) -> None:
    with pytest.raises(BadLibrary, match="not a folder"):
        Library.create(tmp_path / "library", tmp_path / "nothing")
    assert not (tmp_path / "library").exists()


def test_open_library_sees_what_another_one_committed(library: Library) -> None:
    update(library)
    with Library.open(library.path) as reader:
        assert len(reader) == 4
        picture(library.root / "white.png", "white")
        update(library)
        assert len(reader) == 5
        assert reader.gallery() is reader.gallery()  # read once, while nothing changes


def test_search_by_a_picture_of_the_library_leaves_it_out_even_under_another_name(
    library: Library, tmp_path: Path
) -> None:
    update(library)
    query = shutil.copy(library.root / "beach" / "blue.jpg", tmp_path / "query.jpg")
    hits = search(library, image=query, mode="jaccard")
    assert [hit.path for hit in hits] == ["beach/deep/blue too.png", "green.png", "red.png"]
    assert (hits[0].score, hits[0].why) == (1.0, ("blue", "picture", "plain", "a"))
    assert search(library, image=query, keep_self=True, mode="jaccard")[0].path == "beach/blue.jpg"


def test_picture_the_library_does_not_hold_is_captioned_by_the_given_captioner(
    library: Library, tmp_path: Path
) -> None:
    update(library)
    query = picture(tmp_path / "query.png", "green", shade=5)
    assert search(library, image=query, captioner=MeanColour(), top=1, mode="jaccard")[0].path == "green.png"
    described = Searcher(library, captioner=MeanColour()).encode_query(image=query, text="in a garden")
    assert described.texts == ("a plain green picture", "in a garden")
    assert described.captions == ("a plain green picture", "green")
    assert described.feature is not None and described.word_probabilities is None
    with pytest.raises(BadLibrary, match="their words don't compare"):
        search(library, image=query, captioner=MeanColour("0" * 64), mode="jaccard")
    with pytest.raises(BadSetting, match="does not say where"):
        search(library, image=query, mode="jaccard")


def test_queries_that_cannot_be_answered_say_so(library: Library, tmp_path: Path) -> None:
    with pytest.raises(BadLibrary, match="no captions yet"):
        search(library, image=library.root / "red.png", mode="jaccard")
    update(library)
    with pytest.raises(BadSetting, match="empty"):
        search(library, mode="jaccard")
    with pytest.raises(BadSetting, match="empty"):
        search(library, text="  ", mode="jaccard")
    with pytest.raises(BadImage, match="does not exist"):
        search(library, image=tmp_path / "gone.jpg", mode="jaccard")


def test_public_names_load_without_torch() -> None:
    code = (
        "import sys, captionret\nfrom captionret import Caption, Hit, Item, Library, Query, open_dataset, "
        "search\nassert 'torch' not in sys.modules, 'torch was imported'\nassert callable(search) and "
        "captionret.__version__ and 'Captioner' in dir(captionret)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).resolve().parents[2])


def test_a_folder_that_holds_none_of_the_pictures_is_not_taken_for_the_moved_one(
    library: Library, tmp_path: Path
) -> None:
    update(library)
    picture(tmp_path / "elsewhere" / "other.png", "red", shade=5)
    before = library.gallery().paths
    with pytest.raises(BadLibrary, match="none of the 4 pictures"):
        library.update(tmp_path / "elsewhere", MeanColour(), progress=False, relocate=True)
    assert library.gallery().paths == before
    assert (
        library.update(
            tmp_path / "elsewhere", MeanColour(), progress=False, relocate=True, allow_empty=True
        ).removed
        == 4
    )
