"""What a training leaves on disk: the state from which a cut one goes on, state.json and the tensors that it
names; a log, log.jsonl, and curves for TensorBoard where they are wanted.

The tensors are written under a name of their own before state.json names them: a kill leaves the old pair or
the new one.

tensorboard --logdir checkpoints/NAME/training
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import safetensors.torch
from torch import Tensor

from .. import files
from ..errors import BadCheckpoint
from ..remedies import remedy

_PARTS = {"identity", "progress", "tensors", "sha256"}
# a training may go on for more epochs, and with an encoder in another place: its fingerprint is noted, too
_MAY_DIFFER = ("epochs", "skipthought")
_AGAIN = "Train again into another directory."


def cut_training(folder: Path) -> dict[str, Any]:
    """The record of the training that was cut in `folder`.

    errors: BadCheckpoint where none was, or where it isn't one: best asked before the pictures are read
    """
    path = folder / "state.json"
    if not path.is_file():
        raise BadCheckpoint(f"There is no cut training to go on with in {folder}.", remedy("begin"))
    record = files.read_json(path, BadCheckpoint, _AGAIN)
    if (
        not isinstance(record, dict)
        or not record.keys() >= _PARTS
        or not isinstance(record["identity"], dict)
    ):
        raise BadCheckpoint(f"{path} is not a training's state as this release writes it. {_AGAIN}")
    return dict(record)


def check_identity(
    folder: Path, cut: Mapping[str, Any], now: Mapping[str, Any], usual: Mapping[str, Any]
) -> None:
    """BadCheckpoint where the training cut in `folder` isn't the one that shall go on.

    cut:   what it noted of itself: variant, settings, data ...
    now:   the same of the training that shall go on; of these `epochs` may be higher
    usual: what a setting was while it wasn't one yet, and so wasn't noted
    """
    noted = {**usual, **cut}
    differing = [
        name
        for name, value in json.loads(json.dumps(now)).items()
        if noted.get(name) != value and name not in _MAY_DIFFER
    ]
    if differing:
        raise BadCheckpoint(
            f"{folder / 'state.json'} is of a training with another {', '.join(differing)}. Give the same "
            "settings, or train into another directory."
        )
    if now["epochs"] < noted["epochs"]:
        raise BadCheckpoint(
            f"{folder / 'state.json'} is of a training of {noted['epochs']} epochs, not {now['epochs']}: a "
            "training can go on for more of them, not for fewer."
        )


def save_state(folder: Path, record: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
    """Replace what is there. record: with "identity" and "progress", as JSON can hold it."""
    content = safetensors.torch.save(
        {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}
    )
    sha256 = hashlib.sha256(content).hexdigest()
    name = f"state-{sha256[:16]}.safetensors"
    with files.publishing(folder / name) as file:
        file.write(content)
    files.publish_json(folder / "state.json", {**record, "tensors": name, "sha256": sha256})
    for old in folder.glob("state-*.safetensors"):
        if old.name != name:
            old.unlink()


def load_tensors(folder: Path, record: Mapping[str, Any]) -> dict[str, Tensor]:
    """The tensors that a state's record names; BadCheckpoint where they are missing or damaged."""
    path = files.inside(folder, str(record["tensors"]))
    content = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(content).hexdigest() != record["sha256"]:
        raise BadCheckpoint(
            f"{path} is missing, cut short or altered, so nothing can go on from it. {_AGAIN}"
        )
    # release 0.5.0 had another name for the decoders of a skip-thought encoder
    tensors = safetensors.torch.load(content)
    return {name.replace("module.tellers.", "module.decoders."): value for name, value in tensors.items()}


def under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose names begin with `prefix`, without it."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


class Log:
    """The log of one training.

    folder:      its own; log.jsonl and events of TensorBoard are put there
    tensorboard: whether to write such events, too; those of epochs after `epoch`, which are trained again,
                 are hidden
    """

    def __init__(self, folder: Path, tensorboard: bool, epoch: int) -> None:
        self.folder = folder
        self.events: Any = None
        if tensorboard:
            from torch.utils.tensorboard import SummaryWriter

            self.events = SummaryWriter(folder / "tensorboard", purge_step=epoch + 1)

    def write(self, history: Sequence[Mapping[str, float]]) -> None:
        """Note the epochs, of which the last one is new."""
        # whole: appended, a resumed epoch would stand there twice
        with files.publishing(self.folder / "log.jsonl", "w") as log:
            log.writelines(json.dumps(epoch) + "\n" for epoch in history)
        if self.events is not None:
            for name, value in history[-1].items():
                if name != "epoch":
                    self.events.add_scalar(name, value, int(history[-1]["epoch"]))

    def close(self) -> None:
        """Write what TensorBoard's own buffer still holds."""
        if self.events is not None:
            self.events.close()
