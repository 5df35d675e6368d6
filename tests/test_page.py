"""The page in a real browser: add, ask, watch it stream, open a citation; by keyboard, at 360 pixels, for axe.

LECTA_PICTURE=1 has the first of them ask the larger model and write the README's screenshot, docs/page.png.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright
from reportlab.pdfgen.canvas import Canvas

from lecta.library import Library
from lecta.settings import load
from lecta.types import Answer, Sentence, Span
from tests.browsing import ARGUMENTS, NO_BROWSER, browser_path, served
from tests.conftest import ROOT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(browser_path() is None, reason=NO_BROWSER),
]
HOSTILE = "<img src=x onerror=alert(1)>"
PICTURE = bool(os.environ.get("LECTA_PICTURE"))
WRITTEN = 900_000 if PICTURE else 240_000  # milliseconds for an answer on a busy machine

Visit = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path(), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """Return a function that opens an address as a new visitor; what fails in the page fails the test."""
    contexts, wrong = [], list[str]()

    def opened(address: str, width: int = 1280, height: int = 800, **options: Any) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", lambda dialog: wrong.append(dialog.message))
        own = address.partition("?")[0]
        page.on("request", lambda request: None if _is_own(request.url, own) else wrong.append(request.url))
        page.goto(address)
        expect(page.locator("#question")).to_be_visible()
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not wrong


def _is_own(url: str, address: str) -> bool:
    return url.startswith((address, address.replace("http", "ws", 1), "data:", "blob:"))


@pytest.fixture(scope="module")
def filled(course_library: Library, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of the sample course, in which a conversation is kept and a lecture has a hostile title."""
    folder = tmp_path_factory.mktemp("page") / "library"
    shutil.copytree(course_library.path, folder)
    library = Library(folder, settings=load(model="small"))
    _draw_hostile_slides(folder.parent / "lecture-09.pdf")
    library.add([folder.parent / "lecture-09.pdf"], course=HOSTILE)
    library.conversations.append(None, _answer(library))
    with served(folder, "--model", "small") as address:
        yield address


def _draw_hostile_slides(path: Path) -> None:
    slides = Canvas(str(path), pagesize=(640, 360))
    for title in ("Welcome", HOSTILE):
        slides.setFont("Helvetica-Bold", 24)
        slides.drawString(40, 300, title)
        slides.setFont("Helvetica", 14)
        slides.drawString(40, 220, f"The quokka bound limits the smoothness of a network by its widest layer. {title}")
        slides.showPage()
    slides.save()


def _answer(library: Library) -> Answer:
    """Return an answer with what a page has to show, on passages that were really found."""
    found = library.search("chain rule: the slopes multiply", 5, course="Backpropagation and around", lecture=2)
    slide = next(n for n, hit in enumerate(found.hits, 1) if hit.passage.kind == "slides")
    speech = next(n for n, hit in enumerate(found.hits, 1) if hit.passage.kind == "speech")
    passage = found.hits[slide - 1].passage
    line = max(passage.text.splitlines(), key=len)
    start = passage.start_index + passage.text.index(line)
    span = Span(slide, start, start + len(line))
    sentences = (
        Sentence("Rates multiply along a path.", (slide, speech), 0.9, True, (span,)),
        Sentence(f"Some say {HOSTILE} instead.", (), 0.1, False),
    )
    text = f"Rates multiply along a path. [{slide}][{speech}] Some say {HOSTILE} instead. (not in the lectures)\n\n"
    return Answer(
        HOSTILE, rf"{text}$$\frac{{dy}}{{dx}} = \frac{{dy}}{{du}}\frac{{du}}{{dx}}$$", sentences, found.hits, "small"
    )


def _open_conversation(page: Page) -> None:
    if page.locator(".menu").is_visible():
        page.locator(".menu").click()
    page.locator(".kept .go", has_text=HOSTILE).first.click()
    expect(page.locator(".turn > h2")).to_have_text(HOSTILE)


