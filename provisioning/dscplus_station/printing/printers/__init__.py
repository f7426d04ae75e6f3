"""Printers. Each takes a label whole, or tells that it did not and whether any of it may have arrived."""

from dataclasses import dataclass
from typing import Protocol

from dscplus_station.errors import StationError
from dscplus_station.typesetting.plan import Plan


class PrinterOut(StationError):
    """The printer did not take a label.

    `trouble`: what is wrong with it, and what to do. `reached`: some of the label may have arrived, so that
    it may come out after all. `what_now`: what becomes of the label.
    """

    def __init__(self, trouble: str, *, reached: bool, what_now: str = "") -> None:
        if what_now:
            super().__init__("{trouble}. {what_now}", trouble=trouble, what_now=what_now)
        else:
            super().__init__(trouble)
        self.trouble = trouble
        self.reached = reached


@dataclass(frozen=True)
class Printout:
    """One label to print; `name` is for files: letters, digits, dots and hyphens."""

    name: str
    plan: Plan


class Printer(Protocol):
    """What labels are sent to."""

    def send(self, printout: Printout) -> None:
        """Print one label; it has timeouts of its own.

        Raises:
            PrinterOut: it did not take it, or not surely; what is wrong, and what to do.
        """
