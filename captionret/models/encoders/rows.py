"""The kinds of encoders, one row each; what one kind takes stands behind a colon: "transformers:DIR". No
torch.

captionret index ~/Pictures --encoder transformers:models/clip-vit-base-patch32
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from ...config import Registry
from ...errors import BadSetting
from .encoder import PictureEncoder


@dataclass(frozen=True, slots=True)
class EncoderKind:
    """One row of ENCODERS.

    about: one sentence for lists
    load:  what stands behind the colon, a device, and whether code that comes with the model may run -> it
    """

    about: str
    load: Callable[[str, str, bool], PictureEncoder]


def _transformers(what: str, device: str, trust_remote_code: bool) -> PictureEncoder:
    from .from_transformers import load

    return load(what, device, trust_remote_code)


def _open_clip(what: str, device: str, trust_remote_code: bool) -> PictureEncoder:
    from .from_open_clip import load

    return load(what, device)


PLUGINS = "captionret.encoders"  # the group of entry points
ENCODERS: Registry[EncoderKind] = Registry(
    "kind of encoder",
    {
        "transformers": EncoderKind(
            "CLIP, SigLIP and the like of Hugging Face transformers: a directory, or a name in the hub's "
            "cache",
            _transformers,
        ),
        "open_clip": EncoderKind("a model of open_clip: MODEL/PRETRAINED, or a directory", _open_clip),
    },
)


def is_encoder(given: object) -> bool:
    """Whether it names an encoder rather than a checkpoint: its kind stands before a colon."""
    if not isinstance(given, str | os.PathLike):
        return False
    kind, colon, _ = os.fspath(given).partition(":")
    return bool(colon) and (kind in ENCODERS or kind in _plugins())


def load_encoder(spec: str, device: str = "auto", trust_remote_code: bool = False) -> PictureEncoder:
    """An encoder by its name, KIND:WHAT. Nothing is downloaded.

    trust_remote_code: let code run that lies beside a model's weights
    errors: UnknownName for a kind that there is not, BadSetting where its library is not installed,
            MissingWeights, BadCheckpoint

    load_encoder("open_clip:ViT-B-32/laion2b_s34b_b79k").encode_texts(["a dog"])  # (1, 512)
    """
    kind, _, what = spec.partition(":")
    row = ENCODERS[kind] if kind in ENCODERS or kind not in _plugins() else _plugin(kind)
    return row.load(what, device, trust_remote_code)


@cache
def _plugins() -> dict[str, EntryPoint]:
    return {one.name: one for one in entry_points(group=PLUGINS)}


def _plugin(kind: str) -> EncoderKind:
    """The kind that an installed package brings. errors: BadSetting where it cannot be loaded"""
    entry = _plugins()[kind]
    try:
        make = entry.load()
    except Exception as error:  # whatever a package raises when it is imported
        raise BadSetting(f"The plug-in {kind} ({entry.value}) cannot be loaded: {error!r}.") from error

    def load(what: str, device: str, trust_remote_code: bool) -> PictureEncoder:
        made = make(what, device)
        if isinstance(made, PictureEncoder):
            return made
        return PictureEncoder(f"{kind}:{what}", str(getattr(made, "key", f"{entry.value} {what}")), made)

    return EncoderKind(f"{kind}:WHAT, of a plug-in", load)
