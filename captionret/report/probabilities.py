"""How probabilities are written: as short as they are exact, "dog .97  beach .91"."""

from ..records import Hit

WEAK = "(weak)"
CAPTION = "(caption)"  # in place of the probability of a word that a person or a file says
_MOST = 0.99  # what rounds to 1 is not certain


def probability(value: float) -> str:
    """
    >>> probability(0.974), probability(0.9999), probability(0.002)
    ('.97', '.99', '<.01')
    """
    if value < 0.005:
        return "<.01"
    return f"{min(value, _MOST):.2f}".removeprefix("0")


def reasons(hit: Hit) -> str:
    """A hit's words with their probabilities, or that a caption says them; where there are none, the words it
    shares with the query. One that is weak is marked, and what is found by its caption says so."""
    shown = [
        f"{word} {CAPTION if word in hit.certain else probability(sure)}" for word, sure in hit.words
    ] or [" ".join(hit.why)]
    captioned = [f"caption says {' '.join(hit.by_caption)}"] if hit.by_caption and hit.words else []
    called = ["file is called so"] if hit.by_name else []
    return "  ".join([*filter(None, shown), *captioned, *called, *([WEAK] if hit.weak else [])])
