"""Encoders of open_clip: MODEL/PRETRAINED by the names of `open_clip.list_pretrained()`, where PRETRAINED
may be a file; or a directory with open_clip_config.json and weights."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from ...errors import BadCheckpoint, BadSetting, MissingWeights, UnknownName
from ...files import expanded
from ..device import choose_device
from .encoder import PictureEncoder
from .local_files import files_of, folder_of, key_of, spec_of, without_network

_HUB = "hf-hub:"
_TRANSFORM = {"mean": "image_mean", "std": "image_std", "interpolation": "image_interpolation"}
_TRANSFORM |= {"resize_mode": "image_resize_mode"}


class OpenClipTowers:
    """A model of open_clip with its transform and its tokens."""

    def __init__(
        self, model: Any, transform: Callable[[Image.Image], Any], tokens: Callable[[list[str]], Any]
    ) -> None:
        self._model, self._transform, self._tokens = model, transform, tokens
        self._device = next(model.parameters()).device

    def images(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        """(N, D)"""
        batch = torch.stack([self._transform(image) for image in images])
        return self._vectors(self._model.encode_image, batch)

    def texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(M, D)"""
        return self._vectors(self._model.encode_text, self._tokens(list(texts)))

    def _vectors(self, read: Callable[[Any], Any], batch: Any) -> NDArray[np.float32]:
        with torch.inference_mode():
            values: NDArray[np.float32] = read(batch.to(self._device)).float().cpu().numpy()
        return values


def load(what: str, device: str) -> PictureEncoder:
    """MODEL/PRETRAINED, a directory, or hf-hub:NAME.

    errors: MissingWeights; BadSetting where open_clip is not installed or no weights are named; UnknownName;
            BadCheckpoint
    """
    try:
        import open_clip
    except ImportError as error:
        raise BadSetting(
            f"Encoders of open_clip need that package ({error}). Install it: pip install "
            "captionret[open-clip]"
        ) from None
    if expanded(what).is_dir() or what.startswith(_HUB):
        folder = folder_of(what.removeprefix(_HUB))
        name, options, key = f"local-dir:{folder}", dict[str, Any](), key_of(files_of(folder), "open_clip")
        if not any(file.suffix in (".safetensors", ".bin", ".pt", ".pth") for file in files_of(folder)):
            raise MissingWeights(f"{what} holds no weights. Fetch the model again.")
    else:
        name, options, key = _named(what)
    try:
        with without_network():
            model, _, transform = open_clip.create_model_and_transforms(name, **options)
            tokens = open_clip.get_tokenizer(name)
    except Exception as error:  # its loaders raise whatever their files make them
        reason = str(error).strip().splitlines()
        raise BadCheckpoint(
            f"{what} cannot be loaded by open_clip ({reason[0] if reason else type(error).__name__}). Give "
            "MODEL/PRETRAINED, or the directory of a whole model."
        ) from error
    model = model.float().eval().requires_grad_(False).to(choose_device(device))
    return PictureEncoder(spec_of("open_clip", what), key, OpenClipTowers(model, transform, tokens))


def _named(what: str) -> tuple[str, dict[str, Any], str]:
    """The model's name, what creates it with its weights, and its key. errors: as load"""
    import open_clip

    name, _, pretrained = what.partition("/")
    if name not in open_clip.list_models():
        raise UnknownName.among("model of open_clip", name, open_clip.list_models())
    known = open_clip.list_pretrained_tags_by_model(name)
    config = json.dumps(open_clip.get_model_config(name), sort_keys=True)
    if not pretrained:
        raise BadSetting(
            f"Which weights of {name}? Without any its vectors would be random. Name them as "
            f"open_clip:{name}/PRETRAINED: {', '.join(known) or 'a file'}."
        )
    if expanded(pretrained).is_file():
        file = expanded(pretrained)
        return name, {"pretrained": str(file)}, key_of([file], "open_clip", config)
    if pretrained not in known:
        raise UnknownName.among(f"set of weights of {name}", pretrained, known)
    facts = open_clip.get_pretrained_cfg(name, pretrained)
    options = {given: facts[fact] for fact, given in _TRANSFORM.items() if facts.get(fact)}
    options["force_quick_gelu"] = bool(facts.get("quick_gelu"))
    file = _cached(what, facts)
    return name, {**options, "pretrained": str(file)}, key_of([file], "open_clip", config, repr(options))


def _cached(what: str, facts: dict[str, Any]) -> Path:
    """Where this machine has the weights of that name. errors: MissingWeights"""
    from open_clip.pretrained import download_pretrained

    place = Path("~/.cache/clip").expanduser() / Path(facts.get("url", "")).name
    if facts.get("hf_hub"):
        try:
            with without_network():
                return Path(download_pretrained(facts))
        except (OSError, ValueError, RuntimeError):
            pass  # it may be where its address put it
    if facts.get("url") and place.is_file():
        return place
    source = str(facts.get("hf_hub") or facts.get("url")).rstrip("/")
    raise MissingWeights(
        f"The weights of {what} are not on this machine. Fetch them first: hf download {source}"
        if facts.get("hf_hub")
        else f"The weights of {what} are not on this machine. Put {source} into {place.parent}."
    )
