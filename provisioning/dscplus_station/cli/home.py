"""`dsc-station init`, `backup`, `restore`: the home as a whole."""

from pathlib import Path

import click

from dscplus_station import audit
from dscplus_station.actor import Actor
from dscplus_station.backup import service
from dscplus_station.cli.common import Desk, command, confirm
from dscplus_station.clock import system_clock
from dscplus_station.errors import WrongUsage
from dscplus_station.founding import found
from dscplus_station.joining import Shared
from dscplus_station.system_user import system_user


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
@click.option(
    "--database",
    metavar="URL",
    help="Keep the records in PostgreSQL: postgresql://USER@HOST/DATABASE?passfile=/FOLDER/FILE",
)
@click.option(
    "--keystore",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A copy of the keystore of the stations that share the database.",
)
@command
def init(
    desk: Desk,
    issuer: str,
    name: str,
    time_zone: str,
    demo: bool,
    database: str | None,
    keystore: Path | None,
) -> None:
    """Make a station in a new directory: settings, keystore, database. Then make a backup.

    \b
    Example:
      dsc-station init --home /srv/station --time-zone America/New_York
    """
    home = desk.home
    if keystore is not None and database is None:
        raise WrongUsage(
            "--keystore goes with --database: a station with records of its own has its own keys"
        )
    found(
        home,
        issuer,
        name,
        time_zone,
        desk.new_passphrase if keystore is None else desk.passphrase,
        demo=demo,
        founder=Actor(system_user(), frozenset(), name),
        shared=None if database is None else Shared(database, keystore),
    )
    made = desk.station.settings

    def words() -> None:
        click.echo(
            f"station {name} is in {home.path}; without its passphrase and a backup "
            "(dsc-station backup FILE) no card can be managed again if this disk fails"
        )
        if not made.demo and not made.notices:
            click.echo(
                f"holders are told nothing (R13) until {home.settings_file} has [notices.email] and, "
                "for text messages, [notices.sms]",
                err=True,
            )

    desk.tell(
        "station",
        {
            "home": str(home.path),
            "station": made.station,
            "issuer": made.issuer,
            "time_zone": made.time_zone,
            "demo": made.demo,
        },
        words,
    )


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
@command
def backup(desk: Desk, file: Path) -> None:
    """Write FILE: settings, keystore and database, encrypted under the keystore's passphrase.

    Records in PostgreSQL are not in it: back them up there, with pg_dump.

    \b
    Example:
      dsc-station backup /media/safe/station-2026-11-22.backup
    """
    with_records = service.write_backup(desk.station, desk.actor(), desk.passphrase(), file)

    def words() -> None:
        click.echo(f"backup written to {file}")
        if not with_records:
            click.echo(f"settings and keystore only: {service.RECORDS_ELSEWHERE}", err=True)

    desk.tell("backup", {"file": str(file), "records": with_records}, words)


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
