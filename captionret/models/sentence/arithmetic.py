"""What a transformer computes beside matrix products, in NumPy. Each function may change what it is given."""

import math

import numpy as np
from numpy.typing import NDArray

EPSILON = 1e-12  # BERT's, of the normalisation
_BLOCK = 1 << 14  # numbers that are worked on together: they stay in the processor's cache
# The error function as a quotient of two polynomials in x², the highest power first: within 5e-7 of it. It is
# the approximation of the library Eigen, which TensorFlow computes with.
_ABOVE = (
    -2.72614225801306e-10,
    2.77068142495902e-08,
    -2.10102402082508e-06,
    -5.69250639462346e-05,
    -7.34990630326855e-04,
    -2.95459980854025e-03,
    -1.60960333262415e-02,
)
_BELOW = (
    -1.45660718464996e-05,
    -2.13374055278905e-04,
    -1.68282697438203e-03,
    -7.37332916720468e-03,
    -1.42647390514189e-02,
)


def gelu(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """x / 2 * (1 + erf(x / √2)), in the place of x (contiguous): the Gaussian error linear unit (Hendrycks
    and Gimpel 2016)."""
    flat = x.reshape(-1)
    for start in range(0, flat.size, _BLOCK):
        block = flat[start : start + _BLOCK]
        above = erf(block * np.float32(math.sqrt(0.5)))
        above += 1
        above *= np.float32(0.5)
        block *= above
    return x


def erf(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """The error function, within 5e-7.

    >>> bool(np.abs(erf(np.float32([-9, 0, 0.5, 9])) - [-1, 0, 0.5204999, 1]).max() < 5e-7)
    True
    """
    x = np.clip(x, -4, 4)  # beyond it is 1 to float32's last digit
    squares = x * x
    above = _polynomial(_ABOVE, squares)
    above *= x
    above /= _polynomial(_BELOW, squares)
    return above


def softmax(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Odds of the last axis, in the place of x; -inf becomes 0."""
    x -= x.max(-1, keepdims=True)
    np.exp(x, out=x)
    x /= x.sum(-1, keepdims=True)
    return x


def normalised(
    x: NDArray[np.float32], weight: NDArray[np.float32], bias: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The last axis with mean 0 and variance 1, then scaled and moved, in the place of x: layer normalisation
    (Ba et al. 2016)."""
    x -= x.mean(-1, keepdims=True)
    variance = np.einsum("...i,...i->...", x, x)[..., None] / np.float32(x.shape[-1])
    x *= weight / np.sqrt(variance + np.float32(EPSILON))
    x += bias
    return x


def _polynomial(factors: tuple[float, ...], x: NDArray[np.float32]) -> NDArray[np.float32]:
    total = np.full_like(x, factors[0])
    for factor in factors[1:]:
        total *= x
        total += np.float32(factor)
    return total
