"""Everything the README shows is run as it stands there, in an empty folder with a few pictures.

The first command and the Python example run in a new process, as a reader runs them; the others run their
script in this one, for in a new one most of the time would go into importing torch.
"""

import json
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from captionret.datasets.samples import sample_gallery
from captionret.datasets.scenes import draw_scene, plan

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [
    line.split("  #")[0].strip()
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
]
SCRIPTS = [line for line in COMMANDS if line.startswith(("python ", "./download.sh"))]
PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh clone's look-alike: the code, the shipped checkpoint, a home with photographs, and data sets in
    miniature."""
    folder = tmp_path_factory.mktemp("readme")
    for name in (
        "captionret",
        "scripts",
        "download.sh",
        "Makefile",
        "pyproject.toml",
        "requirements.txt",
        "requirements-dev.txt",
    ):
        (folder / name).symlink_to(ROOT / name)
    (folder / "checkpoints").mkdir()
    for name in ("photos-lite", "photos-space", "words-lite"):
        (folder / "checkpoints" / name).symlink_to(ROOT / "checkpoints" / name)
    sample_gallery(folder / "home/Pictures")
    with Image.open(folder / "home/Pictures/motorcycle-left.png") as photograph:
        for name, size in (("q.jpg", (600, 400)), ("more.jpg", (500, 400)), ("less.jpg", (400, 400))):
            photograph.convert("RGB").resize(size).save(folder / name)
    _write_data_sets(folder)
    return folder


def _write_data_sets(folder: Path) -> None:
    """28 drawn pictures in the layouts of Flickr8k and COCO, and as a table."""
    flickr, text = folder / "data/flickr8k/Flicker8k_Dataset", folder / "data/flickr8k/Flickr8k_text"
    coco, notes = folder / "data/coco", folder / "data/coco/annotations"
    for made in (flickr, text, coco / "train2014", coco / "val2014", notes):
        made.mkdir(parents=True)
    names: dict[str, list[str]] = {"train": [], "dev": [], "test": []}
    tokens, table = [], ["image,caption"]
    records: dict[str, dict[str, list[dict[str, object]]]] = {
        part: {"images": [], "annotations": []} for part in ("train", "val")
    }
    scenes = plan(3, 106)
    for number, (_, scene) in enumerate(scenes[:: len(scenes) // 28][:28]):
        picture, _, captions = draw_scene(scene, np.random.default_rng(number))
        split = "train" if number < 20 else "dev" if number < 24 else "test"
        name, part = f"{number:04}.jpg", "train" if split == "train" else "val"
        picture.save(flickr / name)
        shutil.copy(flickr / name, coco / f"{part}2014" / name)
        names[split].append(name)
        records[part]["images"].append({"id": number, "file_name": name})
        for index, caption in enumerate(captions):
            tokens.append(f"{name}#{index}\t{caption}")
            table.append(f'data/flickr8k/Flicker8k_Dataset/{name},"{caption}"')
            records[part]["annotations"].append(
                {"id": 10 * number + index, "image_id": number, "caption": caption}
            )
    (text / "Flickr8k.token.txt").write_text("\n".join(tokens) + "\n")
    for split, listed in names.items():
        (text / f"Flickr_8k.{split}Images.txt").write_text("\n".join(listed) + "\n")
    for part, record in records.items():
        (notes / f"captions_{part}2014.json").write_text(json.dumps(record))
    (folder / "captions.csv").write_text("\n".join(table) + "\n")


def _run(words: list[str], sandbox: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "HOME": str(sandbox / "home"), "PYTHONPATH": ""}
    return subprocess.run(words, cwd=sandbox, env=environment, capture_output=True, text=True, timeout=600)


def _run_here(
    words: list[str], sandbox: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[str | int | None, str, str]:
    """Run a script as the program itself; its exit code and what it wrote to stdout and stderr."""
    monkeypatch.chdir(sandbox)
    monkeypatch.setenv("HOME", str(sandbox / "home"))
    monkeypatch.setenv("PATH", str(sandbox / "home"))  # without Java: METEOR's program is slow to start
    monkeypatch.setattr(sys, "argv", words)
    monkeypatch.setattr(sys, "path", list(sys.path))  # scripts put themselves first
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(sandbox / words[0]), run_name="__main__")
    return ended.value.code, *capsys.readouterr()


def test_the_readme_shows_commands_and_python() -> None:
    assert len(SCRIPTS) >= 10
    assert len(PYTHON) == 1


@pytest.mark.usefixtures("short_trainings")
@pytest.mark.parametrize("command", SCRIPTS)
def test_every_command_works_as_the_readme_writes_it(
    command: str, sandbox: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        str(sandbox / "home") + word[1:] if word.startswith("~") else word for word in shlex.split(command)
    ]
    if words[0] != "python" or command == SCRIPTS[0]:
        code: str | int | None
        done = _run([sys.executable, *words[1:]] if words[0] == "python" else words, sandbox)
        code, out, err = done.returncode, done.stdout, done.stderr
    else:
        code, out, err = _run_here(words[1:], sandbox, monkeypatch, capsys)
    assert code == 0, err[-2000:]
    assert out.strip() or command.startswith("./download.sh"), "a command shows something"


def test_the_python_example_finds_pictures(sandbox: Path) -> None:
    done = _run([sys.executable, "-c", PYTHON[0]], sandbox)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "motorcycle-left.png" in done.stdout.splitlines()[0] + done.stdout.splitlines()[1]


@pytest.mark.parametrize("command", [line for line in COMMANDS if line.startswith("make")])
def test_every_make_command_has_its_target(command: str, sandbox: Path) -> None:
    done = _run([*shlex.split(command), "--dry-run"], sandbox)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "captionret demo" in done.stdout or "pytest" in done.stdout


def test_every_file_the_readme_links_to_exists() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
