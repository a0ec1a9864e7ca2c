"""Caption every picture below a folder and keep the captions in a library. Run again, it captions only what
is new or changed.

captionret index ~/Pictures                              # the library is called Pictures
captionret index ~/Pictures --library holidays
captionret index                 --library holidays      # again, with the folder and captioner it knows
captionret index ~/Pictures --library many --captions-per-image 5 --decode nucleus --temperature 0.8 --seed 1
captionret index ~/Pictures --library holidays --encoder open_clip:ViT-B-32/laion2b_s34b_b79k    # mode clip
captionret index ~/Pictures --captioner openai:http://localhost:11434/v1#gemma3 --concurrency 4
captionret index ~/Pictures --captioner file:captions.jsonl           # captions that another program wrote
captionret index ~/Pictures ~/Scans --library all --exclude "*.png" --exclude drafts/     # two folders in one
captionret index --library all --quiet --fail-on-error               # for a nightly run
captionret index --library all --watch                               # until it is stopped
captionret index ~/Pictures --library agreed --decode consensus      # slower: what most of a beam say
"""

import argparse
import gc
import json
import logging
import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..counting import counted
from ..errors import BadSetting, CaptionretError
from ..files import resolved
from ..home import library_called, remember_library
from ..report.visible import visible
from .captioner_options import add_captioners, captioner_options, encode_pictures, present_and_others
from .decoding_options import add_decoding, decoding_of
from .libraries import nothing_captioned, nothing_given
from .memory import give_back_large_blocks
from .options import (
    FOUND,
    NOTHING_FOUND,
    add_device,
    add_encoder,
    add_engine,
    old_name,
    parser,
    path_argument,
    say,
    text_argument,
)
from .watching import add_watching, failures_of, follow

if TYPE_CHECKING:
    from ..app.loading.captioners import IndexReport
    from ..decoding import Decoding
    from ..library import Captioning, Library
    from ..records import Failure
    from .watching import Looking

log = logging.getLogger(__name__)

_ALWAYS = ("new", "unchanged", "changed", "removed", "failed")
_LISTS = ("failures", "other")


def main(arguments: Sequence[str] | None = None) -> int:
    """Caption a folder into a library, and print what was done; 1 where it holds no picture that could be
    captioned."""
    given = _options().parse_args(arguments)
    folder = given.folders[0] if given.folders else None
    name = resolved(folder).name if given.library is None and folder else given.library
    if name is None:
        raise nothing_given()
    if given.watch and given.limit is not None:
        raise BadSetting("--watch captions all; --limit is for single runs. Give one of them.")

    give_back_large_blocks()
    from ..app.curating.video_frames import remembered_seconds
    from ..app.models import Library
    from ..captioners.kinds import check_kind
    from ..library.folders import apart_from

    for spec in given.captioner:
        check_kind(spec)
    for place, further in enumerate(given.folders[1:], 1):  # before a library is made that would stay empty
        apart_from(further, map(resolved, given.folders[:place]))
    with Library.open(name) if folder is None else Library.open_or_create(name, folder) as library:
        remember_library(library.path)
        _change_folders(library, given)
        seconds = remembered_seconds(library) if given.videos is None else given.videos
        if seconds is not None:
            _bring_frames(library, seconds)
        look = _looking(library, folder, given)
        before = set() if given.fail_on_error else set(library.failures())

        def show(done: "IndexReport") -> None:
            _show(library, done, given.json, before)

        if given.watch:
            _name(library, given)
            further = partial(_bring_frames, library, seconds, say_always=False) if seconds else None
            return follow(library, look, given.every * 60, show, further)
        done = look(None)
        show(done)
        _name(library, given)
        if not len(library):
            say(nothing_captioned(library.root, [one.captioner for one in done.captions]))
        if given.fail_on_error and failures_of(done):
            return CaptionretError.exit_code
        return FOUND if len(library) else NOTHING_FOUND


def _name(library: "Library", given: argparse.Namespace) -> None:
    """Say how a library is called that got its name from the folder."""
    if given.library is None:
        called, place = resolved(given.folders[0]).name, library.path.absolute()
        say(f"The library is called {visible(called)}, and lies in {visible(str(place))}.")


def _looking(library: "Library", folder: Path | None, given: argparse.Namespace) -> "Looking":
    """What brings the library up to date as asked: by looking at some files, or through all folders. What
    holds for one run holds for the first."""
    from ..app.loading.captioners import bring_up_to_date
    from ..app.loading.one_pass import OnePass
    from ..app.models import captioner_for, waiting_captioner
    from ..app.searcher import Searcher
    from ..models.encoders import load_encoder

    decoding = _decoding(given, library)
    ours, checkpoint, others = present_and_others(given, library)
    one_pass, how = OnePass(), {"engine": given.engine, "precision": given.precision}
    once: dict[str, Any] = {name: getattr(given, name) for name in ("recaption", "allow_empty", "relocate")}
    encoder = None if given.encoder is None else cache(load_encoder)
    searcher = Searcher(library, device=given.device)

    def load() -> "Captioning":
        return one_pass.read_by(captioner_for(library, checkpoint, decoding, given.device, **how))

    @cache
    def present() -> "Captioning":
        return waiting_captioner(library, checkpoint, given.device, given.precision, load)

    def look(changed: Sequence[str] | None) -> "IndexReport":
        done = bring_up_to_date(
            library,
            folder if once else None,
            present if ours else None,
            others,
            captioner_options(given),
            decoding=decoding if ours else None,
            batch_size=given.batch_size,
            limit=given.limit,
            changed=changed,
            **once,
            one_pass=one_pass,
        )
        once.clear()
        if encoder is not None and len(library):
            encode_pictures(library, encoder(given.encoder, given.device, given.trust_remote_code))
        if not given.watch:
            present.cache_clear()  # the captioner and its engine make room for what predicts words
            gc.collect()
        searcher.prepare()
        return done

    return look


