"""`dsc-station returns inspect|restock|scrap|quarantine|shelf`: the returns desk (R46)."""

import dataclasses
from pathlib import Path
from typing import Any

import click

from dscplus_station.cli.common import Desk, command, confirm, fail, table
from dscplus_station.desk import shelf
from dscplus_station.desk.inspecting import Inspected, inspect
from dscplus_station.desk.journal import OpenDisposal
from dscplus_station.desk.rules import TOLD, Finding, Outcome, Result
from dscplus_station.desk.runner import Verdict
from dscplus_station.desk.sheet import Sheet, sheet
from dscplus_station.desk.states import DisposalState
from dscplus_station.desk.working import carry_out, on_the_desk
from dscplus_station.errors import BadInput, WrongUsage
from dscplus_station.returns.rules import Condition

_SERIAL = click.argument("serial_number", metavar="SERIAL")
_PORT = click.option(
    "--port",
    metavar="URL",
    required=True,
    help="The card's port: a path, serial:PATH, hid:PATH, usb:BUS.ADDRESS or tcp://HOST:PORT.",
)
_BECAUSE = click.option("--because", help="Why, if the inspection recommends otherwise.")
_YES = click.option("--yes", is_flag=True, help="Do not ask.")
_DONE = {Verdict.RESTOCKED: "is wiped, proven so, and stock again", Verdict.SCRAPPED: "is proven dead"}
_MARKS = {Result.PASSED: "ok", Result.NOTED: "note", Result.FAILED: "FAILED", Result.MISSING: "missing"}


@click.command("inspect")
@_SERIAL
@click.option("--port", metavar="URL", help="The card's port.")
@click.option("--no-answer", is_flag=True, help="It is dead: there is no port at which it answers.")
@click.option(
    "--condition",
    type=click.Choice([one.value for one in Condition]),
    default=Condition.INTACT.value,
    show_default=True,
    help="What you see: unopened is an undelivered parcel.",
)
@command
def inspect_card(desk: Desk, serial_number: str, port: str | None, no_answer: bool, condition: str) -> None:
    """Receive the card, check it, and recommend what becomes of it: restock, scrap or quarantine (R46).

    SERIAL is what is printed on its back; the card's own serial number is compared with it. A card that was
    out is received first: revoked for everybody at once. The checks change nothing on the card.

    \b
    Example:
      dsc-station returns inspect 0000000018 --port /dev/ttyACM0
    """
    if (port is None) != no_answer:
        raise WrongUsage("say --port URL, or --no-answer for a card that is dead")

    def told(finding: Finding) -> None:
        click.echo(f"{finding.check}: {_MARKS[finding.result]}: {finding.evidence}", err=True)

    with on_the_desk(desk.station, serial_number, port) as card:
        done = inspect(
            desk.station,
            desk.keystore,
            desk.actor(),
            serial_number,
            card,
            Condition(condition),
            on_finding=told,
        )
    facts = sheet(desk.station, serial_number)
    desk.tell("inspection", _document(done, facts), lambda: _say(done, facts))


@click.command("restock")
@_SERIAL
@_PORT
@_BECAUSE
@_YES
@command
def restock(desk: Desk, serial_number: str, port: str, because: str | None, yes: bool) -> None:
    """Wipe an inspected card, prove it wiped, and put it back into stock under restock keys (R46).

    Its seed, its PIN and its keys go; the sealed seed here is erased. Interrupted, run it again: it goes on.

    \b
    Example:
      dsc-station returns restock 0000000018 --port /dev/ttyACM0
    """
    _carry_out(desk, serial_number, Outcome.RESTOCK, port, because, yes)


@click.command("scrap")
@_SERIAL
@_PORT
@_BECAUSE
@_YES
@command
def scrap(desk: Desk, serial_number: str, port: str, because: str | None, yes: bool) -> None:
    """Terminate an inspected card for ever; its own answer is the proof, without it: quarantine (R46).

    \b
    Example:
      dsc-station returns scrap 0000000018 --port /dev/ttyACM0
    """
    _carry_out(desk, serial_number, Outcome.SCRAP, port, because, yes)


