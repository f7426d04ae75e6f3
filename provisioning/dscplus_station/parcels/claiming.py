"""Which order a card that was plugged in serves: what the slots ask (`slots.claims`).

One order of an operator waits, and binds to the next card. A card that comes with it, within `SETTLE_S`,
stops both: neither is bound until the operator says OK. All that can speak against card and order is looked
at in the transaction that notes the card.
"""

import time
from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.orm import Session

from dscplus_station import audit
from dscplus_station.actor import Actor, Role
from dscplus_station.audit import AuditRow
from dscplus_station.errors import StationError
from dscplus_station.keystore.interface import Keystore, pin_of
from dscplus_station.orders.pin_policy import pin_fault
from dscplus_station.orders.service import get_order
from dscplus_station.orders.tables import Binding
from dscplus_station.parcels.rules import WaitEnd
from dscplus_station.parcels.standing import end_waiting, waiting_at
from dscplus_station.parcels.tables import WaitingOrder
from dscplus_station.personalise.tables import Run
from dscplus_station.slots.claims import NOTHING_YET, Answer, Claim, Refused, refused
from dscplus_station.slots.rules import Code
from dscplus_station.slots.standing import batch_of, why_not_card, why_not_order
from dscplus_station.station import Station
from dscplus_station.users.tables import User

SETTLE_S = 0.5
"""Seconds between noting a card and binding it: two that went in by two hands are both seen by then."""


