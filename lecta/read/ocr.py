"""Words out of pictures of pages, by RapidOCR: PP-OCR models on ONNX Runtime, all inside its wheel, no network.

An extra, for it brings 270 MB (OpenCV, ONNX Runtime, models) and takes seconds a page. It loads when a file has a
page without words.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from lecta.errors import ReadError, first_line
from lecta.read.layout import Piece

INSTALL = 'pip install "lecta[ocr]"'

LONG_SIDE = 1280
"""Pixels of the rendered page's longer side. 10-point print on A4 is 15 pixels high. 1600 took twice the time on
slides (1.1-1.6 s against 0.6-0.7 s a page on two cores) and read no more; at 1024 single letters were lost."""
MOST_SCALE = 4.0
"""288 pixels to the inch: a page of the size of a stamp gains nothing from more."""
MOST_LINES = 300
"""Of one page: each costs some 10 ms, and a photograph of gravel is full of them."""
LEAST_CONFIDENCE = 0.5
"""Of one line: below it the words are more often wrong than right."""

Recogniser = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Recognised:
    """The words found on a page, and the mean of the lines' confidences, 0..1, weighted by their length."""

    pieces: tuple[Piece, ...]
    confidence: float


@cache
def recogniser() -> Recogniser:
    """Load the models, once a process. Raises `ReadError` with the command to run where the extra is missing."""
    try:
        import onnxruntime  # noqa: F401
        from rapidocr import RapidOCR
    except ImportError as error:
        raise ReadError(f"to read them, run: {INSTALL}") from error
    logging.getLogger("RapidOCR").setLevel(logging.ERROR)
    try:
        engine: Recogniser = RapidOCR(
            params={
                "Global.log_level": "error",
                "Global.use_cls": False,  # pages are upright; turned lines cost a third more time
                "Det.max_candidates": MOST_LINES,
                "Det.limit_side_len": 320,  # smaller pictures are enlarged to that, from 736: a third of the time
            }
        )
    except Exception as error:  # whatever a package of models may raise: the rest of the file is still read
        raise ReadError(f"OCR does not start ({first_line(error)}); run: {INSTALL}") from error
    return engine


def read_page(pdf: Any, place: int, recognise: Recogniser, warnings: list[str]) -> Recognised | None:
    """Render page `place` (from 0) and return its words; None, with a warning, where there are none to be had."""
    number = place + 1
    try:
        page = pdf[place]
        width, height = page.get_size()
        # Bounded by the longer side, so a page of a kilometre renders as small as any other.
        scale = min(LONG_SIDE / max(width, height, 1.0), MOST_SCALE)
        image = page.render(scale=scale, rev_byteorder=False).to_numpy().copy()
        page.close()
        result = recognise(image)
    except Exception as error:  # PDFium, OpenCV and ONNX each raise their own; the other pages are still read
        warnings.append(f"page {number}: OCR failed ({first_line(error)})")
        return None
    pieces, scores = _pieces(result, scale)
    if not pieces:
        return None  # a picture without words is nothing to warn of
    length = sum(len(piece.text) for piece in pieces)
    mean = sum(score * len(piece.text) for score, piece in zip(scores, pieces, strict=True)) / length
    warnings.append(f"page {number} is a picture, read by OCR with confidence {mean:.2f}")
    return Recognised(tuple(pieces), mean)


def _pieces(result: Any, scale: float) -> tuple[list[Piece], list[float]]:
    """Turn RapidOCR's boxes (four corners, pixels) into pieces in points."""
    pieces: list[Piece] = []
    scores: list[float] = []
    if result is None or result.boxes is None or result.txts is None:
        return pieces, scores
    for box, text, score in zip(result.boxes, result.txts, result.scores, strict=True):
        words = " ".join(text.split())
        if not words or score < LEAST_CONFIDENCE:
            continue
        across, down = [float(point[0]) / scale for point in box], [float(point[1]) / scale for point in box]
        size = max(down) - min(down)
        pieces.append(Piece(words, min(across), min(down), max(across), max(down), max(size, 0.1)))
        scores.append(float(score))
    return pieces, scores
