"""`make bench`: what it runs, and what it says of what it cannot run."""

import importlib.util
import re
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bench", FOLDER / "bench.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["bench"] = module  # where its dataclass looks itself up
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(str(FOLDER))
        spec.loader.exec_module(module)
    return module


def test_every_row_is_a_script_that_takes_its_options(bench: ModuleType) -> None:
    for row in bench.ROWS:
        text = (FOLDER / f"{row.name}.py").read_text(encoding="utf-8")
        for option in row.arguments:
            assert not option.startswith("--") or f'"{option}"' in text, (row.name, option)
        required = re.findall(r'add_argument\(\s*"(--[\w-]+)"[^)]*required=True', text)
        assert set(required) <= set(row.arguments), row.name


def test_no_benchmark_writes_where_a_collection_lies() -> None:
    """`kind_of` and `anywhere` of results.py name it."""
    for file in {*FOLDER.glob("*.py")} - {FOLDER / "bench.py"}:  # which writes no figures of them
        named = re.findall(r"\{(?:given\.(?:data|pictures)|data)(?:\.name)?\}", file.read_text("utf-8"))
        assert not named, (file.name, named)
    for file in (FOLDER / "RESULTS.md", FOLDER.parent / "checkpoints" / "RESULTS.md"):
        assert not re.findall(
            r"(?:work|home|root|tmp)/[\w./-]+|(?:flickr8k|coco):data/", file.read_text("utf-8")
        ), file


def test_all_of_them_end_within_the_limit(bench: ModuleType) -> None:
    assert sum(row.minutes for row in bench.ROWS) <= bench.LIMIT == 40


def test_what_failed_was_stopped_or_has_no_data_is_said_and_the_others_run(
    bench: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripts = {
        "good": "",
        "bad": "raise SystemExit(3)",
        "slow": "import subprocess; subprocess.run(['sleep', '60'])",
        "reads": "",
    }
    for name, text in scripts.items():
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.setattr(bench, "FOLDER", tmp_path)
    rows = [
        bench.Row("slow", 0.01),
        bench.Row("bad", 1),
        bench.Row("reads", 1, (bench.DATA,)),
        bench.Row("good", 1),
    ]
    became = dict(bench.run(rows, "flickr8k:nowhere", None, 5))
    assert {name: one.how for name, one in became.items()} == {
        "bad": "failed with 3",
        "slow": "stopped after 0.0 minutes",
        "reads": "left out: flickr8k is not here",
        "good": "measured",
    }
    assert [name for name, one in became.items() if one.is_well] == ["reads", "good"]
    table = bench.report(became, rows)
    assert "| reads | left out: flickr8k is not here | 60 | – | – | – |" in table
    ((_, stopped),) = bench.run(rows[-1:], "flickr8k:nowhere", None, 0)
    assert stopped.how == "stopped: the time was over" and not stopped.is_well
    ((_, large),) = bench.run([bench.Row("good", 1, (), 1)], "flickr8k:nowhere", None, 5)
    assert large.how == "took more than 1 MB" and not large.is_well


def test_some_or_all_others_run_and_it_is_said_how_far_it_is(
    bench: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("first", "second", "third"):
        (tmp_path / f"{name}.py").write_text(f"print('by {name}')", encoding="utf-8")
    monkeypatch.setattr(bench, "FOLDER", tmp_path)
    monkeypatch.setattr(bench, "ROWS", tuple(bench.Row(name, 0.5) for name in ("first", "second", "third")))
    assert bench.main(["--but", "second"]) == 0
    said = capfd.readouterr().out
    assert "== first: 1 of 2, at most 0.5 minutes; 0.0 of 40 are used" in said
    # what the first left, too
    assert "== third: 2 of 2, at most 1.0 minutes; 0.0 of 40 are used" in said
    assert "by first" in said and "by third" in said and "second" not in said
    assert bench.main(["--only", "second"]) == 0
    assert "== second: measured" in (said := capfd.readouterr().out) and "third" not in said
    with pytest.raises(SystemExit):
        bench.main(["--but", "fourth"])
    assert "no benchmark fourth; there are first, second, third" in capfd.readouterr().err


def test_ctrl_c_ends_the_benchmark_that_runs_and_shows_what_the_others_found(
    bench: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "quick.py").touch()
    (tmp_path / "slow.py").write_text(
        "import os, signal, time; os.kill(os.getppid(), signal.SIGINT); time.sleep(9)", encoding="utf-8"
    )
    monkeypatch.setattr(bench, "FOLDER", tmp_path)
    monkeypatch.setattr(bench, "ROWS", (bench.Row("quick", 1), bench.Row("slow", 1)))
    began = time.monotonic()
    assert bench.main([]) == 1
    assert time.monotonic() - began < 5
    shown = capfd.readouterr()
    assert "| quick | measured |" in shown.out and "stopped by Ctrl-C" in shown.err
