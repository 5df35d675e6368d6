"""Slides as PDF: what is read, what is left out, and that every place is true."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from lecta.errors import ReadError
from lecta.read import ocr, pdf
from lecta.types import Document

WIDTH, HEIGHT = 720, 405
Draw = Callable[[Any], None]


def deck(path: Path, *pages: Draw, size: tuple[int, int] = (WIDTH, HEIGHT)) -> Path:
    canvas = Canvas(str(path), pagesize=size)
    for draw in pages:
        draw(canvas)
        canvas.showPage()
    canvas.save()
    return path


def put(canvas: Any, x: float, down: float, text: str, size: float = 14) -> None:
    canvas.setFont("Helvetica", size)
    canvas.drawString(x, HEIGHT - down, text)


def slide(title: str, *lines: str, footer: str = "") -> Draw:
    def draw(canvas: Any) -> None:
        put(canvas, 40, 40, title, 28)
        for number, line in enumerate(lines):
            put(canvas, 60, 100 + 30 * number, line)
        if footer:
            put(canvas, 40, 395, footer, 8)

    return draw


def words(document: Document) -> list[str]:
    return [document.text_of(section) for section in document.sections]


def test_one_section_a_page_with_title_and_place(tmp_path: Path) -> None:
    path = deck(
        tmp_path / "a.pdf",
        slide("Gradient descent", "Step against the gradient."),
        lambda _: None,
        slide("Momentum", "Remember the last step."),
    )
    document = pdf.read(path)
    assert [section.page for section in document.sections] == [1, 3]
    assert [section.title for section in document.sections] == ["Gradient descent", "Momentum"]
    assert words(document) == ["Gradient descent\nStep against the gradient.", "Momentum\nRemember the last step."]
    assert document.title == "Gradient descent"
    assert document.kind == "slides"


def test_footer_navigation_and_counter_are_left_out_and_the_number_is_the_label(tmp_path: Path) -> None:
    def page(number: int) -> Draw:
        def draw(canvas: Any) -> None:
            slide(f"Topic {'ABCDE'[number]}", f"Only page {number} says {number * 7}.")(canvas)
            for place, entry in enumerate(["Intro", "SelfAtt", "PosEmbed", "Training"]):
                put(canvas, 40 + 90 * place, 397, entry, 8)
            put(canvas, 680, 397, f"{number + 3}/51", 8)

        return draw

    document = pdf.read(deck(tmp_path / "a.pdf", *(page(number) for number in range(5))))
    assert [section.label for section in document.sections] == ["3", "4", "5", "6", "7"]
    assert words(document)[2] == "Topic C\nOnly page 2 says 14."
    assert "SelfAtt" in document.text, "kept in the text, outside every section"


def test_a_title_used_on_every_page_stays(tmp_path: Path) -> None:
    document = pdf.read(deck(tmp_path / "a.pdf", *(slide("Case study", f"Point {word}") for word in "abcdef")))
    assert all(text.startswith("Case study\n") for text in words(document))


def test_build_up_pages_are_told_by_the_last(tmp_path: Path) -> None:
    lines = ["First, weights.", "Then, biases.", "At last, a sigmoid."]
    path = deck(
        tmp_path / "a.pdf",
        slide("Before", "Something else."),
        *(slide("A neuron", *lines[:shown], footer=f"{shown + 1}") for shown in (1, 2, 3)),
        slide("A neuron", "First, weights.", "An axon."),
    )
    document = pdf.read(path)
    assert [section.page for section in document.sections] == [1, 4, 5]
    assert words(document)[1].splitlines() == ["A neuron", *lines]


def test_two_columns_drawn_line_by_line_are_read_one_after_the_other(tmp_path: Path) -> None:
    left = ["The encoder reads the sentence", "word by word and keeps a", "state that grows with it."]
    right = ["The decoder writes another", "sentence from that state", "until it writes a full stop."]

    def draw(canvas: Any) -> None:
        put(canvas, 40, 40, "Sequence to sequence, encoder and decoder side by side", 24)
        for number, (one, two) in enumerate(zip(left, right, strict=True)):
            put(canvas, 40, 100 + 20 * number, one)
            put(canvas, 400, 100 + 20 * number, two)
        put(canvas, 40, 300, "Both are trained together, from the first word to the very last one of them.")

    text = words(pdf.read(deck(tmp_path / "a.pdf", draw)))[0]
    assert text.splitlines()[1:-1] == [*left, *right]


def test_a_table_is_read_in_rows(tmp_path: Path) -> None:
    def draw(canvas: Any) -> None:
        put(canvas, 40, 40, "Results", 24)
        for row, cells in enumerate([("Model", "Error"), ("AlexNet", "16.4"), ("ResNet", "3.6")]):
            for column, cell in enumerate(cells):
                put(canvas, 60 + 300 * column, 100 + 30 * row, cell)

    assert words(pdf.read(deck(tmp_path / "a.pdf", draw)))[0] == "Results\nModel Error\nAlexNet 16.4\nResNet 3.6"


def test_a_formula_drawn_after_the_words_goes_to_its_gap(tmp_path: Path) -> None:
    def draw(canvas: Any) -> None:
        put(canvas, 40, 40, "Attention", 24)
        put(canvas, 40, 100, "The weights")
        put(canvas, 160, 100, "are positive.")
        put(canvas, 40, 130, "They sum to one.")
        put(canvas, 125, 100, "aij")

    assert "The weights aij are positive.\nThey sum" in words(pdf.read(deck(tmp_path / "a.pdf", draw)))[0]


def test_hyphens_at_line_ends_are_undone_where_they_part_a_word(tmp_path: Path) -> None:
    lines = ["This is an exam-", "ple of the state-of-the-", "art, and of the non-", "Markov kind."]

    def draw(canvas: Any) -> None:
        put(canvas, 40, 40, "Words", 24)
        for number, line in enumerate(lines):
            put(canvas, 40, 100 + 16 * number, line)

    text = words(pdf.read(deck(tmp_path / "a.pdf", draw)))[0]
    assert "an example of the state-of-the-art, and of the non-Markov kind." in text


def test_a_document_of_nothing_but_what_repeats_is_read(tmp_path: Path) -> None:
    path = deck(tmp_path / "a.pdf", *(lambda canvas: put(canvas, 40, 395, "Left blank on purpose", 8),) * 4)
    assert words(pdf.read(path)) == ["Left blank on purpose"]


def test_words_beside_the_page_are_not_read(tmp_path: Path) -> None:
    def draw(canvas: Any) -> None:
        slide("Seen", "This is shown.")(canvas)
        put(canvas, 2000, -1500, "Parked for the next step.")

    assert "Parked" not in pdf.read(deck(tmp_path / "a.pdf", draw)).text


def test_ligatures_become_letters() -> None:
    assert pdf._clean("e\ufb03cient  \ufb01t\x00 \ufb02ow\u00ad") == "efficient fit flow"


def test_a_turned_page_is_read_as_it_is_shown(tmp_path: Path) -> None:
    def draw(canvas: Any) -> None:
        canvas.setPageRotation(90)
        canvas.translate(WIDTH / 2, HEIGHT / 2)
        canvas.rotate(90)
        canvas.setFont("Helvetica", 20)
        canvas.drawString(-150, 100, "Above")
        canvas.setFont("Helvetica", 12)
        canvas.drawString(-150, 60, "below on the left")
        canvas.drawString(100, 60, "and right")

    text = words(pdf.read(deck(tmp_path / "a.pdf", draw)))[0]
    assert text == "Above\nbelow on the left and right"


def picture(path: Path, *lines: str) -> Path:
    """Make a page of which the words are a picture only."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", (1440, 810), "white")
    for number, line in enumerate(lines):
        ImageDraw.Draw(image).text((100, 100 + 120 * number), line, "black", ImageFont.load_default(64))
    data = io.BytesIO()
    image.save(data, "PNG")
    return deck(
        path,
        slide("A page of words", "They need no OCR."),
        lambda canvas: canvas.drawImage(ImageReader(data), 0, 0, WIDTH, HEIGHT),
    )


