"""Pictures that are there more than once: grouped, the best one named, shown as one hit, never deleted."""

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from mean_colour import MeanColour
from PIL import Image, ImageEnhance, ImageOps
from typed import Call

from captionret.app.curating import duplicates
from captionret.app.curating.duplicates import DuplicateGroup, find_duplicates
from captionret.app.query.answering import grouped
from captionret.app.searching import search
from captionret.cli import duplicates as command
from captionret.cli import search as search_command
from captionret.errors import BadSetting
from captionret.images import hashes
from captionret.library import Library

DATE, SIZE = 0x9003, (320, 240)


def scene(seed: int) -> Image.Image:
    """A smooth picture of its own, with some grain."""
    chosen = np.random.default_rng(seed)
    smooth = Image.fromarray(chosen.integers(0, 255, (6, 8, 3), np.uint8)).resize(
        SIZE, Image.Resampling.BICUBIC
    )
    grain = chosen.integers(-12, 12, (SIZE[1], SIZE[0], 1))
    return Image.fromarray(np.clip(np.asarray(smooth, np.int16) + grain, 0, 255).astype(np.uint8))


def save(image: Image.Image, path: Path, taken: str = "", camera: str = "Canon", quality: int = 90) -> Path:
    exif = Image.Exif()
    if taken:
        exif[0x010F] = camera
        exif.get_ifd(0x8769)[DATE] = taken
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, "JPEG", quality=quality, exif=exif)
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of two scenes with copies, a burst, and pictures that are none of it."""
    folder = tmp_path_factory.mktemp("duplicates")
    root = folder / "photos"
    lake = scene(1)
    save(lake, root / "lake.jpg", "2019:06:01 12:00:00")
    shutil.copy(root / "lake.jpg", root / "z-same.jpg")
    save(lake.resize((160, 120)), root / "a" / "small.jpg")
    save(lake, root / "a" / "coarse.jpg", quality=30)
    save(ImageEnhance.Brightness(lake).enhance(1.1), root / "bright.jpg", quality=30)
    save(ImageOps.mirror(lake), root / "mirrored.jpg")
    shutil.copy(save(scene(2), root / "b" / "one.jpg"), root / "b" / "two.jpg")
    for second, seed in ((0, 10), (1, 11), (3, 12), (9, 13)):
        save(scene(seed), root / "burst" / f"{second}.jpg", f"2019:07:01 10:00:0{second}")
    save(scene(14), root / "burst" / "other-camera.jpg", "2019:07:01 10:00:01", "Nikon")
    for shade in (0, 40):
        save(Image.new("RGB", SIZE, (220, shade, 0)), root / f"plain-{shade}.jpg")
    library = Library.create(folder / "library", root)
    library.update(captioner=MeanColour())
    library.close()
    return folder / "library"


@pytest.fixture
def library(made: Path) -> Library:
    return Library.open(made)


def paths(groups: Sequence[DuplicateGroup], kind: str) -> list[list[str]]:
    return [[one.path for one in group.pictures] for group in groups if group.kind == kind]


def test_copies_are_grouped_with_the_best_one_first(library: Library) -> None:
    groups = find_duplicates(library)
    (near,) = paths(groups, "near")
    assert near[:2] == ["lake.jpg", "z-same.jpg"] and near[-1] == "a/small.jpg"
    assert sorted(near[2:4]) == ["a/coarse.jpg", "bright.jpg"]
    assert paths(groups, "exact") == [["b/one.jpg", "b/two.jpg"]]
    best = groups[[one.kind for one in groups].index("near")].best
    assert (best.width, best.height, best.taken) == (320, 240, "2019-06-01T12:00:00")
    assert best.size == best.file.stat().st_size and best.sharpness > 0


def test_mirrored_copies_are_found_on_request(library: Library) -> None:
    assert "mirrored.jpg" not in paths(find_duplicates(library), "near")[0]
    assert "mirrored.jpg" in paths(find_duplicates(library, mirrored=True), "near")[0]


def test_burst_is_what_one_camera_took_within_moments(library: Library) -> None:
    def bursts(seconds: float) -> list[list[str]]:
        found = paths(find_duplicates(library, kinds=("burst",), burst_seconds=seconds), "burst")
        return [sorted(group) for group in found]

    assert bursts(1) == [["burst/0.jpg", "burst/1.jpg"]]
    assert bursts(2) == [["burst/0.jpg", "burst/1.jpg", "burst/3.jpg"]]
    assert bursts(0) == []
    for wrong in (-1, float("nan"), float("inf")):
        with pytest.raises(BadSetting, match="seconds"):
            bursts(wrong)


def test_perceptual_hashes_are_made_once(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Library.open(made) as library:
        first = find_duplicates(library)
    monkeypatch.setattr(hashes, "hash_of_pixels", lambda _: pytest.fail("a hash was made again"))
    with Library.open(made) as library:
        assert find_duplicates(library) == first
        assert library.verify() == []


def test_library_without_features_goes_by_the_hashes_alone(tmp_path: Path, made: Path) -> None:
    library = Library.create(tmp_path / "library", made.parent / "photos")
    library.update(captioner=MeanColour(dim=0))
    (near,) = paths(find_duplicates(library), "near")
    assert {"lake.jpg", "a/small.jpg", "a/coarse.jpg", "bright.jpg"} <= set(near)


def test_copies_that_cannot_be_read_any_more_are_no_copies(tmp_path: Path) -> None:
    root = tmp_path / "photos"
    for name in ("1.jpg", "2.jpg", "3.jpg"):
        save(scene(1), root / name, quality=90 if name == "1.jpg" else 60 + int(name[0]))
    library = Library.create(tmp_path / "library", root)
    library.update(captioner=MeanColour())
    (root / "2.jpg").write_bytes(b"no picture")
    (root / "3.jpg").unlink()
    assert find_duplicates(library) == []
    empty = Library.create(tmp_path / "empty", root)
    assert find_duplicates(empty) == []


def test_of_equal_resolutions_the_sharper_is_better(tmp_path: Path) -> None:
    sharp = duplicates.measured("a.jpg", save(scene(1), tmp_path / "a.jpg"))
    blurred = scene(1).resize((80, 60)).resize(SIZE)
    soft = duplicates.measured("b.jpg", save(blurred, tmp_path / "b.jpg", quality=100))
    assert sharp.sharpness > 2 * soft.sharpness > 0
    assert duplicates.measured("gone", tmp_path / "gone") == duplicates.Copy("gone", tmp_path / "gone")


def test_of_equal_files_the_oldest_is_best_then_the_one_of_the_shortest_name(tmp_path: Path) -> None:
    root = tmp_path / "photos"
    first = save(scene(1), root / "lake.jpg")
    for name in ("a copy.jpg", "b/lake (1).jpg", "later.jpg"):
        (root / name).parent.mkdir(exist_ok=True)
        shutil.copy(first, root / name)
        os.utime(root / name, (2000, 2000.5 if "later" not in name else 3000))
    os.utime(first, (2000, 2000))
    with Library.create(tmp_path / "library", root) as library:
        library.update(captioner=MeanColour())
        (exact,) = find_duplicates(library, kinds=("exact",))
    names = ["lake.jpg", "a copy.jpg", "b/lake (1).jpg", "later.jpg"]
    assert [one.path for one in exact.pictures] == names


def test_unknown_kind_is_refused(library: Library) -> None:
    with pytest.raises(BadSetting, match="'alike'"):
        find_duplicates(library, kinds=("alike",))  # type: ignore[arg-type]


def test_search_shows_one_of_alike_pictures(library: Library) -> None:
    every = search(library, text="picture", mode="jaccard", top=None)
    one = search(library, text="picture", mode="jaccard", top=None, collapse=True)
    lake = {"lake.jpg", "a/small.jpg", "a/coarse.jpg", "bright.jpg"}
    shown = [hit for hit in one if hit.path in lake]
    assert len(every) - len(one) == 3 and len(shown) == 1
    assert {shown[0].path, *shown[0].alike} == {*lake, "z-same.jpg"}
    assert [hit.rank for hit in one] == list(range(1, len(one) + 1))
    for top in (1, 2, 5):
        some = search(library, text="picture", mode="jaccard", top=top, collapse=True)
        assert [hit.path for hit in some] == [hit.path for hit in one][:top]


def test_hits_are_sorted_and_grouped_by_date(library: Library) -> None:
    dated = search(library, text="since:2019", mode="jaccard", top=3, sort="date")
    assert [hit.path for hit in dated] == ["lake.jpg", "burst/0.jpg", "burst/1.jpg"]
    assert dated[0].taken == "2019-06-01T12:00:00"
    words = search(library, text="picture", mode="jaccard", top=None, sort="date")
    best = search(library, text="picture", mode="jaccard", top=None)
    assert [hit.rank for hit in best] == sorted(hit.rank for hit in words) and words[-1].taken is None
    days = grouped(words, "day")
    assert [name for name, _ in days] == ["2019-06-01", "2019-07-01", "no date"] and len(days[1][1]) == 5
    folders = dict(grouped(best, "folder"))
    assert sorted(folders) == [".", "a", "b", "burst"] and len(folders["burst"]) == 5
    with pytest.raises(BadSetting, match="'size'"):
        search(library, text="picture", sort="size")  # type: ignore[arg-type]


def test_command_shows_groups_and_deletes_nothing(call: Call, made: Path, tmp_path: Path) -> None:
    before = sorted(made.parent.rglob("photos/**/*"))
    page = tmp_path / "page.html"
    shown = call(command, "--library", made, "--html", page)
    assert shown.code == 0 and "3 groups of 10 files" in shown.out and "Nothing was deleted." in shown.out
    assert "best" in shown.out and "320 x 240" in shown.out
    assert " kB" in shown.out and "MB" not in shown.out
    assert page.read_text("utf-8").count("<article") == 10
    answer = json.loads(call(command, "--library", made, "--json", "--kind", "exact").out)
    group, lake = answer["groups"]
    root = made.parent / "photos"
    assert group["best"]["path"] == str(root / "b" / "one.jpg") and group["best"]["file"] == "b/one.jpg"
    assert [one["file"] for one in lake["others"]] == ["z-same.jpg"]
    listed = call(command, "--library", made, "--kind", "exact", "--paths").out
    assert listed == f"{root / 'b' / 'two.jpg'}\n{root / 'z-same.jpg'}\n"
    assert sorted(made.parent.rglob("photos/**/*")) == before
    nothing = call(command, "--library", made, "--kind", "burst", "--burst-seconds", "0")
    assert nothing.code == 1 and "No picture is there more than once." in nothing.out


def test_command_line_of_search_groups_and_collapses(call: Call, made: Path) -> None:
    typed = (search_command, "picture", "--library", made, "--mode", "jaccard", "--top", "20", "--collapse")
    lines = call(*typed, "--sort", "date", "--group", "day").out.splitlines()
    assert lines[1] == "2019-07-01" and "burst/0.jpg" in lines[2]
    assert any("(+4)" in line for line in lines[lines.index("no date") :])
    hits = json.loads(call(*typed, "--group", "folder", "--json").out)["hits"]
    assert {hit["group"] for hit in hits} == {".", "a", "b", "burst"}
    (lake,) = [hit for hit in hits if hit["alike"]]
    assert len(lake["alike"]) == 4 and all(Path(one).is_file() for one in lake["alike"])
