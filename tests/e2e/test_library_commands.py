"""The commands that keep a library: index again, edit, verify."""

import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import shapes_encoder
from mean_colour import MeanColour, picture
from shapes import Trained, shape
from typed import Call, Ended

from captionret import Library
from captionret.app.loading.captioners import bring_up_to_date
from captionret.cli import (
    backup,
    edit,
    encode,
    export,
    import_captions,
    index,
    info,
    move,
    predict_words,
    prune,
    rename,
    search,
    verify,
    words,
)
from captionret.library.writing import PREDICT, writing
from captionret.models.captioning.captioner import Captioner
from captionret.web.indexing import index as index_job

OWN = "grandmother's tablecloth"


@pytest.fixture
def photos(trained: Trained, tmp_path: Path, call: Call) -> Path:
    """A folder of three pictures, captioned into the library ./lib."""
    for colour in ("red", "green", "blue"):
        shape(tmp_path / "photos" / f"{colour}.png", colour, "circle")
    assert call(index, "photos", "--library", "./lib", "--checkpoint", trained.checkpoint).code == 0
    return tmp_path / "photos"


def test_who_searches_while_the_first_pictures_are_captioned_is_told_to_wait(
    tmp_path: Path, call: Call
) -> None:
    (tmp_path / "photos").mkdir()
    with Library.create(tmp_path / "lib", tmp_path / "photos"), writing(tmp_path / "lib"):
        done = call(search, "red", "--library", "./lib", "--mode", "jaccard")
    assert done.code == 1 and "holds no picture that was captioned" in done.err
    assert f"is being updated by process {os.getpid()}. Wait" in done.err
    assert "being updated" not in call(search, "red", "--library", "./lib", "--mode", "jaccard").err


def test_of_very_many_files_that_were_exported_the_first_are_named(tmp_path: Path, call: Call) -> None:
    for number in range(23):
        picture(tmp_path / "photos" / f"{number:02}.png", "red", number)
    with Library.create(tmp_path / "lib", tmp_path / "photos") as library:
        library.update(captioner=MeanColour())
    lines = call(export, "--library", "./lib", "--format", "xmp", "--out", "side").out.splitlines()
    assert lines[1:3] == [f"side{os.sep}0{number}.png.xmp" for number in range(2)]
    assert len(lines) == 21 and lines[-1] == "and 5 more files"


def test_checkpoint_captions_beside_another_captioner_and_goes_on_with_new_pictures(
    trained: Trained, tmp_path: Path
) -> None:
    for colour in ("red", "green"):
        shape(tmp_path / "photos" / f"{colour}.png", colour, "circle")
    with Library.create(tmp_path / "lib", tmp_path / "photos") as library:
        done = bring_up_to_date(library, None, MeanColour, [str(trained.checkpoint)])
        assert [(one.captioner, one.new) for one in done.captions] == [("tiny", 2)]
        shape(tmp_path / "photos" / "new.png", "yellow", "square")
        (again,) = bring_up_to_date(library, None, MeanColour).captions
        assert (again.captioner, again.new, again.unchanged) == ("tiny", 1, 2), "it is loaded again"
        found = library.snapshot("tiny").gallery()
        for name, words in (("red.png", "red circle"), ("new.png", "yellow square")):
            assert words in found.captions[found.row_of_id[name]]
        assert [one.label for one in library.captioners] == ["tiny", "mean-colour"]
        assert library.made_by is not None and library.made_by.name == "mean-colour"


def test_index_again_knows_folder_captioner_and_decoding(
    photos: Path, call: Call, trained: Trained, tmp_path: Path
) -> None:
    with Library.open(tmp_path / "lib") as library:
        shape(photos / "new.png", "yellow", "square")
        assert library.update().new == 1, "from Python as from the shell"
    (photos / "film.mp4").touch()
    done = call(index, "--library", "./lib")
    assert (done.code, done.out) == (0, "new 0  unchanged 4  changed 0  removed 0  failed 0\n")
    assert "Passed over: 1 video." in done.err
    wide = ("--library", "./wide", "--checkpoint", trained.checkpoint)
    assert call(index, photos, *wide, "--decode", "consensus", "--beam", 4).code == 0
    assert "unchanged 4" in call(index, photos, "--library", "./wide").out, "its own way of decoding goes on"
    refused = call(index, photos, "--library", "./wide", "--beam", 2)
    assert refused.code == 3 and "--recaption" in refused.err
    assert call(index).code == 2
    unknown = call(index, photos, "--library", "./never", "--captioner", "foo:bar")
    assert unknown.code == 2 and not (tmp_path / "never").exists()
    assert "There is no kind of captioner 'foo'." in unknown.err and "openai" in unknown.err