def test_a_page_that_is_a_picture_is_read_by_ocr(tmp_path: Path) -> None:
    pytest.importorskip("rapidocr")
    document = pdf.read(picture(tmp_path / "a.pdf", "Backpropagation", "The chain rule in reverse"))
    assert [section.page for section in document.sections] == [1, 2]
    assert document.sections[0].confidence is None
    assert document.sections[1].confidence is not None and document.sections[1].confidence > 0.8
    assert words(document)[1] == "Backpropagation\nThe chain rule in reverse"
    assert any("page 2 is a picture, read by OCR with confidence" in warning for warning in document.warnings)


def test_without_the_extra_the_page_is_left_out_and_the_command_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> ocr.Recogniser:
        raise ReadError(f"to read them, run: {ocr.INSTALL}")

    monkeypatch.setattr(ocr, "recogniser", missing)
    document = pdf.read(picture(tmp_path / "a.pdf", "Backpropagation"))
    assert [section.page for section in document.sections] == [1]
    assert document.warnings == (
        'pages that are pictures were left out (2): to read them, run: pip install "lecta[ocr]"',
    )


def test_ocr_can_be_turned_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocr, "recogniser", lambda: pytest.fail("OCR was asked for"))
    assert len(pdf.read(picture(tmp_path / "a.pdf", "Backpropagation"), ocr=False).sections) == 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<html>no</html>", "not a PDF"),
        (b"%PDF-1.4\nnothing more", "damaged"),
    ],
)
def test_what_is_no_pdf_says_so(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(content)
    with pytest.raises(ReadError, match=reason):
        pdf.read(path)


def test_a_locked_pdf_says_so(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "a.pdf"), encrypt="secret")
    canvas.drawString(50, 50, "hidden")
    canvas.save()
    with pytest.raises(ReadError, match="locked by a password"):
        pdf.read(tmp_path / "a.pdf")


def test_empty_pages_say_so(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="no text on any of its 2 pages"):
        pdf.read(deck(tmp_path / "a.pdf", lambda _: None, lambda _: None))