def _change_folders(library: "Library", given: argparse.Namespace) -> None:
    """Add and drop folders, and change what is left out of them, as asked."""
    for folder in given.folders[1:]:
        library.add_folder(folder)
    for folder in given.drop_folder:
        forgotten = counted(library.drop_folder(folder), "files")
        log.info(f"{folder} is looked through no longer: {forgotten} forgotten.")
    for captioner in given.drop_captioner:
        library.remove_captions(captioner)
        log.info(f"{captioner} is asked no longer, and its captions are forgotten.")
    if given.exclude is not None:
        library.ignore(given.exclude)


def _bring_frames(library: "Library", every: float, say_always: bool = True) -> None:
    """Frames of videos, one every so many seconds, and a line of it where any are new."""
    from ..app.curating.video_frames import bring_frames

    done = bring_frames(library, every)
    if done.read or say_always:
        failed = len(done.failures)
        say(f"{counted(done.videos, 'videos')}, {done.read:,} of them read now, {failed:,} failed.")


def _options() -> argparse.ArgumentParser:
    options = parser("index", __doc__ or "")
    options.add_argument(
        "folders",
        type=path_argument,
        nargs="*",
        metavar="DIR",
        help="looked through with everything below it (default: what the library knows); further ones "
        "are added to the library, and looked through from now on",
    )
    options.add_argument(
        "--library", metavar="NAME", help="its name, or a path (default: the name of the folder)"
    )
    options.add_argument(
        "--checkpoint", metavar="NAME", help="what captions (default: the library's own, or the shipped one)"
    )
    add_decoding(options)
    add_captioners(options)
    add_encoder(options)
    options.add_argument(
        "--batch-size", type=int, default=32, metavar="N", help="pictures at a time (default: %(default)s)"
    )
    options.add_argument("--limit", type=int, metavar="N", help="caption at most N pictures now")
    options.add_argument(
        "--recaption",
        action="store_true",
        help="caption all again where the checkpoint or the decoding is another",
    )
    options.add_argument("--allow-empty", action="store_true", help="accept that the folder is empty now")
    relocate = options.add_argument(
        "--relocate", action="store_true", help="accept that the folder lies at DIR now"
    )
    old_name(options, "--moved", relocate)
    _add_folders(options)
    add_watching(options)
    options.add_argument("--json", action="store_true", help="print the counts and the failures as JSON")
    add_device(options)
    add_engine(options, "the library's own, else float32")
    return options


def _add_folders(options: argparse.ArgumentParser) -> None:
    options.add_argument(
        "--drop-folder",
        type=path_argument,
        action="append",
        default=[],
        metavar="DIR",
        help="look through a folder that was added no longer, and forget its pictures",
    )
    options.add_argument(
        "--exclude",
        action="append",
        type=text_argument,
        metavar="GLOB",
        help='leave out what this names, as in .gitignore: "*.png", "drafts/"; several may be given. They '
        'hold until others are given (--exclude "" for none). A file .captionretignore does the same',
    )
    options.add_argument(
        "--videos",
        type=float,
        metavar="S",
        help="caption a frame of each video every S seconds, too, now and in later runs; 0: no longer (extra "
        "video)",
    )
    options.add_argument(
        "--fail-on-error",
        action="store_true",
        help="end with 3 if a picture, a folder or a captioner failed, and name again what failed before, "
        "for runs that nobody watches",
    )


def _decoding(given: argparse.Namespace, library: "Library") -> "Decoding | None":
    """What was asked for; None, which is as before, where the library is captioned and nothing was."""
    plain = _options().parse_args([])
    of_decoding = argparse.ArgumentParser()
    add_decoding(of_decoding)
    asked = vars(of_decoding.parse_args([]))
    as_usual = all(getattr(given, name) == getattr(plain, name) for name in asked)
    return None if as_usual and library.made_by is not None else decoding_of(given)


def _show(library: "Library", done: "IndexReport", as_json: bool, before: "Collection[Failure]" = ()) -> None:
    """Show what was done. Failures that were known `before` are counted, not named again."""
    report, failures = done.update, failures_of(done)
    for failure in failures:
        if failure not in before:
            log.warning(f"failed: {visible(failure.reason)}")
    if again := sum(failure in before for failure in failures):
        known = f"captionret info --library {shlex.quote(library_called(library.path))}"
        log.warning(f"failed: {again:,} as before, see {known}")
    if report.other:
        kinds = ", ".join(counted(count, kind) for kind, count in report.other.items())
        log.info(f"Passed over: {kinds}.")
    facts = asdict(report)
    counts = {name: value for name, value in facts.items() if name not in _LISTS}
    if as_json:
        where = {"library": str(library.path.absolute()), "root": str(library.root)}
        others = {"captions": [asdict(one) for one in done.captions]} if done.captions else {}
        print(json.dumps({**where, **counts, **{name: facts[name] for name in _LISTS}, **others}), flush=True)
        return
    print(_line(counts), flush=True)
    for one in done.captions:
        counts = {name: value for name, value in asdict(one).items() if isinstance(value, int)}
        print(f"{visible(one.captioner)}:  {_line(counts)}", flush=True)


def _line(counts: Mapping[str, int]) -> str:
    return "  ".join(f"{name} {value:,}" for name, value in counts.items() if value or name in _ALWAYS)
