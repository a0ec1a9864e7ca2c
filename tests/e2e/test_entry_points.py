"""`captionret COMMAND`, `python -m captionret COMMAND` and scripts/*.py: one list, one behaviour."""

import importlib
import os
import resource
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import argcomplete
import pytest
from argcomplete.finders import CompletionFinder
from typed import Call, Ended, started

import captionret
from captionret.cli import completion
from captionret.cli.commands import COMMANDS, scripts
from captionret.cli.commands import main as write_scripts
from captionret.cli.completion import SHELLS
from captionret.cli.main import main, run_script

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = sorted(path.name for path in (ROOT / "scripts").glob("*.py"))


def start(*line: object, cwd: Path) -> Ended:
    """Run Python in a process of its own, with this checkout's package."""
    return started([sys.executable, *line], cwd, os.environ | {"PYTHONPATH": str(ROOT)}, timeout=60)


Typed = Callable[..., Ended]


@pytest.fixture
def typed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Typed:
    """Type `captionret` and words after it, in an empty folder, in this process."""
    monkeypatch.chdir(tmp_path)

    def type_words(*words: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["captionret", *words])
        try:
            code = main()
        except SystemExit as usage:  # argparse's own way out
            code = int(str(usage.code))
        return Ended(code, *capsys.readouterr())

    return type_words


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


def test_overview_names_every_command_and_what_it_does(typed: Typed) -> None:
    code, out, err = typed("--help")
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


def test_version_is_the_packages(typed: Typed) -> None:
    assert typed("--version").out == f"captionret {captionret.__version__}\n"


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        ((), "No command is given."),
        (("serach",), "There is no command 'serach'. Did you mean 'search'?"),
        (("--text", "dog"), "--text is not a command."),
    ],
)
def test_what_is_no_command_is_wrong_usage(words: tuple[str, ...], wrong: str, typed: Typed) -> None:
    code, out, err = typed(*words)
    assert (code, out) == (2, "") and err.startswith(wrong) and err.count("\n") == 1


def test_a_script_of_an_earlier_release_runs_with_a_notice(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    script = ROOT / "scripts/believe.py"
    code, out, err = start(script, "--help", cwd=tmp_path)
    assert code == 0 and out.startswith("usage: captionret predict-words")
    monkeypatch.setattr(sys, "argv", [str(script), "--help"])
    with pytest.raises(SystemExit):
        run_script("believe")
    assert capsys.readouterr().err == err
    assert err == "believe is now called predict-words; the old name is accepted in this release only.\n"


def completing(typed: str) -> dict[str, str]:
    """What a shell sets to ask for the completions of a line."""
    return {"COMP_LINE": typed, "COMP_POINT": str(len(typed)), "_ARGCOMPLETE": "1", "_ARGCOMPLETE_IFS": " "}


class OwnDebugStream(CompletionFinder):
    """As argcomplete's, but file number 9, where it prints what goes wrong, is another in this process."""

    def _init_debug_stream(self) -> None:
        argcomplete.io.debug_stream = sys.stderr


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
def test_the_shell_completes_commands_options_and_names(
    typed: str, completed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("people", "photos"):
        (tmp_path / "data/libraries" / name).mkdir(parents=True)
    answer = tmp_path / "answer"
    for name, value in (completing(typed) | {"_ARGCOMPLETE_STDOUT_FILENAME": str(answer)}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(argcomplete, "autocomplete", partial(OwnDebugStream(), exit_method=sys.exit))
    with pytest.raises(SystemExit):
        main()
    assert sorted(answer.read_text().split()) == sorted(completed.split())


def test_completions_go_to_the_stream_that_the_shell_reads(tmp_path: Path) -> None:
    line = f"{shlex.quote(sys.executable)} -m captionret 8>&1 9>/dev/null"
    done = subprocess.run(
        ["/bin/sh", "-c", line],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | completing("captionret search --list") | {"PYTHONPATH": str(ROOT)},
        timeout=60,
        check=False,
    )
    assert done.stdout.split() == ["--list-modes"]


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_is_given_lines_that_name_the_command(shell: str, call: Call) -> None:
    code, out, err = call(completion, shell)
    assert (code, err) == (0, "") and "captionret" in out


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_the_shell_is_given_what_it_needs_to_complete(tmp_path: Path) -> None:
    code, out, _ = start("-m", "captionret", "completion", "bash", cwd=tmp_path)
    assert code == 0 and "captionret" in out
    assert subprocess.run(["bash", "-n"], input=out, text=True, check=False).returncode == 0