class Claims:
    """Answers a station's slots. Called from their threads, several at once."""

    def __init__(
        self, station: Station, keystore: Keystore, settle: Callable[[], None] = lambda: time.sleep(SETTLE_S)
    ) -> None:
        self._station = station
        self._keystore = keystore
        self._settle = settle

    def __call__(self, slot: int, serial_number: str) -> Answer:
        """The order that this card serves; or why it serves none; or that no order waits."""
        noted = self._note(slot, serial_number)
        if not isinstance(noted, int):
            return noted
        self._settle()
        return self._bind(noted, serial_number)

    def _note(self, slot: int, serial_number: str) -> Answer | int:
        """Note the card for an order that waits; gives the waiting order's row, or the answer at once."""
        with self._station.database.writing() as session:
            going_on = session.scalars(
                select(Run).where(Run.serial_number == serial_number, Run.ended_at.is_(None))
            ).one_or_none()
            if going_on is not None:
                station = self._station.settings.station
                return Claim(going_on.order_id, who_bound(session, station, going_on.order_id))
            if wrong := why_not_card(session, serial_number):
                return wrong
            if again := self._bound_before(session, slot, serial_number):
                return again
            row = self._row_for(session, serial_number)
            if not isinstance(row, WaitingOrder):
                return row
            if row.inserted not in (None, serial_number):
                row.stopped_at = self._station.now()
                details: dict[str, audit.Detail] = {"first": row.inserted, "second": serial_number}
                self._record(session, row, "parcels.two-cards", **details)
            if row.stopped_at is not None:
                return _two_cards(row, serial_number)
            if wrong := self._why_not(session, row, serial_number):
                return wrong
            row.slot, row.inserted = slot, serial_number
            self._record(session, row, "parcels.insert", slot=slot, serial_number=serial_number)
            return row.id

    def _bind(self, row_id: int, serial_number: str) -> Answer:
        """Bind the card that was noted, unless another one came, or the order was given back."""
        with self._station.database.writing() as session:
            row = session.get_one(WaitingOrder, row_id)
            if row.stopped_at is not None:
                return _two_cards(row, serial_number)
            if row.ended_at is not None or row.inserted != serial_number:
                return NOTHING_YET
            actor = _actor_of(row)
            end_waiting(session, actor, self._station.now(), row, WaitEnd.BOUND)
            return Claim(row.order_id, actor)

    def _row_for(self, session: Session, serial_number: str) -> WaitingOrder | Answer:
        """The waiting order that this card is for: the one it was scanned for, else the only one without."""
        rows = waiting_at(session, self._station.settings.station)
        meant = [row for row in rows if row.expected == serial_number]
        free = [row for row in rows if row.expected is None]
        if meant or len(free) == 1:
            return (meant or free)[0]
        if free:
            orders = ", ".join(row.order_id for row in free)
            return refused(Code.TWO_ORDERS, orders=orders, serial_number=serial_number)
        if rows:
            expected = " or ".join(row.expected for row in rows if row.expected)
            return refused(
                Code.WRONG_CARD,
                serial_number=serial_number,
                expected=expected,
                order=", ".join(row.order_id for row in rows),
            )
        return NOTHING_YET

    def _why_not(self, session: Session, row: WaitingOrder, serial_number: str) -> Refused | None:
        """What speaks against the order, or against its being put on this card."""
        if wrong := why_not_order(session, row.order_id, serial_number):
            end_waiting(session, _actor_of(row), self._station.now(), row, WaitEnd.GONE)
            return wrong
        if self._pin_refused(session, row.order_id):
            end_waiting(session, _actor_of(row), self._station.now(), row, WaitEnd.GONE)
            return refused(Code.PIN_REFUSED, order=row.order_id, serial_number=serial_number)
        batch = batch_of(session, serial_number)
        try:
            self._keystore.batch_master(batch)
        except StationError:
            return refused(
                Code.BATCH_KEY_MISSING, serial_number=serial_number, order=row.order_id, batch=batch
            )
        return None

    def _pin_refused(self, session: Session, order_id: str) -> bool:
        """Whether R8 refuses the order's PIN by what is on record of the user now; by which rule is not told,
        since that says something of the PIN.
        """
        order = get_order(session, order_id)
        if order.sealed_pin is None:
            return True
        user = session.get_one(User, order.user_name)
        digits = self._keystore.unseal(pin_of(order_id), order.sealed_pin).decode("ascii")
        return pin_fault(digits, user.birth_date, user.phone_tail) is not None

    def _bound_before(self, session: Session, slot: int, serial_number: str) -> Claim | None:
        """The claim of a card that was bound and taken out before its run began: it is still the order's."""
        row = session.scalars(
            select(WaitingOrder)
            .where(
                WaitingOrder.inserted == serial_number,
                WaitingOrder.slot == slot,
                WaitingOrder.station == self._station.settings.station,
                WaitingOrder.ended_as == WaitEnd.BOUND,
            )
            .order_by(WaitingOrder.id.desc())
            .limit(1)
        ).one_or_none()
        if row is None or row.ended_at is None or why_not_order(session, row.order_id, serial_number):
            return None
        taken_since = select(WaitingOrder.id).where(
            WaitingOrder.order_id == row.order_id, WaitingOrder.id > row.id
        )
        begun_since = select(Binding.id).where(
            Binding.order_id == row.order_id, Binding.bound_at >= row.ended_at
        )
        if session.scalar(taken_since.limit(1)) or session.scalar(begun_since.limit(1)):
            return None
        return Claim(row.order_id, _actor_of(row))

    def _record(self, session: Session, row: WaitingOrder, action: str, **details: audit.Detail) -> None:
        audit.record(session, _actor_of(row), self._station.now(), action, row.order_id, **details)


def who_bound(session: Session, station: str, order_id: str) -> Actor:
    """Who bound the order's last card to it, with the role that this demanded."""
    operator = session.scalars(
        select(AuditRow.operator)
        .where(AuditRow.action == "order.bind", AuditRow.subject == order_id)
        .order_by(AuditRow.id.desc())
        .limit(1)
    ).one()
    return Actor(operator, frozenset({Role.PROVISIONING}), station)


def _actor_of(row: WaitingOrder) -> Actor:
    """Who scanned the order, with the role that this demanded."""
    return Actor(row.operator, frozenset({Role.PROVISIONING}), row.station)


def _two_cards(row: WaitingOrder, serial_number: str) -> Refused:
    return refused(Code.TWO_CARDS, order=row.order_id, serial_number=serial_number, other=row.inserted)
