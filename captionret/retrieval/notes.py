"""What to say of a query's words, and of an answer without hits: a sentence each."""

import re
from collections.abc import Iterator, Mapping, Sequence

from ..records import Hit
from ..text import content_words, words, words_as_typed
from .gallery import Gallery
from .hints import as_filter, hints, nearest_folder
from .language import Filter, Named, Near, Since, Under, Until, WordCondition, leaves
from .modes.lexical import is_text
from .query import EncodedQuery
from .selecting import holds, plain_folder, selected
from .understanding import TYPO, Understood, is_english, understand

# what a mode compares by, in people's words; the others are called as they are
_CALLED = {
    "embedding": "the space",
    "expected-cosine": "words",
    "word_probabilities": "words",
    "multi-caption-union": "captions",
    "cnn": "the CNN's features",
}
_FIRST_SENTENCE = re.compile(r".*?[.!?](?=\s|$)", re.DOTALL)
# small letters leave nothing out: "no dogs", "not a dog", "a beach without any people"
_NO = re.compile(r"(?<!\S)([Nn]o|[Nn]ot|[Ww]ithout)\s+(?:(?:an?|any|the)\s+)?([^\W\d_]+)")


def taken(mode: str, query: EncodedQuery, compared: Sequence[str], missing: Mapping[str, str]) -> str:
    """What a mode that chooses by itself compares a query by, and what it has to do without.

    compared: see PreparedMode.compared; missing: why, by the part of the gallery

    "Mode auto compares this text by the space, words and classes."
    """
    asked = " and ".join(
        name for part, name in (("image", "picture"), ("text", "text")) if part in query.parts
    )
    ways = {_CALLED.get(name, name) for name in compared}
    sentences = [f"Mode {mode} compares this {asked} by {_called(compared)}."]
    without: dict[str, list[str]] = {}
    for part, reason in missing.items():
        called = _CALLED.get(part, part)
        first = _FIRST_SENTENCE.match(reason)
        new = "new " if called in ways else ""
        without.setdefault(first[0] if first else reason, []).append(f"{new}{called}")
    sentences += [f"Without {' and '.join(called)}: {reason}" for reason, called in without.items()]
    return " ".join(sentences)


def notes(
    gallery: Gallery, query: EncodedQuery, hits: Sequence[Hit], by_words: bool = True
) -> tuple[str, ...]:
    """What a person should know of the answer.

    by_words: whether words alone decided what is found

    "No picture here shows 'motorcyle'. Did you mean 'motorcycle'?"
    """
    if not len(gallery):
        return ()
    read = [] if query.understood is None else list(query.understood)
    if hits and all(hit.by_name for hit in hits):
        called = "A picture's file is" if len(hits) == 1 else "These pictures' files are"
        not_shown = _not_shown([one for one in read if content_words([one.word])])
        return (*not_shown, f"{called} called so.", *hints(gallery, query))
    if hits and (query.beyond_words or query.nothing_known):
        names = " and ".join(repr(one.typed or one.word) for one in read if content_words([one.word]))
        guess = all(hit.weak for hit in hits)
        shown = "what is shown is a guess" if guess else "the space and the classes tell what is like it"
        return (f"Nothing was learnt of {names}: {shown}.", *hints(gallery, query))
    if hits:
        of_words = (*_of_empty_words(query), *_of_hits(read, by_words), *_of_no(query))
        return (*of_words, *hints(gallery, query))
    mask = selected(gallery, query)
    if mask is not None and mask.any():
        return (*_of_words(gallery, query, strange=True), _of_those_left(int(mask.sum())))
    found = (*_of_words(gallery, query, strange=False), *_of_limits(gallery, query))
    unseen = () if found else _not_shown([one for one in read if content_words([one.word])])
    return (*found, *unseen, *hints(gallery, query))


def _of_empty_words(query: EncodedQuery) -> Iterator[str]:
    """Of a text, and no more, that holds nothing but stop words."""
    asked = list(dict.fromkeys(words(query.text or "")))
    if asked and is_text(query) and not content_words(asked):
        names = " and ".join(map(repr, asked))
        say = "says" if len(asked) == 1 else "say"
        yield f"{names} {say} nothing of what a picture shows: name what is to be seen."


def _of_no(query: EncodedQuery) -> Iterator[str]:
    """Of a "no" that people mean as a minus."""
    for no, word in _NO.findall(query.text or ""):
        if content_words([word.lower()]):
            yield f"{no!r} is a word like any other. To leave out what shows {word!r}, type -{word}."


def _called(compared: Sequence[str]) -> str:
    """The ways in which a query is compared, in people's words."""
    return _listed(list(dict.fromkeys(_CALLED.get(name, name) for name in compared)), "and")


def _listed(names: Sequence[str], last: str) -> str:
    """Names one after another, with a word before the last: "a, b and c"."""
    return f" {last} ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)


