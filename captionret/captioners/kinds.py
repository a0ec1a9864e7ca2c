"""The kinds of captioners: one row each, and those of plug-ins."""

import inspect
import logging
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from ..config import Registry
from ..errors import BadSetting, UnknownName
from ..files import expanded, resolved
from ..home import is_name, known_checkpoints
from .given_file import FileCaptioner
from .options import CaptionerOptions
from .protocol import ImageCaptioner
from .stream import StreamedCaptioner

log = logging.getLogger(__name__)

PLUGINS = "captionret.captioners"  # the group of entry points
Make = Callable[[str, CaptionerOptions], ImageCaptioner]


@dataclass(frozen=True, slots=True)
class CaptionerKind:
    """One kind.

    about: what WHAT is, and what answers
    make:  WHAT and the settings -> a captioner
    paths: whether WHAT may be a path, which is kept as a whole one
    """

    about: str
    make: Make
    paths: bool = False


def _openai(what: str, options: CaptionerOptions) -> ImageCaptioner:
    from .openai import OpenAICaptioner

    return OpenAICaptioner(what, options)


def _transformers(what: str, options: CaptionerOptions) -> ImageCaptioner:
    from .transformers import TransformersCaptioner

    return TransformersCaptioner(what, options)


CAPTIONERS: Registry[CaptionerKind] = Registry(
    "kind of captioner",
    {
        "openai": CaptionerKind("openai:URL#MODEL, a server that speaks OpenAI's protocol", _openai),
        "transformers": CaptionerKind(
            "transformers:DIR-or-NAME, a model of Hugging Face transformers", _transformers, paths=True
        ),
    },
)
FILE = "file"  # captions that stand in one need no captioner to be made


def make_captioner(spec: str, options: CaptionerOptions | None = None) -> StreamedCaptioner | FileCaptioner:
    """The captioner that "KIND:WHAT" names.

    errors: UnknownName for a kind that there is not; BadSetting, BadDataset, BadCheckpoint: as the kind says
    """
    kind, colon, what = spec.partition(":")
    options = options or CaptionerOptions()
    if kind == FILE and colon:
        return FileCaptioner(expanded(what), options.max_words)
    row = CAPTIONERS[kind] if kind in CAPTIONERS else plugin(kind)
    if row.paths and expanded(what).exists():
        what = str(resolved(what))
    return StreamedCaptioner(row.make(what, options), f"{kind}:{what}" if colon else kind, options)


def is_kind(spec: str) -> bool:
    """Whether a text names a captioner of a kind, rather than a checkpoint."""
    kind, _, _ = spec.partition(":")
    return (kind in (FILE, *CAPTIONERS) and ":" in spec) or kind in _plugins()


def check_kind(spec: str) -> None:
    """Refuse "KIND:WHAT" that names neither a captioner of a kind nor a checkpoint. errors: UnknownName"""
    kind, colon, _ = spec.partition(":")
    if not colon or is_kind(spec) or not is_name(kind) or len(kind) == 1:  # C:, a drive
        return
    if not expanded(spec).exists() and spec not in known_checkpoints():
        plugin(kind)


def captioner_name(spec: str) -> str:
    """What a captioner is called, as people see it: without its kind."""
    return Path(spec.partition(":")[2] or spec).name


def plugin(kind: str) -> CaptionerKind:
    """The kind that an installed plug-in brings. errors: UnknownName, BadSetting where it cannot be loaded"""
    found = _plugins()
    if kind not in found:
        raise UnknownName.among("kind of captioner", kind, [FILE, *CAPTIONERS, *found])
    try:
        made = found[kind].load()
    except Exception as error:  # whatever a plug-in raises when it is imported
        raise BadSetting(f"The plug-in {kind} ({found[kind].value}) cannot be loaded: {error!r}.") from error

    def make(what: str, options: CaptionerOptions) -> ImageCaptioner:
        taken = [one for one in inspect.signature(made).parameters.values() if one.kind < one.VAR_POSITIONAL]
        captioner: ImageCaptioner = made(*(what, options)[: len(taken)])
        return captioner

    return CaptionerKind(f"{kind}:WHAT, of a plug-in", make, paths=True)


def _plugins() -> dict[str, EntryPoint]:
    return {one.name: one for one in entry_points(group=PLUGINS)}
