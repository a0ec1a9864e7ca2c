"""Captioners of every kind for a library: made from what people type, or again from what the library
remembers of them; and a library brought up to date with all of them."""

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...captioners import CaptionerOptions, StreamedCaptioner, make_captioner
from ...captioners.given_file import FileCaptioner
from ...captioners.journal import Journal
from ...captioners.kinds import check_kind, is_kind
from ...captioners.options import from_json
from ...decoding import BeamSearch, Decoding
from ...errors import CaptionretError
from ...library import Captioning, KnownCaptioner, Library, MadeBy
from ...library.captions.beside import own_way
from ...library.captions.noting import PicturesAlone
from ...library.report import CaptionReport, UpdateReport
from ..places import checkpoint_path
from .named import captioner_of
from .one_pass import OnePass
from .rerankers import with_reranker

log = logging.getLogger(__name__)

Loader = Callable[[], Captioning]


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What was done to a library: with its folder, and with the captions of each further captioner."""

    update: UpdateReport
    captions: tuple[CaptionReport, ...] = ()


def bring_up_to_date(
    library: Library,
    folder: Path | None,
    present: Loader | None,
    specs: Sequence[str] = (),
    options: CaptionerOptions | None = None,
    *,
    decoding: Decoding | None = None,
    limit: int | None = None,
    batch_size: int = 32,
    one_pass: OnePass | None = None,
    **update: Any,
) -> IndexReport:
    """Look through the folder, then let every captioner caption what it has not yet.

    present: loads the captioner that gives the library its features; None: pictures are only noted
    specs:   further captioners, as people name them: "KIND:WHAT", or a checkpoint; those that the library
             knows are asked, too
    one_pass: what `present` gives its captioner to (`OnePass.read_by`), so that other checkpoints of the same
             CNN caption in its pass
    update:  further arguments of Library.update
    errors:  as Library.update and make_captioner; where a captioner fails that is not among `specs` that is
             logged
    """
    given = {"decoding": decoding, "batch_size": batch_size, **update}
    one_pass = one_pass or OnePass()
    asked = [captioner_from(spec, options) for spec in specs]
    again = Remembering(library)
    one_pass.others = lambda: [
        *((one, _way(one, decoding)) for one in asked),
        *again.checkpoints(),
    ]
    if present is None:
        done = library.update(folder, PicturesAlone(), **given)
    else:
        done = library.update(folder, present(), limit=limit, **given)
    beside = {"limit": limit, "batch_size": batch_size, "progress": update.get("progress")}
    reports = []
    for place, one in enumerate(asked):
        one_pass.others = lambda rest=asked[place + 1 :]: [(other, _way(other, decoding)) for other in rest]
        captioner = one_pass.answering(one_pass.read_by(one))
        reports.append(_captioned(library, captioner, decoding, beside))
    fresh = {report.captioner for report in reports}
    for known in library.captioners:
        if known.label not in fresh and known.id != library.snapshot().contents.shown.present:
            report = again.captioned(known, one_pass, beside)
            reports += [] if report is None else [report]
    one_pass.forget()
    return IndexReport(done, tuple(reports))


def _way(captioner: Captioning, decoding: Decoding | None) -> Decoding:
    return decoding or own_way(captioner) or BeamSearch()


def captioner_from(spec: str, options: CaptionerOptions | None = None) -> Captioning:
    """The captioner that people name: "KIND:WHAT", or a checkpoint. errors: as make_captioner"""
    check_kind(spec)
    options = options or CaptionerOptions()
    if is_kind(spec):
        return make_captioner(spec, options)
    from ...models.captioning.captioner import Captioner

    return Captioner.load(checkpoint_path(spec), options.device)


def remembered_captioner(made_by: MadeBy, device: str = "auto") -> Captioning:
    """The captioner that a library remembers, ready for its way of decoding. errors: as make_captioner and
    captioner_of"""
    spec = made_by.described.get("captioner")
    if not isinstance(spec, str) or not spec:
        return with_reranker(captioner_of(made_by, device), made_by.decoding)
    return make_captioner(spec, replace(from_json(made_by.described.get("options")), device=device))


def _captioned(
    library: Library, captioner: Captioning, decoding: Decoding | None, beside: dict[str, Any]
) -> CaptionReport:
    if isinstance(captioner, FileCaptioner):
        described = captioner.describe()
        return library.add_captions(captioner.name, captioner.given(), whole=True, described=described)
    if isinstance(captioner, StreamedCaptioner):
        journal = library.path / f"answers-{captioner.fingerprint[:16]}.jsonl"
        captioner.journal = Journal(journal)
        return library.caption_beside(captioner, **beside)
    return library.caption_beside(captioner, decoding=decoding, **beside)


class Remembering:
    """The captioners that a library knows beside its present one, each loaded once."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._loaded: dict[int, Captioning] = {}

    def checkpoints(self) -> Iterator[tuple[Captioning, Decoding]]:
        """Those of them that are checkpoints and can be loaded, and how each decodes."""
        for known in self._library.captioners:
            if known.kind == "file" or known.id == self._library.snapshot().contents.shown.present:
                continue
            try:
                made_by = known.made_by(self._library.path)
                if not made_by.described.get("captioner"):
                    yield self._load(known, made_by), made_by.decoding
            except CaptionretError as error:
                log.debug(f"{known.label} is left for later: {error.message}")

    def captioned(
        self, known: KnownCaptioner, one_pass: OnePass, beside: dict[str, Any]
    ) -> CaptionReport | None:
        """What one of them has yet to say. Nothing is loaded where there is nothing."""
        try:
            made_by = known.made_by(self._library.path)
            spec = json.loads(known.described).get("captioner")
            if known.kind == "file":
                if not isinstance(spec, str):
                    return None  # given by a program, once
                captioner: Captioning = make_captioner(spec)
            elif not self._library.waiting_for(known.label):
                return None
            else:
                captioner = one_pass.answering(self._load(known, made_by))
            return _captioned(self._library, captioner, made_by.decoding, beside)
        except CaptionretError as error:
            log.warning(f"{known.label} is not asked: {error.message}")
            return None

    def _load(self, known: KnownCaptioner, made_by: MadeBy) -> Captioning:
        if known.id not in self._loaded:
            self._loaded[known.id] = remembered_captioner(made_by)
        return self._loaded[known.id]
