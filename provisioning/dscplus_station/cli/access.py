"""`dsc-station access`: interim access between a lost card and its replacement (R17, R18)."""

import dataclasses
from pathlib import Path

import click

from dscplus_station.cli.common import (
    Desk,
    answer_file,
    command,
    confirm,
    fail,
    given_answer,
    say,
    table,
    write_new,
)
from dscplus_station.cli.login import told
from dscplus_station.clock import last_day
from dscplus_station.errors import StationError, WrongUsage
from dscplus_station.interim import online_card
from dscplus_station.interim.passcode import IssuedPasscode, issue_passcode
from dscplus_station.interim.service import end_access, interim_access
from dscplus_station.interim.ways import ways_back
from dscplus_station.login.rules import OUTCOME_TOLD, Outcome
from dscplus_station.pins.service import allow_reset

COLUMNS = (
    "serial_number",
    "user",
    "type",
    "assignment",
    "issued_at",
    "portal_only_from",
    "expires_at",
    "over",
)


@click.group()
def access() -> None:
    """Interim access: passcodes and online cards."""


@access.command("passcode")
@click.argument("user")
@click.option(
    "--checked",
    required=True,
    metavar="HOW",
    help="How you made sure who the caller is; recorded. Never what was answered.",
)
@click.option("--show", is_flag=True, help="Show the passcode, this one time.")
@click.option("--file", type=click.Path(path_type=Path), help="Write it into this new file (0600).")
@command
def passcode(desk: Desk, user: str, checked: str, show: bool, file: Path | None) -> None:
    """Give USER a temporary passcode, after an identity check on the telephone (R17).

    Full access for 2 days, then for 10 more only the portal, to get the online card. There is no second one
    before an online card or another device was activated or used.

    \b
    Example:
      dsc-station access passcode alice --checked "called back, two questions" --show
    """
    if show == (file is not None):
        raise WrongUsage("where shall the passcode go? Say --show or --file F, one of the two")

    def deliver(issued: IssuedPasscode) -> None:
        if file is not None:
            write_new(file, f"{issued.passcode.reveal()}\n".encode())

    issued = issue_passcode(desk.station, desk.actor(), desk.keystore, user, checked, deliver)
    document = {
        "serial_number": issued.serial_number,
        "user": user,
        "portal_only_from": issued.portal_only_from,
        "expires_at": issued.expires_at,
    }
    shown = {"passcode": issued.passcode.reveal()} if show else {}
    desk.tell(
        "access-passcode",
        document | shown,
        lambda: click.echo(
            issued.passcode.reveal() if show else f"{issued.serial_number}: {user}'s passcode is in {file}"
        ),
    )


@access.command("pin-reset")
@click.argument("user")
@click.argument("serial_number", metavar="SERIAL")
@click.option("--checked", required=True, help="How you made sure who calls; not what was answered.")
@command
def pin_reset(desk: Desk, user: str, serial_number: str, checked: str) -> None:
    """Let a user who has forgotten the PIN choose another one in the portal, once, within a day (R7).

    For cards whose PIN the server checks (profile B). Others: a station sets it, or the card is replaced.

    \b
    Example:
      dsc-station access pin-reset alice 0000000018 --checked "called back, two questions"
    """
    until = allow_reset(desk.station, desk.actor(), user, serial_number, checked)
    desk.tell(
        "pin-reset",
        {"user": user, "serial_number": serial_number, "until": until},
        lambda: click.echo(f"{user} can choose another PIN until {until:%Y-%m-%d %H:%M} UTC"),
    )


@access.command("card")
@click.argument("user")
@click.option("--pdf", type=click.Path(path_type=Path), required=True, help="The new file to print (0600).")
@command
def card(desk: Desk, user: str, pdf: Path) -> None:
    """Make an online card for USER, who holds a passcode, as a PDF to print, in the user's language (R18).

    It logs in once it is confirmed. Made again before that, only the last one counts.

    \b
    Example:
      dsc-station access card alice --pdf alice-card.pdf
    """
    from dscplus_station.interim.sheet import online_card_sheet

    if pdf.exists():
        raise StationError(f"{pdf} is there already; nothing was changed")
    station = desk.station
    made = online_card.make_online_card(station, desk.actor(), desk.keystore, user)
    confirm_by = last_day(station.settings.zone, made.confirm_before)
    write_new(pdf, online_card_sheet(made, station.settings.issuer, confirm_by, station.now()))
    document = {"serial_number": made.serial_number, "user": user, "confirm_before": made.confirm_before}
    desk.tell(
        "access-card",
        document | {"language": made.language, "pdf": pdf},
        lambda: click.echo(f"{made.serial_number}: print {pdf}, shred it, then confirm the card"),
    )


@access.command("confirm")
@click.argument("serial_number", metavar="CARD")
@click.argument("challenge")
@answer_file
@command
def confirm_card(desk: Desk, serial_number: str, challenge: str, answer_file: Path | None) -> None:
    """Confirm a printed online card by its answer to a CHALLENGE: active for 21 days from now (R18).

    \b
    Example:
      dsc-station access confirm OSC-20417733 017203 --answer-file answer
    """
    given = given_answer(None, answer_file)
    done = online_card.confirm_online_card(
        desk.station, desk.actor(), desk.keystore, serial_number, challenge, given
    )
    answer = done.answer
    right = answer is None or answer.outcome is Outcome.RIGHT
    desk.tell(
        "access-confirm",
        {
            "serial_number": serial_number,
            "user": done.user,
            "active": right,
            "already": answer is None,
            "expires_at": done.expires_at,
        }
        | ({} if answer is None else told(answer)),
        lambda: click.echo(f"{serial_number} is active for {done.user}") if right else None,
    )
    if answer is not None and not right:
        locked = "; the card is locked now" if answer.locked else ""
        fail(f"{serial_number}: {OUTCOME_TOLD[answer.outcome]}{locked}", 1)


@access.command("ways")
@click.argument("user")
@command
def ways(desk: Desk, user: str) -> None:
    """What can be offered to USER, whose card is gone: the phone app, a passcode and then an online card.

    The phone app only if the mobile number is confirmed (R19).

    \b
    Example:
      dsc-station access ways alice
    """
    document = dataclasses.asdict(ways_back(desk.station, user))
    desk.tell("access-ways", document, lambda: say(document))


@access.command("list")
@click.option("--user", help="Only this user's.")
@command
def list_access(desk: Desk, user: str | None) -> None:
    """All passcodes and online cards that were given, oldest first; never what they say.

    \b
    Example:
      dsc-station access list --user alice --json
    """
    found = [dataclasses.asdict(one) for one in interim_access(desk.station, user)]
    desk.tell(
        "access",
        {"access": found},
        lambda: table(COLUMNS, [[one[name] for name in COLUMNS] for one in found], "no interim access"),
    )


@access.command("end")
@click.argument("user")
@click.option("--reason", required=True, help="Why, for the audit trail.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@command
def end(desk: Desk, user: str, reason: str, yes: bool) -> None:
    """End all interim access of USER at once.

    \b
    Example:
      dsc-station access end alice --reason "the sheet was lost"
    """
    confirm(f"End all interim access of {user}?", yes)
    number = end_access(desk.station, desk.actor(), user, reason)
    desk.tell("access-end", {"user": user, "ended": number}, lambda: click.echo(f"{number} ended for {user}"))
