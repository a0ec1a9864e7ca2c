"""What other lexical heads predict of the pictures that one learns from: several that read different CNNs, or
were trained with different seeds, know more together than each, and a head can learn that from them.

taught_words([Path("words-lite1"), Path("words-lite0")], items, hashes, vocabulary, run, device)
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..counting import counted
from ..errors import BadSetting
from ..models.lexical.head import LexicalHead
from ..models.record import read_record
from ..records import Item
from ..text import Vocabulary
from .run import Run

_BATCH = 500


def taught_words(
    teachers: Sequence[Path],
    items: Sequence[Item],
    hashes: Sequence[str],
    vocabulary: Vocabulary,
    run: Run[Any],
    device: torch.device,
) -> NDArray[np.float16]:
    """(views, N, V): the mean of what the teachers predict of each view of each picture.

    hashes: of the N pictures that are learnt from, which are among those of `items`, in their order
    errors: BadSetting for a teacher of another vocabulary, or where pictures have changed
    """
    views = run.config.views
    total = np.zeros((views, len(hashes), len(vocabulary)), np.float16)
    everything = np.arange(len(hashes))
    for teacher in teachers:
        head = LexicalHead.load(teacher, str(device))
        if head.vocabulary.tokens != vocabulary.tokens:
            raise BadSetting(
                f"{head.name} knows {counted(len(head.vocabulary), 'words')}, which are not the "
                f"{len(vocabulary):,} that are to be learnt. Learn from heads that were trained on the same "
                "captions."
            )
        _, features, _ = run.pictures(list(items), head.learns_from, head.config.feature, views)
        if list(features.hashes) != list(hashes):
            raise BadSetting(f"The pictures have changed while {head.name} was asked about them. Run again.")
        for view in range(views):
            for start in range(0, len(hashes), _BATCH):
                rows = everything[start : start + _BATCH]
                predicted = head.predict_words(features.of(rows, np.full_like(rows, view)))
                total[view, rows] += (predicted / len(teachers)).astype(np.float16)
    return total


def teacher_records(teachers: Sequence[Path]) -> list[dict[str, str]]:
    """What a checkpoint's record says of its teachers: their names and the hashes of their weights."""
    return [
        {"name": path.name, "sha256": read_record(path)["sha256"]["model.safetensors"]} for path in teachers
    ]
