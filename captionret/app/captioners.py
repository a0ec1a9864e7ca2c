"""Captioners of every kind for a library: made from what people type, or again from what the library
remembers of them; and a library brought up to date with all of them."""

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..captioners import CaptionerOptions, StreamedCaptioner, make_captioner
from ..captioners.given_file import FileCaptioner
from ..captioners.journal import Journal
from ..captioners.kinds import is_kind
from ..captioners.options import from_json
from ..decoding import Decoding
from ..errors import CaptionretError
from ..library import Captioning, KnownCaptioner, Library, MadeBy
from ..library.noting import PicturesAlone
from ..library.report import CaptionReport, UpdateReport
from .named import captioner_of
from .places import checkpoint_path
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
    **update: Any,
) -> IndexReport:
    """Look through the folder, then let every captioner caption what it has not yet.

    present: loads the captioner that gives the library its features; None: pictures are only noted
    specs:   further captioners, as people name them: "KIND:WHAT", or a checkpoint; those that the library
             knows are asked, too
    update:  further arguments of Library.update
    errors:  as Library.update and make_captioner; where a captioner fails that is not among `specs` that is
             logged
    """
    given = {"decoding": decoding, "batch_size": batch_size, **update}
    if present is None:
        done = library.update(folder, PicturesAlone(), **given)
    else:
        done = library.update(folder, present(), limit=limit, **given)
    asked = [captioner_from(spec, options) for spec in specs]
    beside = {"limit": limit, "batch_size": batch_size, "progress": update.get("progress")}
    reports = [_captioned(library, one, decoding, beside) for one in asked]
    fresh = {report.captioner for report in reports}
    for known in library.captioners:
        if known.label not in fresh and known.id != library.snapshot().contents.shown.present:
            report = _again(library, known, beside)
            reports += [] if report is None else [report]
    return IndexReport(done, tuple(reports))


def captioner_from(spec: str, options: CaptionerOptions | None = None) -> Captioning:
    """The captioner that people name: "KIND:WHAT", or a checkpoint. errors: as make_captioner"""
    options = options or CaptionerOptions()
    if is_kind(spec):
        return make_captioner(spec, options)
    from ..models.captioning.captioner import Captioner

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


def _again(library: Library, known: KnownCaptioner, beside: dict[str, Any]) -> CaptionReport | None:
    """What a captioner that the library knows has yet to say. Nothing is loaded where there is nothing."""
    try:
        made_by = known.made_by(library.path)
        spec = json.loads(known.described).get("captioner")
        if known.kind == "file":
            if not isinstance(spec, str):
                return None  # given by a program, once
            captioner: Captioning = make_captioner(spec)
        elif not library.waiting_for(known.label):
            return None
        else:
            captioner = remembered_captioner(made_by)
        return _captioned(library, captioner, made_by.decoding, beside)
    except CaptionretError as error:
        log.warning(f"{known.label} is not asked: {error.message}")
        return None
