"""Titles, alt texts and descriptions of the web as captions: what a person would not say of a picture goes.

>>> cleaned("File:A_red_bicycle.jpg - Wikimedia Commons")
'A red bicycle'
>>> cleaned("IMG_2041.JPG"), cleaned("<b>Two dogs</b>&nbsp;play #dogs https://t.co/x")
('', 'Two dogs play')
"""

import html
import re
import unicodedata

from ..text import repaired

LONGEST = 300  # letters
_TAG = re.compile(r"<(?:!--.*?--|/?[a-zA-Z][^<>]*)>", re.DOTALL)
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+|\S+@\S+\.\w+")
_MARK = re.compile(r"(?<!\S)[#@]\w\S*")
_PREFIX = re.compile(r"^(?:File|Image|Datei|Fichier|Archivo)\s*:\s*", re.IGNORECASE)
_SITES = (
    "Wikimedia Commons|Wikipedia|Flickr|Flickr - Photo Sharing!?|Pinterest|Pixabay|Unsplash|Shutterstock"
    "|Getty Images|iStock|Alamy|Adobe Stock|500px|Instagram|Facebook|DeviantArt|YouTube"
)
_SITE = re.compile(rf"\s*[-–—|·:]\s*(?:{_SITES})\s*$", re.IGNORECASE)
_STOCK = re.compile(
    r"\s*[-–—|,]?\s*\b(?:royalty[- ]free\s+)?(?:free\s+)?(?:stock\s+(?:photos?|images?|pictures?)"
    r"|(?:stock\s+)?photography\s+by\s+\w+)\s*$",
    re.IGNORECASE,
)
_ENDING = re.compile(r"\.(?:jpe?g|png|gif|webp|tiff?|bmp|heic|avif|svg)\b", re.IGNORECASE)
# what cameras, telephones and programs call their files
_CAMERA = re.compile(
    r"\b(?:IMG|DSCN?|DSCF|DSC|PXL|MVIMG|WP|P|GOPR|DJI|VID|PANO|image|photo|picture|untitled|screenshot"
    r"|unnamed|download)[-_ ]?\d[\d_\-a-z()]*\b",
    re.IGNORECASE,
)
_NOTHING = re.compile(
    r"(?:image|photo|picture|untitled|unnamed|screenshot|no title|no description|n/?a|null|none|thumbnail"
    r"|placeholder|logo|icon|download|img)",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"[.!?](?=\s)")


def cleaned(text: str) -> str:
    """A text of the web as a caption; "" where nothing is left that says something."""
    text = _plain(text)
    text = _ADDRESS.sub(" ", text)
    text = _MARK.sub(" ", text)
    text = _without_site(" ".join(text.split()))
    text = _PREFIX.sub("", text)
    text = _ENDING.sub("", text)
    if " " not in text.strip():
        text = text.replace("-", " ")
    text = _CAMERA.sub(" ", text.replace("_", " "))
    text = " ".join(text.split()).strip(" -–—|,;:·*/\\()[]\"'")
    if not _says_something(text):
        return ""
    return _shortened(text)


def captions_of(texts: tuple[str, ...]) -> tuple[str, ...]:
    """The texts cleaned, each once, those that say nothing left out."""
    return tuple(dict.fromkeys(caption for text in texts if (caption := cleaned(text))))


def plain(text: str) -> str:
    """A text of the web as one line of letters: a title or an author, not a caption."""
    return " ".join(_plain(text).split())[:LONGEST]


def _plain(text: str) -> str:
    """Without tags, entities, and what cannot be seen."""
    text = html.unescape(_TAG.sub(" ", text[: 20 * LONGEST]))
    text = unicodedata.normalize("NFC", repaired(text))
    return "".join(
        letter if letter.isprintable() else " " if unicodedata.category(letter) in ("Cc", "Zs") else ""
        for letter in text
    )


def _without_site(text: str) -> str:
    """Without the names of sites behind it, which their pages' titles end with."""
    before = None
    while before != text:
        before = text
        text = _STOCK.sub("", _SITE.sub("", text))
    return text


def _says_something(text: str) -> bool:
    words = re.findall(r"[^\W\d_]{2,}", text)
    # a name of figures or of one long word of letters and figures is a file's
    return bool(words) and not _NOTHING.fullmatch(text) and sum(map(len, words)) * 2 >= len(text) / 2


def _shortened(text: str) -> str:
    """At most LONGEST letters, of whole sentences if there are any, else of whole words."""
    if len(text) <= LONGEST:
        return text
    ends = [found.end() for found in _SENTENCE_END.finditer(text, 0, LONGEST)]
    return text[: ends[-1]] if ends else text[:LONGEST].rsplit(" ", 1)[0]
