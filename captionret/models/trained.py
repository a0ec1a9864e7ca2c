"""What all trained models have in common: a name, a fingerprint, and weights that fit their settings."""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Generic, Self, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ..config import C
from ..counting import counted
from ..errors import BadCheckpoint, BadImage, BadSetting
from ..home import find_checkpoint
from ..images import DecodedBatch, Picture, decoded_batches
from ..progress import bar
from .checkpoint import OWN_BACKBONE, Checkpoint, read_checkpoint
from .device import choose_device
from .record import Kind
from .stored import RESTORE, fingerprint_of
from .unfilled import Unfilled
from .vision.backbones import Backbone, checked_backbone, load_backbone, load_own_backbone
from .vision.engines.rows import AUTO, Compute

Network = TypeVar("Network", bound=nn.Module)


def count_parameters(module: nn.Module) -> int:
    """How many numbers of it learn."""
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


def check_batch_size(batch_size: int) -> None:
    """BadSetting for a batch of nothing."""
    if batch_size < 1:
        raise BadSetting(f"The batch size is {batch_size}; it must be at least 1.")


class TrainedModel(Generic[C]):
    """A checkpoint at work; each kind adds its network and what it answers.

    name:        the directory's, for people
    path:        the directory; None for a model that was never saved
    fingerprint: 64 hex digits, a hash over everything that changes an answer
    """

    kind: ClassVar[Kind[Any]]
    shipped: ClassVar[str | None] = None  # the checkpoint that is loaded where none is named

    def __init__(
        self,
        checkpoint: Checkpoint[C],
        name: str,
        path: Path | None = None,
        device: str | torch.device = "cpu",
    ) -> None:
        self.checkpoint, self.name, self.path = checkpoint, name, path
        self.config: C = checkpoint.config
        self.vocabulary = checkpoint.vocabulary
        self.device = torch.device(device)
        self._build()

    def _build(self) -> None:
        """What each kind adds, of the checkpoint that is set. errors: BadCheckpoint, see ready"""
        raise NotImplementedError

    @classmethod
    def load(cls, path: str | os.PathLike[str] | None = None, device: str = "auto") -> Self:
        """Open a checkpoint: a directory, or the name of one of the user's or of a shipped one; the shipped
        one of this kind unless another is given.

        errors: BadCheckpoint for a damaged one or one of another kind: see read_checkpoint; BadSetting
                without a path where none of this kind is shipped
        """
        path = cls._place(path)
        return cls(read_checkpoint(path, cls.kind), path.name, path, choose_device(device))

    @classmethod
    def _place(cls, given: str | os.PathLike[str] | None) -> Path:
        """The directory of the checkpoint that is meant. errors: as find_checkpoint; BadSetting for none"""
        meant = cls.shipped if given is None else given
        if meant is None:
            raise BadSetting(
                f"No checkpoint of {cls.__name__} is shipped. Say which to load: "
                f'{cls.__name__}.load("NAME"), or the path of its directory.'
            )
        return find_checkpoint(meant)

    def __repr__(self) -> str:
        where = f", {str(self.path)!r}" if self.path else ""
        words = counted(len(self.vocabulary), "words")
        return f"<{type(self).__name__} {self.name!r}: {self.checkpoint.variant}, {words}{where}>"

    def ready(self, make: Callable[[], Network]) -> Network:
        """The network that `make` builds, with the checkpoint's weights, on its device, for inference.

        errors: BadCheckpoint where settings and weights don't fit each other: found without memory for a
                network of the size that the settings speak of
        """
        tensors = self.checkpoint.tensors
        try:
            layers = getattr(self.config, "layers", 0)
            if layers > len(tensors):
                raise ValueError(f"layers is {layers:,}, but there are {len(tensors):,} tensors in all.")
            with torch.device("meta"), Unfilled():
                make().load_state_dict(tensors, assign=True)
            with Unfilled():
                network = make()
            network.load_state_dict(tensors)
        except (RuntimeError, ValueError, TypeError, OverflowError) as error:
            mismatch = " ".join(str(error).split("\n\t")[1:2]) or str(error).splitlines()[0]
            raise BadCheckpoint(
                f"{self.path or 'The checkpoint'} does not fit its own configuration: {mismatch} {RESTORE}"
            ) from None
        return network.to(self.device).eval()

    def describe(self) -> dict[str, object]:
        """Facts for a library's catalogue; "checkpoint" is the directory, None for a model that was never
        saved."""
        return {
            "name": self.name,
            "checkpoint": str(self.path.resolve()) if self.path else None,
            self.kind.row: self.checkpoint.variant,
        }

    @cached_property
    def fingerprint(self) -> str:
        """See the class: weights, vocabulary, the backbone where it has one, and of the settings those that
        outlive training. It is the same in every release."""
        arrays = {name: tensor.numpy() for name, tensor in self.checkpoint.tensors.items()}
        return fingerprint_of(self.kind, self.config, self.vocabulary, self.checkpoint.backbone, arrays)


