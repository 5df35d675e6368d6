"""Make the slides, recordings and alignment of the sample course from ``sources/``.

    python make_course.py [output-folder]

Needs reportlab (the PDF writer) and matplotlib (only for the DejaVu Sans font files it ships).
The same sources give the same bytes each time.

Source format, one file per lecture (``sources/lecture-NN.md``):

    # Lecture 2: The chain rule      the lecture's title
    folder: lecture-02-chain-rule    where its files go
    subtitle: One line of text       printed on the title slide

    Speech:                          what is said over the title slide
    Welcome back ...

    ## A slide's title               starts a slide
    - text                           a bullet
    = formula                        a formula, always on one line
    > text                           the slide's point, printed in colour
    ! name                           a drawing, one of DRAWINGS below

    Speech:                          what is said over the slide, up to the next one
    ...

The title slide carries no number, so the slide numbered n is page n + 1 of the PDF.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import matplotlib
from reportlab.graphics import renderPDF
from reportlab.graphics.shapes import Circle, Drawing, Ellipse, Line, Polygon, PolyLine, Rect, String
from reportlab.lib.colors import Color, HexColor, white
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

COURSE = "Backpropagation and around"
HERE = Path(__file__).resolve().parent
WIDTH, HEIGHT, MARGIN, TOP, BOTTOM = 960.0, 540.0, 54.0, 424.0, 54.0
SANS, BOLD = "DejaVuSans", "DejaVuSans-Bold"
INK, BLUE, RED, GREY, PALE = (HexColor(c) for c in ("#1c2536", "#1f5fa8", "#b3372f", "#6a7385", "#eaf1f9"))
Point = tuple[float, float]
JOINING_WORDS = "and but or so because which that when where if while as than with for from to of by in on at is are"
JOINING = tuple(JOINING_WORDS.split())


@dataclass
class Slide:
    """One slide: its title, its marked lines and the words spoken over it."""

    title: str
    lines: list[tuple[str, str]] = field(default_factory=list)
    speech: str = ""


@dataclass
class Lecture:
    """One lecture; the first slide is the title slide."""

    number: int
    title: str
    folder: str
    subtitle: str
    slides: list[Slide]


def read_lecture(path: Path) -> Lecture:
    """Read one source file (the format is described at the top of this script)."""
    head: dict[str, str] = {}
    slides: list[Slide] = []
    speaking = False
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        mark, _, text = line.partition(" ")
        if mark in ("#", "##"):
            slides.append(Slide(text.strip()))
            speaking = False
        elif line == "Speech:":
            speaking = True
        elif speaking:
            slides[-1].speech = f"{slides[-1].speech} {line}".strip()
        elif mark in ("folder:", "subtitle:"):
            head[mark] = text.strip()
        elif mark in ("-", "=", ">", "!"):
            slides[-1].lines.append((mark, text.strip()))
        elif line.strip():
            raise ValueError(f"{path.name}:{number}: not understood: {line!r}")
    lecture = int(re.findall(r"\d+", slides[0].title)[0])
    return Lecture(lecture, slides[0].title, head["folder:"], head["subtitle:"], slides)


# --- drawings ---------------------------------------------------------------------------------


def text(d: Drawing, x: float, y: float, words: str, size: float = 15, colour: Color = INK, font: str = SANS) -> None:
    """Write words centred on (x, y)."""
    d.add(String(x, y - size * 0.36, words, fontName=font, fontSize=size, fillColor=colour, textAnchor="middle"))


def arrow(d: Drawing, a: Point, b: Point, colour: Color = GREY, trim: float = 0) -> None:
    """Draw an arrow from a to b, leaving `trim` points free at both ends."""
    length = math.dist(a, b)
    ux, uy = (b[0] - a[0]) / length, (b[1] - a[1]) / length
    x1, y1, x2, y2 = a[0] + trim * ux, a[1] + trim * uy, b[0] - trim * ux, b[1] - trim * uy
    d.add(Line(x1, y1, x2 - 6 * ux, y2 - 6 * uy, strokeColor=colour, strokeWidth=1.4))
    tip = [x2, y2, x2 - 9 * ux + 4 * uy, y2 - 9 * uy - 4 * ux, x2 - 9 * ux - 4 * uy, y2 - 9 * uy + 4 * ux]
    d.add(Polygon(tip, fillColor=colour, strokeColor=colour, strokeWidth=0.5))


def node(d: Drawing, at: Point, words: str, r: float = 24, fill: Color = PALE) -> None:
    """Draw a circle with words in it."""
    d.add(Circle(at[0], at[1], r, fillColor=fill, strokeColor=BLUE, strokeWidth=1.5))
    text(d, at[0], at[1], words, 16)


def box(d: Drawing, at: Point, w: float, h: float, words: str, fill: Color = PALE) -> None:
    """Draw a rectangle centred on `at` with words in it."""
    shape = Rect(at[0] - w / 2, at[1] - h / 2, w, h)
    shape.fillColor, shape.strokeColor, shape.strokeWidth = fill, BLUE, 1.2
    d.add(shape)
    text(d, at[0], at[1], words)


def curve(d: Drawing, points: list[Point], colour: Color, width: float = 2) -> None:
    """Draw a line through the points."""
    d.add(PolyLine([round(c, 2) for p in points for c in p], strokeColor=colour, strokeWidth=width))


def network() -> Drawing:
    """Draw a network of two inputs, three hidden neurons and one output."""
    d = Drawing(370, 320)
    inputs, hidden, output = [(40.0, 190.0), (40.0, 90.0)], [(185.0, y) for y in (230.0, 140.0, 50.0)], (330.0, 140.0)
    for h in hidden:
        for i in inputs:
            arrow(d, i, h, trim=25)
        arrow(d, h, output, trim=25)
    for column, name in ((inputs, "x"), (hidden, "a")):
        for k, at in enumerate(column):
            node(d, at, name + "₁₂₃"[k])
    node(d, output, "ŷ")
    for x, words in ((40, "input"), (185, "hidden layer"), (330, "output")):
        text(d, x, 306, words, 14, GREY)
    for x, words in ((105, "W₁, b₁"), (270, "W₂, b₂")):
        text(d, x, 272, words, 14, BLUE)
    return d


def frame(x0: float, dx: float, y0: float, dy: float) -> Callable[[float, float], Point]:
    """Return the function from a plot's coordinates to the drawing's."""
    return lambda x, y: (x0 + dx * x, y0 + dy * y)


def activations() -> Drawing:
    """Plot the sigmoid, tanh and ReLU."""
    d = Drawing(380, 300)
    to = frame(190, 42, 110, 80)
    arrow(d, (10, 110), (372, 110))
    arrow(d, (190, 15), (190, 292))
    for level in (-1, 1):
        y = to(0, level)[1]
        d.add(Line(10, y, 365, y, strokeColor=GREY, strokeWidth=0.5, strokeDashArray=[3, 3]))
        text(d, 176, y + 9, str(level).replace("-", "−"), 12, GREY)
    zs = [k / 10 for k in range(-42, 43)]
    curve(d, [to(z, 1 / (1 + math.exp(-z))) for z in zs], BLUE)
    curve(d, [to(z, math.tanh(z)) for z in zs], RED)
    curve(d, [to(z, max(0.0, z)) for z in zs if z <= 2.1], INK)
    text(d, *to(3.2, 0.78), "sigmoid σ", 14, BLUE)
    text(d, *to(-2.8, -0.8), "tanh", 14, RED)
    text(d, *to(1.1, 1.95), "ReLU", 14, INK)
    return d


def graph(backward: bool) -> Drawing:
    """Draw the computation graph of the worked example with its values or its gradients."""
    d = Drawing(850, 190)
    row = [("x", "2", "0.0909"), ("h", "1", "0.1817"), ("a", "0.7311", "0.9242"), ("ŷ", "1.4621", "0.4621")]
    row.append(("L", "0.1068", "1"))
    below = {1: ("w₁", "0.5", "0.3634"), 3: ("w₂", "2", "0.3378"), 4: ("y", "1", "")}
    for k, (name, value, gradient) in enumerate(row):
        at = (60 + 180.0 * k, 122.0)
        if k:
            arrow(d, (at[0] - 180, 122), at, trim=26)
            text(d, at[0] - 90, 136, ["h = w₁·x", "a = σ(h)", "ŷ = w₂·a", "½(ŷ − y)²"][k - 1], 13, GREY)
        if k in below:
            arrow(d, (at[0], 36), at, trim=24)
            node(d, (at[0], 32), below[k][0], 20, white)
            mark = below[k][2] if backward else below[k][1]
            text(d, at[0] + 56, 32, mark, 15, RED if backward else BLUE, BOLD)
        node(d, at, name)
        text(d, at[0], 164, gradient if backward else value, 15, RED if backward else BLUE, BOLD)
    return d


def paths() -> Drawing:
    """Draw a graph in which x reaches f along two paths."""
    d = Drawing(370, 260)
    x, u, v, f = (40.0, 130.0), (185.0, 215.0), (185.0, 45.0), (330.0, 130.0)
    up = ((x, u, "∂u/∂x = 4", -38, 14), (u, f, "∂f/∂u = 6", 42, 14))
    down = ((x, v, "∂v/∂x = 3", -38, -16), (v, f, "∂f/∂v = 4", 42, -16))
    for a, b, words, dx, dy in up + down:
        arrow(d, a, b, trim=26)
        text(d, (a[0] + b[0]) / 2 + dx, (a[1] + b[1]) / 2 + dy, words, 14, RED)
    for at, words in ((x, "x"), (u, "u"), (v, "v"), (f, "f")):
        node(d, at, words)
    return d


def valley() -> Drawing:
    """Draw descent on (w₁² + 25·w₂²)/2, plain and with momentum."""
    d = Drawing(390, 270)
    to = frame(225, 44, 145, 130)
    for c in (0.4, 1.6, 4.0, 7.5):
        rx, ry = 44 * math.sqrt(2 * c), 130 * math.sqrt(2 * c / 25)
        d.add(Ellipse(225, 145, rx, ry, fillColor=None, strokeColor=HexColor("#b9c6d8"), strokeWidth=1))
    for rate, beta, colour in ((0.075, 0.0, RED), (0.03, 0.8, BLUE)):
        w, v, track = [-3.6, 0.62], [0.0, 0.0], []
        for _ in range(16):
            track.append(to(w[0], w[1]))
            v = [beta * v[0] + w[0], beta * v[1] + 25 * w[1]]
            w = [w[0] - rate * v[0], w[1] - rate * v[1]]
        curve(d, track, colour, 1.6)
        for at in track:
            d.add(Circle(at[0], at[1], 2.4, fillColor=colour, strokeColor=colour, strokeWidth=0.3))
    text(d, 115, 14, "gradient descent", 14, RED)
    text(d, 290, 14, "with momentum", 14, BLUE)
    return d


def schedules() -> Drawing:
    """Plot step decay and warm-up with cosine decay."""
    d = Drawing(380, 270)
    arrow(d, (30, 40), (372, 40))
    arrow(d, (30, 40), (30, 262))
    steps = [(30.0, 230.0), (140.0, 230.0), (140.0, 135.0), (250.0, 135.0), (250.0, 87.5), (360.0, 87.5)]
    curve(d, steps, RED)
    warm = [(30.0, 40.0)]
    warm += [(63 + 297 * k / 60, 40 + 190 * 0.5 * (1 + math.cos(math.pi * k / 60))) for k in range(61)]
    curve(d, warm, BLUE)
    text(d, 215, 246, "warm-up, then cosine", 14, BLUE)
    text(d, 300, 150, "step decay", 14, RED)
    text(d, 340, 22, "step t", 13, GREY)
    text(d, 44, 256, "η", 15, GREY)
    return d


def grid(d: Drawing, x: float, y: float, rows: list[str], lit: int = 0, cell: float = 40) -> None:
    """Draw a table of numbers with its upper left `lit` × `lit` cells coloured."""
    for r, row in enumerate(rows):
        for c, words in enumerate(row.split()):
            fill = HexColor("#f6dfa8") if r < lit and c < lit else PALE
            box(d, (x + cell * (c + 0.5), y - cell * (r + 0.5)), cell, cell, words, fill)


def convolution() -> Drawing:
    """Draw a 4 × 4 input, a 3 × 3 kernel and the 2 × 2 output."""
    d = Drawing(640, 190)
    grid(d, 20, 185, ["1 2 0 1", "3 1 1 0", "0 2 4 1", "1 0 2 3"], 3)
    grid(d, 270, 165, ["1 0 −1", "1 0 −1", "1 0 −1"], 3)
    grid(d, 490, 145, ["−1 3", "−3 −1"], 1)
    text(d, 226, 105, "⋆", 40)
    text(d, 440, 105, "=", 24)
    for x, words in ((100, "input 4 × 4"), (330, "kernel 3 × 3"), (530, "output 2 × 2")):
        text(d, x, 10, words, 14, GREY)
    return d


def residual() -> Drawing:
    """Draw a residual block."""
    d = Drawing(340, 290)
    box(d, (130, 190), 150, 44, "convolution, ReLU")
    box(d, (130, 120), 150, 44, "convolution")
    node(d, (130, 55), "+", 16)
    arrow(d, (130, 275), (130, 213))
    arrow(d, (130, 168), (130, 143))
    arrow(d, (130, 98), (130, 72))
    arrow(d, (130, 39), (130, 8))
    curve(d, [(130, 250), (260, 250), (260, 55), (160, 55)], RED, 1.6)
    arrow(d, (170, 55), (147, 55), RED)
    text(d, 114, 265, "x")
    text(d, 20, 155, "F(x)", 15, BLUE)
    text(d, 298, 150, "skip: x", 14, RED)
    text(d, 180, 16, "x + F(x)")
    return d


def unrolled() -> Drawing:
    """Draw a recurrent network unrolled over four steps."""
    d = Drawing(850, 210)
    for k in range(5):
        x, sub = 140 + 170.0 * k, "₁₂₃₄…"[k]
        arrow(d, (x - 170 + (50 if k == 0 else 0), 105), (x, 105), trim=28)
        text(d, x - (60 if k == 0 else 85), 119, "W", 14, BLUE)
        if k == 4:
            break
        arrow(d, (x, 20), (x, 79))
        arrow(d, (x, 131), (x, 190))
        node(d, (x, 105), "h" + sub, 26)
        text(d, x, 8, "x" + sub)
        text(d, x, 202, "y" + sub)
        text(d, x + 14, 50, "U", 14, BLUE)
        text(d, x + 14, 160, "V", 14, BLUE)
    text(d, 26, 105, "h₀ = 0")
    text(d, 826, 105, "…", 20)
    return d


def mask() -> Drawing:
    """Draw the weights of causal attention when all scores are equal."""
    d = Drawing(330, 270)
    grid(d, 90, 235, ["1 0 0 0", "½ ½ 0 0", "⅓ ⅓ ⅓ 0", "¼ ¼ ¼ ¼"], 0, 50)
    for k in range(4):
        text(d, 115 + 50 * k, 250, "k" + "₁₂₃₄"[k], 14, GREY)
        text(d, 66, 210 - 50 * k, "q" + "₁₂₃₄"[k], 14, GREY)
    text(d, 190, 16, "weights when all scores are equal", 13, GREY)
    return d


DRAWINGS: dict[str, Callable[[], Drawing]] = {
    "network": network, "activations": activations, "graph-forward": lambda: graph(False),
    "graph-backward": lambda: graph(True), "paths": paths, "valley": valley, "schedules": schedules,
    "convolution": convolution, "residual": residual, "unrolled": unrolled, "mask": mask,
}  # fmt: skip


# --- slides -----------------------------------------------------------------------------------


def wrap(words: str, font: str, size: float, width: float) -> list[str]:
    """Break words into lines no wider than `width`."""
    lines: list[str] = []
    for word in words.split():
        if lines and pdfmetrics.stringWidth(f"{lines[-1]} {word}", font, size) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def draw_body(page: Canvas, slide: Slide, scale: float) -> bool:
    """Draw a slide's lines and drawings at this scale; draw nothing and return False if they do not fit."""
    drawings = [DRAWINGS[name]() for mark, name in slide.lines if mark == "!"]
    beside = next((d for d in drawings if d.width <= 400), None)
    width = WIDTH - 2 * MARGIN - (beside.width + 24 if beside else 0)
    blocks: list[tuple[str, list[str], float, Drawing | None]] = []
    for mark, words in slide.lines:
        if mark == "!":
            picture = drawings[sum(block[0] == "!" for block in blocks)]
            blocks.append((mark, [], 0 if picture is beside else picture.height, picture))
        elif mark == "=":
            if pdfmetrics.stringWidth(words, SANS, 20 * scale) > width - 36:
                return False
            blocks.append((mark, [words], 34 * scale, None))
        else:
            font = BOLD if mark == ">" else SANS
            lines = wrap(words, font, 19 * scale, width - (22 if mark == "-" else 0))
            blocks.append((mark, lines, 26 * scale * len(lines), None))
    joints = sum(not (a[0] == b[0] == "=") for a, b in pairwise(blocks))
    spare = TOP - BOTTOM - sum(block[2] for block in blocks)
    if spare < 10 * joints:
        return False
    gap, y, before = min(22.0, spare / max(joints, 1)), TOP, ""
    for mark, lines, height, drawing in blocks:
        y -= gap if before and not before == mark == "=" else 0
        if drawing is beside and drawing is not None:
            place: Point = (WIDTH - MARGIN - drawing.width, (TOP + BOTTOM + 30 - drawing.height) / 2)
            renderPDF.draw(drawing, page, *place)
        elif drawing is not None:
            renderPDF.draw(drawing, page, (WIDTH - drawing.width) / 2, y - height)
        elif mark == "=":
            page.setFillColor(PALE)
            page.rect(MARGIN, y - height, width, height + 0.3, stroke=0, fill=1)
            page.setFillColor(BLUE)
            page.rect(MARGIN, y - height, 4, height + 0.3, stroke=0, fill=1)
            page.setFillColor(INK)
            page.setFont(SANS, 20 * scale)
            page.drawString(MARGIN + 20, y - height + 10 * scale, lines[0])
        else:
            page.setFillColor(BLUE)
            if mark == "-":
                page.circle(MARGIN + 6, y - 13 * scale, 3.5, stroke=0, fill=1)
                page.setFillColor(INK)
            page.setFont(BOLD if mark == ">" else SANS, 19 * scale)
            for k, line in enumerate(lines):
                page.drawString(MARGIN + (22 if mark == "-" else 0), y - (20 + 26 * k) * scale, line)
        y -= height
        before = mark
    return True


