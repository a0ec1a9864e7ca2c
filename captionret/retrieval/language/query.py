"""A query text as searching takes it: what ranks, what has to hold, and which pictures come into question."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from os import PathLike, fspath
from typing import SupportsFloat

from ...errors import BadQuery, BadSetting
from ...text import STOP_WORDS, content_words, words
from .conditions import And, Condition, Filter, Not, Or, PhraseCondition, WordCondition, both
from .days import Day, as_named
from .syntax import (
    Beside,
    Filtered,
    Group,
    Joined,
    Likely,
    Node,
    Phrase,
    Without,
    Word,
    filter_of,
    read_syntax,
)


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """What a query text asks for.

    given:     the text as it was typed
    text:      its words that shall be seen, as a sentence, which ranks; a plain sentence as it is; "" where
               there are only filters
    words:     the tokens of `text`
    phrases:   what stands in quotation marks and shall be seen
    condition: what each picture has to show, or must not; None: nothing in particular
    filters:   folders, days and cameras to which the whole query is limited
    plain:     those of the words on which no condition stands, without stop words
    """

    given: str
    text: str
    words: tuple[str, ...]
    phrases: tuple[str, ...] = ()
    condition: Condition | None = None
    filters: tuple[Filter, ...] = ()
    plain: tuple[str, ...] = ()

    @property
    def required(self) -> Condition | None:
        """Condition and filters together; None where every picture comes into question."""
        return both([self.condition, *self.filters])

    def limited(
        self,
        under: str | None = None,
        since: Day | None = None,
        until: Day | None = None,
        min_probability: float | None = None,
    ) -> "ParsedQuery":
        """The same with further limits, which may also be written into the text.

        under, since, until: as under:FOLDER, since:DATE and until:DATE; a day may be a datetime.date, a
                             year an int
        min_probability: as word>P of each word that has no least probability of its own
        errors: BadSetting for a date that is none or a probability outside 0 to 1
        """
        if under is not None and not isinstance(under, str | PathLike):
            raise BadSetting(f"A folder is a path, not {type(under).__name__}.")
        given = {
            "under": None if under is None else fspath(under),
            "since": None if since is None else as_named(since),
            "until": None if until is None else as_named(until),
        }
        filters = [filter_of(name, value) for name, value in given.items() if value]
        if min_probability is None:
            return replace(self, filters=(*self.filters, *filters))
        if not isinstance(min_probability, SupportsFloat) or not 0 <= min_probability <= 1:
            raise BadSetting(f"The least probability is {min_probability!r}; these are from 0 to 1.")
        likely = [WordCondition(word, min_probability) for word in self.plain]
        condition = both([_at_least(self.condition, min_probability), *likely])
        return replace(self, filters=(*self.filters, *filters), condition=condition, plain=())

    def __str__(self) -> str:
        return self.given


def parse(text: str, alone: bool = True) -> ParsedQuery:
    """Read a query text. docs/queries.md is its grammar.

    alone:  whether nothing else is asked for beside it, as a picture; then it has to say what shall be seen,
            or name a filter
    errors: BadQuery, which shows the place

    >>> query = parse("a dog on a beach -people since:2019-06")
    >>> query.text, str(query.condition), str(query.filters[0])
    ('a dog on a beach', 'NOT people', 'since:2019-06-01')
    """
    node = read_syntax(text)
    if node is None:
        if alone and not text.strip():
            raise BadQuery("The query is empty. Give a text with at least one word.")
        return ParsedQuery(text, text, words(text), plain=tuple(content_words(words(text))))
    core, whole = _conditions(node, text, False)
    filters = tuple(part for part in whole if isinstance(part, Filter))
    condition = both([core, *(part for part in whole if not isinstance(part, Filter))])
    seen = list(_seen(node))
    phrases = tuple(part.text for part in seen if isinstance(part, Phrase))
    unchanged = condition is None and not filters
    sentence = text if unchanged else " ".join(part.text for part in seen)
    found = ParsedQuery(
        text, sentence, words(sentence), phrases, condition, filters, _plain(node, conditioned=False)
    )
    if alone and not unchanged and not found.words and not filters and not _limits(condition):
        raise BadQuery(
            "The query names only what shall not be seen. Add a word that says what is seen, or a filter "
            "such as since:2019."
        )
    return found


def _conditions(node: Node, text: str, explicit: bool) -> tuple[Condition | None, list[Condition]]:
    """What a part asks of each picture, and what in it holds for the whole around it: what is left out by a
    minus or NOT, and filters.

    explicit: whether a plain word is a condition, too, as beside AND and OR
    """
    if isinstance(node, Word | Phrase | Likely):
        return _condition_of(node, explicit), []
    if isinstance(node, Filtered):
        return None, [node.filter]
    if isinstance(node, Without):
        inner = both(_flat(_conditions(Beside((node.part,)), text, True)))
        if inner is None:
            raise BadQuery.at("What shall not be seen holds no word.", text, node.place)
        return None, [Not(inner)]
    if isinstance(node, Group):
        return both(_flat(_conditions(node.part, text, explicit))), []
    if isinstance(node, Beside):
        return _side_by_side(node, text, explicit)
    cores, whole = [], []
    for part in node.parts:
        core, beside = _conditions(part, text, True)
        if core is None:
            core, beside = both(beside), []
        if core is None:
            name = "AND" if node.every else "OR"
            raise BadQuery.at(f"A part beside {name} holds no word.", text, part.place)
        cores.append(core)
        whole += beside
    return (And if node.every else Or)(tuple(cores)), whole


def _side_by_side(node: Beside, text: str, explicit: bool) -> tuple[Condition | None, list[Condition]]:
    """Of words side by side; stop words are no condition unless there is nothing else."""
    cores: list[Condition | None] = []
    whole: list[Condition] = []
    for part in _with_their_nouns(node.parts):
        core, beside = _conditions(part, text, explicit)
        cores.append(core)
        whole += beside
    if explicit and both(cores) is None and not whole:
        tokens = [token for part in node.parts if isinstance(part, Word) for token in words(part.text)]
        cores += [WordCondition(token) for token in tokens]
    return both(cores), whole


def _with_their_nouns(parts: tuple[Node, ...]) -> Iterator[Node]:
    """NOT before an article takes in what follows: NOT a cat."""
    rest = list(parts)
    while rest:
        part = rest.pop(0)
        if isinstance(part, Without) and part.spelt_out:
            taken = [part.part]
            while all(isinstance(one, Word) and _is_stop(one) for one in taken) and rest:
                if not isinstance(rest[0], Word):
                    break
                taken.append(rest.pop(0))
            yield Without(Group(Beside(tuple(taken)), part.place), True, part.place)
        else:
            yield part


def _is_stop(word: Word) -> bool:
    return all(token in STOP_WORDS for token in words(word.text))


def _condition_of(node: Word | Phrase | Likely, explicit: bool) -> Condition | None:
    if isinstance(node, Phrase):
        tokens = words(node.text)
        return PhraseCondition(tokens) if tokens else None
    if isinstance(node, Likely):
        return both(WordCondition(token, node.at_least) for token in words(node.text))
    if not explicit:
        return None
    return both(WordCondition(token) for token in content_words(words(node.text)))


def _flat(found: tuple[Condition | None, list[Condition]]) -> list[Condition | None]:
    return [found[0], *found[1]]


def _seen(node: Node) -> Iterator[Word | Phrase | Likely]:
    """The words and phrases that shall be seen, in order."""
    if isinstance(node, Word | Phrase | Likely):
        yield node
    elif isinstance(node, Group):
        yield from _seen(node.part)
    elif isinstance(node, Beside):
        for part in _with_their_nouns(node.parts):
            yield from _seen(part)
    elif isinstance(node, Joined):
        for part in node.parts:
            yield from _seen(part)


def _plain(node: Node, conditioned: bool) -> tuple[str, ...]:
    """The words that shall be seen and are no condition, without stop words."""
    if isinstance(node, Word):
        return () if conditioned else tuple(content_words(words(node.text)))
    if isinstance(node, Group):
        return _plain(node.part, conditioned)
    if isinstance(node, Beside):
        found = (word for part in _with_their_nouns(node.parts) for word in _plain(part, conditioned))
        return tuple(dict.fromkeys(found))
    return ()


def _limits(condition: Condition | None) -> bool:
    """Whether a filter says what is sought: camera:canon OR camera:nikon."""
    if isinstance(condition, And | Or):
        return any(map(_limits, condition.parts))
    return isinstance(condition, Filter)


def _at_least(condition: Condition | None, least: float) -> Condition | None:
    """The condition with a least probability for each of its words that has none and shall be seen."""
    if isinstance(condition, WordCondition) and condition.at_least is None:
        return WordCondition(condition.word, least)
    if isinstance(condition, And | Or):
        return type(condition)(tuple(part for one in condition.parts if (part := _at_least(one, least))))
    return condition
