"""What is written of a library says what the library says, and other programs read it."""

import csv
import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
from mean_colour import Colours, MeanColour, picture

from captionret import Library, open_dataset
from captionret.errors import BadSetting, UnknownName
from captionret.exchange import FORMATS, export
from captionret.images.xmp import BadXMP, merged, read

OWN = 'our "red" <door>, & näher'


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """Three pictures and a copy, one of them captioned by a person; their words are predicted."""
    folder = tmp_path_factory.mktemp("export")
    for colour in ("red", "green", "blue"):
        picture(folder / "photos" / "2026 trip" / f"{colour}.png", colour)
    shutil.copy(folder / "photos/2026 trip/red.png", folder / "photos/copy.png")
    library = Library.create(folder / "library", folder / "photos")
    library.update(captioner=MeanColour())
    library.set_caption("2026 trip/red.png", OWN)
    library.predict_words(Colours(), progress=False)
    return library


def expected(library: Library) -> list[tuple[str, str, str, str]]:
    return [
        (one.path, by.name, by.kind, caption.text)
        for one in library
        for by in one.every
        for caption in by.captions
    ]


def test_the_tables_hold_every_caption_with_who_made_it(photos: Library, tmp_path: Path) -> None:
    import pyarrow.parquet

    tables = {}
    for form in ("parquet", "jsonl", "csv"):
        done = export(photos, form, tmp_path / form)
        assert (done.pictures, done.captions, done.failures) == (3, 7, ())
        assert {file.name for file in done.files} == {f"captions.{form}", f"pictures.{form}", "export.json"}
    for name in ("captions", "pictures"):
        lines = (tmp_path / "jsonl" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        with open(tmp_path / "csv" / f"{name}.csv", newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        tables[name] = [
            pyarrow.parquet.read_table(tmp_path / "parquet" / f"{name}.parquet").to_pylist(),
            [json.loads(line) for line in lines],
            rows,
        ]
    for captions in tables["captions"]:
        found = [(row["path"], row["by"], row["kind"], row["caption"]) for row in captions]
        assert found == expected(photos) and {row["by"] for row in captions} == {"a person", "mean-colour"}
    for pictures in tables["pictures"]:
        assert [row["sha256"] for row in pictures] == [one.sha256 for one in photos]
    parquet, jsonl, _ = tables["pictures"]
    (blue,) = [row for row in parquet if row["path"].endswith("blue.png")]
    assert blue["words"][0] == "blue" and blue["probabilities"] == sorted(blue["probabilities"], reverse=True)
    assert [row["copies"] for row in jsonl if "copies" in row] == [["copy.png"]]


@pytest.mark.parametrize("shown", [True, False])
def test_a_bar_is_shown_where_it_is_asked_for(
    shown: bool, photos: Library, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    export(photos, "csv", tmp_path, progress=shown)
    assert ("exporting: 100%" in capfd.readouterr().err) == shown


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet", "coco", "trec"])
def test_a_name_of_a_file_is_that_file_alone(form: str, photos: Library, tmp_path: Path) -> None:
    export(photos, form, tmp_path / "whole")
    alone = FORMATS[form].alone
    assert alone is not None
    file = tmp_path / "new" / f"mine{Path(alone).suffix}"
    for _ in range(2):  # the second time it is there already
        assert export(photos, form, file).files == (file,)
    assert file.read_bytes() == (tmp_path / "whole" / alone).read_bytes()
    assert list(file.parent.iterdir()) == [file]


def test_a_name_of_a_file_is_no_folder_of_several(photos: Library, tmp_path: Path) -> None:
    for form, name in (("csv", "e.jsonl"), ("webdataset", "shards.tar"), ("xmp", "a.xmp"), ("coco", "e.csv")):
        with pytest.raises(BadSetting, match="Name a folder"):
            export(photos, form, tmp_path / name)
    with pytest.raises(BadSetting, match="Name a folder"):
        export(photos, "csv", tmp_path / "e.csv", ["features"])
    (tmp_path / "file").touch()
    with pytest.raises(BadSetting, match="Name a folder"):
        export(photos, "csv", tmp_path / "file")
    assert [one.name for one in tmp_path.iterdir()] == ["file"]
    (tmp_path / "folder.csv").mkdir()
    assert len(export(photos, "csv", tmp_path / "folder.csv").files) == 3


@pytest.mark.skipif(sys.platform != "linux", reason="other systems name files in Unicode")
@pytest.mark.parametrize("form", ["parquet", "jsonl", "csv", "coco", "trec", "webdataset"])
def test_names_that_are_no_unicode_are_written_in_every_format(form: str, tmp_path: Path) -> None:
    shutil.copy(
        picture(tmp_path / "photos" / "red.png", "red"), tmp_path / "photos" / os.fsdecode(b"z\xff.png")
    )
    with Library.create(tmp_path / "library", tmp_path / "photos") as library:
        library.update(captioner=MeanColour(), progress=False)
        library.remove("red.png") if form == "trec" else None
        done = export(library, form, tmp_path / "out")
    assert (done.pictures, done.failures) == (1, ())
    if form == "parquet":
        import pyarrow.parquet

        (row,) = pyarrow.parquet.read_table(tmp_path / "out" / "pictures.parquet").to_pylist()
        assert (row["path"], row["copies"]) == ("red.png", ["z\\udcff.png"])


def test_captions_csv_is_a_collection_to_train_on(photos: Library, tmp_path: Path) -> None:
    export(photos, "csv", photos.root / "out")
    shutil.copy(photos.root / "out/captions.csv", photos.root / "captions.csv")
    dataset = open_dataset(f"table:{photos.root / 'captions.csv'}")
    assert [len(item.captions) for item in dataset.items] == [2, 2, 3]


def test_coco_is_read_by_its_own_reader(photos: Library, tmp_path: Path) -> None:
    from pycocotools.coco import COCO

    export(photos, "coco", tmp_path)
    read = COCO(str(tmp_path / "captions.json"))
    found = [
        (image["file_name"], one["caption"])
        for image in read.loadImgs(read.getImgIds())
        for one in read.loadAnns(read.getAnnIds(imgIds=[image["id"]]))
    ]
    assert found == [(path, caption) for path, _, _, caption in expected(photos)]


def test_shards_hold_the_pictures_bytes_and_what_is_known(photos: Library, tmp_path: Path) -> None:
    export(photos, "webdataset", tmp_path)
    with tarfile.open(tmp_path / "shard-000000.tar") as shard:
        parts = {entry.name: shard.extractfile(entry).read() for entry in shard}  # type: ignore[union-attr]
    for one in photos:
        assert parts[f"{one.sha256}.png"] == one.file.read_bytes()
        assert parts[f"{one.sha256}.txt"].decode() == one.caption
        assert json.loads(parts[f"{one.sha256}.json"])["path"] == one.path


def test_trec_documents_are_well_formed_and_hold_the_captions(photos: Library, tmp_path: Path) -> None:
    from xml.etree import ElementTree

    export(photos, "trec", tmp_path)
    text = (tmp_path / "documents.trec").read_text(encoding="utf-8")
    documents = ElementTree.fromstring(f"<ALL>{text}</ALL>")
    assert [one.findtext("DOCNO") for one in documents] == [one.sha256 for one in photos]
    assert OWN in str(documents[2].findtext("TEXT"))


def test_vectors_stand_beside_the_list_of_what_they_are_of(photos: Library, tmp_path: Path) -> None:
    export(photos, "jsonl", tmp_path, vectors=["features"])
    rows = np.load(tmp_path / "vectors-features.npy")
    named = json.loads((tmp_path / "vectors.json").read_text(encoding="utf-8"))
    assert rows.shape == (3, 3) and rows.dtype == np.float32
    assert named["sha256"] == [one.sha256 for one in photos]
    with pytest.raises(BadSetting, match="no vectors 'clip'"):
        export(photos, "jsonl", tmp_path, vectors=["clip"])


def test_sidecars_are_read_by_exiftool(photos: Library, tmp_path: Path) -> None:
    if shutil.which("exiftool") is None:
        pytest.skip("ExifTool is not installed (Debian: libimage-exiftool-perl)")
    export(photos, "xmp", tmp_path)
    found = {path: by_exiftool(tmp_path / f"{path}.xmp") for path in (one.path for one in photos)}
    assert found["2026 trip/red.png"]["Description"] == OWN
    blue = found["2026 trip/blue.png"]
    assert blue["Description"] == "a plain blue picture"
    assert blue["Subject"] == blue["TagsList"] == "blue"


def by_exiftool(file: Path) -> dict[str, object]:
    fields = ("-XMP-dc:Description", "-XMP-dc:Subject", "-XMP-digiKam:TagsList", "-XMP-xmp:Rating")
    done = subprocess.run(
        ["exiftool", "-json", "-validate", "-warning", *fields, str(file)], capture_output=True, check=True
    )
    (found,) = json.loads(done.stdout)
    assert found.pop("Validate") == "OK", found
    return dict(found)


THEIRS = b"""<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="4"
  xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/" crs:Exposure2012="+0.55"/>
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/">
  <!-- by hand -->
  <dc:subject><rdf:Bag><rdf:li>holiday</rdf:li></rdf:Bag></dc:subject>
  <dc:description><rdf:Alt><rdf:li xml:lang="x-default">Bella at the door</rdf:li>
  <rdf:li xml:lang="de">Bella an der T\xc3\xbcr</rdf:li></rdf:Alt></dc:description>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>"""


def test_what_others_wrote_into_a_sidecar_stays(tmp_path: Path) -> None:
    once = merged(THEIRS, "a dog at a door", ["dog", "door"])
    again = merged(once, "a dog", ["dog"])
    for content in (once, again):
        text = content.decode()
        assert "Bella at the door" in text and "Bella an der Tür" in text and "by hand" in text
        assert 'xmp:Rating="4"' in text and 'crs:Exposure2012="+0.55"' in text
    assert read(once).description == "Bella at the door" and read(once).subjects == ("holiday", "dog", "door")
    assert read(again).subjects == ("holiday", "dog"), "its own keywords are replaced, theirs are not"
    assert merged(again, "a dog", ["dog"]) == again, "writing the same again changes nothing"
    if shutil.which("exiftool"):
        (tmp_path / "a.xmp").write_bytes(again)
        assert by_exiftool(tmp_path / "a.xmp")["Rating"] == 4


def test_its_own_description_is_replaced_until_somebody_changes_it() -> None:
    first = merged(None, "a dog", [])
    assert read(merged(first, "two dogs", [])).description == "two dogs"
    edited = first.replace(b">a dog<", b">Bella<", 1)
    assert read(merged(edited, "two dogs", [])).description == "Bella"
    assert read(merged(None, "a\x00 dog\x0b", ["x\ud800".encode("utf-8", "replace").decode()])).description


@pytest.mark.parametrize(
    "content",
    [b"", b"no xml", b"<a/>", THEIRS[:300], b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>', b"\xff\xfe\x00"],
)
def test_a_broken_sidecar_is_left_as_it_is_and_the_rest_goes_on(
    content: bytes, photos: Library, tmp_path: Path
) -> None:
    with pytest.raises(BadXMP):
        merged(content, "a dog", [])
    broken = tmp_path / "2026 trip/blue.png.xmp"
    broken.parent.mkdir()
    broken.write_bytes(content)
    done = export(photos, "xmp", tmp_path)
    assert [one.path for one in done.failures] == ["2026 trip/blue.png"] and broken.read_bytes() == content
    assert len(list(tmp_path.rglob("*.xmp"))) == 3


def test_a_read_only_sidecar_is_named_and_kept(photos: Library, tmp_path: Path) -> None:
    export(photos, "xmp", tmp_path)
    file = tmp_path / "2026 trip/blue.png.xmp"
    file.write_bytes(THEIRS)
    file.chmod(0o444)
    done = export(photos, "xmp", tmp_path)
    assert [one.path for one in done.failures] == ["2026 trip/blue.png"] and file.read_bytes() == THEIRS


def test_sidecars_stand_beside_pictures_only_where_that_is_asked_for(photos: Library, tmp_path: Path) -> None:
    shutil.copytree(photos.root, tmp_path / "photos")
    library = Library.create(tmp_path / "library", tmp_path / "photos")
    library.update(captioner=MeanColour())
    (tmp_path / "photos/2026 trip/blue.xmp").write_bytes(THEIRS)
    before = {file: file.read_bytes() for file in library.root.rglob("*.png")}
    for form in FORMATS:
        export(library, form, tmp_path / "out" / form)
    assert len(list(library.root.rglob("*.xmp"))) == 1
    assert export(library, "xmp", None).pictures == 3
    names = {file.relative_to(library.root).as_posix() for file in library.root.rglob("*.xmp")}
    assert names == {"2026 trip/blue.xmp", "2026 trip/green.png.xmp", "2026 trip/red.png.xmp", "copy.png.xmp"}
    assert {file: file.read_bytes() for file in library.root.rglob("*.png")} == before
    with pytest.raises(BadSetting, match="Name a folder"):
        export(library, "csv", None)
    with pytest.raises(UnknownName, match="parquet"):
        export(library, "parket", tmp_path)
