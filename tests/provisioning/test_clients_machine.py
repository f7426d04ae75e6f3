"""Any sequence of calls, in any order, twice or side by side: nothing breaks (R9 to R12, R41 to R45)."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule
from sqlalchemy import select

from dscplus_station.activation.daily import run_timers
from dscplus_station.actor import ALL_ROLES, Actor
from dscplus_station.cancellation.service import cancel
from dscplus_station.closing.service import close_account
from dscplus_station.devices.rules import AssignmentState
from dscplus_station.devices.tables import Assignment, Device
from dscplus_station.holds.rules import HoldState
from dscplus_station.holds.tables import Hold
from dscplus_station.losses.rules import GONE, ReportKind, is_captured
from dscplus_station.losses.service import report
from dscplus_station.losses.tables import CardReport
from dscplus_station.notices.tables import Notice
from dscplus_station.ordering import service as ordering
from dscplus_station.ordering.rules import Purpose
from dscplus_station.orders.rules import PIN_KEPT, OrderKind, OrderState
from dscplus_station.orders.tables import Order
from dscplus_station.returns import deposits, service
from dscplus_station.returns.rules import ReturnReason, ReturnState
from dscplus_station.returns.tables import Return
from dscplus_station.shipping.service import report_undelivered
from dscplus_station.stock.rules import CardState
from dscplus_station.stock.tables import Card
from dscplus_station.users.tables import Closure
from tests.provisioning.ordering_world import OrderingWorld
from tests.provisioning.station_machine import StationMachine
from tests.provisioning.support import CARDS, GOOD_PIN

ORDERS = ["O-1", "O-2", "O-3", "O-4"]
USERS = ["alice", "bob"]
CLERK, CHIEF = (Actor(name, ALL_ROLES, "bench-1") for name in ("olivia", "susan"))
orders, users = st.sampled_from(ORDERS), st.sampled_from(USERS)
cards = st.sampled_from(CARDS[:4])
CARD_OF = dict(zip(ORDERS, CARDS, strict=False))
UNDER_WAY = (OrderState.DRAFT, OrderState.REVIEW, OrderState.PLACED, OrderState.IN_PROVISIONING)
OPEN_RETURN = (ReturnState.ANNOUNCED, ReturnState.IN_TRANSIT)


class ClientsMachine(StationMachine):
    """Two clients, four orders, a card for each; two operators."""

    @initialize()
    def begin(self):
        self.open_world(OrderingWorld)
        self.ended = {}
        self.revoked = set()
        for order, user in zip(ORDERS, USERS, strict=False):
            self.world.active(order, CARD_OF[order], user=user)

    def side_by_side(self, deed):
        """Do it twice at the same time."""
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda _: self.attempt(deed), range(2)))

    # What clients and operators do

    @rule(order=orders, user=users, purpose=st.sampled_from(Purpose), card=cards)
    def drafts(self, order, user, purpose, card):
        replaces = card if purpose is Purpose.REPLACEMENT else None
        self.attempt(lambda: self.world.draft(order, user=user, purpose=purpose, replaces=replaces))

    @rule(order=orders, user=users, purpose=st.sampled_from(Purpose), card=cards)
    def orders_in_one_go(self, order, user, purpose, card):
        replaces = card if purpose is Purpose.REPLACEMENT else None
        self.attempt(lambda: self.world.ordered(order, user=user, purpose=purpose, replaces=replaces))

    @rule(order=orders)
    def chooses_a_pin(self, order):
        self.attempt(lambda: self.world.pin(order))

    @rule(order=orders, step=st.sampled_from(["review", "back", "place"]))
    def takes_a_step(self, order, step):
        self.attempt(lambda: self.world.step(step, order))

    @rule(order=orders)
    def places_side_by_side(self, order):
        self.side_by_side(lambda: ordering.place(self.world.station, CLERK, order))

    @rule(order=orders)
    def cancels(self, order):
        self.attempt(lambda: cancel(self.world.station, CLERK, order))

    @rule(order=orders, until=st.sampled_from(["post", "activation"]))
    def card_is_made_and_shipped(self, order, until):
        self.make_and_ship(order, until)

    def make_and_ship(self, order, until):
        with self.world.station.database.reading() as session:
            found = session.get(Order, order)
            if found is None or found.state is not OrderState.PLACED:
                return
            if session.get_one(Card, CARD_OF[order]).state is not CardState.BLANK:
                return
        self.world.secure(order, CARD_OF[order])
        self.world.ship(order, actor=CLERK)
        if until == "activation":
            self.wait(22)

    @rule(order=orders, user=users)
    def gets_a_card(self, order, user):
        """All of it: so that what comes after it is tried often."""
        for purpose in (Purpose.FIRST, Purpose.ADDITIONAL):
            self.attempt(lambda wanted=purpose: self.world.ordered(order, user=user, purpose=wanted))
        self.make_and_ship(order, "activation")

    @rule(order=orders, user=users, card=cards)
    def has_a_card_replaced(self, order, user, card):
        self.let_in(user)
        wish = {"user": user, "purpose": Purpose.REPLACEMENT, "replaces": card}
        self.attempt(lambda: self.world.ordered(order, **wish))
        self.make_and_ship(order, "activation")

    @rule(order=orders)
    def is_undelivered(self, order):
        self.attempt(lambda: report_undelivered(self.world.station, CLERK, order))

    @rule(card=cards, kind=st.sampled_from(ReportKind), by=st.sampled_from([CLERK, CHIEF]))
    def reports(self, card, kind, by):
        if self.attempt(lambda: report(self.world.station, by, card, kind)) is not None:
            self.revoked.add(card)

    @rule(card=cards, reason=st.sampled_from(ReturnReason), by_phone=st.booleans())
    def announces(self, card, reason, by_phone):
        self.attempt(lambda: service.announce(self.world.station, CLERK, card, reason, by_phone=by_phone))

    @rule(number=st.integers(1, 4))
    def posts(self, number):
        self.attempt(lambda: service.post(self.world.station, CLERK, number, "C", f"T-{number}"))

    @rule(card=cards, twice=st.booleans())
    def receives(self, card, twice):
        if self.attempt(lambda: service.receive(self.world.station, CLERK, card)) is not None:
            self.revoked.add(card)
        if twice:
            self.side_by_side(lambda: service.receive(self.world.station, CLERK, card))

    @rule(order=orders, by=st.sampled_from([CLERK, CHIEF]), twice=st.booleans())
    def captures(self, order, by, twice):
        deed = lambda: deposits.capture(self.world.station, by, order)  # noqa: E731
        self.side_by_side(deed) if twice else self.attempt(deed)

    @rule(user=users)
    def gets_an_online_card(self, user):
        self.let_in(user)

    def let_in(self, user):
        self.attempt(lambda: self.world.online_card(user))

    @rule(user=users, sure=st.integers(0, 3))
    def closes_the_account(self, user, sure):
        if sure == 3:  # seldom: nothing much happens to a closed user
            self.attempt(lambda: close_account(self.world.station, CLERK, user, "asked for"))

    @rule(days=st.sampled_from([1, 8, 22]))
    def time_passes(self, days):
        self.wait(days)

    def wait(self, days):
        self.world.at(days=days)
        run_timers(self.world.station, CLERK)

    # What must hold after each of them

    @invariant()
    def everything_holds(self):
        with self.world.station.database.reading() as session:
            self.orders = {one.id: one for one in session.scalars(select(Order))}
            self.holds = list(session.scalars(select(Hold)))
            self.reports = {one.order_id: one for one in session.scalars(select(CardReport))}
            self.returns = list(session.scalars(select(Return)))
            self.stock = {one.serial_number: one.state for one in session.scalars(select(Card))}
            self.closed = set(session.scalars(select(Closure.user_name)))
            rows = session.execute(select(Assignment, Device).join(Device, Device.id == Assignment.device_id))
            self.assigned = [(a, d) for a, d in rows]
            self.notices = Counter((one.order_id, one.kind) for one in session.scalars(select(Notice)))
        self.a_placed_order_has_one_deposit_and_a_day()
        self.a_deposit_ends_once_and_by_its_table()
        self.one_live_order_a_replacement_and_a_user()
        self.what_is_lost_or_back_is_nobodys()
        self.a_return_and_its_card_agree()
        assert set(self.notices.values()) <= {1}

    def a_placed_order_has_one_deposit_and_a_day(self):
        by_order = Counter(hold.order_id for hold in self.holds)
        for order in self.orders.values():
            placed = order.placed_at is not None
            assert by_order[order.id] == int(placed)
            assert (order.estimated_shipment_on is not None) == placed
            if order.sealed_pin is not None:
                assert order.state in PIN_KEPT
                pin = self.world.keystore.unseal(ordering.pin_of(order.id), order.sealed_pin)
                assert pin == GOOD_PIN.encode()

    def a_deposit_ends_once_and_by_its_table(self):
        for hold in self.holds:
            end = (hold.state, hold.end_reason, hold.ended_at)
            if hold.id in self.ended:
                assert self.ended[hold.id] == end
            if hold.state is HoldState.HELD:
                continue
            self.ended[hold.id] = end
            order, told = self.orders[hold.order_id], self.reports.get(hold.order_id)
            if hold.state is HoldState.CAPTURED:
                assert (told is not None and is_captured(told.kind)) or order.user_name in self.closed
            elif hold.end_reason == "ORDER_CANCELLED":
                assert order.state is OrderState.CANCELLED
            else:
                assert any(one.order_id == order.id and one.received_at for one in self.returns)
            told_of = "HOLD_RELEASED" if hold.state is HoldState.RELEASED else "HOLD_CAPTURED"
            assert self.notices[hold.order_id, told_of] == 1

    def one_live_order_a_replacement_and_a_user(self):
        ended = (OrderState.CANCELLED, OrderState.UNDELIVERED)
        replacing = Counter(
            one.replaces for one in self.orders.values() if one.replaces and one.state not in ended
        )
        assert set(replacing.values()) <= {1}
        under_way = Counter(
            one.user_name
            for one in self.orders.values()
            if one.kind is OrderKind.NEW and one.state in UNDER_WAY
        )
        assert set(under_way.values()) <= {1}

    def what_is_lost_or_back_is_nobodys(self):
        for assignment, device in self.assigned:
            if assignment.state is AssignmentState.REVOKED:
                continue
            assert device.serial_number not in self.revoked
            assert self.stock.get(device.serial_number) not in (CardState.LOST, CardState.RETURNED)
            assert assignment.user_name not in self.closed
            assert self.orders_of(device.serial_number).isdisjoint(self.reports)

    def orders_of(self, serial_number):
        return {order for order, card in CARD_OF.items() if card == serial_number}

    def a_return_and_its_card_agree(self):
        open_ones = Counter(one.serial_number for one in self.returns)
        assert set(open_ones.values()) <= {1}
        for one in self.returns:
            here = self.stock[one.serial_number] is CardState.RETURNED
            assert here == (one.state not in OPEN_RETURN)
        for told in self.reports.values():
            if told.kind in GONE:
                assert self.stock[told.serial_number] in (CardState.LOST, CardState.RETURNED)


TestClientsMachine = ClientsMachine.TestCase
TestClientsMachine.settings = settings(
    max_examples=30,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
