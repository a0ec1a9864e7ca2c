"""What the shell does to a command's streams, and what a command prints where."""

import errno
import json
import logging
import os
import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest
from shapes import Trained
from typed import Call, Ended, started

from captionret import progress
from captionret.cli import models, modes, search
from captionret.cli.options import old_name, parser, text_argument
from captionret.cli.output import open_file, print_paths
from captionret.cli.running import run

ROOT = Path(__file__).resolve().parents[2]


def shell(line: str, cwd: Path) -> Ended:
    """Run a line in a shell; `captionret` in it is this checkout's."""
    line = line.replace("captionret", f"{shlex.quote(sys.executable)} -m captionret", 1)
    return started(["/bin/sh", "-c", line], cwd, os.environ | {"PYTHONPATH": str(ROOT)}, timeout=60)


@pytest.mark.parametrize("closed", [">&-", "<&- >&-"])
def test_closed_stdout_loses_the_answer_and_nothing_else(closed: str, tmp_path: Path) -> None:
    assert shell(f"captionret modes {closed}", tmp_path) == (0, "", "")


@pytest.mark.parametrize("closed", ["2>&-", "2>/dev/full"])
def test_an_error_never_goes_to_stdout(closed: str, tmp_path: Path) -> None:
    assert shell(f"captionret search --image gone.jpg {closed}", tmp_path) == (3, "", "")
    assert shell(f"captionret search --no-such-option {closed}", tmp_path)[:2] == (2, "")


