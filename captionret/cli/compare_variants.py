"""Compare trained captioners on the same pictures: the quality of their captions, their speed, and what each
retrieves.

    captionret compare-variants --data flickr8k:data/flickr8k       # every checkpoint in checkpoints/
    captionret compare-variants --data scenes --checkpoints checkpoints/a checkpoints/b --out comparison
    captionret compare-variants --data flickr8k:data/flickr8k --embedding checkpoints/photos-space

With --embedding a second table sets the captions beside the CNN's features and embedding spaces, as ways to
find related pictures. Writes OUT/variants.csv, OUT/modes.csv and OUT/index.html. Pictures pass through each
CNN once; captions per second are given those features.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..app.captioned_split import note_scores, training_captions
from ..app.comparisons import (
    COLUMNS,
    FORMATS,
    SHOWN,
    Compared,
    Measuring,
    common_root,
    compare_one,
    top_hits,
)
from ..app.places import checkpoint_path, checkpoints_folder
from ..datasets import Dataset, open_dataset
from ..decoding import BeamSearch
from ..errors import BadCheckpoint, BadDataset, BadSetting
from ..files import publishing
from ..home import data_folder
from ..records import Item
from .options import FOUND, add_device, parser, path_argument, say

if TYPE_CHECKING:  # they import torch and templates, which --help does without
    from ..models.embedding.model import EmbeddingModel
    from ..report.page import Section


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare checkpoints on a split; print the tables and write the page."""
    given = parse(arguments)
    if min(given.pictures, given.batch_size, given.beam) < 1:
        raise BadSetting(
            f"--pictures {given.pictures}, --batch-size {given.batch_size}, --beam {given.beam}: all must be "
            "at least 1."
        )
    from ..models.checkpoint import load_checkpoint

    dataset = open_dataset(given.data)
    say(dataset.summary())
    items = [item for item in dataset.split(given.split) if item.captions and item.path is not None]
    if not items:
        raise BadDataset(
            f"{given.data} has no captioned pictures in split {given.split!r}. Choose another --split."
        )
    training = training_captions(dataset)
    checkpoints = _checkpoints(given.checkpoints)
    for checkpoint in checkpoints:
        load_checkpoint(checkpoint)  # a damaged one is named before minutes have gone into the others
    spaces = _load_spaces(given.embedding, given.device)
    how = measuring(given)
    compared = [compare_one(checkpoint, items, training, how) for checkpoint in checkpoints]
    if given.note:
        for path, one in zip(checkpoints, compared, strict=True):
            note_scores(path, given.data, given.split, one.setting, one.row)
    report(dataset, items, compared, _beside(compared, spaces, dataset, items, given), given)
    return FOUND


def _beside(
    compared: Sequence[Compared],
    spaces: "Sequence[EmbeddingModel]",
    dataset: Dataset,
    items: Sequence[Item],
    given: argparse.Namespace,
) -> list[dict[str, Any]]:
    """Captions beside embedding spaces; nothing where no space was given."""
    if not spaces:
        return []
    from ..app.compared_modes import compared_modes

    captioned = {Path(one.row["checkpoint"]): one.gallery for one in compared}
    return compared_modes(captioned, spaces, dataset, items, given.relevance, given.features)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command's settings."""
    options = parser("compare-variants", __doc__ or "")
    options.add_argument("--data", required=True, metavar="KIND:PATH")
    options.add_argument("--split", default="test", help="(default: %(default)s)")
    options.add_argument(
        "--checkpoints", nargs="+", metavar="DIR", help="(default: every checkpoint in checkpoints/)"
    )
    options.add_argument(
        "--embedding",
        nargs="+",
        default=[],
        metavar="DIR",
        help="spaces of images and sentences to set beside the captions",
    )
    options.add_argument("--beam", type=int, default=3, metavar="N")
    options.add_argument(
        "--length-penalty",
        type=float,
        metavar="A",
        help="captions are ranked by log-probability / words**A (default: each variant's own)",
    )
    options.add_argument(
        "--relevance",
        default="tfidf",
        help="by which retrieval is measured: sbert, tfidf, cider (default: %(default)s)",
    )
    options.add_argument("--batch-size", type=int, default=64, metavar="N")
    options.add_argument(
        "--pictures", type=int, default=12, metavar="N", help="how many the page shows (default: %(default)s)"
    )
    options.add_argument(
        "--out",
        type=path_argument,
        default=Path("report/variants"),
        metavar="DIR",
        help="(default: %(default)s)",
    )
    options.add_argument(
        "--features",
        type=path_argument,
        default=data_folder("features"),
        metavar="DIR",
        help="the feature cache (default: %(default)s)",
    )
    options.add_argument(
        "--note", action="store_true", help="write the scores into each checkpoint's record and card"
    )
    add_device(options)
    return options.parse_args(arguments)


