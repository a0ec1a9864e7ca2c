"""Collecting from the web: what captions become of titles, what is read of pages, lists and interfaces, and
that each good picture is kept once. All servers are on the loopback address."""

import csv
import html
import json
import struct
import threading
import time
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas
import pytest
from photographs import encoded, photograph
from PIL import Image, ImageDraw
from typed import Call
from web_server import WebServer, data, page, redirect, refusal, serving

from captionret.cli import collect as collect_command
from captionret.collecting.addresses_file import read_addresses
from captionret.collecting.candidates import Candidate
from captionret.collecting.captions import LONGEST, captions_of, cleaned
from captionret.collecting.collect import Collected, collect
from captionret.collecting.judging import Standards, is_photograph
from captionret.collecting.naming import folder_name
from captionret.collecting.page import pictures_of
from captionret.collecting.sources import Options, open_source
from captionret.collecting.wanted import Wanted, from_sources, listed
from captionret.datasets import open_dataset
from captionret.datasets.writing.tables import write_table
from captionret.errors import BadSetting, NotFetched
from captionret.fetching import Manners, Visitor

QUICK = Manners(
    "captionret/test", per_second=1000, per_host=1000, first_wait=0.01, private=frozenset({"127.0.0.1"})
)


@pytest.fixture
def server() -> Iterator[WebServer]:
    with serving() as served:
        yield served


def rows_of(done: Collected) -> list[dict[str, str]]:
    with open(done.table, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    ("text", "caption"),
    [
        ("File:A_red_bicycle.jpg - Wikimedia Commons", "A red bicycle"),
        ("Two dogs playing | Flickr", "Two dogs playing"),
        ("<p>A <b>cat</b> &amp; a dog<script>x</script></p>", "A cat & a dog x"),
        ("Sunset over the lake #sunset @me https://t.co/abc", "Sunset over the lake"),
        ("a-man-on-a-horse.png", "a man on a horse"),
        ("Young woman smiling stock photo - iStock", "Young woman smiling"),
        ("Ein Hund läuft über die Wiese", "Ein Hund läuft über die Wiese"),
        ("犬が走る", "犬が走る"),
        ("a dog\x00\x1b[2J \u202eruns\ud800", "a dog [2J runs\ufffd"),
        *[
            (text, "")
            for text in ("IMG_2041.JPG", "DSC00012", "", "image", "1234567", "https://a.org/b", "---")
        ],
    ],
)
def test_a_title_becomes_what_a_person_would_say(text: str, caption: str) -> None:
    assert cleaned(text) == caption


def test_a_long_description_ends_with_a_sentence() -> None:
    text = "A dog runs on the beach. " * 30
    assert cleaned(text).endswith("beach.") and len(cleaned(text)) <= LONGEST
    assert len(cleaned("word " * 500)) <= LONGEST and cleaned("word " * 500).endswith("word")


def test_names_of_folders_stay_in_the_folder_and_fit_every_system() -> None:
    assert folder_name("../../etc/passwd") == "etc-passwd" and folder_name("///") == "pictures"
    assert folder_name("con") == "con-" and folder_name("Straße im Süden") == "strasse-im-süden"
    assert len(folder_name("犬" * 200).encode()) <= 60


def test_a_list_is_read_with_img2datasets_columns_and_others(tmp_path: Path) -> None:
    table = tmp_path / "list.parquet"
    pandas.DataFrame({"URL": ["http://a/1.jpg", "http://a/2.jpg"], "TEXT": ["one dog", None]}).to_parquet(
        table
    )
    first, second = read_addresses(table)
    assert (first.address, first.captions, second.captions) == ("http://a/1.jpg", ("one dog",), ())
    columns = ("url", "caption", "license", "creator", "sha256")
    rows = [
        ("http://a/1.jpg", "one dog", "CC BY", "Ann", "AB" * 32),
        ("http://a/1.jpg", "a dog", "CC BY", "Ann", ""),
        ("not an address", "x", "", "", ""),
    ]
    write_table(tmp_path / "list.tsv", columns, rows)
    (only,) = read_addresses(tmp_path / "list.tsv")
    assert only.captions == ("one dog", "a dog") and only.digest == "ab" * 32
    assert (only.licence, only.author, only.source) == ("CC BY", "Ann", "list.tsv")
    (tmp_path / "list.txt").write_text("http://a/1.jpg\n\n# no\nhttps://a/2.jpg\ta cat\n", "utf-8")
    assert [one.captions for one in read_addresses(tmp_path / "list.txt")] == [(), ("a cat",)]


