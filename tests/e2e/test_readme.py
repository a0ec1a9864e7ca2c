"""Everything the README shows is run as it stands there, in an empty folder with a few pictures."""

import re
from pathlib import Path

import pytest
from pages import ROOT, Listed, Typed, blocks, run_line, works

README = ROOT / "README.md"
COMMANDS = [command for block in blocks(README, "sh") if block.reason is None for command in block.commands]
MADE = [line for line in COMMANDS if line.startswith("make")]
SCREENS = [block.text for block in blocks(README, "console")]
PYTHON = [block.text for block in blocks(README, "python")]


def test_the_readme_shows_a_screen_commands_and_python() -> None:
    assert (len(SCREENS), len(PYTHON)) == (1, 1)
    assert len([line for line in COMMANDS if line.startswith("captionret ")]) >= 4
    assert {"make demo", "make test"} <= set(MADE)


def test_every_command_works_as_the_readme_writes_it(photos: Path, sandbox: Path, typed: Typed) -> None:
    for command in COMMANDS:
        done = run_line(command, sandbox, typed)
        assert works(command, done), (command, done.err[-2000:])
    assert (sandbox / "hits.html").is_file()


@pytest.mark.parametrize("screen", SCREENS)
def test_the_screen_is_what_the_command_shows(screen: str, photos: Path, sandbox: Path, typed: Typed) -> None:
    command, expected = screen.removeprefix("$ ").split("\n", 1)
    done = run_line(command, sandbox, typed)
    assert (done.code, done.out) == (0, expected)


@pytest.mark.usefixtures("photos")
def test_the_python_example_finds_pictures(listed: Listed) -> None:
    lines = listed(PYTHON[0]).splitlines()
    assert len(lines) == 3
    assert "motorcycle" in lines[0] and "motorcycle" in lines[1]
    assert "motorcycle-left.png" in lines[2].split(",")[0]


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_every_make_command_has_its_target(page: str, sandbox: Path, typed: Typed) -> None:
    lines = [line for block in blocks(ROOT / page, "sh") for line in block.commands if "make " in line]
    found = [run_line(line, sandbox, typed) for line in lines]
    assert lines and [done.err for done in found if done.code] == []
    done = "".join(one.out for one in found)
    assert "pytest" in done and ("captionret demo" in done) == (page == "README.md")


@pytest.mark.parametrize("page", ["README.md", "docs/modes.md"])
def test_figures_are_those_of_the_results(page: str) -> None:
    results = (ROOT / "benchmarks/RESULTS.md").read_text(encoding="utf-8")
    flickr8k = results.partition("**Flickr8k test.**")[2].partition("**COCO val.**")[0]
    table = [line.strip("| ").split(" | ") for line in flickr8k.splitlines() if line.startswith("| ")]
    of = {cells[0]: dict(zip(table[0], cells, strict=True)) for cells in table[1:]}
    shown = re.findall(
        r"^\|.*?`([\w-]+)`.*\| ([\d.–]+) \| \**([\d.]+)\** \(([\d.]+–[\d.]+)\) \|$",
        (ROOT / page).read_text(encoding="utf-8"),
        re.M,
    )
    assert len(shown) >= 4
    for mode, found, related, interval in shown:
        measured = of[mode]
        assert found == "–" == measured["R@10"] or f"{float(measured['R@10']):.1f}" == found, mode
        assert f"{float(measured['image NDCG@10 sbert']):.1f}" == related, mode
        assert measured["95 %"] == interval, mode
