"""What a captioner of any kind is: something with a name that gives captions for pictures."""

from collections.abc import Sequence
from typing import Protocol, TypeAlias

from ..errors import BadImage
from ..images import Picture
from ..records import Caption

Answer: TypeAlias = str | Caption | Sequence[str | Caption] | BadImage
"""Of one picture: a caption, or several, the best first; an error where it cannot be captioned."""
Answers: TypeAlias = Sequence[Answer]


class ImageCaptioner(Protocol):
    """Captions pictures. What else a captioner may have:

    fingerprint: a text that changes with everything that changes its captions; without one, its name and
                 what `describe` gives stand in
    describe():  facts to keep with its captions, as JSON can hold them
    batch_size:  how many pictures it takes at once; without one, 8
    """

    @property
    def name(self) -> str:
        """By which its captions are asked for."""
        ...

    def caption(self, images: Sequence[Picture]) -> Answers:
        """An answer for each picture, in their order. A picture is opened by `images[0].open()`, which gives
        a PIL image, upright and in RGB; it also has a `path`, a `name` and `facts` (EXIF).

        errors: BadImage from `open()` may pass: then the batch is asked one by one. CaptionerAway where no
                picture can be captioned just now; what was captioned before is kept
        """
        ...