def test_index_names_the_library_that_it_made_and_each_failure_once(
    photos: Path, call: Call, trained: Trained, tmp_path: Path
) -> None:
    (photos / "broken.jpg").write_bytes(b"no picture")
    (photos / ".hidden").touch()
    named = f"The library is called photos, and lies in {tmp_path / 'data' / 'libraries' / 'photos'}."
    first = call(index, photos, "--checkpoint", trained.checkpoint)
    assert named in first.err and "broken.jpg" in first.err and "Passed over: 1 hidden file." in first.err
    (photos / "other.jpg").write_bytes(b"no picture")
    again = call(index, "--library", "photos")
    assert "other.jpg" in again.err and "broken.jpg" not in again.err and "called photos" not in again.err
    assert "failed: 1 as before, see captionret info --library" in again.err
    known = call(info, "--library", "photos").out
    assert "broken.jpg" in known and "other.jpg" in known
    assert len(json.loads(call(info, "--library", "photos", "--json").out)["failures"]) == 2
    assert "broken.jpg" in call(index, "--library", "photos", "--fail-on-error").err


def test_index_names_a_file_on_one_line_and_needs_a_folder_or_a_library(photos: Path, call: Call) -> None:
    (photos / "bad\n\x1b[31m.jpg").write_text("no picture")
    assert r"bad\n\x1b[31m.jpg is not a picture" in call(index, "--library", "./lib").err
    assert "--library" in call(index).err
    assert "is a file. Give the folder" in call(index, photos / "red.png", "--library", "./lib").err


def test_a_folder_that_is_searched_as_a_word_is_pointed_out(photos: Path, call: Call) -> None:
    found = call(search, photos.name, "--library", "./lib", "--mode", "jaccard")
    assert found.code == 1 and "photos is a folder, too: --gallery photos searches in it." in found.err


def test_library_is_not_made_among_other_files(photos: Path, call: Call) -> None:
    refused = call(index, "photos", "--library", ".")
    assert refused.code == 3 and "holds other files, such as" in refused.err
    assert not Path("catalogue.sqlite").exists()


def test_pictures_that_are_there_are_added_without_loading_a_captioner(
    photos: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Captioner, "load", pytest.fail)
    done = call(edit, "--library", "./lib", "--add", "photos")
    assert (done.code, done.out) == (0, "new 0  unchanged 3  failed 0\n")


def test_moved_folder_is_accepted_under_the_old_name_of_the_option_too(photos: Path, call: Call) -> None:
    photos.rename(photos.with_name("pictures"))
    refused = call(index, "pictures", "--library", "./lib")
    assert refused.code == 3 and "--relocate" in refused.err and "update(" not in refused.err
    done = call(index, "pictures", "--library", "./lib", "--moved")
    assert done.code == 0 and "--moved is now called --relocate" in done.err


def test_index_keeps_several_folders_and_patterns_and_fails_where_that_is_wanted(
    photos: Path, call: Call, tmp_path: Path
) -> None:
    shape(tmp_path / "scans" / "yellow.png", "yellow", "circle")
    shape(tmp_path / "scans" / "drafts" / "white.png", "yellow", "square")
    done = call(index, "photos", "scans", "--library", "./lib", "--exclude", "drafts/", "--exclude", "*.gif")
    assert done.out == "new 1  unchanged 3  changed 0  removed 0  failed 0\n"
    assert "Passed over: 1 folder left out by a pattern." in done.err
    (photos / "broken.jpg").write_bytes(b"no picture")
    quiet = ("--library", "./lib", "--quiet")
    assert call(index, *quiet).code == 0
    failed = call(index, *quiet, "--fail-on-error")
    assert (failed.code, failed.out) == (3, "new 0  unchanged 4  changed 0  removed 0  failed 1\n")
    assert failed.err.count("\n") == 1 and "broken.jpg" in failed.err
    (photos / "broken.jpg").unlink()
    assert call(index, *quiet, "--fail-on-error", "--exclude", "").out.startswith("new 1  unchanged 4")
    assert call(index, *quiet, "--drop-folder", "scans").out.startswith("new 0  unchanged 3")
    refused = call(index, "photos", "photos/..", "--library", "./lib")
    assert refused.code == 2 and "its pictures would be there twice" in refused.err
    assert call(index, "photos", "photos/..", "--library", "./new").code == 2
    assert call(index, "photos", "nowhere", "--library", "./new").code == 2 and not Path("new").exists()


