"""The programs in examples/ do what their first lines say."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest
from shapes import Trained
from typed import Call
from warm import Warm

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """In which captionret is found, and keeps what it makes apart."""
    return {"PYTHONPATH": str(ROOT), "CAPTIONRET_HOME": str(tmp_path / "home")}


@pytest.fixture
def run_example(warm: Warm, tmp_path: Path, environment: dict[str, str]) -> Call:
    """Runs one of the programs."""
    return lambda name, *words: warm([ROOT / "examples" / name, *words], tmp_path, **environment)


def test_a_folder_is_searched_by_words(trained: Trained, run_example: Call) -> None:
    asked = (trained.pictures, "a red circle", "--captioner", trained.checkpoint, "--top", 1)
    code, out, err = run_example("search_a_folder.py", *asked)
    assert code == 0, err
    assert re.search(r"1 +\d\.\d\d +\S*red-circle-\d\.png .*\[.*red.*\]", out)
    assert "Traceback" not in err


def test_two_captioners_are_compared(trained: Trained, run_example: Call) -> None:
    pictures = sorted(trained.pictures.iterdir())[:2]
    asked = (trained.checkpoint, trained.checkpoint, *pictures, "--beam", 1, 3)
    code, out, err = run_example("compare_two_captioners.py", *asked)
    assert code == 0, err
    assert all(str(picture) in out for picture in pictures)
    assert re.search(r"\d of 2 captions are equal; on average they share \d+%", out)


@pytest.fixture
def port(library: Path, environment: dict[str, str]) -> Iterator[int]:
    """Where the example of a web service listens."""
    line = [sys.executable, str(ROOT / "examples/web_service.py"), str(library), "--port", "0"]
    with subprocess.Popen(
        line, env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as server:
        assert server.stdout
        found = re.search(rb":(\d+)/", server.stdout.readline())
        assert found, "the service says where it listens"
        yield int(found[1])
        server.terminate()


def test_the_service_answers_texts_pictures_and_mistakes(port: int, trained: Trained) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)

    def ask(method: str, path: str, body: bytes | None = None) -> tuple[int, dict[str, object]]:
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())

    status, found = ask("GET", "/search?text=a+green+square&top=1")
    assert status == 200 and "green-square" in str(found["hits"])
    picture = (trained.pictures / "blue-circle-0.png").read_bytes()
    status, found = ask("POST", "/search?mode=jaccard", picture)
    assert status == 200 and "blue" in str(found["caption"]) and "blue-circle-1" in str(found["hits"])
    status, found = ask("GET", "/search?text=a&mode=no-such-mode")
    assert status == 400 and "no-such-mode" in str(found["error"])
    status, found = ask("POST", "/search", b"no picture")
    assert status == 400 and found["error"]
    assert ask("GET", "/elsewhere")[0] == 404
    assert ask("POST", "/search")[0] == 413  # without a picture


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_says_in_its_first_lines_what_to_type(example: Path) -> None:
    assert f"python examples/{example.name} " in example.read_text(encoding="utf-8").split('"""')[1]


@pytest.mark.skipif(shutil.which("hadolint") is None, reason="hadolint is not installed here")
def test_the_dockerfile_passes_its_linter() -> None:
    command = ["hadolint", str(ROOT / "examples" / "Dockerfile")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed here")
def test_the_systemd_unit_is_one(tmp_path: Path) -> None:
    program = tmp_path / ".local" / "bin" / "captionret"  # where the unit expects it
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    environment = os.environ | {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)}
    command = ["systemd-analyze", "--user", "verify", str(ROOT / "examples" / "captionret.service")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0 and not done.stderr, done.stderr
