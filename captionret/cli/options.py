"""What every command shares: errors as messages, exit codes, defaults, and where things lie."""

import argparse
import errno
import io
import logging
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path

from ..decoding import (
    DECODINGS,
    BeamSearch,
    Consensus,
    Decoding,
    DiverseBeamSearch,
    NucleusSampling,
    Rerank,
    Sampling,
    decoding_way,
    usual,
)
from ..errors import BadSetting, CaptionretError
from ..files import expanded

FOUND, NOTHING_FOUND = 0, 1


def run(main: Callable[[Sequence[str] | None], int]) -> int:
    """Run a command: what it refuses becomes a message and the error's exit code, Ctrl-C 130, a closed pipe
    silence."""
    show_log()
    if isinstance(sys.stdout, io.TextIOWrapper):
        # a file name need not be in the terminal's encoding
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = main(None)
        sys.stdout.flush()
        return code
    except CaptionretError as error:
        say(error.in_shell())
        return error.exit_code
    except KeyboardInterrupt as stop:
        say(str(stop) or "Stopped.")
        return 130
    except BrokenPipeError:
        _drop_stdout()
        return 0
    except RuntimeError as error:  # torch has no class of its own for this that the CPU's and the GPU's share
        if "allocate memory" not in str(error) and "out of memory" not in str(error):
            raise
        say(
            f"There is not enough memory ({str(error).splitlines()[0]}). Lower --batch-size, or choose a "
            "smaller variant."
        )
        return CaptionretError.exit_code
    except OSError as error:
        if error.filename is None and error.errno == errno.ENOSPC:
            _drop_stdout()
            say("No space left to write the answer to stdout. Free some space and run again.")
            return CaptionretError.exit_code
        if error.filename is None:
            raise
        say(f"{error.filename} cannot be used ({error.strerror}). Check the path and its permissions.")
        return CaptionretError.exit_code


def _drop_stdout() -> None:
    """Or Python complains again when it closes stdout."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class Notes(logging.Handler):
    """What the library logs, as plain lines on stderr, whatever stderr is at that moment."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one message."""
        say(self.format(record))


def show_log(level: int = logging.INFO) -> None:
    """Let people see what the library says through `logging`."""
    logger = logging.getLogger("captionret")
    logger.setLevel(level)
    if not any(isinstance(handler, Notes) for handler in logger.handlers):
        logger.addHandler(Notes())


def say(text: str) -> None:
    """Something for the person, not for the pipe."""
    print(text.encode(errors="backslashreplace").decode(), file=sys.stderr)


