"""Captioners trained where they are not trained yet, as the demo and the benchmarks take them; and what
predicts words for the training of a space.

training = CaptionerTraining("model2-lite", "scenes", settings=("epochs=3",))
path = trained_captioner(training, Path("checkpoints/mine"))
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..datasets import open_dataset
from ..home import data_folder
from ..records import Item
from .places import LEXICAL_HEAD, checkpoint_path

if TYPE_CHECKING:  # these import torch, which --help does without
    import torch

    from ..models.checkpoint import Checkpoint
    from ..training.embedding import PredictedWords
    from ..training.run import Run

CURVE = "training.png"  # the last thing that a training writes

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CaptionerTraining:
    """A training of one variant.

    data:     the collection, KIND:PATH
    settings: what differs from the variant's row, "field=value"
    hold_out: validate on training pictures, so that the val split can be scored
    fp16:     store the weights as float16
    command:  what runs this training again, for the card
    folder:   of the feature cache; None: the usual one
    """

    variant: str
    data: str = "scenes"
    settings: tuple[str, ...] = ()
    patience: int = 5
    hold_out: bool = False
    fp16: bool = False
    command: str = ""
    folder: Path | None = None

    def identity(self) -> dict[str, Any]:
        """What decides which checkpoint comes out."""
        named = asdict(self)
        return {name: named[name] for name in named.keys() - {"command", "folder"}}


def trained_captioner(training: CaptionerTraining, out: Path, device: str = "auto") -> Path:
    """The checkpoint directory of a training; one that was done before is not done again, and one that was
    cut goes on.

    errors: UnknownName, BadSetting, BadDataset; those of `train`
    """
    if (out / CURVE).exists():
        log.info(f"{training.variant}: trained before, {out}")
        return out
    from ..models.captioning.config import VARIANTS
    from ..models.device import choose_device
    from ..training.captioning import CaptionerRun

    run = CaptionerRun(
        name=training.variant,
        config=VARIANTS[training.variant].with_settings(training.settings),
        dataset=open_dataset(training.data),
        out=out,
        patience=training.patience,
        hold_out=training.hold_out,
        fp16=training.fp16,
        command=training.command,
        features_root=training.folder or data_folder("features"),
    )
    train_and_draw(run, choose_device(device), (run.folder / "state.json").exists())
    return out


def train_and_draw(run: "Run[Any]", device: "torch.device", resume: bool = False) -> "Checkpoint[Any]":
    """Train, say what was left out, and draw the curve of the losses, where there is one, beside the
    checkpoint; see `captionret.training.loop.train`."""
    from ..report.plots import training_curve
    from ..training.loop import train

    checkpoint, left_out = train(run, device, resume=resume)
    for reason in left_out:
        log.warning("left out: %s", reason)
    history = checkpoint.training["history"]
    if "val_loss" in history[0]:
        log.info("The training curve: %s", training_curve(history, run.out / CURVE))
    return checkpoint


def words_by(head: str | None, features: Path, device: str) -> "Callable[[Sequence[Item]], PredictedWords]":
    """What predicts the words of pictures for a space that reads them.

    head:     the lexical head, its name or directory; None: the shipped one
    features: the folder of the feature cache
    errors:   as WordPredictor.load; when it is called, as predict_split
    """
    from ..models.lexical.predictor import WordPredictor
    from ..training.embedding import PredictedWords
    from .measuring.described_split import predict_split

    predictor = WordPredictor.load(checkpoint_path(head) if head else LEXICAL_HEAD, device)
    made_by = {"name": predictor.name, "fingerprint": predictor.fingerprint}

    def predicted(items: Sequence[Item]) -> PredictedWords:
        stored = predict_split(predictor, items, features)
        return PredictedWords(made_by, stored.hashes, stored.word_probabilities)

    return predicted
