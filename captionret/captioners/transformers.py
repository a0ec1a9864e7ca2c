"""A captioner of Hugging Face transformers: BLIP, GIT, vision-encoder-decoders, and chat models that take
pictures. From a folder, or a name in the hub's cache.

transformers:Salesforce/blip-image-captioning-base
"""

import contextlib
import hashlib
import json
import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import BadCheckpoint, BadSetting
from ..images import Picture
from .options import PROMPT, CaptionerOptions

if TYPE_CHECKING:
    from PIL import Image

log = logging.getLogger(__name__)

_LOADING = (OSError, ValueError, KeyError, TypeError, RuntimeError, ImportError, AttributeError)


class TransformersCaptioner:
    """Greedy, as the model's own `generate` is."""

    def __init__(self, what: str, options: CaptionerOptions) -> None:
        """errors: BadSetting where transformers is not installed, or code of the model's own would have to
        run; BadCheckpoint for what is no captioner, or not whole"""
        if not what:
            raise BadSetting("Which model? Write transformers:DIR or transformers:NAME.")
        try:
            import transformers
        except ImportError as error:
            raise BadSetting(
                f"transformers is not installed ({error}). Install captionret[transformers]."
            ) from None
        self._library = transformers
        self.what, self.options = what, options
        self.name = Path(what).name
        self.batch_size = options.batch_size
        with _quiet():
            self._load()

    def caption(self, images: Sequence[Picture]) -> list[str | list[str]]:
        """errors: BadImage"""
        if not images:
            return []
        opened = [picture.open() for picture in images]
        return self._chatted(opened) if self._chat else self._captioned(opened)

    @property
    def fingerprint(self) -> str:
        """Of the weights' file, the settings, and the prompt."""
        facts = [self._weights(), self.options.prompt, self.options.max_words, self.options.captions]
        return hashlib.sha256(json.dumps([self.name, *facts, str(self._dtype)]).encode()).hexdigest()

    def describe(self) -> dict[str, Any]:
        """For the catalogue."""
        return {"model": self.what, "architecture": type(self.model).__name__, "prompt": self.options.prompt}

    def generate_options(self) -> dict[str, Any]:
        """What is given to `generate`."""
        count = self.options.captions
        wide = {"num_beams": count, "num_return_sequences": count} if count > 1 else {}
        return {"max_new_tokens": self.options.max_words, "do_sample": False, **wide}

    def _load(self) -> None:
        import torch

        options = self.options
        auto = "cuda" if torch.cuda.is_available() else "cpu"
        self.device = auto if options.device == "auto" else options.device
        usual = torch.float32 if self.device == "cpu" else torch.float16
        self._dtype = usual if options.dtype == "auto" else getattr(torch, options.dtype, None)
        if not isinstance(self._dtype, torch.dtype):
            raise BadSetting(f"dtype is {options.dtype}; auto, float32, bfloat16 and float16 are possible.")
        known = {"trust_remote_code": options.trust_remote_code}
        known["local_files_only"] = "HF_HUB_OFFLINE" in os.environ or Path(self.what).exists()
        config = self._loaded(self._library.AutoConfig, known, "config")
        if getattr(config, "auto_map", None) and not options.trust_remote_code:
            raise BadSetting(
                f"{self.what} brings code of its own, which would run here. If you trust it, say so: "
                "trust_remote_code."
            )
        encoder_decoder = config.model_type == "vision-encoder-decoder"
        auto_model = "AutoModelForVision2Seq" if encoder_decoder else "AutoModelForImageTextToText"
        auto_class = getattr(self._library, auto_model, None) or self._library.VisionEncoderDecoderModel
        self.model = self._model(auto_class, known)
        self.processor, self.tokenizer = self._processors(encoder_decoder, known)
        self._chat = bool(getattr(self.processor, "chat_template", None))

    def _model(self, auto_class: Any, known: dict[str, Any]) -> Any:
        """The model, whole: weights that are missing would be random."""
        given = {**known, "dtype": self._dtype, "output_loading_info": True}
        model, info = self._loaded(auto_class, given, "model")
        missing = sorted(map(str, info.get("missing_keys") or ()))
        missing += sorted(str(one) for one in info.get("mismatched_keys") or ())
        if missing:
            some = ", ".join(missing[:3]) + (" ..." if len(missing) > 3 else "")
            raise BadCheckpoint(
                f"Weights of {self.what} are missing: {some}. It is no captioner, or was not copied whole."
            )
        return model.to(self.device).eval()

    def _processors(self, encoder_decoder: bool, known: dict[str, Any]) -> tuple[Any, Any]:
        if encoder_decoder:
            images = self._loaded(self._library.AutoImageProcessor, known, "image processor")
            return images, self._loaded(self._library.AutoTokenizer, known, "tokenizer")
        processor = self._loaded(self._library.AutoProcessor, known, "processor")
        return processor, getattr(processor, "tokenizer", processor)

    def _loaded(self, auto_class: Any, given: dict[str, Any], what: str) -> Any:
        try:
            return auto_class.from_pretrained(self.what, **given)
        except _LOADING as error:
            if "trust_remote_code" in str(error):
                raise BadSetting(
                    f"{self.what} brings code of its own, which would run here. If you trust it, say so: "
                    "trust_remote_code."
                ) from None
            first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            message = f"{self.what} cannot be read as a captioner ({what}: {first})."
            if not Path(self.what).exists() and self.what.count("/") == 1:  # as the hub names models
                message += f" Give a directory, or fetch it first: hf download {self.what}"
            raise BadCheckpoint(message) from error

    def _captioned(self, images: "Sequence[Image.Image]") -> list[str | list[str]]:
        import torch

        prompt = self.options.prompt
        text = {"text": [prompt] * len(images)} if prompt and self.processor is not self.tokenizer else {}
        given = self.processor(images=list(images), return_tensors="pt", **text).to(self.device)
        given = {
            name: value.to(self._dtype) if value.is_floating_point() else value
            for name, value in given.items()
        }
        with torch.inference_mode():
            out = self.model.generate(**given, **self.generate_options())
        texts = self.tokenizer.batch_decode(out, skip_special_tokens=True)
        if prompt:
            texts = [one.strip().removeprefix(prompt.lower()).removeprefix(prompt) for one in texts]
        return self._grouped(texts)

    def _chatted(self, images: "Sequence[Image.Image]") -> list[str | list[str]]:
        import torch

        found: list[str | list[str]] = []
        for image in images:
            parts = [
                {"type": "image", "image": image},
                {"type": "text", "text": self.options.prompt or PROMPT},
            ]
            given = self.processor.apply_chat_template(
                [{"role": "user", "content": parts}],
                add_generation_prompt=True,
                tokenize=True,
                return_dict=True,
                return_tensors="pt",
            ).to(self.device, dtype=self._dtype)
            with torch.inference_mode():
                out = self.model.generate(**given, **self.generate_options())
            answered = out[:, given["input_ids"].shape[1] :]
            found += self._grouped(self.tokenizer.batch_decode(answered, skip_special_tokens=True))
        return found

    def _grouped(self, texts: Sequence[str]) -> list[str | list[str]]:
        count = self.options.captions
        if count == 1:
            return list(texts)
        return [list(texts[first : first + count]) for first in range(0, len(texts), count)]

    def _weights(self) -> list[list[object]]:
        """What tells one set of weights from another: names and sizes of files, and the hashes that the hub
        gives them."""
        folder = Path(self.what)
        if not folder.is_dir():
            return [[self.what, str(getattr(self.model.config, "_commit_hash", ""))]]
        files = sorted(one for one in folder.iterdir() if one.suffix in (".safetensors", ".bin", ".json"))
        return [[one.name, one.stat().st_size, _sha256(one)] for one in files]


def _sha256(file: Path) -> str:
    with open(file, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Neither bars nor advice of another library on the terminal."""
    from transformers.utils import logging as theirs

    before = theirs.get_verbosity()
    theirs.set_verbosity_error()
    theirs.disable_progress_bar()
    try:
        yield
    finally:
        theirs.set_verbosity(before)
        theirs.enable_progress_bar()