def test_first_visit_from_an_empty_library_to_a_highlighted_slide_by_keyboard(visit: Visit, tmp_path: Path) -> None:
    own = tmp_path / "lecture-06-norms.md"
    own.write_text("# Norms\n\nThe norm of a vector is its length.\n", encoding="utf-8")
    # Fifty tokens are enough to see an answer grow; the picture has a whole one.
    model, longest = ("default", "640") if PICTURE else ("small", "50")
    with served(tmp_path / "library", "--model", model, LECTA_MAX_TOKENS=longest) as address:
        page = visit(address)
        expect(page.get_by_role("heading", name="Ask your own lectures")).to_be_visible()
        page.get_by_role("button", name="Add the sample course").press("Enter")
        expect(page.locator(".uploads")).to_contain_text("being read")
        expect(page.locator(".uploads")).to_contain_text("added, 195 passages", timeout=WRITTEN)
        expect(page.locator(".lecture")).to_have_count(7)
        if not PICTURE:
            page.locator(".drop input[type=file]").first.set_input_files(own)
            expect(page.locator(".uploads")).to_contain_text(f"{own.name}added, 1 passage", timeout=60_000)
            expect(page.locator(".lecture")).to_have_count(8)
        page.get_by_role("button", name="Slides", exact=True).press("Enter")

        page.keyboard.press("/")
        page.keyboard.type("How does the chain rule work in backpropagation?")
        page.keyboard.press("Enter")
        passages = page.locator(".found li")
        expect(passages.first).to_be_visible(timeout=60_000)
        assert not page.locator(".answer").inner_text()  # passages come before the answer
        page.wait_for_function("document.querySelector('.answer').innerText.length > 10", timeout=WRITTEN)
        begun = page.locator(".answer").inner_text()
        expect(page.get_by_role("button", name="Stop")).to_be_visible()
        expect(page.locator(".ends")).to_be_visible(timeout=WRITTEN)
        assert len(page.locator(".answer").inner_text()) > len(begun)  # it was watched while it was written

        page.keyboard.press("Escape")  # out of the field, in which arrows move the caret
        page.keyboard.press("ArrowRight")
        chip = page.locator(".chip").first
        expect(chip).to_be_focused()
        expect(chip).to_have_text(re.compile(r"^L\d · slide \d+ · \d+:\d\d$"))
        page.keyboard.press("Enter")
        expect(page.locator(".source .slide img")).to_be_visible(timeout=30_000)
        assert (
            page.locator(".source .slide img").evaluate("image => image.decode().then(() => image.naturalWidth)") > 800
        )
        expect(page.locator(".source .slide .word").first).to_be_visible()
        if PICTURE:
            page.screenshot(path=ROOT / "docs" / "page.png")
        page.keyboard.press("Escape")
        expect(page.locator(".source")).to_be_hidden()
        expect(chip).to_be_focused()


def test_a_question_waits_with_its_place_shown_and_stops_when_told_to(visit: Visit, filled: str) -> None:
    first, second = visit(filled), visit(filled)
    first.locator("#question").fill("What is the chain rule in backpropagation?")
    first.get_by_role("button", name="Ask", exact=True).click()
    expect(first.locator(".found li").first).to_be_visible(timeout=60_000)
    second.locator("#question").fill("What is a receptive field?")
    second.keyboard.press("Enter")
    expect(second.locator(".going")).to_contain_text("1 question is answered before yours", timeout=30_000)
    expect(second.locator(".found li").first).to_be_visible(timeout=60_000)  # passages need not wait
    second.get_by_role("button", name="Stop").click()
    expect(second.locator(".error")).to_contain_text("stopped before anything was written", timeout=60_000)
    first.wait_for_function("document.querySelector('.answer').innerText.length > 20", timeout=WRITTEN)
    first.get_by_role("button", name="Stop").click()
    expect(first.locator(".ends")).to_contain_text("stopped here", timeout=60_000)
    expect(first.locator(".kept .go", has_text="What is the chain rule")).to_be_visible()


