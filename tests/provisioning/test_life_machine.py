"""Orders, cards, sharing, returns, interim access and logins in any order, twice, late and side by side: what
must hold over all of them holds (R4, R6, R12, R15 to R18, R23 to R30, R41).
"""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule
from sqlalchemy import select

from dscplus_station.activation.by_user import activate
from dscplus_station.activation.daily import run_timers
from dscplus_station.activation.rules import TimerState
from dscplus_station.activation.service import revoke_card
from dscplus_station.activation.tables import ActivationTimer
from dscplus_station.actor import ALL_ROLES, Actor
from dscplus_station.audit import AuditRow
from dscplus_station.cancellation.service import cancel
from dscplus_station.devices.rules import INTERIM, AssignmentState, DeviceType, is_over
from dscplus_station.devices.tables import Assignment, Device
from dscplus_station.holds.rules import HoldState
from dscplus_station.holds.tables import Hold
from dscplus_station.login.rules import Outcome, Purpose
from dscplus_station.login.service import issue_challenge, release_lock
from dscplus_station.losses.rules import ReportKind
from dscplus_station.losses.service import report
from dscplus_station.ordering import rules as ordering
from dscplus_station.ordering.left import Closed, close_left
from dscplus_station.orders.rules import CLIENTS_DRAFT, PIN_KEPT, OrderKind, OrderState
from dscplus_station.orders.tables import Binding, Order
from dscplus_station.returns import deposits
from dscplus_station.returns import service as returns
from dscplus_station.returns.rules import ReturnReason
from dscplus_station.sessions.service import log_in
from dscplus_station.sharing import service as sharing
from dscplus_station.sharing.rules import SharingState
from dscplus_station.sharing.tables import Sharing
from dscplus_station.shipping.service import report_undelivered
from dscplus_station.stock.rules import CardState
from dscplus_station.stock.tables import Card
from tests.provisioning.interim_access import confirm, give_passcode, make_card, values
from tests.provisioning.ordering_world import OrderingWorld
from tests.provisioning.station_machine import StationMachine
from tests.provisioning.support import CARDS, other_response

SUSAN = Actor("susan", ALL_ROLES, "bench-1")
USERS = ["alice", "alice.trust", "bob"]
ORDERS = ["O-1", "O-2", "O-3", "O-4"]
CARD_OF = dict(zip(ORDERS, CARDS, strict=False))
SHEETS = 2
"""Online cards that the machine keeps in its drawer: the last ones printed."""


