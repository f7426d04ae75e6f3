"""`dsc-station optout`: opting out and back in."""

import dataclasses

import click

from dscplus_station.cli.common import Desk, command, confirm, fail
from dscplus_station.login.rules import OUTCOME_TOLD, Outcome
from dscplus_station.optout import service

_BY = click.option("--by", "acting", required=True, help="Who asks: the account's primary user.")


@click.group()
def optout() -> None:
    """Opting out and back in (R32 to R34)."""


@optout.command("show")
@click.argument("user")
@command
def show(desk: Desk, user: str) -> None:
    """Whether a user is opted out, what is restricted then, and who can change it.

    \b
    Example:
      dsc-station optout show alice
    """
    _tell(desk, user)


@optout.command("out")
@click.argument("user")
@_BY
@click.option("--yes", is_flag=True, help="Do not ask.")
@command
def out(desk: Desk, user: str, acting: str, yes: bool) -> None:
    """Opt a user out; the device is still asked for at the portal's login.

    \b
    Example:
      dsc-station optout out alice.trust --by alice
    """
    confirm(f"Opt {user} out?", yes)
    service.opt_out(desk.station, desk.actor(), acting, user)
    _tell(desk, user)


@optout.command("in")
@click.argument("user")
@click.argument("serial_number", metavar="SERIAL")
@click.argument("challenge")
@click.argument("response")
@_BY
@click.option("--yes", is_flag=True, help="Do not ask.")
@command
def opt_in(
    desk: Desk, user: str, serial_number: str, challenge: str, response: str, acting: str, yes: bool
) -> None:
    """Opt a user back in, proven by the primary user's own card; exit 0 only if the RESPONSE is right.

    \b
    Example:
      dsc-station optout in alice.trust 0000000018 402817 48213377 --by alice
    """
    confirm(f"Always use the device for {user}?", yes)
    answer = service.opt_in(
        desk.station, desk.actor(), desk.keystore, acting, user, serial_number, challenge, response
    )
    if answer.outcome is not Outcome.RIGHT:
        fail(f"{serial_number}: {OUTCOME_TOLD[answer.outcome]}", 1)
    _tell(desk, user)


def _tell(desk: Desk, user: str) -> None:
    found = service.participation(desk.station, user)

    def words() -> None:
        if not found.opted_out:
            click.echo(f"{user} is not opted out")
        else:
            click.echo(f"{user} is opted out: no {', no '.join(found.restrictions)}")
        if found.changed_by:
            click.echo(f"{found.changed_by} can change that")

    desk.tell("participation", dataclasses.asdict(found), words)
