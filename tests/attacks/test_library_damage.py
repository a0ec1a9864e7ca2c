"""A library that was damaged on its disk is refused by name when it is read, and found by verify; what is
whole in it still answers."""

import errno
import json
import os
import random
import shutil
import sqlite3
import stat
import subprocess
import sys
import textwrap
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from mean_colour import Colours, MeanColour, picture

from captionret.app.searcher import Searcher
from captionret.app.searching import search
from captionret.errors import BadLibrary, CaptionretError
from captionret.library import Library, writing
from captionret.library.catalogue import schema
from captionret.library.index.array_file import write_index_file
from captionret.library.words.word_files import MANIFEST, PART, PredictedWords, WordFile, part_of, written
from captionret.library.writing import PREDICT, UPDATE
from captionret.locks import InUse, locked

ROOT = Path(__file__).resolve().parents[2]
RELEASE = ROOT / "tests" / "golden" / "release-0.5.0" / "library"


@pytest.fixture
def library(tmp_path: Path) -> Library:
    for number in range(12):
        picture(tmp_path / "photos" / f"{number:02d}.png", ["red", "green", "blue"][number % 3], shade=number)
    library = Library.create(tmp_path / "library", tmp_path / "photos")
    library.update(captioner=MeanColour(dim=40))
    library.predict_words(Wide())
    return library


class Wide(Colours):
    """Colours for a backbone with more features."""

    def predict_classes(self, pooled: np.ndarray) -> np.ndarray | None:
        return None

    def predict_words(self, paths: object, hashes: object, pooled: np.ndarray) -> np.ndarray:
        return np.asarray(pooled[:, 2::-1], np.float32)


def feature_file(library: Library) -> Path:
    (file,) = library.path.glob("features-*.f16")
    return file


# --- features ---


@pytest.mark.parametrize("bit", [0x7F, 0xFF, 0x01], ids=["NaN", "minus infinity", "another number"])
def test_flipped_bit_in_the_features_is_refused_and_found(library: Library, bit: int) -> None:
    file = feature_file(library)
    content = bytearray(file.read_bytes())
    content[101] = bit if bit > 1 else content[101] ^ 1
    content[100] = 1 if bit == 0x7F else 0 if bit == 0xFF else content[100]
    if bit == 0xFF:
        content[101] = 0xFC
    file.write_bytes(content)
    opened = Library.open(library.path)
    for _ in range(2):  # a second look finds it, too
        with pytest.raises(BadLibrary, match=r"features-.*rows 0 to 11: the features are not those"):
            search(opened, image=library.root / "00.png", mode="cnn")
    assert search(opened, text="red", mode="jaccard")[0].path == "00.png", "captions are whole"
    assert any("features-" in problem for problem in opened.verify())


def test_features_that_are_not_finite_are_refused_even_where_their_checksum_fits(library: Library) -> None:
    rows = np.memmap(feature_file(library), "<f2", "r+", shape=(12, 40))
    rows[3, 7] = np.inf
    rows.flush()
    with library._catalogue.transaction() as connection:
        connection.execute("DELETE FROM feature_blocks")
    with pytest.raises(BadLibrary, match="a feature is not a finite number"):
        _ = library.gallery().features
    assert any("not a finite number" in problem for problem in library.verify())


