"""What the commands that train share: a file that describes a run, names of folders, old names of options."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typed import Call

from captionret.cli import train_captioner, train_skipthought
from captionret.models.captioning.captioner import Captioner
from captionret.models.sentence.skipthought.encoder import SkipThought

TEXT = "a dog runs\nit barks\na cat sleeps\nit purrs\n"
SMALL = {"word_dim": 8, "hidden_dim": 8, "batch_size": 4}


@pytest.fixture
def book(tmp_path: Path) -> str:
    """A text to train on, with what makes a training take a blink."""
    (tmp_path / "book.txt").write_text(TEXT * 5)
    return f"text:{tmp_path}/book.txt"


def toml(values: dict[str, Any]) -> str:
    """Values as TOML, a table last."""
    lines = [f"{name} = {json.dumps(value)}" for name, value in values.items() if name != "set"]
    fields = [f"{name} = {json.dumps(value)}" for name, value in values.get("set", {}).items()]
    return "\n".join([*lines, "[set]", *fields]) + "\n"


def test_run_is_described_by_a_file_and_the_card_shows_it(call: Call, book: str) -> None:
    values = {"variant": "skip", "direction": "bi", "data": book, "epochs": 2, "fp16": True, "set": SMALL}
    text = "# my settings\n" + toml(values)
    Path("run.toml").write_text(text)
    code, out, err = call(train_skipthought, "--config", "run.toml", "--out", "mine")
    assert code == 0 and out.strip() == "mine", err
    model = SkipThought.load("mine", "cpu")
    assert (model.config.direction, model.config.epochs, model.config.hidden_dim) == ("bi", 2, 8)
    card = Path("mine/README.md").read_text()
    assert all(f"    {line}" in card for line in text.splitlines())
    assert "captionret train-skipthought --config run.toml --out mine" in card


def test_what_is_typed_counts_more_than_the_file(call: Call, book: str) -> None:
    values = {"model": "skip", "direction": "uni", "data": book, "epochs": 9, "set": SMALL}
    Path("run.toml").write_text(toml(values))
    typed = ("--epochs", 1, "--set", "hidden_dim=6", "--direction", "bi")
    code, out, err = call(train_skipthought, "--config", "run.toml", "--out", "mine", *typed)
    assert code == 0 and out.strip() == "mine", err
    config = SkipThought.load("mine", "cpu").config
    assert (config.epochs, config.hidden_dim, config.word_dim, config.direction) == (1, 6, 8, "bi")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("epoch = 3", "There is no option 'epoch'. Did you mean 'epochs'?"),
        ("epochs = true", "epochs takes a single value, not True"),
        ("fp16 = 1", "fp16 takes true or false, not 1"),
        ('also = "scenes"', "also takes a list of texts, not 'scenes'"),
        ("set = 3", "[set] is a table of fields, not 3"),
        ("[set]\nwings = 2", "There is no field 'wings'"),
        ("epochs = = 3", "run.toml is not TOML"),
        ('epochs = "many"', "invalid int value: 'many'"),
    ],
)
def test_file_that_describes_no_run_is_refused(call: Call, text: str, complaint: str) -> None:
    Path("run.toml").write_text(text)
    code, _, err = call(train_captioner, "--config", "run.toml", "--out", "mine")
    assert code == 2 and complaint in err and not Path("mine").exists()


def test_file_that_is_not_there_is_named(call: Call) -> None:
    code, _, err = call(train_captioner, "--config", "nowhere.toml")
    assert code == 2 and "nowhere.toml cannot be read (No such file or directory)" in err


def test_finished_training_goes_on_for_more_epochs(call: Call, book: str) -> None:
    small = [word for name, value in SMALL.items() for word in ("--set", f"{name}={value}")]
    options = ("--variant", "skip", "--direction", "uni", "--data", book, "--out", "mine", *small)
    assert call(train_skipthought, *options, "--epochs", 1).code == 0
    code, _, err = call(train_skipthought, *options, "--epochs", 3, "--resume", "--tensorboard")
    assert code == 0, err
    log = Path("mine/training/log.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in log] == [1, 2, 3]
    assert list(Path("mine/training/tensorboard").iterdir())
    code, _, err = call(train_skipthought, *options, "--epochs", 2, "--resume")
    assert code == 3 and "is of a training of 3 epochs, not 2" in err


def test_old_name_of_an_option_is_taken_with_a_notice(call: Call, book: str) -> None:
    small = [word for name, value in SMALL.items() for word in ("--set", f"{name}={value}")]
    options = ("--variant", "skip", "--direction", "uni", "--data", book, "--epochs", 1, *small)
    code, _, err = call(train_skipthought, *options, "--out", "half", "--half")
    assert code == 0 and "--half is now called --fp16" in err
    assert call(train_skipthought, *options, "--out", "whole").code == 0
    sizes = [Path(name, "model.safetensors").stat().st_size for name in ("half", "whole")]
    assert sizes[0] < 0.7 * sizes[1]


@pytest.mark.skipif(os.name == "nt", reason="names are Unicode there")
def test_training_into_a_folder_whose_name_is_not_utf_8_is_saved(call: Call, book: str) -> None:
    out = os.fsdecode(b"caf\xe9")
    small = [word for name, value in SMALL.items() for word in ("--set", f"{name}={value}")]
    options = ("--variant", "skip", "--direction", "uni", "--data", book, "--epochs", 1, *small)
    code, _, err = call(train_skipthought, *options, "--out", out)
    assert code == 0, err
    assert SkipThought.load(out, "cpu").encode(["a dog"]).shape == (1, 8)
    assert "caf\\udce9" in Path(out, "README.md").read_text()
    code, _, err = call(train_skipthought, *options, "--out", out, "--resume")
    assert code == 0, err


@pytest.mark.parametrize(("samples", "complaint"), [(10**9, "at most 1,000 are drawn"), (1, "at least 2")])
def test_samples_that_no_memory_holds_are_refused(
    call: Call, trained: Any, samples: int, complaint: str
) -> None:
    better = ("--self-critical", trained.checkpoint, "--data", trained.spec, "--out", "better")
    code, _, err = call(train_captioner, *better, "--samples", samples)
    assert code == 2 and complaint in err
    assert isinstance(Captioner.load(trained.checkpoint, "cpu"), Captioner)


def test_rows_are_listed_and_what_is_mistyped_is_found_without_pytorch() -> None:
    program = """
