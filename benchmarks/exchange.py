"""Captions in and out of a large library: those of COCO 2014, 616,767 of 123,287 pictures, read from a file,
searched by a new process, written to Parquet, and read back into another library.

    python benchmarks/exchange.py
    python benchmarks/exchange.py --pictures 2000 --results FILE    # to try it

The captions come out of pycocoevalcap's wheel. The pictures are made up, for the wheel has none: the
catalogue names each with a hash and one caption of another captioner. Each step is a command in a process of
its own.
"""

import hashlib
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from coco import caption_file
from large_library import run
from results import markdown_table, parser, write_section

from captionret.decoding import BeamSearch
from captionret.library import Library
from captionret.library.catalogue.caption_rows import rows_of
from captionret.library.checksums import of_image
from captionret.library.index.writing import write_index
from captionret.records import Caption

TEXT = "a man riding a wave on top of a surfboard"
BARS = {
    "import of the file": 60.0,
    "search by jaccard, a new process": 0.5,
    "search by auto, a new process": 0.5,
    "export to Parquet": 30.0,
}


def coco(pictures: int | None) -> dict[str, Any]:
    """COCO's captions of train and val as one file has them; of so many pictures, None: of all."""
    files = [caption_file(split) for split in ("train", "val")]
    images = [one for file in files for one in file["images"]][:pictures]
    kept = {image["id"] for image in images}
    annotations = [one for file in files for one in file["annotations"] if one["image_id"] in kept]
    return {"images": images, "annotations": annotations}


def made(folder: Path, images: list[dict[str, Any]]) -> Library:
    """A library whose catalogue names these pictures, each with a grey square for a caption."""
    (folder / "photos").mkdir(parents=True)
    library = Library.create(folder / "library", folder / "photos")
    decoding, text = json.dumps(BeamSearch().to_json(folder)), "a grey square"
    with library._catalogue.transaction() as connection:
        connection.execute(
            "INSERT INTO captioners (id, fingerprint, name, decoding, described) VALUES (1, ?, 'grey', ?, ?)",
            ("0" * 64, decoding, '{"name": "grey"}'),
        )
        connection.execute("INSERT INTO meta VALUES ('captioner', 1)")
        for number, image in enumerate(images):
            sha256 = hashlib.sha256(image["file_name"].encode()).hexdigest()
            connection.execute(
                "INSERT INTO images (number, sha256, captioner, feature_row, crc) VALUES (?, ?, 1, ?, ?)",
                (number + 1, sha256, number, of_image(sha256, 1, number, [text])),
            )
            rows = rows_of(1, number + 1, [Caption(text, tuple(text.split()), -1.0)], 0)
            connection.executemany("INSERT INTO captions VALUES (?, ?, ?, ?)", rows)
            connection.execute("INSERT INTO files VALUES (?, 1, 1, ?)", (image["file_name"], sha256))
    assert write_index(library._catalogue), "the index was not written"
    return library


def command(*words: object) -> tuple[float, float, float]:
    """Seconds, processor's seconds and peak megabytes of a command."""
    return run([sys.executable, "-m", "captionret", *map(str, words)])


def captions(folder: Path) -> list[tuple[object, ...]]:
    """What an export says by file, without the day."""
    import pyarrow.parquet

    columns = ["path", "n", "caption", "by", "logprob", "score"]
    table = pyarrow.parquet.read_table(folder / "captions.parquet", columns=columns)
    return [row for row in zip(*table.to_pydict().values(), strict=True) if row[3] != "grey"]


def measured(
    folder: Path, pictures: int | None, runs: int
) -> tuple[int, dict[str, tuple[float, float, float]]]:
    """How many captions, and of each step, by name, what `command` gives."""
    whole = coco(pictures)
    (folder / "coco.json").write_text(json.dumps(whole), encoding="utf-8")
    first, second = (made(folder / name, whole["images"]) for name in ("first", "second"))
    found = {"import of the file": command("import", folder / "coco.json", "--library", first.path)}
    for mode in ("jaccard", "auto"):
        typed = ["search", TEXT, "--library", first.path, "--mode", mode]
        searches = [command(*typed) for _ in range(runs + 1)][1:]
        seconds, processor, memory = zip(*searches, strict=True)
        medians = statistics.median(seconds), statistics.median(processor)
        found[f"search by {mode}, a new process"] = *medians, max(memory)
    out = folder / "out"
    found["export to Parquet"] = command(
        "export", "--library", first.path, "--format", "parquet", "--out", out
    )
    found["import of the Parquet file"] = command("import", out, "--library", second.path)
    again = folder / "again"
    command("export", "--library", second.path, "--format", "parquet", "--out", again)
    began = time.perf_counter()
    before, after = captions(out), captions(again)
    assert before == after, "what came back is not what went out"
    print(f"compared {len(before):,} captions in {time.perf_counter() - began:.0f} s", file=sys.stderr)
    return len(before), found


def main() -> None:
    """Measure and write the section."""
    options = parser(__doc__)
    options.add_argument("--pictures", type=int, metavar="N", help="(default: all)")
    options.add_argument("--runs", type=int, default=7, metavar="N", help="searches (default: %(default)s)")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        count, found = measured(Path(name), given.pictures, given.runs)
    rows: list[list[object]] = [
        [step, seconds, BARS.get(step), processor, memory]
        for step, (seconds, processor, memory) in found.items()
    ]
    table = markdown_table(["step", "s", "bar, s", "processor, s", "peak memory, MB"], rows)
    body = (
        f"{count:,} captions of COCO 2014 (equal ones of one picture once), each step a command in a new "
        f"process; the search is {TEXT!r}, median of {given.runs}. What comes back from Parquet is "
        f"equal.\n\n{table}"
    )
    write_section(given.results, "Captions in and out", body, "python benchmarks/exchange.py")


if __name__ == "__main__":
    main()
