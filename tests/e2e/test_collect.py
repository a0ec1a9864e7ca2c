"""captionret collect as people type it, against a server on the loopback address."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from photographs import encoded, photograph
from typed import Call
from web_server import WebServer, data, page, serving

from captionret.cli import collect

QUICK = ("--private", "127.0.0.1", "--per-host", 500, "--per-second", 500)


@pytest.fixture
def server() -> Iterator[WebServer]:
    with serving() as served:
        yield served


def test_queries_become_a_data_set_with_licences(call: Call, server: WebServer, tmp_path: Path) -> None:
    def openverse(path: str, arguments: dict[str, str]) -> bytes:
        query = arguments["q"]
        results = [
            {
                "url": f"{server.url}/{query.replace(' ', '%20')}/{n}.jpg",
                "title": f"A {query} no. {n}",
                "license": "cc0",
            }
            for n in range(6)
        ]
        return data({"page_count": 1, "results": results})

    server.otherwise = lambda path, given: (
        openverse(path, given)
        if path == "/v1"
        else page(encoded(photograph(len(path) * 100 + int(path[-5]))))
    )
    server.answers["/robots.txt"] = page(b"User-agent: *\nAllow: /\n", "text/plain")
    (tmp_path / "queries.txt").write_text("# mine\nred dog\n\nblue boat at sea\n", "utf-8")
    typed = (
        "--queries",
        "queries.txt",
        "--source",
        f"openverse:{server.url}/v1",
        "--per-query",
        4,
        "--out",
        "mine",
    )
    done = call(collect, *typed, *QUICK, "--contact", "me@example.org", "--json")
    assert done.code == 0, done.err
    facts = json.loads(done.out)
    assert facts["pictures"] == {"kept": 8} and Path(facts["page"]).is_file()
    rows = Path(facts["table"]).read_text("utf-8").splitlines()
    assert rows[0].startswith("file,caption,query,source,page_title,licence,author,date") and "CC0" in rows[1]
    assert sorted(path.name for path in (tmp_path / "mine").iterdir() if path.is_dir()) == [
        "blue-boat-at-sea",
        "red-dog",
    ]
    assert any("(collects pictures; me@example.org)" in request for request in server.requests)
    asked = len(server.asked)
    assert call(collect, *typed, *QUICK).out.startswith("kept 8\n") and len(server.asked) == asked


def test_who_gives_no_contact_is_asked_for_one_where_wikimedia_wants_it(
    call: Call, server: WebServer, tmp_path: Path
) -> None:
    server.otherwise = lambda path, given: data({"query": {"pages": []}})
    typed = ("--query", "dog", "--source", f"commons:{server.url}/api.php", "--out", "mine", *QUICK)
    assert "Wikimedia asks programs how to reach who runs them" in call(collect, *typed).err
    assert "Wikimedia" not in call(collect, *typed, "--contact", "me@example.org").err


def test_what_cannot_work_is_refused_with_a_sentence(call: Call, tmp_path: Path) -> None:
    assert "Say what to collect" in call(collect, "--out", "x").err
    assert (
        "There is no source 'flickr'" in call(collect, "--query", "a", "--source", "flickr", "--out", "x").err
    )
    assert (
        "is no server's address" in call(collect, "--query", "a", "--source", "commons:x", "--out", "x").err
    )
    assert "'lots' is no size" in call(collect, "--query", "a", "--max-bytes", "lots", "--out", "x").err
    (tmp_path / "list.csv").write_text("picture,caption\n", "utf-8")
    done = call(collect, "--urls", "list.csv", "--out", "x")
    assert done.code == 3 and "has no column named url or" in done.err
    (tmp_path / "file").write_text("", "utf-8")
    done = call(collect, "--page", "http://127.0.0.1:9/", "--out", "file")
    assert done.code == 3 and "file cannot be used" in done.err
    done = call(collect, "--page", "http://127.0.0.1:9/", "--out", "x")
    assert done.code == 3 and "private address" in done.err
