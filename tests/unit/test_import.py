"""Captions come back from what was exported, from other programs' tables, from sidecars and from pictures,
each under who made it, and nothing that a person wrote is lost."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from mean_colour import MeanColour, picture
from PIL import Image
from typed import Call

from captionret import Library
from captionret.app.loading.captioners import bring_up_to_date
from captionret.captioners.given_file import FileCaptioner
from captionret.cli import export as export_command
from captionret.cli import import_captions as import_command
from captionret.errors import BadDataset
from captionret.exchange import export, import_captions, import_embedded, import_sidecars
from captionret.images.opening import read_embedded
from captionret.images.xmp import Described, merged
from captionret.records import Caption, GivenCaptions

COLOURS = ("red", "green", "blue")


@pytest.fixture
def photos(tmp_path: Path) -> Library:
    for colour in COLOURS:
        picture(tmp_path / "photos" / "trip" / f"{colour}.png", colour)
    return captioned(tmp_path / "photos", tmp_path / "library", "mean-colour")


def captioned(root: Path, folder: Path, name: str) -> Library:
    library = Library.create(folder, root)
    library.update(captioner=MeanColour(name=name))
    return library


def what(library: Library) -> dict[str, list[tuple[str, list[tuple[str, tuple[str, ...], float | None]]]]]:
    return {
        one.path: [(by.name, [(c.text, c.tags, c.score) for c in by.captions]) for by in one.every]
        for one in library
    }


@pytest.mark.parametrize("form", ["parquet", "jsonl", "csv", "coco", "webdataset"])
def test_what_was_exported_comes_back_as_it_was(form: str, photos: Library, tmp_path: Path) -> None:
    photos.set_caption("trip/red.png", 'our "red" door, näher')
    given = [
        Caption("ein Bild", ("ein", "Bild"), -0.5, ("tag, one", "zwei"), 0.25),
        Caption("noch eins", ("noch",), 0),
    ]
    photos.add_captions("notes", [GivenCaptions("trip/blue.png", tuple(given))])
    export(photos, form, tmp_path / "out")
    other = captioned(photos.root, tmp_path / "other", "another")
    done = import_captions(other, tmp_path / "out")
    assert (done.own, done.known, {one.captioner for one in done.reports}) == (
        1,
        (),
        {"notes", "mean-colour"},
    )
    found = {
        path: [(name, captions) for name, captions in every if name != "another"]
        for path, every in what(other).items()
    }
    assert {path: sorted(every) for path, every in found.items()} == {
        path: sorted(every) for path, every in what(photos).items()
    }
    again = import_captions(other, tmp_path / "out")
    assert again.own == 0 and all(one.new == one.changed == 0 and one.unchanged for one in again.reports)
    assert import_captions(photos, tmp_path / "out").known == ("mean-colour",), "its own model is no file"


def test_a_persons_caption_is_never_overwritten(photos: Library, tmp_path: Path) -> None:
    photos.set_caption("trip/red.png", "first")
    export(photos, "jsonl", tmp_path / "out")
    photos.set_caption("trip/red.png", "second")
    assert import_captions(photos, tmp_path / "out").own == 0
    assert next(one.caption for one in photos if one.path == "trip/red.png") == "second"


def test_a_table_of_another_program_needs_a_path_and_a_caption(photos: Library, tmp_path: Path) -> None:
    table = tmp_path / "archive.csv"
    table.write_text("file,text\ntrip/red.png,the first day\ngone.png,nothing\nblue.png,by its name\n")
    (report,) = import_captions(photos, table).reports
    assert (report.captioner, report.new, report.unknown) == ("archive.csv", 2, 1)
    assert {one.caption for one in photos} == {"the first day", "by its name", "a plain green picture"}
    table.write_text("file,text\ntrip/red.png,the second day\n")
    (report,) = import_captions(photos, table).reports
    assert (report.changed, report.removed) == (1, 1), "what is no longer in the file goes"


def test_a_table_of_a_spreadsheet_may_have_semicolons(photos: Library, tmp_path: Path) -> None:
    (tmp_path / "sheet.csv").write_text(
        "\ufeffPath;Caption\r\ntrip/red.png;red, and round\r\n", encoding="utf-8"
    )
    (report,) = import_captions(photos, tmp_path / "sheet.csv").reports
    assert (report.new, next(one.caption for one in photos if one.path == "trip/red.png")) == (
        1,
        "red, and round",
    )


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.jsonl", b'\n{"path": ', "line 2"),
        ("a.jsonl", b'["a.png"]\n', "line 1"),
        ("a.jsonl", b'{"path": "a.png", "caption": "x", "score": "high"}', "line 1"),
        ("a.csv", b"path,caption\na.png\n", "line 2"),
        ("a.csv", "path,caption\na.png,Tür\n".encode("latin-1"), "UTF-8"),
        ("a.csv", b"", "is empty"),
        ("a.json", b'{"images": []}', "COCO"),
        ("a.json", b"[" * 100_000, "no JSON"),
        ("a.parquet", b"PAR1", "Parquet"),
        ("a.tar", b"nothing", "cannot be read"),
    ],
)
def test_a_file_that_is_none_is_named_with_the_place_and_nothing_changes(
    name: str, content: bytes, says: str, photos: Library, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    before = what(photos)
    with pytest.raises(BadDataset, match=says):
        import_captions(photos, tmp_path / name)
    assert what(photos) == before


def test_bad_records_are_named_and_the_others_are_taken(photos: Library, tmp_path: Path) -> None:
    bad = [
        "",
        "nothing",
        {"path": "trip/red.png"},
        {"caption": "x"},
        {"path": "trip/red.png", "caption": " \t"},
    ]
    bad += [{"path": "trip/red.png", "caption": "x", "score": "high"}, {"path": "trip/red.png", "caption": 7}]
    good = [
        {"path": "trip/red.png", "caption": "a\x00 red\x1b[31m\n <b>door</b>", "tags": "door, red"},
        {"path": "trip/blue.png", "caption": "word " * 10_000},
        {"path": "trip/blue.png", "caption": "\ud83d blue"},
    ]
    lines = [json.dumps(one) for one in (*bad[1:], *good)]
    (tmp_path / "a.jsonl").write_text("\n".join([*lines[:2], "{", *lines[2:]]))
    done = import_captions(photos, tmp_path / "a.jsonl")
    assert len(done.failures) == 8 and "line 3" in done.failures[2].reason
    assert "it has 50,000 characters" in done.failures[7].reason
    assert [(one.new, one.unknown) for one in done.reports] == [(2, 0)]
    found = what(photos)
    assert found["trip/red.png"][0] == ("a.jsonl", [("a red [31m door", ("door", "red"), None)])
    assert [text for text, *_ in found["trip/blue.png"][0][1]] == ["blue"]


def test_another_kind_of_file_and_an_empty_folder_are_refused(photos: Library, tmp_path: Path) -> None:
    with pytest.raises(BadDataset, match="parquet"):
        import_captions(photos, tmp_path / "captions.docx")
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadDataset, match="holds no captions"):
        import_captions(photos, tmp_path / "empty")


def test_what_was_exported_stays_as_it_was_written(photos: Library, tmp_path: Path) -> None:
    written = {"red": "<3 " + "very " * 70 + "much", "green": "**bold** &amp; __plain__"}
    photos.set_caption("trip/red.png", written["red"])
    photos.add_captions("notes", [GivenCaptions("trip/green.png", (Caption(written["green"], (), 0.0),))])
    export(photos, "jsonl", tmp_path / "out")
    other = captioned(photos.root, tmp_path / "other", "another")
    import_captions(other, tmp_path / "out")
    found = {one.path: one.caption for one in other}
    assert {name: found[f"trip/{name}.png"] for name in written} == written


def test_a_file_says_the_same_whether_it_is_imported_or_named_as_a_captioner(
    photos: Library, tmp_path: Path
) -> None:
    row = {"PATH": "trip/red.png", "captions": ["a door", "red"], "keywords": ["Bella"], "hash": "an MD5"}
    (tmp_path / "a.json").write_text(json.dumps([row | {"path": row["PATH"]}, 7]), encoding="utf-16")
    (tmp_path / "b.ndjson").write_text('{"file_path": "trip/red.png", "tags": ["Bella"]}')
    (tmp_path / "c.tsv").write_text("Path\tDescription\ntrip/red.png\tline\u2028two\n")
    marked = json.dumps({"path": "trip/red.png", "caption": f"<b>a</b> **door** &amp; {'very ' * 70}"})
    (tmp_path / "d.jsonl").write_text(marked)
    expected = {
        "a.json": [("a door", ("Bella",)), ("red", ())],
        "b.ndjson": [("Bella", ("Bella",))],
        "c.tsv": [("line two", ())],
        "d.jsonl": [(f"a door & {'very ' * 57}".strip(), ())],
    }
    for name, captions in expected.items():
        (one,) = FileCaptioner(tmp_path / name).given()
        assert [(caption.text, caption.tags) for caption in one.captions] == captions
        done = import_captions(photos, tmp_path / name)
        assert len(done.failures) == (name == "a.json")
        assert what(photos)["trip/red.png"][0] == (
            name,
            [(text, tags, None) for text, tags in captions],
        )


def test_one_file_counts_once_however_it_was_given(photos: Library, tmp_path: Path) -> None:
    caps = tmp_path / "caps.csv"
    caps.write_text('path,caption\ntrip/red.png,"an ibis, ""quoted"""\n')
    for first in (import_captions, index_file):
        for give in (first, index_file, import_captions, index_file):
            give(photos, caps)
            assert [one.label for one in photos.captioners] == ["caps.csv", "mean-colour"]
            assert what(photos)["trip/red.png"][0] == ("caps.csv", [('an ibis, "quoted"', (), None)])
        photos.remove_captions("caps.csv")
    (tmp_path / "other").mkdir()
    other = tmp_path / "other/caps.csv"
    other.write_text("path,caption\ntrip/blue.png,another\n")
    import_captions(photos, other)
    index_file(photos, caps)
    assert len(photos.captioners) == 3, "another file of that name keeps its captions"


