"""The times of day: what light falls on a scene."""

from dataclasses import dataclass

from .pen import Colour, mix


@dataclass(frozen=True)
class Mood:
    """A time of day: the colours of the sky, and what the light does to everything under it."""

    top: Colour
    bottom: Colour
    sun: Colour | None
    tint: Colour
    strength: float

    def lit(self, colour: Colour) -> Colour:
        """A colour of the backdrop in this light."""
        return mix(colour, self.tint, self.strength)


MOODS: dict[str, Mood] = {
    "day": Mood((86, 164, 230), (206, 232, 246), (255, 246, 206), (255, 255, 255), 0.0),
    "morning": Mood((140, 186, 226), (252, 236, 212), (255, 250, 226), (255, 246, 226), 0.12),
    "evening": Mood((122, 128, 186), (250, 210, 180), (255, 236, 190), (240, 176, 140), 0.16),
    "cloudy": Mood((150, 164, 180), (214, 221, 228), None, (150, 160, 172), 0.16),
}
