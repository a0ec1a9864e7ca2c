"""What a training notes after each epoch: log.jsonl, and curves for TensorBoard where they are wanted.

tensorboard --logdir checkpoints/NAME/training
"""

import json
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .. import files
from ..errors import BadSetting


def check_tensorboard() -> None:
    """BadSetting where TensorBoard is wanted and not installed."""
    if find_spec("tensorboard") is None:
        raise BadSetting("TensorBoard is not installed. Run: pip install 'captionret[tensorboard]'")


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
            check_tensorboard()
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
