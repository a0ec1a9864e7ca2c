"""Write a library's captions with who made them, its words and its vectors into files for other programs.

    captionret export --library photos --format parquet --out out      # captions.parquet, pictures.parquet
    captionret export --library photos --out captions.csv              # the captions' file alone
    captionret export --library photos --format coco --out out
    captionret export --library photos --format webdataset --out out --vectors embedding
    captionret export --library photos --format xmp --out sidecars     # a sidecar for each picture
    captionret export --library photos --format xmp --beside-pictures  # beside them, merged into those there

Sidecars hold the caption (dc:description) and keywords (dc:subject, digiKam:TagsList). What a person or
another program wrote into one stays; a caption that this command wrote before is replaced. Pictures are
never changed.
"""

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

from ..counting import counted
from ..errors import BadSetting
from ..exchange.formats import FORMATS
from ..report.visible import visible
from .libraries import add_library, open_library
from .options import FOUND, NOTHING_FOUND, add_device, parser, path_argument
from .output import print_json

log = logging.getLogger(__name__)
_MOST_NAMED = 20  # files; sidecars are as many as pictures


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the files and print where they are; exit code 1 where the library holds no picture."""
    given = _options().parse_args(arguments)
    if (given.out is None) == (not given.beside_pictures):
        raise BadSetting("Give --out DIR, or for sidecars --beside-pictures.")
    given.format = given.format or _format_of(given.out)
    if given.beside_pictures and given.format != "xmp":
        raise BadSetting(f"--beside-pictures goes with --format xmp, not with {given.format}.")

    from ..app.searcher import Searcher
    from ..exchange import export

    with open_library(given.library) as library:
        searcher = Searcher(library, device=given.device)
        for mode in given.vectors:
            if mode != "features":
                searcher.gallery(mode)  # makes or loads what the library does not hold
        done = export(library, given.format, given.out, given.vectors)
    for failure in done.failures:
        log.warning(f"left out: {visible(failure.reason)}")
    counts = {"pictures": done.pictures, "captions": done.captions, "failed": len(done.failures)}
    if given.json:
        files = [str(file.absolute()) for file in done.files]
        print_json({**counts, "files": files, "failures": [one.reason for one in done.failures]})
    else:
        print("  ".join(f"{name} {count:,}" for name, count in counts.items()))
        names = [visible(str(file)) for file in done.files]
        if len(names) > _MOST_NAMED:
            left = counted(len(names) - _MOST_NAMED + 1, "more files")
            names[_MOST_NAMED - 1 :] = [f"and {left}"]
        print("\n".join(names), end="\n" if names else "")
    return FOUND if done.pictures else NOTHING_FOUND


def _format_of(out: Path | None) -> str:
    """The format whose captions' file ends as this one. errors: BadSetting where there is none"""
    ending = out.suffix.lower() if out is not None else ""
    for name, row in FORMATS.items():
        if ending and row.alone and Path(row.alone).suffix == ending:
            return name
    raise BadSetting(f"Give --format: {', '.join(FORMATS)}.")


def _options() -> argparse.ArgumentParser:
    options = parser("export", __doc__ or "")
    add_library(options)
    kinds = "; ".join(f"{name}: {row.about}" for name, row in FORMATS.items())
    options.add_argument(
        "--format", choices=tuple(FORMATS), metavar="FORMAT", help=f"{kinds}. Of one file its ending says it"
    )
    options.add_argument(
        "--out",
        type=path_argument,
        metavar="DIR",
        help="the folder to write into; captions.csv, .jsonl, .parquet, .json, .trec: that file alone",
    )
    options.add_argument(
        "--beside-pictures", action="store_true", help="write sidecars beside the pictures (--format xmp)"
    )
    options.add_argument(
        "--vectors",
        nargs="+",
        default=[],
        metavar="MODE",
        help="write vectors, too, as .npy: of a mode that compares in a space (embedding, clip), or features",
    )
    options.add_argument("--json", action="store_true", help="print what was written as JSON")
    add_device(options)
    return options
