"""R18: the sheet that an online card is printed on: one page of A4, whose content fits US Letter, too."""

from datetime import date, datetime

from dscplus_station.catalogue import day, translations
from dscplus_station.codes.rules import INDEXES
from dscplus_station.interim.online_card import OnlineCard
from dscplus_station.interim.rules import ONLINE_CARD_DAYS
from dscplus_station.interim.texts import CONFIRM, HOW_TO_USE, KEEP, OWNER, TITLE
from dscplus_station.typesetting.fonts import Face, require_printable
from dscplus_station.typesetting.paper import A4_MM, Align, Paper, Tag

COLUMNS = 14
_MARGIN_MM = 14
_WIDTH_MM = A4_MM[0] - 2 * _MARGIN_MM
_INDEX_WIDTH_MM = 5.5
_VALUE_WIDTH_MM = 7.5
_ROW_HEIGHT_MM = 9
_SHADE = 235


def online_card_sheet(card: OnlineCard, issuer: str, confirm_by: date, printed_at: datetime) -> bytes:
    """Set an online card as a PDF, in the card's language.

    Raises:
        BadInput: a text has letters that no font has.
    """
    require_printable(f"card {card.serial_number}", issuer, card.user)
    translate = translations(card.language).gettext
    facts = {
        "issuer": issuer,
        "number": card.serial_number,
        "user": card.user,
        "day": day(card.language, confirm_by),
        "days": ONLINE_CARD_DAYS,
    }
    with Paper(translate(TITLE), card.language, printed_at) as paper:
        paper.add_page()
        y = float(_MARGIN_MM)
        for text, size, tag, face in (
            (issuer, 10, Tag.PARAGRAPH, Face.REGULAR),
            (translate(TITLE), 18, Tag.TITLE, Face.BOLD),
            (translate(OWNER), 11, Tag.PARAGRAPH, Face.REGULAR),
            (translate(HOW_TO_USE), 10, Tag.PARAGRAPH, Face.REGULAR),
            (translate(CONFIRM), 10, Tag.PARAGRAPH, Face.REGULAR),
        ):
            told = text.format(**facts)
            y = paper.paragraph(_MARGIN_MM, y, _WIDTH_MM, told, size, face=face, tag=tag) + 1.5
        y = _table(paper, card, y)
        paper.paragraph(_MARGIN_MM, y + 3, _WIDTH_MM, translate(KEEP).format(**facts), 10)
        return paper.content()


def _table(paper: Paper, card: OnlineCard, top: float) -> float:
    """Indexes run down the columns, each in small digits before its value; gives where the table ends."""
    rows = INDEXES // COLUMNS
    for row in range(rows):
        y = top + row * _ROW_HEIGHT_MM
        if row % 2:
            paper.set_fill_color(_SHADE)
            paper.rect(_MARGIN_MM, y, _WIDTH_MM, _ROW_HEIGHT_MM, style="F")
        for column in range(COLUMNS):
            index = column * rows + row + 1
            x = _MARGIN_MM + column * (_INDEX_WIDTH_MM + _VALUE_WIDTH_MM)
            paper.line(x, y + 5.8, str(index), 7, width=_INDEX_WIDTH_MM - 1.2, align=Align.RIGHT)
            paper.line(x + _INDEX_WIDTH_MM, y + 5.8, card.table.value(index), 10, face=Face.MONO)
    return top + rows * _ROW_HEIGHT_MM