def test_checksums_follow_the_rows_that_are_appended(library: Library) -> None:
    for number in range(300):
        picture(library.root / f"more {number}.png", "yellow", shade=-number % 200, size=16 + number // 200)
    library.update(captioner=MeanColour(dim=40), batch_size=77)
    assert library._catalogue.value("SELECT COUNT(*) FROM feature_blocks") == 2
    opened = Library.open(library.path)
    assert opened.verify() == [] and len(opened.gallery().features) == len(opened)


# --- the catalogue ---


def test_random_bytes_in_the_catalogue_are_never_more_than_a_damaged_library(
    library: Library, tmp_path: Path
) -> None:
    library.set_caption("03.png", "my own words")
    library.close()
    whole = (library.path / "catalogue.sqlite").read_bytes()
    chance = random.Random(12)
    refused = 0
    for trial in range(100):
        content = bytearray(whole)
        for _ in range(chance.choice((1, 3, 60))):
            content[chance.randrange(len(content))] = chance.randrange(256)
        folder = tmp_path / f"trial {trial}"
        shutil.copytree(library.path, folder)
        (folder / "catalogue.sqlite").write_bytes(content)
        try:
            with Library.open(folder) as opened:
                found = opened.verify()
                assert all(isinstance(problem, str) for problem in found)
                for ask in (
                    lambda o=opened: search(o, text="red", mode="expected-jaccard"),
                    lambda o=opened: [len(o.failures()), len(list(o)), repr(o), o.root],
                    lambda o=opened: o.update(o.root, MeanColour(dim=40), allow_empty=True),
                ):
                    try:
                        ask()
                    except CaptionretError:
                        refused += 1
        except CaptionretError:
            refused += 1
        shutil.rmtree(folder)
    assert refused > 20


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE captions SET text = 'a plain black picture' WHERE id & 1023 = 0",
        "UPDATE captions SET text = CAST(text AS BLOB)",
        "UPDATE captions SET text = X'FF00'",
        "UPDATE images SET feature_row = 11 - feature_row",
        "UPDATE images SET feature_row = 'first'",
        "UPDATE own_captions SET text = 'another'",
        "UPDATE captioners SET dim = -3",
        "UPDATE captioners SET rows = 1 << 60",
        "UPDATE meta SET value = 'many' WHERE key = 'revision'",
        "UPDATE meta SET value = NULL WHERE key = 'root'",
        "UPDATE files SET path = 7",
    ],
)
def test_altered_row_is_refused_when_it_is_read_and_by_verify(library: Library, statement: str) -> None:
    library.set_caption("03.png", "my own words")
    library.close()
    with closing(sqlite3.connect(library.path / "catalogue.sqlite")) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        try:
            connection.execute(statement)
        except sqlite3.IntegrityError:
            pytest.skip("SQLite itself does not take it")
        connection.commit()
    opened = Library.open(library.path)
    with pytest.raises(BadLibrary, match=r"catalogue\.sqlite is damaged"):
        search(opened, text="red", mode="jaccard")
    assert any("catalogue.sqlite is damaged" in problem for problem in opened.verify())


@pytest.mark.parametrize("more", ['{"tokens": ["a"]}', '{"tokens": ["a"', '{"a": 1}', "[1]", -7.5])
def test_altered_facts_of_captions_are_found_by_verify(library: Library, more: str | float) -> None:
    with library._catalogue.transaction() as connection:
        connection.execute("UPDATE captions SET more = ?", (more,))
    assert any("a caption of the picture" in problem for problem in library.verify())
    with pytest.raises(BadLibrary, match="a caption of the picture"):
        list(library)


@pytest.mark.parametrize(
    ("decoding", "problem"),
    [
        ("[1]", "a way of decoding is not a JSON object"),
        ("[1", "a way of decoding is not JSON"),
        ('{"method": "guess"}', "it names a way of decoding that there is not"),
    ],
)
def test_record_of_a_captioner_that_is_none_is_refused_only_where_it_counts(
    library: Library, decoding: str, problem: str
) -> None:
    with library._catalogue.transaction() as connection:
        connection.execute("UPDATE captioners SET decoding = ?", (decoding,))
    assert library.gallery().paths[0] == "00.png"
    with pytest.raises(BadLibrary, match=problem):
        _ = library.made_by


def test_pictures_that_changed_since_they_were_captioned_are_named_by_verify(library: Library) -> None:
    os.utime(library.root / "03.png", ns=(1, 1))
    (library.root / "04.png").unlink()
    assert library.verify() == [
        f"{library.root / '03.png'} has changed since it was captioned. Run the update.",
        f"{library.root / '04.png'} is not there any more. Run the update.",
    ]


@pytest.mark.parametrize("refused", [".manifest", ".part"])
def test_word_probabilities_that_may_not_be_read_are_named(
    library: Library, monkeypatch: pytest.MonkeyPatch, refused: str
) -> None:
    real = Path.open

    def refuse(path: Path, mode: str = "r") -> object:
        if path.name.startswith("word-probabilities") and path.name.endswith(refused):
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(path, mode)

    library.close()
    monkeypatch.setattr(Path, "open", refuse)
    with Library.open(library.path) as opened:
        assert search(opened, text="red", mode="jaccard")[0].path == "00.png"
        with pytest.raises(BadLibrary, match=r"cannot be read \(Permission denied\)"):
            search(opened, text="red", mode="expected-jaccard")


