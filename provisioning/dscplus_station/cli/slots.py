"""`dsc-station slots`: the row of cradles on the bench."""

import click

from dscplus_driver.discovery import discover
from dscplus_station import locks
from dscplus_station.cli.common import Desk, command, table
from dscplus_station.slots.map import Slot, slot_map
from dscplus_station.slots.ports import lock_name
from dscplus_station.slots.suggest import as_toml, suggest


@click.group()
def slots() -> None:
    """The slots of the bench: list, suggest."""


@slots.command("list")
@command
def list_slots(desk: Desk) -> None:
    """The slots of station.toml, and which process has them.

    \b
    Example:
      dsc-station slots list
    """
    held = {slot: locks.holder(desk.home.locks, lock_name(slot)) for slot in slot_map(_tables(desk))}
    columns = ("slot", "label", "row", "column", "use", "at", "held by")
    rows = [
        (slot.number, slot.label, slot.row, slot.column, slot.use, slot.where, holder)
        for slot, holder in held.items()
    ]
    desk.tell(
        "slots",
        {"slots": [_told(slot) | {"held_by": holder} for slot, holder in held.items()]},
        lambda: table(
            columns, rows, "station.toml has no [[slots]]: `dsc-station slots suggest` writes them"
        ),
    )


@slots.command("suggest")
@click.option(
    "--port",
    "ports",
    metavar="URL",
    multiple=True,
    help="A slot that USB does not tell of: a path or tcp://HOST:PORT, such as a virtual card's.",
)
@command
def suggest_slots(desk: Desk, ports: tuple[str, ...]) -> None:
    """Print tables for station.toml: a slot for each card that is plugged in and in none yet.

    Plug one card into each cradle first. A cradle is told by udev's ID_PATH, which stays the same for any
    card. Nothing is written: put the lines at the end of station.toml, and change labels and places there.

    \b
    Example:
      dsc-station slots suggest >> $DSC_STATION_HOME/station.toml
    """
    found = suggest(slot_map(_tables(desk)), discover(), ports)

    def words() -> None:
        for slot in found.slots:
            click.echo(as_toml(slot))
        for line in found.without:
            click.echo(f"no slot for {line}", err=True)
        if not found.slots:
            click.echo("nothing new is plugged in: plug a card into each cradle, or name a --port", err=True)

    desk.tell("slots", {"slots": [_told(slot) for slot in found.slots]}, words)


def _tables(desk: Desk) -> list[dict[str, object]]:
    return list(desk.home.settings().slots)


def _told(slot: Slot) -> dict[str, object]:
    return {
        "number": slot.number,
        "label": slot.label,
        "row": slot.row,
        "column": slot.column,
        "use": slot.use.value,
        "id_path": slot.id_path,
        "port": slot.port,
    }
