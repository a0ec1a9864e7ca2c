"""The only tokenizer, for captions, queries and galleries alike, and the vocabulary made with it.

Tokens are nltk's word tokens (Penn Treebank rules) of the lower-cased text, as the published systems used
them; the rules are code, so no nltk data has to be downloaded. Retrieval compares `words`: the tokens that
hold a letter or a digit. With punctuation left in, "a dog" and "a dog." would be different sentences, and
every caption would share its full stop.
"""

import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from typing import Any

from . import treebank
from .errors import BadCheckpoint, BadDataset

PAD, START, END, UNKNOWN = "<pad>", "<start>", "<end>", "<unk>"
SPECIAL = (PAD, START, END, UNKNOWN)
PAD_ID, START_ID, END_ID, UNKNOWN_ID = range(4)

# Texts of plain words, perhaps with a final stop and "'s", which nearly all captions are, need none of nltk's
# other rules. The words left out are the contractions that nltk takes apart.
_WORD = r"(?!(?:cannot|gimme|gonna|gotta|lemme|wanna)\b)[a-z0-9]+"
_PLAIN = re.compile(rf"(?: *{_WORD}(?:-{_WORD})*(?:'s)?(?![^ .]))+ *\.? *")
_PLAIN_TOKEN = re.compile(r"'s|[a-z0-9-]+|\.")
# nltk splits a full stop off only at the end of the text; inside it ("a dog. a cat.") "dog." would be another
# word than "dog". One letter before the stop is left alone: "u.s. flag", "j. smith".
_INNER_STOP = re.compile(r"""(?<=\w\w)([.!?])(?=["'”)\]]*\s)""")
# Phones and word processors write another apostrophe, some file systems take accents apart: the same words
# all the same.
_APOSTROPHES = str.maketrans("‘’", "''")

# Words that carry little of what a picture shows. A closed list, so that a ranking never depends on a
# download.
STOP_WORDS = frozenset(
    """a about above after again all along also am an and another any are around as at away be because been
    before behind being
    below beside between both but by can could did do does doing down during each few for from further get
    gets getting had has have having he her here hers herself him himself his how i if in inside into is it
    its itself just me more most my myself near next no nor not of off on once one only onto or other others
    our ours out outside over own same she should so some such than that the their theirs them themselves then
    there these they this those through to together too towards toward under until up upon very was we were
    what when where which while who whom why will with within without would you your yours 's n't 're 've 'll
    'd 'm""".split()
)

# Words after which a caption is not over. Trained for CIDEr-D alone, captioners learn to stop at them.
BAD_ENDINGS = frozenset(
    """a an the this that these those his her its their my your our some of in on at to for from with by near
    under over behind
    beside between through into onto while and or as is are was were be being has have very""".split()
)


# Half of a letter of more than 16 bits, or a byte of a file name that is no UTF-8
_SURROGATE = re.compile("[\ud800-\udfff]")


def repaired(text: str) -> str:
    """`text` with U+FFFD in place of lone surrogates, which no file, database or terminal can hold.

    >>> repaired("a do\\ud83dg")
    'a do\ufffdg'
    """
    return _SURROGATE.sub("\ufffd", text)


def separator_in(header: str) -> str:
    r"""What stands between the fields of a CSV file: a comma, or the semicolon that spreadsheets write where
    the comma is a decimal point; header: its first line.

    >>> separator_in("picture;caption\n")
    ';'
    """
    return ";" if ";" in header and "," not in header else ","


def ends_badly(tokens: Sequence[str]) -> bool:
    """Whether a caption breaks off: its last word is one of BAD_ENDINGS."""
    return bool(tokens) and tokens[-1] in BAD_ENDINGS


@lru_cache(maxsize=65536)
def tokenize(text: str) -> tuple[str, ...]:
    """The word and punctuation tokens of `text`, lower-cased.

    Lone surrogates are read as U+FFFD, so that tokens can be stored and shown.

    >>> tokenize("A dog's bowl.")
    ('a', 'dog', "'s", 'bowl', '.')
    """
    plain = normal(text)
    if _PLAIN.fullmatch(plain):
        return tuple(_PLAIN_TOKEN.findall(plain))
    return tuple(treebank.split(_INNER_STOP.sub(r" \1", plain)))


def rules_key() -> int:
    """A number that changes with the rules by which a text is read; what keeps words keeps it beside them."""
    rules = (_PLAIN.pattern, _PLAIN_TOKEN.pattern, _INNER_STOP.pattern, *sorted(STOP_WORDS), *SPECIAL)
    return zlib.crc32("\n".join(rules).encode())


def normal(text: str) -> str:
    """`text` in the letters of its tokens: each of these is a part of it.

    >>> normal("A DOG’s bowl")
    "a dog's bowl"
    """
    if text.isascii():  # nothing else can be in it
        return text.lower()
    return unicodedata.normalize("NFC", repaired(text).lower()).translate(_APOSTROPHES)


