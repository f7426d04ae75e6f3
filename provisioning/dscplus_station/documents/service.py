"""Documents from the records: facts are read in one view, then set; nothing is changed."""

from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from dscplus_station.activation.rules import activation_day
from dscplus_station.actor import Actor, Role
from dscplus_station.clock import day_in
from dscplus_station.documents.bench_sheets import TagFacts, badge, command_sheet, quarantine_tag
from dscplus_station.documents.label import LabelFacts
from dscplus_station.documents.letter import LetterFacts, letters
from dscplus_station.documents.packing_list import PackingFacts, Parcel, packing_list
from dscplus_station.documents.return_form import return_form
from dscplus_station.errors import BadInput, NotFound, StateConflict
from dscplus_station.notices.contacts import language_of
from dscplus_station.operators.badges import read_badge
from dscplus_station.orders.service import get_order, live_binding
from dscplus_station.orders.tables import Order
from dscplus_station.quarantine.rules import CAUSE_TOLD
from dscplus_station.quarantine.tables import Quarantine
from dscplus_station.returns.addresses import Region, read_regions
from dscplus_station.returns.overview import form
from dscplus_station.shipping.tables import Shipment
from dscplus_station.station import Station
from dscplus_station.stock.rules import CardState
from dscplus_station.stock.service import get_card
from dscplus_station.typesetting.plan import Plan
from dscplus_station.wording import words

NOT_MADE = frozenset({CardState.RESERVED, CardState.PERSONALISED, CardState.VERIFIED})
"""Another card may still take this one's place."""


def letters_for(station: Station, actor: Actor, order_ids: Sequence[str]) -> bytes:
    """The letters that go with the cards of these orders, a page each, each in its user's language.

    Raises:
        NotFound: there is no such order.
        StateConflict: an order has no card that is made.
        BadInput: no orders; a name or address that cannot be printed.
        NotPermitted: the actor may not ship.
    """
    actor.require(Role.SHIPPING, "print letters")
    if not order_ids:
        raise BadInput("letters for which orders? None was named")
    regions = read_regions(station.home)
    with station.database.reading() as session:
        facts = [_letter_facts(session, station, regions, order_id) for order_id in order_ids]
    return letters(facts, station.now())


def label_facts(
    session: Session, station: Station, order_id: str, serial_number: str, copy: int, slot: str | None
) -> LabelFacts:
    """What the label of an order's card says.

    Raises:
        NotFound: there is no such order.
    """
    order = get_order(session, order_id)
    return LabelFacts(
        issuer=station.settings.issuer,
        order=order_id,
        serial_number=serial_number,
        copy=copy,
        name=order.name,
        address=order.address,
        country=order.country,
        slot=slot,
    )


def form_of_return(station: Station, actor: Actor, number: int) -> bytes:
    """The form of an announced return (R41).

    Raises:
        NotFound: there is none.
        NotPermitted: nobody announced it; or the actor has nothing to do with returns.
        BadInput: the file of addresses cannot be used, or has letters that no font has.
    """
    if Role.RETURNS not in actor.roles:
        actor.require(Role.CLIENT_SERVICES, "print return forms")
    return return_form(form(station, number), station.settings.issuer, station.now())


def packing_list_of(station: Station, actor: Actor, carrier: str, on: date | None = None) -> bytes:
    """What was handed to a carrier on a day, today by default: all that still counts as shipped.

    Raises:
        NotFound: nothing was; the day's carriers are named.
        BadInput: a carrier or tracking number that cannot be printed.
        NotPermitted: the actor may not ship.
    """
    actor.require(Role.SHIPPING, "print packing lists")
    shipped_on = on or station.today()
    with station.database.reading() as session:
        rows = session.execute(
            select(Shipment, Order.country)
            .join(Order, Order.id == Shipment.order_id)
            .where(Shipment.shipped_on == shipped_on, Shipment.undone_at.is_(None))
            .order_by(Shipment.id)
        ).all()
    parcels = tuple(
        Parcel(row.order_id, country, row.tracking) for row, country in rows if row.carrier == carrier
    )
    if not parcels:
        others = ", ".join(sorted({row.carrier for row, _ in rows})) or words("nobody")
        raise NotFound(
            "nothing was handed to {carrier} on {shipped_on}; on that day: {others}",
            carrier=repr(carrier),
            shipped_on=str(shipped_on),
            others=others,
        )
    facts = PackingFacts(station.settings.issuer, station.settings.station, carrier, shipped_on, parcels)
    return packing_list(facts, station.now())


