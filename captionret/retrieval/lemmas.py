"""Base forms of the words that captions are made of: "dogs" and "dog", "running" and "runs" as one."""

import zlib
from functools import cache, lru_cache
from typing import Any

# What no rule of endings finds; the commonest such words in captions of photographs.
IRREGULAR = dict(
    pair.split(":")
    for pair in """
    men:man women:woman children:child people:person feet:foot teeth:tooth geese:goose mice:mouse
    knives:knife leaves:leaf loaves:loaf shelves:shelf wolves:wolf calves:calf halves:half ran:run
    sat:sit stood:stand lying:lie laid:lay lain:lie held:hold wore:wear worn:wear rode:ride ridden:ride
    ate:eat eaten:eat threw:throw thrown:throw caught:catch swam:swim swum:swim took:take taken:take
    drove:drive driven:drive flew:fly flown:fly fell:fall fallen:fall went:go gone:go came:come
    made:make broken:break broke:break written:write wrote:write drawn:draw drew:draw built:build
    left:leave hung:hang swung:swing sang:sing blew:blow blown:blow slept:sleep spun:spin slid:slide
    shot:shoot dug:dig bitten:bite bit:bite lit:light""".split()
)


@lru_cache(maxsize=65536)
def lemma(word: str) -> str:
    """A word's base form, or a stem that its forms share: the irregular ones by a table, the others by
    Porter's rules (Snowball)."""
    base = IRREGULAR.get(word, word)
    return str(_stemmer().stem(base))


def key() -> int:
    """A number that changes with the table of irregular words; what keeps base forms keeps it beside them."""
    return zlib.crc32("\n".join(f"{word}:{base}" for word, base in sorted(IRREGULAR.items())).encode())


@cache
def _stemmer() -> Any:
    from nltk.stem.snowball import SnowballStemmer  # nltk takes a second or two to import

    return SnowballStemmer("english")
