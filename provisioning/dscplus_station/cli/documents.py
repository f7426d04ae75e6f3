"""`dsc-station documents`: what is printed on paper, as PDF."""

from datetime import date
from pathlib import Path

import click

from dscplus_station.cli.common import DAY, Desk, command, write_new
from dscplus_station.secret_file import read_secret_line

PDF = click.option(
    "--pdf",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="The new file to print (0600).",
)


@click.group()
def documents() -> None:
    """Letters, return forms, packing lists, command barcodes, badges, tags: as PDF to print."""


@documents.command("letter")
@click.argument("orders", metavar="ORDER…", nargs=-1, required=True)
@PDF
@command
def letter(desk: Desk, orders: tuple[str, ...], pdf: Path) -> None:
    """The letters that go with the cards of these orders: how to use the card, when it becomes active, what
    to do when it is lost. A page each, in each user's language.

    \b
    Example:
      dsc-station documents letter O-1 O-2 --pdf letters.pdf
    """
    from dscplus_station.documents.service import letters_for

    tell_written(desk, "letter", pdf, letters_for(desk.station, desk.actor(), orders))


@documents.command("return-form")
@click.argument("number", metavar="RETURN", type=int)
@PDF
@command
def return_form(desk: Desk, number: int, pdf: Path) -> None:
    """The form that goes with a card that is sent back, in the user's language, with the address (R41).

    \b
    Example:
      dsc-station documents return-form 3 --pdf form.pdf
    """
    from dscplus_station.documents.service import form_of_return

    tell_written(desk, "return-form", pdf, form_of_return(desk.station, desk.actor(), number))


@documents.command("packing-list")
@click.option("--carrier", required=True)
@click.option("--on", type=DAY, help="The day, YYYY-MM-DD; today by default.")
@PDF
@command
def packing_list(desk: Desk, carrier: str, on: date | None, pdf: Path) -> None:
    """What was handed to a carrier on a day: orders, tracking numbers with their barcodes, the count.

    \b
    Example:
      dsc-station documents packing-list --carrier "Sample Post" --pdf list.pdf
    """
    from dscplus_station.documents.service import packing_list_of

    tell_written(desk, "packing-list", pdf, packing_list_of(desk.station, desk.actor(), carrier, on))


@documents.command("commands")
@PDF
@command
def commands(desk: Desk, pdf: Path) -> None:
    """The sheet of command barcodes (OK, CANCEL, REPRINT, SUPERVISOR), to lie beside the scanner.

    \b
    Example:
      dsc-station documents commands --pdf commands.pdf
    """
    from dscplus_station.documents.service import sheet_of_commands

    tell_written(desk, "commands", pdf, sheet_of_commands(desk.station))


@documents.command("badge")
@click.argument("operator")
@click.option(
    "--code-file",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="A file whose first line is the code that `operators badge` drew.",
)
@PDF
@command
def badge(desk: Desk, operator: str, code_file: Path, pdf: Path) -> None:
    """An operator's badge of a credit card's size. Whoever has the PDF has the badge: remove both files.

    \b
    Example:
      dsc-station documents badge wendy --code-file /run/wendy.badge --pdf /run/wendy.pdf
    """
    from dscplus_station.documents.service import badge_of

    code = read_secret_line(code_file, "badge's code").strip()
    tell_written(desk, "badge", pdf, badge_of(desk.station, desk.actor(), operator, code))


@documents.command("quarantine-tag")
@click.argument("serial_number", metavar="SERIAL")
@PDF
@command
def quarantine_tag(desk: Desk, serial_number: str, pdf: Path) -> None:
    """The tag of a card that was set aside: number, cause, day, barcode. (`labels tag` prints it as a label.)

    \b
    Example:
      dsc-station documents quarantine-tag 0000000018 --pdf tag.pdf
    """
    from dscplus_station.documents.service import tag_of
    from dscplus_station.typesetting.plan_pdf import plans_as_pdf
    from dscplus_station.wording import SOURCE_LANGUAGE

    plan = tag_of(desk.station, serial_number)
    content = plans_as_pdf([plan], SOURCE_LANGUAGE, desk.station.now())
    tell_written(desk, "quarantine-tag", pdf, content)


def tell_written(desk: Desk, document: str, pdf: Path, content: bytes) -> None:
    """Write a document and say so.

    Raises:
        StationError: the file is there already.
    """
    write_new(pdf, content)
    desk.tell("document", {"document": document, "pdf": pdf}, lambda: click.echo(f"print {pdf}"))
