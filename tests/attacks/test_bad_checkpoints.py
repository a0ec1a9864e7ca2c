"""Checkpoints that are damaged, mixed, cut or from another release are refused by name; a save is all or
nothing."""

import contextlib
import errno
import json
import os
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from captionret import files
from captionret.errors import BadCheckpoint, NoSpace
from captionret.models.captioning.captioner import Captioner
from captionret.models.captioning.config import CAPTIONER, CaptionerConfig
from captionret.models.captioning.decoders import make_decoder
from captionret.models.card import write_card
from captionret.models.checkpoint import Checkpoint, read_checkpoint, save_checkpoint
from captionret.models.record import FORMAT, PARTS, add_scores, hash_of_settings
from captionret.text import SPECIAL, Vocabulary

CONFIG = CaptionerConfig("resnet18", embed_dim=4, hidden_dim=4, max_words=6)


def checkpoint_of(words: str = "a dog café 's .", seed: int = 0) -> Checkpoint[CaptionerConfig]:
    vocabulary = Vocabulary([*SPECIAL, *words.split()])
    torch.manual_seed(seed)
    decoder = make_decoder(CONFIG, len(vocabulary))
    return Checkpoint(
        "model2",
        CONFIG,
        vocabulary,
        {"name": "resnet18", "sha256": "ab" * 32},
        decoder.state_dict(),
        {"seed": seed},
        {"val": {"bleu4": 0.25}},
    )


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    save_checkpoint(tmp_path / "ckpt", checkpoint_of())
    return tmp_path / "ckpt"


def edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a checkpoint's record by hand."""
    record = json.loads((path / "config.json").read_text())
    change(record)
    (path / "config.json").write_text(json.dumps(record))


def same(one: Checkpoint[CaptionerConfig], other: Checkpoint[CaptionerConfig]) -> bool:
    tensors = one.tensors.keys() == other.tensors.keys() and all(
        torch.equal(one.tensors[name], other.tensors[name]) for name in one.tensors
    )
    plain = ("variant", "config", "backbone", "training", "scores")
    return (
        tensors
        and one.vocabulary.tokens == other.vocabulary.tokens
        and all(getattr(one, key) == getattr(other, key) for key in plain)
    )


# --- what is saved is what is loaded ---


def test_a_checkpoint_comes_back_as_it_was_saved(saved: Path) -> None:
    assert same(read_checkpoint(saved, CAPTIONER), checkpoint_of())


def test_half_precision_halves_the_file_and_comes_back_as_float32(tmp_path: Path) -> None:
    big = replace(checkpoint_of(), tensors={"a": torch.randn(100, 100), "steps": torch.tensor(2**40)})
    for name, dtype in (("whole", torch.float32), ("half", torch.float16)):
        save_checkpoint(tmp_path / name, big, dtype)
    half = read_checkpoint(tmp_path / "half", CAPTIONER).tensors
    assert half["a"].dtype == torch.float32 and torch.equal(half["a"], big.tensors["a"].half().float())
    assert half["steps"].dtype == torch.int64 and half["steps"] == 2**40
    sizes = [(tmp_path / name / "model.safetensors").stat().st_size for name in ("whole", "half")]
    assert sizes[0] - sizes[1] == 2 * 100 * 100


def test_a_directory_holds_its_documented_files_and_no_pickle(saved: Path) -> None:
    write_card(saved)
    assert sorted(path.name for path in saved.iterdir()) == [
        "README.md",
        "config.json",
        "model.safetensors",
        "vocab.json",
    ]
    for path in saved.iterdir():
        content = path.read_bytes()
        assert not content.startswith((b"\x80", b"PK")), (
            f"{path.name} begins like a pickle or a zip of pickles"
        )


@pytest.mark.parametrize("name", PARTS)
def test_a_pickle_that_would_run_code_is_refused_and_not_run(saved: Path, tmp_path: Path, name: str) -> None:
    """Even where its hash was written into the record."""

    class Attack:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "code ran",)

    torch.save({"output.bias": Attack()}, saved / name)
    edit(saved, lambda record: record["sha256"].update({name: files.sha256_of(saved / name)}))
    with pytest.raises(BadCheckpoint, match=name.replace(".", r"\.")):
        read_checkpoint(saved, CAPTIONER)
    assert not (tmp_path / "code ran").exists()


