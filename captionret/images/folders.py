"""Which files of a folder are pictures."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from . import raw
from .ignoring import IGNORE_FILE, Rules

JPEG_XL = find_spec("pillow_jxl") is not None  # Pillow reads it by a plug-in, which is an extra
EXTENSIONS = raw.EXTENSIONS | frozenset(
    ".jpg .jpeg .jpe .jfif .png .webp .bmp .gif .tif .tiff .ppm .pgm .pbm .avif .jp2 .heic .heif".split()
    + [".jxl"] * JPEG_XL
)
# Files that people keep beside their pictures, and expect to hear about
_OTHER_KINDS = {
    "RAW photographs": ".crw .x3f .raw .mrw .erf .kdc .dcr .mef .mos .iiq",
    "JPEG XL pictures": ".jxl",
    "videos": ".mp4 .mov .m4v .avi .mkv .webm .3gp .mts .m2ts .wmv .mpg .mpeg .ogv .flv",
    "sound files": ".mp3 .m4a .wav .flac .ogg .opus .aac",
    "drawings": ".svg .psd .ai .eps .xcf .kra",
    "documents": ".pdf .doc .docx .odt .ppt .pptx .xls .xlsx .ods",
    "texts": ".txt .md .csv .tsv .json .jsonl .xml .xmp .html .htm .yml .yaml .ini .log .aae",
    "archives": ".zip .tar .gz .tgz .xz .bz2 .7z .rar",
    "unfinished files": ".part .partial .crdownload .download .tmp .temp .swp .lock",
}
_KIND_OF = {extension: kind for kind, names in _OTHER_KINDS.items() for extension in names.split()}
# What systems and storage devices put there; these folders hold thumbnails, and what was deleted
_SYSTEM_FILES = frozenset(("thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "icon\r"))
_SYSTEM_FOLDERS = frozenset(
    "$recycle.bin|recycler|system volume information|lost+found|__macosx|@eadir|@recycle|#recycle|#snapshot"
    "|@recently-snapshot".split("|")
)
HIDDEN_FILES, HIDDEN_FOLDERS = "hidden files", "hidden folders"
SYSTEM_FILES, SYSTEM_FOLDERS = "files of the system", "folders of the system"
LEFT_OUT, FOLDERS_LEFT_OUT = "pictures left out by a pattern", "folders left out by a pattern"
LINKS = "links to folders"
Identity = tuple[int, int]  # of a folder: its disk and its number there


def kind_of(name: str) -> str:
    """What a file that is no picture is, by its name, in the plural: "videos"; "other files" if unknown.

    >>> kind_of("DSC_0001.MOV")
    'videos'
    """
    if name.startswith("."):
        return HIDDEN_FILES
    if name.lower() in _SYSTEM_FILES:
        return SYSTEM_FILES
    return _KIND_OF.get(os.path.splitext(name)[1].lower(), "other files")


def is_picture(name: str) -> bool:
    """Whether a file is taken for a picture, by its name.

    >>> is_picture("beach/DOG.JPG"), is_picture(".DOG.JPG"), is_picture("dog.txt")
    (True, False, False)
    """
    return _is_picture(os.path.basename(name))


def find_images(
    root: Path | str, unreadable: list[str] | None = None, others: Counter[str] | None = None
) -> Iterator[Path]:
    """Every picture file below `root`, in a fixed order. Hidden files, hidden folders and those of the system
    are passed over, links to folders not followed, and what a `.captionretignore` names is left out.

    unreadable: receives the folders that may not be listed
    others:     counts what was passed over by its kind: "videos", "texts", "hidden files"
    """
    return map(Path, image_files(root, unreadable, others))


def image_files(
    root: Path | str,
    unreadable: list[str] | None = None,
    others: Counter[str] | None = None,
    patterns: Sequence[str] = (),
    disks: list[str] | None = None,
) -> Iterator[str]:
    """The same as texts, which are made many times as fast.

    patterns: leave out what they name, too; see Rules
    disks:    receives the folders below `root` that lie on another disk than the folder that they are in
    errors:   BadSetting for a pattern that cannot be understood
    """
    walk = _Walk([] if unreadable is None else unreadable, Counter() if others is None else others)
    start = os.fspath(root)
    waiting = [_Folder(start, Rules.given(start, patterns))]
    while waiting:
        folder = waiting.pop()
        pictures, folders = walk.look_into(folder, [] if disks is None else disks)
        yield from pictures
        waiting += reversed(folders)


def rules_of(root: Path | str, folder: str, patterns: Sequence[str] = ()) -> Rules | None:
    """The patterns that hold in a folder below `root`, or in `root` itself; None for one that looking through
    `root` passes over.

    patterns: as in image_files; errors: OSError, ValueError for a file of patterns that cannot be read
    """
    place = os.fspath(root)
    rules = Rules.given(place, patterns)
    inner = os.path.relpath(folder, place)
    for name in ("", *(inner.split(os.sep) if inner != os.curdir else ())):
        place = os.path.join(place, name) if name else place
        if name and (_kind_of_folder(name) or rules.leave_out(f"{place}/")):
            return None
        if os.path.isfile(os.path.join(place, IGNORE_FILE)):
            rules = rules.inside(place)
    return rules


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder still to be looked into.

    above: the folders that it lies in; one that is among them lies inside itself
    """

    place: str
    rules: Rules
    above: tuple[Identity, ...] = ()