def carriers_on(station: Station, shipped_on: date) -> list[str]:
    """To whom something was handed on a day, and still counts as shipped."""
    with station.database.reading() as session:
        query = select(Shipment.carrier).where(
            Shipment.shipped_on == shipped_on, Shipment.undone_at.is_(None)
        )
        return sorted(set(session.scalars(query)))


def tag_of(station: Station, serial_number: str) -> Plan:
    """The tag of a card that is in quarantine now.

    Raises:
        NotFound: it is not.
    """
    with station.database.reading() as session:
        return tag_in(session, station, serial_number)


def tag_in(session: Session, station: Station, serial_number: str) -> Plan:
    """As `tag_of`, within the caller's transaction."""
    case = session.scalars(
        select(Quarantine).where(Quarantine.serial_number == serial_number, Quarantine.resolved_at.is_(None))
    ).one_or_none()
    if case is None:
        raise NotFound("card {card} is not in quarantine: `dsc-station quarantine list`", card=serial_number)
    set_aside_on = day_in(station.settings.zone, case.opened_at)
    return quarantine_tag(
        TagFacts(serial_number, CAUSE_TOLD[case.cause], set_aside_on, station.settings.station)
    )


def sheet_of_commands(station: Station) -> bytes:
    """The page of command barcodes.

    Raises:
        BadInput: the station's name has letters that no font has.
    """
    return command_sheet(station.settings.station, station.now())


def badge_of(station: Station, actor: Actor, operator: str, code: str) -> bytes:
    """An operator's badge, with the code that was drawn for it; the code goes nowhere else.

    Raises:
        BadInput: it is no badge's code (it is not repeated).
        NotPermitted: the actor does not say who the operators are.
    """
    actor.require(Role.OPERATORS, "print badges")
    known = read_badge(code)
    if known is None:
        raise BadInput(
            "the badge of {operator}: that is no badge's code: `dsc-station operators badge "
            "{operator}` draws one",
            operator=operator,
        )
    return badge(station.settings.issuer, operator, known, station.now())


def _letter_facts(
    session: Session, station: Station, regions: Mapping[str, Region], order_id: str
) -> LetterFacts:
    order = get_order(session, order_id)
    binding = live_binding(session, order_id=order_id)
    if binding is None or get_card(session, binding.serial_number).state in NOT_MADE:
        raise StateConflict(
            "order {order} is {state}: it has no card that is made", order=order_id, state=order.state
        )
    shipped_on = session.scalar(
        select(Shipment.shipped_on).where(
            Shipment.order_id == order_id,
            Shipment.undelivered_at.is_(None),
            Shipment.undone_at.is_(None),
        )
    )
    posted_on = shipped_on or station.today()
    region = next((one for one in regions.values() if order.country in one.countries), None)
    return LetterFacts(
        issuer=station.settings.issuer,
        language=language_of(session, order.user_name) or order.language,
        order=order_id,
        serial_number=binding.serial_number,
        name=order.name,
        address=order.address,
        country=order.country,
        kind=order.kind,
        written_on=station.today(),
        posted_on=posted_on,
        activates_on=activation_day(order.kind, posted_on, station.settings.activation),
        contacts=region.contacts if region else (),
        login=station.settings.login,
    )
