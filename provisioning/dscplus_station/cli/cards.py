"""`dsc-station cards`: cards with everything that hangs on them."""

import click

from dscplus_station import overview
from dscplus_station.activation.service import revoke_card
from dscplus_station.cli.common import Desk, command, confirm, say, table
from dscplus_station.login.service import release_lock

COLUMNS = ("serial_number", "state", "order", "user", "assignment", "shipped_on", "auto_activates_on")


@click.group()
def cards() -> None:
    """Cards with their orders, users and dates."""


@cards.command("list")
@command
def list_cards(desk: Desk) -> None:
    """All cards.

    \b
    Example:
      dsc-station cards list --json
    """
    found = overview.cards(desk.station)
    desk.tell(
        "cards",
        {"cards": found},
        lambda: table(COLUMNS, [[card[name] for name in COLUMNS] for card in found], "no cards in stock"),
    )


@cards.command("show")
@click.argument("serial_number", metavar="SERIAL")
@command
def show_card(desk: Desk, serial_number: str) -> None:
    """One card: state, order, users, dates, runs.

    \b
    Example:
      dsc-station cards show 0000000018
    """
    (card,) = overview.cards(desk.station, serial_number)
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
