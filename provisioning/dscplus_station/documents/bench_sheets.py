"""What lies at the bench: the sheet of command barcodes, operators' badges, the tags of quarantined cards."""

from dataclasses import dataclass
from datetime import date, datetime

from dscplus_station.catalogue import day
from dscplus_station.scans.rules import Command, card_code, command_code
from dscplus_station.typesetting.barcodes import Symbology, bars
from dscplus_station.typesetting.fitting import fit, line_height
from dscplus_station.typesetting.fonts import Face, require_printable
from dscplus_station.typesetting.paper import A4_MM, GREY, Align, Paper, Tag
from dscplus_station.typesetting.plan import Box, Plan, Words, code_within, frame
from dscplus_station.typesetting.plan_pdf import plans_as_pdf
from dscplus_station.wording import SOURCE_LANGUAGE, words

COMMANDS: dict[Command, str] = {
    Command.OK: "Yes, go on; or: I have read it",
    Command.CANCEL: "No; or: lay aside what I am at",
    Command.REPRINT: "Print the label of this parcel again",
    Command.SUPERVISOR: "A supervisor is needed here",
}
"""What each command barcode does, in the words of the sheet."""

BADGE_MM = (85.6, 54.0)
TAG_MM = (100.0, 70.0)
_SHEET_MODULE_MM = 0.6


def command_sheet(station: str, made_at: datetime) -> bytes:
    """A page of command barcodes, to be laid beside the scanner.

    Raises:
        BadInput: the station's name has letters that no font has.
    """
    require_printable(words("the sheet"), station)
    width = A4_MM[0]
    with Paper("Command barcodes", SOURCE_LANGUAGE, made_at) as paper:
        paper.add_page()
        paper.line(
            0, 24, "Command barcodes", 20, face=Face.BOLD, width=width, align=Align.CENTRE, tag=Tag.TITLE
        )
        paper.line(0, 32, f"Station {station}", 11, width=width, align=Align.CENTRE, grey=GREY)
        for number, (command, told) in enumerate(COMMANDS.items()):
            y = 42 + number * 58.0
            paper.line(
                0, y + 9, command.value, 24, face=Face.BOLD, width=width, align=Align.CENTRE, tag=Tag.HEADING
            )
            paper.line(0, y + 16, told, 11, width=width, align=Align.CENTRE)
            pattern = bars(command_code(command), Symbology.CODE_128)
            x = (width - pattern.columns * _SHEET_MODULE_MM) / 2
            paper.bars(x, y + 20, pattern, _SHEET_MODULE_MM, 24, f"Barcode of {command}")
            paper.rule(20, y + 52, width - 40, 200)
        return paper.content()


def badge(issuer: str, operator: str, code: str, made_at: datetime) -> bytes:
    """A badge of a credit card's size. Its code is in the barcode only: nobody reads it off in passing.

    Raises:
        BadInput: a text has letters that no font has.
    """
    require_printable(words("the badge of {operator}", operator=operator), issuer, operator)
    width = BADGE_MM[0]
    inner = width - 12
    items: list[Words | Box] = [*frame(1, 1, width - 2, BADGE_MM[1] - 2, 0.3)]
    top = 7.0
    for text, sizes, face, height in (
        (issuer, (10.0, 8.0, 7.0, 6.0, 5.0), Face.REGULAR, 6.0),
        (operator, (22.0, 18.0, 14.0, 11.0, 8.0), Face.BOLD, 11.0),
    ):
        fitted = fit(text, inner, height, sizes, face=face) or fit(text, inner, 100, sizes[-1:], face=face)
        if fitted is not None:
            step = line_height(fitted.size_pt)
            items += [
                Words(6, top + number * step + step * 0.78, line, fitted.size_pt, face)
                for number, line in enumerate(fitted.lines)
            ]
        top += height + 1
    barcode = code_within(code, 1.5, 30, width - 3, 16, f"Barcode of the badge of {operator}")
    plan = Plan(*BADGE_MM, f"Badge of {operator}", (*items, barcode))
    return plans_as_pdf([plan], SOURCE_LANGUAGE, made_at)


@dataclass(frozen=True)
class TagFacts:
    """What a quarantine tag says. `cause`: in words."""

    serial_number: str
    cause: str
    set_aside_on: date
    station: str


def quarantine_tag(facts: TagFacts) -> Plan:
    """The tag that is tied to a card that was set aside: a label like the others.

    Raises:
        BadInput: the station's name has letters that no font has.
    """
    require_printable(words("card {card}", card=facts.serial_number), facts.cause, facts.station)
    items: list[Words | Box] = [
        *frame(2, 2, TAG_MM[0] - 4, 14, 1.0),
        Words(6, 12.4, "QUARANTINE", 24, Face.BOLD),
        Words(5, 27, f"Card {facts.serial_number}", 18, Face.BOLD),
        Words(5, 48, f"Set aside {day(SOURCE_LANGUAGE, facts.set_aside_on)}, {facts.station}"[:60], 10),
    ]
    cause = fit(facts.cause, TAG_MM[0] - 10, 14, (14.0, 12.0, 10.0, 8.0))
    if cause is not None:
        step = line_height(cause.size_pt)
        items += [Words(5, 34 + n * step, line, cause.size_pt) for n, line in enumerate(cause.lines)]
    code = code_within(
        card_code(facts.serial_number), 2.5, 53, TAG_MM[0] - 5, 13, f"Barcode of card {facts.serial_number}"
    )
    return Plan(*TAG_MM, f"Quarantine tag of card {facts.serial_number}", (*items, code))
