"""Advertisements and boilerplate, found by rules that can be read and marked so that no answer rests on them.

Each signal is a turn of phrase with a weight and a reason in words. An advertisement must do several things at once:
speak for somebody (a sponsor, or a product by name), ask or praise, and show a commercial purpose (an offer, a market,
a sponsor). A lecture that recommends a library does the first two, one about advertising the third. Boilerplate (asking
for likes, cookie banners, newsletter forms, navigation) is told by its set phrases, of which it needs more than one
unless the phrase is said nowhere else.

Precision comes first: what is missed may be found and judged by its reader; what is dropped wrongly is lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from lecta.clean.literals import needed
from lecta.clean.paragraphs import Paragraph, exclude, paragraphs, sentences
from lecta.types import Document

Label = Literal["advertisement", "boilerplate"]

AD_SCORE = 4.5
BOILERPLATE_SCORE = 3.0
_WINDOW = 6
"""Sentences of running text weighed together: spoken advertisements are about 20 seconds long."""

_NAMED = (
    r"(?-i:(?!(?:Figure|Fig|Chapter|Section|Table|Lecture|Appendix|Equation|Theorem|Professor|Dr|The|This|I)\b)[A-Z])"
)
_SITE = r"\b[\w-]+\.(?:com|io|net|ai|app|co|tv|me|shop|store|dev)\b"
_PLACE = (
    r"(?:video|episode|lecture|lesson|tutorial|series|program|discussion\s+board|post|space|forum|channel|podcast|page"
    r"|site|article|newsletter|blog|stream|content)"
)
_NET = r"(?:twitter|x|facebook|instagram|linkedin|tiktok|youtube|patreon|discord|reddit|pinterest|whatsapp)"


@dataclass(frozen=True, slots=True)
class _Signal:
    group: str
    weight: float
    pattern: re.Pattern[str]
    needed: frozenset[str]
    """Words of which a match holds one; none where that is not known."""

    def search(self, text: str, folded: str) -> re.Match[str] | None:
        """Search a text, which is given casefolded too."""
        if self.needed and not any(word in folded for word in self.needed):
            return None
        return self.pattern.search(text)


def _signals(rows: str) -> tuple[_Signal, ...]:
    """Read lines of "group weight pattern"; a line that begins with blanks goes on with the one before."""
    found = []
    for line in re.sub(r"\n +", "", rows.strip()).splitlines():
        group, weight, pattern = line.split(None, 2)
        for name, part in (("NAMED", _NAMED), ("SITE", _SITE), ("PLACE", _PLACE), ("NET", _NET)):
            pattern = pattern.replace(f"<{name}>", part)
        compiled = re.compile(pattern, re.IGNORECASE)
        found.append(_Signal(group, float(weight), compiled, needed(compiled)))
    return tuple(found)


_AD = _signals(
    r"""
