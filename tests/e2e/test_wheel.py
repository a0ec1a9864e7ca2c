"""The wheel alone, in an empty folder: it has the command, the models and the types.

What it requires comes from this environment; test_packaging.py sees that all of that is declared.
"""

import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest
from shapes import shape
from typed import Call, Ended, started
from warm import Warm

import captionret

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ("captionret", "pyproject.toml", "setup.py", "requirements.txt", "README.md", "LICENSE")
IN_EVERY_MODE = """\
import sys
import captionret

searcher = captionret.Searcher(sys.argv[1], device="cpu")
for mode in captionret.list_modes():
    try:
        hits = searcher.search(sys.argv[2], mode=mode, top=1)
    except captionret.CaptionretError as error:  # a space that is not shipped
        print(mode, "-", error)
    else:
        print(mode, hits[0].path)
"""


def python(*arguments: object, cwd: Path) -> Ended:
    return started([sys.executable, *arguments], cwd, timeout=300)


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder into which the wheel was installed, as pip does it."""
    folder = tmp_path_factory.mktemp("wheel")
    (folder / "source/checkpoints").mkdir(parents=True)
    for name in SOURCE:
        whole = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        whole(ROOT / name, folder / "source" / name)
    for checkpoint in (ROOT / "checkpoints").iterdir():
        if checkpoint.is_dir():
            shutil.copytree(checkpoint, folder / "source/checkpoints" / checkpoint.name)
    (folder / "source/checkpoints/mine").mkdir()
    (folder / "source/checkpoints/mine/config.json").write_text("{}")
    offline = ("--quiet", "--no-deps", "--no-index", "--disable-pip-version-check")
    build = ("-m", "pip", "wheel", *offline, "--no-build-isolation", "--wheel-dir", folder, folder / "source")
    assert python(*build, cwd=folder).code == 0
    [wheel] = folder.glob("captionret-*.whl")
    assert wheel.stat().st_size < 30 * 2**20
    with ZipFile(wheel) as packed:
        models = [one for one in packed.infolist() if one.filename.startswith("captionret/_checkpoints/")]
    assert sum(one.file_size for one in models) < 30e6 and sum(one.compress_size for one in models) < 27e6
    target = ("-m", "pip", "install", *offline, "--target", folder / "site", wheel)
    assert python(*target, cwd=folder).code == 0
    return folder / "site"


@pytest.fixture
def home(installed: Path, tmp_path: Path) -> Path:
    """An empty home with a picture to ask for and a folder of others."""
    for number, colour in enumerate(("red", "green", "blue")):
        shape(tmp_path / "pictures" / f"{colour}.png", colour, "circle", number)
    shutil.copy(tmp_path / "pictures/red.png", tmp_path / "q.png")
    (tmp_path / "empty").mkdir()
    return tmp_path


@pytest.fixture
def in_an_empty_folder(installed: Path, home: Path, warm: Warm) -> Call:
    """Runs Python where there is nothing but what the wheel brings, and what it requires."""
    where = {"HOME": home, "XDG_DATA_HOME": home / "data", "CAPTIONRET_HOME": "", "PYTHONPATH": installed}
    return lambda *words: warm(words, home / "empty", **where)


def test_the_command_searches_pictures_and_texts_from_an_empty_folder(
    installed: Path, home: Path, in_an_empty_folder: Call
) -> None:
    line = [installed / "bin" / "captionret"] if os.name == "posix" else ["-m", "captionret"]
    asked = (*line, "search", "--device", "cpu", "--top", 2)
    code, out, err = in_an_empty_folder(*asked, "--image", home / "q.png", "--gallery", home / "pictures")
    assert code == 0, err
    assert "green.png" in out or "blue.png" in out
    code, out, err = in_an_empty_folder(*asked, "a dog")
    assert code in (0, 1) and "Traceback" not in err, err
    assert list((home / "empty").iterdir()) == []
    assert len(list((home / "data/captionret/data/libraries").iterdir())) == 2
    for name in ("photos-lite", "photos-space", "words-lite"):
        assert (installed / "captionret/_checkpoints" / name / "model.safetensors").is_file()
    assert not (installed / "captionret/_checkpoints/mine").exists()


def test_a_short_script_searches_in_every_mode(home: Path, in_an_empty_folder: Call) -> None:
    assert IN_EVERY_MODE.count("\n") <= 12
    (home / "script.py").write_text(IN_EVERY_MODE)
    code, out, err = in_an_empty_folder(home / "script.py", home / "pictures", home / "q.png")
    assert code == 0, err
    found = dict(line.split(maxsplit=1) for line in out.splitlines())
    not_shipped = {mode for mode, answer in found.items() if answer.startswith("-")}
    assert not_shipped == {"clip", "devise", "glove-map", "skip-thoughts"}
    assert all(("encode_pictures" if mode == "clip" else "Train") in found[mode] for mode in not_shipped)
    assert len(found) > 15


def public_api() -> Iterator[str]:
    """Every public name and every public member of the public classes, as expressions."""
    for name in captionret.__all__:
        value = getattr(captionret, name)
        yield f"captionret.{name}"
        if isinstance(value, type):
            members = (member for member in dir(value) if not member.startswith("_"))
            yield from (f"captionret.{name}.{member}" for member in members if is_ours(value, member))


def is_ours(kind: type, member: str) -> bool:
    owners = [base.__module__ for base in kind.__mro__ if member in vars(base)]
    return bool(owners) and owners[0].startswith("captionret")


@pytest.mark.skipif(shutil.which("node") is None, reason="pyright needs node")
def test_a_type_checker_finds_no_any_in_the_public_api(installed: Path, home: Path) -> None:
    asked = [f"reveal_type({name})" for name in public_api()]
    program = home / "empty" / "program.py"
    program.write_text("import captionret\n" + "\n".join(asked))
    (home / "empty" / "pyrightconfig.json").write_text(json.dumps({"extraPaths": [str(installed)]}))
    checker = ("-m", "pyright", "--outputjson", "--pythonpath", sys.executable, program)
    answers = json.loads(python(*checker, cwd=home / "empty").out)["generalDiagnostics"]
    types = {asked[one["range"]["start"]["line"] - 1]: one["message"] for one in answers}
    assert len(types) == len(asked)
    # an array of any shape, in the words of numpy
    numpys = re.compile(r"tuple\[Any, \.\.\.\]|\b(?:floating|integer)\[Any\]")
    vague = {name for name, text in types.items() if re.search(r"\b(Any|Unknown)\b", numpys.sub("", text))}
    assert vague == set()