def words(text: str) -> tuple[str, ...]:
    """The tokens of `text` that hold a letter or a digit, in order, with repeats."""
    return tuple(token for token in tokenize(text) if is_word(token))


@lru_cache(maxsize=65536)
def is_word(token: str) -> bool:
    """Whether a token is a word rather than punctuation or one of the special tokens."""
    return token not in SPECIAL and any(letter.isalnum() for letter in token)


def word_set(text: str) -> frozenset[str]:
    """What Jaccard compares: the distinct words of `text`.

    >>> sorted(word_set("A dog. The dog!"))
    ['a', 'dog', 'the']
    """
    return frozenset(words(text))


def words_as_typed(text: str, asked: Collection[str]) -> list[str]:
    """The words of `asked`, tokens of `text`, with their capitals, in the order in which they stand.

    >>> words_as_typed("Ein Hund", {"hund"})
    ['Hund']
    """
    lowered = "".join(low if len(low := letter.lower()) == 1 else letter for letter in text)
    found = []
    for token in dict.fromkeys((*(one for one in words(text) if one in asked), *sorted(asked))):
        at = lowered.find(token)
        found.append(token if at < 0 else text[at : at + len(token)])
    return found


def content_words(tokens: Iterable[str]) -> list[str]:
    """The words without stop words, in order and without repeats."""
    return [token for token in dict.fromkeys(tokens) if is_word(token) and token not in STOP_WORDS]


class Vocabulary:
    """The words a captioner can read and write. Ids: pad 0, start 1, end 2, unk 3, then words.

    punctuation: whether full stops and commas are words too (the published systems') or are left out of
                 training texts.
    no_words:    the ids of special tokens and of punctuation
    """

    def __init__(self, tokens: Sequence[str], punctuation: bool = True) -> None:
        """tokens: all of them in the order of their ids, the four special ones first."""
        if tuple(tokens[:4]) != SPECIAL or len(set(tokens)) != len(tokens):
            raise BadCheckpoint(
                "A vocabulary must begin with <pad>, <start>, <end>, <unk> and hold each word once. Restore "
                "vocab.json."
            )
        self.tokens = tuple(tokens)
        self.punctuation = punctuation
        self.ids = {token: index for index, token in enumerate(self.tokens)}
        self.no_words = [index for index, token in enumerate(self.tokens) if not is_word(token)]

    @classmethod
    def build(cls, captions: Iterable[str], min_count: int = 4, punctuation: bool = True) -> "Vocabulary":
        """Every token that occurs at least `min_count` times in the training captions, commonest first, ties
        by spelling.

        errors: BadDataset where none does
        """
        counts = Counter(
            token for caption in captions for token in tokenize(caption) if punctuation or is_word(token)
        )
        kept = [token for token, count in counts.items() if count >= min_count and token not in SPECIAL]
        if not kept:
            raise BadDataset(
                f"No word occurs {min_count} times or more in the captions. Give more captions, or lower "
                "min_count."
            )
        return cls([*SPECIAL, *sorted(kept, key=lambda token: (-counts[token], token))], punctuation)

    def encode(self, text: str) -> list[int]:
        """The ids of a text's tokens between start and end; unknown words become <unk>."""
        tokens = (token for token in tokenize(text) if self.punctuation or is_word(token))
        return [START_ID, *(self.ids.get(token, UNKNOWN_ID) for token in tokens), END_ID]

    def decode(self, ids: Iterable[int]) -> list[str]:
        """The tokens up to <end>, without the special ones."""
        tokens = []
        for index in ids:
            if index == END_ID:
                break
            if index > UNKNOWN_ID:
                tokens.append(self.tokens[index])
        return tokens

    def to_json(self) -> dict[str, Any]:
        """What `from_json` reads."""
        return {"punctuation": self.punctuation, "tokens": list(self.tokens)}

    @classmethod
    def from_json(cls, value: object) -> "Vocabulary":
        """The vocabulary that `to_json` wrote. errors: BadCheckpoint for anything else"""
        tokens = value.get("tokens") if isinstance(value, dict) else None
        punctuation = value.get("punctuation") if isinstance(value, dict) else None
        texts = isinstance(tokens, list) and all(isinstance(token, str) for token in tokens)
        if not texts or not isinstance(punctuation, bool):
            raise BadCheckpoint(
                "A vocabulary is a record of `tokens`, a list of texts, and `punctuation`, true or false. "
                "Restore vocab.json."
            )
        return cls(tokens or (), punctuation)

    def __len__(self) -> int:
        return len(self.tokens)

    def __contains__(self, token: str) -> bool:
        return token in self.ids


def join(tokens: Iterable[str]) -> str:
    """Tokens as a person would write them: no blank before punctuation or a clitic ("a man 's hat ." -> "a
    man's hat")."""
    text = " ".join(tokens)
    text = re.sub(r" (?=[.,;:!?]|n't\b|'(?:s|re|ve|ll|d|m)\b)", "", text)
    return text.rstrip(" .")
