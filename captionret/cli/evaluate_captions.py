"""Score captions against the human ones of a split: BLEU, METEOR, ROUGE-L, CIDEr-D and SPICE, as the field
measures them.

    captionret evaluate-captions --checkpoint photos-lite --data flickr8k:data/flickr8k --split test
    captionret evaluate-captions --checkpoint photos-lite --data flickr8k:data/flickr8k --decode consensus
    captionret evaluate-captions --results theirs.json --data coco:data/coco --split val --against ours.json

--results scores the captions that any other program has written, in COCO's results format. METEOR and SPICE
are Java programs; where they cannot run the others are measured all the same, and the reason is shown.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..app.captioned_split import (
    caption_split,
    decoded_with,
    load_captioner,
    note_scores,
    setting_summary,
    training_captions,
)
from ..app.places import checkpoint_path
from ..datasets import Dataset, open_dataset
from ..errors import BadDataset, BadSetting
from ..files import publish_json
from ..home import data_folder
from ..records import Item
from ..text import ends_badly, words
from .decoding_options import add_decoding, decoding_of
from .options import FOUND, add_device, parser, path_argument, say

if TYPE_CHECKING:
    from ..evaluation.captions.scorer import CaptionScores

MEASURES = {
    "bleu1": "BLEU-1",
    "bleu2": "BLEU-2",
    "bleu3": "BLEU-3",
    "bleu4": "BLEU-4",
    "meteor": "METEOR",
    "rouge_l": "ROUGE-L",
    "cider_d": "CIDEr-D",
    "spice": "SPICE",
    "images": "images",
    "distinct": "distinct captions",
    "vocabulary": "vocabulary used",
    "copied": "copied from training, %",
    "bad_endings": "bad endings",
}
OUTPUTS = ("json", "out", "export")


@dataclass(frozen=True)
class Evaluated:
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
        """The value of each of MEASURES; bad endings are counted on the words that captioners say."""
        bad = sum(ends_badly(words(caption)) for caption in self.captions.values())
        return {name: bad if name == "bad_endings" else getattr(self.scores, name) for name in MEASURES}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the scores of a checkpoint's captions, or of those in a file, and write them where asked."""
    given = _parse(arguments)
    _check(given)
    dataset = open_dataset(given.data)
    say(dataset.summary())
    items = _scored_items(dataset, given)
    evaluated = evaluate(dataset, items, given)
    _write(given, items, evaluated)
    _show(given, evaluated)
    return FOUND


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    options = parser("evaluate-captions", __doc__ or "")
    options.add_argument("--data", required=True, metavar="KIND:PATH")
    options.add_argument("--split", default="test", help="(default: %(default)s)")
    options.add_argument(
        "--checkpoint", nargs="+", metavar="DIR", help="what captions: a directory, or a name in checkpoints/"
    )
    options.add_argument(
        "--results", type=path_argument, metavar="FILE", help="captions to score in place of a checkpoint's"
    )
    options.add_argument(
        "--against",
        type=path_argument,
        metavar="FILE",
        help="other captions of the same images: the difference in CIDEr-D",
    )
    add_decoding(options, several=False)
    options.add_argument("--batch-size", type=int, default=64, metavar="N")
    options.add_argument("--json", type=path_argument, metavar="FILE", help="write the scores")
    options.add_argument(
        "--out",
        type=path_argument,
        metavar="FILE",
        help="write the scores, and every caption with its CIDEr-D",
    )
    options.add_argument(
        "--export", type=path_argument, metavar="FILE", help="write the captions in COCO's results format"
    )
    options.add_argument(
        "--features",
        type=path_argument,
        default=data_folder("features"),
        metavar="DIR",
        help="the feature cache (default: %(default)s)",
    )
    options.add_argument(
        "--note", action="store_true", help="write the scores into the checkpoint's record and card"
    )
    add_device(options)
    return options.parse_args(arguments)


def _check(given: argparse.Namespace) -> None:
    """Refuse what cannot work before minutes have gone into captions."""
    if (given.checkpoint is None) == (given.results is None):
        raise BadSetting(
            "Give either --checkpoint DIR, to caption and score, or --results FILE, to score captions that "
            "are there."
        )
    if given.results is not None and (
        given.note or given.beam is not None or given.length_penalty is not None or given.decode != "beam"
    ):
        raise BadSetting(
            "--decode, --beam, --length-penalty and --note are a checkpoint's; --results has captions that "
            "are there. Leave them out."
        )
    if given.note and len(given.checkpoint) > 1:
        raise BadSetting("--note writes into the record of one checkpoint. Give one, or leave it out.")
    if given.batch_size < 1:
        raise BadSetting(f"--batch-size must be at least 1, not {given.batch_size}.")
    given.decoding = decoding_of(given)
    taken = {path.resolve(): f"--{name}" for name in ("results", "against") if (path := getattr(given, name))}
    for name in OUTPUTS:
        path = getattr(given, name)
        if path is None:
            continue
        if path.is_dir():
            raise BadSetting(f"--{name} {path} is a folder. Give the name of a file.")
        if other := taken.get(path.resolve()):
            raise BadSetting(f"--{name} {path} would write over the file of {other}. Give it another name.")
        taken[path.resolve()] = f"--{name}"


