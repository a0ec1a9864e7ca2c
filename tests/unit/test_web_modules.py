"""The page's modules without a browser: their own tests, by node; their types, where tsc is installed."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "captionret" / "web" / "page"


def node_version() -> int:
    node = shutil.which("node")
    if node is None:
        return 0
    shown = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    return int(re.findall(r"\d+", shown)[0])


@pytest.mark.skipif(node_version() < 20, reason="node 20 or newer is not installed here")
def test_modules_pass_their_own_tests() -> None:
    done = subprocess.run(
        ["node", "--test", "tests/page"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.skipif(shutil.which("tsc") is None, reason="tsc is not here: npm install --global typescript")
def test_modules_have_the_types_that_they_say(tmp_path: Path) -> None:
    options = {
        "checkJs": True,
        "allowJs": True,
        "noEmit": True,
        "strict": True,
        "target": "ES2022",
        "module": "ES2022",
        "moduleResolution": "bundler",
        "lib": ["ES2022", "DOM", "DOM.Iterable"],
        "types": [],
    }
    files = [str(PAGE / name) for name in ("main.js", "theme.js")]
    (tmp_path / "tsconfig.json").write_text(json.dumps({"compilerOptions": options, "files": files}))
    done = subprocess.run(["tsc", "-p", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_module_that_is_asked_for_is_there() -> None:
    for file in PAGE.glob("*.js"):
        for name in re.findall(r"""(?:from|import)\s*\(?["']\./([\w.-]+)["']""", file.read_text("utf-8")):
            assert (PAGE / name).is_file(), f"{file.name} asks for {name}"
