"""What the project's own pages show: commands, Python and links, taken out of Markdown to be run."""

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from typed import Ended, started

Typed = Callable[[list[str]], Ended]  # runs captionret with these words
Listed = Callable[[str], str]  # runs a listing in Python; what it prints
ROOT = Path(__file__).resolve().parents[1]
_BLOCK = re.compile(
    r"(?:^<!-- not run: (?P<reason>[^\n]+) -->\n)?^```(?P<kind>[\w+-]*)\n(?P<text>.*?)^```$", re.M | re.S
)
_LINK = re.compile(r"\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A listing on a page.

    kind:   "sh", "python", "console" (commands after "$ ", each with what it prints), "text", or whatever
    reason: why it is not run; None where it is
    """

    kind: str
    text: str
    reason: str | None

    @property
    def commands(self) -> list[str]:
        """The lines of a shell block without their comments."""
        lines = [re.sub(r"\s+# .*", "", line).strip() for line in self.text.splitlines()]
        return [line for line in lines if line and not line.startswith("#")]


def blocks(page: Path, *kinds: str) -> list[Block]:
    """The listings of these kinds, in order."""
    found = _BLOCK.finditer(page.read_text(encoding="utf-8"))
    return [Block(one["kind"], one["text"], one["reason"]) for one in found if one["kind"] in kinds]


def links(page: Path) -> list[str]:
    """Where the links and pictures outside of listings lead to, but for web addresses."""
    text = _BLOCK.sub("", page.read_text(encoding="utf-8"))
    return [link for link in _LINK.findall(text) if not re.match(r"[a-z]+:", link)]


def anchors(page: Path) -> set[str]:
    """The places in a page that a link may name after "#"."""
    text = _BLOCK.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def works(line: str, done: Ended) -> bool:
    """Whether a command did its work: a search may find nothing in the few photographs here, and says so."""
    if line.startswith(("captionret search", "captionret duplicates")) and done.code == 1:
        return "nothing found" in done.out or "No picture here shows" in done.err
    return done.code == 0 and bool(done.out.strip() or line.startswith("./download.sh"))


def run_line(line: str, sandbox: Path, typed: Typed) -> Ended:
    """Run a line as the page shows it: a command of captionret by `typed`, make without doing anything,
    anything else in a shell of its own."""
    words = [str(sandbox / "home") + word[1:] if word.startswith("~") else word for word in shlex.split(line)]
    if words[0] == "captionret":
        return typed(words[1:])
    if words[0] == "make":
        words.append("--dry-run")
    return started(words, sandbox, timeout=300)
