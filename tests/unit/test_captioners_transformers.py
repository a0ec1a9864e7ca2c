"""Models of transformers as captioners: tiny random ones, saved to a folder and loaded by the very code that
loads real ones. Captions are those of the library's own `generate`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from captionret.captioners import CaptionerOptions
from captionret.captioners.transformers import TransformersCaptioner
from captionret.errors import BadCheckpoint, BadSetting
from captionret.images import as_picture
from captionret.testing import check_captioner

transformers = pytest.importorskip("transformers")
torch = pytest.importorskip("torch")

WORDS = "a the dog cat man woman red blue runs sits on in with ball grass beach two and of picture".split()
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
TINY = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 37,
}
VOCABULARY = len(SPECIAL) + len(WORDS)
OPTIONS = CaptionerOptions(max_words=8, batch_size=2)


def tokenizer() -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers

    names = {word: row for row, word in enumerate(SPECIAL + WORDS)}
    made = Tokenizer(models.WordLevel(names, "[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    marks = {"cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "unk_token": "[UNK]"}
    return transformers.PreTrainedTokenizerFast(tokenizer_object=made, mask_token="[MASK]", **marks)


def speak(head: Any) -> None:
    """Let a random model say words rather than end at once."""
    with torch.no_grad():
        head.bias[: len(SPECIAL)] = -1e4


def blip(folder: Path) -> None:
    from transformers import BlipConfig, BlipForConditionalGeneration, BlipImageProcessor, BlipProcessor

    words = tokenizer()
    text = TINY | {"vocab_size": VOCABULARY, "encoder_hidden_size": 32, "max_position_embeddings": 32}
    text |= {"bos_token_id": 2, "eos_token_id": 3, "sep_token_id": 3, "pad_token_id": 0}
    vision = TINY | {"image_size": 32, "patch_size": 8}
    config = BlipConfig(text_config=text, vision_config=vision, projection_dim=32)
    model = BlipForConditionalGeneration(config)
    speak(model.text_decoder.cls.predictions)
    model.save_pretrained(folder)
    BlipProcessor(BlipImageProcessor(size={"height": 32, "width": 32}), words).save_pretrained(folder)


def git(folder: Path) -> None:
    from transformers import CLIPImageProcessor, GitConfig, GitForCausalLM, GitProcessor

    words = tokenizer()
    vision = TINY | {"image_size": 32, "patch_size": 8}
    ends = {"bos_token_id": 2, "eos_token_id": 3, "pad_token_id": 0}
    config = GitConfig(
        vision_config=vision, vocab_size=VOCABULARY, max_position_embeddings=64, **ends, **TINY
    )
    model = GitForCausalLM(config)
    speak(model.output)
    model.save_pretrained(folder)
    size = {"shortest_edge": 32}
    images = CLIPImageProcessor(size=size, crop_size={"height": 32, "width": 32})
    GitProcessor(images, words).save_pretrained(folder)


def encoder_decoder(folder: Path) -> None:
    from transformers import (
        BertConfig,
        VisionEncoderDecoderConfig,
        VisionEncoderDecoderModel,
        ViTConfig,
        ViTImageProcessor,
    )

    words = tokenizer()
    decoder = BertConfig(
        vocab_size=VOCABULARY, is_decoder=True, add_cross_attention=True, max_position_embeddings=32, **TINY
    )
    encoder = ViTConfig(image_size=32, patch_size=8, **TINY)
    config = VisionEncoderDecoderConfig.from_encoder_decoder_configs(encoder, decoder)
    model = VisionEncoderDecoderModel(config)
    speak(model.decoder.cls.predictions)
    model.config.decoder_start_token_id = model.generation_config.decoder_start_token_id = 2
    model.config.pad_token_id = model.generation_config.pad_token_id = 0
    model.generation_config.eos_token_id = 3
    model.save_pretrained(folder)
    ViTImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)
    words.save_pretrained(folder)


def chat(folder: Path) -> None:
    """A chat model that takes pictures: LLaVA's kind, with a template of its own."""
    from transformers import (
        CLIPImageProcessor,
        CLIPVisionConfig,
        LlamaConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
    )

    words = tokenizer()
    words.add_special_tokens({"additional_special_tokens": ["<image>"]})
    vision = CLIPVisionConfig(**TINY, image_size=32, patch_size=8)
    ends = {"bos_token_id": 2, "eos_token_id": 3, "pad_token_id": 0}
    text = LlamaConfig(**TINY, vocab_size=VOCABULARY + 1, max_position_embeddings=128, **ends)
    model = LlavaForConditionalGeneration(
        LlavaConfig(vision_config=vision, text_config=text, image_token_index=VOCABULARY)
    )
    model.save_pretrained(folder)
    size = {"shortest_edge": 32}
    template = (
        "{% for message in messages %}{% for part in message.content %}"
        "{% if part.type == 'image' %}<image> {% else %}{{ part.text }} {% endif %}"
        "{% endfor %}{% endfor %}{% if add_generation_prompt %}a picture of{% endif %}"
    )
    LlavaProcessor(
        CLIPImageProcessor(size=size, crop_size={"height": 32, "width": 32}),
        words,
        patch_size=8,
        vision_feature_select_strategy="default",
        chat_template=template,
        num_additional_image_tokens=1,
    ).save_pretrained(folder)


