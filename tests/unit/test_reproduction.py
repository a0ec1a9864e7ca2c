"""The table of published figures: what holds, what is near, what fails, what is skipped, and tables that
cannot be."""

import os
from pathlib import Path
from typing import Any

import pytest

from captionret.app.measuring import reproduction
from captionret.cli import reproduce
from captionret.cli.commands import COMMANDS
from captionret.errors import BadDataset, UnknownName
from captionret.home import find_checkpoint

GOOD = {
    "name": '"a"',
    "command": """["-c", "import json, sys; json.dump({'x': 1.0}, open(sys.argv[1], 'w'))", "{out}"]""",
    "requires": "[]",
    "expected": "{ x = 1.0 }",
    "tolerance": "0.1",
    "near": "0.5",
    "minutes": "1",
}


def row(**fields: str) -> str:
    return "[[row]]\n" + "".join(f"{name} = {value}\n" for name, value in (GOOD | fields).items() if value)


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    def run(text: str, *arguments: str) -> tuple[int, str]:
        (tmp_path / "table.toml").write_text(text)
        code = reproduce.main(["--table", str(tmp_path / "table.toml"), *arguments])
        return code, capsys.readouterr().out

    return run


@pytest.mark.parametrize(
    ("expected", "status", "code"),
    [
        ("{ x = 1.0 }", "OK", 0),
        ("{ x = 1.1 }", "OK", 0),  # the limits belong to it
        ("{ x = 1.3 }", "NEAR", 0),
        ("{ x = 0.5 }", "NEAR", 0),
        ("{ x = 1.6 }", "FAIL", 1),
        ("{ y = 1.0 }", "FAIL", 1),
        ("{ y = 1.0, x = 1.3 }", "FAIL", 1),  # the worst number decides, wherever it stands
    ],
)
def test_numbers_decide_how_a_row_ends(run: Any, expected: str, status: str, code: int) -> None:
    ended, out = run(row(expected=expected))
    assert (ended, out.split()[:2]) == (code, [status, "a"])
    assert "expected" in out and "got" in out and " s)" in out


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("""["-c", "raise SystemExit(3)", "{out}"]""", "the command ended with code 3"),
        ("""["-c", "print('only words')", "{out}"]""", "the command wrote no JSON"),
        ("""["-c", "import sys; open(sys.argv[1], 'w').write('x')", "{out}"]""", "the command wrote no JSON"),
        ("""["-c", "import sys; open(sys.argv[1], 'w').write('[1]')", "{out}"]""", "got none"),
        ("""["-c", "import sys; open(sys.argv[1], 'w').write('{\\"x\\": null}')", "{out}"]""", "got none"),
    ],
)
def test_commands_that_measure_nothing_fail(run: Any, command: str, said: str) -> None:
    code, out = run(row(command=command))
    assert code == 1
    assert out.startswith("FAIL") and said in out


def test_what_is_not_there_is_skipped_with_the_reason(run: Any, tmp_path: Path) -> None:
    code, out = run(row(requires='["flickr8k", "no-such-program"]'), "--flickr8k", str(tmp_path / "gone"))
    assert code == 0
    assert (
        out.startswith("SKIP")
        and "gone does not exist (--flickr8k)" in out
        and "there is no no-such-program on the PATH" in out
    )


def test_placeholders_become_paths(run: Any, tmp_path: Path) -> None:
    program = (
        "import json, os, sys; json.dump({'x': float(os.path.isabs(sys.argv[1]))}, open(sys.argv[2], 'w'))"
    )
    code, out = run(
        row(command=f"""["-c", "{program}", "{{coco}}", "{{out}}"]""", requires='["coco"]'),
        "--coco",
        str(tmp_path),
    )
    assert (code, out[:2]) == (0, "OK")


def test_one_row_may_be_measured_and_all_are_listed(run: Any) -> None:
    table = row() + row(name='"b"', expected="{ x = 9 }")
    assert run(table)[0] == 1
    code, out = run(table, "--only", "a")
    assert (code, len(out.splitlines())) == (0, 1)
    code, out = run(table, "--list")
    assert (code, [line.split()[0] for line in out.splitlines()]) == (0, ["a", "b"])
    with pytest.raises(UnknownName, match="There is no row 'c'"):
        run(table, "--only", "c")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "should hold one or more"),
        ("x = ", "is not valid TOML"),
        ("row = 3", "should hold one or more"),
        (row(near=""), "should have the fields name, command"),
        (row(extra="1"), "and no others"),
        (row(name='" "'), "'name' must be text"),
        (row(command='"one text"'), "'command' must be a list of texts"),
        (row(requires="[1]"), "'requires' must be a list of texts"),
        (row(expected="{}"), "'expected' must hold one or more numbers"),
        (row(expected="{ x = true }"), "'expected' must hold one or more numbers"),
        (row(expected="{ x = nan }"), "'expected' must hold one or more numbers"),
        (row(tolerance="-1"), "must be numbers of at least 0"),
        (row(near="0.01"), "'near' must be at least 'tolerance'"),
        (row(command='["{where}", "{out}"]'), "there is no placeholder {where}"),
        (row(command='["{coco}", "{out}"]'), "uses {coco}, which 'requires' does not name"),
        (row(command='["x"]'), "writes no {out}"),
        (row() + row(), "stands more than once"),
    ],
)
def test_bad_tables_are_refused_by_name(run: Any, text: str, said: str) -> None:
    with pytest.raises(BadDataset) as refused:
        run(text)
    assert said in str(refused.value) and "table.toml" in str(refused.value)


def test_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadDataset, match=r"gone\.toml does not exist"):
        reproduction.read_table(tmp_path / "gone.toml")


def test_a_table_that_is_a_pipe_is_refused_rather_than_waited_for(tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("Windows has no named pipes")
    os.mkfifo(tmp_path / "table.toml")
    expected = r"table\.toml cannot be read \(it is a pipe or a device, not a file\)"
    with pytest.raises(BadDataset, match=expected):
        reproduction.read_table(tmp_path / "table.toml")


def test_the_projects_own_table_runs_commands_and_checkpoints_that_exist() -> None:
    rows = reproduction.read_table(reproduction.TABLE)
    assert "photos-lite" in [row.name for row in rows]
    for one in rows:
        assert one.command[:2] == ("-m", "captionret") and one.command[2] in COMMANDS
        assert find_checkpoint(one.command[one.command.index("--checkpoint") + 1]).is_dir()
        assert set(one.requires) <= {*reproduction.DATA, "java"}


def test_commands_run_from_any_folder(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    program = "import captionret, json, sys; json.dump({'x': 1.0}, open(sys.argv[1], 'w'))"
    assert run(row(command=f"""["-c", "{program}", "{{out}}"]"""))[0] == 0
