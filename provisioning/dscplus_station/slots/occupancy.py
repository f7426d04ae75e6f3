"""Which card is in which slot: no card can be in two, and one that says so is not believed."""

import threading


class Occupancy:
    """The cards on the bench; used from every slot's thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cards: dict[int, str] = {}

    def here(self, slot: int, serial_number: str) -> int | None:
        """Note which card is in a slot; gives another slot whose card says to be the same."""
        with self._lock:
            self._cards[slot] = serial_number
            others = (number for number, card in self._cards.items() if card == serial_number)
            return next((number for number in others if number != slot), None)

    def gone(self, slot: int) -> None:
        """Note that the slot has no card."""
        with self._lock:
            self._cards.pop(slot, None)
