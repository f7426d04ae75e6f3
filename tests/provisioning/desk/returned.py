"""A station whose cards were made, shipped and sent back: what the returns desk's tests begin from."""

from datetime import timedelta

from sqlalchemy import select

from dscplus_station.actor import ALL_ROLES, Actor
from dscplus_station.desk.inspecting import inspect
from dscplus_station.desk.rules import Outcome
from dscplus_station.desk.tables import Disposal
from dscplus_station.desk.working import carry_out
from dscplus_station.devices.rules import Profile
from dscplus_station.devices.tables import Device
from dscplus_station.holds.service import hold_of, open_hold
from dscplus_station.personalise.runner import Verdict
from dscplus_station.returns import service as returns
from dscplus_station.returns.rules import Condition
from dscplus_station.scans.rules import card_code
from dscplus_station.shipping.labels import issue_label
from dscplus_station.shipping.rules import Scanned
from dscplus_station.shipping.service import ship
from dscplus_station.stock.tables import Card
from tests.provisioning.personalise.bench import ACTOR, PIN, SERIALS, Bench

SUSAN = Actor("susan", ALL_ROLES, "bench-1")
ORDER = "O-1"


class ReturnsBench(Bench):
    """Cards in holders' hands; `card` is plugged in and looked at as the desk does."""

    def sent(self, serial=SERIALS[0], order=ORDER, profile=Profile.CARD_PIN, pin=PIN):
        """A card that was personalised and shipped, with a deposit."""
        self.place(order, profile, pin)
        assert self.personalise(serial, order).verdict is Verdict.COMPLETED
        with self.arranging() as session:
            open_hold(session, ACTOR, self.moment, order, "U-1")
        label = issue_label(self.station, ACTOR, order)
        scanned = Scanned(card_code(serial), label.barcode)
        ship(self.station, ACTOR, order, "Sample Post", f"T-{order}", scanned)

    def back(self, serial=SERIALS[0], **how):
        """The same, and received."""
        self.sent(serial, **how)
        self.moment += timedelta(days=2)
        returns.receive(self.station, ACTOR, serial)

    def inspect(self, serial=SERIALS[0], condition=Condition.INTACT, card=None, actor=ACTOR, **options):
        """Look at the card of this serial number, or at another one that is shown as it."""
        with self.plugged(card or self.cards[serial]) as at_port:
            return inspect(self.station, self.keystore, actor, serial, at_port, condition, **options)

    def inspect_dead(self, serial=SERIALS[0], condition=Condition.INTACT):
        return inspect(self.station, self.keystore, ACTOR, serial, None, condition)

    def dispose(self, kind, serial=SERIALS[0], because=None, card=None, actor=ACTOR, **options):
        with self.plugged(card or self.cards[serial]) as at_port:
            return carry_out(self.station, self.keystore, actor, serial, kind, at_port, because, **options)

    def restock(self, serial=SERIALS[0], **options):
        return self.dispose(Outcome.RESTOCK, serial, **options)

    def scrap(self, serial=SERIALS[0], **options):
        return self.dispose(Outcome.SCRAP, serial, **options)

    def plugged(self, card):
        if not card.virtual.plugged:
            card.replug()
        return card.connect()

    def state(self, serial=SERIALS[0]):
        return self.get(Card, serial).state

    def deposit(self, order=ORDER):
        with self.station.database.reading() as session:
            hold = hold_of(session, order)
            return hold.state.value, hold.end_reason

    def seeds_on_record(self):
        return [one for one in self.all(select(Device.sealed_seed)) if one is not None]

    def disposals(self):
        return self.all(select(Disposal).order_by(Disposal.started_at))
