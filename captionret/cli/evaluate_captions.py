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
from typing import Any

from ..app.measuring.captioned_split import setting_summary
from ..app.measuring.scored_captions import MEASURES, CaptionScoring, ScoredCaptions, score_captions
from ..app.missing import open_data
from ..errors import BadSetting
from ..files import publish_json, resolved
from ..records import Item
from .decoding_options import add_decoding, decoding_of
from .options import FOUND, add_data, add_device, add_engine, add_features, parser, path_argument, say

OUTPUTS = ("json", "out", "export")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the scores of a checkpoint's captions, or of those in a file, and write them where asked."""
    given = _parse(arguments)
    _check(given)
    dataset = open_data(given.data, given.fetch_missing)
    say(dataset.summary())
    scored = score_captions(dataset, given.split, _scoring(given))
    _write(given, dataset.split(given.split), scored)
    _show(scored)
    return FOUND


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    options = parser("evaluate-captions", __doc__ or "")
    add_data(options)
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
    options.add_argument(
        "--batch-size", type=int, default=64, metavar="N", help="pictures at a time (default: %(default)s)"
    )
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
    add_features(options)
    options.add_argument(
        "--note", action="store_true", help="write the scores into the checkpoint's record and card"
    )
    add_device(options)
    add_engine(options, "float32")
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
    taken = {resolved(path): f"--{name}" for name in ("results", "against") if (path := getattr(given, name))}
    for name in OUTPUTS:
        path = getattr(given, name)
        if path is None:
            continue
        if path.is_dir():
            raise BadSetting(f"--{name} {path} is a folder. Give the name of a file.")
        if other := taken.get(resolved(path)):
            raise BadSetting(f"--{name} {path} would write over the file of {other}. Give it another name.")
        taken[resolved(path)] = f"--{name}"


def _scoring(given: argparse.Namespace) -> CaptionScoring:
    return CaptionScoring(
        given.checkpoint or (),
        given.results,
        given.against,
        given.decoding,
        given.captions_from,
        given.batch_size,
        given.device,
        given.note,
        folder=given.features,
        engine=given.engine,
        precision=given.precision or "float32",
    )


def _write(given: argparse.Namespace, items: Sequence[Item], scored: ScoredCaptions) -> None:
    """The files that were asked for."""
    from ..evaluation.captions.results_file import write_results

    if given.json:
        publish_json(given.json, scored.scores_json())
    if given.export:
        write_results(given.export, scored.captions)
    if given.out:
        source = {"checkpoint": given.checkpoint, "results": str(given.results) if given.results else None}
        scored.write(given.out, items, source | {"data": given.data, "split": given.split})
    for name in OUTPUTS:
        if path := getattr(given, name):
            say(f"Written: {path}")


def _show(scored: ScoredCaptions) -> None:
    """The table on stdout and what made it below; why something was not measured on stderr."""
    from ..report.terminal import table
    from ..report.visible import visible

    scores = scored.scores
    for reason in scores.reasons.values():
        say(reason)
    print(
        table(
            ("x100", visible(" + ".join(scored.names))),
            list(zip(MEASURES.values(), scored.measures().values(), strict=True)),
        )
    )
    if scores.reasons:
        print(f"–: {' and '.join(MEASURES[name] for name in scores.reasons)} not measured.")
    print(visible(_setting(scored.setting)))
    if scored.against:
        print(visible(_against(scored.against)))


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
