"""`dsc-station audit`: who did what."""

import click

from dscplus_station.cli.common import Desk, command
from dscplus_station.cli.lists import listing, tell_list


@click.group()
def audit() -> None:
    """Who did what, at which station."""


@audit.command("list")
@command
@listing("audit")
def list_audit(desk: Desk, asked: dict[str, str], as_csv: bool) -> None:
    """The audit trail, the last deed first; by subject: a card's serial number, an order, a user.

    \b
    Example:
      dsc-station audit list --search 0000000018
      dsc-station audit list --operator olivia --from 2026-11-22
    """
    columns = ("at", "station", "number", "operator", "action", "subject", "details")
    tell_list(desk, "audit", "audit", asked, as_csv, columns=columns, empty="no deeds", key="deeds")
