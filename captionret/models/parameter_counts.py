"""How many numbers of a network learn, of the rows that --list shows: known beforehand, so that listing them
imports no PyTorch, which would take seconds. No torch.

    counted_parameters(VARIANTS["model1"], 2933)  # 4357493
"""

import hashlib
import json
from functools import cache
from pathlib import Path

from ..config import Config

_FILE = Path(__file__).with_name("parameter_counts.txt")


def counted_parameters(config: Config, words: int) -> int | None:
    """How many numbers learn with a vocabulary of so many words; None for settings that are not of a row
    which was counted beforehand: another one's network must be built."""
    return _counts().get(counts_key(config, words))


def counts_key(config: Config, words: int) -> str:
    """The settings and the number of words, as the file of counts names them."""
    facts = [type(config).__name__, config.to_json(), words]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


@cache
def _counts() -> dict[str, int]:
    """Each line of the file is a key, the count and, for people, the row."""
    lines = (line.split() for line in _FILE.read_text(encoding="utf-8").splitlines())
    return {key: int(count) for key, count, _ in lines}
