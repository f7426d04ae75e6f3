"""The form that goes with a card that is sent back (R41, R42): one page, in the user's language."""

from datetime import datetime

from dscplus_station.catalogue import translations
from dscplus_station.documents import texts
from dscplus_station.returns.overview import Form
from dscplus_station.returns.texts import REASONS
from dscplus_station.scans.rules import card_code
from dscplus_station.typesetting.barcodes import QUIET_MODULES, Symbology, bars
from dscplus_station.typesetting.fitting import line_height
from dscplus_station.typesetting.fonts import Face, require_printable
from dscplus_station.typesetting.paper import A4_MM, GREY, Align, Paper, Tag

_LEFT, _WIDTH = 20.0, 170.0
_BODY_PT = 10.5
_LABEL_PT = 9.0
_TICK_MM = 3.6
_MODULE_MM = 0.33
_BARS_MM = 13.0


def return_form(form: Form, issuer: str, made_at: datetime) -> bytes:
    """Set the form of a return as a PDF.

    Raises:
        BadInput: a text has letters that no font has; the return is named.
    """
    region = form.to
    require_printable(
        f"return {form.number}", issuer, form.user, *region.address, *region.local_address, *region.contacts
    )
    said = translations(form.language).gettext
    with Paper(form.title, form.language, made_at) as paper:
        paper.add_page()
        number = said(texts.FORM_NUMBER).format(number=form.number)
        paper.line(_LEFT, 22, issuer, 12, face=Face.BOLD)
        paper.line(_LEFT, 22, number, 12, width=_WIDTH, align=Align.RIGHT)
        paper.rule(_LEFT, 26, _WIDTH, GREY)
        y = paper.paragraph(_LEFT, 32, _WIDTH, form.title, 17, face=Face.BOLD, tag=Tag.TITLE)
        y = _whose(paper, form, said(texts.FORM_CARD), said(texts.FORM_USER), said(texts.BARCODE), y + 4)
        y = _reasons(paper, form, said(texts.FORM_REASON), [said(one) for one in REASONS.values()], y + 5)
        y = _blanks(paper, [said(texts.FORM_TRACKING), said(texts.FORM_SIGNATURE)], y + 13)
        y = _heading(paper, y + 6, said(texts.FORM_SEND_TO))
        left = paper.block(_LEFT, y, region.address, _BODY_PT)
        right = paper.block(_LEFT + _WIDTH / 2, y, region.local_address, _BODY_PT)
        y = _heading(paper, max(left, right) + 5, said(texts.FORM_WHAT_TO_DO))
        for step, text in enumerate(form.steps, 1):
            paper.line(_LEFT, y + line_height(_BODY_PT) * 0.78, f"{step}.", _BODY_PT, face=Face.BOLD)
            y = paper.paragraph(_LEFT + 7, y, _WIDTH - 7, text, _BODY_PT) + 0.8
        y = _heading(paper, y + 4, said(texts.FORM_QUESTIONS))
        paper.paragraph(_LEFT, y, _WIDTH, " · ".join(region.contacts), _BODY_PT)
        return paper.content()


def _heading(paper: Paper, y: float, text: str) -> float:
    return paper.paragraph(_LEFT, y, _WIDTH, text, 12, face=Face.BOLD, tag=Tag.HEADING) + 0.5


def _whose(paper: Paper, form: Form, card: str, user: str, told: str, y: float) -> float:
    """Card and user at the left, the card's barcode at the right."""
    below = y
    for label, value in ((card, form.serial_number), (user, form.user)):
        below = paper.paragraph(_LEFT, below, _WIDTH, label, _LABEL_PT, grey=GREY)
        below = paper.paragraph(_LEFT, below, _WIDTH / 2, value, 13, face=Face.BOLD) + 1.5
    code = card_code(form.serial_number)
    pattern = bars(code, Symbology.CODE_128)
    width = (pattern.columns + QUIET_MODULES[Symbology.CODE_128]) * _MODULE_MM
    x = A4_MM[0] - _LEFT - width
    paper.bars(x, y + 1, pattern, _MODULE_MM, _BARS_MM, told.format(content=code))
    paper.line(x, y + _BARS_MM + 5.5, code, _LABEL_PT, width=pattern.columns * _MODULE_MM, align=Align.CENTRE)
    return max(below, y + _BARS_MM + 7)


def _reasons(paper: Paper, form: Form, title: str, reasons: list[str], y: float) -> float:
    """All reasons (R41), the announced one ticked."""
    y = _heading(paper, y, title) + 0.5
    for reason in reasons:
        paper.set_draw_color(0)
        paper.set_line_width(0.3)
        paper.rect(_LEFT, y + 0.7, _TICK_MM, _TICK_MM)
        if reason == form.reason:
            paper.line(_LEFT + 0.75, y + 3.6, "X", 10, face=Face.BOLD)
        y = paper.paragraph(_LEFT + 7, y, _WIDTH - 7, reason, _BODY_PT) + 0.6
    return y


def _blanks(paper: Paper, labels: list[str], y: float) -> float:
    """Lines to write on, side by side; gives where they end."""
    width = (_WIDTH - 8) / len(labels)
    for number, label in enumerate(labels):
        x = _LEFT + number * (width + 8)
        paper.rule(x, y, width)
        paper.line(x, y + 4.2, label, _LABEL_PT, grey=GREY)
    return y + 5
