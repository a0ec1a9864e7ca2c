"""Where things lie, in a checkout and for an installed captionret, and what names mean."""

import json
import os
from pathlib import Path

import pytest
from mean_colour import MeanColour, picture

from captionret import Library, home
from captionret.app import places
from captionret.cli import backup, move, rename, search
from captionret.errors import BadCheckpoint, BadSetting


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The user's data folder, as if the package lay in site-packages and were started in no checkout."""
    packed = tmp_path / "site-packages" / "captionret" / "_checkpoints"
    for name in home.SHIPPED:
        checkpoint(packed / name)
    monkeypatch.setattr(home, "_PACKAGE", packed.parent)
    monkeypatch.setattr(home, "_PACKED", packed)
    monkeypatch.setattr("platformdirs.user_data_path", lambda *_, **__: tmp_path / "user")
    monkeypatch.delenv("CAPTIONRET_HOME", raising=False)
    (tmp_path / "somewhere").mkdir()
    monkeypatch.chdir(tmp_path / "somewhere")
    return tmp_path / "user"


def checkpoint(folder: Path, **facts: object) -> None:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(facts))


def test_a_checkout_keeps_everything_in_the_current_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CAPTIONRET_HOME", raising=False)
    assert home.data_folder("libraries") == Path("data/libraries")
    assert home.checkpoints_folder() == Path("checkpoints")
    assert places.find_library("photos") == Path("data/libraries/photos")


def test_an_installed_captionret_keeps_everything_in_the_users_data_folder(installed: Path) -> None:
    assert places.find_library("photos") == installed / "data/libraries/photos"
    assert home.checkpoints_folder() == installed / "checkpoints"
    assert home.shipped_checkpoint("photos-lite").is_dir()


def test_an_installed_captionret_in_a_checkout_uses_the_checkout(installed: Path) -> None:
    for name in ("captionret", "checkpoints"):
        Path(name).mkdir()
    for file in ("pyproject.toml", "captionret/home.py"):
        Path(file).touch()
    assert places.find_library("photos") == Path("data/libraries/photos")


def test_the_environment_names_another_home(
    installed: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CAPTIONRET_HOME", str(tmp_path / "mine"))
    assert places.find_library("photos") == tmp_path / "mine/data/libraries/photos"
    monkeypatch.setenv("CAPTIONRET_HOME", "~/mine")
    assert home.home() == Path(os.path.expanduser("~/mine"))


@pytest.mark.parametrize("path", ["./photos", "a/photos", "~/photos", "/photos"])
def test_what_looks_like_a_path_is_one(path: str) -> None:
    assert places.find_library(path) == Path(os.path.expanduser(path))


def test_a_library_in_the_current_folder_goes_before_the_named_one_and_where_both_are_it_is_said(
    installed: Path, caplog: pytest.LogCaptureFixture
) -> None:
    named = installed / "data/libraries/photos"
    Path("photos").mkdir()
    assert home.find_library("photos") == named, "a folder that is no library"
    (Path("photos") / "catalogue.sqlite").touch()
    assert home.find_library("photos") == Path("photos")
    assert not caplog.messages
    named.mkdir(parents=True)
    (named / "catalogue.sqlite").touch()
    assert [home.find_library("photos") for _ in range(2)] == [Path("photos")] * 2
    (said,) = caplog.messages
    assert str(Path("photos").absolute()) in said and str(named) in said
    assert home.find_library(str(named)) == named
    with pytest.raises(BadSetting, match="name is empty"):
        home.find_library("")


def test_commands_find_a_library_that_was_moved_into_the_current_folder(
    installed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture(Path("photos/red.png"), "red")
    with Library.create("holidays", Path("photos")) as made:
        made.update(captioner=MeanColour(), progress=False)
    assert move.main(["--library", "holidays", str(Path("holidays").absolute())]) == 0
    assert "Commands find it" not in capsys.readouterr().err, "it has the name that it had"
    assert not (installed / "data/libraries/holidays").exists()
    assert backup.main(["--library", "holidays", "--dry-run"]) == 0
    assert search.main(["--library", "holidays", "red", "--mode", "jaccard", "--paths"]) == 0
    assert "red.png" in capsys.readouterr().out
    for nothing in ("", " "):
        with pytest.raises(BadSetting, match="new name is empty"):
            rename.main(["--library", "holidays", nothing])
    assert rename.main(["--library", "holidays", "trips"]) == 0
    assert Path("trips/catalogue.sqlite").is_file()
    assert move.main(["--library", "trips", str(Path("elsewhere").absolute())]) == 0
    assert "Commands find it by --library elsewhere then." in capsys.readouterr().err


def test_a_checkpoint_is_found_by_name_from_any_folder(installed: Path) -> None:
    assert home.find_checkpoint("photos-space") == home.shipped_checkpoint("photos-space")
    checkpoint(installed / "checkpoints" / "photos-space")
    assert home.find_checkpoint("photos-space") == installed / "checkpoints/photos-space"
    checkpoint(Path("checkpoints/photos-space"))
    assert home.find_checkpoint("photos-space") == Path("checkpoints/photos-space")
    checkpoint(Path("photos-space"))
    assert home.find_checkpoint("photos-space") == Path("photos-space")


def test_a_folder_that_is_no_checkpoint_does_not_hide_one_of_its_name(installed: Path) -> None:
    Path("photos-lite").mkdir()
    assert home.find_checkpoint("photos-lite") == home.shipped_checkpoint("photos-lite")


def test_a_path_is_left_as_it_is(installed: Path) -> None:
    assert home.find_checkpoint("./gone") == Path("gone")
    assert home.find_checkpoint(Path("photos-lite")) == Path("photos-lite")


def test_a_checkpoint_that_is_nowhere_is_refused_with_where_was_looked(installed: Path) -> None:
    with pytest.raises(BadCheckpoint) as error:
        home.find_checkpoint("photos-lit")
    assert "There is no checkpoint 'photos-lit'. Did you mean 'photos-lite'?" in str(error.value)
    for folder in (Path("checkpoints").absolute(), installed / "checkpoints", home._PACKED):
        assert str(folder) in str(error.value)
    with pytest.raises(BadSetting, match="name is empty"):
        home.find_checkpoint("")


def test_shipped_checkpoint_that_is_missing_is_said_to_be(installed: Path) -> None:
    (home._PACKED / "words-lite" / "config.json").unlink()
    (home._PACKED / "words-lite").rmdir()
    with pytest.raises(BadCheckpoint, match=r"shipped checkpoint .*words-lite is missing"):
        home.find_checkpoint("words-lite")


def test_models_are_listed_with_their_kinds(installed: Path) -> None:
    checkpoint(Path("checkpoints/mine"), kind="embedding")
    checkpoint(installed / "checkpoints" / "head", config={"decoder": "words"})
    assert places.list_models() == {
        "head": "lexical",
        "mine": "embedding",
        **dict.fromkeys(home.SHIPPED, "captioner"),
    }
    assert places.list_models("embedding") == {"mine": "embedding"}


def test_the_shipped_models_are_a_captioner_a_space_and_a_lexical_head() -> None:
    found = places.list_models()
    assert [found[name] for name in home.SHIPPED] == ["captioner", "embedding", "lexical"]
