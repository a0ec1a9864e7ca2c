"""A gallery on disk: a folder's pictures, each with its captions and its feature, kept up to date by
content.

library = Library.open_or_create("photos", "~/Pictures")
library.update()
library.set_caption("beach/dog.jpg", "our dog Bella on the beach")
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

from ..decoding import BeamSearch, Decoding
from ..errors import BadLibrary
from ..files import no_space_named, resolved
from ..home import find_library
from ..remedies import remedy
from ..retrieval.calibrated import FILE, Calibration
from . import edits
from .captions.adopting import check_captioner, check_counts
from .captions.beside import own_way
from .captions.made_by import from_folder
from .captions.noting import PicturesAlone
from .captions.side_by_side import SideBySideLibrary
from .catalogue import writes
from .catalogue.catalogue import Catalogue
from .catalogue.rows import CATALOGUE, stored
from .folders import LibraryFolders
from .info import LibraryInfo, info_of
from .listing import Listing, list_changed, list_places
from .names import PathInput, as_paths
from .protocols import Captioning, EncodingPictures, WordPredicting
from .pruning import Pruned, prune
from .report import UpdateReport
from .surroundings import SURROUNDINGS
from .update import Updater
from .vectors.encoded import EncodedPictures, files_of
from .words.predicting import predict_all
from .words.seen import keeping
from .writing import PREDICT, UPDATE, writing


class Library(SideBySideLibrary, LibraryFolders):
    """An open library. Any thread may use it, and several processes at a time.

    Searching it never waits for an update; what an update commits is seen by the next search. A `snapshot`
    does not change at all.
    """

    @classmethod
    def create(cls, path: Path | str, root: Path | str) -> Self:
        """A new, empty library in the folder `path` for the pictures below `root`.

        path:   a folder, or as a str also a name (see `open`)
        errors: BadLibrary where `path` already holds one, or other files; where `root` is not a folder
        """
        folder, root_folder = find_library(path), resolved(root)
        if (folder / CATALOGUE).exists():
            raise BadLibrary(f"{folder} already holds a library.", remedy("open instead"))
        if not root_folder.is_dir():
            raise BadLibrary(f"{root} is not a folder. Give the folder that holds the pictures.")
        if others := _others_in(folder):
            raise BadLibrary(
                f"{folder} holds other files, such as {others[0]}; a library has a folder of its own.",
                remedy("another library"),
            )
        try:
            with no_space_named(folder):
                folder.mkdir(parents=True, exist_ok=True)
        except (PermissionError, NotADirectoryError, FileExistsError) as error:
            raise BadLibrary(
                f"{folder} cannot be made a library ({error.strerror}).", remedy("another library")
            ) from None
        there = from_folder(folder, root_folder)
        meta = {"root": stored(str(root_folder))} | (
            {} if there is None else {"root_from_library": stored(there)}
        )
        return cls(folder, Catalogue.create(folder / CATALOGUE, meta))

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """Open what `create` made.

        path:   its folder, or as a str also its name: "photos" lies where `captionret index` puts it
        errors: BadLibrary where it is missing, damaged, or of a newer format
        """
        folder = find_library(path)
        return cls(folder, Catalogue(folder / CATALOGUE))

    @classmethod
    def open_or_create(cls, path: Path | str, root: Path | str) -> Self:
        """Open the library in `path`, or make one for `root` where there is none."""
        exists = (find_library(path) / CATALOGUE).exists()
        return cls.open(path) if exists else cls.create(path, root)

    def update(
        self,
        root: Path | str | None = None,
        captioner: Captioning | None = None,
        *,
        changed: Iterable[PathInput] | None = None,
        decoding: Decoding | None = None,
        batch_size: int = 32,
        progress: bool | None = None,
        limit: int | None = None,
        recaption: bool = False,
        allow_empty: bool = False,
        relocate: bool = False,
        device: str = "auto",
    ) -> UpdateReport:
        """Caption what is new or changed below `root`; each batch is kept as soon as it is done, so a stopped
        update goes on later.

        root:        None: the folder the library knows
        captioner:   None: the one that captioned it, or for a new library the shipped one, on `device`
        changed:     look at these files alone, which were written, renamed or deleted, by their whole paths;
                     None: look through the folders
        decoding:    how captions are found and how many are kept of each picture; None: as before
        progress:    whether to show a bar on stderr; None: where that is a terminal
        limit:       caption at most so many pictures now
        recaption:   go over to this captioner or decoding, if the library was made with another; until all is
                     captioned again, the pictures still to come are not found, for two captioners' captions
                     don't compare
        allow_empty: accept that the folder holds no picture any more
        relocate:    accept that the folder now lies at `root`
        errors:      BadLibrary (another folder, another captioner, nothing there), LibraryInUse, NoSpace
        """
        check_counts(batch_size, limit)
        with writing(self.path):
            folder = self._accepted_root(root, relocate)
            places = self._places(folder, allow_empty)
            listing = list_places(places) if changed is None else list_changed(places, as_paths(changed))
            options: dict[str, Any] = {
                "batch_size": batch_size,
                "limit": limit,
                "allow_empty": allow_empty,
                "whole": changed is None,
            }
            return self._run(folder, listing, captioner, decoding, device, progress, recaption, options)

    def add(
        self,
        paths: PathInput | Iterable[PathInput],
        captioner: Captioning | None = None,
        *,
        batch_size: int = 32,
        progress: bool | None = None,
        device: str = "auto",
    ) -> UpdateReport:
        """Caption these pictures, or those in these folders, without looking at the rest of the root. They
        may lie elsewhere; then their paths are whole ones.

        errors: BadSetting for a path that is not there, or that is left out (see `ignore`); as `update`
        """
        with writing(self.path):
            root = self.root
            listing = edits.listing_of(paths, self.folders, edits.KnownNames(self._catalogue), self.ignored)
            with self._catalogue.transaction() as connection:
                writes.include(connection, [file.name for file in listing.files])
            options: dict[str, Any] = {
                "batch_size": batch_size,
                "limit": None,
                "allow_empty": True,
                "whole": False,
            }
            return self._run(root, listing, captioner, None, device, progress, False, options)

    def remove(self, paths: PathInput | Iterable[PathInput]) -> int:
        """Forget these pictures, or all in these folders. Their files stay where they are, and later updates
        pass them over until they are added again.

        returns: of how many files
        errors:  BadLibrary for a path of which the library holds nothing, LibraryInUse
        """
        with writing(self.path):
            return edits.remove(self._catalogue, paths, self.root)

    def set_caption(self, path: PathInput, text: str | None) -> str:
        """Write a picture's caption in your own words. It is kept by updates, and wins over every captioner:
        in modes that compare captions it is the only one, in those that compare word probabilities its words
        have probability 1. It belongs to the content: copies have it, too, and a renamed file keeps it.

        path:    as answers show it, a file's place, or the bare name of a file where only one is called so
        text:    None takes it away again
        returns: the picture's name in the library
        errors:  BadLibrary for a picture that the library doesn't hold, BadSetting for a text without a word
                 and for a name that several files have

        library.set_caption("beach/dog.jpg", "our dog Bella on the beach")
        """
        return edits.set_caption(self._catalogue, path, text, self.root)

    def predict_words(
        self,
        predictor: WordPredicting | None = None,
        *,
        batch_size: int = 256,
        progress: bool | None = None,
        device: str = "auto",
        check: bool = True,
    ) -> int:
        """Keep what `predictor` predicts of every picture; what it predicted before is not asked again.

        A run that is stopped or killed goes on later: what it has done is kept every half minute.
        predictor: None: the one of the word probabilities that are there, or the shipped lexical head
        check:     read all that is there, so that a damaged part is made again
        returns:   of how many pictures it was new
        errors:    BadSetting for a lexical head that reads another backbone's features, BadImage for a
                   picture that has gone bad, LibraryInUse where another process predicts
        """
        with writing(self.path, PREDICT):
            snapshot = self.snapshot()
            predictor = predictor or SURROUNDINGS.predictor(snapshot.predicted_by, device)
            made_by = snapshot.made_by
            predictor.check(made_by.described.get("backbone") if made_by else None)
            return predict_all(snapshot, predictor, batch_size, progress, check)

    def encode_pictures(self, encoder: EncodingPictures, *, progress: bool | None = None) -> int:
        """Keep every picture's vector of an encoder, and compare with it in mode clip from now on; what it
        read before is not read again.

        returns: how many pictures were new
        errors:  as the encoder's; BadLibrary where no picture can be read

        library.encode_pictures(load_encoder("open_clip:ViT-B-32/laion2b_s34b_b79k"))
        """
        self.use_space(encoder.mode, encoder)
        snapshot = self.snapshot()
        hashes = snapshot.gallery().hashes
        kept = EncodedPictures(self.path, encoder)
        new = kept.missing(hashes)
        kept.take(hashes, files_of(snapshot.root, snapshot.pictures), progress)
        kept.keep_only(hashes)
        with self._catalogue.transaction() as connection:
            writes.put_meta(connection, "encoder", json.dumps(encoder.describe()))
        return new

    def info(self) -> LibraryInfo:
        """Its folders, what it holds, who made it, and the room that it takes. errors: BadLibrary"""
        return info_of(self, self._catalogue)

    def prune(self, dry_run: bool = False) -> list[Pruned]:
        """Give back the room of what is kept of pictures that are gone, and of what stopped runs left. What a
        person wrote stays.

        dry_run: only say what would be given back
        errors:  LibraryInUse, NoSpace, BadLibrary where what is there is damaged
        """
        with writing(self.path):
            return prune(self._catalogue, dry_run)

    def set_hybrid(self, weights: Mapping[str, float]) -> None:
        """Keep the weight of each mode in this library's hybrid."""
        with self._catalogue.transaction() as connection:
            writes.put_meta(connection, "hybrid", json.dumps(dict(weights)))

    def set_calibration(self, calibration: Calibration) -> None:
        """Keep how its word probabilities are calibrated; see captionret.app.measuring.calibrating."""
        calibration.write(self.path / FILE)
        with self._catalogue.transaction() as connection:  # so that readers see that something has changed
            writes.put_meta(connection, "calibration", calibration.predictor)

    def _run(
        self,
        root: Path,
        listing: Listing,
        captioner: Captioning | None,
        decoding: Decoding | None,
        device: str,
        progress: bool | None,
        recaption: bool,
        options: Mapping[str, Any],
    ) -> UpdateReport:
        check_captioner(captioner)
        made_by, alone = self.made_by, self.pictures_alone
        captioner = PicturesAlone() if captioner is None and alone else captioner
        own = None if captioner is None else own_way(captioner)
        decoding = decoding or own or (made_by.decoding if made_by else BeamSearch())
        captioner = captioner or SURROUNDINGS.captioner(made_by, decoding, device)
        seeing = keeping(captioner, lambda: self.snapshot().predicted_by, self.path, device)
        updater = Updater(self._catalogue, seeing, decoding, recaption or alone)
        if isinstance(captioner, PicturesAlone):
            with self._catalogue.transaction() as connection:
                writes.put_kind(connection, updater.id, captioner.kind)
        return updater.run(root, listing, progress=progress, **options)


def _others_in(folder: Path) -> list[str]:
    """What lies in the folder of a library to be made and is none of its own files, but for hidden ones."""
    if (folder / UPDATE).exists() or not folder.is_dir():
        return []
    try:
        return sorted(one.name for one in folder.iterdir() if not one.name.startswith("."))
    except OSError:  # making the library says why
        return []
