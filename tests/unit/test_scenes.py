"""The built-in data set: what it shows, what it says, and that its folder can be trusted."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from captionret.datasets import open_dataset, scenes
from captionret.datasets.scenes import COUNT, MANIFEST, SECOND, THINGS, Scene, draw_scene, plan
from captionret.datasets.scenes.pen import COLOURS
from captionret.datasets.scenes.words import PLURALS, describe
from captionret.errors import BadDataset, BadSetting
from captionret.text import Vocabulary, word_set

EVERY_KIND = [
    Scene(name, colour, place)
    for name, thing in THINGS.items()
    for colour in thing.colours
    for place in thing.places
]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture
def small(tmp_path: Path) -> tuple[Path, str]:
    folder = tmp_path / "drawn"
    return folder, f"scenes:{folder},count=20"


def test_same_seed_draws_the_same_picture_and_says_the_same() -> None:
    scene = Scene("boat", "red", "sea", "two", "large", "lighthouse")
    first, labels, captions = draw_scene(scene, rng(3))
    again = draw_scene(scene, rng(3))
    assert first.tobytes() == again[0].tobytes() and (labels, captions) == again[1:]
    assert first.tobytes() != draw_scene(scene, rng(4))[0].tobytes()


@pytest.mark.parametrize("name", THINGS)
def test_every_thing_shows_its_colour_clearly(name: str) -> None:
    for scene in (scene for scene in EVERY_KIND if scene.thing == name):
        pixels = np.asarray(draw_scene(scene, rng(1))[0], dtype=float)
        assert pixels.shape == (256, 256, 3)
        unit = np.array(COLOURS[scene.colour]) / np.linalg.norm(COLOURS[scene.colour])
        length = np.linalg.norm(pixels, axis=2)
        same_hue = (pixels @ unit) / np.maximum(length, 1) > 0.98
        near = same_hue & (np.abs(length - np.linalg.norm(COLOURS[scene.colour])) < 110)
        assert near.mean() > 0.03, scene


def test_several_things_and_a_second_one_are_drawn_in_every_place() -> None:
    for place, seconds in SECOND.items():
        scene = next(scene for scene in EVERY_KIND if scene.place == place)
        alone = draw_scene(Scene(scene.thing, scene.colour, place), rng(2))[0]
        for second in seconds:
            picture, labels, _ = draw_scene(
                Scene(scene.thing, scene.colour, place, "three", "small", second), rng(2)
            )
            assert picture.tobytes() != alone.tobytes()
            assert labels == (scene.thing, scene.colour, place, "three", "small", second)


def test_every_caption_says_the_object_and_its_colour_in_its_own_way() -> None:
    for index, scene in enumerate(EVERY_KIND):
        for number in ("one", "two", "three"):
            shown = Scene(scene.thing, scene.colour, scene.place, number, second=SECOND[scene.place][0])
            captions = describe(shown, "evening", rng(index))
            noun = scene.thing if number == "one" else PLURALS.get(scene.thing, f"{scene.thing}s")
            assert len(set(captions)) == 5
            assert all({noun, scene.colour} <= word_set(caption) for caption in captions)
            assert number == "one" or all(number in word_set(caption) for caption in captions)


def test_articles_and_plurals_are_right() -> None:
    said = " ".join(
        caption for index, scene in enumerate(EVERY_KIND) for caption in describe(scene, "day", rng(index))
    ).lower()
    assert " a orange" not in said and "an orange" in said
    several = " ".join(describe(Scene("butterfly", "blue", "meadow", "two"), "day", rng())).lower()
    assert "butterflies fly" in several and "there is" not in several and "here is" not in several


@pytest.mark.parametrize(("seed", "count"), [(1, COUNT), (7, 600), (3, 20)])
def test_every_query_has_a_right_answer_in_its_gallery(seed: int, count: int) -> None:
    drawn = plan(seed, count)
    assert len(drawn) == count
    for split in ("val", "test"):
        shown = Counter(scene.labels for name, scene in drawn if name == split)
        assert shown and min(shown.values()) >= (4 if split == "test" else 2)


def test_what_is_tested_was_trained_as_often_as_anything_else() -> None:
    drawn = plan(scenes.SEED, COUNT)
    counts = {
        split: Counter(scene.labels[:2] for name, scene in drawn if name == split)
        for split in ("train", "val", "test")
    }
    assert len(counts["train"]) == sum(len(thing.colours) for thing in THINGS.values())
    assert (
        set(counts["train"].values()) == {14}
        and set(counts["test"].values()) == {4}
        and set(counts["val"].values()) == {2}
    )


def test_every_word_is_frequent_enough_to_be_learned() -> None:
    said = [
        caption
        for index, (split, scene) in enumerate(plan(scenes.SEED, COUNT))
        if split == "train" and index < 400
        for caption in describe(scene, ("day", "morning", "evening", "cloudy")[index % 4], rng(index))
    ]
    assert 100 <= len(Vocabulary.build(said, min_count=1)) <= 200
    assert len(Vocabulary.build(said, min_count=4)) == len(Vocabulary.build(said, min_count=1))


def test_the_set_is_drawn_once_and_then_read(
    small: tuple[Path, str], capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    folder, spec = small
    caplog.set_level("INFO")
    first = open_dataset(spec)
    out, err = capsys.readouterr()
    assert out == err == "", "a bar is drawn on a terminal only"
    assert f"Drew 20 scenes into {folder}." in caplog.text
    times = {item.path: item.path.stat().st_mtime_ns for item in first.items if item.path}
    again = open_dataset(spec)
    assert again == first and times == {path: path.stat().st_mtime_ns for path in times}
    assert capsys.readouterr().err == ""
    assert first.splits() == {"train": 14, "val": 2, "test": 4} and first.notes == ()
    assert all(len(item.captions) == 5 and len(item.labels) >= 5 for item in first.items)
    for item in first.items:
        assert item.path
        with Image.open(item.path) as picture:
            assert picture.size == (256, 256) and picture.mode == "RGB"


def test_default_folder_is_keyed_by_version_seed_and_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    dataset = open_dataset("scenes:seed=7,count=20")
    assert (tmp_path / "data" / "scenes" / f"v{scenes.VERSION}-seed7-count20" / MANIFEST).exists()
    assert dataset.items[0].captions != open_dataset("scenes:seed=8,count=20").items[0].captions


def test_interrupted_drawing_stops_at_once_and_is_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, spec = tmp_path / "drawn", f"scenes:{tmp_path / 'drawn'},count=100"
    drawn = []

    def interrupted(scene: Scene, generator: np.random.Generator) -> Any:
        drawn.append(scene)
        if len(drawn) == 5:
            raise KeyboardInterrupt
        return draw_scene(scene, generator)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(scenes, "draw_scene", interrupted)
        open_dataset(spec)
    assert not (folder / MANIFEST).exists() and len(drawn) < 50
    dataset = open_dataset(spec)
    assert len(dataset.items) == 100 and "unfinished" in dataset.notes[0]


def damage_picture(folder: Path) -> None:
    picture = next((folder / "pictures").glob("test-*"))
    picture.write_bytes(picture.read_bytes()[:-100])


def remove_picture(folder: Path) -> None:
    next((folder / "pictures").glob("train-*")).unlink()


def cut_manifest(folder: Path) -> None:
    (folder / MANIFEST).write_text((folder / MANIFEST).read_text()[:500])


def point_outside(folder: Path) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["pictures"][0]["file"] = "../../somewhere.jpg"
    (folder / MANIFEST).write_text(json.dumps(manifest))


@pytest.mark.parametrize("harm", [damage_picture, remove_picture, cut_manifest, point_outside])
def test_damaged_folder_is_drawn_again_and_says_so(
    small: tuple[Path, str], harm: Callable[[Path], None]
) -> None:
    folder, spec = small
    whole = open_dataset(spec)
    harm(folder)
    mended = open_dataset(spec)
    assert mended.items == whole.items and "damaged" in mended.notes[0] and str(folder) in mended.notes[0]
    assert open_dataset(spec).notes == ()


def test_set_of_an_older_version_is_drawn_again(
    small: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, spec = small
    open_dataset(spec)
    monkeypatch.setattr(scenes, "VERSION", scenes.VERSION + 1)
    assert "another set" in open_dataset(spec).notes[0]
    assert json.loads((folder / MANIFEST).read_text())["order"]["version"] == scenes.VERSION


def test_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").write_bytes(b"mine")
    with pytest.raises(BadDataset, match=r"holiday\.jpg"):
        open_dataset(f"scenes:{tmp_path}")
    assert [path.name for path in tmp_path.iterdir()] == ["holiday.jpg"]


@pytest.mark.parametrize("settings", ["count=4", "count=many", "seeds=3", "seed=-1"])
def test_settings_that_cannot_be_drawn_are_named(settings: str) -> None:
    with pytest.raises(BadSetting, match=settings.partition("=")[0]):
        open_dataset(f"scenes:{settings}")