@pytest.mark.skipif(os.name == "nt", reason="the system ends processes another way")
def test_index_follows_a_folder_until_the_system_ends_it(photos: Path, call: Call, tmp_path: Path) -> None:
    (photos / "broken.jpg").write_bytes(b"no picture")

    def change_and_end() -> None:
        with Library.open(tmp_path / "lib") as library:
            wait_until(lambda: bool(library.failures()))
            shape(photos / "new.png", "yellow", "square")
            wait_until(lambda: len(library) == 4)
            wait_until(lambda: not (library.path / "update.lock.owner").exists())
        time.sleep(0.5)  # until it has said so
        os.kill(os.getpid(), signal.SIGTERM)

    meanwhile = threading.Thread(target=change_and_end)
    meanwhile.start()
    done = call(index, "--library", "./lib", "--watch", "--json")
    meanwhile.join()
    first, second = map(json.loads, done.out.splitlines())
    assert (done.code, first["unchanged"], first["failed"], second["new"]) == (0, 3, 1, 1)
    assert done.err.count("broken.jpg") == 1 and f"Watching {photos}." in done.err
    assert call(index, "--library", "./lib", "--watch", "--limit", 2).code == 2
    assert call(index, "--library", "./lib", "--watch", "--every", 0).code == 2


def wait_until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not is_so() and time.monotonic() < end:
        time.sleep(0.05)


def test_caption_of_a_person_is_found_and_taken_away_again(photos: Path, call: Call) -> None:
    assert call(edit, "--library", "./lib", "red.png", OWN).out == f'picture red.png  caption "{OWN}"\n'
    found = json.loads(call(search, "--text", "tablecloth", "--library", "./lib", "--json").out)
    assert [hit["caption"] for hit in found["hits"]] == [OWN]
    reset = call(edit, "--library", "./lib", photos / "red.png", "--reset")
    assert (reset.code, reset.out) == (0, "picture red.png  your caption is taken away\n")
    assert call(search, "--text", "tablecloth", "--library", "./lib").code == 1


def test_a_captioner_is_asked_no_longer_once_it_is_dropped(photos: Path, call: Call) -> None:
    Path("caps.csv").write_text("path,caption\nred.png,a zeppelin\n")
    assert "new 1" in call(index, "--library", "./lib", "--captioner", "file:caps.csv").out
    dropped = call(index, "--library", "./lib", "--drop-captioner", "caps.csv")
    assert dropped.code == 0 and "caps.csv is asked no longer" in dropped.err
    assert "caps.csv" not in dropped.out
    assert call(search, "zeppelin", "--library", "./lib", "--mode", "jaccard").code == 1
    again = call(index, "--library", "./lib", "--drop-captioner", "caps.csv")
    assert again.code == 2 and "no captions by caps.csv" in again.err


def test_what_is_no_library_names_those_beside_it(photos: Path, call: Call, tmp_path: Path) -> None:
    assert call(info, "--library", "./lob").err.startswith(
        "There is no library in lob (catalogue.sqlite is missing). Beside it: lib. Check its name"
    )


@pytest.mark.parametrize("typed", [("http://127.0.0.1:1/x.jpg",), ("--image", "HTTPS://127.0.0.1:1/x.jpg")])
def test_a_web_address_is_named_as_it_was_typed(call: Call, typed: tuple[str, ...]) -> None:
    refused = call(search, *typed)
    assert refused.code == 2 and refused.err.startswith(f"{typed[-1]} is a web address, which ")


def test_without_a_name_the_library_that_was_indexed_last_is_meant(
    photos: Path, call: Call, tmp_path: Path
) -> None:
    by_path = call(info)
    assert (by_path.code, "In the library lib;" in by_path.err) == (0, True), by_path
    assert call(move, tmp_path / "data/libraries/mine", "--library", "./lib").code == 0
    assert call(edit, "red.png", OWN).out == f'picture red.png  caption "{OWN}"\n'
    for command, *arguments in (
        (verify,),
        (info,),
        (prune,),
        (export, "--out", "captions.csv"),
        (import_captions, "captions.csv"),
        (backup, "--to", "copy.zip"),
    ):
        done = call(command, *arguments)
        assert (done.code, "In the library mine;" in done.err) == (0, True), done
    assert call(rename, "yours").code == 2, "what is called otherwise afterwards has to be named"
    far = tmp_path / "far/there"
    assert call(move, far, "--library", "mine").code == 0
    assert f"In the library {far};" in call(info).err, "also where it was moved to a path"
    shutil.rmtree(far)
    assert "There is no library yet." in call(info).err


