"""`dsc-station keys`: the makers' keys."""

from pathlib import Path

import click

from dscplus_station.cli.common import Desk, command
from dscplus_station.errors import WrongUsage
from dscplus_station.keystore.interface import VersionedMaster
from dscplus_station.keystore.key_file import read_key_file
from dscplus_station.stock import batches


@click.group()
def keys() -> None:
    """Import the makers' batch keys."""


@keys.command("import-batch")
@click.argument("batch")
@click.option(
    "--key-file",
    type=click.Path(path_type=Path),
    required=True,
    help="The batch master: one line of 32 or 64 hex digits.",
)
@click.option(
    "--kvn", default="01", show_default=True, help="Key version number of the cards, hex, 01 to 0F."
)
@command
def import_batch(desk: Desk, batch: str, key_file: Path, kvn: str) -> None:
    """Keep the transport master of BATCH in the keystore. Compare the KCV shown with the maker's letter.

    \b
    Example:
      dsc-station keys import-batch B1 --key-file batch-B1.hex --kvn 01
    """
    try:
        version = int(kvn, 16)
    except ValueError:
        raise WrongUsage(f"--kvn {kvn}: a key version number is two hex digits, 01 to 0F") from None
    master = VersionedMaster(version, read_key_file(key_file))
    new = batches.import_batch(desk.station, desk.actor(), desk.keystore, batch, master)

    def words() -> None:
        click.echo(
            f"batch {batch}: {'key imported' if new else 'was here with this key'}, KVN {version:02X}, "
            f"KCV {master.kcv()} (compare it with the maker's letter)"
        )

    desk.tell("batch", {"batch": batch, "kvn": f"{version:02X}", "kcv": master.kcv(), "imported": new}, words)
