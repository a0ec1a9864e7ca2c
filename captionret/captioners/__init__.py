"""Captioners of every kind: captions in a file, servers, models of other libraries, plug-ins. None is
special: each is a row of CAPTIONERS, and gives captions for pictures.

captioner = make_captioner("openai:http://localhost:11434/v1#gemma3", CaptionerOptions(concurrency=4))
library.caption_beside(captioner)
"""

from .kinds import CAPTIONERS, CaptionerKind, captioner_name, make_captioner
from .options import CaptionerOptions
from .protocol import Answer, Answers, ImageCaptioner
from .stream import StreamedCaptioner

__all__ = [
    "CAPTIONERS",
    "Answer",
    "Answers",
    "CaptionerKind",
    "CaptionerOptions",
    "ImageCaptioner",
    "StreamedCaptioner",
    "captioner_name",
    "make_captioner",
]
