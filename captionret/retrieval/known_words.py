"""The words that are known of a gallery, each with how many of its pictures show it."""

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property

from .language import AT_LEAST
from .predicted import WordProbabilities


class KnownWords(Mapping[str, int]):
    """The words that are known of a gallery, each with how many pictures show it: with a probability of at
    least AT_LEAST; of a word of which nothing is predicted, by a caption. They are counted when asked for."""

    def __init__(
        self,
        predicted: WordProbabilities | None,
        captions: Callable[[], Mapping[str, int]],
        text: Callable[[], str] | None = None,
    ) -> None:
        """captions: reads the words of captions, each with the number of pictures; text: all captions, see
        text.normal: what stands nowhere in it is no word of theirs, and need not be looked for among these;
        None: to look is cheap"""
        self._predicted, self._read_captions, self._read_text = predicted, captions, text
        self._counts: dict[str, int] = {}

    @cached_property
    def _captions(self) -> Mapping[str, int]:
        return self._read_captions()

    @cached_property
    def _text(self) -> str | None:
        return None if self._read_text is None else self._read_text()

    def __contains__(self, word: object) -> bool:
        predicted = self._predicted is not None and isinstance(word, str) and word in self._predicted
        if predicted or not isinstance(word, str):
            return predicted
        return (self._text is None or word in self._text) and word in self._captions

    def __getitem__(self, word: str) -> int:
        if self._predicted is None or word not in self._predicted:
            return self._captions[word]
        if word not in self._counts:
            self._counts[word] = self._predicted.shown(word, AT_LEAST)
        return self._counts[word]

    def finds(self, word: str) -> bool:
        """Whether any picture shows a word: with the least probability of a hit; or in a caption."""
        if self._predicted is None or word not in self._predicted:
            return bool(self._captions.get(word))
        likely = self._predicted.of(word)
        probable = likely.max(initial=0.0) >= self._predicted.floor(likely)
        return bool(probable or self._predicted.named(word).any())

    def __iter__(self) -> Iterator[str]:
        known = () if self._predicted is None else self._predicted.known
        return iter({**dict.fromkeys(known), **dict.fromkeys(self._captions)})

    def __len__(self) -> int:
        return sum(1 for _ in self)
