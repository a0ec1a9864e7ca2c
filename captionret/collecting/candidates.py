"""A picture that a source names, before anybody has looked at it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Candidate:
    """One picture on the web, with what its source says of it. What it does not say is "".

    address:         of the picture
    captions:        titles, descriptions or alt texts as they are; several are several people's, not parts
    source:          "openverse/flickr", "commons", a table's file, a page's host
    page:            the address of the page that shows it
    title:           of that page
    licence_address: of the licence's text
    date:            as the source writes it
    digest:          what the content should be: 64 hex digits of its SHA-256, or 32 of its MD5
    """

    address: str
    captions: tuple[str, ...] = ()
    source: str = ""
    page: str = ""
    title: str = ""
    licence: str = ""
    licence_address: str = ""
    author: str = ""
    date: str = ""
    digest: str = ""
