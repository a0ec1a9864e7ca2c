"""Every command: one row each. `captionret COMMAND` and scripts/SCRIPT.py are made from these.

python -m captionret.cli.commands scripts      # writes scripts/*.py again
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..config import Registry
from ..errors import UnknownName


@dataclass(frozen=True, slots=True)
class Command:
    """One command of `captionret`.

    module: in captionret.cli; its `main(arguments)` runs the command and gives the exit code
    about:  what the command does, one line of `captionret --help`
    script: its name in scripts/; "" where it has none
    old:    names of that script in earlier releases, accepted in this one with a notice
    """

    module: str
    about: str
    script: str = ""
    old: tuple[str, ...] = ()


COMMANDS: Registry[Command] = Registry("command")


def _row(
    name: str, about: str, script: str | None = None, old: tuple[str, ...] = (), module: str | None = None
) -> None:
    module = module or name.replace("-", "_")
    COMMANDS.add(name, Command(module, about, module if script is None else script, old))


# In the order in which a user meets them.
_row("index", "caption every picture below a folder into a library", "caption_images")
_row("search", "find pictures by a text, by a picture, or by both", "retrieve")
_row("serve", "show libraries on a page in the browser, search and correct them there")
_row("words", "show the words of a library, or of one picture, and how sure they are", script="")
_row("edit", "caption pictures in your own words; add and remove pictures of a library", script="")
_row("duplicates", "find pictures that a library holds more than once", script="")
_row("export", "write a library's captions, words and vectors for other programs", script="")
_row(
    "import",
    "take captions from files into a library: exports, sidecars, IPTC and EXIF",
    script="",
    module="import_captions",
)
_row("info", "say what a library holds, who made it, and the room that it takes", script="")
_row("verify", "say what is wrong with a library", script="")
_row(
    "predict-words",
    "predict the words of a library's pictures, which some modes compare",
    old=("believe",),
)
_row("calibrate", "make word probabilities mean what they say, by captions that people wrote", script="")
_row("move", "move a library to another place or disk", script="")
_row("rename", "give a library another name", script="")
_row("backup", "copy a library while it is in use, as a folder or an archive", script="")
_row("prune", "give back the room of pictures that are gone and of stopped runs", script="")
_row("collect", "build a captioned data set from the web", script="")
_row("split", "draw splits for a data set, or write it in another format", script="")
_row("merge", "make one data set of several", script="")
_row("sample", "write a part of a data set, drawn at random", script="")
_row("train-captioner", "train a captioner or a lexical head")
_row("train-embedding", "train an embedding space of pictures and sentences")
_row("train-skipthought", "train a skip-thought sentence encoder")
_row("import-checkpoint", "convert a published PyTorch checkpoint")
_row("import-features", "put features that others computed into the feature cache", script="")
_row("evaluate-captions", "measure captions against those that people wrote")
_row("evaluate-retrieval", "measure the modes by how well they retrieve")
_row("evaluate-ranking", "measure an embedding space by cross-modal ranking")
_row("compare", "set the captioners of a library side by side", script="")
_row("compare-variants", "compare checkpoints in one table and on one page")
_row("hubness", "show which pictures come up too often, and what helps")
_row("reproduce", "measure the published figures again")
_row("annotate", "find the captions that fit a picture best")
_row("encode", "write the vectors of sentences or pictures into a file")
_row("nearest", "find the sentences or words nearest to one")
_row("demo", "the whole job in five minutes, on drawn scenes and on photographs")
_row("models", "list the checkpoints that are found by name", script="")
_row("modes", "list the modes, what each takes and what it compares", script="")
_row("completion", "print what makes the shell complete what you type", script="")
# What `captionret --help` puts above the first command of each group.
HEADINGS = {
    "index": "your pictures",
    "info": "looking after libraries",
    "collect": "data sets",
    "train-captioner": "training",
    "evaluate-captions": "measuring",
    "annotate": "embedding spaces",
    "demo": "all the rest",
}

_SCRIPT = '''\
"""`captionret {name}`, without an installation."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from captionret.cli.main import run_script

if __name__ == "__main__":
    sys.exit(run_script("{script}"))
'''


def find_command(name: str) -> tuple[str, str | None]:
    """The command of that name, and the old name if it was one.

    name:   of a command, of its script, or one that the script had in an earlier release
    errors: UnknownName
    """
    if name in COMMANDS:
        return name, None
    for command, row in COMMANDS.items():
        if name == row.script:
            return command, None
        if name in row.old:
            return command, name
    raise UnknownName.among("command", name, COMMANDS)


def scripts() -> dict[str, str]:
    """The files of scripts/: their names, each with its content."""
    return {
        f"{script}.py": _SCRIPT.format(name=name, script=script)
        for name, row in COMMANDS.items()
        for script in (row.script, *row.old)
        if script
    }


def main(arguments: Sequence[str]) -> int:
    """Write the files of scripts/ into a folder and remove those of commands that are gone."""
    folder = Path(*arguments)
    for file in folder.glob("*.py"):
        if file.name not in scripts():
            file.unlink()
    for name, text in scripts().items():
        (folder / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
