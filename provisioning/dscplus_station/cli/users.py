"""`dsc-station users`: who the users are, and the legacy devices they hold."""

from collections.abc import Sequence
from pathlib import Path

import click

from dscplus_station.cli.common import Desk, command, confirm, fail, say_refusals, table, told_refusals
from dscplus_station.closing.service import close_account
from dscplus_station.codes import importing as codes
from dscplus_station.csvfile import Refusal, read_rows
from dscplus_station.devices import legacy
from dscplus_station.passwords.service import set_password
from dscplus_station.secret_file import read_secret_line
from dscplus_station.shred import shred
from dscplus_station.users import importing
from dscplus_station.users.rules import CLOSED, COLUMNS


@click.group()
def users() -> None:
    """Who the users are; the legacy devices they hold."""


@users.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--shred", "shred_file", is_flag=True, help="Overwrite and remove FILE after it was taken whole."
)
@command
def import_file(desk: Desk, file: Path, shred_file: bool) -> None:
    """Record the users of FILE.csv, or correct what is on record of them: all rows, or none.

    \b
    Columns: user, entity (who they are in law), account, primary (yes, no), birth_date
    (YYYY-MM-DD), citizenship, residence (ISO 3166-1), document_type (passport, national-id,
    driving-licence, residence-permit), document_number, ssn, phone (+12025550123).
    Only user and entity must be given. Document and social security numbers are sealed.

    \b
    Example:
      dsc-station users import users.csv --shred
    """
    import pycountry

    rows, unreadable = read_rows(file, COLUMNS)
    countries = frozenset(country.alpha_2 for country in pycountry.countries)
    result = importing.import_users(desk.station, desk.actor(), desk.keystore, rows, unreadable, countries)
    if shred_file and not result.refused:
        shred(file)
    elif not shred_file:
        click.echo(
            f"{file} holds personal numbers in the clear: shred it when it was taken (--shred)", err=True
        )
    desk.tell(
        "users-import",
        {
            "recorded": result.recorded,
            "unchanged": result.unchanged,
            "refused": told_refusals(result.refused),
            "shredded": shred_file and not result.refused,
        },
        lambda: click.echo(f"{len(result.recorded)} users recorded, {len(result.unchanged)} unchanged"),
    )
    _fail_if_refused(file, result.refused, "user")


@users.command("password")
@click.argument("user")
@click.option(
    "--password-file",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="A file whose first line is the password.",
)
@command
def password(desk: Desk, user: str, password_file: Path) -> None:
    """Keep a user's password, where the station checks them itself (dsc-station api serve).

    \b
    Example:
      dsc-station users password alice --password-file alice.password
    """
    set_password(desk.station, desk.actor(), user, read_secret_line(password_file, "password"))
    desk.tell("user-password", {"user": user}, lambda: click.echo(f"{user} has a new password"))


@users.command("close")
@click.argument("user")
@click.option("--reason", required=True, help="Why, for the audit trail.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@command
def close(desk: Desk, user: str, reason: str, yes: bool) -> None:
    """Close a user's account, for good: user name and password only, in the portal only (R45).

    \b
    Example:
      dsc-station users close alice --reason "asked for"
    """
    confirm(f"Close {user}'s account for good?", yes)
    done = close_account(desk.station, desk.actor(), user, reason)

    def words() -> None:
        click.echo(f"{user}'s account is closed: {CLOSED}")
        for order, serial_number in done.to_return:
            click.echo(f"card {serial_number} (order {order}) is to come back, else its deposit is captured")
        for serial_number in done.to_destroy:
            click.echo(f"code card {serial_number} is to be destroyed, not sent back")

    cards = [{"order": order, "serial_number": serial_number} for order, serial_number in done.to_return]
    desk.tell("user-closed", {"user": user, "to_return": cards, "to_destroy": done.to_destroy}, words)


@users.command("list")
@command
def list_users(desk: Desk) -> None:
    """All users with account and entity. Dates of birth and numbers are never shown.

    \b
    Example:
      dsc-station users list --json
    """
    found = [
        {
            "user": user.name,
            "account": user.account,
            "primary": user.is_primary,
            "entity": identity.entity if identity else None,
            "identity_recorded_at": identity.recorded_at if identity else None,
        }
        for user, identity in importing.users(desk.station)
    ]
    columns = ("user", "account", "primary", "entity", "identity_recorded_at")
    desk.tell(
        "users", {"users": found}, lambda: table(columns, [list(one.values()) for one in found], "no users")
    )


@users.command("import-devices")
@click.argument("file", type=click.Path(path_type=Path))
@command
def import_devices(desk: Desk, file: Path) -> None:
    """Record the legacy devices of FILE.csv, each active for its user: all rows, or none.

    \b
    Columns: serial_number, type (Security Code Card, Digital Security Card, Platinum/Gold), user.

    \b
    Example:
      dsc-station users import-devices devices.csv
    """
    rows, unreadable = read_rows(file, legacy.COLUMNS)
    result = legacy.import_legacy_devices(desk.station, desk.actor(), rows, unreadable)
    desk.tell(
        "legacy-devices-import",
        {
            "recorded": result.recorded,
            "unchanged": result.unchanged,
            "refused": told_refusals(result.refused),
        },
        lambda: click.echo(f"{len(result.recorded)} devices recorded, {len(result.unchanged)} unchanged"),
    )
    _fail_if_refused(file, result.refused, "device")


@users.command("import-codes")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--shred", "shred_file", is_flag=True, help="Overwrite and remove FILE after it was taken whole."
)
@command
def import_codes(desk: Desk, file: Path, shred_file: bool) -> None:
    """Seal the tables of the legacy code cards of FILE.csv, so that logins verify them: all, or none (R18).

    \b
    Columns: serial_number, index (1 to 224), value (three letters or digits).

    \b
    Example:
      dsc-station users import-codes codes.csv --shred
    """
    rows, unreadable = read_rows(file, codes.COLUMNS)
    result = codes.import_codes(desk.station, desk.actor(), desk.keystore, rows, unreadable)
    if shred_file and not result.refused:
        shred(file)
    elif not shred_file:
        click.echo(f"{file} holds codes in the clear: shred it when it was taken (--shred)", err=True)
    desk.tell(
        "codes-import",
        {
            "recorded": result.recorded,
            "unchanged": result.unchanged,
            "refused": told_refusals(result.refused),
            "shredded": shred_file and not result.refused,
        },
        lambda: click.echo(f"{len(result.recorded)} tables recorded, {len(result.unchanged)} unchanged"),
    )
    _fail_if_refused(file, result.refused, "table")


def _fail_if_refused(file: Path, refused: Sequence[Refusal], what: str) -> None:
    if refused:
        say_refusals(refused)
        fail(f"{file}: {len(refused)} rows refused, so no {what} was recorded: correct them", 1)
