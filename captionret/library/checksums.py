"""CRC-32 over what a library keeps, by block: a flipped bit is refused when it is first read, and by
verify."""

import zlib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

BLOCK = 256  # rows of features that share a checksum, some 650 kB


def of_image(sha256: str, captioner: int, feature_row: int, texts: Sequence[str]) -> int:
    """Of an image's row together with the texts of its captions, the best first."""
    return _of(f"{sha256} {captioner} {feature_row}", *texts)


def of_caption(tokens: str, logprob: float) -> int:
    """Of a caption beside its text: the tokens as they are stored, and the log-probability."""
    return _of(tokens, repr(logprob))


def of_own_caption(sha256: str, text: str, written: str) -> int:
    """Of a caption that a person wrote."""
    return _of(sha256, text, written)


def _of(*parts: str) -> int:
    return zlib.crc32("\n".join(parts).encode(errors="surrogatepass"))


def of_words(words: Sequence[str]) -> int:
    """Of the vocabulary that rows of word probabilities count by."""
    return _of(*words)


def of_word_rows(
    hashes: Sequence[str], starts: np.ndarray, ids: np.ndarray, weights: np.ndarray, block: int = 1024
) -> list[int]:
    """Of sparse rows, a number for each `block` of them: which picture each is of, and what it holds.

    starts: (N+1,) int64; ids: (K,) int32; weights: (K,)
    """
    found = []
    for first in range(0, len(hashes), block):
        last = min(first + block, len(hashes))
        crc = _of(*hashes[first:last])
        crc = zlib.crc32(np.diff(starts[first : last + 1]).tobytes(), crc)
        crc = zlib.crc32(ids[starts[first] : starts[last]].tobytes(), crc)
        found.append(zlib.crc32(weights[starts[first] : starts[last]].tobytes(), crc))
    return found


def after_append(first: int, rows: np.ndarray, known: Mapping[int, int]) -> dict[int, int]:
    """The checksums of the blocks into which rows were appended.

    first:   the number of rows before; known: the checksums of the blocks before
    rows:    (K, D) contiguous, as they stand in the file
    returns: by block; one whose beginning has no checksum gets none
    """
    found: dict[int, int] = {}
    for block, start, stop in _parts(first, first + len(rows)):
        begun = start > block * BLOCK
        if not begun or block in known:
            found[block] = zlib.crc32(rows[start - first : stop - first].data, known[block] if begun else 0)
    return found


def of_block(rows: np.ndarray) -> int:
    """Of one block's rows, (at most BLOCK, D), contiguous."""
    return zlib.crc32(rows.data)


def _parts(first: int, last: int) -> Iterator[tuple[int, int, int]]:
    """The blocks that rows first to last - 1 lie in, each with the first of these rows and the one after the
    last."""
    while first < last:
        block = first // BLOCK
        stop = min(last, (block + 1) * BLOCK)
        yield block, first, stop
        first = stop
