"""None lands in another's envelope: several people at two stations scan whatever is at hand, in any order.

The world outside the records is modelled: each card of plastic carries its printed number, each label its
paper, and an envelope is closed with what its packer last scanned. What was scanned counts, so the machine
may scan anything at any time, twice, by anybody, at any station, with the process restarted in between.
"""

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import func, select

from dscplus_station.actor import ALL_ROLES, Actor
from dscplus_station.audit import AuditRow
from dscplus_station.cancellation.service import cancel
from dscplus_station.errors import StationError
from dscplus_station.orders.rules import OrderState
from dscplus_station.orders.tables import Binding, Order
from dscplus_station.parcels.rules import Phase
from dscplus_station.parcels.service import situation
from dscplus_station.parcels.tables import Parcel, WaitingOrder
from dscplus_station.parcels.taking_over import take_over
from dscplus_station.parcels.told import Tone
from dscplus_station.parcels.undoing import undo_shipment
from dscplus_station.scans.rules import (
    CardScan,
    Command,
    LabelScan,
    command_code,
    order_code,
    parse,
)
from dscplus_station.shipping.rules import Scanned
from dscplus_station.shipping.service import ship
from dscplus_station.shipping.tables import Label, ScannedPair, Shipment
from dscplus_station.slots.claims import Claim
from dscplus_station.stock.rules import CardState
from dscplus_station.stock.tables import Card
from tests.provisioning.parcels.packing_world import BENCH, ORDERS, Packing, tracking
from tests.provisioning.support import CARDS

PEOPLE = [
    Actor(name, ALL_ROLES, station)
    for name, station in (("olivia", BENCH), ("peter", BENCH), ("olivia", "bench-2"), ("quinn", "bench-2"))
]
people = st.sampled_from(PEOPLE)
orders = st.sampled_from(ORDERS)
cards = st.sampled_from(CARDS[:4])


