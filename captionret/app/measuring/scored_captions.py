"""Captions of a split scored against people's: a checkpoint's, or those that a file holds.

found = score_captions(open_dataset("flickr8k:data/flickr8k"), "test", CaptionScoring(["photos-lite"]))
print(found.measures()["cider_d"])
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...datasets import Dataset, open_dataset
from ...decoding import BeamSearch, Decoding
from ...errors import BadDataset, BadSetting
from ...files import publish_json
from ...home import data_folder
from ...records import CAPTION_MEASURES, Item
from ...remedies import remedy
from ...text import ends_badly, words
from ..places import checkpoint_path
from .captioned_split import caption_split, decoded_with, load_captioner, note_scores, training_captions

if TYPE_CHECKING:
    from ...evaluation.captions.scorer import CaptionScores

MEASURES = {
    **CAPTION_MEASURES,
    "images": "images",
    "distinct": "distinct captions",
    "vocabulary": "vocabulary used",
    "copied": "copied from training, %",
    "bad_endings": "bad endings",
}


@dataclass(frozen=True)
class CaptionScoring:
    """Which captions are scored.

    checkpoints:   names or directories; several generate one caption together
    results:       a file of captions in their place, in COCO's results format
    against:       a file of other captions of the same images, for the difference in CIDEr-D
    captions_from: the collection whose captions the decoding compares with, which may not be those scored
    note:          write the scores into the checkpoint's record and card
    java:          measure METEOR and SPICE, too, where Java is there
    folder:        of the feature cache; None: the usual one
    engine, precision: of the CNN, see Captioner.load
    """

    checkpoints: Sequence[str] = ()
    results: Path | None = None
    against: Path | None = None
    decoding: Decoding = field(default_factory=BeamSearch)
    captions_from: str | None = None
    batch_size: int = 64
    device: str = "auto"
    note: bool = False
    java: bool = True
    folder: Path | None = None
    engine: str = "auto"
    precision: str = "float32"


@dataclass(frozen=True)
class ScoredCaptions:
    """Captions, by item id, and their scores.

    names:   the checkpoints, or the results file
    setting: what decoded them; None for what a results file does not say
    against: the difference in CIDEr-D to other captions, x 100: {"file", "difference", "low", "high"}
    """

    names: list[str]
    captions: dict[str, str]
    scores: "CaptionScores"
    setting: dict[str, Any]
    against: dict[str, Any] | None = None

    def scores_json(self) -> dict[str, Any]:
        """The scores and what made them, as --json writes them."""
        compared = {"against": self.against} if self.against else {}
        return self.measures() | {"setting": self.setting, "reasons": dict(self.scores.reasons)} | compared

    def measures(self) -> dict[str, Any]:
        """The value of each of MEASURES; bad endings are counted on the words of captioners."""
        bad = sum(ends_badly(words(caption)) for caption in self.captions.values())
        return {name: bad if name == "bad_endings" else getattr(self.scores, name) for name in MEASURES}

    def write(self, file: Path, items: Sequence[Item], facts: Mapping[str, Any]) -> None:
        """Write the scores, these facts, and each caption with its CIDEr-D."""
        from ...evaluation.captions.results_file import coco_id

        captions = [
            {"image_id": coco_id(item.id), "caption": self.captions[item.id], "cider_d": float(each)}
            for item, each in zip(items, self.scores.cider_d_each, strict=True)
        ]
        publish_json(file, self.scores_json() | dict(facts) | {"captions": captions})


def score_captions(dataset: Dataset, split: str, how: CaptionScoring) -> ScoredCaptions:
    """Caption a split, or read its captions, and score them.

    errors: BadDataset for images without human captions, pictures that cannot be read, or a file that does
            not hold a caption of each image; BadSetting, BadCheckpoint
    """
    from ...evaluation.captions.results_file import read_results
    from ...evaluation.captions.scorer import CaptionScorer

    items = scored_items(dataset, split, how)
    where = f"{dataset.spec}, split {split}"
    other = read_results(how.against, items, where) if how.against else None
    if how.results:
        names, captions = [how.results.name], read_results(how.results, items, where)
        decoded: dict[str, Any] = dict.fromkeys(("beam", "length_penalty", "constraints"))
    else:
        names, captions, decoded = _captioned(items, how)
    scorer = CaptionScorer({item.id: item.captions for item in items}, training_captions(dataset))
    scores = scorer.score(captions, with_java=how.java)
    setting = decoded | {"tokens": "PTB", "idf": where}
    if how.note:
        note_scores(checkpoint_path(how.checkpoints[0]), dataset.spec, split, setting, vars(scores))
    against = _difference(how.against, scores, scorer.score(other)) if how.against and other else None
    return ScoredCaptions(names, captions, scores, setting, against)


def scored_items(dataset: Dataset, split: str, how: CaptionScoring) -> list[Item]:
    """The split, once it is known that every image of it can be scored. errors: as score_captions"""
    from ...evaluation.captions.scorer import named

    items = dataset.split(split)
    if bare := [item.id for item in items if not item.captions]:
        raise BadDataset(
            f"{dataset.spec}, split {split}: images have no human captions to score against: {named(bare)}. "
            "Add captions, or take these images out of the split."
        )
    if how.captions_from:
        _refuse_own_captions(items, how.captions_from)
    if how.results is None and any(item.path is None for item in items):
        raise BadDataset(
            f"{dataset.spec} holds features in place of pictures, so nothing can caption it here.",
            remedy("score a file"),
        )
    return items


def _refuse_own_captions(items: Sequence[Item], spec: str) -> None:
    from ...evaluation.captions.scorer import named

    other = open_dataset(spec)
    compared = {
        item.path.resolve() for item in other.split("train" if other.splits() else "all") if item.path
    }
    if own := [item.id for item in items if item.path and item.path.resolve() in compared]:
        raise BadSetting(f"{spec} holds scored pictures' own captions: {named(own)}. Score another split.")


def _captioned(
    items: Sequence[Item], how: CaptionScoring
) -> tuple[list[str], dict[str, str], dict[str, Any]]:
    """The checkpoints' names, their captions by item id, and what decoded them."""
    paths = [checkpoint_path(name) for name in how.checkpoints]
    captioner = load_captioner(paths, how.device, how.engine, how.precision)
    features = how.folder or data_folder("features")
    done = caption_split(captioner, items, how.decoding, batch_size=how.batch_size, features=features)
    captions = {item.id: caption for item, caption in zip(items, done.captions, strict=True)}
    return [path.name for path in paths], captions, decoded_with(captioner, how.decoding)


def _difference(file: Path, ours: "CaptionScores", theirs: "CaptionScores") -> dict[str, Any]:
    from ...evaluation.significance import paired_interval

    mean, low, high = paired_interval(ours.cider_d_each, theirs.cider_d_each)
    return {"file": str(file), "difference": mean, "low": low, "high": high}