def write_slides(lecture: Lecture, path: Path) -> None:
    """Write the lecture's slides as a PDF."""
    page = Canvas(str(path), pagesize=(WIDTH, HEIGHT), invariant=1, pageCompression=1)
    page.setTitle(lecture.title)
    page.setAuthor("The lecta project")
    page.setSubject(COURSE)
    page.setFillColor(HexColor("#17365d"))
    page.rect(0, 0, WIDTH, HEIGHT, stroke=0, fill=1)
    page.setFillColor(HexColor("#8fb8e8"))
    page.rect(MARGIN, 232, 90, 4, stroke=0, fill=1)
    page.setFillColor(white)
    for k, line in enumerate(wrap(lecture.title, BOLD, 36, WIDTH - 2 * MARGIN)):
        page.setFont(BOLD, 36)
        page.drawString(MARGIN, 310 - 46 * k, line)
    page.setFont(SANS, 20)
    for k, line in enumerate(wrap(lecture.subtitle, SANS, 20, WIDTH - 2 * MARGIN)):
        page.drawString(MARGIN, 190 - 28 * k, line)
    page.setFont(SANS, 15)
    page.drawString(MARGIN, 60, COURSE)
    page.showPage()
    for number, slide in enumerate(lecture.slides[1:], 1):
        page.setFillColor(INK)
        page.setFont(BOLD, 27)
        if pdfmetrics.stringWidth(slide.title, BOLD, 27) > WIDTH - 2 * MARGIN:
            raise ValueError(f"title too long: {slide.title}")
        page.drawString(MARGIN, 470, slide.title)
        page.setFillColor(BLUE)
        page.rect(MARGIN, 452, 64, 3.5, stroke=0, fill=1)
        if not any(draw_body(page, slide, scale / 100) for scale in range(104, 75, -4)):
            raise ValueError(f"lecture {lecture.number}: slide {slide.title!r} is too full")
        page.setFillColor(GREY)
        page.setFont(SANS, 11)
        page.drawString(MARGIN, 24, f"{COURSE} · {lecture.title}")
        page.drawRightString(WIDTH - MARGIN, 24, str(number))
        page.showPage()
    page.save()


