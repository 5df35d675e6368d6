"""Each paragraph once: what repeats goes, what only looks like it stays, and its places are told."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from lecta.clean.dedupe import MIN_RUN, SeenInMemory, dedupe
from lecta.clean.paragraphs import exclude, paragraphs
from lecta.types import Document, Kind, Section

A = (
    "The chain rule multiplies the derivatives along every path from the loss to a weight, and adds up the products of "
    "all the paths, so that each weight learns how much it contributed to the error."
)
B = (
    "A convolution slides a small filter over the image and computes a weighted sum at every position, sharing its "
    "weights, so that the same pattern is found wherever it stands in the picture."
)
C = "So that is it."


def _document(text: str, source: str = "a.md", kind: Kind = "notes", sections: tuple[Section, ...] = ()) -> Document:
    return Document(text, sections or (Section(0, len(text), title="All"),), kind=kind, reader="text/1", source=source)


def _kept(document: Document) -> str:
    return "\n".join(document.text_of(section).strip() for section in document.sections if not section.excluded)


def test_a_paragraph_said_twice_in_one_file_is_kept_once() -> None:
    result = dedupe(_document(f"{A}\n\n{B}\n\n{A}"), SeenInMemory())
    assert _kept(result.document) == f"{A}\n\n{B}"
    assert [section.excluded for section in result.document.sections] == ["", "repeated: a.md"]
    assert (result.repeats[0].of.start_index, result.repeats[0].of.end_index) == (0, len(A))


def test_across_files_the_first_keeps_it_and_the_place_is_known() -> None:
    seen = SeenInMemory()
    seen.add(dedupe(_document(f"{B}\n\n{A}", "first.md"), seen).signatures)
    result = dedupe(_document(f"{A}\n\nSomething new.", "second.md"), seen)
    assert _kept(result.document) == "Something new."
    of = result.repeats[0].of
    assert (of.source, of.start_index, of.end_index) == ("first.md", len(B) + 2, len(B) + 2 + len(A))


def test_spacing_case_and_punctuation_do_not_matter() -> None:
    seen = SeenInMemory()
    seen.add(dedupe(_document(A), seen).signatures)
    assert dedupe(_document(A.upper().replace(" ", "\n").replace(",", ";"), "b.md"), seen).repeats


def test_one_changed_word_is_the_same_paragraph_but_a_changed_number_or_not_is_another() -> None:
    seen = SeenInMemory()
    long = f"{A} {B} It has 3 channels, and it is linear."
    seen.add(dedupe(_document(long), seen).signatures)
    assert dedupe(_document(long.replace("picture", "photograph"), "b.md"), seen).repeats
    assert not dedupe(_document(long.replace("3", "4"), "b.md"), seen).repeats
    assert not dedupe(_document(long.replace("it is linear", "it is not linear"), "b.md"), seen).repeats
    assert not dedupe(_document(long + " $x_1$", "b.md"), seen).repeats


def test_short_lines_and_formulas_stay_when_they_recur_alone() -> None:
    line = "Assume a dataset of independent examples."
    formula = r"$$L = -\sum_i y_i \log p_i + \lambda \sum_j w_j^2 = \mathbb{E}[\log p(y \mid x)] + \textrm{const}$$"
    text = f"{line}\n\n{formula}\n\nFirst.\n\n{line}\n\n{formula}\n\nSecond."
    assert not dedupe(_document(text), SeenInMemory()).repeats


def test_a_short_line_goes_with_the_paragraphs_around_it() -> None:
    result = dedupe(_document(f"{A}\n\n{C}\n\n{B}\n\nNew here.\n\n{A}\n\n{C}\n\n{B}"), SeenInMemory())
    assert _kept(result.document) == f"{A}\n\n{C}\n\n{B}\n\nNew here."


def test_paragraphs_of_one_line_each_are_told_from_wrapped_text() -> None:
    lines = [A, B, "Small gradients vanish over many layers, and large ones explode."]
    result = dedupe(_document("\n".join([*lines, *lines])), SeenInMemory())
    assert _kept(result.document) == "\n".join(lines)


def test_slides_repeat_only_as_a_whole_and_word_for_word() -> None:
    first, second = f"Summary\n\n{A}", f"Outlook\n\n{A}"
    text = f"{first}\f{second}\f{first}"
    edges = [0, len(first) + 1, len(first) + len(second) + 2]
    sections = tuple(
        Section(start, start + len(page), page=i)
        for i, (start, page) in enumerate(zip(edges, [first, second, first], strict=True), 1)
    )
    result = dedupe(_document(text, kind="slides", sections=sections), SeenInMemory())
    assert [section.excluded for section in result.document.sections] == ["", "", "repeated: a.md"]


def _speech(words: list[str], source: str) -> Document:
    text, sections = "", []
    for i in range(0, len(words), 6):
        cue = " ".join(words[i : i + 6])
        text += f"{i}\n"
        sections.append(Section(len(text), len(text) + len(cue), start_time=float(i), end_time=i + 6.0))
        text += f"{cue}\n\n"
    return Document(text, tuple(sections), kind="speech", reader="subtitles/1", source=source)


def test_speech_repeats_by_runs_of_sentences_across_cues() -> None:
    names = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "theta", "iota", "kappa", "lambda", "omega", "rho"]
    sentences = [f"Sentence {name} explains how gradients of the {name} layer behave in training." for name in names]
    sentences += [f"Then the {name} update follows, and the loss goes down once more." for name in names]
    document = _speech(" ".join([*sentences, "And now for something else.", *sentences]).split(), "a.srt")
    result = dedupe(document, SeenInMemory())
    kept = " ".join(_kept(result.document).split())
    assert all(kept.count(sentence) == 1 for sentence in sentences)
    assert all(section.start_time is not None for section in result.document.sections)


def test_one_sentence_said_again_in_speech_stays() -> None:
    filler = " ".join(f"Here the lecturer says something entirely new about topic {i}." for i in range(40))
    again = "So remember that the gradient always points uphill in the loss."
    document = _speech(f"{again} {filler} {again}".split(), "a.srt")
    assert not dedupe(document, SeenInMemory()).repeats


def test_a_forgotten_file_repeats_nothing() -> None:
    seen = SeenInMemory()
    seen.add(dedupe(_document(A), seen).signatures)
    seen.remove("a.md")
    assert not dedupe(_document(A, "b.md"), seen).repeats


def test_excluded_sections_are_not_compared() -> None:
    text = f"{A}\n\n{A}"
    sections = (Section(0, len(A), excluded="advertisement"), Section(len(A) + 2, len(text)))
    assert not dedupe(_document(text, sections=sections), SeenInMemory()).repeats


def test_cutting_keeps_the_place_of_each_piece() -> None:
    section = Section(2, 12, page=4, title="T")
    document = _document("##aaaabbbbcc##", sections=(section,))
    cut = exclude(document, [(6, 10, "repeated: x")])
    assert cut.sections == (
        replace(section, end_index=6),
        replace(section, start_index=6, end_index=10, excluded="repeated: x"),
        replace(section, start_index=10),
    )


_BLOCK = st.sampled_from([A, B, C, "x", "$$x^2$$", "- one\n- two", A + " " + B, "\n", " "])


@given(st.lists(_BLOCK, max_size=12), st.sampled_from(["notes", "speech", "slides"]), st.integers(1, 60))
def test_sections_stay_in_order_inside_the_text_and_apart(blocks: list[str], kind: Kind, size: int) -> None:
    text = "\n\n".join(blocks)
    sections = tuple(Section(i, min(i + size, len(text))) for i in range(0, len(text), size + 1))
    document = Document(text, sections, kind=kind, reader="text/1", source="a")
    result = dedupe(document, SeenInMemory()).document
    at = 0
    for section in result.sections:
        assert at <= section.start_index < section.end_index <= len(text)
        at = section.end_index
    assert _characters(document) >= _characters(result)
    for paragraph in paragraphs(document):
        assert 0 <= paragraph.start < paragraph.end <= len(text)
    lost = _characters(document) - _characters(result)
    assert all(not text[i].strip() for i in lost)


def _characters(document: Document) -> set[int]:
    return {i for section in document.sections for i in range(section.start_index, section.end_index)}


def test_the_least_run_is_about_two_sentences() -> None:
    assert MIN_RUN == 20
