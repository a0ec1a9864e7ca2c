"""Formats that few pictures have: RAW photographs by the JPEG inside or developed, JPEG XL by a plug-in."""

import builtins
import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mean_colour import Colours, MeanColour, made_library
from PIL import Image

from captionret import Searcher
from captionret.errors import BadImage
from captionret.images import find_images, open_image, read_facts
from captionret.images.raw import developed
from captionret.library import Library
from captionret.records import PictureFacts
from captionret.web.adding import Uploads
from captionret.web.settings import Settings
from captionret.web.shelf import Shelved

SIZES = {1: "B", 3: "H", 4: "I"}


def jpeg(colour: str, size: tuple[int, int], **options: Any) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "JPEG", **options)
    return file.getvalue()


def tiff(tags: dict[int, tuple[int, tuple[Any, ...] | bytes]], data: bytes) -> bytes:
    """A TIFF of one strip, as DNG and NEF are; 273 is where it lies."""
    start = 8 + 2 + 12 * len(tags) + 4
    entries, further = b"", b""
    sizes = {tag: len(_packed(kind, values)) for tag, (kind, values) in tags.items()}
    strip = start + sum(size for size in sizes.values() if size > 4)
    for tag, (kind, values) in sorted(tags.items()):
        held = struct.pack("<I", strip) if tag == 273 else _packed(kind, values)
        count = len(values) // (2 if kind in (5, 10) else 1)
        entries += struct.pack("<HHI", tag, kind, count)
        entries += held.ljust(4, b"\0") if len(held) <= 4 else struct.pack("<I", start + len(further))
        further += held if len(held) > 4 else b""
    head = b"II*\0" + struct.pack("<IH", 8, len(tags))
    return head + entries + b"\0\0\0\0" + further + data


def _packed(kind: int, values: tuple[Any, ...] | bytes) -> bytes:
    if isinstance(values, bytes):
        return values
    return struct.pack(f"<{len(values)}{SIZES.get(kind, 'i')}", *values)


def camera_file(inside: bytes, pixels: np.ndarray | None = None) -> bytes:
    """A RAW file: a sensor's values under coloured filters, and a JPEG of them behind."""
    sensor = np.zeros((8, 8), np.uint16) if pixels is None else pixels
    height, width = sensor.shape
    data = sensor.astype("<u2").tobytes()
    one = (1, 1)
    tags: dict[int, tuple[int, tuple[Any, ...] | bytes]] = {
        **{256: (4, (width,)), 257: (4, (height,)), 258: (3, (16,)), 259: (3, (1,)), 262: (3, (32803,))},
        **{271: (2, b"Maker\0"), 272: (2, b"Model 1\0"), 273: (4, (0,)), 274: (3, (6,)), 277: (3, (1,))},
        **{278: (4, (height,)), 279: (4, (len(data),)), 306: (2, b"2019:06:01 12:30:00\0")},
        **{33421: (3, (2, 2)), 33422: (1, (0, 1, 1, 2)), 50706: (1, (1, 4, 0, 0)), 50708: (2, b"Maker 1\0")},
        **{50721: (10, (*one, 0, 1, 0, 1, 0, 1, *one, 0, 1, 0, 1, 0, 1, *one)), 50728: (5, one * 3)},
        **{50717: (4, (65535,)), 50778: (3, (21,))},
    }
    return tiff(tags, data + inside)


