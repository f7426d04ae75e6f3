"""`dsc-station activation` and `activate`."""

from dataclasses import asdict
from datetime import date
from typing import Any

import click

from dscplus_station.activation import by_user, daily
from dscplus_station.cli.common import DAY, Desk, command, fail, table
from dscplus_station.cli.login import told
from dscplus_station.login.rules import OUTCOME_TOLD, Outcome

_ON = click.option("--on", type=DAY, help="As of this day, YYYY-MM-DD; today by default.")


@click.group()
def activation() -> None:
    """Activation by date: what is due; do it."""


@activation.command("due")
@_ON
@command
def due(desk: Desk, on: date | None) -> None:
    """Running timers as they stand on a day: due, or a notice to send (7 days and 1 day before;
    [activation] in station.toml says otherwise).

    \b
    Example:
      dsc-station activation due --json
    """
    timers = [asdict(timer) for timer in daily.upcoming(desk.station, on)]
    columns = ("order", "serial_number", "user", "auto_activates_on", "due", "notice")
    desk.tell(
        "activation-due",
        {"on": desk.station.day(on), "timers": timers},
        lambda: table(columns, [list(timer.values()) for timer in timers], "no card is waiting"),
    )


@activation.command("run")
@_ON
@command
def run(desk: Desk, on: date | None) -> None:
    """Activate what is due, and queue the notices that are due. Running it again, or late, is safe.

    \b
    Example:
      dsc-station activation run
    """
    done = daily.run_timers(desk.station, desk.actor(), on)
    held_back = [{"serial_number": serial, "reason": reason} for serial, reason in done.held_back]
    desk.tell(
        "activation-run",
        {
            "on": desk.station.day(on),
            "activated": done.activated,
            "announced": done.announced,
            "held_back": held_back,
        },
        lambda: click.echo(f"{len(done.activated)} cards activated, {len(done.announced)} announced"),
    )
    if done.held_back:
        for _, reason in done.held_back:
            click.echo(reason, err=True)
        fail(f"{len(done.held_back)} due cards were not activated", 1)


@click.command("activate")
@click.argument("serial_number", metavar="SERIAL")
@click.argument("challenge")
@click.argument("response")
@click.option("--user", help="Which of the users who share the card.")
@command
def activate(desk: Desk, serial_number: str, challenge: str, response: str, user: str | None) -> None:
    """Activate a shipped card: SERIAL from its back, one valid RESPONSE to CHALLENGE (R15).

    \b
    Example:
      dsc-station activate 0000000018 402817 48213377
    """
    done = by_user.activate(
        desk.station, desk.actor(), desk.keystore, serial_number, challenge, response, user
    )
    document: dict[str, Any] = {"serial_number": serial_number, "user": done.user}
    if done.answer is None:
        desk.tell(
            "activation",
            document | {"activated": False, "active_since": done.active_since},
            lambda: click.echo(f"card {serial_number} has been active since {done.active_since}"),
        )
        return
    right = done.answer.outcome is Outcome.RIGHT
    desk.tell(
        "activation",
        document | {"activated": right, "active_since": done.active_since} | told(done.answer),
        lambda: click.echo(f"card {serial_number} is active for {done.user}") if right else None,
    )
    if not right:
        fail(f"card {serial_number}: {OUTCOME_TOLD[done.answer.outcome]}", 1)