@dataclass(slots=True)
class _Walk:
    """Looking through a folder; see image_files."""

    unreadable: list[str]
    others: Counter[str]

    def look_into(self, folder: _Folder, disks: list[str]) -> tuple[list[str], list[_Folder]]:
        """The pictures in a folder, and the folders in it that are to be looked into."""
        try:
            here = _identity(folder.place)
            if here in folder.above and here[1]:  # some file systems number nothing
                raise OSError(0, "it lies inside itself", folder.place)
            if folder.above and folder.above[-1][0] != here[0]:
                disks.append(folder.place)
            files, folders = self._listed(folder.place)
            rules = folder.rules.inside(folder.place) if IGNORE_FILE in files else folder.rules
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or f"its {IGNORE_FILE} cannot be understood"
            self.unreadable.append(f"{folder.place}: {reason}")
            return [], []
        above = (*folder.above, here)
        start = os.path.join(folder.place, "")
        pictures = [start + name for name in files if self._is_wanted(name, start, rules)]
        return pictures, [
            _Folder(start + name, rules, above) for name in folders if self._is_entered(name, start, rules)
        ]

    def _listed(self, place: str) -> tuple[list[str], list[str]]:
        """The names of files and of folders, sorted; links to folders are counted."""
        files, folders = [], []
        with os.scandir(place) as entries:
            for entry in entries:
                if not _is_folder(entry):
                    files.append(entry.name)
                elif entry.is_symlink():
                    self.others[LINKS] += 1
                else:
                    folders.append(entry.name)
        return sorted(files), sorted(folders)

    def _is_wanted(self, name: str, start: str, rules: Rules) -> bool:
        if not _is_picture(name):
            if name != IGNORE_FILE:
                self.others[kind_of(name)] += 1
            return False
        if rules.leave_out(start + name):
            self.others[LEFT_OUT] += 1
            return False
        return True

    def _is_entered(self, name: str, start: str, rules: Rules) -> bool:
        kind = _kind_of_folder(name)
        if kind is None and rules.leave_out(f"{start}{name}/"):
            kind = FOLDERS_LEFT_OUT
        if kind is not None:
            self.others[kind] += 1
        return kind is None


def _is_picture(name: str) -> bool:
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in EXTENSIONS


def _kind_of_folder(name: str) -> str | None:
    """What a folder that is never looked into is; None for others."""
    if name.startswith("."):
        return HIDDEN_FOLDERS
    return SYSTEM_FOLDERS if name.lower() in _SYSTEM_FOLDERS else None


def is_passed_over(folder: str) -> bool:
    """Whether a folder, relative to one that is looked through, lies in one that is never looked into.

    >>> is_passed_over("trip/.git/objects"), is_passed_over("trip"), is_passed_over(".")
    (True, False, False)
    """
    return folder != os.curdir and any(map(_kind_of_folder, folder.split(os.sep)))


def _identity(place: str) -> Identity:
    facts = os.stat(place)
    return facts.st_dev, facts.st_ino


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads in a circle
        return False
