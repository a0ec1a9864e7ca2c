"""How captions are found: the options of the commands that caption, a group for each way of decoding."""

import argparse
from dataclasses import fields

from ..decoding import (
    DECODINGS,
    NAMED_FROM,
    BeamSearch,
    Consensus,
    Decoding,
    DiverseBeamSearch,
    NucleusSampling,
    Rerank,
    Sampling,
    Searching,
    decoding_way,
    usual,
)
from ..errors import BadSetting
from .options import old_name


def add_decoding(options: argparse.ArgumentParser, several: bool = True) -> None:
    """The options that `decoding_of` reads; several: whether an image may keep more than one caption."""
    found = options.add_argument_group("how captions are found", "the options of each way go with it alone")
    found.add_argument(
        "--decode",
        default=BeamSearch.method,
        metavar="HOW",
        help=f"by which way: {', '.join(DECODINGS)} (default: %(default)s)",
    )
    if several:
        found.add_argument(
            "--captions-per-image",
            type=int,
            default=1,
            metavar="N",
            help="how many are kept (default: %(default)s)",
        )
    _add_beam(found)
    _add_consensus(found)
    _add_rerank(found)
    _add_sampling(found)


def _add_beam(options: argparse._ArgumentGroup) -> None:
    options.add_argument(
        "--beam",
        type=int,
        metavar="N",
        help=f"width of a beam (default: {usual(BeamSearch, 'beam')}, of a consensus "
        f"{usual(Consensus, 'beam')}, to re-rank {usual(Rerank, 'beam')}, or as many as are kept)",
    )
    options.add_argument(
        "--length-penalty",
        type=float,
        metavar="A",
        help="captions are ranked by log-probability / words**A (default: the variant's own, of a consensus "
        f"{Consensus.usual_length_penalty:g}, of re-ranked captions {Rerank.usual_length_penalty:g})",
    )
    options.add_argument(
        "--constraints",
        action=argparse.BooleanOptionalAction,
        help='no word twice in a row, no three words twice, no end on "a" or "with" (default: as the variant '
        "has it)",
    )
    options.add_argument(
        "--name-classes",
        type=float,
        nargs="?",
        const=NAMED_FROM,
        metavar="P",
        help="name what the captioner has no word for: a class of ImageNet that the CNN gives at least this "
        "probability, where the caption says nothing of it (default: off; without a number: %(const)s)",
    )
    options.add_argument(
        "--groups", type=int, metavar="N", help="of a diverse beam (default: as many as it is wide)"
    )
    _add_number(options, "--diversity", usual(DiverseBeamSearch, "diversity"), "D", "how unlike groups are")


def _add_consensus(options: argparse._ArgumentGroup) -> None:
    _add_number(
        options, "--drawn", usual(Consensus, "drawn"), "N", "candidates of a consensus beside the beam's"
    )
    weight = "how much a consensus counts the probable; 0: as all others"
    _add_number(options, "--sharpness", usual(Consensus, "sharpness"), "S", weight)


def _add_rerank(options: argparse._ArgumentGroup) -> None:
    options.add_argument(
        "--embedding",
        nargs="+",
        metavar="NAME",
        help="the spaces that re-rank captions, whose mean counts: names of checkpoints, or directories "
        "(default: the shipped one)",
    )
    fit = "how much the fit of picture and caption counts beside the log-probability"
    _add_number(options, "--match-weight", usual(Rerank, "match_weight"), "W", fit, old="--match")
    options.add_argument(
        "--captions-from",
        metavar="KIND:PATH",
        help="re-ranked captions shall be like those that the train split of this collection has for like "
        "pictures",
    )
    _add_number(options, "--neighbours", usual(Rerank, "neighbours"), "N", "captions of it to compare with")
    likeness = "how much that likeness counts"
    _add_number(options, "--agree-weight", usual(Rerank, "agree_weight"), "W", likeness, old="--agree")


def _add_sampling(options: argparse._ArgumentGroup) -> None:
    _add_number(options, "--temperature", usual(Sampling, "temperature"), "T", "of sampling")
    _add_number(
        options, "--top-k", usual(Sampling, "top_k"), "K", "sample from the K likeliest words; 0: from all"
    )
    _add_number(options, "--top-p", usual(NucleusSampling, "top_p"), "P", "of the nucleus")
    _add_number(options, "--seed", usual(Sampling, "seed"), "N", "of sampling")


def _add_number(
    options: argparse._ArgumentGroup, name: str, default: object, metavar: str, about: str, old: str = ""
) -> None:
    """An option of the type of its default, under its old name, too, if it had one."""
    shown = f"{about} (default: %(default)s)"
    added = options.add_argument(name, type=type(default), default=default, metavar=metavar, help=shown)
    if old:
        old_name(options, old, added)


def decoding_of(given: argparse.Namespace) -> Decoding:
    """What was asked for; BadSetting where it cannot be."""
    way = decoding_way(given.decode)
    if way is not Rerank and (given.embedding or given.captions_from):
        raise BadSetting(
            "--embedding and --captions-from are what re-ranked captions are chosen by. Add --decode rerank."
        )
    if not issubclass(way, Searching) and given.name_classes is not None:
        raise BadSetting(
            f"--name-classes is of captions that a beam finds, not of --decode {given.decode}. Leave one of "
            "them out."
        )
    facts = vars(given) | {"captions": getattr(given, "captions_per_image", 1)}
    if given.beam is None:
        beam = usual(way, "beam")
        facts["beam"] = max(beam, facts["captions"]) if isinstance(beam, int) else None
    if given.groups is None:
        facts["groups"] = facts["beam"]
    if way is Rerank:
        from ..app.loading.rerankers import chosen_by

        facts["spaces"], facts["captions_from"] = chosen_by(given.embedding, given.captions_from)
    return way(**{one.name: facts[one.name] for one in fields(way)})