def parser(command: str, about: str) -> argparse.ArgumentParser:
    """A parser whose --help begins with the module's own words."""
    return argparse.ArgumentParser(
        prog=f"captionret {command}",
        description=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def add_device(arguments: argparse.ArgumentParser) -> None:
    """--device, the same for every command that computes."""
    arguments.add_argument(
        "--device",
        default="auto",
        help="auto (the GPU where there is one), cpu, cuda, cuda:1 ... (default: %(default)s)",
    )


def add_decoding(arguments: argparse.ArgumentParser, several: bool = True) -> None:
    """How captions are found: the options that `decoding_of` reads. several: whether more than one may be
    kept of an image."""
    arguments.add_argument(
        "--decode",
        default=BeamSearch.method,
        metavar="HOW",
        help=f"one of {', '.join(DECODINGS)} (default: %(default)s)",
    )
    if several:
        arguments.add_argument(
            "--captions-per-image",
            type=int,
            default=1,
            metavar="N",
            help="how many are kept (default: %(default)s)",
        )
    arguments.add_argument(
        "--beam",
        type=int,
        metavar="N",
        help="width of a beam (default: "
        f"{usual(BeamSearch, 'beam')}, of a consensus {usual(Consensus, 'beam')}, to re-rank "
        f"{usual(Rerank, 'beam')}, or as many as are kept)",
    )
    arguments.add_argument(
        "--length-penalty",
        type=float,
        metavar="A",
        help="captions are ranked by log-probability / words**A (default: the variant's own, of a consensus "
        f"{Consensus.usual_length_penalty:g}, of re-ranked captions {Rerank.usual_length_penalty:g})",
    )
    arguments.add_argument(
        "--constraints",
        action=argparse.BooleanOptionalAction,
        help='no word twice in a row, no three words twice, no end on "a" or "with" (default: as the variant '
        "says)",
    )
    arguments.add_argument(
        "--groups", type=int, metavar="N", help="of a diverse beam (default: as many as it is wide)"
    )
    arguments.add_argument(
        "--diversity",
        type=float,
        default=usual(DiverseBeamSearch, "diversity"),
        metavar="D",
        help="(default: %(default)s)",
    )
    arguments.add_argument(
        "--drawn",
        type=int,
        default=usual(Consensus, "drawn"),
        metavar="N",
        help="candidates of a consensus beside the beam's (default: %(default)s)",
    )
    arguments.add_argument(
        "--sharpness",
        type=float,
        default=usual(Consensus, "sharpness"),
        metavar="S",
        help="how much a consensus counts the probable; 0: as all others (default: %(default)s)",
    )
    arguments.add_argument(
        "--embedding",
        nargs="+",
        metavar="DIR",
        help="the spaces that re-rank captions, whose mean counts: directories, or names in checkpoints/ "
        "(default: the shipped one)",
    )
    arguments.add_argument(
        "--match-weight",
        "--match",
        type=float,
        default=usual(Rerank, "match_weight"),
        metavar="W",
        help="how much the fit of picture and caption counts beside the log-probability (default: "
        "%(default)s)",
    )
    arguments.add_argument(
        "--captions-from",
        metavar="KIND:PATH",
        help="re-ranked captions shall be like the captions that the train split of this collection has for "
        "like pictures, too",
    )
    arguments.add_argument(
        "--neighbours",
        type=int,
        default=usual(Rerank, "neighbours"),
        metavar="N",
        help="captions of it to compare with (default: %(default)s)",
    )
    arguments.add_argument(
        "--agree-weight",
        "--agree",
        type=float,
        default=usual(Rerank, "agree_weight"),
        metavar="W",
        help="how much that likeness counts (default: %(default)s)",
    )
    arguments.add_argument(
        "--temperature",
        type=float,
        default=usual(Sampling, "temperature"),
        metavar="T",
        help="of sampling (default: %(default)s)",
    )
    arguments.add_argument(
        "--top-k",
        type=int,
        default=usual(Sampling, "top_k"),
        metavar="K",
        help="sample from the K likeliest words; 0: from all",
    )
    arguments.add_argument(
        "--top-p",
        type=float,
        default=usual(NucleusSampling, "top_p"),
        metavar="P",
        help="of the nucleus (default: %(default)s)",
    )
    arguments.add_argument(
        "--seed", type=int, default=usual(Sampling, "seed"), help="of sampling (default: %(default)s)"
    )


def decoding_of(given: argparse.Namespace) -> Decoding:
    """What was asked for; BadSetting where it cannot be."""
    way = decoding_way(given.decode)
    if way is not Rerank and (given.embedding or given.captions_from):
        raise BadSetting(
            "--embedding and --captions-from are what re-ranked captions are chosen by. Add --decode rerank."
        )
    facts = vars(given) | {"captions": getattr(given, "captions_per_image", 1)}
    if given.beam is None:
        beam = usual(way, "beam")
        facts["beam"] = max(beam, facts["captions"]) if isinstance(beam, int) else None
    if given.groups is None:
        facts["groups"] = facts["beam"]
    if way is Rerank:
        from ..app.rerankers import chosen_by

        facts["spaces"], facts["captions_from"] = chosen_by(given.embedding, given.captions_from)
    return way(**{one.name: facts[one.name] for one in fields(way)})


def refuse_to_overwrite(out: Path, resume: bool) -> None:
    """A trained checkpoint, or a training that was cut, is never lost by typing the same command again."""
    if not resume and any((out / name).exists() for name in ("config.json", "training/state.json")):
        raise BadSetting(
            f"{out} already holds a training. Go on with it (--resume), choose another --out, or delete it "
            "first."
        )


def command_again(command: str, typed: Sequence[str]) -> str:
    """What reproduces a training, for its card; a data set's folder is part of it as it was typed."""
    return shlex.join(["captionret", command, *(word for word in typed if word != "--resume")])


def path_argument(given: str) -> Path:
    """An argument that names a file or a folder. An empty one, of a variable that is not set, would mean the
    current folder."""
    if not given:
        raise argparse.ArgumentTypeError("the name is empty")
    return expanded(given)