def _scored_items(dataset: Dataset, given: argparse.Namespace) -> list[Item]:
    """The split, once it is known that every image of it can be scored."""
    from ..evaluation.captions.scorer import named

    items = dataset.split(given.split)
    if bare := [item.id for item in items if not item.captions]:
        raise BadDataset(
            f"{dataset.spec}, split {given.split}: images have no human captions to score against: "
            f"{named(bare)}. Add captions, or take these images out of the split."
        )
    if given.captions_from:
        other = open_dataset(given.captions_from)
        compared = {
            item.path.resolve() for item in other.split("train" if other.splits() else "all") if item.path
        }
        if own := [item.id for item in items if item.path and item.path.resolve() in compared]:
            raise BadSetting(
                f"--captions-from {given.captions_from} holds scored pictures' own captions: {named(own)}. "
                "Score another split."
            )
    if given.results is None and any(item.path is None for item in items):
        raise BadDataset(
            f"{dataset.spec} holds features in place of pictures, so nothing can caption it here. Give "
            "--results FILE."
        )
    return items


def evaluate(dataset: Dataset, items: Sequence[Item], given: argparse.Namespace) -> Evaluated:
    """Caption the items, or read their captions, and score them."""
    from ..evaluation.captions.results_file import read_results
    from ..evaluation.captions.scorer import CaptionScorer

    where = f"{dataset.spec}, split {given.split}"
    other = read_results(given.against, items, where) if given.against else None
    if given.results:
        names, captions = [given.results.name], read_results(given.results, items, where)
        decoded: dict[str, Any] = dict.fromkeys(("beam", "length_penalty", "constraints"))
    else:
        names, captions, decoded = _captioned(items, given)
    scorer = CaptionScorer({item.id: item.captions for item in items}, training_captions(dataset))
    scores = scorer.score(captions, with_java=True)
    setting = decoded | {"tokens": "PTB", "idf": where}
    if given.note:
        note_scores(checkpoint_path(given.checkpoint[0]), given.data, given.split, setting, vars(scores))
    against = _difference(given.against, scores, scorer.score(other)) if other else None
    return Evaluated(names, captions, scores, setting, against)


def _captioned(
    items: Sequence[Item], given: argparse.Namespace
) -> tuple[list[str], dict[str, str], dict[str, Any]]:
    """The checkpoints' names, their captions by item id, and what decoded them."""
    paths = [checkpoint_path(path) for path in given.checkpoint]
    captioner = load_captioner(paths, given.device)
    done = caption_split(
        captioner, items, given.decoding, batch_size=given.batch_size, features=given.features
    )
    captions = {item.id: caption for item, caption in zip(items, done.captions, strict=True)}
    return [path.name for path in paths], captions, decoded_with(captioner, given.decoding)


def _difference(file: Path, ours: "CaptionScores", theirs: "CaptionScores") -> dict[str, Any]:
    from ..evaluation.significance import paired_interval

    mean, low, high = paired_interval(ours.cider_d_each, theirs.cider_d_each)
    return {"file": str(file), "difference": mean, "low": low, "high": high}


def _write(given: argparse.Namespace, items: Sequence[Item], evaluated: Evaluated) -> None:
    """The files that were asked for."""
    from ..evaluation.captions.results_file import coco_id, write_results

    scores = evaluated.scores_json()
    if given.json:
        publish_json(given.json, scores)
    if given.export:
        write_results(given.export, evaluated.captions)
    if given.out:
        captions = [
            {"image_id": coco_id(item.id), "caption": evaluated.captions[item.id], "cider_d": float(each)}
            for item, each in zip(items, evaluated.scores.cider_d_each, strict=True)
        ]
        source = {"checkpoint": given.checkpoint, "results": str(given.results) if given.results else None}
        asked = {"data": given.data, "split": given.split}
        publish_json(given.out, scores | source | asked | {"captions": captions})
    for name in OUTPUTS:
        if path := getattr(given, name):
            say(f"Written: {path}")


def _show(given: argparse.Namespace, evaluated: Evaluated) -> None:
    """The table on stdout and what made it below; why something was not measured on stderr."""
    from ..report.terminal import table, visible

    scores = evaluated.scores
    for reason in scores.reasons.values():
        say(reason)
    print(
        table(
            ("x100", visible(" + ".join(evaluated.names))),
            list(zip(MEASURES.values(), evaluated.measures().values(), strict=True)),
        )
    )
    if scores.reasons:
        print(f"–: {' and '.join(MEASURES[name] for name in scores.reasons)} not measured.")
    print(visible(_setting(evaluated.setting)))
    if evaluated.against:
        print(visible(_against(evaluated.against)))


def _setting(setting: Mapping[str, Any]) -> str:
    decoded = "Decoding as the results file was made"
    if "method" in setting:
        decoded = f"Decoding: {setting_summary(setting)}"
    elif setting["beam"] is not None:
        constraints = "with" if setting["constraints"] else "no"
        decoded = (
            f"Beam {setting['beam']}, length penalty {setting['length_penalty']:g}, {constraints} constraints"
        )
    return f"{decoded}; {setting['tokens']} tokens; idf of {setting['idf']}."


def _against(against: Mapping[str, Any]) -> str:
    low, high = against["low"], against["high"]
    verdict = "better" if low > 0 else "worse" if high < 0 else "no sure difference"
    return (
        f"CIDEr-D against {against['file']}: {against['difference']:+.2f}, 95 % interval {low:+.2f} to "
        f"{high:+.2f} (paired bootstrap over images): {verdict}."
    )
