"""R45: a closed account has user name and password only, in the portal only; its cards go back."""

from dataclasses import dataclass

from sqlalchemy import select

from dscplus_station import audit
from dscplus_station.activation.service import take_out_of_use
from dscplus_station.actor import Actor, Role
from dscplus_station.devices.rules import CODE_CARDS
from dscplus_station.devices.service import live_assignments_of_users
from dscplus_station.errors import StateConflict
from dscplus_station.interim.service import end_interim_access
from dscplus_station.limits import sms
from dscplus_station.ordering.rules import UNDER_WAY
from dscplus_station.orders.tables import Binding, Order
from dscplus_station.sharing.ending import end_sharings_of_requester
from dscplus_station.station import Station
from dscplus_station.stock.rules import CardState
from dscplus_station.stock.tables import Card
from dscplus_station.users.identity import get_user
from dscplus_station.users.tables import Closure
from dscplus_station.words import require_words


@dataclass(frozen=True)
class Closed:
    """A closed user: what goes back, else its deposit is captured (R12); what is to be destroyed (R44).

    `to_return`: order and serial number of each card that is still out.
    """

    user: str
    to_return: list[tuple[str, str]]
    to_destroy: list[str]


def close_account(station: Station, actor: Actor, user_name: str, reason: str) -> Closed:
    """Close a user's account, for good: no device of the user's works any more, for anybody (R45).

    Closed again, nothing is done, and the cards that are still out are told again.

    Raises:
        NotFound: there is no such user.
        BadInput: the reason is empty or too long.
        StateConflict: an order is under way: cancel it first.
    """
    actor.require(Role.CLIENT_SERVICES, "close accounts")
    require_words(f"{user_name}: a reason", reason)
    with station.database.writing() as session:
        now = station.now()
        get_user(session, user_name)
        to_destroy: list[str] = []
        if session.get(Closure, user_name) is None:
            under_way = session.scalar(
                select(Order.id).where(Order.user_name == user_name, Order.state.in_(UNDER_WAY)).limit(1)
            )
            if under_way is not None:
                raise StateConflict(f"{user_name}: order {under_way} is under way: cancel it first")
            because = f"account of {user_name} closed"
            session.add(Closure(user_name=user_name, closed_at=now, closed_by=actor.operator, reason=reason))
            end_interim_access(session, actor, now, user_name, because)
            end_sharings_of_requester(session, actor, now, user_name, because)
            for _, device in live_assignments_of_users(session, {user_name}):
                take_out_of_use(session, actor, now, device.serial_number, because)
                if device.type in CODE_CARDS:
                    to_destroy.append(device.serial_number)
            sms.end(session, actor, now, user_name, because)
            audit.record(session, actor, now, "users.close", user_name, because=reason)
        out = session.execute(
            select(Order.id, Card.serial_number)
            .join(Binding, Binding.order_id == Order.id)
            .join(Card, Card.serial_number == Binding.serial_number)
            .where(
                Order.user_name == user_name,
                Binding.released_at.is_(None),
                Card.state == CardState.SHIPPED,
            )
            .order_by(Order.id)
        )
        return Closed(user_name, [(order_id, serial) for order_id, serial in out], to_destroy)