def test_an_export_holds_nothing_new_for_the_library_that_reads_the_same_file(
    photos: Library, tmp_path: Path
) -> None:
    caps = tmp_path / "caps.csv"
    caps.write_text("path,caption\ntrip/red.png,a door\n")
    index_file(photos, caps)
    export(photos, "csv", tmp_path / "out")
    (report,) = import_captions(photos, tmp_path / "out").reports
    assert (report.captioner, report.new, report.unchanged) == ("caps.csv", 0, 1)
    assert [one.label for one in photos.captioners] == ["caps.csv", "mean-colour"]


def test_a_name_without_ending_that_a_library_has_stays(photos: Library, tmp_path: Path) -> None:
    photos.add_captions("caps", [GivenCaptions("trip/red.png", (Caption("old", ("old",), 0.0),))])
    (tmp_path / "caps.csv").write_text("path,caption\ntrip/red.png,new\n")
    assert import_captions(photos, tmp_path / "caps.csv").reports[0].captioner == "caps"
    assert what(photos)["trip/red.png"][0] == ("caps", [("new", (), None)])


def index_file(library: Library, file: Path) -> None:
    bring_up_to_date(library, None, lambda: MeanColour(name="mean-colour"), [f"file:{file}"])


def test_sidecars_are_captions_by_file_but_for_what_was_exported(photos: Library, tmp_path: Path) -> None:
    trip = photos.root / "trip"
    (trip / "red.xmp").write_bytes(
        merged(None, "Bella at the door", ["Bella", "door"]).replace(b"captionret", b"their")
    )
    (trip / "green.png.xmp").write_bytes(b"no xml")
    done = import_sidecars(photos)
    assert [one.path for one in done.failures] == ["trip/green.png"]
    assert what(photos)["trip/red.png"][0] == ("sidecars", [("Bella at the door", ("Bella", "door"), None)])
    export(photos, "xmp", tmp_path / "out")
    assert import_sidecars(photos, tmp_path / "out").reports[0].new == 0, "its own captions do not come back"


