"""The registry of ways of decoding, and the JSON in which libraries remember one."""

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from pathlib import Path

from ..config import Registry
from ..errors import BadSetting
from .own_way import OwnWay
from .rerank import Reference, Rerank
from .ways import BeamSearch, Consensus, Decoding, DiverseBeamSearch, NucleusSampling, Sampling

log = logging.getLogger(__name__)

DECODINGS: Registry[type[Decoding]] = Registry(
    "way of decoding",
    {
        way.method: way
        for way in (BeamSearch, DiverseBeamSearch, Sampling, NucleusSampling, Consensus, Rerank)
    },
)
_OLD_METHODS = {"matched": "rerank"}
_OLD_FIELDS = {"match": "match_weight", "corpora": "captions_from", "agree": "agree_weight"}
_KNOWN_FIELDS = {one.name for way in DECODINGS.values() for one in fields(way)} | {"method", "spaces_sha256"}


def decoding_way(method: str) -> type[Decoding]:
    """The way of decoding of that name; the name of release 0.5.0, "matched", is taken with a notice.

    errors: UnknownName
    """
    if method in _OLD_METHODS:
        log.warning(f"The way of decoding {method!r} is now called {_OLD_METHODS[method]!r}.")
    return DECODINGS[_OLD_METHODS.get(method, method)]


def decoding_from_json(facts: Mapping[str, object], folder: Path | None = None) -> Decoding:
    """The decoding that `to_json` wrote, or release 0.5.0 (which wrote fields of other ways, too).

    folder: what relative places of spaces and files are relative to
    errors: UnknownName for an unknown way, BadSetting for fields or values that no way has

    >>> decoding_from_json({"method": "nucleus", "top_p": 0.8, "captions": 2})
    NucleusSampling(captions=2, constraints=None, temperature=1.0, top_k=0, seed=0, top_p=0.8)
    """
    named = {_OLD_FIELDS.get(name, name): value for name, value in facts.items()}
    if unknown := named.keys() - _KNOWN_FIELDS:
        raise BadSetting(f"No way of decoding has fields {', '.join(sorted(unknown))}.")
    method = str(named.get("method", BeamSearch.method))
    way = OwnWay if method == OwnWay.method else DECODINGS[_OLD_METHODS.get(method, method)]
    own = {one.name for one in fields(way)}
    values = {name: value for name, value in named.items() if name in own}
    if way is Rerank:
        hashes = _listed("spaces_sha256", named.get("spaces_sha256") or ())
        values["spaces"] = _references(_listed("spaces", named.get("spaces") or ()), hashes, folder)
        values["captions_from"] = _references(
            _listed("captions_from", named.get("captions_from") or ()), (), folder
        )
    return way(**values)  # type: ignore[arg-type]  # each way checks its own fields


def usual(way: type[Decoding], name: str) -> object:
    """What a field of a way of decoding holds unless it is given; None for a field it has not.

    >>> usual(Consensus, "beam")
    30
    """
    for one in fields(way):
        if one.name == name and one.default is not MISSING:
            return one.default
    return None


def _listed(name: str, value: object) -> tuple[str | None, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(one, str | None) for one in value):
        raise BadSetting(f"{name} is a list of names, not {value!r}.")
    return tuple(value)


def _references(
    places: Sequence[str | None], hashes: Sequence[str | None], folder: Path | None
) -> tuple[Reference, ...]:
    if hashes and len(hashes) != len(places):
        raise BadSetting(
            f"Each of the {len(places):,} spaces has a fingerprint, or none; {len(hashes)} are given."
        )
    found = []
    for row, place in enumerate(places):
        place = place or ""
        if folder is not None and "/" in place:  # a bare name is looked up by its name
            place = os.path.normpath(Path(folder).absolute() / place)
        found.append(Reference(place, hashes[row] if hashes else None))
    return tuple(found)
