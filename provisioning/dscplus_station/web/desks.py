"""What each operator was told last. A refusal stays until it is acknowledged, also over a reload of the page.

It is kept in the process: a scan that was refused changed nothing, so a restart may forget it.
"""

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from dscplus_station.parcels.told import Told, Tone


@dataclass(frozen=True)
class Shown:
    """What is on the desk; `number` is another one whenever it is to be heard, `since` stays."""

    number: int = 0
    told: Told | None = None
    since: int = 0

    @property
    def refused(self) -> bool:
        """Whether it stays until it is acknowledged."""
        return self.told is not None and self.told.tone is Tone.REFUSED


@dataclass
class _Desk:
    """An operator's: what was done last, and the refusals that stand, the first one uppermost."""

    last: Shown = field(default_factory=Shown)
    refusals: list[Shown] = field(default_factory=list)

    @property
    def uppermost(self) -> Shown:
        return self.refusals[0] if self.refusals else self.last


class Desks:
    """The operators' desks, by name. Safe to use from several threads."""

    def __init__(self) -> None:
        self.run = secrets.token_hex(4)
        """Tells this process's looks from those before a restart."""
        self._desks: dict[str, _Desk] = {}
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
            return self._desk(operator).uppermost

    def tell(self, operator: str, told: Told) -> None:
        """Put this on the operator's desk: a refusal below those that stand."""
        with self._lock:
            self._number += 1
            shown, desk = Shown(self._number, told, self._number), self._desk(operator)
            if shown.refused:
                desk.refusals.append(shown)
            else:
                desk.last = shown

    def insist(self, operator: str) -> bool:
        """Whether a refusal stands in the way of a scan; it is heard again then."""
        with self._lock:
            return self._heard_again(self._desk(operator))

    def acknowledge(self, operator: str, since: int | None = None) -> bool:
        """Take the uppermost refusal away; whether one was there.

        Args:
            since: of the one that was seen; another one, which came in its place meanwhile, stays.
        """
        with self._lock:
            desk = self._desk(operator)
            if not desk.refusals or since not in (None, desk.refusals[0].since):
                return False
            desk.refusals.pop(0)
            if not self._heard_again(desk):
                desk.last = Shown(desk.last.number)
            return True

    def _heard_again(self, desk: _Desk) -> bool:
        if not desk.refusals:
            return False
        self._number += 1
        desk.refusals[0] = replace(desk.refusals[0], number=self._number)
        return True

    def _desk(self, operator: str) -> _Desk:
        return self._desks.setdefault(operator, _Desk())
