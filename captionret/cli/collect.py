"""Build a captioned data set from the web: pictures with their titles, alt texts or descriptions as captions.
This command asks servers on the web.

    captionret collect --queries target_queries.txt --out data/mine      # 40 pictures for each line
    captionret collect --query "a red bicycle" --licence by cc0 --out data/bicycles
    captionret collect --urls list.parquet --out data/mine               # addresses with captions
    captionret collect --page https://example.org/gallery --out data/mine

The folder then holds the pictures, captions.csv with captions, authors and licences, and report.html.
Whatever trains or measures takes it as table:data/mine/captions.csv.

Each good picture is kept once: equal and nearly equal ones, small ones, broken ones and pages in place of
pictures are left out, named and counted. robots.txt is kept to, each host has its pace, and a host that asks
for a pause gets it. Stop at any time; the same command goes on.
"""

import argparse
import logging
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from .. import __version__
from ..errors import BadSetting
from .options import FOUND, NOTHING_FOUND, parser, path_argument, text_argument
from .output import open_file, print_json

if TYPE_CHECKING:
    from ..collecting.collect import Collected
    from ..collecting.wanted import Wanted

log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Fetch, and print what came of it; exit code 1 where the folder holds no picture."""
    given = _options().parse_args(arguments)
    from ..collecting.collect import collect
    from ..collecting.judging import Standards
    from ..fetching import Manners

    done = collect(
        _wanted(given),
        given.out,
        Manners(
            f"captionret/{__version__} (collects pictures; {given.contact or 'no contact given'})",
            given.per_second,
            given.per_host,
            private=frozenset(given.private),
        ),
        Standards(
            given.min_side,
            given.max_picture,
            given.near,
            given.photographs_only,
            given.keep_uncaptioned,
        ),
        given.max_bytes,
    )
    _show(done, given.json)
    if given.open:
        open_file(done.page)
    return FOUND if done.outcomes.get("kept") else NOTHING_FOUND


def _wanted(given: argparse.Namespace) -> "list[Wanted]":
    from ..collecting.addresses_file import read_addresses
    from ..collecting.page import pictures_of
    from ..collecting.sources import DEFAULT, Options, open_source
    from ..collecting.wanted import Wanted, from_sources, listed

    queries = [*given.query, *(query for file in given.queries for query in _queries(file))]
    if not (queries or given.urls or given.page):
        raise BadSetting("Say what to collect: --queries FILE, --query TEXT, --urls FILE or --page ADDRESS.")
    if not all(query.strip() for query in given.query):
        raise BadSetting("A --query is empty. Say what pictures to look for.")
    wanted: list[Wanted] = []
    wanted += [Wanted("", listed(read_addresses(file))) for file in given.urls]
    wanted += [Wanted("", partial(pictures_of, page)) for page in given.page]
    options = Options(tuple(given.licence), given.size)
    sources = [open_source(spec, options) for spec in given.source or DEFAULT] if queries else []
    if not given.contact and any(source.name == "commons" for source in sources):
        log.info("Wikimedia asks programs how to reach who runs them: --contact says it.")
    wanted += [
        Wanted(query, from_sources(query, sources), given.per_query) for query in dict.fromkeys(queries)
    ]
    return wanted


def _queries(file: Path) -> list[str]:
    """The queries of a file, one a line; empty lines and those that begin with # are passed over."""
    from ..datasets.sources import text_lines

    lines = (line.strip() for line in text_lines(file))
    return [line for line in lines if line and not line.startswith("#")]


def _show(done: "Collected", as_json: bool) -> None:
    if done.ended:
        log.warning(
            f"Ended early: {done.ended}. What was asked for and not fetched can be had by another run."
        )
    if done.refused:
        private = "is a private address" in done.refused
        advice = " Name its host with --private to have it asked." if private else ""
        log.warning(f"Refused, the first: {done.refused}{advice}")
    if as_json:
        paths = {"table": str(done.table.absolute()), "page": str(done.page)}
        print_json({**paths, "new": done.new, "received": done.received, "pictures": done.outcomes})
        return
    print("  ".join(f"{name} {count:,}" for name, count in done.outcomes.items()) or "nothing was named")
    print(f"{done.table}\n{done.page}")


