"""Frames of videos, through PyAV, which is an extra: whole pictures (keyframes), one every few seconds."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from ..errors import BadImage, BadSetting
from .folders import EXTENSIONS, rules_of

if TYPE_CHECKING:
    from collections.abc import Sequence

VIDEOS = frozenset(".mp4 .mov .m4v .avi .mkv .webm .3gp .mts .m2ts .wmv .mpg .mpeg .ogv .flv".split())
MOST_FRAMES = 1000  # of a video; of longer ones fewer a minute
assert not VIDEOS & EXTENSIONS


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a video.

    seconds: from its start; taken: when, in UTC, where the video says when it was recorded
    """

    seconds: float
    image: Image.Image
    taken: datetime | None


def is_video(name: str) -> bool:
    """Whether a file is taken for a video, by its name.

    >>> is_video("trip/CLIP.MP4"), is_video(".CLIP.MP4"), is_video("clip.txt")
    (True, False, False)
    """
    name = os.path.basename(name)
    return os.path.splitext(name)[1].lower() in VIDEOS and not name.startswith(".")


def check_pyav() -> None:
    """BadSetting where PyAV is not installed."""
    if find_spec("av") is None:
        raise BadSetting("Frames of videos need PyAV. Install it: pip install 'captionret[video]'.")


def video_files(root: Path, patterns: "Sequence[str]" = ()) -> Iterator[Path]:
    """Every video below a folder, in a fixed order, but for what `find_images` passes over."""
    for folder, folders, names in os.walk(root):
        folders.sort()
        rules = rules_of(root, folder, patterns)
        if rules is None:
            folders.clear()
            continue
        for name in sorted(names):
            file = os.path.join(folder, name)
            if is_video(name) and not rules.leave_out(file):
                yield Path(file)


def frames_of(video: Path, every: float) -> Iterator[Frame]:
    """Its keyframes, each at least `every` seconds after the one before, upright.

    errors: BadImage for what holds no pictures that can be decoded
    """
    import av

    try:
        with av.open(str(video)) as container:
            if not container.streams.video:
                raise BadImage(f"{video} holds no pictures. Leave it out.")
            stream = container.streams.video[0]
            stream.codec_context.skip_frame = "NONKEY"
            length = (container.duration or 0) / av.time_base
            every, following = max(every, length / MOST_FRAMES), 0.0
            recorded = _recorded(container.metadata)
            for frame in container.decode(stream):
                seconds = float(frame.time or 0)
                if seconds < following:
                    continue
                following = seconds + every
                image: Image.Image = frame.to_image()  # type: ignore[no-untyped-call]
                image = image.rotate(frame.rotation, expand=True)
                yield Frame(seconds, image, recorded and recorded + timedelta(seconds=seconds))
    except (av.FFmpegError, ValueError, MemoryError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadImage(f"{video} cannot be decoded ({reason}). Replace it with a whole copy.") from None


def _recorded(metadata: dict[str, str]) -> datetime | None:
    try:
        found = datetime.fromisoformat(metadata.get("creation_time", ""))
    except ValueError:
        return None
    return found if found.year > 1971 else None  # cameras without a clock note 1904 or 1970
