"""The slot map: `[[slots]]` in `station.toml`, one table a slot.

[[slots]]
number = 1
label = "1"
row = 1
column = 1
use = "provisioning"
id_path = "pci-0000:00:14.0-usb-0:1"     # or: port = "/srv/cards/card-0"
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dscplus_station.errors import BadInput
from dscplus_station.slots.rules import SlotUse

MAX_NUMBER = 99
MAX_LABEL = 16
MAX_PLACE = 20
"""Rows and columns: more than any bench has, and few enough for a page."""

_KEYS = {"number", "label", "row", "column", "use", "id_path", "port"}


@dataclass(frozen=True)
class Slot:
    """A place for a card. Exactly one of `id_path` (udev's ID_PATH) and `port` (a URL or a path) is given.

    `row` and `column`, from 1, are its place on the bench as the operator sees it.
    """

    number: int
    label: str
    row: int
    column: int
    use: SlotUse
    id_path: str | None = None
    port: str | None = None

    @property
    def where(self) -> str:
        """Its port or ID_PATH, for messages."""
        return self.port or self.id_path or ""


def slot_map(tables: Sequence[Mapping[str, Any]]) -> tuple[Slot, ...]:
    """Read the tables of `[[slots]]`; by number.

    Raises:
        BadInput: a key that is unknown, missing or of no use; two slots with one number, place or port.
    """
    slots = [_slot(table, position) for position, table in enumerate(tables, 1)]
    for told, of in (
        ("number", lambda slot: slot.number),
        ("label", lambda slot: slot.label),
        ("row and column", lambda slot: (slot.row, slot.column)),
        ("port", lambda slot: bare_port(slot.where)),
    ):
        first: dict[object, Slot] = {}
        for slot in slots:
            other = first.setdefault(of(slot), slot)
            if other is not slot:
                raise BadInput(f"station.toml: slots {other.number} and {slot.number} have the same {told}")
    return tuple(sorted(slots, key=lambda slot: slot.number))


def bare_port(port: str) -> str:
    """A port's path without its scheme, so that `serial:PATH` and `PATH` are one; other URLs as they are."""
    return port.removeprefix("serial:").removeprefix("hid:")


def _slot(table: Mapping[str, Any], position: int) -> Slot:
    name = f"station.toml: [[slots]] table {position}"
    if not isinstance(table, Mapping):
        raise BadInput(f"{name}: slots are tables of their own, [[slots]]")
    unknown = sorted(set(table) - _KEYS)
    if unknown:
        raise BadInput(f"{name}: unknown key {unknown[0]!r}; there are {', '.join(sorted(_KEYS))}")
    number = _number(table, "number", MAX_NUMBER, name)
    name = f"station.toml: slot {number}"
    label = table.get("label", str(number))
    if not isinstance(label, str) or not label.strip() or len(label) > MAX_LABEL or not label.isprintable():
        raise BadInput(f"{name}: label is a text of 1 to {MAX_LABEL} characters")
    try:
        use = SlotUse(table.get("use", SlotUse.PROVISIONING))
    except ValueError:
        raise BadInput(f"{name}: use is one of {', '.join(SlotUse)}") from None
    places = [key for key in ("id_path", "port") if key in table]
    if len(places) != 1:
        raise BadInput(f"{name}: give either id_path (a USB port) or port (a path or URL)")
    where = table[places[0]]
    if not isinstance(where, str) or not where.strip() or not where.isprintable():
        raise BadInput(f"{name}: {places[0]} is a text")
    slot = Slot(
        number=number,
        label=label,
        row=_number(table, "row", MAX_PLACE, name),
        column=_number(table, "column", MAX_PLACE, name),
        use=use,
        **{places[0]: where},
    )
    if (slot.port or "").startswith("usb:"):
        raise BadInput(f"{name}: {slot.port} is another one after each plugging: give the slot's id_path")
    return slot


def _number(table: Mapping[str, Any], key: str, most: int, name: str) -> int:
    value = table.get(key)
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most:
        return value
    raise BadInput(f"{name}: {key} is a number from 1 to {most}")
