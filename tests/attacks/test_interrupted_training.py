"""A training survives what happens to programs: Ctrl-C, polite kills, kill -9 at any moment, damage to what
it left."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest
from shapes import Trained
from toy_task import Toy, equal, fit, interrupt_at
from warm import Warm

from captionret.cli import train_captioner
from captionret.training.loop import Interrupted

ROOT = Path(__file__).resolve().parents[2]


def killed(warm: Warm, folder: Path, code: str) -> None:
    """Run a toy training in a process of its own, which has to be killed."""
    head = f"""
    import os, signal, sys
    from pathlib import Path
    sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "tests")!r}]
    from captionret.training import loop
    from toy_task import Toy, fit, interrupt_at
    folder = Path("cut")
    """
    assert warm(["-c", textwrap.dedent(head) + code], folder).code == -signal.SIGKILL


def resumed(folder: Path, **changes: Any) -> Toy:
    task = Toy()
    fit(task, folder, resume=True, **changes).run()
    return task


def straight(folder: Path, **changes: Any) -> Toy:
    task = Toy()
    fit(task, folder, **changes).run()
    return task


def test_kill_9_loses_no_finished_epoch_and_the_end_is_the_same(tmp_path: Path, warm: Warm) -> None:
    killed(warm, tmp_path, "fit(Toy(on_loss=interrupt_at(2, 3, signal.SIGKILL)), folder, average=0.9).run()")
    task = resumed(tmp_path / "cut", average=0.9)
    assert task.seen[0] == (2, 0)
    assert equal(task.module.state_dict(), straight(tmp_path / "straight", average=0.9).module.state_dict())


def test_kill_9_loses_at_most_what_the_interval_says(tmp_path: Path, warm: Warm) -> None:
    often = "loop.SAVE_EVERY = 0.0\n"
    killed(warm, tmp_path, f"{often}fit(Toy(on_loss=interrupt_at(1, 4, signal.SIGKILL)), folder).run()")
    task = resumed(tmp_path / "cut")
    assert task.seen[0] == (1, 4)  # all four batches before the kill were saved
    assert equal(task.module.state_dict(), straight(tmp_path / "straight").module.state_dict())


def test_training_killed_in_its_first_epoch_can_be_resumed(tmp_path: Path, warm: Warm) -> None:
    killed(warm, tmp_path, "fit(Toy(on_loss=interrupt_at(0, 1, signal.SIGKILL)), folder).run()")
    assert equal(
        resumed(tmp_path / "cut").module.state_dict(), straight(tmp_path / "straight").module.state_dict()
    )


@pytest.mark.parametrize("after", range(1, 9))
def test_death_between_any_two_files_never_mixes_two_states(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """Every file is renamed into place; die right before the `after`-th rename of an epoch's saving, and
    right after it."""
    expected = straight(tmp_path / "straight").module.state_dict()
    for late in (False, True):
        folder = tmp_path / f"cut-{late}"
        left = [after]
        real = os.replace

        def replace(
            source: Any, target: Any, left: list[int] = left, late: bool = late, real: Any = real
        ) -> None:
            left[0] -= 1
            if left[0] == 0 and not late:
                raise MemoryError
            real(source, target)
            if left[0] == 0:
                raise MemoryError

        monkeypatch.setattr(os, "replace", replace)
        with pytest.raises(MemoryError):
            fit(Toy(), folder).run()
        monkeypatch.undo()
        if (folder / "state.json").exists():  # else it died before anything was trained
            assert equal(resumed(folder).module.state_dict(), expected)
        else:
            assert after <= 2
        assert not list(folder.glob(".*.tmp"))


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_stops_after_the_batch_and_says_how_to_go_on(tmp_path: Path, how: signal.Signals) -> None:
    task = Toy(on_loss=interrupt_at(1, 2, how))
    with pytest.raises(Interrupted, match=r"Stopped in epoch 2, after batch 3; its state is saved\."):
        fit(task, tmp_path).run()
    assert task.seen[-1] == (1, 2)
    assert resumed(tmp_path).seen[0] == (1, 3)


def test_interrupt_during_validation_loses_nothing(tmp_path: Path) -> None:
    task = Toy()
    real = task.validate

    def validate(module: Any) -> dict[str, float]:
        if task.validated == 1:
            os.kill(os.getpid(), signal.SIGINT)
        return real(module)

    task.validate = validate  # type: ignore[method-assign]
    with pytest.raises(Interrupted):
        fit(task, tmp_path / "cut").run()
    again = resumed(tmp_path / "cut")
    expected = straight(tmp_path / "straight")
    assert task.seen + again.seen == expected.seen
    assert equal(again.module.state_dict(), expected.module.state_dict())


def test_second_interrupt_stops_at_once(tmp_path: Path) -> None:
    def twice(epoch: int, number: int) -> None:
        if (epoch, number) == (1, 2):
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(60)

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        fit(Toy(on_loss=twice), tmp_path).run()
    assert time.monotonic() - began < 20
    assert resumed(tmp_path).seen[0] == (1, 0)


def test_handlers_of_signals_are_given_back(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    fit(Toy(), tmp_path, epochs=1).run()
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_training_in_a_thread_needs_no_signals(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(fit(Toy(), tmp_path, epochs=1).run).result().epoch == 1


def test_interrupted_command_exits_130_and_resumes_to_the_same_checkpoint(
    trained: Trained, tmp_path: Path
) -> None:
    """The real command, interrupted by a real Ctrl-C once it has begun to train, then gone on with; the
    shared one was never cut."""
    settings = ["--out", str(tmp_path / "cut"), "--data", trained.spec, "--features", str(trained.features)]
    settings += trained.settings
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "scripts" / "train_captioner.py"), *settings],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
    )
    for _ in range(6000):
        if (tmp_path / "cut" / "training" / "log.jsonl").exists() or process.poll() is not None:
            break
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, message = process.communicate(timeout=60)
    assert process.returncode == 130, message
    assert out == ""
    assert "Go on with --resume." in message
    assert "Traceback" not in message

    assert train_captioner.main([*settings, "--resume"]) == 0
    weights = [(path / "model.safetensors").read_bytes() for path in (tmp_path / "cut", trained.checkpoint)]
    assert weights[0] == weights[1]


def test_saving_sweeps_up_what_a_kill_left(tmp_path: Path) -> None:
    (tmp_path / "state-0000000000000000.safetensors").write_bytes(b"left behind")
    fit(Toy(), tmp_path, epochs=1).run()
    assert len(list(tmp_path.glob("state-*.safetensors"))) == 1