def _bytes(given: str) -> int:
    """A number of bytes: "500MB", "2 GB", "30000000"."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kKMGT]?)i?[bB]?", given.strip())
    if not found or float(found[1]) <= 0:
        raise argparse.ArgumentTypeError(f"{given!r} is no size; write 500MB or 2GB")
    return int(float(found[1]) * 1000 ** " KMGT".index(found[2].upper() or " "))


def _count(given: str) -> int:
    if not given.isdecimal() or int(given) < 1:
        raise argparse.ArgumentTypeError(f"{given!r} is no number from 1 on")
    return int(given)


def _options() -> argparse.ArgumentParser:
    from ..collecting.sources import DEFAULT, SOURCES

    options = parser("collect", __doc__ or "")
    what = options.add_argument_group("what")
    what.add_argument(
        "--queries", nargs="+", default=[], type=path_argument, metavar="FILE", help="queries, one a line"
    )
    what.add_argument("--query", nargs="+", default=[], type=text_argument, metavar="TEXT", help="queries")
    what.add_argument(
        "--urls",
        nargs="+",
        default=[],
        type=path_argument,
        metavar="FILE",
        help="addresses with captions: .csv, .tsv or .parquet with columns url and caption, as img2dataset "
        "takes them (licence, author, sha256 ... are read, too), or .txt with an address on each line",
    )
    what.add_argument("--page", nargs="+", default=[], metavar="ADDRESS", help="the pictures of web pages")
    kinds = "; ".join(f"{name}: {row.about}" for name, row in SOURCES.items())
    what.add_argument(
        "--source",
        nargs="+",
        metavar="NAME",
        help=f"where queries are looked for (default: {' '.join(DEFAULT)}), NAME:ADDRESS for another server "
        f"of the kind. {kinds}",
    )
    what.add_argument(
        "--per-query", type=_count, default=40, metavar="N", help="pictures (default: %(default)s)"
    )
    what.add_argument(
        "--licence", nargs="+", default=[], metavar="NAME", help="only under these: by, by-sa, cc0, pdm ..."
    )
    what.add_argument("--out", required=True, type=path_argument, metavar="DIR", help="the folder to fill")
    _add_standards(options.add_argument_group("which pictures are kept"))
    _add_manners(options.add_argument_group("manners"))
    options.add_argument("--json", action="store_true", help="print what came of it as JSON")
    options.add_argument("--open", action="store_true", help="show the report in the browser")
    return options


def _add_standards(which: argparse._ArgumentGroup) -> None:
    which.add_argument(
        "--min-side",
        type=_count,
        default=100,
        metavar="PIXELS",
        help="of the shorter side (default: %(default)s)",
    )
    which.add_argument(
        "--size",
        type=_count,
        default=1024,
        metavar="PIXELS",
        help="enough for the longer side, where a source has several sizes (default: %(default)s)",
    )
    which.add_argument(
        "--near",
        type=int,
        default=8,
        metavar="BITS",
        help="of 64 of a perceptual hash, in which near-duplicates differ at most; -1 keeps them (default: "
        "%(default)s)",
    )
    which.add_argument("--photographs-only", action="store_true", help="leave out drawings, charts and logos")
    which.add_argument("--keep-uncaptioned", action="store_true", help="keep pictures without a caption")
    which.add_argument(
        "--max-picture",
        type=_bytes,
        default=30_000_000,
        metavar="SIZE",
        help="largest file of one (default: 30MB)",
    )


def _add_manners(manners: argparse._ArgumentGroup) -> None:
    manners.add_argument("--contact", default="", metavar="MAIL", help="tell servers how to reach you")
    manners.add_argument(
        "--per-second",
        type=float,
        default=8.0,
        metavar="N",
        help="requests a second in all (default: %(default)s)",
    )
    manners.add_argument(
        "--per-host",
        type=float,
        default=2.0,
        metavar="N",
        help="requests a second to one host (default: %(default)s)",
    )
    manners.add_argument(
        "--max-bytes",
        type=_bytes,
        metavar="SIZE",
        help="stop where so much is fetched, as 2GB (default: no limit)",
    )
    manners.add_argument(
        "--private",
        nargs="+",
        default=[],
        metavar="HOST",
        help="hosts of your own network that may be asked; else none is",
    )