# --- recordings -------------------------------------------------------------------------------


def seconds(word: str) -> float:
    """Estimate how long a word takes to say, at about 150 words a minute; digits are said one by one."""
    return 0.125 + 0.0535 * len(word) + 0.16 * sum(c.isdigit() for c in word) + 0.22 * word.endswith((".", "?", "!"))


def cut_price(word: str, following: str) -> float:
    """Say how bad it is to end a cue after `word`: best after a sentence, then a clause, then before a joining word."""
    if word.endswith((".", "?", "!")):
        return 0
    if word.endswith((";", ":")):
        return 1
    if word.endswith(","):
        return 2
    return 4.0 + JOINING.index(following) / 10 if following in JOINING else 14


def cut(speech: str) -> list[tuple[str, float]]:
    """Cut a slide's speech into cues of 2 to 7 seconds at the cheapest places."""
    words = speech.split()
    times = [seconds(w) for w in words]
    best: list[tuple[float, int]] = [(0, 0)] + [(math.inf, 0)] * len(words)
    for end in range(1, len(words) + 1):
        price = cut_price(words[end - 1], words[end] if end < len(words) else "")
        for start in range(max(0, end - 28), end):
            length = sum(times[start:end])
            if 2 <= length <= 6.95:
                inside = sum(w.endswith((".", "?", "!")) for w in words[start : end - 1])
                cost = best[start][0] + price + 3 * inside + 0.35 * (length - 4.4) ** 2
                best[end] = min(best[end], (cost, start))
    end = len(words)
    if best[end][0] == math.inf:
        raise ValueError(f"cannot be cut into cues: {speech[:60]!r}")
    cues: list[tuple[str, float]] = []
    while end:
        start = best[end][1]
        cues.insert(0, (" ".join(words[start:end]), sum(times[start:end])))
        end = start
    return cues


