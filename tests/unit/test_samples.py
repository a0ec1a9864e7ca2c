"""The sample gallery: real photographs from installed packages, copied once, never half."""

from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest
from PIL import Image

from captionret.datasets import samples
from captionret.datasets.samples import PICTURES, sample_gallery
from captionret.errors import BadDataset, NoSpace
from captionret.images import find_images

NAMES = sorted(name for names in PICTURES.values() for name in names.values())


def test_gallery_holds_every_photograph_and_each_can_be_read(tmp_path: Path) -> None:
    folder = sample_gallery(tmp_path / "samples")
    found = list(find_images(folder))
    assert sorted(path.name for path in found) == NAMES
    assert len(set(NAMES)) == len(NAMES) >= 10
    for path in found:
        with Image.open(path) as image:
            image.load()
            assert min(image.size) >= 300


def test_second_call_copies_nothing(tmp_path: Path) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in sample_gallery(tmp_path).iterdir()}
    assert {path.name: path.stat().st_mtime_ns for path in sample_gallery(tmp_path).iterdir()} == before


def test_deleted_photograph_comes_back(tmp_path: Path) -> None:
    (sample_gallery(tmp_path) / "cat.png").unlink()
    assert (sample_gallery(tmp_path) / "cat.png").stat().st_size > 100_000


@pytest.mark.parametrize("spec", [None, ModuleSpec("skimage", None, origin="/nowhere/skimage/__init__.py")])
def test_package_without_its_photographs_is_a_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: ModuleSpec | None
) -> None:
    monkeypatch.setattr(samples, "find_spec", lambda package: spec)
    with pytest.raises(
        BadDataset, match=r"astronaut\.png is not in the package skimage\. Install the requirements again\."
    ):
        sample_gallery(tmp_path)


def test_full_disk_leaves_no_half_photograph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(NoSpace, match=r"astronaut\.png"):
        sample_gallery(tmp_path)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    assert len(list(sample_gallery(tmp_path).iterdir())) == len(NAMES)
