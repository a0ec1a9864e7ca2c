"""What a row of BACKBONES says of an image network. No torch."""

import hashlib
from dataclasses import asdict, dataclass

TIMM = "timm:"  # how names of timm's networks begin


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """How a picture becomes a backbone's input; it belongs to the backbone and is part of every cache key.

    size:   the input's height and width in pixels. The whole picture is squeezed into the square: nothing at
            the edges is lost, and it is how the published systems and their training pictures were resized.
    mean, std: per channel, of values scaled to 0..1
    """

    size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def to_json(self) -> dict[str, object]:
        """Its fields, as JSON can hold them."""
        return {
            key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()
        }

    @property
    def key(self) -> str:
        """The size, and a short hash of all of it, for names of caches."""
        return f"{self.size}-{hashlib.sha256(repr(self).encode()).hexdigest()[:6]}"


@dataclass(frozen=True, slots=True)
class BackboneConfig:
    """One row of BACKBONES.

    dim:       size of the pooled feature
    grid:      side and depth of the grid: (7, 2048) is 49 cells of 2048
    weights:   the weight file's name; the hex digits in it begin its SHA-256
    package:   the Python package that carries the weights, or None where `download.sh` fetches them
    licence:   of the weights
    """

    name: str
    dim: int
    grid: tuple[int, int]
    preprocessing: Preprocessing
    weights: str
    package: str | None
    licence: str

    @property
    def sha256_prefix(self) -> str:
        """The first eight hex digits of the weight file's SHA-256; "" where nobody noted them (timm)."""
        return "" if self.name.startswith(TIMM) else self.weights.rsplit("-", 1)[1].split(".")[0]
