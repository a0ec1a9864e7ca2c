"""Small encoders with random weights, saved as the libraries save theirs, for tests that load them."""

import json
from pathlib import Path
from typing import Any

WORDS = ["a", "dog", "cat", "red", "green", "blue", "circle", "square", "on", "paper", "white"]
SIDE = 32


def clip(folder: Path) -> Path:
    """A CLIP of transformers, with its tokenizer and its image processor."""
    import torch
    from transformers import CLIPConfig, CLIPModel, CLIPProcessor

    torch.manual_seed(0)
    tower = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    ends = {"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}
    text = {**tower, **ends, "vocab_size": 200, "max_position_embeddings": 16}
    vision = {**tower, "image_size": SIDE, "patch_size": 8}
    CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=12)).save_pretrained(folder)
    CLIPProcessor(_images("clip"), _tokens("clip")).save_pretrained(folder)
    return folder


def siglip(folder: Path) -> Path:
    """A SigLIP of transformers, whose texts are padded to their full length."""
    import torch
    from transformers import SiglipConfig, SiglipModel, SiglipProcessor

    torch.manual_seed(1)
    tower = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    text = {**tower, "vocab_size": 200, "max_position_embeddings": 12, "projection_size": 16}
    vision = {**tower, "image_size": SIDE, "patch_size": 8}
    SiglipModel(SiglipConfig(text_config=text, vision_config=vision)).save_pretrained(folder)
    SiglipProcessor(_images("siglip"), _tokens("siglip")).save_pretrained(folder)
    return folder


def open_clip(folder: Path) -> Path:
    """A ViT of open_clip in a folder of its own form."""
    import torch
    from open_clip import CLIP

    torch.manual_seed(2)
    model = {
        "embed_dim": 12,
        "vision_cfg": {"image_size": SIDE, "layers": 1, "width": 64, "head_width": 32, "patch_size": 8},
        "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
    }
    folder.mkdir(parents=True)
    torch.save(CLIP(**model).state_dict(), folder / "open_clip_pytorch_model.bin")
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": model, "preprocess_cfg": {}}))
    return folder


def _images(kind: str) -> Any:
    from transformers import CLIPImageProcessor, SiglipImageProcessor

    size = {"height": SIDE, "width": SIDE}
    if kind == "siglip":
        return SiglipImageProcessor(size=size)
    return CLIPImageProcessor(size={"shortest_edge": SIDE}, crop_size=size)


def _tokens(kind: str) -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    names = ["<s>", "</s>", "<unk>", *WORDS]
    made = Tokenizer(models.WordLevel({word: row for row, word in enumerate(names)}, "<unk>"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(
        tokenizer_object=made, bos_token="<s>", eos_token="</s>", unk_token="<unk>", pad_token="</s>"
    )