def test_library_that_may_not_be_written_is_named_before_anything_is_done(library: Library) -> None:
    for lock in (UPDATE, PREDICT):
        (library.path / lock).unlink(missing_ok=True)
        (library.path / lock).mkdir()
    with pytest.raises(BadLibrary, match="may not be written"):
        library.update(captioner=MeanColour(dim=40))
    assert len(library) == 12 and library.verify() == []


# --- word probabilities ---


def rewrite(library: Library, wrong: str) -> None:
    """Put another manifest in its place, or another part, whose checksums are right."""
    folder, stored = library.path, PredictedWords.read(library.path)
    assert stored is not None
    (part,) = stored.parts
    words, hashes = library.gallery().word_probabilities, part.names()
    file = WordFile(folder / MANIFEST)
    facts = dict(file.facts)
    if wrong == "double":
        some = part_of(hashes[:4], words.take(range(4)), None)
        PredictedWords(stored.made_by, (part, written(folder, some))).write(folder)
        return
    if wrong == "another part":
        shutil.copy(folder / PART.format(name=part.name), folder / PART.format(name="another"))
        facts["parts"] = ["another"]
    elif wrong == "fewer":
        held = WordFile(folder / PART.format(name=part.name))
        arrays = {name: held.whole(name) for name in held.names()}
        arrays["hashes"] = arrays["hashes"][32:]
        write_index_file(folder / PART.format(name=part.name), {"name": part.name}, arrays)
    else:
        changed: dict[str, dict[str, object]] = {
            "twice": {"parts": [part.name, part.name]},
            "none": {"parts": ["f" * 12]},
            "list": {"parts": None},
            "made_by": {"made_by": "Colours"},
            "fingerprint": {"made_by": {"fingerprint": 7}},
            "format": {"format": 99},
        }
        facts |= changed[wrong]
    write_index_file(folder / MANIFEST, facts, {"counts": file.whole("counts")})


@pytest.mark.parametrize(
    "wrong", ["another part", "fewer", "twice", "none", "list", "made_by", "fingerprint", "format"]
)
def test_word_probabilities_with_a_wrong_record_are_refused_and_found(library: Library, wrong: str) -> None:
    rewrite(library, wrong)
    with Library.open(library.path) as opened:
        with pytest.raises(BadLibrary, match=r"word-probabilities\S+ is damaged"):
            search(opened, text="red", mode="expected-jaccard")
        assert any("is damaged" in problem for problem in opened.verify())
        assert opened.predict_words(Wide()) == 12, "they can be made again"
        assert opened.verify() == []


def test_pictures_that_stand_twice_in_the_word_probabilities_are_found(library: Library) -> None:
    rewrite(library, "double")
    assert any("hold a picture twice" in problem for problem in library.verify())


def test_flipped_bytes_in_the_word_probabilities_are_refused_and_made_again(library: Library) -> None:
    (part,) = library.path.glob(PART.format(name="*"))
    chance = random.Random(5)
    for file in (part, library.path / MANIFEST):
        whole = file.read_bytes()
        for _ in range(30):
            content = bytearray(whole)
            place = chance.randrange(len(content))
            content[place] ^= 1 << chance.randrange(8)
            file.write_bytes(content)
            with Library.open(library.path) as opened:
                try:
                    hits = search(opened, text="red", mode="expected-jaccard")
                except BadLibrary:
                    continue
                assert [hit.path for hit in hits[:2]] == ["00.png", "03.png"]  # a bit that nothing reads
        file.write_bytes(whole)
    whole = part.read_bytes()
    part.write_bytes(whole[:-40] + bytes([whole[-40] ^ 1]) + whole[-39:])
    assert library.predict_words(Wide()) == 12
    assert library.verify() == []


