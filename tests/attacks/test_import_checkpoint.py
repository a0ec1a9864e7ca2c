"""The published checkpoint files are pickles from strangers: they are read exactly, or refused, and never
run."""

import pickle
import struct
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from torch import Tensor, nn
from typed import Call

from captionret.cli import import_checkpoint
from captionret.decoding import BeamSearch
from captionret.errors import BadCheckpoint, BadSetting, MissingWeights
from captionret.models.captioning.captioner import Captioner
from captionret.models.captioning.import_published import import_published, read_published, read_vocabulary

SCRIPT = Path(__file__).parents[2] / "scripts/import_checkpoint.py"
SPECIAL = ["<pad>", "<start>", "<end>", "<unk>"]
CAPTIONS = [
    "a dog runs .",
    "two cats sleep on a bed .",
    "a kite",
    "a man and a dog and a cat and a man and a dog and a cat and a man and a dog and a cat",
]
WORDS = [*SPECIAL, *dict.fromkeys(" ".join(CAPTIONS).split()), "café"]
E, H = 12, 20


class Encoder(nn.Module):
    """The tutorial's encoder, with a small CNN."""

    def __init__(self) -> None:
        super().__init__()
        self.resnet = nn.Sequential(*list(torchvision.models.resnet18(weights=None).children())[:-1])
        self.linear = nn.Linear(512, E)
        self.bn = nn.BatchNorm1d(E, momentum=0.01)

    def forward(self, images: Tensor) -> Tensor:
        features: Tensor = self.bn(self.linear(self.resnet(images).flatten(1)))
        return features


