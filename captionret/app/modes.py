"""The modes of search, for people and programs."""

from collections.abc import Mapping

from ..retrieval import every_mode


def list_modes() -> Mapping[str, str]:
    """Every mode of search by name, with one sentence about what it compares.

    >>> list_modes()["cnn"]
    "the cosine of the CNN's features, no words"
    """
    return {mode.name: mode.about for mode in every_mode().values()}