def test_what_is_printed_to_a_closed_stdout_is_not_written_into_the_next_file(tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_text("a dog\na cat\n")
    line = (
        "captionret encode --checkpoint photos-space --sentences texts.txt --out vectors.npy --device cpu >&-"
    )
    ended = shell(line, tmp_path)
    assert ended.code == 0 and "Traceback" not in ended.err
    assert (tmp_path / "vectors.npy").read_bytes()[:6] == b"\x93NUMPY"


def test_a_full_disk_behind_stdout_is_said(tmp_path: Path) -> None:
    code, _, err = shell("captionret modes >/dev/full", tmp_path)
    assert (
        code == 3 and err == "No space left to write the answer to stdout. Free some space and run again.\n"
    )


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (MemoryError(), 3, "There is not enough memory (out of memory). Lower --batch-size,"),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory: 9 GB\nmore"),
            3,
            "allocate memory: 9 GB).",
        ),
        (PermissionError(errno.EACCES, "Permission denied", "x.csv"), 3, "x.csv cannot be used (Permission"),
        (OSError(errno.ENOSPC, "No space left on device"), 3, "No space left to write the answer to stdout."),
        (KeyboardInterrupt(), 130, "Stopped."),
        (BrokenPipeError(), 0, ""),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_what_stops_a_command_from_outside_is_one_line(
    error: BaseException,
    code: int,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def stopped(_: object) -> int:
        raise error

    with (tmp_path / "answer").open("w") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        assert run(stopped) == code
        if isinstance(error, OSError) and error.filename is None:
            print("goes nowhere, and Python does not complain", flush=True)
    told = capsys.readouterr().err
    assert message in told and told.count("\n") == (1 if message else 0)
    assert (tmp_path / "answer").read_text() == ""


@pytest.mark.parametrize("defect", [RuntimeError("shapes differ"), OSError(errno.EINVAL, "Invalid argument")])
def test_a_defect_is_not_called_a_shortage(defect: Exception) -> None:
    def broken(_: object) -> int:
        raise defect

    with pytest.raises(type(defect), match=re.escape(str(defect))):
        run(broken)


def test_a_text_in_another_encoding_is_wrong_usage(call: Call) -> None:
    code, out, err = call(search, "--text", "a d\udcf6g")
    assert (code, out) == (2, "") and "'a d\\\\udcf6g' is not text in the terminal's encoding" in err
    assert text_argument("a dög\n") == "a dög\n"


def test_quiet_leaves_warnings_and_errors(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    call(modes, "--quiet")
    logging.getLogger("captionret.x").info("a note")
    logging.getLogger("captionret.x").warning("a warning")
    assert capsys.readouterr().err == "a warning\n"
    assert list(progress.bar(range(2), desc="", unit="x")) == [0, 1] and not capsys.readouterr().err
    code, _, err = call(search, "-q", "--image", "gone.jpg")
    assert code == 3 and err == "gone.jpg does not exist. Check the path.\n"
    call(modes)  # quiet is one command's, not the process's
    logging.getLogger("captionret.x").info("a note")
    assert capsys.readouterr().err == "a note\n"


def test_an_option_is_accepted_under_its_old_name_with_a_notice(capsys: pytest.CaptureFixture[str]) -> None:
    options = parser("index", "")
    old_name(options, "--moved", options.add_argument("--relocate", action="store_true"))
    old_name(options, "--width", options.add_argument("--beam", type=int, default=3))
    assert vars(options.parse_args([])) == {"relocate": False, "beam": 3}
    given = options.parse_args(["--moved", "--width", "5"])
    assert (given.relocate, given.beam) == (True, 5)
    assert "--moved" not in options.format_help()


def test_paths_are_printed_as_they_are(capfdbinary: pytest.CaptureFixture[bytes], tmp_path: Path) -> None:
    names = [tmp_path / "a b.jpg", tmp_path / "\udcff\n.jpg"]
    print_paths(names)
    print_paths(names, null=True)
    whole = [os.fsencode(name) for name in names]
    assert capfdbinary.readouterr().out == b"".join(name + b"\n" for name in whole) + b"".join(
        name + b"\0" for name in whole
    )


def test_a_page_that_no_browser_shows_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("webbrowser.open", lambda address: False)
    open_file(tmp_path / "hits.html")
    assert f"Open {tmp_path / 'hits.html'} yourself." in capsys.readouterr().err


def test_models_are_listed_for_programs_with_absolute_paths(call: Call) -> None:
    code, out, _ = call(models, "--json", "--kind", "lexical")
    assert code == 0
    assert {one["name"]: Path(one["path"]).is_absolute() for one in json.loads(out)["models"]} == {
        "words-lite": True
    }
    assert call(models, "--kind", "nothing").code == 1


def test_what_is_typed_without_an_option_is_a_picture_or_a_text(
    call: Call, library: Path, trained: Trained
) -> None:
    where = ("--library", library, "--json")
    picture = trained.pictures / "red-circle-0.png"
    assert call(search, picture, *where) == call(search, "--image", picture, *where)
    assert call(search, "a red", "circle", *where) == call(search, "--text", "a red circle", *where)
    assert call(search, "circle", "--image", picture, *where) == call(
        search, "--text", "circle", "--image", picture, *where
    )
    assert "Two pictures are asked for" in call(search, picture, "--image", picture, *where).err
    assert "Two texts are asked for" in call(search, "a", "--text", "b", *where).err
    assert "Nothing is asked for" in call(search, *where).err


def test_paths_alone_are_absolute_and_in_the_order_of_the_hits(
    call: Call, library: Path, trained: Trained
) -> None:
    asked = ("a red circle", "--library", library, "--top", 3)
    hits = [hit["path"] for hit in json.loads(call(search, *asked, "--json").out)["hits"]]
    assert call(search, *asked, "--paths").out.splitlines() == hits
    assert call(search, *asked, "-0").out == "".join(f"{hit}\0" for hit in hits)
    assert call(search, *asked, "--paths", "--json").code == 2
    assert all(Path(hit).is_file() for hit in hits)


def test_the_page_is_opened_or_else_the_first_picture(
    call: Call, library: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    opened: list[str] = []

    def browser(address: str) -> bool:
        opened.append(address)
        return True

    monkeypatch.setattr("webbrowser.open", browser)
    asked = ("a red circle", "--library", library, "--open")
    first = call(search, *asked, "--paths").out.splitlines()[0]
    call(search, *asked, "--html", "hits.html")
    assert opened == [Path(first).as_uri(), (tmp_path / "hits.html").as_uri()]


def test_the_library_that_was_changed_last_is_searched(
    call: Call, library: Path, trained: Trained, tmp_path: Path
) -> None:
    for age, name in enumerate(("gallery-of-a-folder", "shapes", "older")):
        made = shutil.copytree(library, tmp_path / "data/libraries" / name)
        os.utime(made / "catalogue.sqlite", (1e9 - age, 1e9 - age))
    code, out, err = call(search, "a red circle", "--json", "--top", 1, "--mode", "jaccard")
    assert code == 0 and json.loads(out)["library"] == str(tmp_path / "data/libraries/shapes")
    assert err == "In the library shapes; choose another with --library or --gallery.\n"