def test_a_citation_opens_the_slide_with_its_words_marked_and_the_minute_it_was_spoken_about(
    visit: Visit, filled: str
) -> None:
    page = visit(filled)
    _open_conversation(page)
    expect(page.locator(".answer math").first).to_be_visible()
    expect(page.locator(".unborne-mark")).to_have_text("not in the lectures")
    slide, speech = page.locator(".chip").nth(0), page.locator(".chip").nth(1)
    expect(slide).to_have_text(re.compile(r"^L2 · slide \d+ · \d+:\d\d$"))
    slide.click()
    expect(page.locator(".source .slide .word").first).to_be_visible(timeout=30_000)
    expect(page.locator(".source .cue.now").first).to_be_in_viewport()
    page.get_by_role("button", name="Next slide").click()
    expect(page.locator(".source .slide .word")).to_have_count(0)
    speech.click()
    expect(page.locator(".source")).to_contain_text("On screen then")
    expect(page.locator(".source .cue.now").first).to_be_in_viewport()


def test_what_documents_and_answers_say_is_shown_as_text(visit: Visit, filled: str) -> None:
    page = visit(filled)
    _open_conversation(page)
    expect(page.locator(".answer")).to_contain_text(f"Some say {HOSTILE} instead.")
    expect(page.locator(".course h3", has_text=HOSTILE)).to_be_visible()
    page.get_by_role("button", name="New conversation").click()
    page.locator("#question").fill("What does the quokka bound limit?")
    page.keyboard.press("Enter")
    hostile = page.locator(".found .go", has_text=HOSTILE)
    expect(hostile.first).to_be_visible(timeout=60_000)
    hostile.first.click()
    expect(page.locator(".source h2")).to_have_text(HOSTILE)
    page.locator(".source summary").click()
    expect(page.locator(".source .quote")).to_contain_text(HOSTILE)
    assert HOSTILE in str(page.locator(".source .slide img").get_attribute("alt"))
    page.get_by_role("button", name="Stop").click()
    assert page.locator("img[src=x]").count() == 0


def test_at_360_pixels_nothing_overflows_and_everything_is_reached(visit: Visit, filled: str) -> None:
    page = visit(filled, 360, 740)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    expect(page.locator(".shelf")).to_be_hidden()
    page.locator(".menu").click()
    expect(page.locator(".shelf .close")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".shelf")).to_be_hidden()
    expect(page.locator(".menu")).to_be_focused()
    _open_conversation(page)
    page.locator(".chip").first.click()
    expect(page.locator(".source .slide img")).to_be_visible(timeout=30_000)
    expect(page.locator(".source .close")).to_be_focused()
    box = page.locator(".source").bounding_box()
    assert box and (box["x"], box["width"]) == (0, 360)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    page.locator(".source .close").click()
    expect(page.locator(".source")).to_be_hidden()
    expect(page.locator(".chip").first).to_be_focused()


def test_a_lecture_and_a_kind_are_chosen_and_taken_back(visit: Visit, filled: str) -> None:
    page = visit(filled)
    page.locator(".pick", has_text="Convolution").click()
    page.get_by_role("button", name="Slides", exact=True).click()
    expect(page.locator(".pill")).to_have_text(["Lecture 4", "Slides"])
    page.locator("#question").fill("What is the chain rule in backpropagation?")
    page.keyboard.press("Enter")
    expect(page.locator(".found .place").first).to_have_text(re.compile("^L4 · slide"), timeout=60_000)
    for place in page.locator(".found .place").all_inner_texts():
        assert place.startswith("L4 · slide")
    page.get_by_role("button", name="Stop").click()
    page.locator(".pill").first.click()
    expect(page.locator(".pill")).to_have_text(["Slides"])
    expect(page.locator(".pick[aria-pressed=true]")).to_have_count(0)


