"""A run as one HTML page: no script, nothing from the network, light or dark as the reader's system is."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from lecta.evaluate.plots import Series, bars, histogram, shares
from lecta.evaluate.runs import Found, Judged, Run

MEASURE = "nDCG@10"
WORST = 25
_BINS = 20
_RANKS = 10
_SHOWN = 5

_STYLE = """
:root { color-scheme: light dark; --page: #fbfaf8; --card: #fff; --text: #1f2328; --dim: #667; --line: #e3e1dc;
  --a: #2f6fb3; --b: #d9822b; --good: #1f7a4d; --bad: #b3372f; }
@media (prefers-color-scheme: dark) { :root { --page: #16181c; --card: #1f2227; --text: #e6e6e3; --dim: #9aa0a8;
  --line: #343840; --a: #6aa9e9; --b: #f0a860; --good: #6cc79a; --bad: #f08a80; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 2rem 1rem 4rem; }
h1 { font-size: 1.7rem; margin: 0; } h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem; }
p { margin: .4rem 0; } .dim { color: var(--dim); } small, .small { font-size: .85rem; }
.tiles { display: flex; flex-wrap: wrap; gap: .6rem; margin: 1.2rem 0; }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .5rem .9rem; }
.tile b { display: block; font-size: 1.35rem; font-variant-numeric: tabular-nums; }
.plot { display: block; width: 100%; max-width: 45rem; height: auto; }
.plot text { fill: var(--dim); font-size: 11px; } .plot .grid { stroke: var(--line); }
.plot .a { fill: var(--a); } .plot .b { fill: var(--b); }
.key::before { content: ""; display: inline-block; width: .8em; height: .8em; border-radius: .15em;
  margin-right: .35em; }
.key.a::before { background: var(--a); } .key.b::before { background: var(--b); } .key { margin-right: 1.2em; }
details { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; margin: .5rem 0; }
summary { cursor: pointer; padding: .6rem .9rem; } summary .value { float: right; margin-left: 1rem; color: var(--dim);
  font-variant-numeric: tabular-nums; }
details > div { padding: 0 .9rem .8rem; overflow-x: auto; }
h3 { font-size: .85rem; color: var(--dim); font-weight: 600; margin: .8rem 0 .2rem; }
ol, ul { margin: 0; padding-left: 1.6rem; } li { margin: .35rem 0; overflow-wrap: anywhere; }
.right { color: var(--good); font-weight: 600; } .absent { color: var(--bad); font-weight: 600; }
table { border-collapse: collapse; width: 100%; font-size: .85rem; } th { text-align: left; color: var(--dim); }
td, th { padding: .2rem .6rem .2rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
"""


def save(run: Run, path: Path) -> None:
    """Write the page of a run."""
    path.write_text(html(run), encoding="utf-8", errors="replace")


def html(run: Run) -> str:
    """Return the page of a run."""
    ordered = sorted(run.results, key=lambda result: (result.measures[MEASURE], -(result.rank or 10**9)))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(run.name)} · lecta</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head>\n<body><main>\n"
        + "\n".join([_head(run), _ranks(run), _measure(run), _scores(run), _worst(ordered), _all(run)])
        + "\n</main></body></html>\n"
    )


def _head(run: Run) -> str:
    tiles = "".join(
        f'<div class="tile"><b>{value:.3f}</b><span class="dim small">{escape(name)}</span></div>'
        for name, value in run.measures.items()
    )
    settings = " · ".join(f"{escape(name)} {escape(str(value))}" for name, value in run.settings.items())
    return (
        f"<h1>{escape(run.name)}</h1>"
        f'<p class="dim">{run.queries} questions in {run.seconds:.1f} s · {settings}</p>'
        f'<div class="tiles">{tiles}</div>'
    )


# --- plots ------------------------------------------------------------------------------------------------------------


def _ranks(run: Run) -> str:
    ranks = [result.rank for result in run.results]
    counts = [sum(rank == place for rank in ranks) for place in range(1, _RANKS + 1)]
    counts.append(sum(rank is not None and rank > _RANKS for rank in ranks))
    counts.append(sum(rank is None for rank in ranks))
    labels = [*map(str, range(1, _RANKS + 1)), "later", "not found"]
    plot = bars(
        [Series("questions", counts)],
        labels,
        title="Rank of the first right one",
        x_axis="rank of the first right one",
        y_axis="questions",
    )
    return f"<h2>Where the first right one stands</h2>{plot}"


def _measure(run: Run) -> str:
    counts = histogram([result.measures[MEASURE] for result in run.results], 0, 1, _BINS)
    plot = bars(
        [Series("questions", counts)],
        [f"{edge / _BINS:.2f}" for edge in range(_BINS + 1)],
        title=f"{MEASURE} of each question",
        x_axis=f"{MEASURE} of a question",
        y_axis="questions",
        between=True,
        every=4,
    )
    return f"<h2>{MEASURE} of each question</h2>{plot}"


def _scores(run: Run) -> str:
    """Show how well scores tell right from wrong."""
    found = [one for result in run.results for one in result.found if one.score is not None]
    right = [one.score for one in found if one.grade > 0 and one.score is not None]
    wrong = [one.score for one in found if one.grade <= 0 and one.score is not None]
    if not right or not wrong:
        return ""
    low, high = min(*right, *wrong), max(*right, *wrong)
    high = high if high > low else low + 1
    edges = [f"{low + (high - low) * edge / _BINS:.2f}" for edge in range(_BINS + 1)]
    plot = bars(
        [
            Series("right", shares(histogram(right, low, high, _BINS)), "a"),
            Series("not right", shares(histogram(wrong, low, high, _BINS)), "b"),
        ],
        edges,
        title="Scores of what is right and what is not",
        x_axis="score",
        y_axis="share of each",
        percent=True,
        between=True,
        every=4,
    )
    return (
        "<h2>Scores of what is right and what is not</h2>"
        f'<p class="small"><span class="key a">right ({len(right)})</span>'
        f'<span class="key b">not right, among the first ten ({len(wrong)})</span></p>{plot}'
        '<p class="dim small">Scores order what was found for one question; they are no probability, and the scores '
        "of two questions do not compare.</p>"
    )


# --- questions --------------------------------------------------------------------------------------------------------


def _worst(ordered: Sequence[Judged]) -> str:
    worst = [result for result in ordered if result.measures[MEASURE] < 1][:WORST]
    if not worst:
        return "<h2>Worst questions</h2><p>None: the right one came first every time.</p>"
    return f"<h2>Worst questions</h2><p class='dim'>{len(worst)} with the lowest {MEASURE}.</p>" + "".join(
        map(_question, worst)
    )


def _question(result: Judged) -> str:
    wanted = [*(one for one in result.found if one.grade > 0), *result.missed]
    return (
        f'<details><summary><span class="value">{MEASURE} {result.measures[MEASURE]:.2f}</span>'
        f'<span class="dim">{escape(result.id)}</span> {escape(result.text)}</summary><div>'
        f"<h3>Should have been found</h3><ul>{''.join(f'<li>{_wanted(one)}</li>' for one in wanted)}</ul>"
        f"<h3>Was found</h3>{_listed(result)}</div></details>"
    )


def _listed(result: Judged) -> str:
    items = "".join(f"<li>{_found(one)}</li>" for one in result.found[:_SHOWN])
    return f"<ol>{items}</ol>" if items else "<p>nothing</p>"


def _found(one: Found) -> str:
    right = ' <span class="right">right</span>' if one.grade > 0 else ""
    return f'{_name(one)} <span class="dim">{one.score or 0:.3f}</span>{right}{_text(one)}'


def _wanted(one: Found) -> str:
    where = f'<span class="right">rank {one.rank}</span>' if one.rank else '<span class="absent">not found</span>'
    return f"{_name(one)} {where}{_text(one)}"


def _name(one: Found) -> str:
    lecture = f"lecture {one.lecture}" if one.lecture is not None else ""
    source = "" if one.item == one.source else one.source
    title = "" if one.title.casefold() == lecture else one.title
    parts = [lecture or one.item, title, source, place(one)]
    return " · ".join(escape(part) for part in parts if part)


def _text(one: Found) -> str:
    return f'<br><span class="small dim">{escape(one.text)}</span>' if one.text else ""


def _all(run: Run) -> str:
    rows = "".join(
        f"<tr><td>{escape(result.id)}</td><td>{escape(result.text)}</td>"
        f'<td class="number">{result.rank or "–"}</td><td class="number">{result.measures[MEASURE]:.3f}</td></tr>'
        for result in run.results
    )
    return (
        f"<h2>All questions</h2><details><summary>{len(run.results)} questions</summary><div><table>"
        f'<tr><th>id</th><th>question</th><th class="number">rank</th><th class="number">{MEASURE}</th></tr>'
        f"{rows}</table></div></details>"
    )


def place(one: Found) -> str:
    """Return where in its file something stands: "slide 12", "23:41-24:10"; nothing where no place is known."""
    if one.page is not None:
        return f"{'slide' if one.kind == 'slides' else 'page'} {one.page}"
    if one.start_time is not None and one.end_time is not None:
        return f"{_clock(one.start_time)}-{_clock(one.end_time)}"
    return ""


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"