class Decoder(nn.Module):
    """The tutorial's decoder."""

    def __init__(self, layers: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(len(WORDS), E)
        self.lstm = nn.LSTM(E, H, layers, batch_first=True)
        self.linear = nn.Linear(H, len(WORDS))

    def forward(self, features: Tensor, tokens: Tensor) -> Tensor:
        inputs = torch.cat([features.unsqueeze(1), self.embed(tokens[:, :-1])], 1)
        scores: Tensor = self.linear(self.lstm(inputs)[0])
        return scores

    def sample(self, features: Tensor) -> list[int]:
        """Its greedy sampler, for one image: 20 steps, the image first, then each prediction's embedding."""
        ids, inputs, states = [], features.unsqueeze(1), None
        for _ in range(20):
            hidden, states = self.lstm(inputs, states)
            best = int(self.linear(hidden[:, 0]).argmax(1))
            ids.append(best)
            inputs = self.embed(torch.tensor([best])).unsqueeze(1)
        return ids


@dataclass
class Files:
    """The three files as they were published, pictures, and what the original says of them."""

    root: Path
    pictures: list[Path]
    said: list[list[str]]

    @property
    def all(self) -> tuple[Path, Path, Path]:
        return self.root / "encoder-5-3000.pkl", self.root / "decoder-5-3000.pkl", self.root / "vocab.pkl"

    def options(self, **changed: Any) -> list[str]:
        encoder, decoder, vocab = self.all
        options = {
            "encoder": encoder,
            "decoder": decoder,
            "vocab": vocab,
            "backbone": "resnet18",
            "out": self.root / "out",
            **changed,
        }
        return [part for name, value in options.items() for part in (f"--{name}", str(value))]


def tutorial_vocabulary(words: list[str], module: str) -> Any:
    kind = type("Vocabulary", (), {"__module__": module})
    value: Any = kind()
    value.word2idx = {word: number for number, word in enumerate(words)}
    value.idx2word = dict(enumerate(words))
    value.idx = len(words)
    return value


def pickled(value: Any, protocol: int = 3) -> bytes:
    """As a program pickles it in which its class can be found."""
    kind = type(value)
    module = types.ModuleType(kind.__module__)
    setattr(module, kind.__name__, kind)
    before = sys.modules.get(kind.__module__)
    sys.modules[kind.__module__] = module
    try:
        return pickle.dumps(value, protocol)
    finally:
        if before is None:
            del sys.modules[kind.__module__]
        else:
            sys.modules[kind.__module__] = before


def make(root: Path, layers: int = 1, legacy: bool = True) -> Files:
    """Train the tutorial's model until it says one caption for each of four pictures, and save it as the
    tutorial did."""
    torch.manual_seed(7)
    encoder, decoder = Encoder().eval(), Decoder(layers)
    pictures = [root / f"{index}.png" for index in range(4)]
    for index, path in enumerate(pictures):
        pixels = (
            np.random.default_rng(index).integers(0, 255, (7, 7, 3), np.uint8).repeat(32, 0).repeat(32, 1)
        )
        Image.fromarray(pixels).save(path)
    images = torch.stack([normalised(path) for path in pictures])
    with torch.no_grad():
        for module in encoder.resnet.modules():
            if isinstance(module, nn.BatchNorm2d):  # moved, as they move in train mode
                assert module.running_mean is not None and module.running_var is not None
                module.running_mean.uniform_(-0.1, 0.1)
                module.running_var.uniform_(0.8, 1.2)
        projected = encoder.linear(encoder.resnet(images).flatten(1))
        encoder.bn.running_mean, encoder.bn.running_var = projected.mean(0), projected.var(0)
        features = encoder(images)
    teach(decoder, features)
    torch.save(encoder.state_dict(), root / "encoder-5-3000.pkl", _use_new_zipfile_serialization=not legacy)
    torch.save(decoder.state_dict(), root / "decoder-5-3000.pkl", _use_new_zipfile_serialization=not legacy)
    (root / "vocab.pkl").write_bytes(pickled(tutorial_vocabulary(WORDS, "build_vocab")))
    with torch.no_grad():
        said = [words_of(decoder.sample(feature.unsqueeze(0))) for feature in features]
    return Files(root, pictures, said)


def normalised(path: Path) -> Tensor:
    pixels = np.asarray(Image.open(path), np.float32) / 255
    pixels = (pixels - np.array([0.485, 0.456, 0.406], np.float32)) / np.array(
        [0.229, 0.224, 0.225], np.float32
    )
    return torch.from_numpy(pixels).permute(2, 0, 1)


def teach(decoder: Decoder, features: Tensor) -> None:
    rows = [[1, *(WORDS.index(word) for word in caption.split()), 2] for caption in CAPTIONS]
    tokens = torch.tensor([row + [0] * (max(map(len, rows)) - len(row)) for row in rows])
    optimizer = torch.optim.Adam(decoder.parameters(), 0.03)
    for _ in range(150):
        loss = nn.functional.cross_entropy(
            decoder(features, tokens).flatten(0, 1), tokens.flatten(), ignore_index=0
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def words_of(ids: list[int]) -> list[str]:
    """What the tutorial prints, without <start> and <end>."""
    said = []
    for number in ids:
        if WORDS[number] == "<end>":
            break
        if WORDS[number] != "<start>":
            said.append(WORDS[number])
    return said


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return make(tmp_path_factory.mktemp("published"))


@pytest.mark.parametrize(
    ("layers", "legacy"),
    [(1, True), (2, False)],
    ids=["one layer, as saved in 2018", "two layers, as saved today"],
)
def test_an_imported_captioner_says_what_the_original_says(
    call: Call, tmp_path: Path, layers: int, legacy: bool
) -> None:
    files = make(tmp_path, layers, legacy)
    assert files.said[:3] == [caption.split() for caption in CAPTIONS[:3]], (
        "the original must have learnt something worth comparing"
    )
    assert files.said[3] == CAPTIONS[3].split()[:19], (
        "20 steps, the first of which says <start>; the last word is not lost"
    )
    code, out, err = call(import_checkpoint, *files.options())
    assert code == 0, err
    assert out == f"{tmp_path / 'out'}\n"
    assert "Imported from the published `encoder-5-3000.pkl`" in (tmp_path / "out/README.md").read_text()
    captioner = Captioner.load(tmp_path / "out", device="cpu")
    found = captioner.caption(files.pictures, decoding=BeamSearch(1))
    assert [list(captions[0].tokens) for captions in found] == files.said
    config = captioner.config
    assert (config.backbone, config.embed_dim, config.hidden_dim, config.layers) == ("resnet18", E, H, layers)
    assert captioner.vocabulary.tokens == tuple(WORDS)


def test_the_weights_arrive_unchanged(published: Files) -> None:
    encoder, decoder, vocab = published.all
    read = read_published(encoder, decoder, vocab, "resnet18")
    theirs = torch.load(encoder, weights_only=True)
    assert torch.equal(read.decoder["norm.running_var"], theirs["bn.running_var"])
    assert read.backbone is not None
    assert torch.equal(read.backbone["layer1.0.conv1.weight"], theirs["resnet.4.0.conv1.weight"])
    assert torch.equal(read.backbone["bn1.running_mean"], theirs["resnet.1.running_mean"])


def test_a_known_architecture_is_named(published: Files, tmp_path: Path) -> None:
    encoder, decoder, vocab = published.all
    made = import_published(encoder, decoder, vocab, "resnet18", tmp_path / "out")
    assert made.variant == "published"
    assert set(made.training["imported_from"]) == {"encoder-5-3000.pkl", "decoder-5-3000.pkl", "vocab.pkl"}


def test_an_encoder_without_its_cnn_needs_the_backbones_own_weights(
    published: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder, decoder, vocab = published.all
    monkeypatch.setenv("CAPTIONRET_BACKBONES", str(tmp_path))
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    small = tmp_path / "encoder.pkl"
    torch.save(
        {name: value for name, value in torch.load(encoder).items() if not name.startswith("resnet.")}, small
    )
    with pytest.raises(MissingWeights, match="resnet18-f37072fd"):
        import_published(small, decoder, vocab, "resnet18", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("module", ["build_vocab", "__main__"])
def test_the_vocabulary_is_read_whatever_wrote_it(tmp_path: Path, module: str, protocol: int) -> None:
    path = tmp_path / "vocab.pkl"
    path.write_bytes(pickled(tutorial_vocabulary(WORDS, module), protocol))
    assert read_vocabulary(path).tokens == tuple(WORDS)


class Runs:
    """A pickle that calls something when it is opened the usual way."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


def attacks(mark: Path) -> dict[str, bytes]:
    touch = f"open({str(mark)!r}, 'w')"
    inside = tutorial_vocabulary(WORDS, "build_vocab")
    inside.word2idx = Runs(exec, touch)
    line = f"touch {mark}".encode()
    return {
        "exec": pickle.dumps(Runs(exec, touch), 4),
        "eval in an old protocol": pickle.dumps(Runs(eval, touch), 0),
        "os.system": b"cos\nsystem\n(S'" + line + b"'\ntR.",
        "posix.system through INST": b"(S'" + line + b"'\niposix\nsystem\n.",
        "inside a real vocabulary": pickled(inside),
        "an attribute of the allowed class": b"\x80\x04\x8c\x0bbuild_vocab\x8c\x13Vocabulary.__init__\x93.",
        "another class of the same module": b"cbuild_vocab\nos\n.",
        "getattr": b"cbuiltins\ngetattr\n.",
        "a numpy array": pickle.dumps(np.arange(3)),
    }


@pytest.mark.parametrize("name", attacks(Path("x")))
def test_a_vocabulary_that_runs_code_is_refused_and_not_run(tmp_path: Path, name: str) -> None:
    mark, path = tmp_path / "was-run", tmp_path / "vocab.pkl"
    path.write_bytes(attacks(mark)[name])
    with pytest.raises(BadCheckpoint, match=r"vocab\.pkl asks for .* nothing of it was run"):
        read_vocabulary(path)
    assert not mark.exists()


def test_a_state_dict_that_runs_code_is_refused_and_not_run(published: Files, tmp_path: Path) -> None:
    _, decoder, vocab = published.all
    mark, path = tmp_path / "was-run", tmp_path / "encoder.pkl"
    for legacy in (False, True):
        torch.save(
            {"linear.weight": Runs(exec, f"open({str(mark)!r}, 'w')")},
            path,
            _use_new_zipfile_serialization=not legacy,
        )
        with pytest.raises(BadCheckpoint, match=r"encoder\.pkl is damaged, or holds more than tensors"):
            read_published(path, decoder, vocab, "resnet18")
    assert not mark.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no pickle at all",
        pickle.dumps(None),
        pickle.dumps({"word2idx": {}}),
        b"\x80\x02Nr\xff\xff\xff\x7f.",  # a memo index that would take the C reader 16 GB
        b"\x80\x04\x8e" + struct.pack("<Q", 1 << 62) + b"x.",
        b"cbuild_vocab\nVocabulary\n(}R.",
        b"cbuild_vocab\nVocabulary\n)\x81}b.",
        b"\x80\x02" + b"]" * 100_000,
        b"Pelsewhere\n.",
        b"\x82\x01.",
    ],
)
def test_what_is_no_vocabulary_is_said_to_be_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "vocab.pkl"
    path.write_bytes(content)
    with pytest.raises(BadCheckpoint, match=r"vocab\.pkl"):
        read_vocabulary(path)


@pytest.mark.parametrize("which", range(3), ids=["encoder", "decoder", "vocab"])
@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.99])
def test_a_file_cut_short_is_refused_by_name(
    published: Files, tmp_path: Path, which: int, share: float
) -> None:
    paths = list(published.all)
    content = paths[which].read_bytes()
    paths[which] = tmp_path / paths[which].name
    paths[which].write_bytes(content[: int(len(content) * share)])
    with pytest.raises(BadCheckpoint, match=paths[which].name):
        read_published(paths[0], paths[1], paths[2], "resnet18")


def test_a_rebuilt_vocabulary_that_no_longer_fits_is_refused(
    call: Call, published: Files, tmp_path: Path
) -> None:
    other = tmp_path / "rebuilt.pkl"
    other.write_bytes(pickled(tutorial_vocabulary(WORDS[:-2], "build_vocab")))
    code, _, err = call(import_checkpoint, *published.options(vocab=other, out=tmp_path / "out"))
    assert code == 3
    assert f"{other} has {len(WORDS) - 2} words" in err and f"was trained with {len(WORDS)}" in err
    assert not (tmp_path / "out").exists()


def test_tables_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "vocab.pkl"
    for spoil in (
        lambda value: value.word2idx.update(dog=5, a=5),
        lambda value: value.idx2word.pop(6),
        lambda value: value.idx2word.update({7: 7}),
        lambda value: setattr(value, "idx", 3),
    ):
        value = tutorial_vocabulary(WORDS, "build_vocab")
        spoil(value)
        path.write_bytes(pickled(value))
        with pytest.raises(BadCheckpoint, match="contradicts itself"):
            read_vocabulary(path)


def test_another_order_of_the_special_words_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "vocab.pkl"
    path.write_bytes(pickled(tutorial_vocabulary([*reversed(SPECIAL), *WORDS[4:]], "build_vocab")))
    with pytest.raises(BadCheckpoint, match="begins with"):
        read_vocabulary(path)


@pytest.mark.parametrize("backbone", ["resnet34", "resnet50", "vgg16"])
def test_another_backbone_than_the_files_is_refused(published: Files, backbone: str) -> None:
    with pytest.raises(BadCheckpoint, match=backbone):
        read_published(*published.all, backbone)


def test_swapped_files_are_refused(published: Files) -> None:
    encoder, decoder, vocab = published.all
    with pytest.raises(BadCheckpoint, match="is of another model"):
        read_published(decoder, encoder, vocab, "resnet18")
    with pytest.raises(BadCheckpoint, match=r"decoder-5-3000\.pkl"):
        read_published(encoder, vocab, decoder, "resnet18")


def test_a_weight_that_is_no_number_is_refused(published: Files, tmp_path: Path) -> None:
    encoder, decoder, vocab = published.all
    weights = torch.load(decoder)
    weights["embed.weight"][5, 3] = torch.nan
    torch.save(weights, tmp_path / "decoder.pkl")
    with pytest.raises(BadCheckpoint, match=r"embed\.weight holds values that are not numbers"):
        read_published(encoder, tmp_path / "decoder.pkl", vocab, "resnet18")


def test_what_lies_in_the_place_already_is_never_written_over(published: Files, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(BadSetting, match="exists already"):
        import_published(*published.all, "resnet18", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("damage", ["flipped byte", "cut short"])
def test_a_damaged_cnn_beside_the_checkpoint_is_refused(
    published: Files, tmp_path: Path, damage: str
) -> None:
    import_published(*published.all, "resnet18", tmp_path / "out")
    path = tmp_path / "out/backbone.safetensors"
    content = bytearray(path.read_bytes())
    if damage == "cut short":
        content = content[:-1000]
    else:
        content[-1000] ^= 1
    path.write_bytes(content)
    with pytest.raises(BadCheckpoint):
        Captioner.load(tmp_path / "out", device="cpu").caption(published.pictures)


def test_a_missing_file_is_named(published: Files, tmp_path: Path, call: Call) -> None:
    ended = call(import_checkpoint, *published.options(decoder="nowhere.pkl", out=tmp_path / "out"))
    assert ended.code == 3 and "nowhere.pkl" in ended.err
