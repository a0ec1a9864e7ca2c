"""What shall be trained, on what, and where it shall go: what all trainings have in common."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Generic

import torch
from torch import Tensor

from ..config import C, Checked, setting
from ..counting import counted
from ..datasets import Dataset
from ..errors import BadDataset
from ..models.record import NO_BACKBONE, Kind
from ..models.vision.backbones import Backbone
from ..records import Item
from ..text import Vocabulary
from .features import DEFAULT_ROOT, Features, augmented_views, extract
from .optimizer import PRECISIONS
from .task import Task

HELD_OUT = 20  # every 20th training image is validated on where there is no val split


@dataclass
class Prepared:
    """What a training has before its first step.

    facts:    of its data and its network, for the card; a training that is gone on with must have the same
    backbone: {"name", "sha256", "preprocessing"}: what the features come from
    left_out: why pictures or captions could not be read
    tensors:  of the trained module, what is saved
    """

    task: Task[Any, Any]
    vocabulary: Vocabulary
    facts: dict[str, Any]
    backbone: dict[str, Any] = field(default_factory=NO_BACKBONE.copy)
    left_out: list[str] = field(default_factory=list)
    tensors: Callable[[Any], dict[str, Tensor]] = lambda module: module.state_dict()


@dataclass(frozen=True)
class Run(Checked, Generic[C]):
    """One training; a subclass for each kind of it prepares data, network and task.

    name:        the row that `config` comes from
    out:         the checkpoint directory
    also:        further collections whose train splits are trained on, too; what is validated on is the first
                 one's alone
    patience:    stop after so many validations without a better score
    precision:   "float32", "bfloat16", "float16", or "auto": bfloat16 where the hardware multiplies it
    command:     what reproduces it, for the card
    description: the text of the file that describes it, for the card; "" where there is none
    fp16:        store the weights as float16: half the size
    eight_bits:  store matrices that hold a row for each word in eight bits: half of that again
    compile:     let torch.compile make kernels of the network's forward and backward pass
    tensorboard: write curves for TensorBoard beside log.jsonl
    progress:    whether to show bars; None: on a terminal
    """

    name: str
    config: C
    dataset: Dataset
    out: Path
    also: tuple[Dataset, ...] = ()
    seed: int = setting(0, at_least=0, below=2**63)
    patience: int = setting(5, at_least=1)
    precision: str = setting("float32", choices=PRECISIONS)
    command: str = ""
    description: str = ""
    features_root: Path = DEFAULT_ROOT
    fp16: bool = False
    eight_bits: bool = False
    tensorboard: bool = False
    compile: bool = False
    progress: bool | None = None

    def rules(self) -> Iterator[tuple[bool, str]]:
        """See Checked.rules."""
        yield (
            self.tensorboard and find_spec("tensorboard") is None,
            "TensorBoard is not installed. Run: pip install 'captionret[tensorboard]'",
        )

    @property
    def kind(self) -> Kind[C]:
        """What becomes of it."""
        raise NotImplementedError

    def prepare(self, device: torch.device, backbone: Backbone | None) -> Prepared:
        """Read the data and make the network and its task.

        backbone: the CNN, where it is loaded already
        """
        raise NotImplementedError

    @property
    def folder(self) -> Path:
        """Where the training's state and log lie."""
        return self.out / "training"

    @property
    def data(self) -> str:
        """What is trained on, as it was named."""
        return " and ".join(dataset.spec for dataset in (self.dataset, *self.also))

    def items(self, split: str = "train", hold_out: bool = False) -> tuple[list[Item], list[Item], str]:
        """The items to train on, those to validate on, and what these are: "val" or what is held out.

        hold_out: validate on every 20th training image though there is a val split, which can then be scored
                  like a test split
        errors:   BadDataset where there are too few to hold some out
        """
        dataset, splits = self.dataset, self.dataset.splits()
        # a collection without splits is trained on as a whole
        train = dataset.split("all" if split == "train" and not splits else split)
        also = [item for other in self.also for item in other.split("train" if other.splits() else "all")]
        if "val" in splits and split not in ("val", "all") and not hold_out:
            return train + also, dataset.split("val"), "val"
        if len(train) < HELD_OUT:
            raise BadDataset(
                f"{dataset.spec} has {counted(len(train), 'images')} in split "
                f"{split!r}{'' if hold_out else ' and no val split'}: "
                "too few to hold some out. Add pictures."
            )
        rest = [item for index, item in enumerate(train) if index % HELD_OUT]
        return rest + also, train[::HELD_OUT], f"every {HELD_OUT}th image of {split}"

    def pictures(
        self, items: list[Item], backbone: Backbone, kind: str, views: int = 1
    ) -> tuple[list[Item], Features, list[str]]:
        """The items whose pictures can be read, their features, and why the others' cannot.

        kind: "pooled" or "grid"; views: of each picture, see augmented_views
        """
        paths = [item.path for item in items if item.path]
        cut = augmented_views(views)
        features, failures = extract(
            backbone, paths, kind, cut, root=self.features_root, progress=self.progress
        )
        return [items[index] for index in features.present], features, [one.reason for one in failures]


def check_some(usable: list[Item], items: list[Item], failures: list[str], what: str) -> None:
    """BadDataset where nothing is left to learn from. what: a picture has beside it: "a caption"."""
    if not usable:
        reason = failures[0] if failures else f"No item has both a picture and {what}."
        raise BadDataset(
            f"There is nothing to train or validate on: {counted(len(items), 'items')}, "
            f"{counted(len(failures), 'unreadable pictures')}. {reason}"
        )
