"""What a scan means by the records: an order that can be taken, a card that is ready, a label that counts."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from dscplus_station.actor import Actor
from dscplus_station.errors import NotFound, StateConflict
from dscplus_station.orders.rules import OrderState
from dscplus_station.orders.service import live_binding
from dscplus_station.orders.tables import Order
from dscplus_station.parcels.rules import Meaning, first_name
from dscplus_station.parcels.standing import parcel_of, waiting_of
from dscplus_station.quarantine.rules import CAUSE_TOLD
from dscplus_station.quarantine.tables import Quarantine
from dscplus_station.scans.rules import (
    CardScan,
    Command,
    CommandScan,
    LabelScan,
    OperatorScan,
    OrderScan,
    Scan,
    TrackingScan,
)
from dscplus_station.shipping.pairs import order_of_paper
from dscplus_station.shipping.rules import labels_printed
from dscplus_station.shipping.tables import Shipment
from dscplus_station.station import Station
from dscplus_station.stock.rules import CardState
from dscplus_station.stock.tables import Card
from dscplus_station.wording import N_, Words, words

READY = frozenset({CardState.SECURED, CardState.LABELLED})
"""A card that serves an order, and only has to be packed."""
SERVES_AGAIN = frozenset({CardState.BLANK, CardState.PERSONALISED, CardState.VERIFIED}) | READY
"""A card in one of these that serves no order can serve the next one; all but BLANK are wiped first."""

SCAN_AN_ORDER = N_("Scan an order.")
_COMMANDS = {Command.OK: Meaning.OK, Command.CANCEL: Meaning.CANCEL, Command.REPRINT: Meaning.REPRINT}


@dataclass(frozen=True)
class Meant:
    """A scan, understood; `order` and `serial_number` are those that it stands for.

    `meaning` is None if the records speak against it wherever it is scanned: `what` says why.
    """

    what: Words
    meaning: Meaning | None
    order: str | None = None
    serial_number: str | None = None
    now: Words | None = None


def meant_by(session: Session, station: Station, actor: Actor, scan: Scan) -> Meant:
    """What a scan means to this operator."""
    match scan:
        case OrderScan():
            return _order(session, station, actor, scan)
        case CardScan():
            return _card(session, actor, scan.serial_number)
        case LabelScan():
            return _label(session, station, actor, scan)
        case TrackingScan():
            return _tracking(session, scan)
        case OperatorScan():
            return Meant(
                words(N_("That is an operator's badge.")),
                None,
                now=words(N_("Sign out first; then scan it.")),
            )
        case CommandScan(command=Command.SUPERVISOR):
            return Meant(
                words(N_("A supervisor is called.")), None, now=words(N_("The supervisor signs in here."))
            )
        case CommandScan():
            return Meant(
                words(N_("That is the command {command}."), command=scan.command), _COMMANDS[scan.command]
            )


def _order(session: Session, station: Station, actor: Actor, scan: OrderScan) -> Meant:
    order = session.get(Order, scan.order)
    if order is None:
        return Meant(
            words(N_("Order {order} is not known at this station."), order=scan.order),
            None,
            scan.order,
            now=words(N_("Put it aside, and scan another order.")),
        )
    what = words(
        N_("That is order {order}, for {name}, {country}."),
        order=order.id,
        name=first_name(order.name),
        country=order.country,
    )
    if order.state is OrderState.PLACED:
        row = waiting_of(session, order.id)
        if row is not None and (row.operator, row.station) != (actor.operator, actor.station):
            return Meant(
                words(
                    N_("Order {order} waits for a card already: {operator} has it at {station}."),
                    order=order.id,
                    operator=row.operator,
                    station=row.station,
                ),
                None,
                order.id,
                now=words(N_("Scan another order; or a supervisor takes it over.")),
            )
        return Meant(what, Meaning.NEW_ORDER, order.id)
    binding = live_binding(session, order_id=order.id)
    if order.state is not OrderState.IN_PROVISIONING or binding is None:
        return Meant(
            words(N_("Order {order} is {state}."), order=order.id, state=order.state),
            None,
            order.id,
            now=words(N_("Put it aside, and scan another order.")),
        )
    serial_number = binding.serial_number
    card = session.get_one(Card, serial_number)
    if card.state not in READY:
        return Meant(
            words(N_("Order {order} is being served by card {card}."), order=order.id, card=serial_number),
            None,
            order.id,
            serial_number,
            now=words(N_("Plug that card in until it passes.")),
        )
    if labels_printed(station.settings.labels):
        return Meant(
            words(N_("Card {card} is ready for order {order}."), card=serial_number, order=order.id),
            None,
            order.id,
            serial_number,
            now=words(N_("Scan that card and its label.")),
        )
    return _unless_open_elsewhere(session, actor, Meant(what, Meaning.LABEL, order.id, serial_number))


def _card(session: Session, actor: Actor, serial_number: str) -> Meant:
    card = session.get(Card, serial_number)
    if card is None:
        return Meant(
            words(N_("Card {card} is not in this station's stock."), card=serial_number),
            None,
            serial_number=serial_number,
            now=words(N_("Put it aside; its delivery has to be received first.")),
        )
    binding = live_binding(session, serial_number=serial_number)
    if card.state in READY and binding is not None:
        what = words(
            N_("That is card {card}, made for order {order}."), card=serial_number, order=binding.order_id
        )
        return _unless_open_elsewhere(
            session, actor, Meant(what, Meaning.MADE_CARD, binding.order_id, serial_number)
        )
    if card.state in SERVES_AGAIN and binding is None:
        what = words(N_("That is card {card}, which serves no order yet."), card=serial_number)
        return Meant(what, Meaning.FREE_CARD, None, serial_number)
    if card.state is CardState.QUARANTINED:
        case = session.scalars(
            select(Quarantine).where(
                Quarantine.serial_number == serial_number, Quarantine.resolved_at.is_(None)
            )
        ).one()
        return Meant(
            words(
                N_("Card {card} is in quarantine: {cause}."),
                card=serial_number,
                cause=words(CAUSE_TOLD[case.cause]),
            ),
            None,
            serial_number=serial_number,
            now=words(N_("Put it on the quarantine shelf and call a supervisor.")),
        )
    order_id = binding.order_id if binding else None
    if binding is not None and card.state in (CardState.RESERVED, CardState.PERSONALISED, CardState.VERIFIED):
        return Meant(
            words(
                N_("Card {card} is being made for order {order}."), card=serial_number, order=binding.order_id
            ),
            None,
            order_id,
            serial_number,
            now=words(N_("Plug it in until it passes.")),
        )
    return Meant(
        words(N_("Card {card} is {state}."), card=serial_number, state=card.state),
        None,
        order_id,
        serial_number,
        now=words(N_("Put it aside for the returns desk.")),
    )


def _label(session: Session, station: Station, actor: Actor, scan: LabelScan) -> Meant:
    if not labels_printed(station.settings.labels):
        return Meant(
            words(N_("That is a label, and this station prints none.")),
            None,
            now=words(N_("Scan the order's barcode in its place.")),
        )
    try:
        order_id, serial_number = order_of_paper(session, scan)
    except (NotFound, StateConflict) as refusal:
        return Meant(refusal.told, None, now=words(N_("Put this label aside.")))
    what = words(
        N_("That is label {copy} of order {order}, card {card}."),
        copy=scan.copy,
        order=order_id,
        card=serial_number,
    )
    return _unless_open_elsewhere(session, actor, Meant(what, Meaning.LABEL, order_id, serial_number))


def _unless_open_elsewhere(session: Session, actor: Actor, found: Meant) -> Meant:
    """`found`, unless somebody else has that order's parcel open."""
    row = parcel_of(session, found.order) if found.order else None
    if row is None or (row.operator, row.station) == (actor.operator, actor.station):
        return found
    return Meant(
        words(
            N_("The parcel of order {order} is open already: {operator} has it at {station}."),
            order=row.order_id,
            operator=row.operator,
            station=row.station,
        ),
        None,
        row.order_id,
        row.serial_number,
        now=words(N_("Give it to {operator}; or a supervisor takes it over."), operator=row.operator),
    )


def _tracking(session: Session, scan: TrackingScan) -> Meant:
    booked = session.scalars(
        select(Shipment)
        .where(Shipment.tracking == scan.number, Shipment.undone_at.is_(None))
        .order_by(Shipment.id.desc())
        .limit(1)
    ).one_or_none()
    what = words(N_("That is the tracking number {number}."), number=scan.number)
    if booked is not None:
        what = words(
            N_("That is the tracking number {number}, of order {order}, whose parcel is closed."),
            number=scan.number,
            order=booked.order_id,
        )
    return Meant(what, Meaning.TRACKING)
