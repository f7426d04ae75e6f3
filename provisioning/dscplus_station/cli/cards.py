"""`dsc-station cards`: cards with everything that hangs on them."""

import dataclasses

import click

from dscplus_station import overview
from dscplus_station.activation.service import revoke_card
from dscplus_station.cli.common import Desk, command, confirm, say
from dscplus_station.cli.lists import listing, tell_list
from dscplus_station.holds.rules import HoldState
from dscplus_station.lists.life import life_of_card
from dscplus_station.login.service import release_lock
from dscplus_station.losses.rules import ReportKind
from dscplus_station.losses.service import report

COLUMNS = ("serial_number", "state", "order", "user", "assignment", "shipped_on", "auto_activates_on")


@click.group()
def cards() -> None:
    """Cards with their orders, users and dates."""


@cards.command("list")
@command
@listing("cards")
def list_cards(desk: Desk, asked: dict[str, str], as_csv: bool) -> None:
    """Cards, by serial number; those of an order, a user or a tracking number, too.

    \b
    Example:
      dsc-station cards list --state LOST --sort -changed
      dsc-station cards list --search RR1234 --by tracking
    """
    tell_list(desk, "cards", "cards", asked, as_csv, columns=COLUMNS, empty="no cards")


@cards.command("show")
@click.argument("serial_number", metavar="SERIAL")
@command
def show_card(desk: Desk, serial_number: str) -> None:
    """One card: state, order, users, dates, runs, and all that happened to it.

    \b
    Example:
      dsc-station cards show 0000000018
    """
    card = overview.card(desk.station, serial_number)
    card["life"] = [dataclasses.asdict(event) for event in life_of_card(desk.station, serial_number)]
    desk.tell("card", card, lambda: say(card))


@cards.command("revoke")
@click.argument("serial_number", metavar="SERIAL")
@click.option("--reason", required=True, help="Why, for the audit trail: lost, stolen …")
@click.option("--yes", is_flag=True, help="Do not ask.")
@command
def revoke(desk: Desk, serial_number: str, reason: str, yes: bool) -> None:
    """Revoke a card for all its users; one still in the post is not activated any more (R15).

    \b
    Example:
      dsc-station cards revoke 0000000018 --reason "reported stolen"
    """
    confirm(f"Revoke card {serial_number} for all its users?", yes)
    users = revoke_card(desk.station, desk.actor(), serial_number, reason)
    desk.tell(
        "card-revoked",
        {"serial_number": serial_number, "users": users},
        lambda: click.echo(f"card {serial_number} is revoked for {', '.join(users)}"),
    )


@cards.command("release")
@click.argument("serial_number", metavar="SERIAL")
@click.option("--user", help="Which of the users who share the card.")
@command
def release(desk: Desk, serial_number: str, user: str | None) -> None:
    """Release a card that wrong responses have locked (R6).

    \b
    Example:
      dsc-station cards release 0000000018
    """
    state = release_lock(desk.station, desk.actor(), serial_number, user)
    desk.tell(
        "card-released",
        {"serial_number": serial_number, "assignment": state},
        lambda: click.echo(f"card {serial_number} is {state} again"),
    )


@cards.command("report")
@click.argument("serial_number", metavar="SERIAL")
@click.argument("kind", type=click.Choice([one.value for one in ReportKind]))
@click.option("--note", help="What the holder said, for the record.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@command
def report_card(desk: Desk, serial_number: str, kind: str, note: str | None, yes: bool) -> None:
    """Report what happened to a card: nobody uses it any more from now on; its deposit ends by R12.

    \b
    Example:
      dsc-station cards report 0000000018 stolen --note "bag taken on a train"
    """
    confirm(f"Report card {serial_number} {kind}? It is revoked for everybody.", yes)
    done = report(desk.station, desk.actor(), serial_number, ReportKind(kind), note)

    def words() -> None:
        whom = f" and revoked for {', '.join(done.revoked_for)}" if done.revoked_for else ""
        click.echo(f"card {serial_number} is reported {kind}{whom}")
        if done.deposit is HoldState.HELD:
            how = f"captured by a second person: holds capture {done.order}"
            click.echo("its deposit is " + (how if done.captured else "released when it has come back"))

    desk.tell("card-reported", dataclasses.asdict(done), words)