def test_noted_scores_leave_the_rest_as_it_was(saved: Path) -> None:
    add_scores(saved, "test", {"bleu4": 0.5})
    assert same(
        read_checkpoint(saved, CAPTIONER),
        replace(checkpoint_of(), scores={"val": {"bleu4": 0.25}, "test": {"bleu4": 0.5}}),
    )


def test_a_record_without_a_hash_of_its_settings_is_still_read(saved: Path) -> None:
    """As those of before release 0.1.0 are: the field length_penalty is younger than the hash."""

    def as_the_oldest(record: dict[str, Any]) -> None:
        record["format"] = 1
        del record["kind"], record["sha256"]["settings"], record["config"]["length_penalty"]
        record["config"]["says_start"] = record["config"].pop("predict_bos")

    edit(saved, as_the_oldest)
    assert same(read_checkpoint(saved, CAPTIONER), checkpoint_of())


@pytest.mark.parametrize("format", [1, FORMAT])
def test_a_record_that_lost_the_hash_of_its_settings_is_refused(saved: Path, format: int) -> None:
    def lost(record: dict[str, Any]) -> None:
        record["format"] = format
        del record["sha256"]["settings"]

    edit(saved, lost)
    with pytest.raises(BadCheckpoint, match="was altered after the checkpoint was saved"):
        read_checkpoint(saved, CAPTIONER)


# --- damage ---


