"""The page in a real browser: what a person does with it, on a desk and on a phone, in light and in dark."""

import random
import re
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from mean_colour import Colours, MeanColour, picture
from PIL import Image

from captionret.app.searcher import Searcher
from captionret.library import Library
from captionret.records import Caption, GivenCaptions
from captionret.report.page import TableSection, write_page
from captionret.web.application import create_app
from captionret.web.settings import Settings
from captionret.web.shelf import Shelf

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
HOSTILE = "<img src=x onerror=alert(1)>.png"
CAMERA = "<script>alert(2)</script>"
Turn = Callable[..., Any]
PHONE = {"viewport": {"width": 390, "height": 800}, "has_touch": True, "is_mobile": True}
REFUSED = ("status of 400", "ERR_INTERNET_DISCONNECTED")  # what a test asks for itself
# how wide the page is while an answer is waited for, when the bar that says so is nearly at its end
WAITING = """() => {
  document.querySelector(".search-page").classList.add("waiting");
  document.getAnimations().find((one) => one.animationName === "pass").currentTime = 1490;
  const wide = document.documentElement.scrollWidth;
  document.querySelector(".search-page").classList.remove("waiting");
  return wide;
}"""

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed here")


def make_library(folder: Path, plain: int = 0) -> Library:
    root = folder / "photos"
    for number, colour in enumerate(["red", "green", "blue", "yellow"] * 2):
        picture(root / ("beach" if colour == "blue" else "") / f"{colour}-{number}.png", colour, shade=number)
    for number in range(plain):
        picture(root / "many" / f"{number:03d}.png", "white", shade=-(number % 60), size=16 + number // 60)
    exif = Image.Exif()
    exif[272], exif[306] = CAMERA, "2019:06:01 12:30:00"
    Image.new("RGB", (40, 30), (5, 5, 5)).save(root / HOSTILE, exif=exif)
    library = Library.create(folder / "library", root)
    library.update(root, MeanColour(), progress=False)
    library.predict_words(Colours(), progress=False)
    return library


BLUE_PICTURE = """const canvas = new OffscreenCanvas(20, 20);
             const pen = canvas.getContext("2d");
             pen.fillStyle = "rgb(36, 32, 222)";
             pen.fillRect(0, 0, 20, 20);
             const data = new DataTransfer();
             data.items.add(new File([await canvas.convertToBlob()], "q.png", {type: "image/png"}));"""


@contextmanager
def serving(libraries: dict[str, Library], **options: Any) -> Iterator[str]:
    """The application on a free port of this machine."""
    searchers = {
        name: Searcher(library, captioner=MeanColour(), predictor=Colours())
        for name, library in libraries.items()
    }
    cache = next(iter(libraries.values())).path / "thumbnails"
    listening = socket.create_server(("127.0.0.1", 0))
    app = create_app(Settings(cache=cache, **options), Shelf(searchers))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    until = time.monotonic() + 20
    while not server.started and time.monotonic() < until:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("web")
    libraries = {"photos": make_library(folder / "a", plain=190), "changing": make_library(folder / "b")}
    told = libraries["told"] = make_library(folder / "c")
    (told.root / "again.png").write_bytes((told.root / "red-0.png").read_bytes())
    leaf = Image.frombytes("L", (8, 8), bytes(71 * number % 256 for number in range(64))).resize((240, 240))
    leaf.save(told.root / "leaf.png")
    leaf.resize((120, 120)).save(told.root / "small-leaf.jpg")
    told.update(told.root, MeanColour(), progress=False)
    caption = Caption("our old zebra", ("our", "old", "zebra"), 0.0)
    told.add_captions("notes.csv", [GivenCaptions("red-0.png", (caption,))])
    table = TableSection("Scores", ["variant", "CIDEr-D"], [["model2-lite", 51.2]])
    write_page(folder / "reports" / "index.html", "Variants compared", "5 pictures", [table])
    with serving(libraries, uploads="added", reports=(folder / "reports",)) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def turn(browser: Any, address: str) -> Iterator[Turn]:
    """Open an address of the page; at the end nothing may have gone wrong, and nobody else been asked."""
    wrong: list[str] = []
    contexts = []

    def note_refusal(answer: Any) -> None:
        if answer.status >= 500 or not answer.url.startswith((address, "blob:", "data:")):
            wrong.append(f"{answer.status} {answer.url}")

    def refuse_dialog(dialog: Any) -> None:
        wrong.append(dialog.message)
        dialog.dismiss()

    def note_message(message: Any) -> None:
        if message.type in ("error", "warning"):
            wrong.append(message.text)

    def open_page(place: str = "/", **options: Any) -> Any:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        context.set_default_timeout(8000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", refuse_dialog)
        page.on("console", note_message)
        page.on("response", note_refusal)
        page.goto(address + place)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [one for one in wrong if not any(refused in one for refused in REFUSED)] == []


def captions(page: Any) -> list[str]:
    found: list[str] = page.locator("picture-card .caption").all_inner_texts()
    return found


def first_caption(page: Any, text: str) -> None:
    """Wait until the first picture has this caption."""
    page.wait_for_function(
        "text => document.querySelector('picture-card .caption')?.textContent.includes(text)", arg=text
    )


def test_typing_completes_words_and_finds_while_one_types(turn: Turn) -> None:
    page = turn("/?lib=photos&mode=words")
    page.locator(".welcome .chip-link").first.wait_for()
    page.keyboard.press("/")
    page.keyboard.type("blu", delay=20)
    page.get_by_role("option", name="blue").wait_for()
    first_caption(page, "a plain blue picture")
    assert "Shown for “blue”" in page.inner_text(".head")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert page.input_value("search-box input[type=search]").strip() == "blue"
    word = page.locator("picture-card .word", has_text="blue").first
    assert word.locator("small").inner_text().startswith(".8")
    page.keyboard.press("Escape")
    assert page.input_value("search-box input[type=search]").strip() == "blue"
    page.go_back()
    page.wait_for_selector(".welcome")


def test_what_is_half_typed_is_not_called_wrong_at_once(turn: Turn) -> None:
    page = turn("/?lib=photos&q=blue&mode=jaccard")
    first_caption(page, "blue")
    page.locator("search-box input[type=search]").fill("(green OR")
    page.wait_for_url("**green**")
    page.wait_for_timeout(300)
    assert page.locator("picture-card").count() > 0 and page.locator(".message").count() == 0
    page.locator(".message", has_text="After OR").wait_for()


def test_a_click_is_more_like_this_and_the_address_holds_it(turn: Turn) -> None:
    page = turn("/?lib=photos&q=blue&mode=cnn")
    page.goto(page.url.replace("q=blue&mode=cnn", "q=blue&mode=words"))
    first_caption(page, "blue")
    page.locator("picture-card .shown").first.click()
    page.wait_for_selector(".query-picture:not([hidden])")
    assert "image=" in page.url and page.locator(".of-picture q").inner_text() == "a plain blue picture"
    page.reload()
    page.wait_for_selector(".query-picture:not([hidden])")
    page.go_back()
    page.wait_for_selector(".query-picture", state="hidden")


def test_a_picture_is_dropped_or_pasted_and_its_like_found(turn: Turn) -> None:
    page = turn("/?lib=photos&mode=cnn")
    page.wait_for_selector("picture-card")
    page.evaluate(
        f"""async (kind) => {{
             {BLUE_PICTURE}
             const event = {{bubbles: true, cancelable: true, dataTransfer: data}};
             document.body.dispatchEvent(new DragEvent(kind, event));
           }}""",
        "drop",
    )
    page.wait_for_selector(".query-picture:not([hidden]) img")
    first_caption(page, "a plain blue picture")
    page.reload()
    page.wait_for_function("() => document.querySelector('.query-picture img')?.naturalWidth > 0")
    page.get_by_label("Without the picture").click()
    page.wait_for_selector(".welcome")


def test_likes_and_dislikes_move_the_answer_and_are_undone(turn: Turn) -> None:
    page = turn("/?lib=photos&q=plain&mode=jaccard")
    page.wait_for_selector("picture-card")
    card = page.locator("picture-card", has_text="green").first
    card.hover()
    card.get_by_label("More of this kind").click()
    first_caption(page, "green")
    assert page.locator(".judgement.good").count() == 1
    page.locator("picture-card").nth(1).hover()
    page.locator("picture-card").nth(1).get_by_label("Less of this kind").click()
    page.wait_for_selector(".judgement.bad")
    page.get_by_role("button", name="Undo").last.click()
    page.wait_for_selector(".judgement.bad", state="detached")
    page.locator("picture-card").nth(1).get_by_label("Less of this kind").click()
    page.get_by_role("button", name="Undo").wait_for()
    page.locator("picture-card .shown").nth(1).click()  # another query
    page.get_by_role("button", name="Undo").wait_for(state="detached", timeout=3000)


def test_a_word_is_searched_by_a_click_and_left_out_with_alt(turn: Turn) -> None:
    page = turn("/?lib=photos&q=plain+blue&mode=words")
    page.locator("picture-card .word", has_text="blue").first.click(modifiers=["Alt"])
    page.wait_for_url("**q=plain+-blue**")


def test_the_only_word_of_a_query_is_not_left_out(turn: Turn) -> None:
    """`-blue` alone is a query that is refused: nothing is asked for."""
    page = turn("/?lib=photos&q=blue&mode=words")
    page.locator("picture-card .word", has_text="blue").first.click(modifiers=["Alt"])
    page.get_by_text("Search for something else first: without blue nothing is asked for.").wait_for()
    assert page.url.endswith("q=blue&mode=words")


def test_nothing_fits_offers_what_is_near_and_a_broken_query_shows_its_place(turn: Turn) -> None:
    page = turn("/?lib=photos&q=zzzzzz&mode=jaccard")
    page.get_by_role("heading", name="Nothing fits").wait_for()
    page.locator("search-box input[type=search]").fill("word " * 300)
    page.locator(".notice", has_text="at most 1,000 characters").wait_for()
    page.goto(page.url.split("&q=")[0] + "&q=(dog")
    assert "^" in page.locator("pre.message").inner_text()


def test_filters_are_chips(turn: Turn) -> None:
    page = turn("/?lib=photos&q=plain&mode=jaccard")
    page.get_by_label("Folder").select_option("beach")
    page.wait_for_url("**under=beach**")
    page.wait_for_function("() => document.querySelectorAll('picture-card').length === 2")
    page.get_by_label("Any folder").last.click()
    page.wait_for_function("() => document.querySelectorAll('picture-card').length > 2")


def test_all_pictures_come_while_one_scrolls_and_far_ones_leave_the_page(turn: Turn) -> None:
    page = turn("/?lib=photos")
    page.wait_for_selector("picture-card")
    for _ in range(30):
        page.mouse.wheel(0, 4000)
        page.wait_for_timeout(60)
        if page.locator(".part").count() == 5:
            break
    page.wait_for_timeout(300)
    assert page.locator(".part").count() == 5  # of 199 pictures, 40 at a time
    assert page.locator("picture-card").count() < 199


def test_pictures_are_chosen_and_taken_along_as_a_list(turn: Turn) -> None:
    page = turn("/?lib=photos&under=beach&show=newest")
    page.wait_for_selector("picture-card")
    page.keyboard.press("/")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("x")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+X")
    bar = page.get_by_role("region", name="Chosen pictures")
    assert bar.get_by_role("status").inner_text() == "2 pictures chosen"
    with page.expect_download() as saved:
        bar.get_by_role("button", name="Save a list").click()
    assert saved.value.suggested_filename == "photos - 2 pictures.csv"
    text = Path(saved.value.path()).read_text(encoding="utf-8-sig")
    assert len(text.splitlines()) == 3 and "blue-2.png,a plain blue picture,false" in text
    bar.get_by_role("button", name="More like these").click()
    page.wait_for_function("() => document.querySelectorAll('.judgement.good').length === 2")
    bar.get_by_role("button", name="None").click()
    bar.wait_for(state="hidden")


def test_the_page_goes_on_by_itself_when_the_server_is_back(turn: Turn) -> None:
    page = turn("/?lib=photos&q=plain&mode=jaccard")
    first_caption(page, "plain")
    page.context.set_offline(True)
    page.locator("search-box input[type=search]").fill("blue")
    page.get_by_role("heading", name="The server does not answer").wait_for()
    page.get_by_role("link", name="Library").click()
    page.get_by_role("heading", name="The server does not answer").last.wait_for()
    page.context.set_offline(False)
    page.locator(".word-bars a").first.wait_for()
    page.go_back()
    first_caption(page, "blue")


def test_more_pictures_come_in_whole_rows_when_the_server_is_back(turn: Turn) -> None:
    page = turn("/?lib=photos", viewport={"width": 900, "height": 1100})
    page.wait_for_selector("picture-card")
    page.wait_for_timeout(300)
    page.context.set_offline(True)
    while not page.locator(".end .button").is_visible():
        page.mouse.wheel(0, 4000)
        page.wait_for_timeout(60)
    assert "There are more pictures" in page.inner_text(".end")
    before = page.locator(".part").count()
    page.context.set_offline(False)
    page.wait_for_function("before => document.querySelectorAll('.part').length > before", arg=before)
    page.wait_for_function(
        "() => !document.querySelector('.gone') && !document.querySelector('.end .button')"
    )
    page.wait_for_function("() => document.querySelectorAll('.part')[1].childElementCount >= 40")
    assert page.locator(".part").nth(1).locator("picture-card").count() % 3 == 0


def test_pictures_that_fly_past_are_squares_and_are_drawn_where_the_page_rests(turn: Turn) -> None:
    page = turn("/?lib=photos")
    page.wait_for_selector("picture-card")
    while page.locator(".part").count() < 5:
        page.mouse.wheel(0, 4000)
        page.wait_for_timeout(60)
    page.wait_for_function("() => !document.querySelector('.part:last-of-type.folded')")
    page.wait_for_timeout(300)  # the page rests
    empty = page.evaluate("""async () => {
      const found = [];
      for (let turn = 0; turn < 8; turn += 1) {
        scrollBy(0, -1300);
        await new Promise(requestAnimationFrame);
        const there = document.elementFromPoint(innerWidth / 2, innerHeight / 2);
        found.push(Boolean(there.closest(".folded")) && !there.closest("picture-card"));
      }
      return found;
    }""")
    assert sum(empty) >= 4, empty
    page.wait_for_function(
        "() => document.elementFromPoint(innerWidth / 3, innerHeight / 2).closest('picture-card')"
    )


def test_keys_alone_lead_from_picture_to_picture(turn: Turn) -> None:
    page = turn("/?lib=photos&q=plain&mode=jaccard")
    page.wait_for_selector("picture-card")
    page.keyboard.press("/")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    second = page.locator("picture-card").nth(1).get_attribute("data-id")
    assert page.evaluate("document.activeElement.dataset.id") == second
    page.keyboard.press("o")
    page.wait_for_url(f"**/picture?**id={second}")
    page.keyboard.press("?")
    page.get_by_role("dialog").wait_for()
    page.keyboard.press("Escape")


def focused(page: Any) -> str | None:
    """The picture that is focused."""
    name: str | None = page.evaluate("document.activeElement.dataset.id ?? null")
    return name


def judged(page: Any, count: int) -> None:
    """Wait until so many of the pictures that are shown are liked, and one of them all is focused."""
    page.wait_for_function(
        """count => document.querySelectorAll('picture-card [aria-pressed=true]').length === count
                  && document.activeElement.closest('picture-card')""",
        arg=count,
    )


def test_keys_alone_like_ask_for_more_come_back_and_choose(turn: Turn) -> None:
    page = turn("/?lib=photos&q=plain&mode=jaccard")
    page.wait_for_selector("picture-card")
    for key in ("/", "ArrowDown", "ArrowRight", "l"):
        page.keyboard.press(key)
    judged(page, 1)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("l")
    judged(page, 2)
    assert page.get_by_role("button", name="Undo").count() == 1  # of the last one alone
    page.keyboard.press("u")
    judged(page, 1)
    page.keyboard.press("ArrowRight")
    chosen = focused(page)
    page.keyboard.press("o")
    page.wait_for_selector(".captions .best")
    focused_now = "[document.activeElement.id, getComputedStyle(content).outlineStyle]"
    assert page.evaluate(focused_now) == ["content", "none"]
    page.keyboard.press("Escape")
    page.wait_for_function("id => document.activeElement.dataset.id === id", arg=chosen)
    page.get_by_label("Order", exact=True).focus()
    page.keyboard.press("ArrowDown")
    page.wait_for_url("**show=newest**")
    assert page.evaluate("document.activeElement.ariaLabel") == "Order"


def test_a_caption_is_corrected_in_place_and_found_at_once(turn: Turn) -> None:
    page = turn("/?lib=changing&q=red&mode=jaccard")
    page.locator("picture-card").first.hover()
    page.locator("picture-card").first.get_by_label("All about this picture").click()
    page.wait_for_selector(".captions .best")
    page.keyboard.press("e")
    page.fill(".captions textarea", "our zebra <b>Bella</b>")
    page.keyboard.press("Enter")
    page.get_by_text("by a person").wait_for()
    assert page.locator(".captions .best").inner_text() == "our zebra <b>Bella</b>"
    page.fill("search-box input[type=search]", "zebra")
    first_caption(page, "our zebra <b>Bella</b>")
    page.locator("picture-card").first.hover()
    page.locator("picture-card").first.get_by_label("All about this picture").click()
    page.get_by_role("button", name="Take it back").click()
    page.get_by_text("by mean-colour").wait_for()
    page.get_by_label("Strike plain").click()
    page.get_by_label("Strike red").click()  # one word after the other
    assert page.input_value(".captions textarea") == "a picture"
    page.get_by_role("button", name="Cancel").focus()
    page.keyboard.press("e")
    page.keyboard.press("Escape")
    page.locator(".captions .best", has_text="a plain red picture").wait_for()


def test_the_review_is_done_by_keys(turn: Turn) -> None:
    page = turn("/review?lib=changing")
    page.wait_for_selector(".review")
    before = int(page.locator(".progress span").last.inner_text().split()[0])
    for turned in (page.keyboard.down, page.keyboard.down, page.keyboard.up):  # it is held too long
        turned("a")
    page.get_by_text(f"{before + 1} of 9 looked over").wait_for()
    page.get_by_text(re.compile("^2 of .*the least sure first")).wait_for()
    page.keyboard.press("s")
    page.get_by_text(re.compile("^3 of .*the least sure first")).wait_for()
    page.keyboard.press("e")
    page.keyboard.type("a field of snow")
    page.get_by_role("button", name="Keep").click()  # "Accept" would take the captioner's
    page.get_by_text(f"{before + 2} of 9 looked over").wait_for()
    answer = page.request.get(page.url.partition("/review")[0] + "/api/libraries/changing/search?q=snow")
    assert answer.json()["hits"][0]["caption"] == "a field of snow"
    page.set_viewport_size({"width": 340, "height": 700})
    left, right = (one.bounding_box() for one in page.locator(".progress span").all())
    assert left["x"] + left["width"] + 8 <= right["x"] or left["y"] + left["height"] <= right["y"]


def test_two_to_four_modes_stand_side_by_side_and_agreement_is_marked(turn: Turn) -> None:
    page = turn("/compare?lib=photos&q=blue&modes=words&modes=jaccard")
    page.wait_for_selector(".agreed")
    assert page.locator(".columns section").count() == 2
    page.get_by_role("button", name="Another column").click()
    page.wait_for_function("() => document.querySelectorAll('.columns section').length === 3")


def test_captioners_are_chosen_and_stand_side_by_side(turn: Turn) -> None:
    page = turn("/?lib=told&q=zebra&mode=jaccard")
    first_caption(page, "our old zebra")
    page.get_by_label("Captions by").select_option("mean-colour")
    page.wait_for_url("**by=mean-colour**")
    page.get_by_role("heading", name="Nothing fits").wait_for()
    page.get_by_label("Any captioner").click()
    first_caption(page, "our old zebra")
    page.goto(page.url.replace("/?", "/compare?") + "&modes=jaccard&modes=jaccard:mean-colour")
    page.locator(".columns section").nth(1).get_by_text("No picture here shows").wait_for()
    page.locator(".columns section").nth(1).get_by_label("Captions by").select_option("notes.csv")
    page.wait_for_function("() => document.querySelectorAll('.agreed').length === 2")
    page.get_by_role("link", name="Library", exact=True).click()
    page.locator(".captioners td", has_text="file").first.wait_for()
    assert "our old zebra" in page.inner_text(".disputed")
    page.get_by_label("Whose captions are taken for right").select_option("notes.csv")
    page.locator(".captioners th", has_text="CIDEr-D").wait_for()


def test_pictures_are_added_by_dropping_and_found(turn: Turn, tmp_path: Path) -> None:
    page = turn("/add?lib=changing")
    new = picture(tmp_path / "new.png", "white", shade=-3, size=21)
    bad = tmp_path / "bad.jpg"
    bad.write_text("<svg onload='alert(3)'/>")
    page.locator("#new-pictures").set_input_files([new, bad])
    page.locator(".added", has_text="a plain white picture").wait_for()
    assert "is not a picture" in page.locator(".added .bad").inner_text()
    page.goto(page.url.replace("/add?lib=changing", "/?lib=changing&q=white&mode=jaccard"))
    first_caption(page, "a plain white picture")


def test_the_library_page_has_counts_words_time_and_a_map(turn: Turn) -> None:
    page = turn("/?lib=photos&q=blue&mode=jaccard")
    points = random.Random(1).randbytes(
        4 * 199
    )  # two numbers for each; this library has no space to map it by
    page.route("**/map", lambda route: route.fulfill(body=points, content_type="application/octet-stream"))
    page.goto(page.url.partition("/?")[0] + "/library?lib=photos")
    page.wait_for_selector(".tiles")
    assert "199" in page.inner_text(".tiles")
    page.locator(".word-bars a", has_text="blue").wait_for()
    assert page.locator(".time-line a").count() == 1
    page.wait_for_selector(".map-note", state="detached")
    page.locator("map-view canvas").focus()
    page.keyboard.press("+")
    page.locator(".map-tip span", has_text="a plain").wait_for()
    page.keyboard.press("Enter")
    page.locator(".captions .best", has_text="a plain").wait_for()
    page.go_back()
    page.get_by_role("link", name="Add", exact=True).press("Enter")
    page.locator("#new-pictures").focus()
    assert page.locator(".drop-zone label").evaluate("(one) => getComputedStyle(one).outlineStyle") == "solid"


def test_scripts_in_names_captions_and_cameras_stay_text(turn: Turn) -> None:
    page = turn("/?lib=photos&q=black&mode=jaccard")
    page.locator("picture-card").first.hover()
    page.locator("picture-card").first.get_by_label("All about this picture").click()
    page.locator("dd", has_text=HOSTILE).wait_for()
    assert CAMERA in page.inner_text(".facts")
    assert page.locator("img[src=x]").count() == 0


def test_days_on_the_time_line_cameras_and_pasted_pictures_are_asked_for(turn: Turn) -> None:
    page = turn("/library?lib=told", color_scheme="dark", **PHONE)
    page.locator(".time-line a").wait_for()
    assert page.evaluate(WAITING) <= 390
    page.locator(".time-line a").click()
    page.wait_for_url("**since=2019-06**until=2019-06**")
    first_caption(page, "a plain black picture")
    assert page.locator("picture-card").count() == 1
    page.get_by_role("button", name="2019-06", exact=True).click()
    assert page.locator(".day-range").inner_text().startswith("2019-06: 1 picture")
    page.get_by_label("From", exact=True).fill("2019-07-01")
    page.get_by_label("To", exact=True).fill("2019-08-01")
    page.get_by_role("heading", name="Nothing fits").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Search without the filters").click()
    page.get_by_label("Camera", exact=True).select_option(CAMERA)
    page.wait_for_function("() => document.querySelectorAll('picture-card').length === 1")
    page.evaluate(
        f"""async () => {{
             {BLUE_PICTURE}
             dispatchEvent(new ClipboardEvent("paste", {{clipboardData: data}}));
           }}"""
    )
    first_caption(page, "a plain blue picture")
    assert "image=" in page.url and "camera" not in page.url


def test_pictures_stand_under_the_day_or_the_folder_that_they_are_of(turn: Turn) -> None:
    page = turn("/?lib=told")
    assert page.locator("select[aria-label=Order] option").first.inner_text() == "By name"
    page.get_by_label("Order", exact=True).select_option("day")
    page.locator(".group").first.wait_for()
    assert page.locator(".group").all_inner_texts() == ["Saturday 1 June 2019", "No date"]
    page.get_by_label("Order", exact=True).select_option("folder")
    page.locator(".group", has_text="beach").get_by_role("link").click()
    page.wait_for_url("**under=beach**")
    page.wait_for_function("() => document.querySelectorAll('.group').length === 1")
    page.get_by_role("button", name="Any day").click()
    page.locator(".day-range", has_text="2019-06").wait_for()


def test_a_query_is_added_to_and_taken_from_in_a_space(turn: Turn) -> None:
    page = turn("/?lib=photos&q=plain&mode=embedding", color_scheme="dark", **PHONE)
    asked: list[str] = []
    answer = {"library": "photos", "mode": "embedding", "searched": 9, "offset": 0, "more": False, "hits": []}

    def note(route: Any) -> None:
        asked.append(route.request.url)
        route.fulfill(json=answer | {"notes": [], "understood": [], "nearest": [], "milliseconds": 1})

    page.route("**/search?**", note)  # the space itself takes seconds to load
    page.get_by_label("Words to add").fill("cat")
    page.get_by_label("Words to add").press("Enter")
    page.wait_for_url("**plus=cat**")
    page.get_by_label("Words to take away").fill("dog")
    page.get_by_label("Words to take away").press("Enter")
    page.wait_for_url("**plus=cat&minus=dog**")
    page.get_by_role("button", name="cat", exact=True).click()
    page.wait_for_function("() => !location.search.includes('plus')")
    assert "plus=cat&minus=dog" in asked[-2] and "minus=dog" in asked[-1]
    page.get_by_label("Compare by").select_option("hybrid")  # which cannot add
    page.wait_for_function("() => !location.search.includes('minus')")
    assert page.locator("option[value=cnn]").is_disabled()  # a text is asked
    start = page.url.partition("/?")[0]
    one = page.request.get(f"{start}/api/libraries/photos/search?limit=1").json()["hits"][0]["id"]
    page.goto(f"{start}/?lib=photos&image={one}")
    page.get_by_label("Words to add").fill("cat")
    page.get_by_label("Words to add").press("Enter")
    page.wait_for_url("**mode=embedding**plus=cat**")


def test_who_waits_for_a_server_that_loads_its_models_reads_why(turn: Turn) -> None:
    page = turn("/?lib=photos")
    page.locator(".welcome .chip-link").first.wait_for()
    found = page.evaluate("async () => (await fetch('/api/libraries')).json()")
    assert found["loading"] is False
    page.route("**/api/libraries", lambda route: route.fulfill(json=found | {"loading": True}))
    page.route("**/search?**", lambda _: None)  # it takes long
    page.locator("search-box input[type=search]").fill("blue picture ")
    page.get_by_text("still loads its models").wait_for()


def test_a_job_is_paused_gone_on_with_and_stopped(turn: Turn) -> None:
    page = turn("/add?lib=told", color_scheme="dark", **PHONE)
    page.get_by_role("button", name="Index now").click()
    page.get_by_role("button", name="Pause").click()
    page.get_by_text("(paused)").wait_for()
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="Pause").wait_for()
    page.get_by_role("button", name="Stop").click()
    page.get_by_text("What was captioned is kept").wait_for()
    page.get_by_role("button", name="Index now").wait_for()


def test_where_the_captioner_looked_is_drawn_over_the_picture(turn: Turn) -> None:
    page = turn("/?lib=photos&q=blue&mode=words")
    looked = {"captioner": "mean-colour", "words": ["a", "plain", "picture"], "rows": 2, "columns": 2}
    weights = [[1, 0, 0, 0], [0, 0.2, 0, 0.8], [0, 0, 1, 0]]
    page.route("**/attention", lambda route: route.fulfill(json=looked | {"weights": weights}))
    page.locator("picture-card").first.hover()
    page.locator("picture-card").first.get_by_label("All about this picture").click()
    page.get_by_role("button", name="Where it looked").click()
    page.get_by_text("Where mean-colour looked").wait_for()
    assert page.locator(".looked [aria-pressed=true]").inner_text() == "plain"
    page.locator(".looked button", has_text="picture").click()
    shade = """() => {
      const {width, height} = document.querySelector("figure canvas");
      const seen = document.querySelector("figure canvas").getContext("2d").getImageData(0, 0, width, height);
      return [2, height - 3].map((y) => seen.data[4 * (y * width + 2) + 3]);
    }"""
    dark, clear = page.evaluate(shade)
    assert dark > 190 and clear < 20
    page.get_by_role("button", name="Where it looked").click()
    assert page.locator("figure canvas").is_hidden()


def test_near_duplicates_stand_on_a_pictures_page(turn: Turn) -> None:
    page = turn("/?lib=told")
    start = page.url.partition("/?")[0]
    hits = page.request.get(f"{start}/api/libraries/told/search").json()["hits"]
    leaf = next(one["id"] for one in hits if one["name"] == "leaf.png")
    page.goto(f"{start}/picture?lib=told&id={leaf}")
    page.locator(".nearness picture-card").first.wait_for()
    assert page.locator(".nearness picture-card").count() == 1


def test_reports_open_as_pages_and_a_library_is_taken_along(turn: Turn) -> None:
    page = turn("/library?lib=photos")
    with page.expect_download() as taken:
        page.locator(".exports a", has_text="csv").click()
    assert taken.value.suggested_filename == "photos-csv.zip"
    page.get_by_role("link", name="Reports", exact=True).click()
    page.get_by_role("link", name="Variants compared").click()
    page.get_by_role("cell", name="51.2").wait_for()
    page.go_back()
    page.get_by_role("link", name="Variants compared").wait_for()


@pytest.mark.parametrize("options", [{}, PHONE], ids=["desk", "phone"])
def test_nothing_keeps_people_from_using_it(turn: Turn, options: dict[str, Any]) -> None:
    """By axe-core, on every page, in light and in dark."""
    import axe_playwright_python

    axe = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")
    page = turn("/?lib=photos&q=black&mode=jaccard", **options)
    start = page.url.partition("/?")[0]
    picture_page = page.get_by_label("All about this picture").get_attribute("href")
    for place, ready in {
        picture_page: ".word-list li",
        "/?lib=photos": ".welcome .chip-link",
        "/?lib=photos&q=blue&mode=words&under=beach": "picture-card .word",
        "/?lib=photos&q=zzzz&mode=jaccard": ".nothing h2",
        "/?lib=told&show=day": ".group a",
        "/library?lib=photos": ".word-bars a",
        "/review?lib=changing": ".review .button",
        "/compare?lib=photos&q=blue&modes=words&modes=jaccard": ".agreed",
        "/add?lib=changing": ".job .button",
        "/reports?lib=photos": ".reports a",
        "/duplicates?lib=told": ".copies .badge",
    }.items():
        page.goto(start + place)
        page.locator(ready).first.wait_for()
        page.emulate_media(color_scheme="light", reduced_motion="reduce")
        page.evaluate(axe)
        found = page.evaluate("axe.run().then(found => found.violations)")
        page.emulate_media(color_scheme="dark")  # nothing but colours changes
        found += page.evaluate("axe.run({ runOnly: ['color-contrast'] }).then(found => found.violations)")
        seen = [(one["id"], [node["html"][:120] for node in one["nodes"]][:2]) for one in found]
        assert seen == [], place
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
            "it is wider than the window"
        )