def test_descriptions_inside_pictures_are_captions_by_file(photos: Library, tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(photos.root / "exif.jpg", exif=described("Opa im Garten"))
    Image.new("RGB", (9, 8)).save(photos.root / "camera.jpg", exif=described("OLYMPUS DIGITAL CAMERA      "))
    xmp = merged(None, "Oma am See", ["See"])
    Image.new("RGB", (10, 8)).save(photos.root / "xmp.jpg", xmp=xmp, exif=described("not this"))
    photos.update(captioner=MeanColour())
    (report,) = import_embedded(photos).reports
    assert (report.captioner, report.new) == ("embedded", 2)
    found = {path: every[0] for path, every in what(photos).items() if path.endswith(".jpg")}
    assert found["exif.jpg"] == ("embedded", [("Opa im Garten", (), None)])
    assert found["xmp.jpg"] == ("embedded", [("Oma am See", ("See",), None)])
    assert found["camera.jpg"][0] == "mean-colour"
    (photos.root / "exif.jpg").write_bytes(b"no picture")
    assert [one.path for one in import_embedded(photos).failures] == ["exif.jpg"]


def test_descriptions_inside_heic_pictures_are_read_before_any_picture_was_opened(tmp_path: Path) -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    exif = described("Opa im Garten").tobytes()
    heif = pillow_heif.from_pillow(Image.new("RGB", (64, 64)))
    heif.save(tmp_path / "a.heic", exif=exif)
    code = "import sys; from captionret.images.opening import read_embedded as read; print(read(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a.heic")], capture_output=True, text=True, check=True
    )
    assert "Opa im Garten" in done.stdout


