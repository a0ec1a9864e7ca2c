"""captionret finds pictures by words, and says why.

    import captionret

    searcher = captionret.Searcher("~/Pictures")          # captioned first, once
    for hit in searcher.search("a dog on a beach"):
        print(hit.rank, hit.score, hit.path, hit.words)

Importing it does not import torch: each of the public names is loaded when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.6.0"

if TYPE_CHECKING:  # what type checkers and editors see; the same names as in _HOMES
    from .app.models import Library
    from .app.modes import list_modes
    from .app.places import list_models
    from .app.result import SearchResult
    from .app.searcher import Searcher
    from .app.searching import search
    from .datasets import Dataset, open_dataset
    from .decoding import (
        BeamSearch,
        Consensus,
        Decoding,
        DiverseBeamSearch,
        NucleusSampling,
        Rerank,
        Sampling,
    )
    from .errors import CaptionretError
    from .images import ImageInput
    from .library import LibraryPicture, UpdateReport
    from .models.captioning.captioner import Captioner
    from .models.embedding.model import EmbeddingModel
    from .models.lexical.predictor import WordPredictor
    from .records import Caption, Explanation, Hit, Item, Query

__all__ = [
    "BeamSearch",
    "Caption",
    "Captioner",
    "CaptionretError",
    "Consensus",
    "Dataset",
    "Decoding",
    "DiverseBeamSearch",
    "EmbeddingModel",
    "Explanation",
    "Hit",
    "ImageInput",
    "Item",
    "Library",
    "LibraryPicture",
    "NucleusSampling",
    "Query",
    "Rerank",
    "Sampling",
    "SearchResult",
    "Searcher",
    "UpdateReport",
    "WordPredictor",
    "__version__",
    "list_models",
    "list_modes",
    "open_dataset",
    "search",
]

_HOMES = {
    **dict.fromkeys(("Caption", "Explanation", "Hit", "Item", "Query"), "records"),
    **dict.fromkeys(
        ("Decoding", "BeamSearch", "DiverseBeamSearch", "Sampling", "NucleusSampling"), "decoding"
    ),
    **dict.fromkeys(("Consensus", "Rerank"), "decoding"),
    **dict.fromkeys(("Dataset", "open_dataset"), "datasets"),
    **dict.fromkeys(("LibraryPicture", "UpdateReport"), "library"),
    "CaptionretError": "errors",
    "ImageInput": "images",
    "Library": "app.models",
    "Searcher": "app.searcher",
    "SearchResult": "app.result",
    "search": "app.searching",
    "list_models": "app.places",
    "list_modes": "app.modes",
    "Captioner": "models.captioning.captioner",
    "EmbeddingModel": "models.embedding.model",
    "WordPredictor": "models.lexical.predictor",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
