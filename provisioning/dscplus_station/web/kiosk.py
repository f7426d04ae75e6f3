"""What the pages have at hand."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dscplus_station.keystore.interface import Keystore
from dscplus_station.parcels.claiming import Claims
from dscplus_station.slots.bench import Bench
from dscplus_station.slots.map import slot_map
from dscplus_station.station import Station
from dscplus_station.training.card import TrainingCard
from dscplus_station.web.addresses import Addresses
from dscplus_station.web.desks import Desks
from dscplus_station.web.labelling import Labels

if TYPE_CHECKING:
    from dscplus_station.demo.hands import Hands
    from dscplus_station.demo.passing import Passed


@dataclass
class Kiosk:
    """An open station behind a page. It is made once a process, and reached by `deps.KioskHere`."""

    station: Station
    keystore: Keystore
    addresses: Addresses
    training: TrainingCard = field(default_factory=TrainingCard)
    bench: Bench | None = None
    """The slots of this process; None where the station has none."""
    desks: Desks = field(default_factory=Desks)
    labels: Labels | None = None
    """Prints what the bench makes; None where the station has no slots."""
    hands: "Hands | None" = None
    """Of a demo home's visitor; `passed`: what came of the days that were let pass last."""
    passed: "Passed | None" = None
    stopping: threading.Event = field(default_factory=threading.Event)
    """Set when the process is to end: a stream of events looks at it and ends, too."""


@contextmanager
def open_kiosk(station: Station, keystore: Keystore, addresses: Addresses) -> Iterator[Kiosk]:
    """Open the kiosk of a station while the block runs; it owns the station's slots meanwhile.

    Raises:
        BadInput: the slot map cannot be used.
        HeldByAnother: another process owns one of the slots.
    """
    training = TrainingCard(challenge_lifetime=station.settings.login.challenge_lifetime)
    kiosk = Kiosk(station, keystore, addresses, training)
    with ExitStack() as stack:
        stack.callback(kiosk.training.close)
        if station.settings.demo:
            from dscplus_station.demo.hands import open_hands  # a real station never loads it

            kiosk.hands = stack.enter_context(open_hands(station.home))
        stack.callback(kiosk.stopping.set)
        slots = slot_map(station.settings.slots)
        if slots:
            labels = kiosk.labels = Labels(station, kiosk.desks)
            stack.callback(labels.close)
            claims = Claims(station, keystore)
            bench = Bench(station, keystore, slots, claims, on_ended=labels.passed)
            kiosk.bench = stack.enter_context(bench)
            labels.begin()
        yield kiosk
