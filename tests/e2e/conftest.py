"""What the tests of the project's own pages share: a folder in which everything that they show can be run."""

import json
import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pages import ROOT, Listed, Typed
from PIL import Image
from typed import Ended

from captionret.cli.main import dispatch
from captionret.cli.running import run
from captionret.datasets.samples import sample_gallery
from captionret.datasets.scenes import draw_scene, plan


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh clone's look-alike: the code, the shipped checkpoints, a home with photographs, and small data
    sets. Tests may add to it."""
    folder = tmp_path_factory.mktemp("sandbox")
    for name in ("captionret", "pyproject.toml", "setup.py", "download.sh", "Makefile", *_requirements()):
        (folder / name).symlink_to(ROOT / name)
    (folder / "checkpoints").mkdir()
    for name in ("photos-lite", "photos-space", "words-lite"):
        (folder / "checkpoints" / name).symlink_to(ROOT / "checkpoints" / name)
    sample_gallery(folder / "home/Pictures")
    with Image.open(folder / "home/Pictures/motorcycle-left.png") as photograph:
        for name, size in (("q.jpg", (600, 400)), ("more.jpg", (500, 400)), ("less.jpg", (400, 400))):
            photograph.convert("RGB").resize(size).save(folder / name)
    (folder / "home/Scans").mkdir()
    shutil.copy(folder / "q.jpg", folder / "home/Scans/album.jpg")
    _write_data_sets(folder)
    return folder


@pytest.fixture
def typed(sandbox: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    """Run `captionret` in the sandbox with these words, in this process: most of the time would else go into
    importing torch."""
    monkeypatch.chdir(sandbox)
    monkeypatch.setenv("HOME", str(sandbox / "home"))
    monkeypatch.setenv("USERPROFILE", str(sandbox / "home"))
    monkeypatch.delenv("CAPTIONRET_HOME", raising=False)

    def type_words(words: list[str]) -> Ended:
        capsys.readouterr()
        try:
            code = run(lambda _: dispatch(words))
        except SystemExit as usage:  # argparse's own way out
            code = int(str(usage.code))
        return Ended(code, *capsys.readouterr())

    return type_words


@pytest.fixture
def listed(typed: Typed, capsys: pytest.CaptureFixture[str]) -> Iterator[Listed]:
    """Run a listing in the sandbox as a program, in this process as `typed` does; what it prints."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level

    def run_listing(code: str) -> str:
        capsys.readouterr()
        exec(compile(code, "listing", "exec"), {"__name__": "__main__"})
        return capsys.readouterr().out

    yield run_listing
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def photos(sandbox: Path, typed: Typed) -> Path:
    """The library "photos" that the pages begin with, as it was made, and no other."""
    libraries, made = sandbox / "data/libraries", sandbox / "data/made"
    if not made.exists():
        done = typed(["index", str(sandbox / "home/Pictures"), "--library", "photos"])
        assert done.code == 0, done.err
        shutil.copytree(libraries / "photos", made)
    shutil.rmtree(libraries)
    shutil.copytree(made, libraries / "photos")
    return libraries / "photos"


def _requirements() -> list[str]:
    return [path.name for path in ROOT.glob("requirements*.txt")]


def _write_data_sets(folder: Path) -> None:
    """28 drawn pictures in the layouts of Flickr8k and COCO, and as a table."""
    flickr, text = folder / "data/flickr8k/Flicker8k_Dataset", folder / "data/flickr8k/Flickr8k_text"
    coco, notes = folder / "data/coco", folder / "data/coco/annotations"
    for made in (flickr, text, coco / "train2014", coco / "val2014", notes):
        made.mkdir(parents=True)
    names: dict[str, list[str]] = {"train": [], "dev": [], "test": []}
    tokens, table = [], ["image,caption"]
    records: dict[str, dict[str, list[dict[str, object]]]] = {
        part: {"images": [], "annotations": []} for part in ("train", "val")
    }
    scenes = plan(3, 106)
    for number, (_, scene) in enumerate(scenes[:: len(scenes) // 28][:28]):
        picture, _, captions = draw_scene(scene, np.random.default_rng(number))
        split = "train" if number < 20 else "dev" if number < 24 else "test"
        name, part = f"{number:04}.jpg", "train" if split == "train" else "val"
        picture.save(flickr / name)
        shutil.copy(flickr / name, coco / f"{part}2014" / name)
        names[split].append(name)
        records[part]["images"].append({"id": number, "file_name": name})
        for index, caption in enumerate(captions):
            tokens.append(f"{name}#{index}\t{caption}")
            table.append(f'data/flickr8k/Flicker8k_Dataset/{name},"{caption}"')
            records[part]["annotations"].append(
                {"id": 10 * number + index, "image_id": number, "caption": caption}
            )
    (text / "Flickr8k.token.txt").write_text("\n".join(tokens) + "\n")
    for split, listed in names.items():
        (text / f"Flickr_8k.{split}Images.txt").write_text("\n".join(listed) + "\n")
    for part, record in records.items():
        (notes / f"captions_{part}2014.json").write_text(json.dumps(record))
    (folder / "captions.csv").write_text("\n".join(table) + "\n")