def test_rows_without_a_web_address_are_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = [("http://a/1.jpg", "a"), ("ftp://a/2.jpg", "b"), ("", "c")]
    write_table(tmp_path / "list.csv", ("url", "caption"), rows)
    assert len(read_addresses(tmp_path / "list.csv")) == 1
    assert "https://: 2. The first is 'ftp://a/2.jpg'." in caplog.text


def test_why_an_address_is_refused_is_said_and_a_host_named_as_private_is_asked_again(
    server: WebServer, call: Call, tmp_path: Path
) -> None:
    server.answers["/1.jpg"] = page(encoded(photograph(1)))
    (tmp_path / "list.txt").write_text(f"{server.url}/1.jpg\ta photograph\n")
    asked = ("--urls", tmp_path / "list.txt", "--out", tmp_path / "mine")
    done = call(collect_command, *asked)
    assert done.code == 1 and "refused 1" in done.out
    assert "is a private address" in done.err and "--private" in done.err
    assert call(collect_command, *asked, "--private", "127.0.0.1").out.startswith("kept 1")


def test_an_empty_query_is_asked_of_nobody(call: Call, tmp_path: Path) -> None:
    done = call(collect_command, "--query", " ", "--out", tmp_path / "mine")
    assert done.code == 2 and "--query is empty" in done.err


PAGE = """<html><head><title>Our  trip</title><base href="/b/"><meta name="author" content="Ann">
<link rel="license" href="https://creativecommons.org/licenses/by/4.0/"></head><body>
<img src="one.jpg" alt="A dog &amp; a cat"><img src="data:image/png;base64,AAAA" alt="inline">
<figure><a href="/big/two.jpg"><img src="small.jpg"></a><figcaption>Two boats</figcaption></figure>
<img data-src="lazy.jpg" src="dot.gif" title="Later">
<img srcset="s.jpg 480w, l.jpg 1024w" src="s.jpg" alt="Sizes"><img src="one.jpg">
<img src="http://[bad"></body></html>"""


def test_a_page_gives_its_pictures_with_their_texts(server: WebServer) -> None:
    server.answers["/trip"] = page(PAGE.encode(), "text/html; charset=utf-8")
    found = pictures_of(f"{server.url}/trip", Visitor(QUICK))
    names = [(one.address.removeprefix(server.url), one.captions) for one in found]
    assert names == [
        ("/b/one.jpg", ("A dog & a cat",)),
        ("/big/two.jpg", ("Two boats",)),
        ("/b/lazy.jpg", ("Later",)),
        ("/b/l.jpg", ("Sizes",)),
    ]
    assert found[0].title == "Our trip" and found[0].author == "Ann" and found[0].licence.endswith("by/4.0/")


def openverse(path: str, arguments: dict[str, str]) -> bytes:
    """An interface of Openverse's shape: three pages of two."""
    number = int(arguments["page"])
    results = [
        {
            "url": f"http://pictures.example/{number}{letter}.jpg",
            "title": f"{arguments['q']} {number}{letter}",
            "creator": "Ann <b>B.</b>",
            "license": "by-sa",
            "license_version": "2.0",
            "license_url": "https://creativecommons.org/licenses/by-sa/2.0/",
            "source": "flickr",
            "foreign_landing_url": "https://flickr.example/1",
            **dict.fromkeys(("creator_url", "category", "filesize", "filetype", "height", "width")),
            **{"id": "4bc43a04", "provider": "flickr", "mature": False, "tags": [{"name": "dog"}]},
            **{"thumbnail": "http://api.example/thumb", "attribution": "A dog by Ann", "fields_matched": []},
        }
        for letter in "ab"
    ]
    found = {"result_count": 240, "page_count": 12, "page_size": 20, "page": number, "results": results}
    return data(found) if number <= 3 else refusal(401)  # no deeper


