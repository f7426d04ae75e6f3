"""`dsc-station init`, `backup`, `restore`: the home as a whole."""

from pathlib import Path

import click

from dscplus_station import audit
from dscplus_station.backup import service
from dscplus_station.cli.common import Desk, command, confirm
from dscplus_station.clock import system_clock
from dscplus_station.founding import found


@click.command("init")
@click.option("--issuer", default="Sample Issuer", show_default=True, help="The issuer's name.")
@click.option(
    "--name", default="station-1", show_default=True, help="This station's name, for the audit trail."
)
@click.option(
    "--time-zone",
    default="America/New_York",
    show_default=True,
    help="The issuer's zone: its days count (R13).",
)
@click.option("--demo", is_flag=True, help="A demo home: sample data only; --on may lie in the future.")
@command
def init(desk: Desk, issuer: str, name: str, time_zone: str, demo: bool) -> None:
    """Make a station in a new directory: settings, keystore, database. Then make a backup.

    \b
    Example:
      dsc-station init --home /srv/station --time-zone America/New_York
    """
    home = desk.home
    settings = found(home, issuer, name, time_zone, desk.new_passphrase, demo=demo)
    with desk.station.database.writing() as session:
        audit.record(session, desk.opener(), desk.station.now(), "init", settings.station, demo=demo)
    desk.tell(
        "station",
        {"home": str(home.path), "station": name, "issuer": issuer, "time_zone": time_zone, "demo": demo},
        lambda: click.echo(
            f"station {name} is in {home.path}; without its passphrase and a backup "
            "(dsc-station backup FILE) no card can be managed again if this disk fails"
        ),
    )


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
@command
def backup(desk: Desk, file: Path) -> None:
    """Write FILE: settings, keystore and database, encrypted under the keystore's passphrase.

    \b
    Example:
      dsc-station backup /media/safe/station-2026-11-22.backup
    """
    service.write_backup(desk.station, desk.actor(), desk.passphrase(), file)
    desk.tell("backup", {"file": str(file)}, lambda: click.echo(f"backup written to {file}"))


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="Put a home that is there aside, and restore in its place.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@command
def restore(desk: Desk, file: Path, replace: bool, yes: bool) -> None:
    """Make the home from a backup FILE, after checking all of it.

    \b
    Example:
      dsc-station restore /media/safe/station-2026-11-22.backup --home /srv/station
    """
    if replace and not desk.home.is_empty():
        confirm(f"Put {desk.home.path} aside and restore {file} in its place?", yes)
    aside = service.restore(file, desk.home, desk.passphrase(), system_clock(), replace=replace)
    with desk.station.database.writing() as session:
        audit.record(session, desk.opener(), desk.station.now(), "restore", file.name[:64])

    def words() -> None:
        click.echo(f"restored into {desk.home.path}")
        if aside is not None:
            click.echo(f"the former home is now {aside}")

    desk.tell("restore", {"home": str(desk.home.path), "former_home": aside and str(aside)}, words)
