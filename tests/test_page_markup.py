"""What is written becomes HTML that shows it and does nothing."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from lxml import html as lxml_html

from lecta.answer.citations import UNSUPPORTED
from lecta.read.picture import Picture, Word
from lecta.types import Document, Formula, Hit, Passage, Place, Section, Sentence, Span, WorkedCase
from lecta.web import answers, excerpts, labels, markup, pictures, sample
from lecta.web.answers import Draft
from lecta.web.markup import Insert, Stretch
from lecta.web.scope import Scope

HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "`<img src=x onerror=alert(1)>`",
    "```\n<img src=x onerror=alert(1)>\n```",
    "    <img src=x onerror=alert(1)>",
    "| <img src=x onerror=alert(1)> |\n|-|\n| <b>x</b> |",
    r"$\text{<script>alert(1)</script>}$",
    r"$$\href{javascript:alert(1)}{x}$$",
    r"\(<img src=x onerror=alert(1)>\)",
    "[x](javascript:alert(1))",
    "[x](<javascript:alert(1)>)",
    "[x](data:text/html,<script>alert(1)</script>)",
    "![x](http://example.com/x.png)",
    '[x](http://example.com "$y$ onmouseover=alert(1)")',
    '[x](http://example.com/"onmouseover=alert(1))',
    "<http://example.com/><iframe src=x>",
    "[x]: javascript:alert(1)\n\n[x]",
    "\U000f0000\ue000\ue001 private characters",
    "&lt;img src=x onerror=alert(1)&gt;",
)
_HARMLESS_ATTRIBUTES = {
    "href",
    "target",
    "rel",
    "class",
    "tabindex",
    "role",
    "aria-label",
    "title",
    "type",
    "data-cite",
}


def _tree(made: str) -> Any:
    return lxml_html.fromstring(f"<div>{made}</div>")


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_written_becomes_markup_of_its_own(text: str) -> None:
    made = "".join(markup.blocks(f"before {text}\n\n{text}", [Insert(0, 2, "<i>put in</i>")], [Stretch(1, 9)]))
    tree = _tree(made)
    for element in tree.iter():
        assert element.tag not in ("img", "script", "iframe", "style", "object", "svg"), made
        for name, value in element.attrib.items():
            assert not str(name).startswith("on"), made
            assert not re.match(r"\s*(?:javascript|data|vbscript):", str(value), re.I), made
            in_math = element.tag == "math" or any(one.tag == "math" for one in element.iterancestors())
            assert name in _HARMLESS_ATTRIBUTES or in_math, made


def test_links_tell_their_target_nothing() -> None:
    (made,) = markup.blocks("[there](https://example.com/a?b=c)")
    assert 'href="https://example.com/a?b=c"' in made
    assert 'rel="noopener noreferrer nofollow"' in made


def test_links_lead_to_other_sites_only() -> None:
    for address in ("/api/documents", "//example.com", "file:///etc/passwd", "mailto:a@example.com", "#top"):
        assert "href" not in "".join(markup.blocks(f"[there]({address})"))


@pytest.mark.parametrize(
    "made",
    [
        "<math><mtext><script>alert(1)</script></mtext></math>",
        '<math><mi onclick="alert(1)">x</mi></math>',
        '<math><mrow href="javascript:alert(1)"><mi>x</mi></mrow></math>',
        '<math style="background:url(http://example.com)"><mi>x</mi></math>',
        "<math><mi>x</mi><!-- --></math>",
        "<b>x</b>",
    ],
)
def test_what_a_converter_writes_is_looked_at(made: str) -> None:
    assert not markup.is_mathml(made)
    assert markup.is_mathml('<math display="block"><mi>x</mi><mspace width="1em"/></math>')


def test_formulas_become_mathml_and_code_stays_code() -> None:
    made = "".join(markup.blocks(r"so $a_1 * b_2$ and \[x = \frac{1}{2}\] but `$y$` costs $ 5 and $ 6"))
    assert made.count("<math") == 2
    assert '<math display="block">' in made
    assert "<code>$y$</code>" in made
    assert "$ 5 and $ 6" in made
    assert "<em>" not in made  # the stars of the formula are no emphasis


@pytest.mark.parametrize("latex", [r"\frac{a", r"\unheard{x}", r"x_{", r"\begin{matrix}"])
def test_wrong_latex_is_shown_as_it_was_written(latex: str) -> None:
    assert _tree(markup.mathml(latex)).text_content() == latex
    assert "<math" not in markup.mathml(latex)


def test_a_stretch_is_marked_through_emphasis_lists_and_formulas() -> None:
    text = "One *two three* four.\n\n- five $x$ six"
    made = "".join(markup.blocks(text, (), [Stretch(text.index("two"), text.index("six"))]))
    tree = _tree(made)
    marked = " ".join(str(one.text_content()) for one in tree.iter("mark")).split()
    assert marked == ["two", "three", "four.", "five", "x"]


PASSAGES = (
    Hit(
        Passage("It rises.", 0, 9, "a.pdf", "slides", lecture=4, page=12, beside=Place("a.vtt", start_time=1421.0)), 1.0
    ),
    Hit(Passage("It rises.", 0, 9, "a.vtt", "speech", lecture=4, start_time=62.0, end_time=65.0), 0.9),
    Hit(Passage("It rises.", 0, 9, "b/n.md", "notes", title='<img src=x onerror="alert(1)">'), 0.8),
)


def test_a_chip_says_where() -> None:
    assert [labels.chip(hit.passage) for hit in PASSAGES] == ["L4 · slide 12 · 23:41", "L4 · 1:02", "notes"]
    assert labels.spoken(PASSAGES[0].passage) == "lecture 4, slides, slide 12, at 23:41"


def test_each_sentence_has_its_chips_or_its_mark() -> None:
    sentences = (
        Sentence("The slope rises.", (1, 2), 0.9, True),
        Sentence("In Paris it sings.", (), 0.1, False),
        Sentence("Array a[1] is first.", (3,), 0.8, True),
    )
    text = f"The slope rises. [1][2] In Paris it sings. {UNSUPPORTED}\n\n- Array a[1] is first. [3]"
    made = "".join(answers.html_blocks(Draft(text, sentences, (), PASSAGES)))
    tree = _tree(made)
    assert [one.get("data-cite") for one in tree.iter("button")] == ["1", "2", "3"]
    assert tree.xpath("//button")[0].text == "L4 · slide 12 · 23:41"
    assert tree.xpath("//button")[0].get("aria-label") == "Source 1: lecture 4, slides, slide 12, at 23:41"
    assert [one.text for one in tree.xpath("//span[@class='unborne']")] == ["In Paris it sings."]
    assert tree.xpath("//span[contains(@class, 'unborne-mark')]")[0].text == "not in the lectures"
    assert "a[1] is first" in tree.text_content()
    assert "[3]" not in tree.text_content()
    assert tree.xpath("//button")[2].get("title") == '<img src=x onerror="alert(1)">'


def test_a_wrong_formula_within_a_sentence_is_marked_and_the_sentence_found() -> None:
    written = "The derivative of $x^2$ is $3x$ **(this formula is wrong; right: $2x$)**. [1]"
    sentence = Sentence("The derivative of $x^2$ is $3x$.", (1,), 0.9, True)
    made = "".join(answers.html_blocks(Draft(written, (sentence,), (), PASSAGES)))
    tree = _tree(made)
    (mark,) = tree.xpath("//span[contains(@class, 'wrong-mark')]")
    assert mark.text_content() == "this formula is wrong; right: 2x"
    assert len(tree.xpath("//button")) == 1
    assert "**" not in made


def test_a_worked_case_has_a_chip_for_its_passage() -> None:
    case = WorkedCase("y = w*x", "w", "x", 3, "**A worked case**, the network of [3]:\n\n$$x$$")
    made = "".join(answers.html_blocks(Draft(f"See [3].\n\n{case.markdown}", (), (), PASSAGES, case)))
    tree = _tree(made)
    assert [one.get("data-cite") for one in tree.iter("button")] == ["3"]
    assert "See [3]." in tree.text_content()


def test_formulas_say_how_they_fared() -> None:
    text = "So $y = x$ and $z = 1$ and $w$."
    formulas = (
        Formula("y = x", 3, 10, "in the lectures", passage=1),
        Formula("z = 1", 15, 22, "checked"),
        Formula("w", 27, 30, "in the lectures", passage=1),
    )
    made = "".join(answers.html_blocks(Draft(text, (), formulas, PASSAGES)))
    tree = _tree(made)
    marks = [one.text for one in tree.xpath("//span[contains(@class, 'formula-mark')]")]
    assert marks == ["in the lectures", "checked"]  # a lone symbol states nothing


def test_an_answer_that_grows_changes_only_its_last_block() -> None:
    text = "First, it rises. [1]\n\nThen it falls"
    sentences = (Sentence("First, it rises.", (1,), 0.9, True),)
    before = answers.html_blocks(Draft(text, sentences, (), PASSAGES))
    after = answers.html_blocks(Draft(f"{text} and *rests*.", sentences, (), PASSAGES))
    assert before[0] == after[0]
    assert before[1] != after[1]


TEXT = "Gradients\n\nThe gradient points uphill. Go down."
NOTES = Document(TEXT, (Section(0, len(TEXT), title="Gradients"),), "notes", "markdown/1", source="a/notes.md")


def test_notes_are_shown_with_the_cited_words_marked() -> None:
    start = TEXT.index("The gradient")
    span = Span(1, start, start + len("The gradient points uphill."))
    passage = Passage(TEXT, 0, len(TEXT), "a/notes.md", "notes")
    assert "<mark>The gradient points uphill.</mark> Go down." in excerpts.notes(NOTES, passage, [span])
    plain = excerpts.notes(replace(NOTES, source="a/notes.txt"), passage, [span])
    assert "<mark>The gradient points uphill.</mark> Go down." in plain


def test_cues_show_what_is_said_now_and_around() -> None:
    words = [f"cue {i} <b>" for i in range(200)]
    text = "\n".join(words)
    starts = [text.index(f"cue {i} ") for i in range(200)]
    sections = tuple(
        Section(start, start + len(word), start_time=10.0 * i, end_time=10.0 * i + 9)
        for i, (start, word) in enumerate(zip(starts, words, strict=True))
    )
    document = Document(text, sections, "speech", "vtt/1", source="a.vtt")
    rows = excerpts.cues(document, 1000.0, 1015.0, [Span(1, starts[100], starts[100] + 7)], can_play=True)
    tree = _tree(rows)
    assert len(tree.xpath("//li")) == 2 + 2 * excerpts.AROUND
    assert len(tree.xpath("//li[contains(@class, 'now')]")) == 2
    assert tree.xpath("//mark")[0].text == "cue 100"
    assert tree.xpath("//li[contains(@class, 'now')]//button")[0].get("data-seconds") == "1000.000"
    assert not tree.xpath("//b")
    assert "<button" not in excerpts.cues(document, 1000.0, 1015.0, (), can_play=False)


def test_words_that_follow_each_other_on_a_line_have_one_box() -> None:
    words = [
        Word(text, left, top, left + 0.1, top + 0.05)
        for text, left, top in (("rates", 0.1, 0.1), ("multiply", 0.2, 0.1), ("along", 0.1, 0.2), ("paths", 0.2, 0.2))
    ]
    picture = Picture(b"", 800, 450, 3, tuple(words))
    tree = _tree(pictures.html(picture, "/a/picture", ["Rates multiply along"], '"slide" <1>'))
    boxes = [one.get("style") for one in tree.xpath("//span[@class='word']")]
    assert boxes == [
        "left:9.70%;top:9.70%;width:20.60%;height:5.60%",
        "left:9.70%;top:19.70%;width:10.60%;height:5.60%",
    ]
    assert tree.xpath("//img")[0].get("alt") == '"slide" <1>'


def test_a_lecture_is_picked_and_taken_back() -> None:
    picked = Scope(kind="slides").toggled("deep", 4)
    assert picked == Scope("deep", 4, "slides")
    assert picked.toggled("deep", 4) == Scope(kind="slides")
    assert picked.toggled("deep", 5).lecture == 5
    assert [(text, rest) for text, rest in picked.pills] == [
        ("Lecture 4", Scope(kind="slides")),
        ("Slides", Scope("deep", 4)),
    ]


def test_the_sample_course_is_found() -> None:
    folder = sample.folder()
    assert folder is not None
    assert f'title = "{sample.COURSE}"' in (folder / "course.toml").read_text(encoding="utf-8")
