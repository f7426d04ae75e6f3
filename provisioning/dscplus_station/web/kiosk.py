"""What the pages have at hand."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from dscplus_station.keystore.interface import Keystore
from dscplus_station.station import Station
from dscplus_station.training.card import TrainingCard
from dscplus_station.web.addresses import Addresses


@dataclass
class Kiosk:
    """An open station behind a page. It is made once a process, and reached by `deps.KioskHere`."""

    station: Station
    keystore: Keystore
    addresses: Addresses
    training: TrainingCard = field(default_factory=TrainingCard)
    stopping: threading.Event = field(default_factory=threading.Event)
    """Set when the process is to end: a stream of events looks at it and ends, too."""


@contextmanager
def open_kiosk(station: Station, keystore: Keystore, addresses: Addresses) -> Iterator[Kiosk]:
    """Open the kiosk of a station while the block runs."""
    kiosk = Kiosk(station, keystore, addresses)
    try:
        yield kiosk
    finally:
        kiosk.stopping.set()
        kiosk.training.close()
