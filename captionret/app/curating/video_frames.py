"""Frames of the videos in a library's folders: written into the library, which takes them as any pictures.

frames/clip.mp4 1a2b3c4d/0h01m12s.jpg stands for the moment 1:12 of a video clip.mp4. A video that is new or
changed is read by the next run, frames of one that is gone are deleted; videos themselves are never changed.
"""

import hashlib
import logging
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from ...errors import BadImage, BadLibrary, BadSetting
from ...files import no_space_named, publish_json, read_json
from ...images.videos import Frame, check_pyav, frames_of, video_files
from ...library import Library
from ...progress import bar
from ...records import Failure

log = logging.getLogger(__name__)

FOLDER, _FACTS = "frames", "videos.json"
_QUALITY = 90  # of JPEG
_NAME = re.compile(r"(\d+)h(\d\d)m(\d\d)s\.jpg")


@dataclass(slots=True)
class FrameReport:
    """videos: how many there are; read: those of which frames were made now; failures: those that cannot be
    read"""

    videos: int = 0
    read: int = 0
    failures: list[Failure] = field(default_factory=list)


def remembered_seconds(library: Library) -> float | None:
    """Every how many seconds the last run took a frame; None where none did."""
    return _read(library.path / FOLDER).get("every")


def moments(library: Path, files: Iterable[Path]) -> dict[Path, tuple[Path, int]]:
    """Of those files that are frames the video of each, and how many seconds after its start it was taken."""
    folder = library / FOLDER
    of = {place: Path(facts["video"]) for place, facts in _read(folder).get("videos", {}).items()}
    found = {}
    for file in files:
        name = _NAME.fullmatch(file.name)
        if name and file.parent.parent == folder and file.parent.name in of:
            hours, minutes, seconds = map(int, name.groups())
            found[file] = of[file.parent.name], 3600 * hours + 60 * minutes + seconds
    return found


def bring_frames(library: Library, every: float, progress: bool | None = None) -> FrameReport:
    """Write the frames of what is new, delete those of what is gone; the next update captions them.

    every:  seconds from one frame to the next; another number than before: all anew; 0: no frames any more
    errors: BadSetting where PyAV is not installed; NoSpace
    """
    if not 0 <= every < float("inf"):
        raise BadSetting(f"Frames cannot be {every:g} seconds apart. Give a number, or 0 for none.")
    folder = library.path / FOLDER
    for one in library.folders[1:]:
        if one.name == FOLDER and one != folder and not one.exists():
            library.drop_folder(one)  # the library was moved
    if not every:
        if folder.exists():
            shutil.rmtree(folder)
            if folder in library.folders[1:]:
                library.drop_folder(folder)
        return FrameReport()
    check_pyav()
    folder.mkdir(exist_ok=True)
    with no_space_named(folder):
        return _Frames(library, folder, every).bring(progress)


class _Frames:
    def __init__(self, library: Library, folder: Path, every: float) -> None:
        self._library, self._folder, self._every = library, folder, every
        known = _read(folder)
        self._known: dict[str, Any] = known.get("videos", {}) if known.get("every") == every else {}

    def bring(self, progress: bool | None) -> FrameReport:
        found = {str(place): video for place, video in self._videos()}
        report = FrameReport(len(found))
        for gone in self._folder.iterdir():
            if gone.name != _FACTS and gone.name not in found:
                shutil.rmtree(gone, ignore_errors=True)
        facts: dict[str, Any] = {}
        with bar(list(found.items()), unit="video", desc="frames", show=progress) as shown:
            for place, video in shown:
                facts[place] = self._of(place, video, report)
                if facts[place] and "problem" in facts[place]:
                    report.failures.append(Failure(str(video), facts[place]["problem"]))
        publish_json(self._folder / _FACTS, {"every": self._every, "videos": facts})
        there, known = any(map(Path.is_dir, self._folder.iterdir())), self._folder in self._library.folders
        if there and not known:
            self._library.add_folder(self._folder)
        elif known and not there:  # else it would be taken for a disk that is not mounted
            self._library.drop_folder(self._folder)
        return report

    def _videos(self) -> Iterator[tuple[str, Path]]:
        """Each with the name of its folder of frames: its own, and what tells it from others of that name."""
        for root in self._library.folders:
            if root == self._folder or not root.is_dir():
                continue
            for video in video_files(root, self._library.ignored):
                inner = video.relative_to(root).as_posix()
                mark = hashlib.sha256(f"{root}\0{inner}".encode(errors="surrogateescape")).hexdigest()[:8]
                yield f"{video.name} {mark}", video

    def _of(self, place: str, video: Path, report: FrameReport) -> dict[str, Any]:
        """What is known of a video now; its frames are written if they are not there."""
        try:
            stamp = [video.stat().st_size, video.stat().st_mtime_ns]
        except OSError as error:
            problem = f"{video} cannot be read ({error.strerror}). Check its permissions."
            return {"problem": problem, "video": str(video)}
        before = self._known.get(place)
        folder = self._folder / place
        if before and before.get("stamp") == stamp and ("problem" in before or folder.is_dir()):
            return dict(before)
        shutil.rmtree(folder, ignore_errors=True)
        report.read += 1
        unfinished = self._folder / ".unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        try:
            for frame in frames_of(video, self._every):
                _write(frame, unfinished)
            unfinished.rename(folder)
        except BadImage as error:
            log.warning(error.message)
            return {"stamp": stamp, "problem": error.message, "video": str(video)}
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
        return {"stamp": stamp, "video": str(video)}


def _write(frame: Frame, folder: Path) -> None:
    minutes, seconds = divmod(round(frame.seconds), 60)
    hours, minutes = divmod(minutes, 60)
    exif = Image.Exif()
    if frame.taken is not None:
        stamp = frame.taken.strftime("%Y:%m:%d %H:%M:%S")
        exif.get_ifd(0x8769).update({0x9003: stamp, 0x9011: "+00:00"})
    name = f"{hours}h{minutes:02d}m{seconds:02d}s.jpg"
    frame.image.save(folder / name, "JPEG", quality=_QUALITY, exif=exif)


def _read(folder: Path) -> dict[str, Any]:
    """What is known of the frames that are there; nothing where that cannot be read."""
    try:
        found = read_json(folder / _FACTS, BadLibrary)
    except BadLibrary:
        return {}
    return found if isinstance(found, dict) and isinstance(found.get("videos"), dict) else {}
