"""`dsc-station challenge` and `verify`: what a login does, by hand."""

import dataclasses
from pathlib import Path
from typing import Any

import click

from dscplus_station.cli.common import Desk, answer_file, command, fail, given_answer, table
from dscplus_station.login.rules import OUTCOME_TOLD, Outcome, Purpose
from dscplus_station.login.service import Answer, issue_challenge
from dscplus_station.sessions.devices import login_devices
from dscplus_station.sessions.service import log_in

_USER = click.option("--user", help="Which of the users who share the card.")


@click.group()
def login() -> None:
    """The devices that a user can log in with; see also challenge and verify."""


@login.command("devices")
@click.argument("user")
@command
def devices(desk: Desk, user: str) -> None:
    """List USER's devices side by side: what each is asked for, or why it cannot be picked now (R23).

    \b
    Example:
      dsc-station login devices alice --json
    """
    found = [dataclasses.asdict(one) for one in login_devices(desk.station, user)]
    columns = ("serial_number", "type", "assignment", "asks", "portal_only", "expires_at", "because")
    desk.tell(
        "login-devices",
        {"user": user, "devices": found},
        lambda: table(columns, [[one[name] for name in columns] for one in found], "no devices"),
    )


@click.command("challenge")
@click.argument("serial_number", metavar="SERIAL")
@_USER
@click.option(
    "--for",
    "purpose",
    type=click.Choice([one.value.lower().replace("_", "-") for one in Purpose]),
    help="What the answer will serve for; without it: the card's activation, then logins.",
)
@command
def challenge(desk: Desk, serial_number: str, user: str | None, purpose: str | None) -> None:
    """Issue a challenge for a device: six digits, answerable once, for five minutes (R6; [login] in
    station.toml says otherwise), for one purpose.

    To a code card they are two indexes of three digits each (R18). A passcode answers none.

    \b
    Example:
      dsc-station challenge 0000000018 --json
    """
    wanted = Purpose(purpose.upper().replace("-", "_")) if purpose else None
    issued = issue_challenge(desk.station, desk.actor(), serial_number, user, wanted)
    desk.tell(
        "challenge",
        {
            "serial_number": serial_number,
            "user": issued.user,
            "challenge": issued.challenge,
            "asks": issued.asks,
            "expires_at": issued.expires_at,
        },
        lambda: click.echo(issued.challenge),
    )


@click.command("verify")
@click.argument("serial_number", metavar="SERIAL")
@click.argument("challenge", required=False)
@click.argument("response", required=False)
@answer_file
@_USER
@command
def verify(
    desk: Desk,
    serial_number: str,
    challenge: str | None,
    response: str | None,
    answer_file: Path | None,
    user: str | None,
) -> None:
    """Check a RESPONSE to CHALLENGE as a login would: exit 0 only if it is right.

    The values of a code card, and a passcode (which answers no challenge), come from a file.

    \b
    Example:
      dsc-station verify 0000000018 402817 48213377
      dsc-station verify SCC-1 017203 --answer-file answer
    """
    given = given_answer(response, answer_file)
    done = log_in(desk.station, desk.actor(), desk.keystore, serial_number, challenge or "", given, user)
    answer = done.answer
    right = answer.outcome is Outcome.RIGHT
    desk.tell(
        "verification",
        {"serial_number": serial_number, "user": answer.user}
        | told(answer)
        | {"session": dataclasses.asdict(done.session) if done.session else None},
        lambda: click.echo(f"right: {answer.user} is who the device says") if right else None,
    )
    if not right:
        locked = "; the card is locked now" if answer.locked else ""
        fail(f"card {serial_number}: {OUTCOME_TOLD[answer.outcome]}{locked}", 1)


def told(answer: Answer) -> dict[str, Any]:
    """An answer as JSON has it."""
    return {
        "verified": answer.outcome is Outcome.RIGHT,
        "outcome": answer.outcome,
        "locked": answer.locked,
        "tries_left": answer.tries_left,
    }
