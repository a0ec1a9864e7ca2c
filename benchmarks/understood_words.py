"""Whether a word is taken for what it means however it is typed: plural, singular and a one-letter error of
the 200 commonest nouns of Flickr8k's captions shall find the same first ten pictures.

python benchmarks/understood_words.py --split val           # where cut-offs are chosen
python benchmarks/understood_words.py --split test          # scored once

A plural finds the same as its singular; an error the same as the word that was meant. Errors are drawn, one
of each noun: a letter too many, too few or wrong, or two that changed places. None makes a word that captions
use, or one of the 15,000 commonest of English: "park" for "bark" is no error that can be seen.
"""

import random
from collections.abc import Iterator, Sequence

from results import RESULTS, kind_of, markdown_table, write_section
from text_modes import gallery_of, shipped, split_options

from captionret.app.measuring.measured_text import encode_texts
from captionret.app.query.meanings import word_meanings
from captionret.datasets import open_dataset
from captionret.errors import NoWords
from captionret.models.embedding.model import EmbeddingModel
from captionret.models.lexical.predictor import WordPredictor
from captionret.retrieval import Gallery, corpus, search
from captionret.retrieval.lemmas import IRREGULAR

MODES_SHOWN = ("words", "auto")
FIRST = 10
COMMON = 15_000
NOUNS = """
dog man woman girl boy child person water shirt ball grass snow street field beach bike wall rock player
camera pool jacket hat toy mountain park football building face crowd hill sand skateboard tree baby car
hair ocean picture road race trick bench bicycle helmet sidewalk game ground basketball fence head swing
dress kid hand frisbee slide skateboarder lake wave city ramp path side track baseball coat boat arm
horse couple motorcycle uniform rope suit sign table lady snowboarder ice river yard cliff wood bird
rider body cap smile collar skier edge fountain playground forest backpack surfer toddler night object
biker team brick guitar pole surfboard light shore bed window trail line flower outfit leash course sky
bridge bag step floor leg climber room costume house tongue board obstacle chair day lawn leaf railing
jersey winter store adult bar stair rail sweater train fire eye cellphone animal umbrella puppy vest
stream nose hurdle puddle pond bubble snowboard view tank hiker trunk photo wetsuit tire foot truck flag
bat slope court shoe ledge harness vehicle mask couch greyhound book dock skirt waterfall structure raft
stunt subway cigarette ski parade restaurant cart paper ear tent sweatshirt bus family goal kayak ring
tunnel
""".split()
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def main() -> None:
    """Print, and for test write, a row for each mode and way of typing."""
    options = split_options(__doc__, RESULTS)
    options.add_argument("--modes", nargs="+", default=list(MODES_SHOWN))
    options.add_argument("--show", action="store_true", help="name the words that fail")
    given = options.parse_args()
    head, space = shipped()
    items = open_dataset(given.data).split(given.split)
    gallery = gallery_of(items, head, WordPredictor(head), space, given.features)
    typed = {"plural": [plural(noun) for noun in NOUNS], "one-letter error": list(errors(NOUNS))}
    rows: list[list[object]] = []
    for mode in given.modes:
        expected = answers(gallery, NOUNS, mode, space)
        for way, words in typed.items():
            found = answers(gallery, words, mode, space)
            same = [one == other for one, other in zip(expected, found, strict=True)]
            rows.append([mode, way, 100 * sum(same) / len(same), ">= 90", sum(not one for one in expected)])
            if given.show:
                print(
                    way,
                    [pair for pair, one in zip(zip(NOUNS, words, strict=True), same, strict=True) if not one],
                )
    table = markdown_table(
        ["mode", "typed as", "same first ten, %", "aimed at", "nouns that find nothing"], rows
    )
    print(table)
    if given.split == "test":
        write_section(
            given.results,
            "Words however they are typed",
            f"{len(NOUNS)} nouns, the commonest of Flickr8k's captions, among the {len(gallery):,} pictures "
            f"of {kind_of(given.data)}, {given.split}: whether the plural, or the word with one error of "
            f"typing, finds the same first ten in the same order as the singular.\n\n{table}",
            f"python benchmarks/understood_words.py --split {given.split}",
        )


def answers(gallery: Gallery, words: Sequence[str], mode: str, space: EmbeddingModel) -> list[list[str]]:
    """The first ten pictures of each word."""
    found = []
    for query in encode_texts(words, {"embedding": space}, gallery):
        try:
            found.append([hit.id for hit in search(gallery, query, mode, FIRST)])
        except NoWords:
            found.append([])
    return found


def plural(noun: str) -> str:
    """The plural of a noun.

    >>> plural("puppy"), plural("child"), plural("bus")
    ('puppies', 'children', 'buses')
    """
    irregular = {
        base: form for form, base in IRREGULAR.items() if base in ("man", "woman", "child", "foot", "leaf")
    }
    if noun in irregular:
        return irregular[noun]
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(("s", "x", "z", "ch", "sh")) else f"{noun}s"


def errors(nouns: Sequence[str]) -> Iterator[str]:
    """Each noun with one error of typing."""
    drawn = random.Random(0)
    for noun in nouns:
        choices = (_error(noun, drawn) for _ in range(1000))
        yield next(one for one in choices if one != noun and not _is_word(one))


def _is_word(text: str) -> bool:
    meanings = word_meanings()
    assert meanings is not None, "GloVe belongs to the requirements"
    rank = meanings.rank(text)
    return text in corpus.rates() or (rank is not None and rank < COMMON)


def _error(noun: str, drawn: random.Random) -> str:
    place, letter = drawn.randrange(len(noun)), drawn.choice(_LETTERS)
    before, own, after = noun[:place], noun[place], noun[place + 1 :]
    return drawn.choice(
        [
            before + letter + own + after,
            before + after,
            before + letter + after,
            before + after[:1] + own + after[1:],
        ]
    )


if __name__ == "__main__":
    main()