def commons(path: str, arguments: dict[str, str]) -> bytes:
    """An interface of MediaWiki's shape: two answers, the pages not in order."""
    start = int(arguments.get("gsroffset", "0"))

    def of(index: int, licence: str = "cc-by-sa-4.0", mime: str = "image/jpeg") -> dict[str, Any]:
        facts = {"ImageDescription": "<i>A boat</i> at sea", "LicenseShortName": "CC BY-SA 4.0"}
        facts |= {"License": licence, "Artist": '<a href="x">Ben</a>', "DateTimeOriginal": "2019-06-01"}
        values = {name: {"value": value} for name, value in facts.items()}
        info = {"url": "http://u.example/full.jpg", "thumburl": f"http://u.example/{index}.jpg", "mime": mime}
        info |= {"descriptionurl": "http://c.example/File:B.jpg"}
        return {
            "title": f"File:Boat {index}.jpg",
            "index": index,
            "imageinfo": [info | {"extmetadata": values}],
        }

    if start:
        return data({"query": {"pages": [of(4)]}})
    pages = [of(2), of(1), of(3, "cc0"), of(5, mime="image/svg+xml"), {"title": "File:Broken"}, 7]
    return data({"continue": {"gsroffset": 50, "continue": "gsroffset||"}, "query": {"pages": pages}})


def test_openverse_and_commons_are_asked_page_by_page_with_their_licences(server: WebServer) -> None:
    server.otherwise = lambda path, given: openverse(path, given) if path == "/v1" else commons(path, given)
    visitor = Visitor(QUICK)
    first = open_source(f"openverse:{server.url}/v1", Options(("by-sa",)))
    found = list(first.search("red dog", visitor))
    assert [one.captions[0] for one in found] == [f"red dog {n}{x}" for n in (1, 2, 3) for x in "ab"]
    assert (found[0].licence, found[0].source) == ("CC BY-SA 2.0", "openverse/flickr")
    assert "license=by-sa" in server.asked[0]
    second = open_source(f"commons:{server.url}/api.php", Options(("by-sa",), size=640))
    boats = list(second.search("boat", visitor))
    assert [one.address[-5:] for one in boats] == ["1.jpg", "2.jpg", "4.jpg"]
    assert boats[0].captions == ("<i>A boat</i> at sea",) and boats[0].date == "2019-06-01"
    assert "iiurlwidth=960" in server.asked[-1] and "gsroffset=50" in server.asked[-1]
    turns = from_sources("boat", [first, second])(visitor)
    assert [one.source for _, one in zip(range(4), turns, strict=False)] == [
        "openverse/flickr",
        "commons",
    ] * 2


def test_search_engines_are_read_by_icrawler_and_asked_by_our_own_visitor(server: WebServer) -> None:
    pytest.importorskip("icrawler")

    def results(path: str, arguments: dict[str, str]) -> bytes:
        first = int(arguments["first"])
        facts = [
            {"murl": f"http://p.example/{n}.jpg", "purl": f"http://s.example/{n}", "t": title}
            for n, title in enumerate(("A <b>dog</b> & \ue000red\ue001 ball", "IMG_1.jpg"), first)
        ]
        noted = (html.escape(json.dumps(one, separators=(",", ":"))) for one in facts)
        cells = "".join(f'<div class="imgpt"><a class="iusc" m="{one}"></a></div>' for one in noted)
        return page(cells.encode() if first < 40 else b"<p>no more</p>", "text/html")

    server.otherwise = results
    found = list(open_source(f"bing:{server.url}", Options()).search("red dog", Visitor(QUICK)))
    assert [one.address[-5:] for one in found] == ["0.jpg", "1.jpg", "0.jpg", "1.jpg"]
    assert found[0].page == "http://s.example/0" and "q=red+dog" in server.asked[0]
    assert [captions_of(one.captions) for one in found[:2]] == [("A dog & red ball",), ("red dog",)]
    assert "User-Agent: captionret/test" in server.requests[0]
    with pytest.raises(BadSetting, match="baidu cannot look for licences"):
        open_source("baidu", Options(("by",)))


def test_a_wiki_that_is_busy_is_asked_again_and_one_that_wants_a_contact_says_so(server: WebServer) -> None:
    lagged = page(b'{"error": {"code": "maxlag", "info": "Waiting for a database"}}', "application/json")
    busy = [lagged.replace(b"Content-Type", b"Retry-After: 0\r\nContent-Type")]
    server.otherwise = lambda path, given: busy.pop() if busy else commons(path, given)
    source = open_source(f"commons:{server.url}/api.php", Options(("by-sa",)))
    assert len(list(source.search("boat", Visitor(QUICK)))) == 3 and len(server.asked) == 3
    server.otherwise = lambda path, given: refusal(403)
    with pytest.raises(NotFetched, match="do not say how to reach who runs them"):
        list(source.search("boat", Visitor(QUICK)))


