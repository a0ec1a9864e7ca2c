"""captionret finds images by what they say. Importing it does not import torch: the public names load on
first use."""

from importlib import import_module
from typing import Any

__version__ = "0.5.0"

_HOMES = {
    "Item": "records",
    "Caption": "records",
    "Query": "records",
    "Hit": "records",
    "open_dataset": "datasets",
    "Library": "app.models",  # where it finds its own models
    "search": "app.searching",
    "Captioner": "models.captioning.captioner",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