def _of_hits(read: Sequence[Understood], by_words: bool) -> Iterator[str]:
    for one in read:
        if any(reading.how == TYPO for reading in one.readings):
            yield f"{next(_not_shown([one]))} The answer is for {one.suggestion!r}."
    strange = [one for one in read if not one.known and content_words([one.word])]
    if by_words and strange:
        yield f"{' '.join(_not_shown(strange))} The answer is for the other words."


def _of_those_left(count: int) -> str:
    if count == 1:
        return "The one picture that the conditions leave does not show the rest of the query."
    return f"None of the {count:,} pictures that the conditions leave shows the rest of the query."


def _of_words(gallery: Gallery, query: EncodedQuery, strange: bool) -> Iterator[str]:
    """The words that no picture shows; strange: those alone that no picture is known by."""
    parsed = query.parsed
    asked = content_words(words(query.text or ""))
    read = query.understood
    if read is None:
        typed = words_as_typed(query.text or "" if parsed is None else parsed.given, asked)
        read = understand(typed, gallery.known_words)
    unseen = []
    for one in read:
        shown = sum(gallery.known_words.get(word, 0) for word in one.alike)
        spelt = gallery.known_words.get(one.word, 0)
        if strange and one.known:
            continue
        if one.word in asked and not (spelt if query.understood is None else shown):
            unseen.append(one)
    yield from _not_shown(unseen)
    yield from _of_strange(unseen)


def _not_shown(unseen: Sequence[Understood]) -> Iterator[str]:
    """Of words that no picture shows: one sentence for all, but for those that may mean another."""
    plain = [repr(one.typed or one.word) for one in unseen if not one.suggestion]
    if plain:
        yield f"No picture here shows {_listed(plain, 'or')}."
    for one in unseen:
        if one.suggestion:
            yield f"No picture here shows {one.typed or one.word!r}. Did you mean {one.suggestion!r}?"


def _of_strange(unseen: Sequence[Understood]) -> Iterator[str]:
    """Of words of which nothing is known at all: they may be another language's."""
    strange = [
        repr(one.typed or one.word)
        for one in unseen
        if one.word.isalpha() and not (one.known or one.suggestion or one.common or is_english(one.word))
    ]
    if strange:
        yield f"Words are read as English, and nothing is known of {_listed(strange, 'or')}."


def _of_limits(gallery: Gallery, query: EncodedQuery) -> Iterator[str]:
    """The filters that no picture meets, or all conditions where only together they leave none."""
    mask = selected(gallery, query)
    if mask is None or mask.any() or query.parsed is None:
        return
    sentences = _of_days(query.parsed.filters) or [
        _not_met(gallery, one) for one in query.parsed.filters if not holds(gallery, one, query).any()
    ]
    sentences += [
        f"No picture here shows {leaf.word!r} with a probability of {leaf.at_least:g}."
        for leaf in leaves(query.parsed.condition)
        if isinstance(leaf, WordCondition)
        and leaf.at_least is not None
        and not holds(gallery, leaf, query).any()
    ]
    yield from sentences or ["No picture here meets all conditions of the query together."]


def _of_days(filters: Sequence[Filter]) -> list[str]:
    """That no day can be what is asked, where the last one comes before the first."""
    first = max((one.day for one in filters if isinstance(one, Since)), default="")
    last = min((one.day for one in filters if isinstance(one, Until)), default=first)
    return [f"No day is since {first} and until {last}: the last day comes first."] if last < first else []


def _not_met(gallery: Gallery, one: Filter) -> str:
    if isinstance(one, Under):
        return _no_folder(gallery, one.folder)
    if isinstance(one, Named):
        return _not_named(gallery, one)
    if isinstance(one, Near):
        place = f"{one.latitude:g},{one.longitude:g}"
        return f"No picture here is known to be taken within {one.km:g} km of {place}."
    days = list(gallery.row_sets.counts("day"))
    if not days:
        return "Of none of these pictures is it known when it was taken: their files do not say."
    when = f"since {one.day}" if isinstance(one, Since) else f"until {one.day}"
    return f"No picture here was taken {when}; those of which it is known are of {days[0]} to {days[-1]}."


def _not_named(gallery: Gallery, one: Named) -> str:
    known = list(gallery.row_sets.counts(one.sign))
    if not known and one.sign == "keyword":
        return "None of these pictures has a keyword: neither their files nor captions' tags give any."
    if not known:
        return f"Of none of these pictures is the {one.sign} known: their files do not say."
    which = f"was taken with {one.name!r}" if one.sign == "camera" else f"has the {one.sign} {one.name!r}"
    plural = "lenses" if one.sign == "lens" else f"{one.sign}s"
    return f"No picture here {which}. {plural.capitalize()} here: {', '.join(known[:10])}."


def _no_folder(gallery: Gallery, folder: str) -> str:
    found = nearest_folder(gallery, plain_folder(folder))
    typed = "" if found is None else as_filter("under", found)
    hint = "" if found is None else f" Did you mean {found!r}?"
    if '"' in typed:
        hint += f" Type {typed}."
    return f"No picture here lies under {folder!r}.{hint}"