def test_drawings_are_told_from_photographs() -> None:
    chart = Image.new("RGB", (300, 200), "white")
    ImageDraw.Draw(chart).rectangle((40, 50, 120, 190), "red")
    assert all(is_photograph(photograph(seed)) for seed in range(5)) and not is_photograph(chart)


def variants(seed: int) -> dict[str, bytes]:
    """Near-duplicates of a picture."""
    image = photograph(seed)
    return {
        "small": encoded(image.resize((144, 108))),
        "poor": encoded(image, quality=30),
        "png": encoded(image, "PNG"),
    }


def test_each_good_picture_is_kept_once_and_the_others_are_counted_by_kind(
    server: WebServer, tmp_path: Path
) -> None:
    good = {f"/good/{n}.jpg": encoded(photograph(n)) for n in range(40)}
    bad = {
        "/cut.jpg": (page(good["/good/1.jpg"][:900]), "broken"),
        "/html.jpg": (page(b"<html>please sign in</html>", "text/html"), "no picture"),
        "/empty.jpg": (page(b""), "broken"),
        "/tiny.jpg": (page(encoded(photograph(90, (40, 30)))), "tiny"),
        "/gone.jpg": (refusal(410), "gone"),
        "/away.jpg": (refusal(503), "for now"),
        "/short.jpg": (b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\nshort", "for now"),
        "/out.jpg": (redirect("http://169.254.169.254/key"), "refused"),
        "/file.jpg": (redirect("file:///etc/passwd"), "refused"),
        "/large.jpg": (page(b"x" * 500_000), "too large"),
        "/again.jpg": (page(good["/good/3.jpg"]), "duplicate"),
    }
    alike = {f"/{name}.jpg": page(content) for name, content in variants(7).items()}
    server.answers |= {path: page(content) for path, content in good.items()} | alike
    server.answers |= {path: answer for path, (answer, _) in bad.items()}
    paths = [*good, *bad, *alike]
    table = [Candidate(server.url + path, (f"picture {path}",)) for path in paths]
    done = collect([Wanted("", listed(table))], tmp_path, QUICK, Standards(most=400_000))
    kept = {row["address"].removeprefix(server.url): row["file"] for row in rows_of(done)}
    assert kept.keys() == good.keys()
    assert all((tmp_path / file).read_bytes() == good[path] for path, file in kept.items())
    expected = {"kept": 40, "near-duplicate": 3} | {
        name: sum(outcome == name for _, outcome in bad.values()) for _, name in bad.values()
    }
    assert done.outcomes == expected and done.new == 40
    assert len(open_dataset(f"table:{done.table}").items) == 40
    text = done.page.read_text("utf-8")
    assert "40 pictures are kept of 54" in text and "169.254.169.254" in text
    asked = len(server.asked)
    again = collect([Wanted("", listed(table))], tmp_path, QUICK, Standards(most=400_000))
    assert again.new == 0 and again.outcomes == expected
    # only what may come another time is asked for again
    assert set(server.asked[asked:]) == {"/robots.txt", "/away.jpg", "/short.jpg"}


def test_a_query_ends_with_as_many_pictures_as_are_wanted_and_goes_on_with_more(
    server: WebServer, tmp_path: Path
) -> None:
    server.answers |= {f"/{n}.jpg": page(encoded(photograph(n))) for n in range(30)}
    table = [Candidate(f"{server.url}/{n}.jpg", (f"dog {n}",)) for n in range(30)]
    done = collect([Wanted("Dogs & cats", listed(table), 5)], tmp_path, QUICK)
    assert done.outcomes == {"kept": 5} and len(server.asked) == 6  # and robots.txt
    assert all(row["file"].startswith("dogs-cats/") for row in rows_of(done))
    removed = tmp_path / rows_of(done)[0]["file"]
    removed.unlink()  # by a person, who does not want it
    done = collect([Wanted("Dogs & cats", listed(table), 8)], tmp_path, QUICK)
    assert done.new == 3 and not removed.exists() and len(rows_of(done)) == 7


def test_a_run_ends_at_its_cap_of_bytes_and_says_so(server: WebServer, tmp_path: Path) -> None:
    content = [encoded(photograph(n)) for n in range(40)]
    server.answers |= {f"/{n}.jpg": page(one) for n, one in enumerate(content)}
    table = [Candidate(f"{server.url}/{n}.jpg", ("dog",)) for n in range(40)]
    done = collect([Wanted("", listed(table))], tmp_path, QUICK, most_bytes=5 * len(content[0]), threads=1)
    assert done.ended and 5 <= done.new < 15


def test_what_is_not_the_listed_picture_is_not_kept(server: WebServer, tmp_path: Path) -> None:
    server.answers["/1.jpg"] = page(encoded(photograph(1)))
    table = [Candidate(f"{server.url}/1.jpg", ("dog",), digest="0" * 64)]
    assert collect([Wanted("", listed(table))], tmp_path, QUICK).outcomes == {"changed": 1}


def test_two_runs_do_not_fill_one_folder(server: WebServer, tmp_path: Path) -> None:
    def slowly(_: Visitor) -> Iterator[Candidate]:
        entered.set()
        left.wait(10)
        yield from ()

    entered, left = threading.Event(), threading.Event()
    running = threading.Thread(target=lambda: collect([Wanted("", slowly)], tmp_path, QUICK))
    running.start()
    entered.wait(10)
    try:
        with pytest.raises(BadSetting, match="is being filled by"):
            collect([], tmp_path, QUICK)
    finally:
        left.set()
        running.join()


def test_a_run_that_was_killed_goes_on_with_what_its_journal_holds(server: WebServer, tmp_path: Path) -> None:
    server.answers |= {f"/{n}.jpg": page(encoded(photograph(n))) for n in range(4)}
    table = [Candidate(f"{server.url}/{n}.jpg", (f"dog {n}",)) for n in range(4)]
    collect([Wanted("", listed(table[:2]))], tmp_path, QUICK)
    journal = tmp_path / "collect.jsonl"
    journal.write_bytes(journal.read_bytes() + b'\xff[1]\n{"address": 3, "outcome": "kept"}\n{"address": "ht')
    done = collect([Wanted("", listed(table))], tmp_path, QUICK)
    assert done.new == 2 and len(rows_of(done)) == 4


def test_robots_txt_is_kept_to(server: WebServer, tmp_path: Path) -> None:
    server.answers["/robots.txt"] = page(
        b"User-agent: *\nDisallow: /private/\nCrawl-delay: 0.2\n", "text/plain"
    )
    server.answers |= {f"/{n}.jpg": page(encoded(photograph(n))) for n in range(3)}
    server.answers["/to"] = redirect("/private/1.jpg")
    paths = ["/private/1.jpg", "/to", "/0.jpg", "/1.jpg", "/2.jpg"]
    table = [Candidate(server.url + path, ("dog",)) for path in paths]
    began = time.monotonic()
    done = collect([Wanted("", listed(table))], tmp_path, QUICK)
    assert done.outcomes == {"kept": 3, "forbidden": 2} and "/private/1.jpg" not in server.asked
    assert time.monotonic() - began > 0.6 and server.asked.count("/robots.txt") == 1


def test_a_host_whose_robots_txt_cannot_be_read_is_left_alone_for_now(
    server: WebServer, tmp_path: Path
) -> None:
    server.answers |= {"/robots.txt": refusal(500), "/0.jpg": page(encoded(photograph(1)))}
    done = collect([Wanted("", listed([Candidate(f"{server.url}/0.jpg", ("dog",))]))], tmp_path, QUICK)
    assert done.outcomes == {"for now": 1} and set(server.asked) == {"/robots.txt"}


def test_a_host_that_asks_for_a_pause_gets_it(server: WebServer) -> None:
    answers = iter([refusal(429, "0.3"), page(b"x")])
    server.otherwise = lambda path, _: next(answers)
    began = time.monotonic()
    assert Visitor(QUICK).get(f"{server.url}/1", robots=False).content == b"x"
    assert time.monotonic() - began >= 0.3
    server.answers["/2"] = refusal(503, "9999")
    visitor = Visitor(QUICK)
    with pytest.raises(NotFetched, match="asks to be left alone for 3 hours"):
        visitor.get(f"{server.url}/2", robots=False)
    asked = len(server.asked)
    with pytest.raises(NotFetched, match="left alone"):
        visitor.get(f"{server.url}/1", robots=False)
    assert len(server.asked) == asked


def test_requests_keep_their_pace(server: WebServer) -> None:
    server.otherwise = lambda path, _: page(b"x")
    manners = Manners(per_second=1000, per_host=20, private=frozenset({"127.0.0.1"}))
    visitor = Visitor(manners)
    threads = [threading.Thread(target=visitor.get, args=(f"{server.url}/{n}",)) for n in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    pictures = [at for at, path in zip(server.times, server.asked, strict=True) if path != "/robots.txt"]
    assert pictures[-1] - pictures[0] >= 0.3


def test_without_a_network_one_sentence_says_so_and_nothing_is_lost(
    tmp_path: Path, server: WebServer
) -> None:
    table = [Candidate(f"http://host-{n}.invalid/1.jpg", ("dog",)) for n in range(20)]
    with pytest.raises(NotFetched, match="The first 12 pictures cannot be reached"):
        collect([Wanted("", listed(table))], tmp_path, QUICK)
    # a sign-in page in the place of every picture
    server.otherwise = lambda path, _: page(b"<html>sign in</html>", "text/html")
    table = [Candidate(f"{server.url}/{n}.jpg", ("dog",)) for n in range(20)]
    with pytest.raises(NotFetched, match="sign-in page before the web"):
        collect([Wanted("", listed(table))], tmp_path, QUICK)
    # one that has every address led to itself
    server.otherwise = lambda path, _: redirect("http://10.0.0.1/sign-in")
    with pytest.raises(NotFetched, match=r"sign-in page before the web.*10\.0\.0\.1"):
        collect([Wanted("", listed(table))], tmp_path, QUICK)
    server.otherwise = lambda path, _: page(encoded(photograph(int(path[1:-4]))))
    server.answers["/robots.txt"] = refusal(404)
    done = collect([Wanted("", listed(table))], tmp_path, QUICK)
    assert done.outcomes["kept"] == 20


def test_an_interface_that_answers_with_a_page_is_named_and_the_others_go_on(
    server: WebServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.otherwise = lambda path, given: (
        openverse(path, given) if path == "/v1" else page(b"<html>sign in", "text/html")
    )
    sources = [
        open_source(f"{name}:{server.url}/{path}", Options())
        for name, path in (("commons", "api"), ("openverse", "v1"))
    ]
    found = list(from_sources("dog", sources)(Visitor(QUICK)))
    assert len(found) == 6 and "answers with a page instead of data" in caplog.text
    with pytest.raises(NotFetched, match="No source answers for 'dog'"):
        list(from_sources("dog", sources[:1])(Visitor(QUICK)))


def test_a_source_whose_quota_is_reached_says_until_when_and_the_others_go_on(
    server: WebServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.otherwise = lambda path, given: refusal(429, "40000") if path == "/v1" else commons(path, given)
    sources = [
        open_source(f"{name}:{server.url}/{path}", Options())
        for name, path in (("openverse", "v1"), ("commons", "api.php"))
    ]
    visitor = Visitor(replace(QUICK, patience=10))
    found = from_sources("boat", sources[:1])
    with pytest.raises(NotFetched, match="No source answers"):
        list(found(visitor))
    assert "asks to be left alone for 12 hours. Try again then." in caplog.text
    server.otherwise = lambda path, given: refusal(429) if path == "/v1" else commons(path, given)
    assert len(list(from_sources("boat", sources)(Visitor(QUICK)))) == 4
    assert "It has answered enough for now" in caplog.text


def test_a_query_that_is_not_answered_leaves_the_others(
    server: WebServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def failing(_: Visitor) -> Iterator[Candidate]:
        yield from ()
        raise NotFetched("the source is away.", "unreachable")

    server.answers |= {f"/{n}.jpg": page(encoded(photograph(n))) for n in range(3)}
    good = [Wanted(f"q{n}", listed([Candidate(f"{server.url}/{n}.jpg", ("dog",))]), 1) for n in range(3)]
    away = Wanted("away", failing, 1)
    done = collect([away, *good[:2], away], tmp_path / "a", QUICK)
    assert done.outcomes == {"kept": 2} and not done.ended and "the source is away." in caplog.text
    done = collect([good[0], *[away] * 6, good[1]], tmp_path / "b", QUICK)
    assert done.outcomes == {"kept": 1} and done.ended == "5 in a row were not answered"
    with pytest.raises(NotFetched, match="the source is away"):
        collect([away], tmp_path / "c", QUICK)


def test_a_bomb_is_refused_before_it_is_decoded(server: WebServer, tmp_path: Path) -> None:
    header = b"IHDR" + struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    server.answers |= {"/b.png": page(bomb + b"\0\0\0\0IDAT"), "/1.jpg": page(encoded(photograph(1)))}
    table = [Candidate(f"{server.url}/{name}", ("dog",)) for name in ("b.png", "1.jpg")]
    assert collect([Wanted("", listed(table))], tmp_path, QUICK).outcomes == {"kept": 1, "broken": 1}
