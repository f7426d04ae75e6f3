"""What each operator was told last. A refusal stays until it is acknowledged, also over a reload of the page.

It is kept in the process: a scan that was refused changed nothing, so a restart may forget it.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from dscplus_station.parcels.told import Told, Tone


@dataclass(frozen=True)
class Shown:
    """What is on the desk; `number` is another one whenever it is to be heard."""

    number: int = 0
    told: Told | None = None

    @property
    def refused(self) -> bool:
        """Whether it stays until it is acknowledged."""
        return self.told is not None and self.told.tone is Tone.REFUSED


class Desks:
    """The operators' desks, by name. Safe to use from several threads."""

    def __init__(self) -> None:
        self._shown: dict[str, Shown] = {}
        self._number = 0
        self._lock = threading.Lock()
        self._looks = 0
        self._looking = threading.Lock()

    @contextmanager
    def look(self) -> Iterator[int]:
        """Look at the records, one at a time: the number given is greater for who looked later."""
        with self._looking:
            self._looks += 1
            yield self._looks

    def shown(self, operator: str) -> Shown:
        """What this operator sees."""
        with self._lock:
            return self._shown.get(operator, Shown())

    def tell(self, operator: str, told: Told | None) -> None:
        """Put this on the operator's desk."""
        with self._lock:
            self._number += 1
            self._shown[operator] = Shown(self._number, told)

    def insist(self, operator: str) -> bool:
        """Whether a refusal stands in the way of a scan; it is heard again then."""
        with self._lock:
            shown = self._shown.get(operator, Shown())
            if shown.refused:
                self._number += 1
                self._shown[operator] = Shown(self._number, shown.told)
            return shown.refused

    def acknowledge(self, operator: str) -> bool:
        """Take a refusal away; whether one was there."""
        with self._lock:
            shown = self._shown.get(operator, Shown())
            if shown.refused:
                self._shown[operator] = Shown(shown.number)
            return shown.refused