import sys
from captionret.cli.main import dispatch
from captionret.errors import CaptionretError

for command in ("train-captioner", "train-embedding", "train-skipthought"):
    dispatch([command, "--list"])
for line in sys.stdin:
    try:
        dispatch(line.split())
    except CaptionretError as error:
        print(error)
    else:
        raise SystemExit(f"taken: {line}")
assert "torch" not in sys.modules
"""
    lines = """train-captioner --variant modle2-lite
train-captioner --set dropout=7
train-captioner --data nowhere
train-embedding --variant vsee
train-skipthought --direction bi --data text:nowhere"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=lines,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "Did you mean 'model2-lite'" in done.stdout and "Did you mean 'vse'" in done.stdout


def test_rows_were_called_models_and_still_may_be(call: Call, book: str) -> None:
    small = [one for name, value in SMALL.items() for one in ("--set", f"{name}={value}")]
    options = ("--direction", "uni", "--data", book, "--epochs", 1, "--model", "skipp", *small)
    code, _, err = call(train_skipthought, *options)
    assert code == 2 and "--model is now called --variant" in err and "Did you mean 'skip'" in err
    Path("run.toml").write_text(toml({"model": "skipp", "direction": "uni", "data": book}))
    assert "Did you mean 'skip'" in call(train_skipthought, "--config", "run.toml")[2]
