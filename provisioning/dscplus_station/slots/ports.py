"""Ports and slots: which slot a port belongs to, so that whoever names the port asks for the slot's lock."""

from collections.abc import Callable, Sequence

from dscplus_driver.discovery import FoundCard
from dscplus_station.personalise.workers import slot_of
from dscplus_station.slots.map import Slot


def lock_name(slot: Slot) -> str:
    """The name of a slot's lock."""
    return f"slot {slot.number}"


def port_locks(slots: Sequence[Slot], discover: Callable[[], list[FoundCard]]) -> Callable[[str], str]:
    """Give each port the name of its lock: its slot's, or, where it is in no slot, its own.

    Args:
        discover: the driver's; asked only if a slot is told by its ID_PATH.
    """
    on_usb = any(slot.id_path for slot in slots)

    def lock_of(port: str) -> str:
        slot = slot_at(port, slots, discover() if on_usb else ())
        return lock_name(slot) if slot else f"slot {slot_of(port)}"

    return lock_of


def slot_at(port: str, slots: Sequence[Slot], found: Sequence[FoundCard]) -> Slot | None:
    """The slot that a port's URL leads to, by whichever of its names; None if it is in no slot."""
    place = slot_of(port)
    id_paths = {card.id_path for card in found if place in _names(card)} - {None}
    for slot in slots:
        if slot.id_path in id_paths or (slot.port is not None and slot_of(slot.port) == place):
            return slot
    return None


def _names(card: FoundCard) -> set[str]:
    """Every name that a card's port may be given by."""
    urls = {slot_of(way.url) for way in card.interfaces if way.url}
    return urls | {way.node for way in card.interfaces if way.node} | {f"usb:{card.bus}.{card.address}"}