@click.command("quarantine")
@_SERIAL
@_BECAUSE
@_YES
@command
def set_aside(desk: Desk, serial_number: str, because: str | None, yes: bool) -> None:
    """Put an inspected card on the quarantine shelf, with its findings as evidence (R46).

    \b
    Example:
      dsc-station returns quarantine 0000000018
    """
    confirm(f"Put card {serial_number} into quarantine?", yes)
    inspection = shelf.quarantine(desk.station, desk.actor(), serial_number, because)
    desk.tell(
        "return-quarantined",
        {"serial_number": serial_number, "inspection": inspection},
        lambda: click.echo(f"card {serial_number} is in quarantine: put it on the shelf"),
    )


@click.group("shelf")
def shelf_group() -> None:
    """The quarantine shelf."""


@shelf_group.command("count")
@click.argument("serials", metavar="[SERIAL]…", nargs=-1)
@click.option(
    "--file",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="Serial numbers, one a line; - is the standard input.",
)
@command
def count(desk: Desk, serials: tuple[str, ...], file: Path | None) -> None:
    """Compare the cards that lie on the shelf with the records; exit 1 if they differ.

    Without any SERIAL and without a file the shelf is empty. It changes no card; the count is kept.

    \b
    Example:
      dsc-station returns shelf count 0000000018 0000000026
    """
    lying_there = [*serials, *(_lines(file) if file else [])]
    found = shelf.count(desk.station, desk.actor(), lying_there)
    document = {
        "number": found.number,
        "counted": found.counted,
        "missing": found.missing,
        "unexpected": [{"serial_number": serial, "state": state} for serial, state in found.unexpected],
    }

    def words() -> None:
        click.echo(f"{found.counted} cards are on the shelf")
        for serial in found.missing:
            click.echo(f"{serial}: in quarantine by the records, and not there")
        for serial, state in found.unexpected:
            click.echo(f"{serial}: there, and {state} by the records")

    desk.tell("shelf-count", document, words)
    differences = len(found.missing) + len(found.unexpected)
    if differences:
        fail(f"shelf and records differ in {differences} cards", 1)


def _carry_out(
    desk: Desk, serial_number: str, kind: Outcome, port: str, because: str | None, yes: bool
) -> None:
    confirm(f"{kind.capitalize()} card {serial_number}?", yes)

    def reached(_disposal: OpenDisposal, step: DisposalState) -> None:
        click.echo(f"card {serial_number}: {step.value.lower().replace('_', ' ')}", err=True)

    with on_the_desk(desk.station, serial_number, port) as card:
        assert card is not None  # noqa: S101 (a port was given)
        done = carry_out(
            desk.station, desk.keystore, desk.actor(), serial_number, kind, card, because, reached
        )
    desk.tell(
        f"return-{kind}",
        dataclasses.asdict(done),
        lambda: None if done.told else click.echo(f"card {serial_number} {_DONE[done.verdict]}"),
    )
    if done.told:
        fail(done.told, 1)


def _document(done: Inspected, facts: Sheet) -> dict[str, Any]:
    return {
        "inspection": done.number,
        "serial_number": done.serial_number,
        "revoked_for": done.revoked_for,
        "condition": done.condition,
        "recommendation": done.recommendation.outcome,
        "reasons": [{"reason": one, "told": TOLD[one]} for one in done.recommendation.reasons],
        "deviations": done.recommendation.deviations,
        "findings": [dataclasses.asdict(one) for one in done.findings],
        "facts": dataclasses.asdict(facts),
    }


def _say(done: Inspected, facts: Sheet) -> None:
    for name, value in facts.lines():
        click.echo(f"{name}: {value}")
    if done.revoked_for:
        click.echo(f"revoked for {', '.join(done.revoked_for)}")
    table(
        ("check", "result", "evidence"),
        [[one.check, _MARKS[one.result], one.evidence] for one in done.findings],
        "no checks",
    )
    click.echo(f"\nrecommended: {done.recommendation.outcome.upper()}")
    for reason in done.recommendation.reasons:
        click.echo(f"  {TOLD[reason]}")
    if done.recommendation.deviations:
        click.echo(f"  open, with --because: {', '.join(done.recommendation.deviations)}")


def _lines(file: Path) -> list[str]:
    try:
        with click.open_file(str(file), encoding="utf-8") as stream:
            return [line.strip() for line in stream if line.strip()]
    except UnicodeDecodeError as error:
        raise BadInput(f"{file}: {error}") from error