class ParcelsMachine(RuleBasedStateMachine):
    """Four orders, four cards, four people at two stations."""

    @initialize(dealt=st.permutations(CARDS[:4]), made=st.integers(2, 4))
    def open_the_day(self, dealt, made):
        """Some cards have passed already: their labels lie on the bench."""
        self.folder = tempfile.TemporaryDirectory()
        self.world = Packing(Path(self.folder.name))
        self.papers = []
        """Every label that came out of the printer, in its order."""
        self.numbers = 0
        self.envelope = {person: {} for person in PEOPLE}
        """What each person has put into the open envelope: the card and the label scanned last, accepted."""
        self.closed = []
        """(card, label) of every envelope that was closed."""
        for order, card in list(zip(ORDERS, dealt, strict=True))[:made]:
            self.papers.append(self.world.made(order, card))

    def teardown(self):
        if hasattr(self, "world"):
            self.world.close()
            self.folder.cleanup()

    # What people do.

    @rule(person=people, order=orders)
    def scan_an_order(self, person, order):
        self.scan(person, order_code(order))

    @rule(person=people, card=cards)
    def scan_a_card(self, person, card):
        self.scan(person, card)

    @rule(person=people, data=st.data())
    def scan_a_label(self, person, data):
        self.scan(person, data.draw(st.sampled_from(self.papers)))

    @rule(person=people, again=st.booleans())
    def scan_a_tracking_number(self, person, again):
        if not again:
            self.numbers += 1
        self.scan(person, tracking(self.numbers))

    @rule(person=people, command=st.sampled_from(Command))
    def scan_a_command(self, person, command):
        self.scan(person, command_code(command))

    @rule(card=cards, slot=st.integers(1, 4))
    def plug_a_card_in(self, card, slot):
        self.insert(card, slot)

    @rule(first=cards, second=cards)
    def plug_two_cards_in_at_once(self, first, second):
        """The second goes in before the first is bound."""
        answers = []
        claims = self.world.claims(settle=lambda: answers.append(self.world.claims()(2, second)))
        answers.insert(0, claims(1, first))
        for card, answer in zip((first, second), answers, strict=False):
            self.serve(card, answer)

    @rule(person=people, order=orders)
    def take_an_order_through_to_its_label(self, person, order):
        """The way it goes most often: so that parcels are packed often."""
        free = [card for card in CARDS[:4] if self.world.card(card).state is CardState.BLANK]
        if free and self.scan(person, order_code(order)).tone is Tone.DONE and person.station == BENCH:
            self.scan(person, free[0])
            self.insert(free[0], 1)

    @rule(person=people, data=st.data(), card_first=st.booleans(), reprint=st.booleans())
    def pack(self, person, data, card_first, reprint):
        """An envelope from the first scan to the last, mostly with the card that the label names."""
        paper = data.draw(st.sampled_from(self.papers))
        own = parse(paper).serial_number
        card = data.draw(st.sampled_from([own, own, *CARDS[:4]]))
        for text in (card, paper) if card_first else (paper, card):
            self.scan(person, text)
        if reprint:
            self.scan(person, command_code(Command.REPRINT))
        self.scan_a_tracking_number(person, again=data.draw(st.sampled_from([False, False, True])))

    @rule(first=people, second=people, data=st.data())
    def pack_side_by_side(self, first, second, data):
        """Two people, two envelopes, one scan each in turn; the labels may be swapped."""
        papers = data.draw(st.lists(st.sampled_from(self.papers), min_size=2, max_size=2))
        swapped = data.draw(st.booleans())
        for person, paper in zip((first, second), papers, strict=True):
            self.scan(person, parse(paper).serial_number)
        for person, paper in zip((first, second), reversed(papers) if swapped else papers, strict=True):
            self.scan(person, paper)
        for person in (first, second):
            self.scan_a_tracking_number(person, again=False)

    # What happens besides.

    @rule(order=orders, person=people)
    def take_over(self, person, order):
        held = self.holder_of(order)
        try:
            take_over(self.world.station, person, order, "end of shift")
        except StationError:
            return
        if held in self.envelope and held != person and order == self.envelope_order(held):
            self.envelope[person], self.envelope[held] = self.envelope[held], {}

    @rule(data=st.data(), card=cards)
    def ship_by_command(self, data, card):
        paper = data.draw(st.sampled_from(self.papers))
        self.numbers += 1
        scanned = Scanned(card, paper)
        try:
            ship(self.world.station, PEOPLE[0], parse(paper).order, "Post", tracking(self.numbers), scanned)
        except StationError:
            return
        self.closed.append((card, paper))

    @rule(order=orders)
    def undo(self, order):
        try:
            card = undo_shipment(self.world.station, PEOPLE[0], order, "wrong envelope")
        except StationError:
            return
        self.closed = [(one, paper) for one, paper in self.closed if one != card]

    @rule(order=st.sampled_from(ORDERS[3:]))
    def cancel(self, order):
        try:
            cancel(self.world.station, PEOPLE[0], order)
        except StationError:
            return

    @rule()
    def restart(self):
        self.world.reopen()

    # How the machine does it.

    def scan(self, person, text):
        phase = situation(self.world.station, person).phase
        before = self.audited()
        told = self.world.scan(text, by=person)
        overtaken = str(told.what).startswith("Nothing was done with this scan")
        if told.tone is not Tone.DONE and not overtaken:
            assert self.audited() == before, told.lines()
        if told.label is not None:
            self.papers.append(told.label.barcode)
        inside = self.envelope[person]
        found = parse(text)
        if told.tone is Tone.DONE and isinstance(found, CardScan) and told.situation.parcel is not None:
            inside["card"] = found.serial_number
        if told.tone is Tone.DONE and isinstance(found, LabelScan):
            inside["label"] = text
        if told.auto_activates_on is not None:
            assert phase is Phase.PAIRED
            self.closed.append((inside["card"], inside["label"]))
        if told.situation.parcel is None:
            inside.clear()
        elif not told.situation.parcel.label_seen:
            inside.pop("label", None)
        return told

    def audited(self):
        """Grows with every change: the database layer admits none without its audit row."""
        with self.world.station.database.reading() as session:
            return session.scalar(select(func.max(AuditRow.id)))

    def insert(self, card, slot):
        self.serve(card, self.world.claims()(slot, card))

    def serve(self, card, answer):
        """The slot makes the card for its order, and its label comes out."""
        if isinstance(answer, Claim) and self.world.card(card).state is CardState.BLANK:
            bound = self.world.order(answer.order)
            assert bound.state is OrderState.PLACED
            self.papers.append(self.world.made(answer.order, card))

    def holder_of(self, order):
        with self.world.station.database.reading() as session:
            row = session.scalars(
                select(Parcel).where(Parcel.ended_at.is_(None), Parcel.order_id == order)
            ).one_or_none()
        if row is None:
            return None
        return next(p for p in PEOPLE if (p.operator, p.station) == (row.operator, row.station))

    def envelope_order(self, person):
        paper = self.envelope[person].get("label")
        card = self.envelope[person].get("card")
        if paper is not None:
            return parse(paper).order
        with self.world.station.database.reading() as session:
            return session.scalar(
                select(Binding.order_id).where(Binding.serial_number == card, Binding.released_at.is_(None))
            )

    # What always holds.

    @invariant()
    def every_envelope_has_one_orders_own_card_and_label(self):
        for card, paper in self.closed:
            label = parse(paper)
            assert label.serial_number == card
            with self.world.station.database.reading() as session:
                bound = session.scalars(
                    select(Binding.order_id).where(
                        Binding.serial_number == card, Binding.released_at.is_(None)
                    )
                ).all()
                assert bound == [label.order]
                last = session.scalar(
                    select(func.max(Label.copy)).where(
                        Label.order_id == label.order, Label.serial_number == card
                    )
                )
                assert label.copy == last
                assert session.get_one(Order, label.order).state is OrderState.SHIPPED

    @invariant()
    def every_shipment_stands_on_its_own_pair(self):
        with self.world.station.database.reading() as session:
            shipments = session.scalars(select(Shipment)).all()
            for one in shipments:
                pair = session.get_one(ScannedPair, one.pair_id)
                assert (pair.order_id, pair.serial_number) == (one.order_id, one.serial_number)
            live = [one for one in shipments if one.undone_at is None]
            assert len({one.tracking for one in live}) == len(live)
            assert len(live) == len(self.closed)
            shipped = session.scalars(select(Card.serial_number).where(Card.state == CardState.SHIPPED)).all()
            assert sorted(shipped) == sorted(one.serial_number for one in live)

    @invariant()
    def nobody_has_two_of_a_kind_and_no_order_is_in_two_hands(self):
        with self.world.station.database.reading() as session:
            for table in (WaitingOrder, Parcel):
                rows = session.scalars(select(table).where(table.ended_at.is_(None))).all()
                assert len({(row.operator, row.station) for row in rows}) == len(rows)
                assert len({row.order_id for row in rows}) == len(rows)


ParcelsMachine.TestCase.settings = settings(max_examples=20, stateful_step_count=20, deadline=None)
TestParcels = ParcelsMachine.TestCase
