"""Advertisements of many kinds go, and lectures that look like them stay. All texts and products here are made up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lecta.clean.boilerplate import flags, judge, mark
from lecta.clean.dedupe import SeenInMemory, dedupe
from lecta.types import Document, Section

SHARED = Path(__file__).parents[1].parent / "shared"

ADVERTISEMENTS = [
    "By the way, if you're looking for a way to keep your photos and papers safe, check out VaultMoose, a popular and "
    "reliable backup solution made for freelancers and small businesses, with no monthly fees at all.",
    "This video is sponsored by Learnberry. Learnberry has thousands of interactive courses, and the first 200 people "
    "to click the link in the description get 20% off an annual plan.",
    "Before we dive in, a quick word from our sponsor. Nimbus Desk is an all-in-one inbox for teams of any size. Head "
    "over to nimbusdesk.io and use code LECTURE for a free trial.",
    "Thanks to Quillforge for supporting this podcast. Try it for free at quillforge.com today.",
    "Hey, and while you're here, have a look at SentryOwl Endpoint, the industry-leading protection trusted by "
    "businesses everywhere. There is no subscription, you buy it once and get peace of mind.",
    "Oh, and speaking of storage, you should check out TapeHerd Pro, it's a top-notch, affordable tool for IT "
    "professionals running their own servers. We want to thank TapeHerd for sponsoring this forum and letting us share "
    "all this knowledge at no cost.",
    "Tired of slow notes? Get InkRabbit now! Our award-winning app is loved by millions of users. Order today and your "
    "first month is free, with free shipping on every pen.",
    "Today's episode is brought to you by GreenSprout meal boxes. Go to greensprout.com and enter code STUDY for 50 "
    "percent off your first box.",
    "I'd like to tell you about ParseLlama: a robust platform built specifically for professionals who scrape webs. "
    "Sign up now, no credit card required, and plans start at $9 per month.",
    "Let me introduce MailHarbor, a well-regarded mail archiving solution for SMBs and customers of Exchange servers. "
    "You need to check it out; it comes with a 30-day money-back guarantee.",
    "If you are serious about privacy, look into Tunnelfox. Tunnelfox is a reliable service that keeps your privacy "
    "intact. Use the link below for a special offer, two years at 3.49 and three months free.",
    "Finally, consider DriveKeeper Cloud for your business: a trusted solution designed exclusively for Windows "
    "networks and virtual machines. They are backing this site, which enables us to put out lessons for nothing.",
    "And hey, if all this data hoarding worries you, let me introduce you to CloudNest, a powerful backup tool "
    "built for Windows Server and VMware environments. It's a favorite of small and medium businesses because it "
    "just works, and it doesn't lock you into a subscription. Big thanks to CloudNest for making this content "
    "possible.",
    "Now, while you're keeping those experiments safe, I should mention FortiBox, which delivers dependable, "
    "cost-effective protection for SMBs and home labs. Their support means we can keep these discussions free for"
    " everyone.",
    "In the end, you'll want reliable storage, and that's where NetVaulty comes in, a leading, highly regarded "
    "solution for private cloud and internet backups, made for businesses that run Hyper-V. We're grateful they "
    "sponsor this forum so that we can share knowledge like this freely.",
    "If you're hunting for a VPN, SnowVPN is my pick: fast servers, strict no-logs policy, and a 30-day "
    "money-back guarantee. Grab the deal at snowvpn.com/lectures.",
    "Shoutout to BrightHost, the sponsor of this lecture series. Hosting from $2.99/month and a free domain.",
    "One last thing: our friends at CodeCamped are running a Black Friday sale. Enroll today and get lifetime "
    "access for 60% off.",
    "And don't forget about DataGuardian X, the trusted, subscription-free backup software for Windows 11 and "
    "servers that many IT pros swear by; a big thank you to them for sponsoring us.",
    "Oh, and before I forget, check out PineBackup, it's that solid, go-to pick for small businesses wanting "
    "dependable self-hosted copies without ongoing fees, and we owe them thanks for backing this discussion board"
    " so you get all this advice for free.",
    "Support for this program comes from Initrode, makers of cloud software for business. Learn more at initrode.com.",
    "By the way, if protecting your files matters to you, you may want to see what HarborSync offers; it is a "
    "widely used, reliable backup service for Windows and Linux servers with a one-time license and no yearly "
    "payments. HarborSync kindly supports our site so these articles can stay free.",
    "This lesson was made possible by Quantica, the calculator app engineers love. Download it today from the app"
    " store.",
    "Looking for a tutor? Mathly pairs you with experts in minutes. Sign up at mathly.co and save 15% with code "
    "EXAM15.",
    "Anyway, I'd be remiss not to mention ArkVault Server Backup, a trusted, budget-friendly product for small "
    "companies that need solid disaster recovery. Our thanks to the ArkVault team for funding this forum.",
    "Speaking of recovering lost work, have you heard of Safekeepr? It's an amazing app, loved by developers, and"
    " there's a free trial for new customers.",
    "We are proud to partner with Kettle & Bean. Get 10% off fresh coffee with the promo code LECTURES at checkout.",
    "And if you run Hyper-V clusters, do yourself a favor and grab TitanCopy: fast, affordable, perfect for SMBs "
    "and IT departments, no subscription needed.",
    "Today's video was supported by viewers like you and by Mindgrove, whose meditation app is free to try for a "
    "month; the link is below.",
]

BOILERPLATE = [
    "If you enjoyed this, please like and subscribe, and hit the bell so you never miss an upload.",
    "Thanks for watching! Don't forget to leave a comment down below and I'll see you in the next video.",
    "We use cookies to improve your browsing experience and analyse our traffic. By clicking OK you agree to this.",
    "This website uses cookies. Accept all cookies | Manage cookies",
    "Join our weekly newsletter! Enter your email below. No spam, unsubscribe any time.",
    "© 2024 Example University. All rights reserved.",
    "Skip to main content",
    "Home | Courses | People | Research | Contact",
    "Privacy Policy · Terms of Service · Back to top",
    "Leave a Reply\nYour email address will not be published. Required fields are marked *",
    "The following material is provided under a Creative Commons license. Your support helps us continue to offer it.",
]

LECTURES = [
    # about advertising, commerce and the web
    "An advertisement makes an offer: 'limited-time, 20% off, order now'. Consumers who see a deadline buy sooner, and "
    "the effect is larger for brands they know.",
    "Consider the slogan of a soap brand: nine out of ten professionals recommend it. Such claims persuade.",
    "A sponsored search auction sells positions. Each advertiser bids, and pays the bid of the next one below.",
    "When a site sets a cookie, the browser returns it with every request in the Cookie header. Session cookies vanish "
    "when the browser closes; third-party cookies follow the user between sites.",
    "The privacy policy of a company is a contract. The terms of service often let it change that contract alone.",
    "A naive Bayes classifier learns that messages with 'click here', 'free trial' and 'no credit card' are spam.",
    "To publish and subscribe, a client registers with the broker; a subscriber then receives each message on a topic.",
    "Subscription pricing: a firm that charges $10 per month keeps customers longer than one that sells once.",
    "A typical advertisement reads: 'Check out SoftSoap at softsoap.com, now 20% off.' Consumers remember the number "
    "and forget the brand.",
    # about backups and products
    "If you are backing up a database, use the 3-2-1 rule: three copies, on two media, one elsewhere. An incremental "
    "backup stores only the blocks that changed, so restoring takes the last full copy and every increment since.",
    "Hyper-V and KVM are hypervisors. A snapshot of a running virtual machine must quiesce its disks, or the backup is "
    "only crash-consistent, which small businesses discover when they restore.",
    "You should check out PyTorch Lightning. It is a popular and reliable library, it removes your training loop, and "
    "it is really effective once your models grow.",
    "Cloud storage from Amazon and Google is priced by the gigabyte; reading it back costs more than keeping it.",
    # about the course and everyday speech
    "Sign up for the forum by Friday, check out the course website, and subscribe to the mailing list, please. The "
    "link is in the syllabus.",
    "Sign up at gradescope.com with code XK42PP and your university address; all assignments are handed in there.",
    "Thank you for listening, and see you in the next lecture, where we train a recurrent network.",
    "By the way, if you're looking for a proof, look at Theorem 3 in the book, it is a powerful tool for sums.",
    "We'd like to thank the NSF for supporting this work, and Maria for sharing her data with us.",
    "Let me recommend a paper: Attention Is All You Need. Have a look at Section 3 before the exam.",
    "Thanks for that. So the question is whether we could get the gradient for free, and with reverse mode we can.",
    "Students can try GitHub Copilot for free; do not use it for homework.",
    "The trial was sponsored by the manufacturer, and 20 percent of patients left it before the end.",
    "The customers arrive as a Poisson process, and a reliable server takes an exponential time with each of them.",
    "Share the weights across time, and follow the gradient; like before, the top layer comes last.",
    "We thank our sponsors at DARPA, who let us share this dataset freely with everyone.",
    "The company sponsors this chair, and the university pays the rest.",
    "You should explore Jupyter on your own; it just works, and it is free.",
    "Support for this instruction set comes from the compiler, so that you can get vector code for free.",
    "Windows Server runs most small businesses, and its professionals swear by PowerShell; let me mention that it"
    " has a price.",
    "Don't forget about Bayes' rule: it's a favorite of examiners, and it saves you 20 minutes.",
    "The best part of dropout is that you get an ensemble for free, without extra costs at test time.",
    "Big thanks to Andrej for making these slides, and to Justin for helping with the figures.",
    "In Black Friday data, sales rise by 60 percent; we model them with a Poisson regression.",
    "We are grateful to Anna for keeping the course running for free all these years.",
    "Let me introduce you to Adam, a popular optimizer, highly regarded by practitioners at small companies.",
    "If you're looking for a reliable tool, try Valgrind. It's free software, built for professionals, and it "
    "finds your leaks.",
]


@pytest.mark.parametrize("text", ADVERTISEMENTS)
def test_advertisements_are_found_and_explained(text: str) -> None:
    verdict = judge(text)
    assert verdict is not None
    assert verdict.label == "advertisement"
    assert all(": " in reason for reason in verdict.reasons)


@pytest.mark.parametrize("text", BOILERPLATE)
def test_boilerplate_is_found(text: str) -> None:
    verdict = judge(text)
    assert verdict is not None
    assert verdict.label == "boilerplate"


@pytest.mark.parametrize("text", LECTURES)
def test_lectures_about_such_things_stay(text: str) -> None:
    assert judge(text) is None


def _notes(text: str) -> Document:
    return Document(text, (Section(0, len(text), title="All"),), kind="notes", reader="text/1")


def test_only_the_paragraph_of_the_advertisement_is_cut() -> None:
    text = f"Gradients flow backward.\n\n{ADVERTISEMENTS[0]}\n\nLosses are scalars."
    marked, found = mark(_notes(text))
    assert [marked.text_of(section).strip() for section in marked.sections] == [
        "Gradients flow backward.",
        ADVERTISEMENTS[0],
        "Losses are scalars.",
    ]
    assert [section.excluded for section in marked.sections] == ["", "advertisement", ""]
    assert all(section.title == "All" for section in marked.sections)
    assert len(found) == 1


def test_a_long_paragraph_loses_only_the_sentences_that_advertise() -> None:
    lecture = "The chain rule multiplies derivatives along a path, and sums over the paths. " * 12
    marked, _ = mark(_notes(lecture + ADVERTISEMENTS[3]))
    assert marked.text_of(marked.sections[0]).strip() == lecture.strip()
    assert marked.text_of(marked.sections[1]).strip() == ADVERTISEMENTS[3]


def test_in_speech_the_sentences_are_found_across_cues() -> None:
    lecture = "The chain rule multiplies derivatives along a path. Then it sums over all of the paths. " * 20
    words = (lecture + ADVERTISEMENTS[2] + " " + lecture).split()
    cues = [" ".join(words[i : i + 7]) for i in range(0, len(words), 7)]
    text, sections = "", []
    for i, cue in enumerate(cues):
        text += f"{i}\n"
        sections.append(Section(len(text), len(text) + len(cue), start_time=2.0 * i, end_time=2.0 * i + 2))
        text += cue + "\n\n"
    document = Document(text, tuple(sections), kind="speech", reader="subtitles/1")
    marked, _ = mark(document)
    cut = " ".join(marked.text_of(section) for section in marked.sections if section.excluded)
    assert " ".join(cut.split()) == ADVERTISEMENTS[2]
    assert all(section.start_time is not None for section in marked.sections)


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.exists(), reason="the course data beside the checkout is absent")
def test_the_test_piece_keeps_each_sentence_once_and_no_advertisement() -> None:
    path = next((SHARED / "seeds").glob("002_*"))
    document = replace(_notes(path.read_text()), source=path.name)
    marked, found = mark(document)
    assert len(found) == 2
    final = dedupe(marked, SeenInMemory()).document
    kept = "\n".join(final.text_of(section) for section in final.sections if not section.excluded)
    lines = [line for line in document.text.split("\n") if line and "sponsoring" not in line]
    assert [line for line in kept.split("\n") if line.strip()] == list(dict.fromkeys(lines))


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.exists(), reason="the course data beside the checkout is absent")
def test_nothing_of_the_course_is_flagged() -> None:
    for path in sorted((SHARED / "course-npfl138").glob("*/*.[mt]*")):
        text = path.read_text()
        kind = "speech" if path.suffix == ".txt" else "slides"
        document = Document(text, (Section(0, len(text)),), kind=kind, reader="text/1")  # type: ignore[arg-type]
        assert flags(document) == (), path.name
