"""What the records say: each question one query, so that a fact of the story is read, not remembered."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from dscplus_station.activation.tables import ActivationTimer
from dscplus_station.devices.tables import Assignment, Device
from dscplus_station.holds.service import hold_of
from dscplus_station.notices.tables import Delivery, Notice
from dscplus_station.orders.tables import Order
from dscplus_station.returns.tables import Return
from dscplus_station.station import Station
from dscplus_station.stock.tables import Card


class Records:
    """The station's tables, read-only."""

    def __init__(self, station: Station) -> None:
        self._station = station

    def order(self, order_id: str) -> str:
        """An order's state."""
        with self._station.database.reading() as session:
            return session.get_one(Order, order_id).state.value

    def pin_kept(self, order_id: str) -> bool:
        """Whether an order still holds its sealed PIN."""
        with self._station.database.reading() as session:
            return session.get_one(Order, order_id).sealed_pin is not None

    def card(self, serial_number: str) -> str:
        """A card's physical state."""
        with self._station.database.reading() as session:
            return session.get_one(Card, serial_number).state.value

    def deposit(self, order_id: str) -> tuple[str, int] | None:
        """State and amount, in cents, of an order's deposit."""
        with self._station.database.reading() as session:
            hold = hold_of(session, order_id)
            return (hold.state.value, hold.amount_cents) if hold else None

    def assignment(self, user: str, serial_number: str) -> str | None:
        """The state of a user on the device of that number; the last device counts."""
        with self._station.database.reading() as session:
            state = session.scalars(
                select(Assignment.state)
                .join(Device)
                .where(Assignment.user_name == user, Device.serial_number == serial_number)
                .order_by(Device.id.desc(), Assignment.id.desc())
                .limit(1)
            ).one_or_none()
            return state.value if state else None

    def usable(self, user: str) -> set[str]:
        """The numbers of the devices that are ACTIVE for a user."""
        with self._station.database.reading() as session:
            return set(
                session.scalars(
                    select(Device.serial_number)
                    .join(Assignment)
                    .where(Assignment.user_name == user, Assignment.state == "ACTIVE")
                )
            )

    def timer(self, order_id: str) -> tuple[str, str] | None:
        """State and day (ISO) of an order's activation timer."""
        with self._station.database.reading() as session:
            timer = session.scalars(
                select(ActivationTimer).where(ActivationTimer.order_id == order_id)
            ).one_or_none()
            return (timer.state.value, timer.due_on.isoformat()) if timer else None

    def notices(self, order_id: str) -> dict[str, list[str]]:
        """What was told of an order: each kind of notice, and the states of its deliveries."""
        with self._station.database.reading() as session:
            return {
                notice.kind.value: _deliveries(session, notice)
                for notice in session.scalars(
                    select(Notice).where(Notice.order_id == order_id).order_by(Notice.id)
                )
            }

    def returned(self, number: int) -> str:
        """A return's state."""
        with self._station.database.reading() as session:
            return session.get_one(Return, number).state.value


def _deliveries(session: Session, notice: Notice) -> list[str]:
    states = session.scalars(
        select(Delivery.state).where(Delivery.notice_id == notice.id).order_by(Delivery.id)
    )
    return [state.value for state in states]
