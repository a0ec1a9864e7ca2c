"""Frames of videos: one every few seconds, captioned as pictures, found with their time, gone with them."""

import json
import shutil
import threading
import time
from functools import partial
from pathlib import Path

import pytest
from mean_colour import MeanColour
from PIL import Image
from typed import Call

from captionret.app.curating import video_frames
from captionret.app.curating.video_frames import bring_frames, remembered_seconds
from captionret.app.curating.watching import Watcher
from captionret.cli import search as search_command
from captionret.errors import BadImage, BadSetting
from captionret.images.videos import frames_of
from captionret.library import Library

av = pytest.importorskip("av")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of red, then three of blue, with a keyframe each second."""
    file = tmp_path_factory.mktemp("videos") / "clip.mp4"
    with av.open(str(file), "w") as container:
        container.metadata["creation_time"] = "2019-06-01T23:59:58Z"
        stream = container.add_stream("mpeg4", rate=5)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        stream.codec_context.gop_size = 5
        for number in range(25):
            image = Image.new("RGB", (96, 64), "red" if number < 10 else "blue")
            container.mux(stream.encode(av.VideoFrame.from_image(image)))
        container.mux(stream.encode())
    return file


@pytest.fixture
def library(tmp_path: Path, clip: Path) -> Library:
    root = tmp_path / "photos"
    (root / "trip").mkdir(parents=True)
    shutil.copy(clip, root / "trip" / "clip.mp4")
    Image.new("RGB", (16, 16), "green").save(root / "green.png")
    return Library.create(tmp_path / "library", root)


def names(library: Library) -> list[str]:
    library.update(captioner=MeanColour(), progress=False)
    return sorted(Path(path).name for path in library.gallery().paths)


def test_frames_are_keyframes_some_seconds_apart(clip: Path) -> None:
    found = list(frames_of(clip, 2))
    assert [frame.seconds for frame in found] == [0, 2, 4]
    red, blue = (frame.image.getpixel((48, 32)) for frame in found[:2])
    assert isinstance(red, tuple) and isinstance(blue, tuple)
    assert red[0] > 200 > 60 > red[2] and blue[2] > 200 > 60 > blue[0]
    assert str(found[1].taken) == "2019-06-02 00:00:00+00:00"


def test_frames_are_captioned_and_found_with_their_time(library: Library, call: Call) -> None:
    assert remembered_seconds(library) is None
    done = bring_frames(library, 2, progress=False)
    assert (done.videos, done.read, done.failures, remembered_seconds(library)) == (1, 1, [], 2)
    assert names(library) == ["0h00m00s.jpg", "0h00m02s.jpg", "0h00m04s.jpg", "green.png"]
    typed = (
        "blue",
        "since:2019-06-02",
        "--library",
        library.path,
        "--mode",
        "jaccard",
        "--json",
        "--top",
        "1",
    )
    (hit,) = json.loads(call(search_command, *typed).out)["hits"]
    assert hit["video"] == str(library.root / "trip" / "clip.mp4") and hit["seconds"] in (2, 4)
    assert list(library.root.rglob("*.jpg")) == [], "nothing is written beside the videos"


def test_only_what_is_new_or_changed_is_read_again(library: Library, clip: Path) -> None:
    bring_frames(library, 2, progress=False)
    assert bring_frames(library, 2, progress=False).read == 0
    assert bring_frames(library, 1, progress=False).read == 1
    assert len(names(library)) == 6
    shutil.copy(clip, library.root / "other.mp4")
    assert bring_frames(library, 1, progress=False).read == 1
    (library.root / "trip" / "clip.mp4").write_bytes(clip.read_bytes() + b" ")
    assert bring_frames(library, 1, progress=False).read == 1
    assert len(names(library)) == 6, "equal frames are one picture"


def test_frames_go_with_their_video_and_when_they_are_not_wanted(library: Library) -> None:
    bring_frames(library, 2, progress=False)
    assert len(names(library)) == 4
    (library.root / "trip" / "clip.mp4").rename(library.root / "trip" / ".hidden.mp4")
    assert bring_frames(library, 2, progress=False).videos == 0
    assert names(library) == ["green.png"]
    (library.root / "trip" / ".hidden.mp4").rename(library.root / "again.mp4")
    bring_frames(library, 2, progress=False)
    assert len(names(library)) == 4
    bring_frames(library, 0, progress=False)
    assert names(library) == ["green.png"] and not (library.path / "frames").exists()
    assert remembered_seconds(library) is None


def test_damaged_video_is_named_and_the_others_are_read(library: Library) -> None:
    (library.root / "bad.mov").write_bytes(b"no video at all")
    (library.root / "left-out.mp4").write_bytes(b"")
    library.ignore(["left-*"])
    for read in (2, 0):
        done = bring_frames(library, 2, progress=False)
        assert (done.videos, done.read, len(done.failures)) == (2, read, 1)
        assert "bad.mov cannot be decoded" in done.failures[0].reason
    with pytest.raises(BadImage, match="cannot be decoded"):
        list(frames_of(library.root / "green.png.mp4", 1))


def test_without_pyav_it_is_said_what_to_install(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("captionret.images.videos.find_spec", lambda _: None)
    with pytest.raises(BadSetting, match=r"captionret\[video\]"):
        bring_frames(library, 2)
    for wrong in (-1, float("nan")):
        with pytest.raises(BadSetting, match="apart"):
            bring_frames(library, wrong)


def test_a_moved_library_takes_its_frames_along(library: Library, tmp_path: Path) -> None:
    bring_frames(library, 2, progress=False)
    assert len(names(library)) == 4
    library.close()
    library.path.rename(tmp_path / "moved")
    with Library.open(tmp_path / "moved") as moved:
        assert video_frames.bring_frames(moved, 2, progress=False).read == 0
        assert len(names(moved)) == 4
        assert moved.folders[1:] == (tmp_path / "moved" / "frames",)


def test_a_watched_folder_takes_frames_of_videos_as_they_come_and_go(library: Library, clip: Path) -> None:
    stop = threading.Event()
    watcher = Watcher(
        library,
        lambda changed: library.update(captioner=MeanColour(), changed=changed, progress=False),
        bring_frames=partial(bring_frames, library, 2, progress=False),
        quiet=0.05,
        retry=0.1,
    )
    bring_frames(library, 2, progress=False)
    following = threading.Thread(target=watcher.run, args=(stop,))
    following.start()

    def until(files: int, videos: int) -> None:
        end = time.monotonic() + 20
        facts = library.path / "frames" / "videos.json"
        while (
            len(library.gallery()) != files or len(json.loads(facts.read_text("utf-8"))["videos"]) != videos
        ):
            assert time.monotonic() < end, library.gallery().paths
            time.sleep(0.02)

    try:
        until(4, 1)
        (library.root / "journey").mkdir()
        shutil.copy(clip, library.root / "journey" / "other.mp4")
        until(4, 2)  # equal frames are one picture
        (library.root / "trip" / "clip.mp4").unlink()
        until(4, 1)
        shutil.rmtree(library.root / "journey")
        until(1, 0)
        shutil.copy(clip, library.root / "late.mov")
        until(4, 1)
    finally:
        stop.set()
        following.join(20)
    assert not library.failures() and library.verify() == []
