"""Undoing a shipment that was booked by mistake: a supervisor's, and only before the card is active."""

from sqlalchemy import select

from dscplus_station import audit
from dscplus_station.activation.service import stop_timer
from dscplus_station.actor import Actor, Role
from dscplus_station.devices.rules import AssignmentState
from dscplus_station.devices.service import live_assignments, live_device
from dscplus_station.errors import StateConflict
from dscplus_station.holds.service import untie_from_card
from dscplus_station.notices.outbox import correct
from dscplus_station.orders.rules import OrderState
from dscplus_station.orders.service import get_order, move_order
from dscplus_station.returns.service import open_return
from dscplus_station.shipping.tables import ScannedPair, Shipment
from dscplus_station.station import Station
from dscplus_station.stock.rules import CardState
from dscplus_station.stock.service import move_card
from dscplus_station.wording import words
from dscplus_station.words import require_words


def undo_shipment(station: Station, actor: Actor, order_id: str, because: str) -> str:
    """Take a shipment back: the timer stops, order, card and deposit are as they were before it.

    What waited to be sent to the holder is withdrawn; what went out is corrected, once. The next shipment is
    told by itself, with its own day. The parcel is packed anew: card and label are scanned again.

    Returns:
        the card's serial number.

    Raises:
        NotPermitted: not a supervisor.
        BadInput: the reason is empty or too long.
        NotFound: there is no such order.
        StateConflict: it is not in the post, its card is in use already, or announced to come back.
    """
    actor.require(Role.SUPERVISOR, "undo a shipment")
    require_words(words("order {order}: a reason", order=order_id), because)
    with station.database.writing() as session:
        now = station.now()
        order = get_order(session, order_id)
        if order.state is not OrderState.SHIPPED:
            raise StateConflict(
                "order {order} is {state}: only a shipment under way is undone",
                order=order_id,
                state=order.state,
            )
        shipment = session.scalars(
            select(Shipment).where(
                Shipment.order_id == order_id, Shipment.undelivered_at.is_(None), Shipment.undone_at.is_(None)
            )
        ).one()
        serial_number = shipment.serial_number
        for assignment in live_assignments(session, live_device(session, serial_number).id):
            if assignment.state is not AssignmentState.PENDING:
                raise StateConflict(
                    "card {card} is {state} for {user}: its holder has it, so its shipment is not undone",
                    card=serial_number,
                    state=assignment.state,
                    user=assignment.user_name,
                )
        if (back := open_return(session, serial_number)) is not None:
            # It would stay with the card, and end the deposit of this order when the next holder sends it.
            raise StateConflict(
                "card {card} is announced to come back, return {back}: its shipment is not undone. If it "
                "is still here, receive it at the returns desk",
                card=serial_number,
                back=back.id,
            )
        why = f"shipment undone: {because}"[:200]
        correct(session, actor, now, order, shipment.id, serial_number)
        if not stop_timer(session, actor, now, serial_number, why):
            raise StateConflict(
                "card {card} is no longer waiting to be active: nothing was undone", card=serial_number
            )
        shipment.undone_at, shipment.undone_because = now, because
        labelled = session.get_one(ScannedPair, shipment.pair_id).label_id is not None
        before = CardState.LABELLED if labelled else CardState.SECURED
        move_card(session, actor, now, serial_number, before, why)
        move_order(session, actor, now, order_id, OrderState.IN_PROVISIONING, why)
        untie_from_card(session, actor, now, order_id)
        audit.record(
            session, actor, now, "shipping.undo", order_id, serial_number=serial_number, because=because
        )
        return serial_number