@pytest.mark.parametrize("name", PARTS)
def test_a_flipped_byte_anywhere_is_noticed(saved: Path, name: str) -> None:
    content = (saved / name).read_bytes()
    for place in sorted({*range(0, len(content), max(1, len(content) // 40)), len(content) - 1}):
        (saved / name).write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(BadCheckpoint, match=name.replace(".", r"\.")):
            read_checkpoint(saved, CAPTIONER)


def test_a_flipped_byte_in_the_record_is_refused_or_changes_no_caption(saved: Path) -> None:
    content = (saved / "config.json").read_bytes()
    whole = read_checkpoint(saved, CAPTIONER)
    notes = content.index(b'"training"'), content.index(b'"sha256": {\n  "vocab')
    for place in range(0, len(content), 3):
        (saved / "config.json").write_bytes(
            content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
        )
        try:
            loaded = read_checkpoint(saved, CAPTIONER)
        except BadCheckpoint as error:
            assert "config.json" in str(error) or "ckpt" in str(error)
            continue
        assert same(replace(loaded, training=whole.training, scores=whole.scores), whole)
        assert (
            notes[0] < place < notes[1]
            or content[place : place + 1].isspace()
            or b"settings" in content[place - 8 : place + 8]
        )


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
@pytest.mark.parametrize("name", [*PARTS, "config.json"])
def test_a_file_cut_short_is_named(saved: Path, name: str, share: float) -> None:
    content = (saved / name).read_bytes()
    (saved / name).write_bytes(content[: int(len(content) * share)])
    with pytest.raises(BadCheckpoint, match=name.replace(".", r"\.")):
        read_checkpoint(saved, CAPTIONER)


@pytest.mark.parametrize("name", [*PARTS, "config.json"])
def test_a_missing_file_is_named(saved: Path, name: str) -> None:
    (saved / name).unlink()
    with pytest.raises(BadCheckpoint, match=rf"{name}.*(is missing|does not exist).*[Rr]estore"):
        read_checkpoint(saved, CAPTIONER)


def test_a_directory_in_a_files_place_is_named(saved: Path) -> None:
    (saved / "model.safetensors").unlink()
    (saved / "model.safetensors").mkdir()
    with pytest.raises(BadCheckpoint, match=r"model\.safetensors"):
        read_checkpoint(saved, CAPTIONER)


def test_a_missing_directory_says_how_to_train_one(tmp_path: Path) -> None:
    with pytest.raises(BadCheckpoint, match=r"no checkpoint directory .*nowhere.*train one"):
        Captioner.load(tmp_path / "nowhere")
    (tmp_path / "file").write_text("x")
    with pytest.raises(BadCheckpoint, match="no checkpoint directory"):
        Captioner.load(tmp_path / "file")


def test_the_vocabulary_of_another_training_is_told_by_its_size(saved: Path, tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "other", checkpoint_of("a dog"))
    (tmp_path / "other" / "vocab.json").rename(saved / "vocab.json")
    with pytest.raises(
        BadCheckpoint, match=r"vocab\.json has 6 words, model\.safetensors was trained with 9"
    ) as caught:
        read_checkpoint(saved, CAPTIONER)
    assert (
        "They come from different trainings. Restore the pair, or train again into another directory."
        in str(caught.value)
    )


def test_a_vocabulary_of_the_same_size_from_another_training_is_refused_too(
    saved: Path, tmp_path: Path
) -> None:
    save_checkpoint(tmp_path / "other", checkpoint_of("a cat café 's ."))
    (tmp_path / "other" / "vocab.json").rename(saved / "vocab.json")
    with pytest.raises(BadCheckpoint, match=r"vocab\.json .*is not the file"):
        read_checkpoint(saved, CAPTIONER)


@pytest.mark.parametrize("content", ["[]", '{"tokens": 3}', '{"tokens": null}', "7", "nothing"])
def test_a_vocabulary_file_of_another_kind_is_refused(saved: Path, content: str) -> None:
    (saved / "vocab.json").write_text(content)
    with pytest.raises(BadCheckpoint, match=r"vocab\.json"):
        read_checkpoint(saved, CAPTIONER)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "3", "null", "{}", '{"format": "1"}', '{"format": 0}', "\udcff", "[" * 100_000]
)
def test_a_record_that_is_none_is_refused(saved: Path, content: str) -> None:
    (saved / "config.json").write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(BadCheckpoint, match=r"config\.json"):
        read_checkpoint(saved, CAPTIONER)


@pytest.mark.parametrize(
    "key", ["variant", "config", "vocabulary_size", "backbone", "training", "scores", "sha256"]
)
def test_a_record_that_lacks_a_part_or_holds_another_kind_says_which(saved: Path, key: str) -> None:
    content = (saved / "config.json").read_text()
    edit(saved, lambda record: record.pop(key))
    with pytest.raises(BadCheckpoint, match=f"has no {key}"):
        read_checkpoint(saved, CAPTIONER)
    (saved / "config.json").write_text(content)
    edit(saved, lambda record: record.update({key: [1, 2]}))
    with pytest.raises(BadCheckpoint, match=f"has no {key}"):
        read_checkpoint(saved, CAPTIONER)


@pytest.mark.parametrize("part", ["sha256", "backbone"])
def test_a_record_without_a_hash_is_refused(saved: Path, part: str) -> None:
    edit(saved, lambda record: record[part].clear())
    with pytest.raises(BadCheckpoint, match="has no hashes"):
        read_checkpoint(saved, CAPTIONER)


def test_a_newer_format_names_itself_and_the_remedy(saved: Path) -> None:
    edit(saved, lambda record: record.update(format=FORMAT + 1))
    with pytest.raises(
        BadCheckpoint, match=f"format {FORMAT + 1}; this release reads up to {FORMAT}. Use a newer release"
    ):
        read_checkpoint(saved, CAPTIONER)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"widgets": 3}, "no field .widgets."),
        ({"backbone": "resnet999"}, "no backbone 'resnet999'"),
        ({"layers": "two"}, "describes no captioner"),
        ({"dropout": None}, "describes no captioner"),
        ({"hidden_dim": 0}, "hidden_dim must be at least 1"),
    ],
)
def test_settings_this_release_cannot_use_are_named(saved: Path, change: dict[str, Any], said: str) -> None:
    def unsigned(record: dict[str, Any]) -> None:
        record["config"].update(change)
        record["sha256"]["settings"] = hash_of_settings(record)

    edit(saved, unsigned)
    with pytest.raises(BadCheckpoint, match=said):
        read_checkpoint(saved, CAPTIONER)


