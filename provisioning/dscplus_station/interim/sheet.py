"""R18: the sheet that an online card is printed on: one page of A4, whose content fits US Letter, too."""

from datetime import date, datetime

from fpdf import FPDF
from fpdf.errors import FPDFUnicodeEncodingException

from dscplus_station.catalogue import day, translations
from dscplus_station.codes.rules import INDEXES
from dscplus_station.errors import BadInput
from dscplus_station.interim.online_card import OnlineCard
from dscplus_station.interim.rules import ONLINE_CARD_DAYS
from dscplus_station.interim.texts import CONFIRM, HOW_TO_USE, KEEP, OWNER, TITLE

COLUMNS = 14
_MARGIN_MM = 14
_INDEX_WIDTH_MM = 5.5
_VALUE_WIDTH_MM = 7.5
_ROW_HEIGHT_MM = 9


def online_card_sheet(card: OnlineCard, issuer: str, confirm_by: date, printed_at: datetime) -> bytes:
    """Set an online card as a PDF, in the card's language.

    Raises:
        BadInput: a text has letters beyond Latin-1, which the fonts that every printer knows do not have.
    """
    translate = translations(card.language).gettext
    facts = {
        "issuer": issuer,
        "number": card.serial_number,
        "user": card.user,
        "day": day(card.language, confirm_by),
        "days": ONLINE_CARD_DAYS,
    }
    page = FPDF(format="A4")
    page.set_creation_date(printed_at)
    page.set_lang(card.language)
    page.set_margin(_MARGIN_MM)
    page.set_auto_page_break(False)
    page.add_page()
    try:
        page.set_title(translate(TITLE))
        for text, style, size in (
            (issuer, "", 10),
            (translate(TITLE), "B", 18),
            (translate(OWNER), "", 11),
            (translate(HOW_TO_USE), "", 10),
            (translate(CONFIRM), "", 10),
        ):
            page.set_font("Helvetica", style, size)
            page.multi_cell(0, size * 0.5, text.format(**facts), new_x="LMARGIN", new_y="NEXT")
            page.ln(1.5)
        _table(page, card)
        page.ln(3)
        page.set_font("Helvetica", "", 10)
        page.multi_cell(0, 5, translate(KEEP).format(**facts), new_x="LMARGIN", new_y="NEXT")
        return bytes(page.output())
    except FPDFUnicodeEncodingException as error:
        raise BadInput(
            f"the sheet cannot be printed: {error.character!r} is no letter of the fonts it uses (Latin-1)"
        ) from None


def _table(page: FPDF, card: OnlineCard) -> None:
    """Indexes run down the columns; each stands in small digits before its value, in type of one width."""
    rows = INDEXES // COLUMNS
    for row in range(rows):
        page.set_fill_color(*((235, 235, 235) if row % 2 else (255, 255, 255)))
        for column in range(COLUMNS):
            index = column * rows + row + 1
            page.set_font("Helvetica", "", 7)
            page.cell(_INDEX_WIDTH_MM, _ROW_HEIGHT_MM, str(index), align="R", fill=True)
            page.set_font("Courier", "B", 10)
            page.cell(_VALUE_WIDTH_MM, _ROW_HEIGHT_MM, card.table.value(index), align="L", fill=True)
        page.ln(_ROW_HEIGHT_MM)
