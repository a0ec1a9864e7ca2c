"""The kinds of encoders, one row each; what one kind takes stands behind a colon: "transformers:DIR". No
torch.

captionret index ~/Pictures --encoder transformers:models/clip-vit-base-patch32
"""

from collections.abc import Callable
from dataclasses import dataclass

from ...config import Registry
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
    return isinstance(given, str) and given.partition(":")[0] in ENCODERS and ":" in given


def load_encoder(spec: str, device: str = "auto", trust_remote_code: bool = False) -> PictureEncoder:
    """An encoder by its name, KIND:WHAT. Nothing is downloaded.

    trust_remote_code: let code run that lies beside a model's weights
    errors: UnknownName for a kind that there is not, BadSetting where its library is not installed,
            MissingWeights, BadCheckpoint

    load_encoder("open_clip:ViT-B-32/laion2b_s34b_b79k").encode_texts(["a dog"])  # (1, 512)
    """
    kind, _, what = spec.partition(":")
    return ENCODERS[kind].load(what, device, trust_remote_code)
