"""The web application's API under requests made from its own description: none may be answered by a defect.

CAPTIONRET_SCHEMA_CASES=2000 python -m pytest tests/attacks/test_web_schema.py     # pip install schemathesis
"""

import os
from pathlib import Path
from typing import Any

import pytest
from mean_colour import Colours, MeanColour, made_library

from captionret.app.searcher import Searcher
from captionret.web.application import create_app
from captionret.web.settings import Settings
from captionret.web.shelf import Shelf

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed here")
from hypothesis import HealthCheck, Phase, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

CASES = int(os.environ.get("CAPTIONRET_SCHEMA_CASES", "120"))
HOST = {"Host": "127.0.0.1"}


def described(folder: Path) -> tuple[Any, list[str]]:
    """The description of an application for one small library, and its pictures."""
    pictures = {f"{colour}.png": colour for colour in ("red", "green", "blue", "white")}
    library = made_library(folder, pictures, Colours())
    searcher = Searcher(library, captioner=MeanColour(), predictor=Colours())
    app = create_app(Settings(cache=folder / "thumbnails", uploads="added"), Shelf({"photos": searcher}))
    schema = schemathesis.openapi.from_asgi("/api/openapi.json", app, headers=HOST)
    return schema, list(library.gallery().hashes)


def test_no_request_that_the_description_allows_is_a_defect(tmp_path: Path) -> None:
    schema, pictures = described(tmp_path)
    operations = [found.ok() for found in schema.get_all_operations()]
    # a job would start a process for each case
    tried = [one for one in operations if not (one.method == "post" and one.path.endswith("/jobs"))]

    def check(operation: Any) -> None:
        @settings(
            max_examples=max(1, CASES // len(tried)),
            deadline=None,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(), known=st.booleans(), chosen=st.sampled_from(pictures))
        def ask(case: Any, known: bool, chosen: str) -> None:
            if known and "library" in case.path_parameters:
                case.path_parameters["library"] = "photos"
            if known and "picture" in case.path_parameters:
                case.path_parameters["picture"] = chosen
            answer = case.call(headers=HOST)
            assert answer.status_code < 500, f"{case.as_curl_command()}: {answer.text}"

        ask()

    for operation in tried:
        check(operation)