@pytest.mark.parametrize("name", ["a.NEF", "a.dng", "a.cr2", "a.ARW"])
def test_raw_photograph_is_the_largest_jpeg_inside_it_upright(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_bytes(
        camera_file(jpeg("red", (160, 120)) + jpeg("blue", (480, 320)) + jpeg("red", (300, 210)))
    )
    image = open_image(file)
    assert image.size == (320, 480), "as the RAW file's own EXIF turns it"
    red, _, blue = image.getpixel((9, 9))  # type: ignore[misc]
    assert blue > 200 and red < 60
    facts = PictureFacts(320, 480, "2019-06-01T12:30:00", "Maker Model 1", orientation=6)
    assert read_facts(file) == facts
    assert list(find_images(tmp_path)) == [file]


def test_what_the_jpeg_inside_says_goes_before_what_is_around_it(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x0110] = 1, "Model 2"
    (tmp_path / "a.nef").write_bytes(camera_file(jpeg("blue", (480, 320), exif=exif)))
    facts = read_facts(tmp_path / "a.nef")
    assert (facts.width, facts.height, facts.camera) == (480, 320, "Maker Model 2")
    (tmp_path / "a.raf").write_bytes(b"FUJIFILM" + jpeg("blue", (480, 320), exif=exif))
    assert read_facts(tmp_path / "a.raf").camera == "Model 2"


def test_lossless_jpegs_of_sensors_are_no_pictures() -> None:
    shown = jpeg("blue", (480, 320))
    lossless = bytearray(jpeg("red", (4000, 3000)))
    lossless[lossless.index(b"\xff\xc0") + 1] = 0xC3
    assert developed(bytes(lossless) + shown, "a.cr2") == shown
    assert developed(b"\xff\xd8\xff\xe1\0\0" + b"\xff\xd8\xff\xff" + shown, "a.cr2") == shown


def test_raw_photograph_without_a_jpeg_is_developed(tmp_path: Path) -> None:
    pytest.importorskip("rawpy")
    sensor = np.full((320, 480), 3000, np.uint16)
    sensor[0::2, 0::2] = 60000
    (tmp_path / "a.dng").write_bytes(camera_file(jpeg("blue", (160, 120)), sensor))
    image = open_image(tmp_path / "a.dng")
    assert image.size == (160, 240)
    assert np.asarray(image).mean((0, 1)).argmax() == 0
    (tmp_path / "b.dng").write_bytes(b"II*\0 no photograph")
    with pytest.raises(BadImage, match=r"b\.dng cannot be developed \("):
        open_image(tmp_path / "b.dng")


def test_without_rawpy_a_raw_photograph_without_a_jpeg_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def none(name: str, *others: Any, **more: Any) -> Any:
        if name == "rawpy":
            raise ImportError(name)
        return real(name, *others, **more)

    monkeypatch.setattr(builtins, "__import__", none)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.dng").write_bytes(camera_file(b""))
    (tmp_path / "photos" / "b.nef").write_bytes(camera_file(jpeg("blue", (480, 320))))
    library = Library.create(tmp_path / "library", tmp_path / "photos")
    report = library.update(captioner=MeanColour())
    assert report.new == 1 and report.failed == 1
    assert "without a JPEG inside" in report.failures[0].reason and "rawpy" in report.failures[0].reason


def test_jpeg_xl_is_read_where_its_plug_in_is(tmp_path: Path) -> None:
    pytest.importorskip("pillow_jxl")
    exif = Image.Exif()
    exif[0x0110], exif[0x0112] = "EOS", 1
    Image.new("RGB", (60, 40), "blue").save(tmp_path / "a.jxl", exif=exif.tobytes())
    assert open_image(tmp_path / "a.jxl").size == (60, 40)
    assert read_facts(tmp_path / "a.jxl").camera == "EOS"
    assert list(find_images(tmp_path)) == [tmp_path / "a.jxl"]
    (tmp_path / "b.jxl").write_bytes((tmp_path / "a.jxl").read_bytes()[:40])
    with pytest.raises(BadImage, match=r"b\.jxl"):
        open_image(tmp_path / "b.jxl")


def test_a_raw_photograph_that_is_dropped_on_the_page_stays_one(tmp_path: Path) -> None:
    content = camera_file(jpeg("blue", (480, 320)))
    with made_library(tmp_path, {"red.png": "red"}) as library:
        shelved = Shelved("photos", Searcher(library, captioner=MeanColour(), predictor=Colours()))
        sha256 = Uploads(Settings(uploads="added")).take(shelved, content, "IMG_1.NEF")
        (file,) = (library.root / "added").iterdir()
        assert file.name.startswith("IMG_1-") and file.suffix == ".nef" and file.read_bytes() == content
        assert library.captions(sha256)[0].text == "a plain blue picture"
