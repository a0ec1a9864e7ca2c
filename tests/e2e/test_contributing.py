"""Each recipe of CONTRIBUTING.md is carried out in a copy of the package, and its commands run there."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import shapes
from pages import ROOT, blocks
from warm import Warm

from captionret.home import SHIPPED

PAGE = ROOT / "CONTRIBUTING.md"
TEXT = PAGE.read_text(encoding="utf-8")
RECIPES = re.findall(r"^### (.+)$", TEXT, re.M)
_PLACE = re.compile(r"# (?:new file: (?P<new>\S+)|in (?P<old>\S+), above: (?P<above>.+))\n")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set as a table and as JSON Lines."""
    folder = tmp_path_factory.mktemp("data")
    shapes.table(folder, {"train": 2, "val": 1})
    rows = [line.split(",") for line in (folder / "captions.csv").read_text().splitlines()[1:]]
    records = [{"image": image, "captions": [text], "split": split} for image, text, split in rows[::2]]
    (folder / "captions.jsonl").write_text("\n".join(map(json.dumps, records)))
    return folder


@pytest.fixture
def copy(tmp_path: Path, data: Path) -> Path:
    """A checkout that a recipe may change, with data beside it."""
    beginning = shutil.ignore_patterns("*.pyc.*")  # which another process is writing
    shutil.copytree(ROOT / "captionret", tmp_path / "captionret", ignore=beginning)
    (tmp_path / "checkpoints").mkdir()
    shipped = [f"checkpoints/{name}" for name in SHIPPED]
    for name in (*shipped, "tests", "pyproject.toml"):
        (tmp_path / name).symlink_to(ROOT / name)
    shutil.copytree(data, tmp_path, dirs_exist_ok=True)
    return tmp_path


def recipe(name: str, tmp_path: Path) -> Path:
    """The part of the page below one heading."""
    part = tmp_path / "recipe.md"
    part.write_text(re.split(r"^##+ ", TEXT.partition(f"### {name}\n")[2], flags=re.M)[0], encoding="utf-8")
    return part


def carry_out(listing: str, checkout: Path) -> None:
    """Write a new file, or put a listing above the line that it names."""
    place = _PLACE.match(listing)
    assert place, "a listing begins with where it goes"
    code = listing[place.end() :]
    if place["new"]:
        assert not (ROOT / place["new"]).exists()
        (checkout / place["new"]).write_text(code, encoding="utf-8")
        return
    file = checkout / place["old"]
    lines = file.read_text(encoding="utf-8").splitlines()
    number = next(n for n, line in enumerate(lines) if line.strip().startswith(place["above"]))
    indent = re.match(r"\s*", lines[number])
    assert indent
    lines[number:number] = [indent[0] + line for line in code.splitlines()]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.mark.parametrize("name", RECIPES)
def test_recipe_works_as_it_is_written(name: str, copy: Path, library: Path, warm: Warm) -> None:
    (copy / "data/libraries").mkdir(parents=True)
    (copy / "data/libraries/photos").symlink_to(library)
    part = recipe(name, copy)
    listings = [block.text for block in blocks(part, "python")]
    commands = [command for block in blocks(part, "sh") for command in block.commands]
    assert listings and commands
    for listing in listings:
        carry_out(listing, copy)
    shown = ""
    for command in commands:
        words = shlex.split(command)
        line = words[1:] if words[0] == "python" else ["-m", "captionret", *words[1:]]
        done = warm(line, copy)
        assert done.code == 0, f"{command}\n{done.out[-2000:]}\n{done.err[-2000:]}"
        shown += done.out
    for out in re.findall(r"--out (\S+)", "\n".join(commands)):
        assert (copy / out / "config.json").is_file()
    assert ("passed" in shown) == ("pytest" in commands[-1])


def test_the_recipes_that_people_look_for_are_there() -> None:
    assert {"A captioner variant", "A mode", "A data set format", "A backbone"} <= set(RECIPES)


def test_new_files_of_recipes_pass_the_linters() -> None:
    for block in blocks(PAGE, "python"):
        if block.text.startswith("# new file"):
            code = block.text.partition("\n")[2]
            for tool in (["check"], ["format", "--check"]):
                line = [sys.executable, "-m", "ruff", *tool, "--stdin-filename", "captionret/x.py", "-"]
                done = subprocess.run(
                    line, input=code, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
                )
                assert done.returncode == 0, done.stdout + done.stderr