def test_an_import_that_finds_nothing_leaves_no_captioner_behind(photos: Library, tmp_path: Path) -> None:
    before = [one.name for one in photos.captioners]
    assert import_embedded(photos).reports[0].new == 0
    assert import_sidecars(photos).reports[0].new == 0
    (tmp_path / "gone.csv").write_text("path,caption\ngone.png,nothing\n")
    assert import_captions(photos, tmp_path / "gone.csv").reports[0].unknown == 1
    assert [one.name for one in photos.captioners] == before


def described(text: str) -> Image.Exif:
    exif = Image.Exif()
    exif[0x010E] = text
    return exif


def test_what_exiftool_writes_into_pictures_is_read(tmp_path: Path) -> None:
    if shutil.which("exiftool") is None:
        pytest.skip("ExifTool is not installed (Debian: libimage-exiftool-perl)")
    Image.new("RGB", (8, 8)).save(tmp_path / "a.jpg")
    written: dict[str, Callable[[], list[str]]] = {
        "IPTC": lambda: [
            "-codedcharacterset=utf8",
            "-IPTC:Caption-Abstract=Tür",
            "-IPTC:Keywords=eins",
            "-IPTC:Keywords=zwei",
        ],
        "XMP": lambda: ["-XMP-dc:Description=Haus", "-XMP-dc:Subject=drei"],
    }
    for arguments in written.values():
        subprocess.run(
            ["exiftool", "-q", "-overwrite_original", *arguments(), str(tmp_path / "a.jpg")], check=True
        )
        if arguments is written["IPTC"]:
            assert read_embedded(tmp_path / "a.jpg") == Described("Tür", ("eins", "zwei"))
    assert read_embedded(tmp_path / "a.jpg") == Described("Haus", ("drei", "eins", "zwei"))


def test_the_commands_say_what_they_did(photos: Library, call: Call, tmp_path: Path) -> None:
    done = call(export_command, "--library", photos.path, "--format", "jsonl", "--out", "out", "--json")
    assert done.code == 0 and json.loads(done.out)["captions"] == 6
    other = captioned(photos.root, tmp_path / "other", "another")
    done = call(import_command, "out", "--library", other.path)
    assert (done.code, done.out) == (0, "mean-colour  new 3  changed 0  unchanged 0  removed 0  unknown 0\n")
    again = json.loads(call(import_command, "out", "--library", other.path, "--json").out)
    assert again["captioners"][0]["unchanged"] == 3
    assert call(import_command, "--sidecars", "--library", other.path).code == 1
    for wrong in (["out", "--embedded"], [], ["nowhere.csv"]):
        assert call(import_command, *wrong, "--library", other.path).code in (2, 3)
    assert call(export_command, "--library", photos.path, "--out", tmp_path / "one.csv").code == 0
    assert (tmp_path / "one.csv").read_text().startswith("path,")
    for wrong in (["--out", "folder"], ["--format", "csv"], ["--format", "csv", "--beside-pictures"]):
        assert call(export_command, "--library", photos.path, *wrong).code == 2
