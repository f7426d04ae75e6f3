"""A slot map to begin with: the tables for what is plugged in now, in the order of the ports."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from dscplus_driver.discovery import FoundCard
from dscplus_station.slots.map import MAX_PLACE, Slot, bare_port
from dscplus_station.slots.rules import SlotUse


@dataclass(frozen=True)
class Suggestion:
    """New slots, and the cards that cannot have one: each with its place and why."""

    slots: tuple[Slot, ...]
    without: tuple[str, ...]


def suggest(known: Sequence[Slot], found: Sequence[FoundCard], ports: Sequence[str]) -> Suggestion:
    """Slots for what the map does not know yet: cards on USB by their ID_PATH, then the ports named.

    They are numbered after the known ones, and placed in one row behind another, ten at most in each.
    """
    taken = {bare_port(slot.where) for slot in known}
    without = [f"{card.where}: udev gives it no ID_PATH" for card in found if not card.id_path]
    id_paths = sorted({card.id_path for card in found if card.id_path} - taken, key=_by_numbers)
    named = []
    for port in ports:
        if bare_port(port) not in taken:
            taken.add(bare_port(port))
            named.append(port)
    number = max((slot.number for slot in known), default=0)
    row = max((slot.row for slot in known), default=0)
    slots = []
    for index, (key, where) in enumerate([("id_path", i) for i in id_paths] + [("port", p) for p in named]):
        slots.append(
            Slot(
                number=number + index + 1,
                label=str(number + index + 1),
                row=row + 1 + index // _ROW,
                column=1 + index % _ROW,
                use=SlotUse.PROVISIONING,
                id_path=where if key == "id_path" else None,
                port=where if key == "port" else None,
            )
        )
    return Suggestion(tuple(slots), tuple(without))


_ROW = MAX_PLACE // 2


def as_toml(slot: Slot) -> str:
    """The slot's table, as `station.toml` has it."""
    where = ("id_path", slot.id_path) if slot.id_path else ("port", slot.port)
    lines = ["[[slots]]", f"number = {slot.number}", f"label = {_text(slot.label)}"]
    lines += [f"row = {slot.row}", f"column = {slot.column}", f"use = {_text(slot.use.value)}"]
    return "\n".join([*lines, f"{where[0]} = {_text(where[1] or '')}"]) + "\n"


def _text(value: str) -> str:
    """A basic string of TOML: JSON's escapes are among its own; a code point above U+FFFF stays itself."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _by_numbers(id_path: str) -> list[tuple[int, str]]:
    """Port 10 comes after port 9."""
    return [(int(part) if part.isdigit() else -1, part) for part in re.split(r"(\d+)", id_path)]
