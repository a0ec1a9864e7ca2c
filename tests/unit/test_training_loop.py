"""The fit loop: what it optimises, what it keeps, when it stops, and that a cut training ends as one that was
never cut."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from toy_task import BATCHES, Toy, ToyRun, equal, fit, interrupt_at

from captionret.datasets import Dataset
from captionret.errors import BadCheckpoint, BadSetting
from captionret.models.embedding.config import EmbeddingConfig
from captionret.training.loop import Fit, Interrupted
from captionret.training.optimizer import averaged

RECIPES: list[dict[str, Any]] = [
    {"precision": "float16"},
    {},
    {"average": 0.9},
    {"schedule": "cosine", "warmup": 0.1},
    {"average": 0.99, "schedule": "cosine", "warmup": 0.05, "clip_norm": 0.1},
    {"precision": "bfloat16"},
    {"optimizer": "sgd", "learning_rate": 0.3},
    {"optimizer": "nesterov", "schedule": "cosine", "learning_rate": 0.3},
]


def test_losses_fall_and_every_epoch_stands_in_the_log(tmp_path: Path) -> None:
    task = Toy()
    progress = fit(task, tmp_path, epochs=8).run()
    assert progress.history[-1]["train_loss"] < progress.history[0]["train_loss"]
    assert progress.history[-1]["val_loss"] < 0.7 * progress.history[0]["val_loss"]
    assert [
        json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()
    ] == progress.history
    assert [row["epoch"] for row in progress.history] == list(range(1, 9))
    assert task.seen == [(epoch, number) for epoch in range(8) for number in range(BATCHES)]


@pytest.mark.parametrize("recipe", RECIPES, ids=str)
@pytest.mark.parametrize("where", [(0, 2), (1, 0), (2, BATCHES - 1)], ids=str)
def test_training_cut_inside_an_epoch_ends_bit_for_bit_like_one_that_was_not(
    tmp_path: Path, recipe: dict[str, Any], where: tuple[int, int]
) -> None:
    straight = Toy()
    expected = fit(straight, tmp_path / "straight", **recipe).run()

    cut = Toy(on_loss=interrupt_at(*where))
    with pytest.raises(Interrupted):
        fit(cut, tmp_path / "cut", **recipe).run()
    torch.rand(5)  # whatever happened to the random numbers meanwhile
    resumed = Toy()
    progress = fit(resumed, tmp_path / "cut", resume=True, **recipe).run()

    assert cut.seen + resumed.seen == straight.seen  # not a batch lost or repeated
    assert equal(resumed.module.state_dict(), straight.module.state_dict())
    kept = [*cut.kept, *resumed.kept]
    assert [epoch for epoch, _ in kept] == [epoch for epoch, _ in straight.kept]
    assert all(equal(one[1], other[1]) for one, other in zip(kept, straight.kept, strict=True))
    assert [{**row, "seconds": 0} for row in progress.history] == [
        {**row, "seconds": 0} for row in expected.history
    ]


def test_training_cut_between_epochs_goes_on_bit_for_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe: dict[str, Any] = {"average": 0.9, "schedule": "cosine"}
    straight = Toy()
    fit(straight, tmp_path / "straight", **recipe).run()
    cut = Toy()
    loop = fit(cut, tmp_path / "cut", **recipe)
    real = loop._save

    def save_and_die() -> None:
        real()
        if loop.at.epoch == 2:
            raise MemoryError

    monkeypatch.setattr(loop, "_save", save_and_die)
    with pytest.raises(MemoryError):
        loop.run()
    resumed = Toy()
    fit(resumed, tmp_path / "cut", resume=True, **recipe).run()
    assert cut.seen + resumed.seen == straight.seen
    assert equal(resumed.module.state_dict(), straight.module.state_dict())


def test_finished_training_is_not_trained_again(tmp_path: Path) -> None:
    first = fit(Toy(), tmp_path).run()
    again = Toy()
    assert fit(again, tmp_path, resume=True).run() == first
    assert again.seen == [] and again.kept == []


@pytest.mark.parametrize(
    "changed",
    [
        {"learning_rate": 0.03},
        {"seed": 1},
        {"average": 0.5},
        {"schedule": "cosine"},
        {"clip_norm": 1.0},
        {"weight_decay": 0.0},
        {"optimizer": "sgd"},
    ],
    ids=str,
)
def test_resuming_with_another_setting_is_refused_by_its_name(
    tmp_path: Path, changed: dict[str, Any]
) -> None:
    fit(Toy(), tmp_path, epochs=1).run()
    with pytest.raises(
        BadCheckpoint,
        match=rf"state\.json is of a training with another {next(iter(changed))}\. Give the same settings",
    ):
        fit(Toy(), tmp_path, resume=True, **{"epochs": 1, **changed})


def test_state_from_before_there_was_a_choice_of_optimizers_is_gone_on_with(tmp_path: Path) -> None:
    fit(Toy(), tmp_path, epochs=1).run()
    record = json.loads((tmp_path / "state.json").read_text())
    del record["identity"]["optimizer"]
    (tmp_path / "state.json").write_text(json.dumps(record))
    assert fit(Toy(), tmp_path, resume=True, epochs=1).run().epoch == 1
    with pytest.raises(BadCheckpoint, match="another optimizer"):
        fit(Toy(), tmp_path, resume=True, epochs=1, optimizer="sgd")


@pytest.mark.parametrize("nesterov", [False, True])
def test_gradient_descent_with_momentum_is_the_formula_written_out(tmp_path: Path, nesterov: bool) -> None:
    rate, task, twin = 0.1, Toy(), Toy()
    recipe: dict[str, Any] = {
        "optimizer": "nesterov" if nesterov else "sgd",
        "learning_rate": rate,
        "weight_decay": 0.0,
        "clip_norm": 1e9,
    }
    loop = fit(task, tmp_path, epochs=1, **recipe)
    for network in (task.module.eval(), twin.module.eval()):  # no dropout, and batch norm without memory
        network.requires_grad_(True)
    velocity = {name: torch.zeros_like(value) for name, value in twin.module.named_parameters()}
    for _, tokens in twin.batches(0)[:3]:
        loop._step((0, tokens))
        twin.module.zero_grad()
        twin.cross_entropy(twin.module, tokens).backward()
        with torch.no_grad():
            for name, value in twin.module.named_parameters():
                assert value.grad is not None
                velocity[name] = 0.9 * velocity[name] + value.grad
                value.sub_(rate * (value.grad + 0.9 * velocity[name] if nesterov else velocity[name]))
    for name, value in twin.module.named_parameters():
        assert torch.allclose(value, dict(task.module.named_parameters())[name], atol=1e-6), name


def test_unknown_optimizer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match=r"no optimizer 'lion'.*Known: adam, nesterov, sgd"):
        fit(Toy(), tmp_path, optimizer="lion")


def test_resuming_with_other_data_is_refused(tmp_path: Path) -> None:
    fit(Toy(), tmp_path, epochs=1).run()
    with pytest.raises(BadCheckpoint, match="another data"):
        fit(Toy(), tmp_path, resume=True, data="another", epochs=1)


def test_resuming_what_was_never_begun_says_so(tmp_path: Path) -> None:
    with pytest.raises(
        BadCheckpoint,
        match=r"There is no cut training to go on with in .*",
    ):
        fit(Toy(), tmp_path, resume=True)


@pytest.mark.parametrize("damage", ["cut", "flipped", "gone", "empty"])
def test_damaged_state_is_refused_by_the_files_name(tmp_path: Path, damage: str) -> None:
    fit(Toy(), tmp_path, epochs=1).run()
    (state,) = tmp_path.glob("state-*.safetensors")
    content = bytearray(state.read_bytes())
    if damage == "cut":
        del content[-100:]
    elif damage == "flipped":
        content[-10] ^= 1
    elif damage == "empty":
        content.clear()
    state.write_bytes(content)
    if damage == "gone":
        state.unlink()
    with pytest.raises(BadCheckpoint, match=rf"{state.name} is missing, cut short or altered"):
        fit(Toy(), tmp_path, resume=True, epochs=1)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"identity": {}}', "\0" * 40])
def test_damaged_record_of_the_state_is_refused_by_the_files_name(tmp_path: Path, content: str) -> None:
    fit(Toy(), tmp_path, epochs=1).run()
    (tmp_path / "state.json").write_text(content)
    with pytest.raises(BadCheckpoint, match=r"state\.json"):
        fit(Toy(), tmp_path, resume=True, epochs=1)


def test_only_one_state_is_kept(tmp_path: Path) -> None:
    fit(Toy(), tmp_path).run()
    assert len(list(tmp_path.glob("state-*.safetensors"))) == 1
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".jsonl", ".safetensors"]


def test_best_epoch_is_what_is_kept(tmp_path: Path) -> None:
    task = Toy(scores=[1.0, 3.0, 2.0, 2.5])
    progress = fit(task, tmp_path).run()
    assert (progress.best, progress.best_epoch) == (3.0, 2)
    assert [epoch for epoch, _ in task.kept] == [1, 2]
    assert not equal(task.kept[-1][1], task.module.state_dict())


def test_training_stops_when_patience_ends(tmp_path: Path) -> None:
    task = Toy(scores=[1.0, 5.0, 4.0, 3.0, 6.0, 7.0])
    progress = fit(task, tmp_path, epochs=6, patience=2).run()
    assert (progress.epoch, progress.best_epoch) == (4, 2)


def test_equal_score_is_no_better(tmp_path: Path) -> None:
    task = Toy(scores=[1.0, 1.0, 1.0, 1.0])
    fit(task, tmp_path).run()
    assert [epoch for epoch, _ in task.kept] == [1]


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_loss_that_is_no_number_is_a_clear_error(tmp_path: Path, value: float) -> None:
    task = Toy()
    real = task.cross_entropy

    def broken(module: nn.Module, tokens: np.ndarray) -> torch.Tensor:
        return real(module, tokens) * (value if task.seen[-1] == (1, 3) else 1.0)

    task.cross_entropy = broken  # type: ignore[method-assign]
    with pytest.raises(
        BadSetting, match=rf"The loss became {value}.* in epoch 2, after batch 3\. Lower the rate"
    ):
        fit(task, tmp_path).run()
    assert all(value.isfinite().all() for value in task.module.state_dict().values())


def test_gradient_that_is_no_number_never_reaches_the_weights(tmp_path: Path) -> None:
    task = Toy()
    weight = task.module.get_parameter("output.weight")
    weight.register_hook(lambda gradient: gradient * (math.nan if len(task.seen) == 4 else 1.0))
    with pytest.raises(BadSetting, match=r"its gradient nan"):
        fit(task, tmp_path).run()
    assert weight.isfinite().all()


def test_unknown_precision_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match=r"no precision 'float8'.*Known: auto, bfloat16, float16, float32"):
        fit(Toy(), tmp_path, precision="float8")


def rates(task: Toy, folder: Path, **changes: Any) -> list[float]:
    """The learning rate of every step."""
    loop = fit(task, folder, **changes)
    seen: list[float] = []
    task.on_loss = lambda epoch, number: seen.append(loop.optimizer.param_groups[0]["lr"])
    loop.run()
    return seen


def test_cosine_schedule_warms_up_and_falls_to_a_hundredth(tmp_path: Path) -> None:
    seen = rates(Toy(), tmp_path, schedule="cosine", warmup=0.25, epochs=4, patience=9)
    warm = BATCHES
    assert len(seen) == 4 * BATCHES
    assert seen[: warm + 1] == pytest.approx([0.02 * max(step / warm, 1e-3) for step in range(warm)] + [0.02])
    rest = 3 * BATCHES
    assert seen[warm:] == pytest.approx(
        [0.02 * (0.01 + 0.99 * (1 + math.cos(math.pi * step / rest)) / 2) for step in range(rest)]
    )


def test_constant_schedule_keeps_the_rate(tmp_path: Path) -> None:
    assert set(rates(Toy(), tmp_path, epochs=2)) == {0.02}


def test_parts_with_a_rate_of_their_own_learn_at_it(tmp_path: Path) -> None:
    task = Toy()
    task.rates = {"embed": 0.0}
    before = {name: value.clone() for name, value in task.module.named_parameters()}
    fit(task, tmp_path, epochs=1).run()
    changed = {name for name, value in task.module.named_parameters() if not torch.equal(value, before[name])}
    assert changed == {"norm.weight", "norm.bias", "output.weight", "output.bias"}


def test_only_matrices_decay(tmp_path: Path) -> None:
    task = Toy()
    names = {id(parameter): name for name, parameter in task.module.named_parameters()}
    groups = fit(task, tmp_path, weight_decay=0.5).optimizer.param_groups
    decayed = {
        names[id(parameter)] for group in groups if group["weight_decay"] for parameter in group["params"]
    }
    assert decayed == {"output.weight"}


def test_frozen_parameters_stay_exactly_what_they_were(tmp_path: Path) -> None:
    task = Toy()
    frozen = task.module.get_parameter("embed.weight").requires_grad_(False)
    before = frozen.clone()
    fit(task, tmp_path, epochs=2).run()
    assert torch.equal(frozen, before)


def test_gradients_are_clipped_to_the_norm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = Toy()
    loop = fit(task, tmp_path, clip_norm=0.01, epochs=1)
    norms: list[float] = []
    real = loop.optimizer.step

    def step() -> None:
        norms.append(
            float(
                torch.stack(
                    [value.grad.norm() for value in task.module.parameters() if value.grad is not None]
                ).norm()
            )
        )
        real()

    monkeypatch.setattr(loop.optimizer, "step", step)
    loop.run()
    assert norms == pytest.approx([0.01] * BATCHES, rel=1e-3)


def test_averaged_weights_are_the_moving_average_of_all_steps(tmp_path: Path) -> None:
    task = Toy()
    loop = fit(task, tmp_path, average=0.9, epochs=2)
    steps: list[torch.Tensor] = []
    real = loop._step

    def step(batch: Any) -> float:
        value = real(batch)
        steps.append(task.module.get_parameter("output.weight").detach().double().clone())
        return value

    loop._step = step  # type: ignore[method-assign]
    loop.run()
    mean = steps[0]
    for count, weight in enumerate(steps[1:], start=1):
        share = min(0.9, (1 + count) / (10 + count))
        mean = share * mean + (1 - share) * weight
    assert torch.allclose(task.kept[-1][1]["output.weight"].double(), mean, atol=1e-6)
    assert not torch.allclose(task.kept[-1][1]["output.weight"].double(), steps[-1], atol=1e-4)


def test_each_epoch_is_logged_and_its_bar_goes_to_stderr(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", "captionret"):
        fit(Toy(), tmp_path, epochs=1, show=True).run()
    output = capsys.readouterr()
    assert output.out == "" and "epoch 1/1" in output.err
    assert "train_loss" in caplog.text


def test_resumed_training_may_go_on_for_more_epochs_but_not_for_fewer(tmp_path: Path) -> None:
    fit(Toy(), tmp_path, epochs=2).run()
    more = Toy()
    progress = fit(more, tmp_path, resume=True, epochs=5).run()
    assert [row["epoch"] for row in progress.history] == [1, 2, 3, 4, 5]
    assert sorted({epoch for epoch, _ in more.seen}) == [2, 3, 4], "what was trained is not trained again"
    with pytest.raises(BadCheckpoint, match="a training of 5 epochs, not 4"):
        fit(Toy(), tmp_path, resume=True, epochs=4)


def test_state_under_the_names_of_release_0_5_0_is_gone_on_with(tmp_path: Path) -> None:
    """A cut training of an embedding space: both_ways and contrastive have other names now."""
    config = EmbeddingConfig(bidirectional=True, epochs=1)
    run = ToyRun("toy", config, Dataset("toy", ()), tmp_path, progress=False)
    Fit(Toy(), run, {"data": "toy"}, lambda module, history: None).run()
    record = json.loads((tmp_path / "state.json").read_text())
    identity = record["identity"]
    identity |= {"both_ways": identity.pop("bidirectional"), "contrastive": identity.pop("negatives")}
    (tmp_path / "state.json").write_text(json.dumps(record))
    assert Fit(Toy(), run, {"data": "toy"}, lambda module, history: None, resume=True).run().epoch == 1
    other = replace(config, bidirectional=False)
    one_way = ToyRun("toy", other, Dataset("toy", ()), tmp_path, progress=False)
    with pytest.raises(BadCheckpoint, match="another bidirectional"):
        Fit(Toy(), one_way, {"data": "toy"}, lambda module, history: None, resume=True)


def test_float16_scales_the_loss_and_leaves_out_steps_that_overflow(tmp_path: Path) -> None:
    task = Toy()
    loop = fit(task, tmp_path, precision="float16", epochs=6)
    weight, scales = task.module.get_parameter("output.weight"), []
    before = weight.detach().clone()

    def overflow(gradient: torch.Tensor) -> torch.Tensor:
        scales.append(loop.scaler.get_scale())
        return gradient * (math.inf if len(scales) == 1 else 1.0)

    weight.register_hook(overflow)
    progress = loop.run()
    assert scales[1] == scales[0] / 2 and weight.isfinite().all() and not torch.equal(before, weight)
    assert progress.history[-1]["val_loss"] < progress.history[0]["val_loss"]
    state = json.loads((tmp_path / "state.json").read_text())
    assert state["scaler"]["scale"] == loop.scaler.get_scale()
    resumed = fit(Toy(), tmp_path, resume=True, precision="float16", epochs=6)
    assert resumed.scaler.get_scale() == loop.scaler.get_scale()


def test_curves_for_tensorboard_stand_beside_the_log(tmp_path: Path) -> None:
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    fit(Toy(), tmp_path, epochs=3, tensorboard=True).run()
    found = events.EventAccumulator(str(tmp_path / "tensorboard"))
    found.Reload()
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    for name in ("train_loss", "val_loss", "score"):
        curve = [(one.step, one.value) for one in found.Scalars(name)]
        assert curve == [(row["epoch"], pytest.approx(row[name], rel=1e-6)) for row in log]


def test_tensorboard_that_is_not_installed_is_said_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("captionret.training.run.find_spec", lambda name: None)
    with pytest.raises(BadSetting, match=r"pip install 'captionret\[tensorboard\]'"):
        fit(Toy(), tmp_path, tensorboard=True)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16", "auto"])
def test_every_precision_learns_on_a_gpu(tmp_path: Path, precision: str) -> None:
    task = Toy()
    task.module.cuda()
    task.cross_entropy = lambda module, tokens: nn.functional.cross_entropy(  # type: ignore[method-assign]
        module(torch.from_numpy(tokens).cuda()).float(), torch.from_numpy((tokens + 1) % 12).cuda()
    )
    progress = fit(task, tmp_path, precision=precision, epochs=8).run()
    assert progress.history[-1]["val_loss"] < 0.7 * progress.history[0]["val_loss"]


def test_a_compiled_training_goes_through_the_compiler_and_keeps_the_names_of_its_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[dict[str, object]] = []
    eager = nn.Module.compile

    def compiled(module: nn.Module, **settings: Any) -> None:
        given.append(settings)
        eager(module, backend="eager", **settings)

    monkeypatch.setattr(nn.Module, "compile", compiled)
    plain, quick = Toy(), Toy()
    fit(plain, tmp_path / "plain", epochs=1).run()
    fit(quick, tmp_path / "quick", epochs=1, compile=True).run()
    assert given == [{"dynamic": True}]
    assert quick.kept[-1][1].keys() == plain.kept[-1][1].keys()


def test_whole_numbers_among_the_averaged_buffers_are_those_of_the_module() -> None:
    norm = nn.BatchNorm1d(3)
    mean = averaged(norm, 0.5)
    assert mean is not None
    for _ in range(3):
        norm(torch.randn(4, 3))
        mean.update_parameters(norm)
    assert int(mean.module.get_buffer("num_batches_tracked")) == 3
    assert averaged(norm, 0) is None