def test_pictures_are_added_and_removed_by_hand(photos: Path, call: Call, tmp_path: Path) -> None:
    assert call(edit, "--library", "./lib", "--remove", "red.png", "--json").out == '{"removed": 1}\n'
    assert "excluded 1" in call(index, "--library", "./lib").out
    shutil.copy(photos / "red.png", tmp_path / "elsewhere.png")
    done = call(edit, "--library", "./lib", "--add", tmp_path / "elsewhere.png")
    assert (done.code, done.out) == (0, "new 1  unchanged 0  failed 0\n")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((), "Give a picture and its caption"),
        (("red.png",), "Give the caption in quotes"),
        (("red.png", "words", "--reset"), "or --reset"),
        (("red.png", "words", "--remove", "blue.png"), "Give a picture and its caption"),
        (("red.png", "!"), "holds no word"),
    ],
)
def test_half_an_edit_says_what_is_missing(
    photos: Path, call: Call, arguments: tuple[str, ...], reason: str
) -> None:
    done = call(edit, "--library", "./lib", *arguments)
    assert (done.code, done.out) == (2, "") and reason in done.err


def test_verify_prints_what_is_wrong_and_ends_with_3(photos: Path, call: Call, tmp_path: Path) -> None:
    whole = call(verify, "--library", "./lib")
    assert (whole.code, whole.out) == (0, "lib is whole: 3 pictures.\n")
    (file,) = (tmp_path / "lib").glob("features-*.f16")
    content = bytearray(file.read_bytes())
    content[7] ^= 4
    file.write_bytes(content)
    (photos / "red.png").unlink()
    found = call(verify, "--library", "./lib", "--json")
    problems = json.loads(found.out)["problems"]
    assert found.code == 3 and len(problems) == 2
    assert "the features are not those that were written" in problems[0]
    assert "red.png is not there any more" in problems[1]


def test_a_query_in_the_language_is_answered_refused_or_said_to_find_nothing(
    photos: Path, call: Call
) -> None:
    def asked(*words: object) -> Ended:
        return call(search, *words, "--library", "./lib", "--paths")

    colours = {name: asked(name).out for name in ("red", "green", "blue")}
    assert all(colours.values())
    assert asked("circle", "-red").out.count("\n") < asked("circle").out.count("\n")
    assert asked("under:.").out.count("\n") == 3 == asked("--under", photos).out.count("\n")
    unknown = asked("xyzzy")
    assert (unknown.code, unknown.out) == (1, "") and "No picture here shows 'xyzzy'." in unknown.err
    assert asked("circel").err.endswith("No picture here shows 'circel'. Did you mean 'circle'?\n")
    elsewhere = asked("circle", "--since", "2019")
    assert elsewhere.code == 1 and "when it was taken" in elsewhere.err
    for typed, sentence in {
        ("a (circle",): "There is no ) for this (.\n    a (circle\n      ^\n",
        ("-red",): "The query names only what shall not be seen.",
        ("red>1.5",): "1.5 is no probability",
        ("red", "--since", "soon"): "'soon' is no date",
        ("red", "--min-probability", "1.5"): "from 0 to 1",
        ("",): "The query is empty.",
    }.items():
        refused = asked(*typed)
        assert refused.code == 2 and sentence in refused.err and "Traceback" not in refused.err, typed


def test_words_of_a_library_and_of_one_picture_are_shown(
    photos: Path, call: Call, lexical_head: Path, tmp_path: Path
) -> None:
    predicting = call(predict_words, "--library", "./lib", "--head", lexical_head)
    assert predicting.code == 0 and "not calibrated: captionret calibrate --library" in predicting.err
    assert call(edit, "--library", "./lib", "red.png", "a zeppelin").code == 0
    shown = call(words, "--library", "./lib", "--all")
    assert shown.code == 0 and "zeppelin" in shown.out and "3 pictures show" in shown.out
    counted = json.loads(call(words, "--library", "./lib", "--rare", "--json").out)
    assert {"word": "zeppelin", "pictures": 1} in counted["words"] and counted["pictures"] == 3
    for name in ("red.png", photos / "red.png"):
        word, *predicted = json.loads(call(words, "--library", "./lib", "--of", name, "--json").out)["words"]
        assert (word["word"], word["in_captions"], word["head"]) == ("zeppelin", True, 0.0)
        assert word["probability"] > 0.9 and not word["classes"] and predicted
    of_green = call(words, "--library", "./lib", "--of", "green.png").out
    assert "lexical head" in of_green and "green" in of_green
    missing = call(words, "--library", "./lib", "--of", "nowhere.png")
    assert missing.code == 3 and "no picture of the library" in missing.err
    assert call(words, "--library", "./lib", "--top", 0).code == 2
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(words, "library_words", lambda _: [])
        none = call(words, "--library", "./lib")
    assert (none.code, none.out) == (1, "") and "Of 3 pictures none shows a word" in none.err


