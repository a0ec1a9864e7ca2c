"""Everything that docs/ shows is run as it stands there; the site builds, and every link leads somewhere."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pages import ROOT, Listed, Typed, anchors, blocks, links, run_line, works
from typed import Ended

import captionret
from captionret.library.catalogue.schema import FORMAT

DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *DOCS]
SHOWN = [page for page in DOCS if any(block.reason is None for block in blocks(page, "sh"))]


@pytest.mark.usefixtures("photos", "short_trainings")
@pytest.mark.parametrize("page", SHOWN, ids=lambda page: page.stem)
def test_every_command_works_as_a_page_shows_it(
    page: Path, sandbox: Path, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def typed_without_java(words: list[str]) -> Ended:  # METEOR is slow to start, and other tests run it
        with monkeypatch.context() as within:
            within.setenv("PATH", str(sandbox / "home"))
            return typed(words)

    wrong = []
    for line in (line for block in blocks(page, "sh") if block.reason is None for line in block.commands):
        done = run_line(line, sandbox, typed_without_java)
        if not works(line, done):
            wrong.append((line, *done))
    assert wrong == []


@pytest.mark.usefixtures("photos")
@pytest.mark.parametrize(
    "page", [page for page in DOCS if blocks(page, "python")], ids=lambda page: page.stem
)
def test_the_python_of_a_page_runs_from_its_first_listing_to_its_last(page: Path, listed: Listed) -> None:
    code = "\n".join(block.text for block in blocks(page, "python") if block.reason is None)
    assert listed(code).strip()


def test_site_builds_without_a_warning_and_without_anything_from_elsewhere(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs")
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    fetched = re.compile(r"<(?:script|img|iframe)[^>]* src=\"http|<link[^>]* href=\"http|@import|url\(.?http")
    for file in (*tmp_path.rglob("*.html"), *tmp_path.rglob("*.css")):
        assert not fetched.search(file.read_text(encoding="utf-8")), file
    assert "doc-heading" in (tmp_path / "api.html").read_text(encoding="utf-8")


def test_the_page_of_what_lies_on_disk_names_the_present_format_of_libraries() -> None:
    assert f"**Format {FORMAT}** (release" in (ROOT / "docs/checkpoints.md").read_text(encoding="utf-8")
    assert f"**Libraries, format {FORMAT}.**" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_every_public_name_is_on_the_page_of_the_api() -> None:
    shown = re.findall(r"^::: ([\w.]+)", (ROOT / "docs/api.md").read_text(encoding="utf-8"), re.M)
    objects = {}
    for name in shown:
        module, _, last = name.rpartition(".")
        objects[last] = getattr(importlib.import_module(module), last)
    public = [name for name in captionret.__all__ if not name.startswith("__")]
    assert [name for name in public if objects.get(name) is not getattr(captionret, name)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_link_of_a_page_leads_to_a_file_and_a_place_in_it(page: Path) -> None:
    for link in links(page):
        name, _, place = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        assert not place or place in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    if page.stem == "CHANGELOG":
        pytest.skip("it names the files of its time")
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"`((?:captionret|tests|benchmarks|scripts|docs|examples)/[\w./-]+)`", text)
    named += [
        f"captionret/{name}" for name in re.findall(r"`((?:models|retrieval|library)/[\w./]+\.py)`", text)
    ]
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_what_is_not_run_is_rare_and_has_its_reason() -> None:
    skipped = [block for page in PAGES for block in blocks(page, "sh", "python", "console") if block.reason]
    assert len(skipped) <= 8
    assert {block.kind for block in skipped} <= {"sh"}
