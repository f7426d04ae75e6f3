"""`dsc-station operators`: who works here, their positions, badges and secrets, their sessions."""

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from dscplus_station.cli.common import Desk, command, confirm, say, table
from dscplus_station.errors import WrongUsage
from dscplus_station.home import write_private
from dscplus_station.operators import service
from dscplus_station.operators.rules import ROLES_OF, Position
from dscplus_station.operators.service import OperatorView
from dscplus_station.operators.sessions import live_sessions
from dscplus_station.secret_file import first_line, read_secret_line
from dscplus_station.system_user import system_user

COLUMNS = ("name", "positions", "system_user", "signs_in_by", "state")
_NAME = click.argument("name")
_POSITIONS = click.option(
    "--position",
    "positions",
    multiple=True,
    required=True,
    type=click.Choice([one.value for one in Position]),
    help="May be given several times.",
)
_SECRET_FILE = click.option(
    "--secret-file",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="A file whose first line is the PIN or password; - is the standard input.",
)
_YES = click.option("--yes", is_flag=True, help="Do not ask.")


@click.group()
def operators() -> None:
    """Who works here, and what they may do."""


@operators.command("add")
@_NAME
@_POSITIONS
@click.option("--system-user", "user", help="On the command line, this user of the system is the operator.")
@_SECRET_FILE
@command
def add(desk: Desk, name: str, positions: Sequence[str], user: str | None, secret_file: Path | None) -> None:
    """Add an operator: a security officer does. The first one is a security officer; whoever opens the
    keystore adds it, and is that operator on the command line unless --system-user names another.

    \b
    Example:
      dsc-station operators add olga --position security-officer
      dsc-station operators add wendy --position warehouse --system-user wsmith
    """
    first = not service.operators(desk.station)
    actor = desk.officer()
    user = user or (system_user() if first else None)
    secret = _read(secret_file) if secret_file is not None else None
    service.add(
        desk.station, actor, name, [Position(one) for one in positions], system_user=user, secret=secret
    )
    _tell(desk, name)


@operators.command("list")
@command
def list_operators(desk: Desk) -> None:
    """All operators, their positions, and what they sign in by.

    \b
    Example:
      dsc-station operators list
    """
    found = [_told(one) for one in service.operators(desk.station)]
    empty = "no operators: the system's user does everything (dsc-station operators add)"
    desk.tell(
        "operators",
        {"operators": found},
        lambda: table(COLUMNS, [[_cell(one[name]) for name in COLUMNS] for one in found], empty),
    )


@operators.command("show")
@_NAME
@command
def show(desk: Desk, name: str) -> None:
    """One operator, with the roles that the positions give.

    \b
    Example:
      dsc-station operators show wendy
    """
    _tell(desk, name)


@operators.command("positions")
@_NAME
@_POSITIONS
@command
def positions(desk: Desk, name: str, positions: Sequence[str]) -> None:
    """Give an operator these positions and no others. The sessions end, so that they count at once.

    \b
    Example:
      dsc-station operators positions wendy --position warehouse --position returns
    """
    service.set_positions(desk.station, desk.officer(), name, [Position(one) for one in positions])
    _tell(desk, name)


@operators.command("system-user")
@_NAME
@click.argument("user", required=False)
@command
def set_system_user(desk: Desk, name: str, user: str | None) -> None:
    """Let a user of the system be this operator on the command line; without USER, none any more.

    \b
    Example:
      dsc-station operators system-user wendy wsmith
    """
    service.set_system_user(desk.station, desk.officer(), name, user)
    _tell(desk, name)


@operators.command("badge")
@_NAME
@click.option(
    "--file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the code there (only you can read it) and do not show it.",
)
@command
def badge(desk: Desk, name: str, file: Path | None) -> None:
    """Draw a badge: its code, this once, to be printed as a barcode. An older badge opens nothing any more.

    \b
    Example:
      dsc-station operators badge wendy --file /run/wendy.badge
    """
    code = service.new_badge(desk.station, desk.officer(), name)
    if file is None:
        desk.tell("operator-badge", {"name": name, "badge": code}, lambda: click.echo(code))
        return
    write_private(file, f"{code}\n".encode())
    desk.tell(
        "operator-badge",
        {"name": name, "file": str(file)},
        lambda: click.echo(f"the badge of {name} is in {file}: print it, then remove the file"),
    )


