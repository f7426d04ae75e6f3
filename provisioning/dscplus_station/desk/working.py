"""A card on the desk: at a port or at none, under the locks of slot and card; and the saga run there."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from dscplus_driver.card import Card, connect
from dscplus_driver.discovery import discover
from dscplus_station import locks
from dscplus_station.actor import Actor
from dscplus_station.desk.inspecting import require_same
from dscplus_station.desk.journal import Journal
from dscplus_station.desk.rules import Outcome
from dscplus_station.desk.runner import Done, OnStep, dispose
from dscplus_station.keystore.interface import Keystore
from dscplus_station.slots.map import slot_map
from dscplus_station.slots.ports import port_locks
from dscplus_station.station import Station


@contextmanager
def on_the_desk(
    station: Station, serial_number: str, port: str | None, open_port: Callable[[str], Card] = connect
) -> Iterator[Card | None]:
    """The card at a port, whose slot and card are ours while the block runs; None for a card at no port.

    Raises:
        HeldByAnother: another process serves the slot, or has the card.
        DscError: the port cannot be opened.
    """
    with ExitStack() as owned:
        hold = station.home.locks
        card = None
        if port is not None:
            lock_of = port_locks(slot_map(station.settings.slots), discover)
            owned.enter_context(locks.hold(hold, lock_of(port), "returns desk"))
            card = owned.enter_context(open_port(port))
        owned.enter_context(locks.hold(hold, f"card {serial_number}", "returns desk"))
        yield card


def carry_out(
    station: Station,
    keystore: Keystore,
    actor: Actor,
    serial_number: str,
    kind: Outcome,
    card: Card,
    because: str | None = None,
    on_step: OnStep = lambda _disposal, _step: None,
) -> Done:
    """Restock or scrap the inspected card, or go on with what was begun; the caller holds the card's lock.

    Raises:
        NotPermitted, BadInput, NotFound, StateConflict: see `Journal.begin`; nothing was done to the card.
        BadInput: another card is at the port.
        DscError: the card was lost or did not answer; run it again.
    """
    require_same(serial_number, card)
    journal = Journal(station, actor)
    disposal = journal.begin(serial_number, kind, because)
    return dispose(card, journal, keystore, disposal, on_step)