sponsor 3   \bspon?sor(?:ing|s|ed)\s+(?:this|today['’]?s|our|us|me)\b
           |\b(?:our|today['’]s|this\s+week['’]s)\s+sponsors?\b
sponsor 3   \b(?:this|today['’]s)\s+<PLACE>\s+(?:is|was|comes)\s+(?:\w+\s+)?(?:sponsored|brought|made\s+possible
           |supported)\b
sponsor 3   \bthank(?:s|\s+you|ful)?\s+(?:\w+\s+){0,4}\S+\s+for\s+(?:sponsoring|supporting|backing)\b
sponsor 3   \b(?:thanks|grateful|thankful|kudos|shout-?out)\s+(?:goes\s+)?to\s+<NAMED>[^.]{0,40}\bfor\s+(?:making
           |keeping|helping|bringing)\b
sponsor 3   \b(?:they|who|that|which)\s+sponsors?\s+(?:this|us|our|the)\b|\bsponsors?\s+of\s+(?:this|our)\b
           |\bsupport\s+for\s+this\s+(?:\w+\s+)?<PLACE>\s+comes\s+from\b
sponsor 2   \bbrought\s+to\s+you\s+by\b|\bpaid\s+(?:promotion|partnership)\b|\baffiliate\s+links?\b
sponsor 2   \b(?:helping|allow(?:s|ing)|lett?ing|enabl(?:es|ing)|lets
           |makes?\s+it\s+possible\s+for)\s+us\s+(?:to\s+)?(?:dish|share|bring|offer|keep|provide|give|spread|make
           |pass|hand|put)\b|\b(?:support|help|generosity)\s+(?:means|lets|allows|keeps)\b[^.]{0,60}\bfree\b
           |\bso\s+(?:that\s+)?(?:we|you)\s+(?:can\s+)?(?:share|get|keep|offer|read
           |enjoy)\b[^.]{0,60}\bfree(?:ly)?\b
sponsor 2   \b(?:supports?|supporting|backs?|backing|funds|funding)\s+(?:this|our)\s+(?:\w+\s+)?<PLACE>\b
name    1   (?-i:\b[A-Z][a-z]+[A-Z]\w+)|[™®]|<SITE>
name    1   \b(?:check(?:ing)?\s+out|look(?:ing)?\s+(?:at|into)|try(?:\s+out)?|meet|consider|called|introduc\w+
           |recommend|with|from|at|choose|get|grab|download|heard\s+of|tried|possible\s+by)\s+<NAMED>
ask     1.5 \bcheck(?:ing)?\s+(?:it\s+|them\s+)?out\b|\b(?:have|take)\s+a\s+look\s+at\s+<NAMED>
           |\bgive\s+\S+(?:\s+\S+)?\s+a\s+(?:try|go|shot|spin)\b
ask     1.5 \b(?:head|hop|swing)\s+(?:on\s+)?over\s+to\b|\b(?:visit|go\s+to|at)\s+(?:www\.)?<SITE>|\bsign\s+up\b
           |\bclick\s+(?:here|the\s+link|below|on\s+the\s+link)\b
ask     1.5 \bfollow\s+the\s+link\b|\bdownload\s+it\s+(?:now|today)\b|\bdo\s+yourself\s+a\s+favou?r\b
           |\bhave\s+you\s+(?:heard\s+of|tried)\s+<NAMED>|\bremiss\s+not\s+to\s+mention\b
           |\bsee\s+what\s+<NAMED>[^.]{0,30}\boffers?\b|\bat\s+checkout\b|\bpartner(?:ed|ing)?\s+with\s+<NAMED>
ask     1   \bi\s+should\s+(?:also\s+)?mention\b|\bintroduce\s+you\s+to\b|\bdon['’]t\s+forget\s+about\b
           |\bexplore\s+<NAMED>|\b(?:is|are)\s+my\s+(?:pick|choice|favou?rite)\b
           |\bthat['’]s\s+where\s+<NAMED>[^.]{0,30}\bcomes?\s+in\b|\blearn\s+more\s+at\b
           |\bgrab\s+(?:the|this|your)\s+(?:deal|offer|copy)\b|\bour\s+friends\s+at\b
ask     2   \bwith\s+(?:our|my)\s+(?:link|code)\b
           |\blinks?\s+(?:is\s+|are\s+)?(?:in\s+the\s+(?:video\s+)?(?:description|bio|show\s*notes)|below)\b
ask     1.5 \b(?:order|buy|shop|enrol+|register|subscribe|download|upgrade)\s+(?:yours\s+)?(?:now|today)\b
           |\bget\s+(?:yours|started)\s+(?:now|today|for\s+free)\b
ask     1   \b(?:let\s+me|(?:i|we)['’]d\s+(?:like|love)\s+to|allow\s+me\s+to|i\s+want\s+to)\s+(?:introduce
           |recommend|tell\s+you\s+about|point\s+you|mention)\b
ask     1   \byou\s+(?:should|need\s+to|have\s+to|gotta|might\s+want\s+to|may\s+want\s+to)\s+(?:try|check|see|get
           |meet|consider|look)\b
praise  1   \btop[- ](?:notch|tier|rated)\b|\bgo-to\b|\b(?:industry|market|world)[- ]leading\b|\baward[- ]winning\b
           |\bbest[- ]in[- ]class\b|\bstate-of-the-art\s+solution
praise  1   \b(?:super|highly|really|extremely|incredibly|totally|trusted,?|most|truly)\s+(?:reliable|popular
           |effective|recommended|regarded|rated|trusted|respected|sought)\b
           |\b(?:well-regarded|well-known|sought-after|popular)\b[^.]{0,40}\b(?:solution|tool|software|service
           |option|app|platform|product|choice|brand)\b
praise  1   \b(?:highly|widely)\s+(?:regarded|trusted|rated)\b|\bswear\s+by\b
           |\b(?:rel(?:y|ies)|depends?)\s+on\s+it\b|\bcost-effective\b|\ba\s+favou?rite\s+(?:of|among|with)\b
           |\bit\s+just\s+works\b|\b(?:millions|thousands)\s+(?:rely|trust)
praise  1   \b(?:reliable|solid|dependable|powerful|trusted|leading|premier|outstanding|excellent|robust|affordable
           |fantastic|amazing)\b[^.]{0,30}\b(?:solution|tool|software|service|app|platform|product|choice|provider
           |option)\b
praise  1   \b(?:hassle|worry|stress)[- ]free\b|\bpeace\s+of\s+mind\b|\bgame[- ]changer\b|\bmust-have\b
           |\brock[- ]solid\b|\ball-in-one\b|\bseamless(?:ly)?\b|\beffortless(?:ly)?\b|\bworld[- ]class\b
praise  1   \btailor(?:ed|-made)\b
           |\b(?:designed|built|crafted|made|developed|created)\s+(?:specifically|especially|exclusively|just
           |with)\b|\bperfect\s+for\b|\bthe\s+best\s+part\b|\btrusted\s+by\b|\blove[sd]?\s+by\b
offer   2   \bno\s+(?:\w+\s+){0,2}(?:subscriptions?|fees?|commitments?|credit\s+card|strings|contracts?
           |recurring\s+\w+)\b|\bwithout\s+(?:\w+\s+){0,2}subscriptions?\b|\bsubscription[- ]free\b
           |\bwithout\s+(?:\w+\s+){0,2}(?:fees|costs|commitments?)\b|\b(?:doesn['’]t|won['’]t|never)\s+lock\s+you\b
offer   2   \b\d+\s*(?:%|percent)\s+(?:off|discount)\b|\b(?:promo|discount|coupon|referral)\s+code\b
           |\b(?:use|with|enter)\s+(?:the\s+|my\s+|our\s+)?code\s+(?-i:[A-Z0-9]{3,})|\bfree\s+trial\b
           |\bmoney[- ]back\b|\blimited[- ]time\b
offer   2   \bcosts?\s+(?:you\s+)?nothing\b|\bfree\s+to\s+try\b|\bone-time\s+(?:licen[cs]e|payment|purchase|fee)\b
           |\bno\s+(?:\w+\s+)?payments\b|\bfor\s+(?:just|only)\s+[$€£]\d
offer   2   \blifetime\s+(?:access|licen[cs]e|deal)\b|\bblack\s+friday\b|\bsave\s+(?:up\s+to\s+)?(?:\d+\s*%|[$€£]\d)
           |\bfree\s+domain\b
offer   2   [$€£]\s?\d+(?:[.,]\d\d)?\s*(?:/|a|per)\s*(?:mo|month|year|yr|seat|user)\b|\bfree\s+shipping\b
           |\bspecial\s+(?:offer|deal)\b|\bfirst\s+(?:month|week|order|box)\s+(?:is\s+|for\s+)?free\b
           |\b(?:try|start)\b[^.]{0,40}\bfor\s+free\b
market  1   \bSMBs?\b
           |\b(?:small|medium|mid)[- ]?(?:sized)?(?:\s+(?:and|to|or)[- ](?:medium
           |large)(?:[- ]sized)?)?\s+(?:businesses|enterprises|companies)\b|\b(?:it\s+)?professionals\b
           |\bit\s+(?:pros|departments|teams)\b|\bapp\s+store\b|\bhome\s+(?:labs?|users)\b|\bwindows\s+servers?\b
           |\bfreelancers\b|\bbusinesses\b|\bteams\s+of\s+(?:all|any)\s+sizes?\b|\bcustomers\b
market  1   \byour\s+(?:business|company|home\s+office|team|wallet|skin|kitchen|diet|privacy|servers?)\b
           |\b(?:millions|thousands)\s+of\s+(?:people|users|customers|students|developers|teams)\b
segue   1   \bby\s+the\s+way\b|\bspeaking\s+of\b
           |\bbefore\s+(?:we|i)\s+(?:start|begin|go|wrap|continue|dive|jump|get)\b
           |\b(?:quick|short)\s+(?:word|break|message|shout-?out|plug)\b|\bwhile\s+you['’]?re\s+(?:here|at\s+it)\b
segue   1   \bif\s+you['’]?(?:re|\s+are)\s+(?:\w+\s+)?(?:looking|searching|shopping|in\s+need|tired|sick|backing
           |struggling|serious|worried|running|after|hunting)\b|\blooking\s+for\s+an?\b|\btired\s+of\b
           |\bever\s+(?:feel|wish|find)\b
"""
)

_BOILERPLATE = _signals(
    r"""
channel 3   \blike\s+and\s+subscribe\b
           |\b(?:hit|smash|click|press|tap|ring)\s+(?:on\s+)?(?:that|the)\s+(?:like|bell|subscribe|notification)\b
           |\bbuy\s+me\s+a\s+coffee\b
channel 2   \bsubscribe\s+to\s+(?:my|our|this|the)\s+(?:\w+\s+)?(?:channel|podcast|show)\b
           |\b(?:don['’]t\s+forget|remember|please|make\s+sure)\s+(?:to\s+)?(?:like|subscribe|share|follow)\b
channel 2   \b(?:leave|drop|give)\s+(?:me\s+|us\s+|it\s+|this\s+\w+\s+)?(?:a|your)\s+(?:like|thumbs\s+up|comment
           |review)\b|\bfollow\s+(?:me|us)\s+on\b|\bsupport\s+(?:me|us|the\s+channel|this\s+channel)\s+on\b
           |\bcomments?\s+(?:section\s+)?(?:down\s+)?below\b
channel 1.5 \bthank(?:s|\s+you)\s+(?:so\s+much\s+)?for\s+(?:watching|listening|tuning\s+in)\b
           |\b(?:see|catch)\s+you\s+(?:all\s+)?in\s+the\s+next\s+(?:one|video|episode)\b
           |\bshare\s+this\s+(?:video|post|article|episode)\b|\bon\s+(?:my|our|this|the)\s+channel\b
cookie  2   \b(?:we|this\s+(?:web\s*)?site
           |our\s+partners)\s+(?:and\s+our\s+partners\s+)?uses?\s+(?:\w+\s+){0,2}cookies\b
           |\bcookies?\s+(?:policy|settings|preferences|notice|consent)\b
cookie  2   \b(?:accept|reject|allow|decline|manage)\s+(?:all\s+|necessary\s+)?cookies\b
           |\bby\s+(?:continuing|clicking|using|browsing)\b[^.]{0,60}\byou\s+(?:agree|consent|accept)\b
           |\byou\s+(?:agree|consent)\s+to\s+(?:our|the)\s+use\s+of\s+cookies\b
cookie  1   \b(?:browsing|your|user)\s+experience\b|\bpersonali[sz]ed?\s+(?:content|ads)\b
           |\b(?:analy[sz]e|analytics)\b[^.]{0,30}\btraffic\b
letter  2   \b(?:join|sign\s+up\s+(?:for|to)|subscribe\s+to|get)\s+(?:our|my)\s+(?:\w+\s+){0,2}(?:newsletter
           |mailing\s+list|email\s+list)\b|\bjoin\s+[\d,.]+k?\+?\s+(?:other\s+)?(?:readers|subscribers)\b
letter  2   \benter\s+your\s+e-?mail\b|\bunsubscribe\s+(?:at\s+)?any\s?time\b|\bno\s+spam\b|\bnever\s+spam\b
           |\b(?:straight|directly|delivered|right)\s+to\s+your\s+inbox\b
menu    3   \ball\s+rights\s+reserved\b|\bskip\s+to\s+(?:main\s+)?content\b
           |\byour\s+e-?mail\s+address\s+will\s+not\s+be\s+published\b
           |^(?:share|tweet)\s+(?:this\s+)?(?:on|via|to)\s+<NET>\b
menu    2   ^©|©\s*\d{4}|\bprivacy\s+policy\b|\bback\s+to\s+top\b
           |^(?:previous|next|related|recent|popular)\s+(?:posts?|articles?|page)\b
           |\bleave\s+a\s+(?:reply|comment)\b|\bpowered\s+by\s+<NAMED>
menu    2   \bterms\s+(?:of\s+(?:use|service)|(?:and|&)\s+conditions)\b
           |\b(?:log\s?in|sign\s+in)\b[\s|·/or]+(?:register|sign\s+up)\b
menu    1.5 ^(?:[\w ]{2,20}\s*[|·»›]\s*){3,}[\w ]{2,20}$
menu    1.5 ^(?:home|start|main)\s*[|·»›/]
licence 3   \b(?:content|material|lecture|video)s?\s+(?:is|are)\s+provided\s+under\s+a\s+creative\s+commons\b
           |\byour\s+support\s+(?:will\s+)?helps?\b[^.]{0,60}\bcontinue\b
           |\bto\s+make\s+a\s+donation\b[^.]{0,60}\bvisit\b
"""
)

# What a lecture says when the subject is advertising, the web, spam or the course itself.
_SUBJECT = tuple(
    (weight, re.compile(pattern, re.IGNORECASE))
    for weight, pattern in (
        (2.0, r"\b(?:advertis\w+|marketing|marketers?|slogans?|consumers?|brands?|persuasi\w+|psycholog\w+)\b"),
        (1.5, r"\b(?:for\s+example|for\s+instance|such\s+as|e\.g\.|imagine|suppose|an?\s+example|typical)\b"),
        (2.0, r"\b(?:(?<!no )(?<!never )spam|phishing|data\s?sets?|classif\w+|label(?:led|ed|s)?|token\w*)\b"),
        (1.0, r"\b(?:http|headers?|attackers?|servers?\s+responds?|requests?)\b"),
        (2.0, r"\b(?:homework|assignments?|exam|syllabus|piazza|students?|office\s+hours|seminar|readings?)\b"),
    )
)
_ENOUGH = tuple(
    frozenset(kinds.split())
    for kinds in ("sponsor name", "sponsor ask", "sponsor offer", "sponsor praise market", "name ask offer",
                  "name praise offer", "name ask praise market")
)  # fmt: skip
"""What an advertisement must hold at least, whatever its score."""
_CORE = tuple(signal for signal in _AD if signal.group in {"ask", "sponsor", "offer"})
"""No advertisement is without one of these; they are tried first, and nearly always end the search."""
_HINT = _signals(  # words alone first: of those nothing is searched for that is not there
    r"""
any 0      subscrib|coffee|comment|thumbs|review|watching|listening|tuning|share|channel|cookie|agree|consent|newsletter
          |mailing|e-?mail|spam|inbox|readers|rights|skip|privacy|terms|©|reply|powered|[|»›·]|creative|donation
any 0      bell\b|follow\s+(?:me|us)|support\s+(?:me|us|th)|see\s+you|catch\s+you|top\b|posts?\b|articles?\b
          |pages?\b|log\s?in|sign\s+in|your\s+support
"""
)
"""Boilerplate has one of these words."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a paragraph is kept out."""

    label: Label
    score: float
    reasons: tuple[str, ...]
    """The turns of phrase that decided, as "offer: no pesky subscriptions"."""
    spans: tuple[tuple[int, int], ...]
    """Where they stand in the text that was judged."""


@dataclass(frozen=True, slots=True)
class Flag:
    """A stretch of a document that is kept out, and why."""

    start_index: int
    end_index: int
    verdict: Verdict


def mark(document: Document) -> tuple[Document, tuple[Flag, ...]]:
    """Return the document with advertisements and boilerplate in sections marked `excluded`, and why for each."""
    found = flags(document)
    spans = [(flag.start_index, flag.end_index, flag.verdict.label) for flag in found]
    return exclude(document, spans), found


def flags(document: Document) -> tuple[Flag, ...]:
    """Return the stretches to keep out, in order and apart."""
    found: list[Flag] = []
    for group in _groups(paragraphs(document)):
        text, places = _joined(group)
        verdict = judge(text)
        if verdict is None:
            continue
        start, end = _extent(text, verdict, places if len(group) > 1 else sentences(text))
        first = next(i for i, (_, b) in enumerate(places) if start < b)
        last = max(i for i, (a, _) in enumerate(places) if a < end)
        flag = Flag(
            group[first].start + (start - places[first][0]) if len(group) == 1 else group[first].start,
            _end(group, places, last, end),
            verdict,
        )
        if not found or flag.start_index >= found[-1].end_index:
            found.append(flag)
        elif flag.end_index > found[-1].end_index:
            found[-1] = Flag(found[-1].start_index, flag.end_index, found[-1].verdict)
    return tuple(found)


def judge(text: str) -> Verdict | None:
    """Weigh one paragraph: an advertisement, boilerplate, or None for everything else."""
    return _advertisement(text) or _boilerplate(text)


def _may_be_something(text: str) -> bool:
    """Tell whether a sentence has what any advertisement or boilerplate must have: most windows of speech have not."""
    folded = text.casefold()
    return any(signal.search(text, folded) for signal in (*_HINT, *_CORE))


def _advertisement(text: str) -> Verdict | None:
    folded = text.casefold()
    if not any(signal.search(text, folded) for signal in _CORE):
        return None
    hits = [(signal, match) for signal in _AD if (match := signal.search(text, folded))]
    groups = {signal.group for signal, _ in hits}
    if not any(kinds <= groups for kinds in _ENOUGH):
        return None
    score = sum(signal.weight for signal, _ in hits) - _about_the_subject(text)
    return _verdict("advertisement", score, hits) if score >= AD_SCORE else None


def _boilerplate(text: str) -> Verdict | None:
    folded = text.casefold()
    if not any(hint.search(text, folded) for hint in _HINT):
        return None
    hits = [(signal, match) for signal in _BOILERPLATE if (match := signal.search(text, folded))]
    words = len(text.split())
    if words > 15 * len(hits) or text.rstrip().endswith((".", "?", ".”")):  # menus are not prose
        hits = [hit for hit in hits if hit[0].group != "menu" or hit[0].weight == 3]
    if words > 40 * len(hits):
        return None
    by_group: dict[str, float] = {}
    for signal, _ in hits:
        by_group[signal.group] = by_group.get(signal.group, 0) + signal.weight
    score = max(by_group.values(), default=0) - _about_the_subject(text)
    return _verdict("boilerplate", score, hits) if score >= BOILERPLATE_SCORE else None


def _about_the_subject(text: str) -> float:
    return sum(weight for weight, pattern in _SUBJECT if pattern.search(text))


def _verdict(label: Label, score: float, hits: Sequence[tuple[_Signal, re.Match[str]]]) -> Verdict:
    ordered = sorted(hits, key=lambda hit: hit[1].start())
    reasons = tuple(f"{signal.group}: {' '.join(match.group().split())[:60]}" for signal, match in ordered)
    return Verdict(label, round(score, 1), reasons, tuple(match.span() for _, match in ordered))


def _groups(found: Sequence[Paragraph]) -> Iterator[Sequence[Paragraph]]:
    """Yield each paragraph alone, and sentences of running text by overlapping windows."""
    i = 0
    while i < len(found):
        if not found[i].is_sentence:
            yield found[i : i + 1]
            i += 1
            continue
        end = i
        while end < len(found) and found[end].is_sentence:
            end += 1
        worth = [_may_be_something(paragraph.text) for paragraph in found[i:end]]
        for start in range(i, max(i + 1, end - _WINDOW // 2), _WINDOW // 2):
            if any(worth[start - i : start - i + _WINDOW]):
                yield found[start : min(start + _WINDOW, end)]
        i = end


def _joined(group: Sequence[Paragraph]) -> tuple[str, list[tuple[int, int]]]:
    """Return the texts of a group as one, and where each stands in it."""
    places, length = [], 0
    for paragraph in group:
        places.append((length, length + len(paragraph.text)))
        length += len(paragraph.text) + 1
    return "\n".join(paragraph.text for paragraph in group), places


def _extent(text: str, verdict: Verdict, parts: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Return from the first to the last sentence that shows a sign; the whole text where that is half of it or more."""
    touched = [(a, b) for a, b in parts if any(start < b and end > a for start, end in verdict.spans)]
    if not touched:
        return 0, len(text)
    start, end = touched[0][0], touched[-1][1]
    return (start, end) if end - start < len(text) / 2 or len(parts) == _WINDOW else (0, len(text))


def _end(group: Sequence[Paragraph], places: Sequence[tuple[int, int]], last: int, end: int) -> int:
    """Return the document's index of an end in the joined text."""
    if len(group) > 1 or end >= places[last][1]:
        return group[last].end
    return group[last].start + (end - places[last][0])