@operators.command("secret")
@_NAME
@_SECRET_FILE
@command
def secret(desk: Desk, name: str, secret_file: Path | None) -> None:
    """Give an operator a PIN (digits alone; works with the badge only) or a password. Who is that operator
    may do it, too.

    \b
    Example:
      dsc-station operators secret wendy
    """
    mine = not service.is_without_officer(desk.station) and desk.actor().operator == name
    actor = desk.actor() if mine else desk.officer()
    kind = service.set_secret(desk.station, actor, name, _read(secret_file))
    desk.tell(
        "operator-secret",
        {"name": name, "kind": kind},
        lambda: click.echo(f"{name} has a new {kind}; signed out everywhere"),
    )


@operators.command("disable")
@_NAME
@_YES
@command
def disable(desk: Desk, name: str, yes: bool) -> None:
    """Let an operator do nothing any more; signed out at once. The records keep the name.

    \b
    Example:
      dsc-station operators disable wendy
    """
    confirm(f"Disable operator {name}?", yes)
    service.disable(desk.station, desk.officer(), name)
    _tell(desk, name)


@operators.command("enable")
@_NAME
@command
def enable(desk: Desk, name: str) -> None:
    """Let a disabled operator work again.

    \b
    Example:
      dsc-station operators enable wendy
    """
    service.enable(desk.station, desk.officer(), name)
    _tell(desk, name)


@operators.command("release")
@_NAME
@command
def release(desk: Desk, name: str) -> None:
    """Release an operator who is locked after wrong secrets. A supervisor does; while no security officer can
    act, whoever opens the keystore.

    \b
    Example:
      dsc-station operators release wendy
    """
    actor = desk.officer() if service.is_without_officer(desk.station) else desk.actor()
    service.release(desk.station, actor, name)
    _tell(desk, name)


@operators.command("sessions")
@command
def sessions(desk: Desk) -> None:
    """Who is signed in, where, and until when at most.

    \b
    Example:
      dsc-station operators sessions --json
    """
    found = [dataclasses.asdict(one) for one in live_sessions(desk.station)]
    columns = ("operator", "station", "state", "opened_at", "seen_at", "ends_at")
    desk.tell(
        "operator-sessions",
        {"sessions": found},
        lambda: table(columns, [[one[name] for name in columns] for one in found], "nobody is signed in"),
    )


def _read(file: Path | None) -> str:
    if file == Path("-"):
        return first_line(sys.stdin, "standard input", "secret")
    if file is not None:
        return read_secret_line(file, "secret")
    if not sys.stdin.isatty():
        raise WrongUsage("no secret: say --secret-file F")
    asked: str = click.prompt("PIN or password", hide_input=True, confirmation_prompt=True, err=True)
    return asked


def _tell(desk: Desk, name: str) -> None:
    (found,) = service.operators(desk.station, name)
    document = _told(found)
    desk.tell("operator", document, lambda: say({key: _cell(value) for key, value in document.items()}))


def _state(one: OperatorView) -> str:
    if one.disabled:
        return "disabled"
    if one.locked:
        return "locked"
    return "locked-by-name" if one.name_locked else "enabled"


def _told(one: OperatorView) -> dict[str, object]:
    ways = {"badge": one.badge, "pin": one.pin, "password": one.password}
    return {
        "name": one.name,
        "positions": list(one.positions),
        "roles": sorted(frozenset[str]().union(*(ROLES_OF[position] for position in one.positions))),
        "system_user": one.system_user,
        "signs_in_by": [way for way, given in ways.items() if given],
        "state": _state(one),
        "added_at": one.added_at,
    }


def _cell(value: object) -> object:
    return ", ".join(value) if isinstance(value, list) else value