@pytest.mark.parametrize("change", [{"max_words": 9}, {"hidden_dim": 8}, {"predict_bos": False}])
def test_settings_changed_by_hand_are_noticed(saved: Path, change: dict[str, Any]) -> None:
    edit(saved, lambda record: record["config"].update(change))
    with pytest.raises(BadCheckpoint, match="was altered after the checkpoint was saved"):
        read_checkpoint(saved, CAPTIONER)


@pytest.mark.parametrize("broken", ["shape", "missing", "unexpected"])
def test_weights_that_do_not_fit_the_settings_are_refused(tmp_path: Path, broken: str) -> None:
    whole = checkpoint_of()
    tensors = dict(whole.tensors)
    if broken == "shape":
        tensors["output.bias"] = torch.zeros(3)
    elif broken == "missing":
        del tensors["output.bias"]
    else:
        tensors["extra"] = torch.zeros(3)
    save_checkpoint(tmp_path / "odd", replace(whole, tensors=tensors))
    with pytest.raises(
        BadCheckpoint, match=r"odd does not fit its own configuration: .*(output\.bias|extra).*Restore"
    ) as caught:
        Captioner.load(tmp_path / "odd")
    assert "\n" not in str(caught.value)


def rewritten(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a record by hand, and its hash with it."""

    def signed(record: dict[str, Any]) -> None:
        change(record)
        record["sha256"]["settings"] = hash_of_settings(record)

    edit(path, signed)


@pytest.mark.parametrize("change", [{"layers": 10**6}, {"hidden_dim": 10**6}, {"embed_dim": 10**12}])
def test_settings_of_a_huge_network_are_compared_with_the_weights_before_it_is_built(
    saved: Path, change: dict[str, int]
) -> None:
    rewritten(saved, lambda record: record["config"].update(change))
    tracemalloc.start()
    with pytest.raises(BadCheckpoint, match="does not fit its own configuration"):
        Captioner.load(saved, "cpu")
    assert tracemalloc.get_traced_memory()[1] < 50e6
    tracemalloc.stop()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_weight_that_is_no_number_is_refused(tmp_path: Path, value: float) -> None:
    whole = checkpoint_of()
    tensors = {name: tensor.clone() for name, tensor in whole.tensors.items()}
    tensors["output.bias"][2] = value
    save_checkpoint(tmp_path / "odd", replace(whole, tensors=tensors))
    with pytest.raises(BadCheckpoint, match=r"model\.safetensors: output\.bias holds NaN or infinity"):
        Captioner.load(tmp_path / "odd")


WRONG_TYPES: dict[str, dict[str, Any]] = {
    "backbone": {"name": 3, "sha256": None},
    "sha256": {"vocab.json": 3, "model.safetensors": ["x"], "settings": 5},
    "training": {"history": "none", "best_epoch": "last", "seconds": "12", "command": 7, "data": {}},
}


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [(part, name, value) for part, rows in WRONG_TYPES.items() for name, value in rows.items()],
)
def test_a_record_with_a_value_of_the_wrong_type_is_refused(
    saved: Path, part: str, name: str, value: Any
) -> None:
    change = {name: value}
    if part == "sha256":
        edit(saved, lambda record: record[part].update(change))
    else:
        rewritten(saved, lambda record: record[part].update(change))
    with pytest.raises(BadCheckpoint, match=r"config\.json|ckpt"):
        Captioner.load(saved)


NUMBERS = json.dumps({"tokens": [*SPECIAL, 1, 2, 3, 4, 5], "punctuation": True})


@pytest.mark.parametrize("words", [NUMBERS, NUMBERS.replace("<unk>", "unk"), "[]", '{"tokens": null}'])
def test_a_vocabulary_of_the_wrong_type_is_refused_even_where_its_hash_is_right(
    saved: Path, words: str
) -> None:
    (saved / "vocab.json").write_text(words)
    edit(saved, lambda record: record["sha256"].update({"vocab.json": files.sha256_of(saved / "vocab.json")}))
    with pytest.raises(BadCheckpoint, match=r"vocab\.json is no vocabulary"):
        Captioner.load(saved)


# --- interrupted saves ---


STEPS = {"fsync": 7, "replace": 5}  # how often a save calls them at least


@contextlib.contextmanager
def failing(
    monkeypatch: pytest.MonkeyPatch, call: str, number: int, error: BaseException
) -> Iterator[list[int]]:
    """The `number`th call of os.<call> raises; yields the count of calls."""
    calls, real = [0], getattr(os, call)

    def counted(*arguments: Any, **named: Any) -> Any:
        calls[0] += 1
        if calls[0] == number:
            raise error
        return real(*arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(os, call, counted)
        yield calls


@pytest.mark.parametrize("call", STEPS)
def test_a_save_that_fails_at_any_step_leaves_the_old_or_the_new_checkpoint_whole(
    saved: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    old, new = checkpoint_of(), checkpoint_of("a cat sits", seed=1)
    outcomes = []
    for number in range(1, 30):
        save_checkpoint(saved, old)
        with failing(monkeypatch, call, number, OSError(errno.EIO, "Input/output error")) as calls:
            try:
                save_checkpoint(saved, new)
            except OSError:
                loaded = read_checkpoint(saved, CAPTIONER)
                assert same(loaded, old) or same(loaded, new)
                outcomes.append(same(loaded, new))
        if calls[0] < number:
            break
    assert len(outcomes) >= STEPS[call] and outcomes == sorted(outcomes), (
        "the old one up to a single step, the new one from then on"
    )
    assert not outcomes[0] and outcomes[-1]


def test_two_saves_killed_one_after_the_other_still_leave_a_whole_checkpoint(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = [checkpoint_of(), *(checkpoint_of("a cat sits", seed=seed) for seed in (1, 2))]
    for first in range(1, 6):
        for second in range(1, 6):
            for number, version in zip((99, first, second), versions, strict=True):
                with (
                    failing(monkeypatch, "replace", number, KeyboardInterrupt()),
                    contextlib.suppress(KeyboardInterrupt),
                ):
                    save_checkpoint(saved, version)
            loaded = read_checkpoint(saved, CAPTIONER)
            assert any(same(loaded, version) for version in versions)


def test_a_full_disk_is_said_and_leaves_the_old_checkpoint_and_no_litter(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sorted(path.name for path in saved.iterdir())
    with (
        failing(monkeypatch, "fsync", 1, OSError(errno.ENOSPC, "No space left on device")),
        pytest.raises(NoSpace, match="untouched"),
    ):
        save_checkpoint(saved, checkpoint_of(seed=1))
    assert same(read_checkpoint(saved, CAPTIONER), checkpoint_of())
    assert sorted(path.name for path in saved.iterdir()) == before


def test_what_a_killed_save_left_is_cleared_by_the_next(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with failing(monkeypatch, "replace", 3, KeyboardInterrupt()), pytest.raises(KeyboardInterrupt):
        save_checkpoint(saved, checkpoint_of(seed=1))
    assert len(list(saved.iterdir())) > 3
    save_checkpoint(saved, checkpoint_of(seed=2))
    assert sorted(path.name for path in saved.iterdir()) == ["config.json", *sorted(PARTS)]


def test_a_persons_own_copies_beside_the_parts_survive_a_save(saved: Path) -> None:
    kept = [saved / "model.safetensors.bak", saved / "vocab.json.before-training"]
    for copy in kept:
        copy.write_bytes(b"mine")
    save_checkpoint(saved, checkpoint_of(seed=1))
    assert [copy.read_bytes() for copy in kept] == [b"mine", b"mine"]


def test_a_card_is_published_whole_or_not_at_all(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_card(saved)
    before = (saved / "README.md").read_text()
    add_scores(saved, "test", {"bleu4": 50.0})
    with (
        failing(monkeypatch, "fsync", 1, OSError(errno.ENOSPC, "No space left on device")),
        pytest.raises(NoSpace),
    ):
        write_card(saved)
    assert (saved / "README.md").read_text() == before
    assert files.sha256_of(write_card(saved)) and "50.0" in (saved / "README.md").read_text()
