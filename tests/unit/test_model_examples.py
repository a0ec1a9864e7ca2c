"""The examples in the docstrings of the models do what they say."""

import doctest
from types import ModuleType

import pytest

from captionret import decoding
from captionret.decoding import record, ways
from captionret.models.captioning import captioner
from captionret.models.embedding import model
from captionret.models.lexical import predictor


@pytest.mark.parametrize(
    "module", [captioner, model, predictor, decoding, record, ways], ids=lambda one: one.__name__
)
def test_examples_of_the_docstrings_are_true(module: ModuleType) -> None:
    failed, _ = doctest.testmod(module, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    assert not failed
