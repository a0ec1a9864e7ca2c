"""Encoders of Hugging Face transformers: models with `get_image_features` and `get_text_features`."""

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from ...errors import BadCheckpoint, BadSetting
from ...remedies import remedy
from ..device import choose_device
from .encoder import PictureEncoder
from .local_files import files_of, folder_of, key_of, spec_of, without_network

_FIXED_LENGTH = ("siglip",)  # were trained on texts that are padded to their full length
"""The kinds of models, as their names begin."""


class TransformersTowers:
    """A model of transformers with its processor."""

    def __init__(self, model: Any, processor: Any, device: torch.device) -> None:
        self._model, self._processor, self._device = model, processor, device
        kind = str(model.config.model_type)
        self._padding = "max_length" if kind.startswith(_FIXED_LENGTH) else True
        text = getattr(model.config, "text_config", model.config)
        self._longest = int(getattr(text, "max_position_embeddings", 64))

    def images(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        """(N, D)"""
        return self._vectors(
            self._model.get_image_features, self._processor(images=list(images), return_tensors="pt")
        )

    def texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(M, D)"""
        tokens = self._processor(
            text=list(texts),
            padding=self._padding,
            truncation=True,
            max_length=self._longest,
            return_tensors="pt",
        )
        return self._vectors(self._model.get_text_features, tokens)

    def _vectors(self, read: Callable[..., Any], inputs: Any) -> NDArray[np.float32]:
        with torch.inference_mode():
            found = read(**inputs.to(self._device))
        rows = found if isinstance(found, torch.Tensor) else found.pooler_output
        values: NDArray[np.float32] = rows.float().cpu().numpy()
        return values


def load(what: str, device: str, trust_remote_code: bool) -> PictureEncoder:
    """A directory, or the name of a model in the hub's cache.

    errors: MissingWeights; BadSetting where transformers is not installed, or code would have to run;
            BadCheckpoint for what is no encoder, and for weights that are not all there
    """
    try:
        import transformers
    except ImportError as error:
        raise BadSetting(
            f"Encoders of transformers need that package ({error}). Install it: pip install "
            "captionret[transformers]"
        ) from None
    folder = folder_of(what)
    _refuse_code(folder, what, trust_remote_code)
    options = {"local_files_only": True, "trust_remote_code": trust_remote_code}
    with without_network(), _quiet(), _errors_named(what):
        model, report = transformers.AutoModel.from_pretrained(folder, output_loading_info=True, **options)
        if not (hasattr(model, "get_image_features") and hasattr(model, "get_text_features")):
            raise BadCheckpoint(
                f"{what} is a model of the kind {model.config.model_type}, which does not put pictures and "
                "texts into one space. Give one such as CLIP or SigLIP."
            )
        if missing := sorted(report["missing_keys"]):
            raise BadCheckpoint(
                f"{len(missing):,} weights of {what} are missing, {missing[0]} among them. Fetch it again."
            )
        processor = transformers.AutoProcessor.from_pretrained(folder, **options)
    place = choose_device(device)
    towers = TransformersTowers(model.float().eval().requires_grad_(False).to(place), processor, place)
    return PictureEncoder(spec_of("transformers", what), key_of(files_of(folder), "transformers"), towers)


def _refuse_code(folder: Path, what: str, trusted: bool) -> None:
    """BadSetting for a model that comes with code of its own, unless that may run."""
    for name in ("config.json", "processor_config.json", "preprocessor_config.json", "tokenizer_config.json"):
        try:
            facts = json.loads((folder / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue  # the loader names what is wrong with it
        if isinstance(facts, dict) and facts.get("auto_map") and not trusted:
            raise BadSetting(
                f"{what} brings code of its own ({name}: auto_map), which would run with your rights.",
                remedy("trust code"),
            )


@contextmanager
def _errors_named(what: str) -> Iterator[None]:
    """Whatever transformers finds wrong with a model, as one error that names it."""
    try:
        yield
    except BadCheckpoint:
        raise
    except Exception as error:  # its loaders raise whatever their files make them
        reason = str(error).strip().splitlines()
        raise BadCheckpoint(
            f"{what} cannot be loaded as an encoder ({reason[0] if reason else type(error).__name__}). Give "
            "the directory of a whole model: config, weights, processor and tokenizer."
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the bars and notes of transformers, which are about its own files."""
    from transformers.utils import logging as notes

    bars, level = notes.is_progress_bar_enabled(), notes.get_verbosity()
    notes.disable_progress_bar()
    notes.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        notes.set_verbosity(level)
        if bars:
            notes.enable_progress_bar()
