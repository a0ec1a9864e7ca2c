"""`captionret COMMAND`, `python -m captionret COMMAND` and scripts/*.py: one list, one behaviour."""

import importlib
import os
import resource
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typed import Ended

import captionret
from captionret.cli.commands import COMMANDS, scripts
from captionret.cli.commands import main as write_scripts

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = sorted(path.name for path in (ROOT / "scripts").glob("*.py"))


def start(*line: object, cwd: Path) -> Ended:
    """Run Python in a process of its own, with this checkout's package."""
    done = subprocess.run(
        [sys.executable, *map(str, line)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        timeout=60,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def test_scripts_are_what_the_list_of_commands_makes_of_them(tmp_path: Path) -> None:
    made = {path.name: path.read_text() for path in (ROOT / "scripts").glob("*.py")}
    assert made == scripts(), "run: python -m captionret.cli.commands scripts"
    (tmp_path / "of_a_command_that_is_gone.py").touch()
    write_scripts([str(tmp_path)])
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == scripts()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_module_that_runs_it(command: str) -> None:
    module = importlib.import_module(f"captionret.cli.{COMMANDS[command].module}")
    assert callable(module.main) and module.__doc__


def test_every_module_of_the_command_line_is_a_command_or_serves_them() -> None:
    modules = {path.stem for path in (ROOT / "captionret/cli").glob("*.py")} - {"__init__"}
    assert {row.module for row in COMMANDS.values()} <= modules


@pytest.mark.parametrize("name", SCRIPTS)
def test_help_is_quick_and_comes_without_torch(name: str, tmp_path: Path) -> None:
    begun = resource.getrusage(resource.RUSAGE_CHILDREN)
    code, out, err = start("-X", "importtime", ROOT / "scripts" / name, "--help", cwd=tmp_path)
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    imported = {line.rpartition("|")[2].strip() for line in err.splitlines()}
    assert code == 0 and out.startswith("usage: captionret ")
    assert "captionret.cli" in imported and "torch" not in imported
    # processor time, which a busy machine does not lengthen as it does the clock's
    assert ended.ru_utime + ended.ru_stime - begun.ru_utime - begun.ru_stime < 0.5


def test_overview_names_every_command_and_what_it_does(tmp_path: Path) -> None:
    code, out, err = start("-m", "captionret", "--help", cwd=tmp_path)
    assert (code, err) == (0, "")
    for name, row in COMMANDS.items():
        assert f"  {name} " in out and row.about in out


def test_python_m_captionret_runs_a_command_as_its_script_does(tmp_path: Path) -> None:
    by_name = start("-m", "captionret", "search", "--list-modes", cwd=tmp_path)
    assert by_name.code == 0 and "jaccard" in by_name.out
    assert by_name == start(ROOT / "scripts/retrieve.py", "--list-modes", cwd=tmp_path)
    assert start("-m", "captionret", "help", "search", cwd=tmp_path) == start(
        "-m", "captionret", "search", "--help", cwd=tmp_path
    )


def test_version_is_the_packages(tmp_path: Path) -> None:
    assert (
        start("-m", "captionret", "--version", cwd=tmp_path).out == f"captionret {captionret.__version__}\n"
    )


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ((), "No command is given."),
        (("serach",), "There is no command 'serach'. Did you mean 'search'?"),
        (("--text", "dog"), "--text is not a command."),
    ],
)
def test_what_is_no_command_is_wrong_usage(typed: tuple[str, ...], said: str, tmp_path: Path) -> None:
    code, out, err = start("-m", "captionret", *typed, cwd=tmp_path)
    assert (code, out) == (2, "") and err.startswith(said) and err.count("\n") == 1


def test_a_script_of_an_earlier_release_runs_with_a_notice(tmp_path: Path) -> None:
    code, out, err = start(ROOT / "scripts/believe.py", "--help", cwd=tmp_path)
    assert code == 0 and out.startswith("usage: captionret predict-words")
    assert err == "believe is now called predict-words; the old name is accepted in this release only.\n"


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("captionret ev", "evaluate-captions evaluate-ranking evaluate-retrieval"),
        ("captionret search --list", "--list-modes"),
        ("captionret search --mode exp", "expected-jaccard expected-cosine"),
        ("captionret search --checkpoint photos-", "photos-lite photos-space"),
        ("captionret search --library p", "people photos"),
    ],
)
def test_the_shell_completes_commands_options_and_names(typed: str, completed: str, tmp_path: Path) -> None:
    for name in ("people", "photos"):
        (tmp_path / "data/libraries" / name).mkdir(parents=True)
    asked = {"COMP_LINE": typed, "COMP_POINT": str(len(typed)), "_ARGCOMPLETE": "1", "_ARGCOMPLETE_IFS": " "}
    # argcomplete answers on a stream of its own, number 8
    line = f"{shlex.quote(sys.executable)} -m captionret 8>&1 9>/dev/null"
    done = subprocess.run(
        ["/bin/sh", "-c", line],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | asked | {"PYTHONPATH": str(ROOT)},
        timeout=60,
        check=False,
    )
    assert sorted(done.stdout.split()) == sorted(completed.split())


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_the_shell_is_given_what_it_needs_to_complete(tmp_path: Path) -> None:
    code, out, _ = start("-m", "captionret", "completion", "bash", cwd=tmp_path)
    assert code == 0 and "captionret" in out
    assert subprocess.run(["bash", "-n"], input=out, text=True, check=False).returncode == 0
