"""Labels that print by themselves: of a card that passed, and when REPRINT was scanned.

A thread of its own speaks to the printer, so that no slot and no page waits for it. A printer that is out is
told on the desk of the operator whose card it is, until it is acknowledged.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from dscplus_station import log
from dscplus_station.actor import Actor
from dscplus_station.errors import StationError
from dscplus_station.parcels import service as parcels
from dscplus_station.parcels.claiming import who_bound
from dscplus_station.parcels.told import Told, Tone
from dscplus_station.printing.configuration import read_printer
from dscplus_station.printing.printers import Printer, PrinterOut
from dscplus_station.printing.service import print_passed, put_in_queue, send, send_waiting, settle_cut_off
from dscplus_station.shipping.rules import labels_printed
from dscplus_station.slots.claims import End
from dscplus_station.slots.rules import Verdict
from dscplus_station.station import Station
from dscplus_station.web.desks import Desks
from dscplus_station.wording import N_, words

NOT_PRINTED = N_("The label of order {order} was not printed: {told}.")
WAITED = N_("A label that waited was not printed: {told}.")
THEN = N_("Put the printer right. Then scan the card, and REPRINT for another label.")
WAITS = N_("Put the printer right. The label comes with the next one, or by “Print what waits” (Documents).")
PERHAPS = N_("It may have come out: look. If it did not, scan the card, and REPRINT for another label.")
SCANNED = "REPRINT was scanned"
ASKED = "it may not have come out"
MISTAKE = "kiosk: a mistake of ours while printing"
STATION = "serve"
"""Who notices, when the station starts, what was cut off."""


class Labels:
    """Prints the labels of a bench, one after the other, in a thread of its own."""

    def __init__(self, station: Station, desks: Desks) -> None:
        self._station = station
        self._desks = desks
        self._thread = ThreadPoolExecutor(1, "labels")

    def passed(self, end: End) -> None:
        """A card's work ended: if it passed, its label prints, once."""
        station, order = self._station, end.order
        if end.verdict is not Verdict.PASS or order is None or not labels_printed(station.settings.labels):
            return
        with station.database.reading() as session:
            actor = who_bound(session, station.settings.station, order)
        self._do(actor, order, lambda printer: print_passed(station, actor, printer, order, end.label))

    def begin(self) -> None:
        """Look, in the labels' own thread, which one was being sent when the station was stopped."""
        self._thread.submit(self._settle)

    def printing(self, actor: Actor) -> parcels.Printing:
        """How a label that a scan of REPRINT asks for is put on record as to be printed: both or neither."""
        return lambda session, issued: put_in_queue(session, self._station, actor, issued, SCANNED)

    def again(self, actor: Actor, order: str, number: int) -> None:
        """Another label of an order was asked for, and its printing is on record: it prints."""
        self._do(actor, order, lambda printer: send(self._station, actor, printer, number))

    def tag(self, actor: Actor, serial_number: str, number: int) -> None:
        """The tag of a card was asked for, and its printing is on record: it prints. One that does not come
        out is told in the log: it waits in the queue, and the card's page has it as PDF.
        """

        def work() -> None:
            try:
                send(self._station, actor, read_printer(self._station), number)
            except StationError as error:
                log.error(str(error), card=serial_number)
            except Exception as error:  # noqa: BLE001 (nobody would hear of it else)
                log.error(MISTAKE, error=type(error).__name__, card=serial_number)

        self._thread.submit(work)

    def close(self) -> None:
        """Let what is being printed end."""
        self._thread.shutdown()

    def _settle(self) -> None:
        try:
            settle_cut_off(self._station, Actor(STATION, frozenset(), self._station.settings.station))
        except StationError as error:
            log.error(str(error))

    def _do(self, actor: Actor, order: str, print_it: Callable[[Printer], object]) -> None:
        def work() -> None:
            if self._done(actor, order, print_it):
                self._done(actor, None, lambda printer: send_waiting(self._station, actor, printer))

        self._thread.submit(work)

    def _done(self, actor: Actor, order: str | None, print_it: Callable[[Printer], object]) -> bool:
        """Print, and tell what went wrong; `order` is None for what waited, which may be another order's."""
        try:
            print_it(read_printer(self._station))
        except PrinterOut as out:
            log.error(str(out), order=order)
            told = out.trouble if order else out.told
            self._tell(actor, order, told, PERHAPS if out.reached else WAITS)
        except StationError as error:
            log.error(str(error), order=order)
            self._tell(actor, order, str(error).rstrip("."))
        except Exception as error:  # noqa: BLE001 (nobody would hear of it else)
            log.error(MISTAKE, error=type(error).__name__, order=order)
            self._tell(actor, order, type(error).__name__)
        else:
            return True
        return False

    def _tell(self, actor: Actor, order: str | None, told: str, then: str = THEN) -> None:
        situation = parcels.situation(self._station, actor)
        what = words(NOT_PRINTED, order=order, told=told) if order else words(WAITED, told=told)
        self._desks.tell(actor.operator, Told(Tone.REFUSED, what, words(then), situation))
