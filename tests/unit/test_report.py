import base64
import io
import json
import math
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from captionret.errors import BadSetting
from captionret.images import open_image
from captionret.records import Explanation, Hit, Query
from captionret.report import thumbnails
from captionret.report.marking import marked
from captionret.report.page import (
    LinksSection,
    PlotSection,
    SearchSection,
    Section,
    TableSection,
    TextSection,
    VariantAnswer,
    VariantsRow,
    VariantsSection,
    share,
    write_page,
)
from captionret.report.plots import training_curve
from captionret.report.tables import latex_table
from captionret.report.terminal import (
    cells,
    explanation_text,
    search_json,
    search_text,
    shorten,
    shorten_path,
    table,
)
from captionret.report.thumbnails import address, thumbnail
from captionret.report.visible import visible, visible_lines

HITS = [
    Hit(1, 0.714, "beach/0142.jpg", "a dog runs on the beach", ("dog", "beach", "runs"), "beach/0142.jpg"),
    Hit(
        2,
        0.5,
        "trip/img_88.jpg",
        "two dogs play on the sand by water",
        ("sand",),
        "trip/img_88.jpg",
        ("again.jpg",),
    ),
    Hit(10, 0.43, "x.jpg", "a car", (), "x.jpg"),
]
PROBABLE = Hit(
    1, 2.5, "x.jpg", "a dog", ("dog", "a"), words=(("dog", 0.9734), ("beach", 0.9996), ("surf", 0.001))
)
QUERY = Query(Path("photos/q.jpg"))
CAPTION = "a brown dog runs along the beach"
VOID = {"meta", "img", "wbr", "link", "br", "input", "source"}