def test_conversations_are_opened_renamed_exported_and_deleted(visit: Visit, filled: str) -> None:
    page = visit(filled)
    expect(page.locator(".kept .go").first).to_be_visible()
    row = page.locator(".kept > li", has_text=HOSTILE)
    row.get_by_role("button", name="More for").click()
    row.get_by_label("Title").fill("About the chain rule")
    row.get_by_role("button", name="Rename").click()
    row = page.locator(".kept > li", has_text="About the chain rule")
    expect(row).to_be_visible()
    row.get_by_role("button", name="More for").click()
    with page.expect_download() as download:
        row.get_by_role("button", name="Export").click()
    exported = Path(download.value.path()).read_text(encoding="utf-8")
    assert "Rates multiply along a path. [" in exported
    assert "Sources:" in exported
    row.get_by_label("Title").fill(HOSTILE)  # for the tests that come after
    row.get_by_label("Title").press("Enter")
    expect(page.locator(".kept > li", has_text=HOSTILE)).to_be_visible()


def test_a_conversation_is_deleted_once_asked_again(visit: Visit, filled: str) -> None:
    page = visit(filled)
    page.locator("#question").fill("Who won the football world cup in 1990?")
    page.keyboard.press("Enter")  # not covered: no model runs
    expect(page.locator(".found h3")).to_have_text("Nearest in your lectures", timeout=WRITTEN)
    row = page.locator(".kept > li", has_text="football")
    row.get_by_role("button", name="More for").click()
    row.get_by_role("button", name="Delete").click()
    row.get_by_role("button", name="Delete for good?").click()
    expect(row).to_have_count(0)
    expect(page.locator(".turn")).to_have_count(0)


def test_an_upload_that_is_refused_or_fails_says_why(visit: Visit, tmp_path: Path) -> None:
    broken, program = tmp_path / "broken.pdf", tmp_path / "program.exe"
    broken.write_bytes(b"this is no PDF")
    program.write_bytes(b"MZ")
    with served(tmp_path / "library") as address:
        page = visit(address)
        page.locator(".drop input[type=file]").first.set_input_files([program, broken])
        expect(page.locator(".uploads")).to_contain_text("lecta does not read .exe")
        expect(page.locator(".uploads .error", has_text="PDF")).to_be_visible(timeout=60_000)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(visit: Visit, filled: str, tmp_path: Path, scheme: str) -> None:
    with served(tmp_path / "library") as address:
        _expect_accessible(visit(address, color_scheme=scheme))
    page = visit(filled, color_scheme=scheme)
    expect(page.locator(".kept .go").first).to_be_visible()
    _expect_accessible(page)
    _open_conversation(page)
    page.locator(".lecture > .icon").first.click()
    page.locator(".kept .icon").first.click()
    page.locator(".chip").first.click()
    expect(page.locator(".source .slide .word").first).to_be_visible(timeout=30_000)
    _expect_accessible(page)
    narrow = visit(filled, 360, 740, color_scheme=scheme)
    narrow.locator(".menu").click()
    _expect_accessible(narrow)


def _expect_accessible(page: Page) -> None:
    found = Axe().run(page).response["violations"]
    serious = [one for one in found if one["impact"] in ("serious", "critical")]
    assert not serious, [(one["id"], [node["html"] for node in one["nodes"]][:3]) for one in serious]


def test_the_theme_follows_the_system_until_it_is_switched(visit: Visit, filled: str) -> None:
    page = visit(filled, color_scheme="dark")
    paper = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(paper)
    page.get_by_role("button", name="Theme: system").click()
    light = page.evaluate(paper)
    assert light != dark
    page.reload()
    expect(page.get_by_role("button", name="Theme: light")).to_be_visible()
    assert page.evaluate(paper) == light
    page.get_by_role("button", name="Theme: light").click()
    assert page.evaluate(paper) == dark


def test_a_server_with_a_token_shows_the_page_to_who_brings_it(visit: Visit, browser: Browser, tmp_path: Path) -> None:
    token = "a-token-of-enough-letters"
    with served(tmp_path / "library", LECTA_SERVE_TOKEN=token) as address:
        page = visit(f"{address}?token={token}")
        expect(page.get_by_role("heading", name="Ask your own lectures")).to_be_visible()  # by the websocket
        assert page.url == address
        context = browser.new_context()
        refused = context.new_page().goto(address)
        assert refused and refused.status == 401
        context.close()
