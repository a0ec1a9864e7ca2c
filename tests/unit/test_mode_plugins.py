"""A mode that an installed package brings: found by its name, searched by, listed."""

from collections.abc import Iterator
from importlib.metadata import EntryPoint

import pytest
from typed import Call

from captionret.app.modes import list_modes
from captionret.cli import modes as modes_command
from captionret.errors import BadSetting, UnknownName
from captionret.retrieval import MODES, EncodedQuery, Gallery, find_mode, search
from captionret.retrieval.modes import registry
from captionret.retrieval.modes.words import JaccardWords, WordMode

FIRST_WORD = "captionret.modes"


def first_word() -> WordMode:
    """As a package would make one: only the first word of a caption counts."""
    about = "whether captions begin with the same word"
    return WordMode(
        "first-word", about, lambda text: dict.fromkeys(text.lower().split()[:1], 1), JaccardWords
    )


@pytest.fixture
def plugins(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, EntryPoint]]:
    found = {"first-word": EntryPoint("first-word", f"{__name__}:first_word", registry.PLUGINS)}
    monkeypatch.setattr(registry, "_plugins", lambda: found)
    yield found
    MODES._rows.pop("first-word", None)


def test_mode_of_a_plug_in_is_searched_by_and_listed(plugins: dict[str, EntryPoint], call: Call) -> None:
    assert find_mode("first-word") is MODES["first-word"]
    gallery = Gallery(["1.jpg", "2.jpg"], ["two dogs", "a dog"])
    assert [hit.path for hit in search(gallery, EncodedQuery(text="two cats"), "first-word")] == ["1.jpg"]
    assert list_modes()["first-word"] == "whether captions begin with the same word"
    assert "first-word" in call(modes_command).out


def test_plug_in_that_cannot_be_used_is_named_and_the_others_stay(
    plugins: dict[str, EntryPoint], caplog: pytest.LogCaptureFixture
) -> None:
    plugins["broken"] = EntryPoint("broken", "nowhere.at_all:Mode", registry.PLUGINS)
    plugins["other-name"] = EntryPoint("other-name", f"{__name__}:first_word", registry.PLUGINS)
    plugins["no-mode"] = EntryPoint("no-mode", f"{__name__}:FIRST_WORD", registry.PLUGINS)
    for name, why in (
        ("broken", "nowhere"),
        ("other-name", "its name is 'first-word'"),
        ("no-mode", "it has no about"),
    ):
        with pytest.raises(BadSetting, match=rf"The mode {name} of a plug-in .* cannot be loaded: .*{why}"):
            find_mode(name)
    assert "first-word" in list_modes() and "broken" not in list_modes()
    assert "The mode broken of a plug-in" in caplog.text
    with pytest.raises(UnknownName):
        find_mode("frist-word")
