"""The models that a search computes with. Each is loaded once, when it is first needed."""

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeAlias, Union

from ...errors import BadLibrary, BadSetting
from ...library import Captioning, MadeBy, Space, WordPredicting
from ...remedies import remedy
from ...retrieval import Gallery, find_mode
from ..places import checkpoint_path
from .named import another_captioner, captioner_of, precision_of, predictor_of
from .spaces import default_space, encoder_of, query_spaces, renamed_mode
from .waiting import WaitingCaptioner

if TYPE_CHECKING:  # it imports torch, which text queries do without
    from ...models.embedding.model import EmbeddingModel
    from ...models.encoders import PictureEncoder

# a space or an encoder, or where its checkpoint lies
SpaceInput: TypeAlias = Union["EmbeddingModel", "PictureEncoder", str, os.PathLike[str]]

log = logging.getLogger(__name__)


class Models:
    """A captioner, a predictor of words, and embedding spaces: those that were given, else those that a
    library names, else the shipped ones.

    lock: held by whoever computes with one of them, so that several threads may share them; who loads a
          captioner or a predictor alone lets others compute meanwhile
    """

    def __init__(
        self,
        captioner: Captioning | str | os.PathLike[str] | None = None,
        predictor: WordPredicting | None = None,
        spaces: Sequence[SpaceInput] = (),
        device: str = "auto",
    ) -> None:
        self.device, self.lock = device, RLock()
        self._loading = RLock()
        self._captioner, self._predictor, self._space_inputs = captioner, predictor, spaces
        self._captioners: dict[tuple[str, str], Captioning] = {}  # by fingerprint and precision
        self._predictors: dict[str, WordPredicting] = {}
        self._given: dict[str, Space] | None = None
        self._shipped: dict[tuple[str, str], Space] = {}  # by mode, and the key of its encoder

    def captioner(self) -> Captioning:
        """The one that was given, else the shipped one."""
        with self.lock:
            if self._captioner is None or isinstance(self._captioner, str | os.PathLike):
                place = None if self._captioner is None else os.fspath(self._captioner)
                return self._load(checkpoint_path(place))
            return self._captioner

    def _load(self, place: Path) -> Captioning:
        """The captioner of this place, unless it is loaded already."""
        with self.lock:
            if self._captioner is None or isinstance(self._captioner, str | os.PathLike):
                from ...models.captioning.captioner import Captioner

                self._captioner = Captioner.load(place, self.device)
            return self._captioner

    def folder_captioner(self) -> Captioning:
        """The same, for a folder's library, which seldom has a new picture: until then nothing is loaded."""
        with self.lock:
            given = self._captioner
            if self.device not in ("auto", "cpu") or not (
                given is None or isinstance(given, str | os.PathLike)
            ):
                return self.captioner()
            place = checkpoint_path(None if given is None else os.fspath(given))
        return WaitingCaptioner(place, partial(self._load, place))

    def captioner_for(self, made_by: MadeBy) -> Captioning:
        """The captioner of a library, which alone may caption a query for it. errors: as captioner_of"""
        key = made_by.fingerprint, precision_of(made_by)
        with self._loading:
            if key not in self._captioners:
                found = self._named_for(made_by)
                if found.fingerprint != made_by.fingerprint:
                    raise another_captioner(made_by, found.name, found.fingerprint)
                self._captioners[key] = found
            return self._captioners[key]

    def _named_for(self, made_by: MadeBy) -> Captioning:
        if made_by.described.get("captioner"):
            from .captioners import remembered_captioner  # which a search of ours does without

            return remembered_captioner(made_by, self.device)
        if self._captioner is None:
            return captioner_of(made_by, self.device)
        if isinstance(self._captioner, str | os.PathLike):
            from ...models.captioning.captioner import Captioner

            place, precision = checkpoint_path(os.fspath(self._captioner)), precision_of(made_by)
            return Captioner.load(place, self.device, precision=precision)
        return self._captioner

    def predictor_for(self, record: dict[str, Any] | None) -> WordPredicting:
        """The predictor of a library's word probabilities; where there are none yet the one that was given,
        else the shipped lexical head.

        errors: as predictor_of; BadLibrary where the given one is not the library's
        """
        key = "" if record is None else str(record.get("fingerprint"))
        with self._loading:
            if self._predictor is not None:
                if record is not None and self._predictor.fingerprint != key:
                    raise BadLibrary(
                        f"The library's word probabilities are of {record.get('name')}, the query's would be "
                        "of the given predictor; they don't compare.",
                        remedy("predict again"),
                    )
                return self._predictor
            if key not in self._predictors:
                self._predictors[key] = predictor_of(record, self.device)
            return self._predictors[key]

    @property
    def gives_predictor(self) -> bool:
        """Whether a predictor of words was given."""
        return self._predictor is not None

    def check_spaces(self, mode: str, hybrid: Callable[[], Mapping[str, float] | None]) -> None:
        """BadSetting where a space was given that the mode does not compare in.

        hybrid: the weights of the modes that mode hybrid is made of
        """
        if not self._space_inputs:
            return
        chosen = find_mode(mode)
        if not chosen.in_space and not chosen.composite:
            raise BadSetting(
                f"Mode {mode!r} compares in no embedding space, and one is given.", remedy("useless space")
            )
        given = self.given_spaces()
        weights = hybrid() if chosen.composite else None
        used = find_mode(renamed_mode(mode, given)).required_parts(Gallery([], [], hybrid=weights))
        for name, space in given.items():
            if name not in used:
                raise BadSetting(
                    f"{space.name} is a space for mode {name!r}, and mode {mode!r} does not compare in it.",
                    remedy("useless space"),
                )

    def given_spaces(self) -> Mapping[str, Space]:
        """The spaces that were given, by the mode that compares in each. errors: as query_spaces"""
        with self.lock:
            if self._given is None:
                self._given = (
                    dict(query_spaces(self._space_inputs, self.device)) if self._space_inputs else {}
                )
            return self._given

    def space_for(self, mode: str, encoder: Mapping[str, object] | None = None) -> Space:
        """The space of a mode. encoder: what the library says of that of its mode clip. errors: as
        default_space and encoder_of"""
        with self.lock:
            given = self.given_spaces()
            if mode in given:
                return given[mode]
            key = mode, str((encoder or {}).get("key", "")) if mode == "clip" else ""
            if key not in self._shipped:
                self._shipped[key] = (
                    encoder_of(encoder, self.device)
                    if mode == "clip"
                    else default_space(mode, self.device, given)
                )
            return self._shipped[key]