def test_whatever_captions_a_picture_predicts_its_words_too(
    photos: Path, call: Call, lexical_head: Path, tmp_path: Path
) -> None:
    assert call(predict_words, "--library", "./lib", "--head", lexical_head).code == 0

    def unpredicted() -> int:
        with Library.open(tmp_path / "lib") as library:
            return library.without_word_probabilities()

    shape(photos / "new.png", "yellow", "square")
    assert call(index, "--library", "./lib").out.startswith("new 1") and unpredicted() == 0
    shape(tmp_path / "elsewhere.png", "red", "square")
    assert call(edit, "--library", "./lib", "--add", "elsewhere.png").code == 0 and unpredicted() == 0
    shape(photos / "more.png", "green", "square")
    assert index_job(tmp_path / "lib", "cpu") == "1 new." and unpredicted() == 0
    shape(photos / "last.png", "blue", "square")
    with writing(tmp_path / "lib", PREDICT):
        busy = call(index, "--library", "./lib")
    assert busy.out.startswith("new 1") and "The first search predicts the words" in busy.err
    assert unpredicted() == 1
    assert call(index, "--library", "./lib").out.startswith("new 0") and unpredicted() == 0


def test_an_encoder_is_kept_with_the_library_and_asked_by_mode_clip(
    photos: Path, call: Call, tmp_path: Path
) -> None:
    spec = shapes_encoder.register()
    assert call(index, photos, "--library", "./lib", "--encoder", spec).code == 0
    found = json.loads(call(search, "a blue circle", "--library", "./lib", "--mode", "clip", "--json").out)
    assert Path(found["hits"][0]["path"]).name == "blue.png"
    other = call(search, "red", "--library", "./lib", "--mode", "clip", "--encoder", spec)
    assert other.code == 0
    done = call(encode, "--checkpoint", spec, "--images", "photos", "--out", "vectors.npy")
    assert done.code == 0 and np.load(tmp_path / "vectors.npy").shape == (3, 4)
    wrong = call(search, "red", "--library", "./lib", "--mode", "clip", "--encoder", "shape:here")
    assert wrong.code == 3


def test_a_library_is_looked_after_by_commands_that_can_be_tried_dry(
    photos: Path, call: Call, tmp_path: Path
) -> None:
    (photos / "red.png").unlink()
    assert call(index, "--library", "./lib").code == 0
    shown = call(info, "--library", "./lib").out
    assert f"folder      {photos}" in shown and "tiny: 2 pictures" in shown and "features" in shown
    assert json.loads(call(info, "--library", "./lib", "--json", "--dry-run").out)["pictures"] == 2
    assert "1 feature of pictures that are gone" in call(prune, "--library", "./lib", "--dry-run").out
    assert "given back." in call(prune, "--library", "./lib").out
    assert call(prune, "--library", "./lib").out == "Nothing to be given back.\n"
    assert json.loads(call(prune, "--library", "./lib", "--json").out)["pruned"] == []
    assert "would have" in call(backup, "--library", "./lib", "--dry-run").out
    assert not list(tmp_path.glob("*.zip"))
    odd = call(backup, "--library", "./lib", "--to", "lib.tar", "--dry-run")
    assert odd.code == 2 and "ends with .tar" in odd.err
    assert call(backup, "--library", "./lib").code == 0
    (archive,) = tmp_path.glob("lib-2*.zip")
    again = call(backup, "--library", "./lib", "--to", archive)
    assert again.code == 2 and "is there already" in again.err
    assert call(rename, "--library", "./lib", "other", "--dry-run").out.startswith("lib would be other")
    assert call(rename, "--library", "./lib", "other").code == 0
    assert call(rename, "--library", "./other", "../else").code == 2
    (tmp_path / "deep").mkdir()
    moved = json.loads(call(move, "--library", "./other", "deep", "--json").out)
    assert moved["place"] == str(tmp_path / "deep" / "other")
    assert call(move, "--library", "./other", "deep").code == 3
    assert call(search, "blue", "--library", "deep/other", "--mode", "jaccard").code == 0
    assert call(index, "--library", "deep/other").out.startswith("new 0  unchanged 2")