def test_a_full_disk_leaves_the_word_probabilities_that_are_there(library: Library) -> None:
    picture(library.root / "new.png", "red", shade=77)
    library.update(captioner=MeanColour(dim=40))
    library.close()
    code = f"""
    import resource, signal, sys
    sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "tests")!r}, {str(ROOT / "tests/attacks")!r}]
    from captionret.errors import NoSpace
    from captionret.library import Library
    from mean_colour import Colours
    from test_library_damage import Wide
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with Library.open({str(library.path)!r}) as library:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
        try:
            library.predict_words(Wide())
        except NoSpace:
            print("no space")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], text=True, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "no space\n"), done.stderr
    with Library.open(library.path) as opened:
        assert opened.without_word_probabilities() == 1 and opened.verify() == []
        assert opened.predict_words(Wide()) == 1


# --- disks ---


def test_search_on_a_full_disk_answers_from_an_idle_library(library: Library) -> None:
    library.close()
    assert not list(library.path.glob("*-wal"))
    code = f"""
    import resource, signal, sys
    sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "tests")!r}]
    from captionret.app.searching import search
    from captionret.library import Library
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # not a byte more into any file
    with Library.open({str(library.path)!r}) as library:
        for mode in ("jaccard", "expected-jaccard"):
            assert search(library, text="red", mode=mode)[0].path == "00.png"
        assert library.verify() == []
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], text=True, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def read_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the system say that nothing may be written; a superuser is not stopped by permissions."""
    monkeypatch.setattr(os, "access", lambda *_, **__: False)


def test_library_on_a_read_only_disk_is_read_and_says_that_it_cannot_be_written(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.close()
    read_only(monkeypatch)
    with Library.open(library.path) as opened:
        assert search(opened, text="red", mode="jaccard")[0].path == "00.png"
        with pytest.raises(BadLibrary, match="cannot be read or written"):
            opened.set_hybrid({"jaccard": 1})
    assert not list(library.path.glob("*-shm"))


def test_frozen_library_that_is_written_after_all_is_read_anew(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = library.root
    library.close()
    with monkeypatch.context() as patch:
        read_only(patch)
        opened = Library.open(library.path)
        assert len(opened) == 12
    (root / "00.png").unlink()
    time.sleep(0.02)
    with Library.open(library.path) as writer:
        writer.update(captioner=MeanColour(dim=40))
        assert len(opened) == 11
    assert len(opened) == 11


# --- release 0.5.0 ---


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return Path(shutil.copytree(RELEASE, tmp_path / "old"))


def test_library_of_release_0_5_0_is_given_checksums_and_keeps_everything(old: Path) -> None:
    with closing(sqlite3.connect(old / "catalogue.sqlite")) as connection:
        before = connection.execute("SELECT sha256, n, text, tokens, logprob FROM captions").fetchall()
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    with Library.open(old) as library:
        assert library._catalogue.value("PRAGMA user_version") == schema.FORMAT
        texts = [tuple(caption.text for caption in library.captions(one)) for one in library.gallery().hashes]
        assert sorted(text for one in texts for text in one) == sorted(row[2] for row in before)
        assert library._catalogue.value("SELECT COUNT(*) FROM images WHERE crc = 0") == 0
        assert library._catalogue.value("SELECT COUNT(*) FROM feature_blocks") == 1
        assert all("holds" not in problem and "damaged" not in problem for problem in library.verify())
        assert (old / MANIFEST).is_file() and library.without_word_probabilities() == 0


def test_library_of_release_0_5_0_on_a_read_only_disk_is_read_without_being_changed(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {file.name: file.read_bytes() for file in old.iterdir()}
    read_only(monkeypatch)
    with Library.open(old) as library:
        assert len(library) == 12 and len(library.gallery().features) == len(library)
        assert search(library, text="cat", mode="expected-jaccard")
        with pytest.raises(BadLibrary):
            library.set_caption(library.gallery().paths[0], "a cat")
    assert {file.name: file.read_bytes() for file in old.iterdir()} == before


def test_library_of_release_0_5_0_on_a_read_only_disk_answers_by_words_that_are_not_kept(
    old: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    before = {file.name: file.read_bytes() for file in old.iterdir()}

    def refused(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    read_only(monkeypatch)
    monkeypatch.setattr(writing, "locked", refused)
    caplog.set_level("INFO")
    with Library.open(old) as library:
        searcher = Searcher(library)
        first, again = (searcher.search(text=text, mode="words") for text in ("cat", "a cat"))
    assert first[0].path == again[0].path == "cat.png"
    assert caplog.text.count("They are not kept: ") == 1
    assert {file.name: file.read_bytes() for file in old.iterdir()} == before


def test_doubled_hashes_of_release_0_5_0_are_refused(old: Path) -> None:
    with np.load(old / "beliefs.npz") as parts:
        arrays = dict(parts)
    record = json.loads(bytes(arrays["record"]))
    record["hashes"][1] = record["hashes"][0]
    arrays["record"] = np.frombuffer(json.dumps(record).encode(), np.uint8)
    np.savez(old / "beliefs.npz", **arrays)
    with Library.open(old) as library, pytest.raises(BadLibrary, match="holds a picture twice"):
        search(library, text="cat", mode="expected-jaccard")


def test_upgrade_is_logged_and_one_that_fails_leaves_the_old_format_whole(
    old: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    with monkeypatch.context() as patch, pytest.raises(BadLibrary, match="disk I/O"):
        patch.setattr(schema, "_write_checksums", failing)
        Library.open(old)
    with closing(sqlite3.connect(old / "catalogue.sqlite")) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
        assert "crc" not in {row[1] for row in connection.execute("PRAGMA table_info(captions)")}
    assert caplog.text == ""
    with Library.open(old) as library:
        assert len(library) == 12
    assert f"The library {old} was brought from format 1 to 2." in caplog.text
    assert f"The library {old} was brought from format 2 to 3." in caplog.text


def failing(*_: object) -> None:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR
    raise error


def test_format_that_never_was_is_refused(old: Path) -> None:
    with closing(sqlite3.connect(old / "catalogue.sqlite")) as connection:
        connection.execute("PRAGMA user_version = 0")
    with pytest.raises(BadLibrary, match="it says that it has format 0"):
        Library.open(old)


def test_two_processes_upgrade_one_library_once(old: Path) -> None:
    code = f"from captionret.library import Library; print(len(Library.open({str(old)!r})))"
    started = [
        subprocess.Popen([sys.executable, "-c", code], text=True, stdout=subprocess.PIPE, cwd=ROOT)
        for _ in range(3)
    ]
    assert len({process.communicate()[0] for process in started}) == 1
    assert all(process.returncode == 0 for process in started)


# --- locks ---


def test_holder_is_always_named_however_often_the_lock_changes_hands(tmp_path: Path) -> None:
    code = f"""
    import sys
    from pathlib import Path
    from captionret.locks import locked
    print("ready", flush=True)
    for _ in range(1000000):
        with locked(Path({str(tmp_path / "lock")!r})):
            pass
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], text=True, stdout=subprocess.PIPE, cwd=ROOT
    )
    try:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        holders = set()
        until = time.monotonic() + 1
        while time.monotonic() < until:
            try:
                with locked(tmp_path / "lock"):
                    pass
            except InUse as error:
                holders.add(error.holder)
            if process.poll() is not None:  # it met us, and ended
                break
        assert holders <= {f"process {process.pid}"}
    finally:
        process.kill()
        process.communicate()


