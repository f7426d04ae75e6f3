"""An order or parcel that its operator left behind passes into other hands."""

from dscplus_station import audit
from dscplus_station.actor import Actor, Role
from dscplus_station.errors import NotFound, StateConflict
from dscplus_station.parcels.standing import at_hand, parcel_of, waiting_of
from dscplus_station.parcels.tables import Parcel
from dscplus_station.station import Station
from dscplus_station.wording import words
from dscplus_station.words import require_words


def take_over(station: Station, actor: Actor, order_id: str, because: str) -> None:
    """Take an order that waits for a card, or an open parcel, as it stands, from whoever has it.

    From another operator that is a supervisor's; one's own, left at another station, is anybody's.

    Raises:
        NotPermitted: not a supervisor.
        BadInput: the reason is empty or too long.
        NotFound: nobody has this order at hand.
        StateConflict: the actor has one at hand already.
    """
    require_words(words("order {order}: a reason", order=order_id), because)
    with station.database.writing() as session:
        row = waiting_of(session, order_id) or parcel_of(session, order_id)
        if row is None:
            raise NotFound("order {order} is in nobody's hands: `dsc-station parcels list`", order=order_id)
        if row.operator != actor.operator:
            deed = words("take over order {order} from {operator}", order=order_id, operator=row.operator)
            actor.require(Role.SUPERVISOR, deed)
        have = at_hand(session, actor)
        own = have.parcel if isinstance(row, Parcel) else have.waiting
        if own is not None and own is not row:
            raise StateConflict(
                "{operator} has order {order} at hand here: finish or CANCEL that one first",
                operator=actor.operator,
                order=own.order_id,
            )
        before = f"{row.operator} at {row.station}"
        row.operator, row.station = actor.operator, actor.station
        audit.record(
            session,
            actor,
            station.now(),
            "parcels.take-over",
            order_id,
            taken_from=before,
            because=because,
        )
