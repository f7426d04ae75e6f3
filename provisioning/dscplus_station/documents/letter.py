"""The letter that goes with a card: its use (R2), its activation (R13 to R15), what to do when it is lost."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from dscplus_station.catalogue import day, minutes, translations
from dscplus_station.documents import texts
from dscplus_station.documents.card_picture import DIGITS, OK, PRESS, draw_card
from dscplus_station.documents.label import address_lines, country_name
from dscplus_station.errors import BadInput
from dscplus_station.figures import USUAL_LOGIN, LoginFigures
from dscplus_station.orders.rules import OrderKind
from dscplus_station.typesetting.fitting import fit, line_height
from dscplus_station.typesetting.fonts import Face, require_printable
from dscplus_station.typesetting.paper import GREY, Align, Paper, Tag
from dscplus_station.wording import words

SAMPLE_RESPONSE = "48213377"

STEPS: tuple[tuple[str, str, frozenset[str]], ...] = (
    (texts.STEP_PIN, "PIN>", frozenset({PRESS})),
    (texts.STEP_PIN_TYPED, "PIN>****", frozenset({*DIGITS, OK})),
    (texts.STEP_CHALLENGE, "CHALLNG>", frozenset({*DIGITS, OK})),
    (texts.STEP_RESPONSE, SAMPLE_RESPONSE, frozenset()),
)
"""R2, step by step: what is said, what the display shows, which keys are pressed."""

_LEFT, _WIDTH = 20.0, 170.0
_WINDOW_TOP = 42.0
_WINDOW_MM = (85.0, 38.0)
"""Where the address stands, for envelopes with a window (DIN 5008, form B)."""
_BODY_PT = 9.5
_GAP = 2.6


@dataclass(frozen=True)
class LetterFacts:
    """What a letter says, to whom, in which language (out of `catalogue.languages()`)."""

    issuer: str
    language: str
    order: str
    serial_number: str
    name: str
    address: str
    country: str
    kind: OrderKind
    written_on: date
    posted_on: date
    activates_on: date
    contacts: tuple[str, ...]
    """How to call the region's client services."""
    login: LoginFigures = USUAL_LOGIN
    """How long a challenge is good, and how many wrong answers lock (R6)."""


def letters(facts: Sequence[LetterFacts], made_at: datetime) -> bytes:
    """A PDF of letters, a page each, in their order.

    Raises:
        BadInput: a character that no font has: order and character are named, and there is no PDF.
    """
    for one in facts:
        require_printable(
            words("order {order}", order=one.order), one.name, one.address, one.issuer, *one.contacts
        )
    first = facts[0].language
    with Paper(translations(first).gettext(texts.LETTER_TITLE), first, made_at) as paper:
        for one in facts:
            paper.add_page()
            _letter(paper, one)
        return paper.content()


def _letter(paper: Paper, facts: LetterFacts) -> None:
    said = _speaker(facts)
    paper.line(_LEFT, 22, facts.issuer, 12, face=Face.BOLD)
    written = day(facts.language, facts.written_on)
    paper.line(_LEFT, 22, written, 9.5, width=_WIDTH, align=Align.RIGHT, grey=GREY)
    paper.rule(_LEFT, 26, _WIDTH, GREY)
    _recipient(paper, facts)
    y = paper.paragraph(_LEFT, 86, _WIDTH, said(texts.LETTER_TITLE), 17, face=Face.BOLD, tag=Tag.TITLE)
    y = paper.paragraph(_LEFT, y + 1, _WIDTH, said(texts.ENCLOSED), _BODY_PT)
    y = _steps(paper, said, _heading(paper, y, said(texts.HOW_TO)))
    y = paper.paragraph(_LEFT, y + 1.5, _WIDTH, said(texts.EVERY_DIGIT), _BODY_PT)
    replaces = facts.kind is OrderKind.REPLACEMENT
    for title, paragraphs in (
        (
            texts.ACTIVATING,
            (texts.EARLY, texts.BY_ITSELF_REPLACEMENT if replaces else texts.BY_ITSELF_NEW),
        ),
        (texts.KEEPING, (texts.PIN_IS_YOURS,)),
        (texts.LOST_TITLE, (texts.LOST, texts.SEND_BACK)),
    ):
        y = _heading(paper, y, said(title))
        for text in paragraphs:
            y = paper.paragraph(_LEFT, y, _WIDTH, said(text), _BODY_PT)
    if facts.contacts:
        told = f"{said(texts.CALL_US)}: {' · '.join(facts.contacts)}"
        paper.paragraph(_LEFT, y + 1, _WIDTH, told, _BODY_PT, face=Face.BOLD)


def _speaker(facts: LetterFacts) -> Callable[..., str]:
    """Says a text in the letter's language, with the letter's facts."""
    translate = translations(facts.language).gettext
    values = {
        "serial": facts.serial_number,
        "posted": day(facts.language, facts.posted_on),
        "day": day(facts.language, facts.activates_on),
        "issuer": facts.issuer,
        "lifetime": minutes(facts.language, facts.login.challenge_lifetime),
        "tries": facts.login.wrong_responses,
    }
    return lambda text, **more: translate(text).format(**values, **more)


def _recipient(paper: Paper, facts: LetterFacts) -> None:
    where = f"{facts.name}\n{address_lines(facts.address)}\n{country_name(facts.country)}"
    short = f"{facts.name}\n{' '.join(facts.address.split())}\n{country_name(facts.country)}"
    sizes = (11.0, 10.0, 9.0, 8.0, 7.0, 6.0)
    fitted = fit(where, *_WINDOW_MM, sizes) or fit(short, *_WINDOW_MM, sizes)
    if fitted is None:
        raise BadInput(
            "order {order}: its address is too long for a letter: shorten it. Nothing was printed.",
            order=facts.order,
        )
    paper.block(_LEFT, _WINDOW_TOP, fitted.lines, fitted.size_pt)


def _heading(paper: Paper, y: float, text: str) -> float:
    return paper.paragraph(_LEFT, y + _GAP, _WIDTH, text, 11.5, face=Face.BOLD, tag=Tag.HEADING) + 0.4


def _steps(paper: Paper, said: Callable[..., str], y: float) -> float:
    """The steps side by side, each picture over its words; gives where the longest ends."""
    gap = 4.0
    width = (_WIDTH - gap * (len(STEPS) - 1)) / len(STEPS)
    ends = []
    for number, (text, shown, pressed) in enumerate(STEPS):
        x = _LEFT + number * (width + gap)
        told = said(texts.STEP_FIGURE, shown=shown)
        below = draw_card(paper, x, y + 1, width, shown, pressed, told)
        paper.line(x, below + line_height(_BODY_PT) + 0.6, str(number + 1), 13, face=Face.BOLD)
        ends.append(paper.paragraph(x + 5, below + 1, width - 5, said(text), 9))
    return max(ends)