def test_lock_of_a_killed_process_is_free_and_its_name_forgotten(tmp_path: Path) -> None:
    code = f"""
    import time
    from pathlib import Path
    from captionret.locks import locked
    with locked(Path({str(tmp_path / "lock")!r})):
        print("held", flush=True)
        time.sleep(60)
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], text=True, stdout=subprocess.PIPE, cwd=ROOT
    )
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    with pytest.raises(InUse, match=f"process {process.pid}"), locked(tmp_path / "lock"):
        pass
    process.kill()
    process.communicate()
    with locked(tmp_path / "lock"):
        owner = tmp_path / "lock.owner"
        assert owner.read_text() == f"{os.getpid()}\n" and stat.S_ISREG(owner.stat().st_mode)
    assert not owner.exists()


def test_copy_that_is_put_back_under_an_open_library_is_what_is_read_and_written(
    library: Library, tmp_path: Path
) -> None:
    shutil.copytree(library.path, tmp_path / "copy")
    library.set_caption("00.png", "a zebra")
    assert len(search(library, text="zebra", mode="jaccard")) == 1
    shutil.rmtree(library.path)
    shutil.copytree(tmp_path / "copy", library.path)
    assert not search(library, text="zebra", mode="jaccard")
    library.set_caption("00.png", "an elephant")
    for one in (library, Library.open(library.path)):
        assert [hit.caption for hit in search(one, text="elephant", mode="jaccard")] == ["an elephant"]
        assert one.verify() == []


def test_library_that_is_deleted_under_who_has_it_open_is_gone_and_not_begun_anew(library: Library) -> None:
    assert search(library, text="red", mode="jaccard")
    shutil.rmtree(library.path)
    for ask in (
        lambda: search(library, text="red", mode="jaccard"),
        lambda: library.set_caption("00.png", "a zebra"),
        lambda: library.update(captioner=MeanColour()),
    ):
        with pytest.raises(BadLibrary, match=r"There is no library in .* \(catalogue.sqlite is missing\)"):
            ask()
    assert not library.path.exists()