KINDS = {"blip": blip, "git": git, "encoder-decoder": encoder_decoder}
MADE = KINDS | {"chat": chat}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a tiny random model, made once."""
    root = tmp_path_factory.mktemp("models")

    def find(kind: str) -> Path:
        folder = root / kind
        if not folder.exists():
            folder.mkdir()
            torch.manual_seed(0)
            MADE[kind](folder)
        return folder

    return find


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    root, random = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    paths = []
    for number in range(3):
        paths.append(root / f"{number}.png")
        Image.fromarray(random.integers(0, 256, (40, 32 + number, 3), np.uint8)).save(paths[-1])
    return paths


def reference(kind: str, folder: Path, path: Path) -> str:
    """The library's own greedy caption of one picture."""
    image = Image.open(path).convert("RGB")
    if kind == "encoder-decoder":
        model = transformers.VisionEncoderDecoderModel.from_pretrained(folder).eval()
        processor = transformers.ViTImageProcessor.from_pretrained(folder)
        words = transformers.AutoTokenizer.from_pretrained(folder)
    else:
        architecture = "BlipForConditionalGeneration" if kind == "blip" else "GitForCausalLM"
        model = getattr(transformers, architecture).from_pretrained(folder).eval()
        processor = transformers.AutoProcessor.from_pretrained(folder)
        words = processor.tokenizer
    pixels = processor(images=image, return_tensors="pt").pixel_values
    with torch.inference_mode():
        ids = model.generate(pixel_values=pixels, max_new_tokens=8, do_sample=False)
    return str(words.batch_decode(ids, skip_special_tokens=True)[0])


@pytest.mark.parametrize("kind", KINDS)
def test_captions_are_those_of_the_models_own_generate(
    kind: str, models: Callable[[str], Path], pictures: list[Path]
) -> None:
    captioner = TransformersCaptioner(str(models(kind)), OPTIONS)
    found = captioner.caption([as_picture(path) for path in pictures])
    assert found == [reference(kind, models(kind), path) for path in pictures]
    assert any(isinstance(one, str) and one.strip() for one in found)


def test_kit_passes_and_the_fingerprint_tells_weights_and_settings_apart(
    models: Callable[[str], Path], pictures: list[Path]
) -> None:
    captioner = TransformersCaptioner(str(models("encoder-decoder")), OPTIONS)
    check_captioner(captioner, pictures, every=False)
    same = TransformersCaptioner(str(models("encoder-decoder")), OPTIONS)
    other = TransformersCaptioner(str(models("encoder-decoder")), CaptionerOptions(max_words=5))
    assert captioner.fingerprint == same.fingerprint != other.fingerprint


