"""Read the published checkpoint of the original captioning tutorial, without running any of it.

    encoder-*.pkl   a state dict: `resnet.<i>…` (torchvision's ResNet as a Sequential of its children without
    fc), `linear.*`, `bn.*`
    decoder-*.pkl   a state dict: `embed.weight`, `lstm.weight_ih_l0` …, `linear.*`
    vocab.pkl       a pickled `Vocabulary` with `word2idx`, `idx2word` and `idx`

All three are pickles, which can run any code when they are opened the usual way. Here the first two are
opened for their tensors only, and the third by a reader that makes nothing but one inert object.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from ... import files
from ...counting import counted
from ...errors import BadCheckpoint, BadSetting
from ...text import SPECIAL, Vocabulary
from ..checkpoint import OWN_BACKBONE, Checkpoint, save_checkpoint
from ..pickles import MALFORMED, SafeReader
from ..vision.backbones import backbone_record, build_network, find_weights
from ..vision.rows import BACKBONES
from .config import VARIANTS, CaptionerConfig
from .lstm import LSTMDecoder

# torchvision's names of the Sequential's children; 2, 3 and 8 (relu, maxpool, avgpool) have no weights
_RESNET_CHILDREN = {"0": "conv1", "1": "bn1", "4": "layer1", "5": "layer2", "6": "layer3", "7": "layer4"}
_VOCABULARY: dict[tuple[str, str], Callable[[], Any]] = {
    **dict.fromkeys(
        [("build_vocab", "Vocabulary"), ("__main__", "Vocabulary")], lambda: type("Vocabulary", (), {})
    ),
    **dict.fromkeys([("builtins", "object"), ("__builtin__", "object")], lambda: object),
    # how Python 2 wrote an object
    **dict.fromkeys(
        [("copyreg", "_reconstructor"), ("copy_reg", "_reconstructor")],
        lambda: lambda kind, base, state: kind(),
    ),
}


@dataclass(frozen=True, slots=True)
class PublishedCheckpoint:
    """What the three files hold.

    config:   with the sizes that the weights have
    decoder:  the weights that were trained, under LSTMDecoder's names
    backbone: the CNN's weights under torchvision's names, without fc; None where the encoder file does not
              hold them
    """

    config: CaptionerConfig
    vocabulary: Vocabulary
    decoder: dict[str, Tensor]
    backbone: dict[str, Tensor] | None


def import_published(
    encoder: Path | str, decoder: Path | str, vocab: Path | str, backbone: str, out: Path | str
) -> Checkpoint[CaptionerConfig]:
    """Write the three files as a checkpoint directory that Captioner.load opens; returns what was written.

    The CNN in the encoder file is not torchvision's: it stayed in train mode, so its batch-norm statistics
    moved with the training. It is kept beside the checkpoint as backbone.safetensors. Without it the
    checkpoint names torchvision's weights.
    errors: as read_published; BadSetting where `out` holds something already; MissingWeights where the CNN is
            in neither place
    """
    out = Path(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BadSetting(f"{out} exists already and would be lost. Name another directory, or move it away.")
    published = read_published(encoder, decoder, vocab, backbone)
    if published.backbone is None:
        sha256 = files.sha256_of(find_weights(BACKBONES[backbone]))
    else:
        content = safetensors.torch.save(published.backbone)
        sha256 = hashlib.sha256(content).hexdigest()
        with files.publishing(out / OWN_BACKBONE) as file:
            file.write(content)
    variant = next((name for name, row in VARIANTS.items() if row == published.config), "published")
    sources = {Path(path).name: files.sha256_of(path) for path in (encoder, decoder, vocab)}
    tensors = {**published.decoder, "norm.num_batches_tracked": torch.tensor(0)}
    origin = backbone_record(backbone, sha256)
    checkpoint = Checkpoint(
        variant, published.config, published.vocabulary, origin, tensors, {"imported_from": sources}
    )
    save_checkpoint(out, checkpoint)
    return checkpoint


def read_published(
    encoder: Path | str, decoder: Path | str, vocab: Path | str, backbone: str
) -> PublishedCheckpoint:
    """Read the three files and check that they belong together.

    backbone: the CNN they were trained with, by name ("resnet152")
    errors:   BadCheckpoint for a file that is damaged, unsafe, or of another model; UnknownName for the
              backbone
    """
    feature_dim = BACKBONES[backbone].dim
    vocabulary = read_vocabulary(vocab)
    weights = _decoder_weights(read_state_dict(decoder), decoder)
    image_side, network = _encoder_weights(read_state_dict(encoder), encoder)
    weights.update(image_side)
    for name in ("embed.weight", "lstm.weight_hh_l0"):
        if weights[name].dim() != 2:
            raise BadCheckpoint(
                f"{decoder} is of another model: {name} is {tuple(weights[name].shape)}, no matrix. Give the "
                "published files."
            )
    words, embed_dim = weights["embed.weight"].shape
    layers = sum(name.startswith("lstm.weight_hh_l") for name in weights)
    config = CaptionerConfig(
        backbone,
        embed_dim=embed_dim,
        hidden_dim=weights["lstm.weight_hh_l0"].shape[1],
        layers=layers,
        predict_bos=True,
    )
    if words != len(vocabulary):
        raise BadCheckpoint(
            f"{vocab} has {counted(len(vocabulary), 'words')}, {decoder} was trained with {words:,}. "
            "They come from different trainings, or the vocabulary was rebuilt. Take the vocabulary that was "
            "published with the weights."
        )
    _check_shapes(weights, config, feature_dim, words, f"{encoder} and {decoder}")
    return PublishedCheckpoint(config, vocabulary, weights, _backbone_weights(network, backbone, encoder))


def read_state_dict(path: Path | str) -> dict[str, Tensor]:
    """The tensors of a file that torch.save wrote, on the CPU wherever they were trained; nothing else in it
    is let in."""
    try:
        value = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise BadCheckpoint(f"{path} cannot be read ({error.strerror}). Check the path.") from None
    except MALFORMED as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise BadCheckpoint(
            f"{path} is damaged, or holds more than tensors ({reason[0]}). It was not run. Fetch it again."
        ) from None
    if not (
        isinstance(value, dict)
        and value
        and all(isinstance(name, str) and isinstance(part, Tensor) for name, part in value.items())
    ):
        raise BadCheckpoint(
            f"{path} is no state dict: it should map names to tensors. Give the published encoder-*.pkl and "
            "decoder-*.pkl."
        )
    return dict(value)


def read_vocabulary(path: Path | str) -> Vocabulary:
    """The words of a published vocab.pkl, in the order of their ids.

    errors: BadCheckpoint for a pickle that asks for anything but a Vocabulary, or whose tables contradict
            each other
    """
    try:
        with open(path, "rb") as file:
            value = SafeReader(path, file, _VOCABULARY, "vocabularies", "utf-8").load()
    except OSError as error:
        raise BadCheckpoint(f"{path} cannot be read ({error.strerror}). Check the path.") from None
    except MALFORMED as error:
        raise BadCheckpoint(
            f"{path} is not a whole pickle ({error or type(error).__name__}). Fetch it again."
        ) from None
    ids, words, count = (getattr(value, name, None) for name in ("word2idx", "idx2word", "idx"))
    if not (isinstance(ids, dict) and isinstance(words, dict)):
        raise BadCheckpoint(
            f"{path} holds no Vocabulary with word2idx and idx2word. Give the published vocab.pkl."
        )
    tokens = [words.get(number) for number in range(len(words))]
    if (
        not all(isinstance(token, str) for token in tokens)
        or ids != {token: number for number, token in enumerate(tokens)}
        or count != len(tokens)
    ):
        raise BadCheckpoint(
            f"{path} contradicts itself: word2idx, idx2word and idx must be one list of words. Fetch it "
            "again."
        )
    if tuple(tokens[:4]) != SPECIAL:
        raise BadCheckpoint(
            f"{path} begins with {tokens[:4]}, not with {', '.join(SPECIAL)}: it is not the vocabulary of "
            "these models."
        )
    return Vocabulary([str(token) for token in tokens], punctuation=True)


def _encoder_weights(
    values: dict[str, Tensor], path: Path | str
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """What was trained of the encoder, under LSTMDecoder's names, and what is the CNN's."""
    network = {
        name.removeprefix("resnet."): value for name, value in values.items() if name.startswith("resnet.")
    }
    trained = {name: value.float() for name, value in values.items() if not name.startswith("resnet.")}
    needed = {f"linear.{part}": f"project.{part}" for part in ("weight", "bias")}
    needed |= {f"bn.{part}": f"norm.{part}" for part in ("weight", "bias", "running_mean", "running_var")}
    # older files lack it, and with a fixed momentum it changes nothing
    trained.pop("bn.num_batches_tracked", None)
    return _renamed(trained, needed, path), network


def _decoder_weights(values: dict[str, Tensor], path: Path | str) -> dict[str, Tensor]:
    """The decoder file's tensors under LSTMDecoder's names."""
    needed = {"embed.weight": "embed.weight", "linear.weight": "output.weight", "linear.bias": "output.bias"}
    layers = max(1, sum(name.startswith("lstm.weight_hh_l") for name in values))
    for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
        needed |= {f"lstm.{part}_l{layer}": f"lstm.{part}_l{layer}" for layer in range(layers)}
    return _renamed({name: value.float() for name, value in values.items()}, needed, path)


def _renamed(values: dict[str, Tensor], names: dict[str, str], path: Path | str) -> dict[str, Tensor]:
    if values.keys() != names.keys():
        missing, extra = sorted(names.keys() - values.keys()), sorted(values.keys() - names.keys())
        raise BadCheckpoint(
            f"{path} is of another model: missing {missing or 'nothing'}, unexpected {extra or 'nothing'}. "
            "Give the published files."
        )
    return {ours: values[theirs] for theirs, ours in names.items()}


def _check_shapes(
    weights: dict[str, Tensor], config: CaptionerConfig, feature_dim: int, words: int, where: str
) -> None:
    with torch.device("meta"):
        expected = {
            name: value.shape for name, value in LSTMDecoder(config, feature_dim, words).state_dict().items()
        }
    expected.pop("norm.num_batches_tracked")
    for name, shape in expected.items():
        if weights[name].shape != shape:
            raise BadCheckpoint(
                f"{where} do not fit together, or not to {config.backbone}: {name} is "
                f"{tuple(weights[name].shape)}, not {tuple(shape)}. "
                "Give the pair that was published together, and the backbone it was trained with."
            )
        if not weights[name].isfinite().all():
            raise BadCheckpoint(
                f"{where}: {name} holds values that are not numbers; the file is damaged. Fetch it again."
            )


def _backbone_weights(values: dict[str, Tensor], backbone: str, path: Path | str) -> dict[str, Tensor] | None:
    """The CNN's weights under torchvision's names, checked against the network of that name."""
    if not values:
        return None
    weights = {}
    for name, value in values.items():
        child, _, rest = name.partition(".")
        weights[f"{_RESNET_CHILDREN.get(child, child)}.{rest}"] = value
    with torch.device("meta"):
        expected = {
            name: value.shape
            for name, value in build_network(backbone).state_dict().items()
            if not name.startswith("fc.")
        }
    needed = {name for name in expected if not name.endswith(".num_batches_tracked")}
    found = {name for name in weights if not name.endswith(".num_batches_tracked")}
    wrong = sorted(
        (needed ^ found) | {name for name in needed & found if weights[name].shape != expected[name]}
    )
    if wrong:
        raise BadCheckpoint(
            f"The CNN in {path} is not {backbone}: {wrong[0]} does not fit. Give the backbone it was trained "
            "with."
        )
    return {name: weights[name] for name in sorted(needed)}
