"""Pictures that are cut, hostile, or none at all: each is one BadImage that names its file, never zeros, a
crash or a hang."""

import io
import os
import random
import re
import socket
import stat
import struct
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, features

from captionret.errors import BadImage
from captionret.images import (
    MAX_PIXELS,
    as_pictures,
    decoded_batches,
    find_images,
    load_views,
    open_image,
    opening,
)


def encoded(kind: str, size: tuple[int, int] = (31, 24), **options: object) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def refused(path: Path | str, said: str | None = None) -> str:
    """Both ways in refuse the file, naming it; returns the message."""
    with pytest.raises(BadImage, match=said) as one:
        open_image(path)
    with pytest.raises(BadImage, match=said) as other:
        load_views(path, 16)
    assert str(path) in str(one.value) and str(path) in str(other.value)
    return str(other.value)


KINDS = [
    "JPEG",
    "PNG",
    "WEBP",
    "BMP",
    "GIF",
    "TIFF",
    "PPM",
    "JPEG2000",
    *(["AVIF"] if features.check("avif") else []),
]


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("kind", KINDS)
def test_a_truncated_picture_is_refused_not_filled_up(tmp_path: Path, kind: str, share: float) -> None:
    content = encoded(kind)
    path = tmp_path / "cut.jpg"
    path.write_bytes(content[: int(len(content) * share)])
    refused(path, "Replace it with a whole copy, or leave it out")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"a shopping list\n",
        b"\x00" * 1000,
        b"%PDF-1.7",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n",
    ],
)
def test_another_kind_of_file_under_a_pictures_name_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.jpg").write_bytes(content)
    refused(tmp_path / "x.jpg")


def test_a_picture_under_another_kinds_name_is_read_by_its_content(tmp_path: Path) -> None:
    (tmp_path / "x.jpg").write_bytes(encoded("PNG"))
    assert open_image(tmp_path / "x.jpg").size == (31, 24)


TURNED = Image.Exif()
TURNED[0x0112] = 6


