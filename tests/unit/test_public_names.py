"""What `import captionret` gives: typed, discoverable, and without torch until it is needed."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import captionret
from captionret.app.searching import SearchOptions

SOURCE = Path(captionret.__file__)


def test_every_public_name_is_there_and_listed() -> None:
    for name in captionret.__all__:
        assert getattr(captionret, name) is not None
    assert set(captionret.__all__) <= set(dir(captionret))
    assert SOURCE.with_name("py.typed").is_file()


def test_type_checkers_see_the_same_names_as_programs() -> None:
    tree = ast.parse(SOURCE.read_text(encoding="utf-8"))
    (typing_only,) = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {
        alias.name: node.module
        for node in typing_only.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == captionret._HOMES
    assert sorted(captionret.__all__) == sorted({*seen, "__version__"})


def test_public_names_that_compute_nothing_load_no_torch() -> None:
    names = "Searcher, SearchResult, search, Library, open_dataset, list_models, list_modes, Hit, BeamSearch"
    use = "list_models(), list_modes()\nprint('torch' in sys.modules)"
    code = f"import sys\nfrom captionret import {names}\n{use}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(captionret, "Seracher")


def test_modes_are_listed_with_what_they_compare() -> None:
    assert "no words" in captionret.list_modes()["cnn"]


def test_one_call_takes_what_a_searcher_takes() -> None:
    made, asked = (
        {*inspect.signature(one).parameters} for one in (captionret.Searcher, captionret.Searcher.search)
    )
    one_call = {*inspect.signature(captionret.search).parameters} - {"options"}
    assert one_call == made - {"beam"} | {"query"}
    assert {*SearchOptions.__annotations__} == asked - {"self", "query"}