def test_chat_model_is_asked_by_its_own_template(models: Callable[[str], Path], pictures: list[Path]) -> None:
    folder = models("chat")
    captioner = TransformersCaptioner(str(folder), CaptionerOptions(max_words=6, prompt="two dog in grass"))
    found = captioner.caption([as_picture(path) for path in pictures])
    model = transformers.AutoModelForImageTextToText.from_pretrained(folder).eval()
    processor = transformers.AutoProcessor.from_pretrained(folder)
    for path, ours in zip(pictures, found, strict=True):
        with Image.open(path) as image:
            given = processor(
                images=image.convert("RGB"), text="<image> two dog in grass a picture of", return_tensors="pt"
            )
        with torch.inference_mode():
            ids = model.generate(**given, max_new_tokens=6, do_sample=False)
        (theirs,) = processor.batch_decode(ids[:, given["input_ids"].shape[1] :], skip_special_tokens=True)
        assert ours == theirs
    other = TransformersCaptioner(str(folder), CaptionerOptions(max_words=6, prompt="red cat"))
    assert captioner.fingerprint != other.fingerprint
    check_captioner(captioner, pictures, every=False)


def test_several_captions_come_from_a_beam(models: Callable[[str], Path], pictures: list[Path]) -> None:
    options = CaptionerOptions(max_words=6, captions=3)
    captioner = TransformersCaptioner(str(models("encoder-decoder")), options)
    found = captioner.caption([as_picture(path) for path in pictures[:2]])
    assert [len(one) for one in found] == [3, 3] and all(isinstance(one, list) for one in found)


def test_how_a_model_is_fetched_that_is_not_here_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(BadCheckpoint, match=r"hf download nobody/nothing$"):
        TransformersCaptioner("nobody/nothing", OPTIONS)


def test_what_is_no_captioner_or_not_whole_is_refused(tmp_path: Path, models: Callable[[str], Path]) -> None:
    from safetensors.torch import load_file, save_file
    from transformers import BertConfig, BertModel

    BertModel(BertConfig(vocab_size=VOCABULARY, **TINY)).save_pretrained(tmp_path / "bert")
    for what, message in (("bert", "cannot be read as a captioner"), ("nothing", "cannot be read")):
        with pytest.raises(BadCheckpoint, match=message):
            TransformersCaptioner(str(tmp_path / what), OPTIONS)
    partly = tmp_path / "partly"
    partly.mkdir()
    for file in models("encoder-decoder").iterdir():
        (partly / file.name).write_bytes(file.read_bytes())
    weights = load_file(partly / "model.safetensors")
    weights.pop(sorted(name for name in weights if "encoder.layer" in name)[0])
    save_file(weights, partly / "model.safetensors", {"format": "pt"})
    with pytest.raises(BadCheckpoint, match=r"Weights of .*partly are missing"):
        TransformersCaptioner(str(partly), OPTIONS)
    (partly / "model.safetensors").unlink()
    with pytest.raises(BadCheckpoint, match="cannot be read as a captioner"):
        TransformersCaptioner(str(partly), OPTIONS)


def test_code_of_a_model_runs_only_where_that_is_asked_for(
    tmp_path: Path, models: Callable[[str], Path]
) -> None:
    for file in models("encoder-decoder").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = json.loads((tmp_path / "config.json").read_text())
    config["auto_map"] = {"AutoConfig": "evil.EvilConfig", "AutoModel": "evil.EvilModel"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    with pytest.raises(BadSetting, match=r"code of its own.*trust_remote_code"):
        TransformersCaptioner(str(tmp_path), OPTIONS)
    assert not (tmp_path / "ran").exists()