def png_that_claims(width: int, height: int) -> bytes:
    """A 1-bit PNG of that size, its pixels all missing."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        )

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("height", [MAX_PIXELS // 10_000 + 1, 2 * MAX_PIXELS // 10_000 - 1, 100_000_000])
def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(tmp_path: Path, height: int) -> None:
    (tmp_path / "bomb.png").write_bytes(png_that_claims(10_000, height))
    refused(tmp_path / "bomb.png", "more than 250,000,000 pixels. Scale it down first")


def test_the_limit_itself_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "MAX_PIXELS", 31 * 24)
    assert open_image(encoded("PNG")).size == (31, 24)
    monkeypatch.setattr(opening, "MAX_PIXELS", 31 * 24 - 1)
    with pytest.raises(BadImage, match="pixels"):
        open_image(encoded("PNG"))


def test_a_file_of_a_hundred_gigabytes_is_refused_without_reading_it(tmp_path: Path) -> None:
    with open(tmp_path / "sparse.jpg", "wb") as file:
        file.truncate(100_000_000_000)
    tracemalloc.start()
    refused(tmp_path / "sparse.jpg", "larger than 500 MB. Scale the picture down first")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000_000


def test_a_file_that_grows_while_it_is_read_is_bounded_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.png").write_bytes(encoded("PNG"))
    monkeypatch.setattr(opening, "MAX_BYTES", 100)
    empty = os.stat_result((stat.S_IFREG, *[0] * 9))
    monkeypatch.setattr(os, "fstat", lambda _: empty)
    refused(tmp_path / "a.png", "larger than")
    with pytest.raises(BadImage, match="larger than"):
        as_pictures(io.BytesIO(encoded("PNG")))


@pytest.mark.parametrize(
    ("kind", "mode", "options", "each"),
    [
        ("PNG", "RGB", {}, 4),
        ("PNG", "I;16", {}, 6),
        ("PNG", "RGBA", {}, 8),
        ("PNG", "L", {}, 5),
        ("JPEG2000", "RGB", {}, 20),
        ("JPEG", "RGB", {"progressive": True}, 10),
        (
            "JPEG",
            "RGB",
            {"exif": TURNED},
            8,
        ),
    ],
)
def test_a_picture_that_takes_more_memory_than_allowed_is_refused_before_it_is_decoded(
    monkeypatch: pytest.MonkeyPatch, kind: str, mode: str, options: dict[str, object], each: int
) -> None:
    file = io.BytesIO()
    Image.new(mode, (40, 30)).save(file, kind, **options)
    monkeypatch.setattr(opening, "MAX_MEMORY", each * 40 * 30)
    assert open_image(file.getvalue()).size in ((40, 30), (30, 40))
    monkeypatch.setattr(opening, "MAX_MEMORY", each * 40 * 30 - 1)
    monkeypatch.setattr(opening.Opened, "load", lambda header: pytest.fail("it was decoded"))
    with pytest.raises(BadImage, match=r"GB of memory to decode.*Scale it down first"):
        open_image(file.getvalue())


def test_sixteen_bits_are_converted_piece_by_piece() -> None:
    file = io.BytesIO()
    Image.new("I;16", (4000, 4000), 40_000).save(file, "PNG")
    tracemalloc.start()
    image = open_image(file.getvalue())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert image.getpixel((3999, 3999)) == (156, 156, 156)
    assert peak < 4 * 4000 * 4000 + 100_000_000, "arrays of 64-bit numbers for a few rows only"


def test_a_text_chunk_that_unpacks_to_gigabytes_is_refused(tmp_path: Path) -> None:
    content = encoded("PNG")
    text = b"Comment\0\0" + zlib.compress(b"x" * 80_000_000, 9)
    chunk = struct.pack(">I", len(text)) + b"zTXt" + text + struct.pack(">I", zlib.crc32(b"zTXt" + text))
    (tmp_path / "text.png").write_bytes(content[:33] + chunk + content[33:])
    refused(tmp_path / "text.png")


def test_a_pipe_a_device_a_folder_and_a_socket_are_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "device.jpg").symlink_to("/dev/zero")
    for name in ("pipe.jpg", "folder.jpg", "device.jpg"):
        refused(tmp_path / name, "not a regular file")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s.jpg"))
        refused(tmp_path / "s.jpg")


def test_a_file_that_vanished_and_links_to_nowhere_are_refused(tmp_path: Path) -> None:
    (tmp_path / "dangling.jpg").symlink_to(tmp_path / "nothing.jpg")
    (tmp_path / "loop.jpg").symlink_to(tmp_path / "loop.jpg")
    refused(tmp_path / "gone.jpg", "does not exist. Check the path")
    refused(tmp_path / "dangling.jpg", "does not exist")
    refused(tmp_path / "loop.jpg")


def test_a_file_that_may_not_be_read_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "closed.jpg").write_bytes(encoded("JPEG"))
    real = os.open

    def guarded(path: Any, *arguments: int) -> int:
        if str(path).endswith("closed.jpg"):
            raise PermissionError(13, "Permission denied")
        return real(path, *arguments)

    monkeypatch.setattr(os, "open", guarded)
    refused(tmp_path / "closed.jpg", "permission denied.*Change its permissions")


@pytest.mark.parametrize(
    "name",
    [
        "Grüße 犬 😀.jpg",
        "new\nline.jpg",
        " blank .jpg",
        "-rf.jpg",
        "quote'\".jpg",
        os.fsdecode(b"not utf-8 \xff.jpg"),
        "%s{0}.jpg",
    ],
)
def test_any_name_a_file_can_have_is_read(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(encoded("JPEG"))
    [found] = find_images(tmp_path)
    assert found == tmp_path / name
    assert load_views(found, 16)[1].shape == (1, 16, 16, 3)
    (tmp_path / name).write_bytes(b"broken")
    refused(found, re.escape(name))


def test_a_name_no_file_can_have_is_refused() -> None:
    refused("a\0b.jpg")
    refused("x" * 5000 + ".jpg")


def test_a_damaged_picture_is_read_as_rgb_or_refused_and_nothing_else() -> None:
    """A thousand damaged files, some cut, some with changed bytes: no other exception comes out of the
    reader."""
    chance = random.Random(0)
    tags = Image.Exif()
    tags[0x0112], tags[0x010F] = 6, "maker"
    outcomes = {"read": 0, "refused": 0}
    for kind in KINDS:
        more: dict[str, Any] = {"exif": tags} if kind in ("JPEG", "PNG", "WEBP", "TIFF", "AVIF") else {}
        whole = encoded(kind, **more)
        for trial in range(120):
            damaged = bytearray(whole)
            if trial % 5 == 0:
                damaged = damaged[: chance.randrange(len(damaged))]
            else:
                for _ in range(chance.choice([1, 2, 8])):
                    damaged[chance.randrange(len(damaged) if trial % 2 else min(len(damaged), 300))] = (
                        chance.randrange(256)
                    )
            try:
                assert open_image(bytes(damaged), at_least=10).mode == "RGB"
                outcomes["read"] += 1
            except BadImage:
                outcomes["refused"] += 1
    assert min(outcomes.values()) > 100, outcomes


def test_bad_pictures_never_stop_a_run(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "0.jpg")
    (tmp_path / "1.jpg").write_bytes(png_that_claims(30_000, 30_000))
    (tmp_path / "2.jpg").write_bytes(encoded("JPEG")[:200])
    (tmp_path / "3.jpg").write_bytes(encoded("JPEG"))
    [batch] = decoded_batches(sorted(tmp_path.iterdir()), 16, 8)
    assert [path.name for path in batch.paths] == ["3.jpg"]
    assert [Path(failure.path).name for failure in batch.failures] == ["0.jpg", "1.jpg", "2.jpg"]
    assert batch.pixels.std() > 10, "what was read is a picture, not zeros"