def _load_spaces(given: Sequence[str], device: str) -> "list[EmbeddingModel]":
    if not given:
        return []
    from ..models.embedding.model import EmbeddingModel

    return [EmbeddingModel.load(checkpoint_path(one), device) for one in given]


def _checkpoints(given: Sequence[str] | None) -> list[Path]:
    if given:
        return [Path(path) for path in given]
    from ..models.captioning.config import CAPTIONER
    from ..models.record import kind_of, read_record

    folder = checkpoints_folder()
    records = {path.parent: read_record(path.parent) for path in sorted(folder.glob("*/config.json"))}
    found = [path for path, one in records.items() if kind_of(one) == CAPTIONER.name]
    if not found:
        raise BadCheckpoint(
            f"There are no checkpoints in {folder}. Train one (captionret train-captioner) or name some "
            "(--checkpoints)."
        )
    return found


def measuring(given: argparse.Namespace) -> Measuring:
    """How the settings say that checkpoints are compared."""
    return Measuring(
        BeamSearch(given.beam, given.length_penalty),
        given.batch_size,
        given.relevance,
        given.device,
        given.features,
    )


def report(
    dataset: Dataset,
    items: Sequence[Item],
    compared: Sequence[Compared],
    beside: Sequence[dict[str, Any]],
    given: argparse.Namespace,
) -> None:
    """Print the tables; write OUT/variants.csv, OUT/index.html and, where there is something beside the
    captions, OUT/modes.csv."""
    from ..report.page import write_page
    from ..report.terminal import table

    print(table(SHOWN, [[one.row[name] for name in SHOWN] for one in compared], FORMATS))
    _write_table(given.out / "variants.csv", [one.row for one in compared], COLUMNS)
    sections = [_quality(compared, given)]
    if beside:
        from ..app import compared_modes as modes

        print("\n" + table(modes.COLUMNS, [list(row.values()) for row in beside], modes.FORMATS))
        _write_table(given.out / "modes.csv", beside, modes.COLUMNS)
        sections.append(_beside_spaces(beside))
    sections.append(_pictures(items, compared, given.pictures))
    lead = f"{len(items):,} pictures of {dataset.spec}, split {given.split}."
    say(f"The table: {given.out / 'variants.csv'}")
    say(f"The page: {write_page(given.out / 'index.html', 'Variants compared', lead, sections)}")


def _write_table(path: Path, rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> None:
    import pandas

    with publishing(path, "w") as file:
        pandas.DataFrame(rows, columns=list(columns)).to_csv(file, index=False, float_format="%.4f")


def _quality(compared: Sequence[Compared], given: argparse.Namespace) -> "Section":
    """The table of the variants, the best of each measure marked."""
    from ..report.page import TableSection

    measures = ("captions_per_second", "bleu1", "bleu4", "rouge_l", "cider_d", "distinct")
    best: dict[str, Any] = dict.fromkeys(measures, "highest")
    rows = [[one.row[name] for name in SHOWN] for one in compared]
    return TableSection("Quality and speed", SHOWN, rows, _setting(given), best, FORMATS)


def _beside_spaces(beside: Sequence[dict[str, Any]]) -> "Section":
    from ..app import compared_modes as modes
    from ..report.page import TableSection

    how = (
        "Every picture asks for the others; relevance comes from people's captions; 95 % bootstrap interval "
        "over queries."
    )
    best: dict[str, Any] = dict.fromkeys(("ndcg10", "ndcg50", "pcc"), "highest")
    values = [list(row.values()) for row in beside]
    return TableSection("Captions beside embedding spaces", modes.COLUMNS, values, how, best, modes.FORMATS)


def _pictures(items: Sequence[Item], compared: Sequence[Compared], count: int) -> "Section":
    """So many pictures, spread over all, with every variant's caption and first hits."""
    from ..report.page import VariantAnswer, VariantsRow, VariantsSection

    rows = [
        VariantsRow(
            items[picture].path or Path(),
            [
                VariantAnswer(Path(one.row["checkpoint"]).name, one.captions[picture], top_hits(one, picture))
                for one in compared
            ],
            items[picture].captions,
        )
        for picture in range(0, len(items), max(1, len(items) // count))
    ]
    title = "The same pictures, each variant's caption and its first five"
    return VariantsSection(title, rows[:count], common_root(items))


def _setting(given: argparse.Namespace) -> str:
    penalty = "each variant's own" if given.length_penalty is None else f"{given.length_penalty:g}"
    return (
        f"Beam {given.beam}, length penalty {penalty}. BLEU, ROUGE-L and CIDEr-D x100 on PTB tokens; "
        "captions per second with the features given; distinct: different captions among all. Retrieval by "
        "Jaccard similarity of caption words, the picture itself left out; NDCG@10 and @50 by relevance "
        f"{given.relevance}, of all words alike and weighted by idf."
    )
