"""Trials: a card and an order, one fault, and an operator who runs it again until it is done."""

from collections import Counter
from dataclasses import dataclass, field

from dscplus_card import state
from dscplus_card.hosts.identity import serial_number
from dscplus_driver.errors import CardError
from dscplus_driver.link.frames import FrameReader, LinkCommand
from dscplus_driver.link.hid_frames import MessageReader
from dscplus_station.errors import StateConflict
from dscplus_station.orders.tables import Order
from dscplus_station.personalise.runner import Verdict
from dscplus_station.stock.rules import CardState
from dscplus_station.stock.tables import Card
from tests.campaign.checker import findings
from tests.campaign.faults import Killed, happening
from tests.provisioning.personalise.bench import Bench, virtual_card

MOST_ATTEMPTS = 6
CHANNELS = 2
"""Secure channels of an undisturbed personalisation: one under transport keys, one under issuer keys."""
_GET_DATA, _SELECT = 0xCA, 0xA4


@dataclass
class Campaign:
    """What came of the trials at one station: how many ended how, and what went against the rules."""

    bench: Bench
    endings: Counter = field(default_factory=Counter)
    wrong: list = field(default_factory=list)
    pins: dict = field(default_factory=dict)

    def run(self, faults):
        """Each fault on a card and an order of its own."""
        first = len(self.bench.cards) + 1
        trials = [(fault, serial_number(number), number) for number, fault in enumerate(faults, first)]
        self.bench.receive(*(serial for _, serial, _ in trials))
        orders = [
            (_order(serial), fault.profile, f"{number * 7919 % 10_000:04d}")
            for fault, serial, number in trials
        ]
        self.bench.place_all(orders)
        self.pins |= {order: pin for order, _, pin in orders}
        for fault, serial, _ in trials:
            self._trial(fault, serial)
        return self

    def check(self):
        """Everything wrong: with the trials, and then with what cards and records are left with."""
        images = {serial: card.flash.image() for serial, card in self.bench.cards.items()}
        return self.wrong + findings(self.bench.station.database, self.bench.keystore, images, self.pins)

    def _trial(self, fault, serial):
        card = self.bench.cards[serial] = virtual_card(serial)
        card.link = fault.link
        watch = _WireWatch(card)
        with happening(fault, self.bench.station.database.engine, card):
            ending = self._until_done(serial, _order(serial))
        self.endings[fault.kind, ending.partition(":")[0]] += 1
        if not ending.startswith("completed"):
            self.wrong.append(f"{fault}: {ending}")
        if fault.kind == "frame lost once" and card.memory().number(state.SEQUENCE_COUNTER) != CHANNELS:
            self.wrong.append(f"{fault}: the link's repeat should have healed it; another channel was opened")
        self.wrong += [f"{fault}: {what}" for what in watch.wrong]

    def _until_done(self, serial, order):
        for attempt in range(1, MOST_ATTEMPTS + 1):
            try:
                outcome = self.bench.personalise(serial, order)
            except CardError:
                continue
            except Killed:
                self.bench.station.database.engine.dispose()  # a dead process has no connections
                continue
            except StateConflict as conflict:
                # Killed after the last commit: all was done.
                if self.bench.get(Card, serial).state is CardState.SECURED:
                    return f"completed by run {attempt - 1}"
                return f"refused: {conflict}"
            except Exception as error:  # noqa: BLE001 (whatever it is, the trial failed by it)
                return f"crashed: {type(error).__name__}: {error}"
            if outcome.verdict is Verdict.COMPLETED:
                return "completed at once" if attempt == 1 else f"completed by run {attempt}"
            return f"{outcome.verdict}: {outcome.told}"
        return f"stuck after {MOST_ATTEMPTS} runs: order is {self.bench.get(Order, order).state}"


def _order(serial):
    return f"order-of-{serial}"


class _WireWatch:
    """Looks at what the host sends: a command is never sent again in another link session, and over HID
    never at all.
    """

    def __init__(self, card):
        self.wrong = []
        self._sessions = {}
        self._messages = 0
        frames, messages = FrameReader(), MessageReader()
        feed, feed_report = card.virtual.feed, card.virtual.feed_report

        def watched(data):
            for frame in frames.feed(data):
                self._see(frame, frame.session)
            feed(data)

        def watched_report(report):
            for message in messages.feed(report):
                self._messages += 1
                self._see(message, self._messages)
            feed_report(report)

        card.virtual.feed = watched
        card.virtual.feed_report = watched_report

    def _see(self, frame, session):
        plain_reading = (
            len(frame.payload) > 1 and frame.payload[1] in (_GET_DATA, _SELECT) and not frame.payload[0] & 4
        )
        if frame.cmd != LinkCommand.MSG or plain_reading:
            return
        first = self._sessions.setdefault(frame.payload, session)
        if first != session:
            self.wrong.append(f"command {frame.payload[1]:02X} was sent again")
