"""`dsc-station sharing`: one device for several user names of a person."""

import dataclasses
from typing import Any

import click

from dscplus_station.cli.common import Desk, command, confirm, fail, say, table
from dscplus_station.login.rules import OUTCOME_TOLD
from dscplus_station.sharing import service
from dscplus_station.sharing.review import Review, review, sharings
from dscplus_station.sharing.rules import SharingState

COLUMNS = ("sharing", "state", "requester", "owner", "serial_number", "type")
_NUMBER = click.argument("number", metavar="SHARING", type=int)


@click.group()
def sharing() -> None:
    """One device for several user names of a person (R24 to R31)."""


@sharing.command("request")
@click.argument("serial_number", metavar="SERIAL")
@click.argument("challenge")
@click.argument("response")
@click.option("--owner", required=True, help="Whose device it is; the challenge was issued to this user.")
@click.option("--requester", required=True, help="Who asks to use it, too.")
@command
def request(
    desk: Desk, serial_number: str, challenge: str, response: str, owner: str, requester: str
) -> None:
    """Ask to share the owner's device, which proves itself by a RESPONSE to CHALLENGE (R27).

    Nothing is shared yet: the requester reviews what is shown, then submits it. Exit 0 only if the response
    is right and the two users may share.

    \b
    Example:
      dsc-station sharing request 0000000018 402817 48213377 --owner alice --requester alice.trust
    """
    requested = service.request(
        desk.station, desk.actor(), desk.keystore, requester, owner, serial_number, challenge, response
    )
    answer = requested.answer
    if requested.sharing is None:
        locked = "; the device is locked now" if answer.locked else ""
        desk.tell("sharing-request", {"sharing": None, "outcome": answer.outcome}, lambda: None)
        fail(f"{serial_number}: {OUTCOME_TOLD[answer.outcome]}{locked}", 1)
    found = review(desk.station, requested.sharing)
    desk.tell("sharing-request", told(found) | {"outcome": answer.outcome}, lambda: _say(found))


@sharing.command("submit")
@_NUMBER
@command
def submit(desk: Desk, number: int) -> None:
    """Submit a request that was reviewed: mostly approved at once, else compliance decides (R28).

    \b
    Example:
      dsc-station sharing submit 7
    """
    state = service.submit(desk.station, desk.actor(), desk.keystore, number)
    words = "is approved" if state is SharingState.APPROVED else "waits for compliance"
    _tell_state(desk, number, words)


@sharing.command("approve")
@_NUMBER
@click.option("--note", required=True, help="Why, for the audit trail.")
@command
def approve(desk: Desk, number: int, note: str) -> None:
    """Compliance approves a pending sharing; what must hold is looked at again (R28).

    \b
    Example:
      dsc-station sharing approve 7 --note "passport seen"
    """
    service.approve(desk.station, desk.actor(), desk.keystore, number, note)
    _tell_state(desk, number, "is approved")


@sharing.command("reject")
@_NUMBER
@click.option("--note", required=True, help="Why, for the audit trail.")
@command
def reject(desk: Desk, number: int, note: str) -> None:
    """Compliance rejects a pending sharing (R28).

    \b
    Example:
      dsc-station sharing reject 7 --note "not one person"
    """
    service.reject(desk.station, desk.actor(), number, note)
    _tell_state(desk, number, "is rejected")


@sharing.command("cancel")
@_NUMBER
@click.option("--reason", required=True, help="Why, for the audit trail.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@command
def cancel(desk: Desk, number: int, reason: str, yes: bool) -> None:
    """End a sharing: the requester leaves the device, and the own ones are active again (R30).

    \b
    Example:
      dsc-station sharing cancel 7 --reason "has an own card again"
    """
    confirm(f"Cancel sharing {number}?", yes)
    again = service.cancel(desk.station, desk.actor(), number, reason)
    _tell_state(desk, number, f"is cancelled; active again: {', '.join(again) or 'nothing'}")


@sharing.command("show")
@_NUMBER
@command
def show(desk: Desk, number: int) -> None:
    """One sharing: who, which device, what it makes redundant and whether that goes back (R30).

    \b
    Example:
      dsc-station sharing show 7
    """
    found = review(desk.station, number)
    desk.tell("sharing", told(found), lambda: _say(found))


@sharing.command("list")
@click.option("--user", help="Only those of this user, as requester or owner.")
@command
def list_sharings(desk: Desk, user: str | None) -> None:
    """All sharings, oldest first.

    \b
    Example:
      dsc-station sharing list --user alice --json
    """
    found = [told(one) for one in sharings(desk.station, user)]
    desk.tell(
        "sharings",
        {"sharings": found},
        lambda: table(COLUMNS, [[one[name] for name in COLUMNS] for one in found], "no sharings"),
    )


def told(found: Review) -> dict[str, Any]:
    """A sharing as JSON has it."""
    return dataclasses.asdict(found)


def _say(found: Review) -> None:
    say({name: value for name, value in told(found).items() if value is not None})


def _tell_state(desk: Desk, number: int, words: str) -> None:
    found = review(desk.station, number)
    desk.tell("sharing", told(found), lambda: click.echo(f"sharing {number} {words}"))