class Page(HTMLParser):
    """Every element with its attributes and text; fails where tags don't nest."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[tuple[int, ...], str]] = []
        self.open: list[int] = []
        self.feed(path.read_text(encoding="utf-8"))
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(len(self.elements) - 1)

    def handle_endtag(self, tag: str) -> None:
        assert self.elements[self.open.pop()][0] == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((tuple(self.open), data))

    def tags(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def text(self, tag: str, kind: str | None = None) -> list[str]:
        """The text of every `tag`, of class `kind` if given."""
        fits = [
            name == tag and (kind is None or attributes.get("class") == kind)
            for name, attributes in self.elements
        ]
        wanted = [index for index, fit in enumerate(fits) if fit]
        return [
            " ".join("".join(text for inside, text in self.texts if index in inside).split())
            for index in wanted
        ]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    root = tmp_path / "photos"
    for number, name in enumerate(["q.jpg", "beach/0142.jpg", "trip/img_88.jpg", "x.jpg"]):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (640, 480), (40 * number, 90, 120)).save(root / name)
    return root


def searched(
    root: Path, hits: Sequence[Hit] = HITS, caption: str | None = CAPTION, **others: Any
) -> SearchSection:
    return SearchSection(
        "A dog",
        Query(root / "q.jpg"),
        caption,
        CAPTION.split(),
        hits,
        root,
        "flickr8k-lite, beam 3",
        **others,
    )


def written(tmp_path: Path, *sections: Section) -> Page:
    return Page(write_page(tmp_path / "out" / "page.html", "Title", "Lead.", sections))


# terminal


def test_search_on_the_terminal_aligns_rank_score_path_caption_and_shared_words() -> None:
    assert search_text(
        QUERY, CAPTION, CAPTION.split(), HITS, "flickr8k-lite, beam 3", width=120
    ).splitlines() == [
        'q.jpg   "a brown dog runs along the beach"                           flickr8k-lite, beam 3',
        "  1  0.71  beach/0142.jpg        a dog runs on the beach             dog beach runs",
        "  2  0.50  trip/img_88.jpg (+1)  two dogs play on the sand by water  sand",
        " 10  0.43  x.jpg                 a car",
    ]


def test_words_with_probabilities_are_shown_in_place_of_shared_words() -> None:
    line = search_text(Query(text="a dog"), None, (), [PROBABLE], "", 120).splitlines()[1]
    assert line == " 1  2.50  x.jpg  a dog  dog .97  beach .99  surf <.01"
    shown = search_text(Query(text="a dog"), None, (), [replace(PROBABLE, certain=("beach",))], "", 120)
    assert shown.splitlines()[1].endswith("dog .97  beach (caption)  surf <.01")
    found = search_json(Query(text="a dog"), None, (), [PROBABLE], "auto", "photos")["hits"][0]
    assert found["why"] == ["dog", "a"]
    assert found["words"][0] == {"word": "dog", "probability": 0.9734, "certain": False}


def test_weak_hits_are_marked_wherever_they_are_shown(tmp_path: Path, photos: Path) -> None:
    hits = [PROBABLE, replace(PROBABLE, rank=2, weak=True, words=(("dog", 0.1),))]
    lines = search_text(Query(text="a dog"), None, (), hits, "", 120).splitlines()
    assert "weak" not in lines[1] and lines[2].endswith("  dog .10  (weak)")
    answer = search_json(Query(text="a dog"), None, (), hits, "auto", "photos")["hits"]
    assert [hit["weak"] for hit in answer] == [False, True]
    assert written(tmp_path, searched(photos, hits)).text("span", "number") == [", score 2.50"] * 2 + ["weak"]


def test_a_hit_that_its_caption_alone_finds_says_so(tmp_path: Path, photos: Path) -> None:
    hit = replace(PROBABLE, weak=True, words=(("flower", 0.03),), by_caption=("flowers",))
    line = search_text(Query(text="a flower"), None, (), [hit], "", 120).splitlines()[1]
    assert line.endswith("  flower .03  caption says flowers  (weak)")
    assert search_json(Query(text="a flower"), None, (), [hit], "auto", "photos")["hits"][0][
        "by_caption"
    ] == ["flowers"]
    assert "   its caption says flowers" in explanation_text(hit, Explanation()).splitlines()
    assert "caption says flowers" in written(tmp_path, searched(photos, [hit])).text("span", "word")


@pytest.mark.parametrize("width", [48, 60, 80, 100])
def test_search_keeps_to_the_terminals_width(width: int) -> None:
    long = [Hit(1, 0.5, "a/long/" * 20 + "end.jpg", "日本の" * 40, ("dog",) * 30)]
    lines = search_text(QUERY, "a dog " * 40, (), long, "flickr8k-lite, beam 3", width).splitlines()
    assert max(map(cells, lines)) <= width
    assert "end.jpg" in lines[-1]


def test_nothing_is_cut_when_the_output_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    text = search_text(
        QUERY, "a dog " * 100, (), [Hit(1, 0.5, "folder/" * 40 + "x.jpg", "a dog " * 100)], "source"
    )
    assert "…" not in text


def test_text_query_and_wordless_query_say_what_was_searched() -> None:
    assert search_text(Query(text="a dog"), None, ("a", "dog"), [], "words", 80).splitlines() == [
        '"a dog"  words',
        " nothing found",
    ]
    assert search_text(QUERY, None, ("dog", "beach"), [], "", 80).startswith("q.jpg   dog beach\n")


def test_names_cannot_break_lines_or_move_the_cursor() -> None:
    evil = [Hit(1, 1.0, "a\nb\x1b[2J\u202egpj.exe\udcff", "one\r\ntwo\tthree", ("a\x00",))]
    lines = search_text(Query(Path("q\n.jpg")), "x\ny", (), evil, "s\n", 200).splitlines()
    assert len(lines) == 2
    assert "a\\nb\\x1b[2J\\u202egpj.exe\\xff" in lines[1]
    assert all(line.isprintable() for line in lines)


def test_visible_text_can_always_be_written_as_utf8_and_keeps_ordinary_letters() -> None:
    assert visible("\udcff\ud83d\x9b\ufeff") == "\\xff\\ud83d\\x9b\\ufeff"
    ordinary = "Zoë's 日本 👩\u200d🚀 e\u0301 – “x” \\n"
    assert visible(ordinary) == ordinary
    "".join(visible(chr(code)) for code in range(0x20000)).encode()


def test_wide_and_combining_letters_are_measured_in_cells() -> None:
    assert [cells(text) for text in ("abc", "日本", "e\u0301", "👩\u200d🚀")] == [3, 4, 1, 4]
    assert shorten("日本語の写真", 6) == "日本…"
    assert shorten_path("very/long/path.jpg", 9) == "…path.jpg"


def test_search_json_has_exactly_the_promised_fields() -> None:
    found = search_json(QUERY, CAPTION, CAPTION.split(), HITS[:1], "jaccard", "photos")
    assert found == {
        "query": {"image": "photos/q.jpg", "text": None, "caption": CAPTION, "tokens": CAPTION.split()},
        "mode": "jaccard",
        "library": "photos",
        "hits": [
            {
                "rank": 1,
                "score": 0.714,
                "path": "beach/0142.jpg",
                "caption": "a dog runs on the beach",
                "why": ["dog", "beach", "runs"],
                "words": [],
                "by_caption": [],
                "by_name": False,
                "weak": False,
                "taken": None,
                "alike": [],
            }
        ],
    }
    odd = search_json(Query(text="a dog"), None, (), [Hit(1, 1.0, "\udcff\n.jpg", "x")], "jaccard", "l")
    assert json.loads(json.dumps(odd)) == odd
    assert odd["query"]["image"] is None


def test_search_json_with_the_librarys_root_has_absolute_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = search_json(QUERY, None, (), HITS[:1], "jaccard", "photos", Path("pictures"))
    assert found["root"] == str(tmp_path / "pictures")
    assert found["query"]["image"] == str(tmp_path / "photos" / "q.jpg")
    assert found["hits"][0]["path"] == str(tmp_path / "pictures" / "beach" / "0142.jpg")
    assert search_json(Query(text="x"), None, (), [], "m", "l", Path("p"))["query"]["image"] is None


def test_a_message_keeps_its_lines_and_no_name_in_it_moves_the_cursor() -> None:
    assert visible_lines("a\x1b[2J.jpg\nb\udcff\r") == "a\\x1b[2J.jpg\nb\\xff\\r"


def test_table_sets_numbers_flush_right_and_text_flush_left() -> None:
    assert table(
        ["variant", "n", "cider_d"], [["model1", 12345, 48.26], ["日本", None, 9.0]], {"cider_d": ".1f"}
    ).splitlines() == [
        "variant       n  cider_d",
        "───────  ──────  ───────",
        "model1   12,345     48.3",
        "日本          –      9.0",
    ]


def test_narrow_table_cuts_text_but_never_a_number() -> None:
    text = table(["name", "about", "n"], [["x", "a long sentence about it", 1234567890]], width=30)
    assert max(map(cells, text.splitlines())) <= 30
    assert "1,234,567,890" in text and "a long s…" in text
    assert "… is cut to the terminal's" in " ".join(text.split()), "and says where all of it is shown"
    assert "…" not in table(["name", "about", "n"], [["x", "a long sentence about it", 1]], width=40)


def test_a_phrase_in_a_query_keeps_its_own_quotation_marks() -> None:
    shown = search_text(Query(text='"red car" street'), None, (), [], "words", 80)
    assert shown.splitlines()[0] == """'"red car" street'  words"""


def test_table_row_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        table(["a", "b"], [["x"]])


# page


def test_page_marks_exactly_the_shared_words_in_query_and_captions(tmp_path: Path, photos: Path) -> None:
    found = written(tmp_path, searched(photos))
    assert found.text("p", "caption") == [hit.caption for hit in HITS]
    assert found.text("p", "quote") == [f"“{CAPTION}”"]
    assert found.text("mark") == ["dog", "runs", "beach", "dog", "runs", "beach", "sand"]


def test_words_are_marked_as_the_tokenizer_sees_them_and_in_the_captions_own_spelling() -> None:
    assert marked("A dog's Dogs, a DOG.", ("dog",)) == "A <mark>dog</mark>&#39;s Dogs, a <mark>DOG</mark>."
    assert marked('"x" İ <dog>', ("dog", "x")) == "&#34;<mark>x</mark>&#34; İ &lt;<mark>dog</mark>&gt;"


def test_shared_words_that_the_caption_does_not_hold_are_listed(tmp_path: Path, photos: Path) -> None:
    hit = Hit(1, 0.9, "x.jpg", "a car", ("car", "road"))
    assert written(tmp_path, searched(photos, [hit])).text("p", "more") == ["also shares road"]


def test_page_shows_the_words_with_their_probabilities(tmp_path: Path, photos: Path) -> None:
    found = written(tmp_path, searched(photos, [PROBABLE]))
    assert found.text("p", "more") == ["dog .97 beach .99 surf <.01"]
    assert found.text("span", "word") == ["dog .97", "beach .99", "surf <.01"]


def test_page_stands_alone(tmp_path: Path, photos: Path) -> None:
    training_curve([{"epoch": 1, "val_loss": 2.0}], tmp_path / "curve.png")
    answer = VariantAnswer("model1", "a dog", HITS)
    sections: list[Section] = [
        searched(photos),
        VariantsSection("V", [VariantsRow(photos / "q.jpg", [answer])], photos),
        PlotSection("P", tmp_path / "curve.png", "a curve"),
    ]
    found = written(tmp_path, *sections)
    sources = [str(image["src"]) for image in found.tags("img")]
    assert len(sources) == 4 + 4 + 1
    assert all(source.startswith(("data:image/jpeg;base64,", "data:image/png;base64,")) for source in sources)
    assert not {tag for tag, _ in found.elements} & {
        "script",
        "link",
        "iframe",
        "object",
        "video",
        "audio",
        "base",
    }
    loading = ("href", "srcset", "action", "data")
    links = [
        value for _, attributes in found.elements for name, value in attributes.items() if name in loading
    ]
    assert links and all(str(link).startswith(("#", "./")) for link in links)
    style = "".join(found.text("style"))
    assert "url(" not in style and "@import" not in style
    policy = next(
        meta["content"] for meta in found.tags("meta") if meta.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    assert str(tmp_path) not in (tmp_path / "out" / "page.html").read_text()


def test_a_picture_is_a_link_to_its_file_as_seen_from_the_page(tmp_path: Path, photos: Path) -> None:
    hits = [Hit(rank, 0.5, name, "a dog") for rank, name in enumerate(["x.jpg", "gone.jpg"], 1)]
    answers = [VariantAnswer("model1", "a dog", hits)]
    found = written(
        tmp_path,
        searched(photos, hits),
        VariantsSection("V", [VariantsRow(photos / "q.jpg", answers)], photos),
    )
    query, hit = "./../photos/q.jpg", "./../photos/x.jpg"
    assert [link["href"] for link in found.tags("a")] == [query, hit, query, hit], "what is gone has none"
    for link in found.tags("a"):
        assert (tmp_path / "out" / str(link["href"])).is_file()


def test_the_address_of_a_file_is_escaped_and_never_a_scheme(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    for name, expected in (
        ("a b#?%.jpg", "./a%20b%23%3F%25.jpg"),
        ("javascript:alert(1)", "./javascript%3Aalert%281%29"),
        ('"><b>\n', "./%22%3E%3Cb%3E%0A"),
        ("\udcff.jpg", "./%FF.jpg"),
    ):
        (tmp_path / name).touch()
        assert address(tmp_path / name, page) == expected
    assert address(tmp_path, page) is None and address(tmp_path / "none", page) is None


def test_links_lead_to_the_pages_beside_it(tmp_path: Path) -> None:
    found = written(
        tmp_path,
        LinksSection("More", [("queries/a b&c.html", "Query <1>"), ("queries/2.html", "Query 2")], "a note"),
    )
    links = [link["href"] for link in found.tags("a") if not str(link["href"]).startswith("#")]
    assert links == ["queries/a%20b%26c.html", "queries/2.html"]
    assert found.text("a")[-2:] == ["Query <1>", "Query 2"]


def test_everything_from_outside_is_escaped(tmp_path: Path, photos: Path) -> None:
    evil = "<script>alert('1')</script>\"'&\n\udcff"
    hit = Hit(1, 1.0, evil, evil, ("alert", evil), copies=(evil,))
    image = photos / 'q"><img src=x onerror=y>\n.jpg'
    Image.new("RGB", (8, 8)).save(image, "JPEG")
    search = SearchSection(evil, Query(image, evil), evil, [evil], [hit], photos, evil, evil)
    answers = [VariantAnswer(evil, evil, [hit])]
    found = written(
        tmp_path,
        search,
        TableSection(evil, [evil], [[evil]], evil),
        VariantsSection(evil, [VariantsRow(image, answers, [evil])], photos, evil),
        TextSection(evil, [evil], [evil]),
    )
    assert not found.tags("script")
    assert all(str(link["href"]).startswith(("#s", "./")) for link in found.tags("a"))
    assert not any(name.startswith("on") for _, attributes in found.elements for name in attributes)
    shown = "<script>alert('1')</script>\"'&\\n\\xff"
    assert found.text("h2") == [shown] * 4
    assert found.text("p", "caption")[0] == shown
    assert shown in found.text("td") + found.text("th")
    assert {image["alt"] for image in found.tags("img")} == {f"Query: {shown}", shown}


def test_broken_and_missing_pictures_become_placeholders_that_say_so(tmp_path: Path, photos: Path) -> None:
    (photos / "x.jpg").write_bytes((photos / "x.jpg").read_bytes()[:300])
    (photos / "trip" / "img_88.jpg").unlink()
    found = written(tmp_path, searched(photos))
    missing = found.text("span", "missing")
    assert len(missing) == 2 and len(found.tags("img")) == 2
    assert "img_88.jpg does not exist" in missing[0]
    assert "x.jpg cannot be decoded" in missing[1]


def test_every_picture_has_an_alternative_text_and_headings_go_down_one_by_one(
    tmp_path: Path, photos: Path
) -> None:
    found = written(tmp_path, searched(photos))
    assert [image["alt"] for image in found.tags("img")] == [
        f"Query: {CAPTION}",
        *(hit.caption for hit in HITS),
    ]
    assert [tag for tag, _ in found.elements if tag in ("h1", "h2", "h3")] == ["h1", "h2", "h3", "h3"]
    ids = [attributes["id"] for _, attributes in found.elements if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_in_the_dark_plots_are_dark_and_a_table_that_goes_on_shows_it(tmp_path: Path) -> None:
    (style,) = written(tmp_path, TextSection("T", ["x"])).text("style")
    dark = style[style.index(".plot img { width") :]
    assert "prefers-color-scheme: dark" in dark and ".plot img { filter: invert" in dark
    scroll = style[style.index(".scroll {") :].partition("}")[0]
    assert "local" in scroll and "var(--shadow)" in scroll


def test_hits_that_belong_together_stand_under_their_heading(photos: Path, tmp_path: Path) -> None:
    found = written(tmp_path, searched(photos, groups=[("2019-06-01", 1), ("no date", len(HITS) - 1)]))
    assert found.text("h4") == ["2019-06-01", "no date"]
    lists = [one for one in found.tags("ol") if one.get("class") == "hits"]
    assert len(lists) == 2 and len(found.tags("article")) == len(HITS)


def test_search_without_hits_says_so(tmp_path: Path) -> None:
    found = written(tmp_path, SearchSection("None", Query(text="a dog"), None, ["a", "dog"], []))
    assert found.text("p", "none") == ["Nothing found."]


def test_best_of_each_column_is_emphasised_and_ties_share_it(tmp_path: Path) -> None:
    rows: list[list[str | float | None]] = [["m1", 20.0, 5, 1], ["m2", 20.0, 3, 2], ["m3", 19.0, None, 3]]
    section = TableSection(
        "T", ["variant", "bleu4", "seconds", "plain"], rows, best={"bleu4": "highest", "seconds": "lowest"}
    )
    found = written(tmp_path, section)
    assert found.text("strong") == ["20.00", "20.00", "3"]
    assert [cell.get("class") for cell in found.tags("th")[:4]] == [None, "right", "right", "right"]
    assert found.text("td")[-2:] == ["–", "3"]


def test_variants_stand_side_by_side_with_their_first_five_hits(tmp_path: Path, photos: Path) -> None:
    hits = [Hit(rank, 1 / rank, "x.jpg", f"hit {rank}") for rank in range(1, 8)]
    answers = [VariantAnswer("model1", "a dog", hits), VariantAnswer("model2", "a cat", hits[:2])]
    found = written(
        tmp_path, VariantsSection("V", [VariantsRow(photos / "q.jpg", answers, ("A real dog .",))], photos)
    )
    assert found.text("th")[:3] == ["picture", "model1", "model2"]
    assert found.text("p", "caption") == ["a dog", "a cat"]
    shown = ["hit 1", "hit 2", "hit 3", "hit 4", "hit 5", "hit 1", "hit 2"]
    assert [image["alt"] for image in found.tags("img")] == ["A real dog .", *shown]
    assert found.text("p", "reference") == ["A real dog ."]


def test_each_picture_is_decoded_once_per_page_and_size(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []

    def counted(path: Path, at_least: int) -> Image.Image:
        opened.append((path.name, at_least))
        return open_image(path, at_least)

    monkeypatch.setattr(thumbnails, "open_image", counted)
    hits = [Hit(rank, 1.0, "x.jpg", "a car") for rank in range(1, 6)]
    written(tmp_path, searched(photos, hits), searched(photos, hits))
    assert sorted(opened) == [("q.jpg", 480), ("x.jpg", 240)]


def test_thumbnails_are_small_upright_jpegs_and_small_pictures_are_not_blown_up(tmp_path: Path) -> None:
    upright = Image.Exif()
    upright[0x0112] = 6
    Image.new("RGB", (1200, 900)).save(tmp_path / "turned.jpg", exif=upright)
    Image.new("RGBA", (20, 10)).save(tmp_path / "small.png")
    Image.new("RGB", (9000, 300)).save(tmp_path / "long.jpg")
    sizes = {}
    for name in ("turned.jpg", "small.png", "long.jpg"):
        found = thumbnail(tmp_path / name, 240)
        content = base64.b64decode(str(found.uri).removeprefix("data:image/jpeg;base64,"))
        with Image.open(io.BytesIO(content)) as image:
            assert image.format == "JPEG" and image.size == (found.width, found.height)
            sizes[name] = image.size
    assert sizes == {"turned.jpg": (240, 320), "small.png": (20, 10), "long.jpg": (720, 24)}


def test_bars_show_scores_of_one_or_of_the_best_beyond_it() -> None:
    hits = [Hit(1, 4.0, "a", ""), Hit(2, 1.0, "b", ""), Hit(3, -1.0, "c", "")]
    assert [share(hit, hits) for hit in hits] == [100, 25, 0]
    assert share(Hit(1, 0.5, "a", ""), [Hit(1, 0.5, "a", "")]) == 50


def test_a_page_that_fails_leaves_the_old_one_in_place(tmp_path: Path) -> None:
    path = write_page(tmp_path / "page.html", "Old", "", [])
    with pytest.raises(FileNotFoundError):
        write_page(path, "New", "", [PlotSection("P", tmp_path / "none.png", "x")])
    assert "<title>Old</title>" in path.read_text()
    assert [file.name for file in tmp_path.iterdir()] == ["page.html"]


def test_commands_to_type_keep_their_lines(tmp_path: Path) -> None:
    found = written(tmp_path, TextSection("T", ["One.", "Two."], ["make demo", "make test"]))
    assert found.text("p", "text") == ["One.", "Two."]
    assert "<pre><code>make demo\nmake test\n</code></pre>" in (tmp_path / "out" / "page.html").read_text()


# plots


def test_training_curve_is_a_readable_png_even_of_one_epoch_without_validation(tmp_path: Path) -> None:
    full = [
        {"epoch": e, "train_loss": 3 / e, "val_loss": 3.2 / e, "cider_d": 10.0 * math.sqrt(e)}
        for e in range(1, 6)
    ]
    for name, history in (("full", full), ("one", [{"epoch": 1, "train_loss": 3.0}])):
        path = training_curve(history, tmp_path / f"{name}.png")
        with Image.open(path) as image:
            assert (
                image.format == "PNG"
                and image.width >= 1200
                and len(image.convert("L").getcolors(256) or ()) > 10
            )


def test_training_curve_of_nothing_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match=r"curve\.png"):
        training_curve([], tmp_path / "curve.png")


def test_a_latex_table_escapes_what_latex_would_read_as_commands() -> None:
    found = latex_table(
        ("mode", "R@1, %", "n_k"), [["a&b", 12.345, 7], ["{c}", None, 1200]], {"R@1, %": ".1f"}, "5 % & more"
    )
    assert found.splitlines() == [
        r"\begin{table}",
        r"\centering",
        r"\caption{5 \% \& more}",
        r"\begin{tabular}{lrr}",
        r"\toprule",
        r"mode & R@1, \% & n\_k \\",
        r"\midrule",
        r"a\&b & 12.3 & 7 \\",
        r"\{c\} & -- & 1,200 \\",
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    with pytest.raises(ValueError, match="zip"):
        latex_table(("mode", "R@1"), [["jaccard"]])
