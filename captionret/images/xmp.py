"""XMP sidecars: a picture's description and keywords, merged into what others wrote there.

Written are dc:description, dc:subject and digiKam:TagsList. What this program wrote is noted beside them
(captionret:description, captionret:subject), so that the next export replaces its own and leaves alone what a
person or another program wrote or changed since. Everything else in a sidecar stays.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
XML = "http://www.w3.org/XML/1998/namespace"
DC = "http://purl.org/dc/elements/1.1/"
DIGIKAM = "http://www.digikam.org/ns/1.0/"
OWN = "https://captionret.invalid/xmp/1.0/"
META = "adobe:ns:meta/"
_PREFIXES = {"rdf": RDF, "x": META, "dc": DC, "digiKam": DIGIKAM, "captionret": OWN}
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class BadXMP(ValueError):
    """What is no XMP."""


@dataclass(frozen=True, slots=True)
class Described:
    """What a sidecar, or the XMP inside a picture, says.

    description: None where it says nothing
    subjects:    keywords, each once
    title:       None where there is none
    """

    description: str | None = None
    subjects: tuple[str, ...] = field(default=())
    title: str | None = None


def read(content: bytes, others: bool = False) -> Described:
    """What XMP says. others: without what this program wrote there itself. errors: BadXMP"""
    blocks = _blocks(_parsed(content))
    tags = (tag.rpartition("/")[2].strip() for tag in _all(blocks, DIGIKAM, "TagsList"))
    subjects = dict.fromkeys([*_all(blocks, DC, "subject"), *(tag for tag in tags if tag)])
    description = next(iter(_all(blocks, DC, "description")), None)
    title = next(iter(_all(blocks, DC, "title")), None)
    if not others:
        return Described(description, tuple(subjects), title)
    own = set(_all(blocks, OWN, "subject"))
    noted = next(iter(_all(blocks, OWN, "description")), None)
    left = tuple(one for one in subjects if one not in own)
    return Described(None if description == noted else description, left, title)


def merged(content: bytes | None, description: str, subjects: Sequence[str]) -> bytes:
    """XMP with a description and keywords put into what is there.

    content: None for a new sidecar
    errors:  BadXMP where what is there cannot be read: it is not to be lost
    """
    description = _NO_XML.sub("", description)
    subjects = list(dict.fromkeys(_NO_XML.sub("", one) for one in subjects))
    root = _new() if content is None else _parsed(content)
    blocks = _blocks(root)
    noted = next(iter(_all(blocks, OWN, "description")), None)
    found = next(iter(_all(blocks, DC, "description")), None)
    before = set(_all(blocks, OWN, "subject"))
    if found in (None, noted):
        _put(blocks, DC, "description", [description], "Alt")
        _put(blocks, OWN, "description", [description], "Alt")
    for space, name in ((DC, "subject"), (DIGIKAM, "TagsList")):
        others = [one for one in _all(blocks, space, name) if one not in before]
        _put(blocks, space, name, list(dict.fromkeys([*others, *subjects])), "Bag" if space == DC else "Seq")
        if space == DC:
            own = [one for one in subjects if one not in others]
    _put(blocks, OWN, "subject", own, "Bag")
    ET.indent(root)
    written: bytes = ET.tostring(root, "utf-8")
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + written + b"\n"


def _new() -> ET.Element:
    root = ET.Element(f"{{{META}}}xmpmeta")
    inside = ET.SubElement(root, f"{{{RDF}}}RDF")
    ET.SubElement(inside, f"{{{RDF}}}Description", {f"{{{RDF}}}about": ""})
    return root


def _parsed(content: bytes) -> ET.Element:
    """The document, comments included; its prefixes are kept for writing."""
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise BadXMP("it declares a document type, which XMP has none of")
    try:
        parser = ET.XMLParser(target=ET.TreeBuilder(insert_comments=True))  # noqa: S314  # no entities, see above
        root: ET.Element = ET.fromstring(content, parser)  # noqa: S314
    except (ET.ParseError, LookupError, ValueError) as error:
        raise BadXMP(f"it is no XML ({error})") from None
    for prefix, uri in re.findall(rb'xmlns:([\w.-]+)\s*=\s*["\']([^"\']+)["\']', content):
        _keep_prefix(prefix.decode("ascii", "replace"), uri.decode("utf-8", "replace"))
    return root


def _keep_prefix(prefix: str, uri: str) -> None:
    if not re.fullmatch(r"ns\d+", prefix) and prefix not in _PREFIXES:
        ET.register_namespace(prefix, uri)


def _blocks(root: ET.Element) -> list[ET.Element]:
    """The rdf:Description elements of the resource itself. errors: BadXMP where there is no place for one"""
    inside = root if root.tag == f"{{{RDF}}}RDF" else root.find(f".//{{{RDF}}}RDF")
    if inside is None:
        raise BadXMP("it holds no rdf:RDF")
    found = inside.findall(f"{{{RDF}}}Description")
    return found or [ET.SubElement(inside, f"{{{RDF}}}Description", {f"{{{RDF}}}about": ""})]


def _all(blocks: Sequence[ET.Element], space: str, name: str) -> list[str]:
    """The texts of a property: the items of its array, its own text, or an attribute; of several languages
    the usual one first."""
    return [text for block in blocks for text in _texts(block, f"{{{space}}}{name}") if text.strip()]


def _texts(block: ET.Element, tag: str) -> Iterator[str]:
    if tag in block.attrib:
        yield block.attrib[tag]
    for found in block.findall(tag):
        items = found.findall(f"*/{{{RDF}}}li")
        items.sort(key=lambda one: one.get(f"{{{XML}}}lang", "x-default") != "x-default")
        yield from (one.text or "" for one in items)
        if not items and found.text:
            yield found.text


def _put(blocks: Sequence[ET.Element], space: str, name: str, texts: Sequence[str], kind: str) -> None:
    """Put an array in place of a property; of a description's languages the others stay."""
    tag = f"{{{space}}}{name}"
    others: list[ET.Element] = []
    for block in blocks:
        block.attrib.pop(tag, None)
        for found in block.findall(tag):
            if kind == "Alt":
                items = found.findall(f"*/{{{RDF}}}li")
                others += [one for one in items if one.get(f"{{{XML}}}lang", "x-default") != "x-default"]
            block.remove(found)
    if not texts:
        return
    array = ET.SubElement(ET.SubElement(blocks[0], tag), f"{{{RDF}}}{kind}")
    for text in texts:
        item = ET.SubElement(array, f"{{{RDF}}}li", {f"{{{XML}}}lang": "x-default"} if kind == "Alt" else {})
        item.text = text
    array.extend(others)


for _prefix, _uri in _PREFIXES.items():
    ET.register_namespace(_prefix, _uri)