def stamp(ms: int) -> str:
    """Format milliseconds as a WebVTT time."""
    return f"{ms // 3600000:02}:{ms // 60000 % 60:02}:{ms // 1000 % 60:02}.{ms % 1000:03}"


def write_recording(lecture: Lecture, path: Path) -> list[dict[str, int]]:
    """Write the lecture's WebVTT file and return the page each cue was spoken over."""
    parts, now = ["WEBVTT\n"], 400
    rows: list[dict[str, int]] = []
    for page, slide in enumerate(lecture.slides, 1):
        for words, length in cut(slide.speech):
            end = now + round(length * 1000)
            rows.append({"lecture": lecture.number, "cue": len(rows) + 1, "page": page})
            parts.append(f"{len(rows)}\n{stamp(now)} --> {stamp(end)}\n{words}\n")
            now = end + 80
        now += 1400
    path.write_text("\n".join(parts), encoding="utf-8", newline="\n")
    return rows


def main() -> None:
    """Make every lecture's slides and recording, and the alignment of all cues with pages."""
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "course"
    fonts = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    for name in (SANS, BOLD):
        pdfmetrics.registerFont(TTFont(name, str(fonts / f"{name}.ttf")))
    rows: list[dict[str, int]] = []
    for source in sorted((HERE / "sources").glob("lecture-*.md")):
        lecture = read_lecture(source)
        folder = out / lecture.folder
        folder.mkdir(parents=True, exist_ok=True)
        write_slides(lecture, folder / "slides.pdf")
        rows += write_recording(lecture, folder / "recording.vtt")
    text_rows = "".join(json.dumps(row) + "\n" for row in rows)
    (out / "alignment.jsonl").write_text(text_rows, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