class PictureModel(TrainedModel[C]):
    """A trained model that reads a backbone's features; the backbone is loaded when it is first needed."""

    def __init__(
        self,
        checkpoint: Checkpoint[C],
        name: str,
        path: Path | None = None,
        device: str | torch.device = "cpu",
        backbone: Backbone | None = None,
        compute: Compute = AUTO,
    ) -> None:
        super().__init__(checkpoint, name, path, device)
        self._backbone = backbone
        self.compute = compute if backbone is None else backbone.compute
        self._loading = threading.Lock()

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str] | None = None,
        device: str = "auto",
        backbone: Backbone | None = None,
        *,
        engine: str = "auto",
        precision: str = "float32",
    ) -> Self:
        """Open a checkpoint: a directory, or the name of one of the user's or of a shipped one; the shipped
        one of this kind unless another is given.

        backbone:  one that is loaded already; it must have the weights the checkpoint was trained with
        engine:    what runs its CNN: "torch", "openvino", "onnx"; "auto": the fastest one here that gives the
                   same captions
        precision: of the CNN: "float32", or a lower one, whose features differ a little: "bfloat16"
        errors:    BadCheckpoint for a damaged one or one of another kind: see read_checkpoint; as Compute
        """
        path, compute = cls._place(path), Compute(engine, precision)
        checkpoint = read_checkpoint(path, cls.kind)
        return cls(checkpoint, path.name, path, choose_device(device), backbone, compute)

    def batches(
        self, pictures: Sequence[Picture], batch_size: int, doing: str, progress: bool | None = None
    ) -> Iterator[DecodedBatch]:
        """Pictures as its backbone reads them.

        doing:    what is done with them, for the bar
        progress: show one; None: on a terminal, for more than a batch
        errors:   BadSetting for a batch of nothing, BadImage for the first picture that cannot be read
        """
        check_batch_size(batch_size)
        size = self.backbone.config.preprocessing.size
        self.backbone.expect(len(pictures))
        show = progress if progress is not None or len(pictures) > batch_size else False
        with bar(total=len(pictures), desc=doing, unit="picture", show=show) as shown:
            for batch in decoded_batches(pictures, size, batch_size):
                if batch.failures:
                    raise BadImage(batch.failures[0].reason)
                yield batch
                shown.update(len(batch.pictures))

    def backbone_features(self, pixels: NDArray[np.uint8]) -> tuple[torch.Tensor, torch.Tensor]:
        """pixels (N, S, S, 3) uint8 -> pooled features (N, D) and the grid (N, cells, D), float32."""
        pooled, grid = self.backbone.read(pixels)
        return pooled.to(self.device), grid.to(self.device)

    @cached_property
    def backbone(self) -> Backbone:
        """The frozen CNN, of its own where its weights lie beside the checkpoint.

        errors: MissingWeights where its weights are not installed, BadCheckpoint where they are others
        """
        with self._loading:  # of several threads one loads it
            if self._backbone is None:
                self._backbone = self._load_backbone()
        return checked_backbone(self._backbone, self.checkpoint.backbone, self.name)

    def _load_backbone(self) -> Backbone:
        name, own = self.checkpoint.backbone["name"], self.path / OWN_BACKBONE if self.path else None
        if own is not None and own.is_file():
            return load_own_backbone(name, own, self.compute).to(self.device)
        return load_backbone(name, device=self.device, compute=self.compute)
