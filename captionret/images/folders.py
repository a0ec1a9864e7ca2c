"""Which files of a folder are pictures."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

EXTENSIONS = frozenset(
    ".jpg .jpeg .jpe .jfif .png .webp .bmp .gif .tif .tiff .ppm .pgm .pbm .avif .jp2 .heic .heif".split()
)
# Files that people keep beside their pictures, and expect to hear about
_OTHER_KINDS = {
    "RAW photographs": ".cr2 .cr3 .crw .nef .nrw .arw .srf .sr2 .dng .raf .orf .rw2 .pef .srw .x3f .raw .3fr",
    "videos": ".mp4 .mov .m4v .avi .mkv .webm .3gp .mts .m2ts .wmv .mpg .mpeg .ogv .flv",
    "sound files": ".mp3 .m4a .wav .flac .ogg .opus .aac",
    "drawings": ".svg .psd .ai .eps .xcf .kra",
    "documents": ".pdf .doc .docx .odt .ppt .pptx .xls .xlsx .ods",
    "texts": ".txt .md .csv .tsv .json .jsonl .xml .xmp .html .htm .yml .yaml .ini .log .aae",
    "archives": ".zip .tar .gz .tgz .xz .bz2 .7z .rar",
}
_KIND_OF = {extension: kind for kind, names in _OTHER_KINDS.items() for extension in names.split()}


def kind_of(name: str) -> str:
    """What a file that is no picture is, by its name, in the plural: "videos"; "other files" if unknown.

    >>> kind_of("DSC_0001.NEF")
    'RAW photographs'
    """
    return _KIND_OF.get(os.path.splitext(name)[1].lower(), "other files")


def find_images(
    root: Path | str, unreadable: list[str] | None = None, others: Counter[str] | None = None
) -> Iterator[Path]:
    """Every picture file below `root`, in a fixed order. Hidden files and folders are passed over, links to
    folders not followed.

    unreadable: receives the folders that may not be listed
    others:     counts the files that are no pictures by their kind: "videos", "RAW photographs", "texts"
    """
    return map(Path, image_files(root, unreadable, others))


def image_files(
    root: Path | str, unreadable: list[str] | None = None, others: Counter[str] | None = None
) -> Iterator[str]:
    """The same as texts, which are made many times as fast."""

    def note(error: OSError) -> None:
        if unreadable is not None:
            unreadable.append(f"{error.filename}: {error.strerror}")

    for folder, folders, names in os.walk(root, onerror=note):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        start = os.path.join(folder, "")
        for name in sorted(names):
            if name.startswith("."):
                continue
            if os.path.splitext(name)[1].lower() in EXTENSIONS:
                yield start + name
            elif others is not None:
                others[kind_of(name)] += 1