class LifeMachine(StationMachine):
    """Three user names, two of them one person's; four orders with a card each; what lies in drawers."""

    @initialize()
    def begin(self):
        self.open_world(OrderingWorld)
        self.passcodes, self.sheets, self.ends = [], [], {}
        self.world.active("O-1", CARD_OF["O-1"])

    # The deeds: each takes a user and an order, and may be refused

    def orders_a_card(self, user, order):
        for purpose in (ordering.Purpose.FIRST, ordering.Purpose.ADDITIONAL):
            self.attempt(lambda wanted=purpose: self.world.ordered(order, user=user, purpose=wanted))

    def orders_a_replacement(self, user, order):
        for lost in ORDERS:
            wish = {"user": user, "purpose": ordering.Purpose.REPLACEMENT, "replaces": CARD_OF[lost]}
            if lost != order:
                self.attempt(lambda wish=wish: self.world.ordered(order, **wish))

    def cancels_the_order(self, _user, order):
        cancel(self.world.station, self.world.actor, order)

    def makes_and_posts(self, _user, order):
        with self.world.station.database.reading() as session:
            found = session.get(Order, order)
            blank = session.get_one(Card, CARD_OF[order]).state is CardState.BLANK
        if blank and found is not None and found.state is OrderState.PLACED:
            self.world.secure(order, CARD_OF[order])
            self.world.ship(order)

    def activates(self, user, order):
        issued = self.asked(CARD_OF[order], user)
        if CARD_OF[order] in self.world.seeds:
            response = self.world.response(CARD_OF[order], issued.challenge)
            place = (self.world.station, self.world.actor, self.world.keystore)
            activate(*place, CARD_OF[order], issued.challenge, response, user)

    def loses_the_card(self, _user, order):
        report(self.world.station, self.world.actor, CARD_OF[order], ReportKind.LOST)

    def sends_the_card_back(self, _user, order):
        place = (self.world.station, self.world.actor)
        number = returns.announce(*place, CARD_OF[order], ReturnReason.CONSOLIDATION)
        returns.post(*place, number, "Sample Post", f"R-{number}")

    def card_comes_back(self, _user, order):
        returns.receive(self.world.station, self.world.actor, CARD_OF[order])

    def never_arrives(self, _user, order):
        report_undelivered(self.world.station, self.world.actor, order)

    def deposit_is_captured(self, _user, order):
        deposits.capture(self.world.station, SUSAN, order)

    def card_is_revoked(self, _user, order):
        revoke_card(self.world.station, self.world.actor, CARD_OF[order], "by hand")

    def gets_a_passcode(self, user, _order):
        self.passcodes.append((user, give_passcode(self.world, user)))

    def prints_an_online_card(self, user, _order):
        card = make_card(self.world, user)
        self.sheets = [*self.sheets, card][-SHEETS:]
        confirm(self.world, card)

    def asks_to_share(self, user, order):
        """With each owner there is: most pairs are refused."""
        for owner in USERS:
            self.attempt(lambda owner=owner: self.shares(user, owner, CARD_OF[order]))

    def shares(self, requester, owner, card):
        issued = self.asked(card, owner, Purpose.SHARING)
        place = (self.world.station, self.world.actor, self.world.keystore)
        proof = (issued.challenge, self.world.response(card, issued.challenge))
        asked = sharing.request(*place, requester, owner, card, *proof)
        if asked.sharing is not None:
            sharing.submit(*place, asked.sharing)

    def ends_a_sharing(self, _user, order):
        number = ORDERS.index(order) + 1
        sharing.cancel(self.world.station, self.world.actor, number, "enough")

    def mistypes_five_times(self, user, order):
        for _ in range(5):
            issued = self.asked(CARD_OF[order], user)
            wrong = other_response(self.world.response(CARD_OF[order], issued.challenge))
            self.answers(CARD_OF[order], user, issued.challenge, wrong)
        self.world.at(minutes=6)

    def lock_is_released(self, user, order):
        release_lock(self.world.station, self.world.actor, CARD_OF[order], user)

    DEEDS = (
        orders_a_card,
        orders_a_replacement,
        cancels_the_order,
        makes_and_posts,
        activates,
        loses_the_card,
        sends_the_card_back,
        card_comes_back,
        never_arrives,
        deposit_is_captured,
        card_is_revoked,
        gets_a_passcode,
        prints_an_online_card,
        asks_to_share,
        ends_a_sharing,
        mistypes_five_times,
        lock_is_released,
    )

    a_deed = st.tuples(st.sampled_from(DEEDS), st.sampled_from(USERS), st.sampled_from(ORDERS))

    def do(self, deed):
        what, user, order = deed
        self.attempt(lambda: what(self, user, order))

    @rule(deed=a_deed)
    def one_after_the_other(self, deed):
        self.do(deed)

    @rule(deeds=st.lists(a_deed, min_size=2, max_size=3))
    def side_by_side(self, deeds):
        with ThreadPoolExecutor(len(deeds)) as pool:
            list(pool.map(self.do, deeds))

    @rule(deed=a_deed)
    def twice_at_once(self, deed):
        self.side_by_side([deed, deed])

    @rule(user=st.sampled_from(USERS), order=st.sampled_from(ORDERS))
    def a_card_comes_to_its_user(self, user, order):
        """All the way, so that what comes after it is tried often."""
        self.orders_a_card(user, order)
        self.makes_and_posts(user, order)
        self.time_passes(22)

    @rule(order=st.sampled_from(ORDERS))
    def one_person_shares_a_card(self, order):
        """The one pair that may: anything else is refused, and tried as a deed."""
        self.do((lambda _, __, card: self.shares("alice.trust", "alice", CARD_OF[card]), "alice", order))

    @rule(order=st.sampled_from(ORDERS))
    def a_card_is_shared_by_the_right_answer_only(self, order):
        issued = self.attempt(lambda: self.asked(CARD_OF[order], "alice", Purpose.SHARING))
        if issued is not None and CARD_OF[order] in self.world.seeds:
            wrong = other_response(self.world.response(CARD_OF[order], issued.challenge))
            place = (self.world.station, self.world.actor, self.world.keystore)
            pair = ("alice.trust", "alice", CARD_OF[order])
            asked = self.attempt(lambda: sharing.request(*place, *pair, issued.challenge, wrong))
            assert asked is None or asked.sharing is None

    @rule(order=st.sampled_from(ORDERS))
    def a_deposit_could_end_in_several_ways(self, order):
        """All of them at once: the first ends it, and the others find nothing to end."""
        self.do((type(self).loses_the_card, "", order))
        ends = (type(self).deposit_is_captured, type(self).never_arrives, type(self).card_comes_back)
        self.side_by_side([(end, "", order) for end in (*ends, type(self).deposit_is_captured)])

    @rule(pair=st.permutations(ORDERS), card=st.sampled_from(CARDS[: len(ORDERS)]))
    def two_orders_want_one_card(self, pair, card):
        """One gets it, and lets it go again before a key is written."""
        wanted = list(zip(pair, ("alice", "bob"), strict=False))
        for order, user in wanted:
            self.orders_a_card(user, order)
        with self.world.station.database.reading() as session:
            placed = set(session.scalars(select(Order.id).where(Order.state == OrderState.PLACED)))
        wanted = [one for one in wanted if one[0] in placed]
        with ThreadPoolExecutor(2) as pool:
            got = list(pool.map(lambda one: self.attempt(lambda: self.world.reserve(one[0], card)), wanted))
        self.one_live_order_a_card_and_one_card_an_order()
        assert sum(run is not None for run in got) <= 1
        for (order, user), run in zip(wanted, got, strict=True):
            if run is not None:
                self.do((type(self).cancels_the_order, user, order))

    @rule(user=st.sampled_from(USERS), lost=st.sampled_from(ORDERS), days=st.sampled_from([0, 22]))
    def a_card_is_lost_and_replaced(self, user, lost, days):
        """From the call to the next card in the post, or at its user's."""
        following = ORDERS[(ORDERS.index(lost) + 1) % len(ORDERS)]
        self.do((type(self).loses_the_card, user, lost))
        for deed in (type(self).gets_a_passcode, type(self).prints_an_online_card):
            self.do((deed, user, following))
        wish = {"user": user, "purpose": ordering.Purpose.REPLACEMENT, "replaces": CARD_OF[lost]}
        self.attempt(lambda: self.world.ordered(following, **wish))
        self.makes_and_posts(user, following)
        self.time_passes(days)

    @rule(days=st.sampled_from([0, 1, 3, 13, 22]))
    def time_passes(self, days):
        self.world.at(days=days, minutes=6)
        run_timers(self.world.station, self.world.actor)

    @rule(user=st.sampled_from(USERS), order=st.sampled_from(ORDERS), days=st.sampled_from([29, 30]))
    def a_draft_is_left(self, user, order, days):
        """Perhaps among others that were left before it: after 30 days without a change they are closed."""
        self.attempt(lambda: self.world.draft(order, user=user))
        self.attempt(lambda: self.world.pin(order))
        self.world.at(days=days)
        run_timers(self.world.station, self.world.actor)
        with self.world.station.database.reading() as session:
            due = self.world.moment - timedelta(days=30)
            old = (Order.state.in_(CLIENTS_DRAFT), Order.changed_at <= due)
            left = set(session.scalars(select(Order.id).where(*old)))
        assert days == 29 or order not in self.drafts() or order in left
        assert close_left(self.world.station, self.world.actor) == Closed(len(left))
        assert not left & self.drafts()

    def drafts(self):
        with self.world.station.database.reading() as session:
            return set(session.scalars(select(Order.id).where(Order.state.in_(CLIENTS_DRAFT))))

    @invariant()
    def only_an_order_that_may_still_come_keeps_its_pin(self):
        with self.world.station.database.reading() as session:
            kept = session.scalars(select(Order.state).where(Order.sealed_pin.is_not(None)))
            assert set(kept) <= PIN_KEPT

    # Logins, with everything that is in anybody's hands: right only if the records allow it just now

    @rule(user=st.sampled_from(USERS), order=st.sampled_from(ORDERS))
    def logs_in_with_a_card(self, user, order):
        card = CARD_OF[order]
        issued = self.attempt(lambda: self.asked(card, user))
        if issued is not None and card in self.world.seeds:
            response = self.world.response(card, issued.challenge)
            self.must_be_allowed(card, user, self.answers(card, user, issued.challenge, response))

    @rule()
    def logs_in_with_what_was_given_on_the_way(self):
        for sheet in self.sheets:
            issued = self.attempt(lambda sheet=sheet: self.asked(sheet.serial_number, sheet.user))
            if issued is not None:
                answer = values(sheet.table, issued.challenge)
                done = self.answers(sheet.serial_number, sheet.user, issued.challenge, answer)
                self.must_be_allowed(sheet.serial_number, sheet.user, done)
        for assignment, device in self.look():
            if device.type is DeviceType.PASSCODE:
                for user, passcode in self.passcodes:
                    done = self.answers(device.serial_number, user, "", passcode)
                    self.must_be_allowed(device.serial_number, user, done)
                    if done is not None and done.answer.outcome is Outcome.RIGHT:
                        assert user == assignment.user_name

    def asked(self, number, user, purpose=None):
        return issue_challenge(self.world.station, self.world.actor, number, user, purpose)

    def answers(self, number, user, question, answer):
        place = (self.world.station, self.world.actor, self.world.keystore)
        return self.attempt(lambda: log_in(*place, number, question, answer, user))

    def must_be_allowed(self, number, user, done):
        if done is None or done.answer.outcome is not Outcome.RIGHT:
            return
        states = [
            (assignment.state, device)
            for assignment, device in self.look()
            if device.serial_number == number and assignment.user_name == user
        ]
        (device,) = [device for state, device in states if state is AssignmentState.ACTIVE]
        assert device.ended_at is None
        assert not is_over(device.expires_at, self.world.moment)
        if device.type is DeviceType.DSC_PLUS:
            with self.world.station.database.reading() as session:
                assert session.get_one(Card, number).state is CardState.SHIPPED

    def look(self):
        with self.world.station.database.reading() as session:
            rows = session.execute(select(Assignment, Device).join(Device, Device.id == Assignment.device_id))
            return [(assignment, device) for assignment, device in rows]

    # What must hold after each of them

    @invariant()
    def what_is_not_out_is_nobodys(self):
        with self.world.station.database.reading() as session:
            stock = {one.serial_number: one.state for one in session.scalars(select(Card))}
        for assignment, device in self.look():
            if device.type is DeviceType.DSC_PLUS and assignment.state in (
                AssignmentState.ACTIVE,
                AssignmentState.DORMANT,
            ):
                assert stock[device.serial_number] is CardState.SHIPPED

    @invariant()
    def a_device_of_several_users_is_shared_by_one_person(self):
        live = [
            (assignment.user_name, device.serial_number)
            for assignment, device in self.look()
            if assignment.state is not AssignmentState.REVOKED and device.type is DeviceType.DSC_PLUS
        ]
        with self.world.station.database.reading() as session:
            shared = Counter(
                session.scalars(select(Sharing.device_id).where(Sharing.state == SharingState.APPROVED))
            )
        users = {card: {user for user, number in live if number == card} for _, card in live}
        assert all("bob" not in together or together == {"bob"} for together in users.values())
        assert sum(len(together) - 1 for together in users.values()) == sum(shared.values())

    @invariant()
    def one_assignment_of_a_user_on_a_device(self):
        live = Counter(
            (assignment.user_name, device.serial_number)
            for assignment, device in self.look()
            if assignment.state is not AssignmentState.REVOKED
        )
        assert set(live.values()) <= {1}

    @invariant()
    def one_live_order_a_card_and_one_card_an_order(self):
        with self.world.station.database.reading() as session:
            live = list(session.scalars(select(Binding).where(Binding.released_at.is_(None))))
        for side in ("serial_number", "order_id"):
            assert set(Counter(getattr(one, side) for one in live).values()) <= {1}

    @invariant()
    def a_deposit_ends_once(self):
        with self.world.station.database.reading() as session:
            for hold in session.scalars(select(Hold)):
                end = (hold.state, hold.end_reason, hold.ended_at)
                if hold.id in self.ends:
                    assert self.ends[hold.id] == end
                elif hold.state is not HoldState.HELD:
                    self.ends[hold.id] = end
            ends = session.scalars(
                select(AuditRow.subject).where(AuditRow.action.in_(("hold.RELEASED", "hold.CAPTURED")))
            )
            assert set(Counter(ends).values()) <= {1}
            held = session.scalars(
                select(Hold.serial_number).where(
                    Hold.state == HoldState.HELD, Hold.serial_number.is_not(None)
                )
            )
            assert set(Counter(held).values()) <= {1}

    @invariant()
    def a_timer_runs_for_a_card_in_the_post_only(self):
        with self.world.station.database.reading() as session:
            running = list(
                session.execute(
                    select(ActivationTimer.serial_number, Order.state)
                    .join(Order, Order.id == ActivationTimer.order_id)
                    .where(ActivationTimer.state == TimerState.RUNNING)
                )
            )
        assert {state for _, state in running} <= {OrderState.SHIPPED}
        pending = {
            device.serial_number
            for assignment, device in self.look()
            if assignment.state in (AssignmentState.PENDING, AssignmentState.LOCKED)
        }
        assert {serial for serial, _ in running} <= pending

    @invariant()
    def an_active_replacement_has_ended_what_it_replaced_and_interim_access(self):
        with self.world.station.database.reading() as session:
            found = session.execute(
                select(Binding.serial_number, Order)
                .join(Order, Order.id == Binding.order_id)
                .where(
                    Order.kind == OrderKind.REPLACEMENT,
                    Order.state == OrderState.FULFILLED,
                    Binding.released_at.is_(None),
                )
            )
            replaced = [(serial, order) for serial, order in found]
        rows = self.look()
        for serial, order in replaced:
            (since,) = [
                assignment.activated_at
                for assignment, device in rows
                if device.serial_number == serial and assignment.user_name == order.user_name
            ][-1:]
            for assignment, device in rows:
                older = assignment.created_at < since
                of_the_user = assignment.user_name == order.user_name
                if device.serial_number == order.replaces and older:
                    assert assignment.state is AssignmentState.REVOKED
                if device.type in INTERIM and older and of_the_user:
                    assert assignment.state is AssignmentState.REVOKED


TestLifeMachine = LifeMachine.TestCase
TestLifeMachine.settings = settings(
    max_examples=30,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
