"""A client's order from the draft to the confirmation (R9 to R12): one transaction a step.

A draft has an address from the beginning; the PIN is sealed at once; Back (REVIEW to DRAFT) loses nothing.
Every step may be repeated: a client that did not hear the answer asks again.
"""

from collections.abc import Callable, Container
from dataclasses import dataclass
from datetime import date

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from dscplus_driver.sensitive import Pin
from dscplus_station import audit
from dscplus_station.activation.rules import TimerState
from dscplus_station.activation.tables import ActivationTimer
from dscplus_station.actor import Actor, Role
from dscplus_station.business_days import after
from dscplus_station.catalogue import languages
from dscplus_station.devices.rules import AssignmentState, DeviceType, Profile, is_over
from dscplus_station.devices.service import live_assignments_of_users
from dscplus_station.devices.tables import Assignment, Device
from dscplus_station.errors import BadInput, NotPermitted, StateConflict
from dscplus_station.holds.rules import DEPOSIT_CENTS
from dscplus_station.holds.service import open_hold
from dscplus_station.interim.service import held_interim_access
from dscplus_station.keystore.interface import Keystore, pin_of
from dscplus_station.losses.service import report_of
from dscplus_station.ordering.configuration import read_terms
from dscplus_station.ordering.rules import (
    KIND_OF,
    UNDER_WAY,
    Purpose,
    Standing,
    equity_fault,
    missing,
    placing_fault,
    standing_fault,
)
from dscplus_station.orders.pin_policy import PinRefused, pin_fault
from dscplus_station.orders.rules import CLIENTS_DRAFT, OrderKind, OrderState, text_fault
from dscplus_station.orders.service import get_order, move_order
from dscplus_station.orders.tables import Binding, Order
from dscplus_station.returns.rules import REPLACEABLE
from dscplus_station.returns.tables import Return
from dscplus_station.station import Station
from dscplus_station.users.identity import accounts_of_person, get_user, require_open
from dscplus_station.users.tables import User
from dscplus_station.warehouse import warehouse_days
from dscplus_station.wording import SOURCE_LANGUAGE


class MayNotOrder(NotPermitted):
    """This user may not order this, by equity (R9) or as the user's devices stand (R10)."""


@dataclass(frozen=True)
class Address:
    """Where the card goes. `country`: ISO 3166-1 alpha-2."""

    name: str
    address: str
    country: str


@dataclass(frozen=True)
class Summary:
    """An order as its client reviews it (R11). `missing`: what must be chosen first.

    `estimated_shipment_on`: as told when it was placed; before, as it would be told today.
    """

    order: str
    user: str
    state: OrderState
    kind: OrderKind
    replaces: str | None
    profile: Profile
    language: str
    name: str
    address: str
    country: str
    pin_chosen: bool
    account: str | None
    deposit_cents: int
    estimated_shipment_on: date | None
    missing: list[str]


@dataclass(frozen=True)
class Wish:
    """What a client wants: the facts that an order keeps from its first step on."""

    order: str
    user: str
    purpose: Purpose
    replaces: str | None = None
    profile: Profile = Profile.CARD_PIN
    language: str | None = None
    """None: the language of the user's last order, else English."""


def draft(
    station: Station,
    actor: Actor,
    wish: Wish,
    equity_cents: int | None,
    address: Address | None,
    countries: Container[str],
) -> Summary:
    """Begin an order (R9, R10). The same order again is the one that is there, as it stands by now.

    Args:
        equity_cents: what the portal knows of the user's equity, in US cents; not for a replacement.
        address: as the portal has it; None: where the user's last order went.
        countries: the ISO 3166-1 alpha-2 codes there are.

    Raises:
        NotFound: there is no such user.
        BadInput: a text that cannot be used, or no address on record.
        MayNotOrder: by R9 or R10.
        StateConflict: an order of that name is another one, or one for that card is under way.
    """
    actor.require(Role.ORDERS, "order cards")
    if fault := text_fault({"order": wish.order, "user": wish.user}):
        raise BadInput(fault)
    if (wish.purpose is Purpose.REPLACEMENT) != (wish.replaces is not None):
        raise BadInput(f"order {wish.order}: a replacement names the card that it replaces, others name none")
    terms = read_terms(station.settings)
    with station.database.writing() as session:
        now = station.now()
        user = _locked_user(session, wish.user)
        known = session.get(Order, wish.order)
        if known is not None:
            _require_same(known, wish)
            return _summary(station, known)
        fault = equity_fault(wish.purpose, equity_cents, terms)
        fault = fault or standing_fault(wish.purpose, _standing(session, station, user.name, wish.replaces))
        if fault:
            raise MayNotOrder(f"{user.name}: {fault}")
        _require_only_replacement(session, user.name, wish.replaces)
        last = _last_order(session, user.name)
        address = address or _address_of(last)
        if address is None:
            raise BadInput(f"order {wish.order}: no address of {user.name} is on record: say where it goes")
        _check_address(wish.order, address, countries)
        language = wish.language or (last.language if last else SOURCE_LANGUAGE)
        if language not in languages():
            raise BadInput(f"unknown language {language!r}: {', '.join(sorted(languages()))}")
        order = Order(
            id=wish.order,
            user_name=user.name,
            kind=KIND_OF[wish.purpose],
            replaces=wish.replaces,
            profile=wish.profile,
            language=language,
            name=address.name,
            address=address.address,
            country=address.country.upper(),
            state=OrderState.DRAFT,
            hold_account=user.account,
            changed_at=now,
        )
        session.add(order)
        session.flush()
        audit.record(
            session,
            actor,
            now,
            "order.DRAFT",
            order.id,
            user=user.name,
            purpose=wish.purpose,
            equity_rule=terms.equity_rule,
        )
        return _summary(station, order)


def change_address(
    station: Station, actor: Actor, order_id: str, address: Address, countries: Container[str]
) -> Summary:
    """Change where a draft's card goes (R11).

    Raises:
        NotFound, BadInput: there is no such order; a text that cannot be used.
        StateConflict: it is no draft (any more).
    """
    _check_address(order_id, address, countries)

    def change(_session: Session, order: Order) -> None:
        order.name, order.address, order.country = address.name, address.address, address.country.upper()

    return _change(station, actor, order_id, "address", change)


def choose_pin(station: Station, actor: Actor, keystore: Keystore, order_id: str, digits: str) -> Summary:
    """Choose the PIN of a draft (R3, R8): sealed at once, and never shown again.

    Raises:
        NotFound: there is no such order.
        PinRefused: by R8; told without repeating it.
        StateConflict: it is no draft (any more).
    """

    def change(session: Session, order: Order) -> None:
        user = get_user(session, order.user_name)
        if fault := pin_fault(digits, user.birth_date, user.phone_tail):
            raise PinRefused(f"order {order_id}: refused PIN: {fault}")
        order.sealed_pin = keystore.seal(pin_of(order_id), Pin(digits).reveal())

    return _change(station, actor, order_id, "pin", change)


def choose_account(station: Station, actor: Actor, order_id: str, account: str) -> Summary:
    """Choose which of the person's accounts carries the deposit of a draft (R11).

    Raises:
        NotFound: there is no such order.
        NotPermitted: the account is not one of this person's.
        StateConflict: it is no draft (any more).
    """

    def change(session: Session, order: Order) -> None:
        if account not in accounts_of_person(session, order.user_name):
            raise NotPermitted(
                f"order {order_id}: {account!r} is no account of {order.user_name}'s on record"
            )
        order.hold_account = account

    return _change(station, actor, order_id, "account", change)


def review(station: Station, actor: Actor, order_id: str) -> Summary:
    """Go on to the summary: DRAFT becomes REVIEW (R11). Asked again, it is shown again.

    Raises:
        NotFound: there is no such order.
        NotPermitted: PIN or account were not chosen yet.
        StateConflict: it was placed or cancelled.
    """
    actor.require(Role.ORDERS, "order cards")
    with station.database.writing() as session:
        order = _locked(session, order_id)
        if order.state is not OrderState.REVIEW:
            if order.state is OrderState.DRAFT and (lacking := _missing(order)):
                raise NotPermitted(f"order {order_id} lacks its {' and its '.join(lacking)}: choose first")
            move_order(session, actor, station.now(), order_id, OrderState.REVIEW, "by its client")
        return _summary(station, order)


def back(station: Station, actor: Actor, order_id: str) -> Summary:
    """Go back from the summary, to change something: REVIEW becomes DRAFT, and nothing is lost (R11).

    Raises:
        NotFound: there is no such order.
        StateConflict: it was placed or cancelled.
    """
    actor.require(Role.ORDERS, "order cards")
    with station.database.writing() as session:
        order = _locked(session, order_id)
        if order.state is not OrderState.DRAFT:
            move_order(session, actor, station.now(), order_id, OrderState.DRAFT, "Back")
        return _summary(station, order)


def place(station: Station, actor: Actor, order_id: str) -> Summary:
    """Place a reviewed order: its deposit is held and its shipment estimated, once (R11, R12).

    Asked again, nothing is done, and the confirmation is the same.

    Raises:
        NotFound: there is no such order.
        NotPermitted: what is on record of the user does not allow it any more (R9, R10).
        StateConflict: it was not reviewed, or was cancelled.
    """
    actor.require(Role.ORDERS, "order cards")
    with station.database.writing() as session:
        now = station.now()
        order = _locked(session, order_id)
        if order.placed_at is not None and order.state is not OrderState.CANCELLED:
            return _summary(station, order)
        if order.state is not OrderState.REVIEW:
            raise StateConflict(f"order {order_id} is {order.state}: only a reviewed one is placed")
        if order.hold_account is None:
            raise StateConflict(f"order {order_id} has no account for its deposit")
        user = _locked_user(session, order.user_name)
        standing = _standing(session, station, user.name, order.replaces, itself=order_id)
        if fault := placing_fault(order.kind, standing):
            raise MayNotOrder(f"{user.name}: {fault}")
        order.placed_at = now
        order.estimated_shipment_on = _estimate(station)
        session.flush()
        move_order(session, actor, now, order_id, OrderState.PLACED, "by its client")
        open_hold(session, actor, now, order_id, order.hold_account)
        return _summary(station, order)


def summary(station: Station, order_id: str) -> Summary:
    """An order as its client sees it.

    Raises:
        NotFound: there is no such order.
    """
    with station.database.reading() as session:
        return _summary(station, get_order(session, order_id))


def summaries(station: Station, user_name: str, after: str, limit: int) -> list[Summary]:
    """A user's orders as the client sees them, in the order of their names, so many at most.

    Args:
        after: the name that the first one comes after; empty: from the first.
    """
    mine = select(Order).where(Order.user_name == user_name, Order.id > after).order_by(Order.id).limit(limit)
    with station.database.reading() as session:
        return [_summary(station, order) for order in session.scalars(mine)]


def _change(
    station: Station, actor: Actor, order_id: str, what: str, change: Callable[[Session, Order], None]
) -> Summary:
    """Change a draft, within one transaction."""
    actor.require(Role.ORDERS, "order cards")
    with station.database.writing() as session:
        now = station.now()
        order = _locked(session, order_id)
        if order.state is OrderState.REVIEW:
            raise StateConflict(f"order {order_id} is being reviewed: go back first (orders back)")
        if order.state is not OrderState.DRAFT:
            raise StateConflict(f"order {order_id} is {order.state}: only a draft is changed")
        change(session, order)
        order.changed_at = now
        audit.record(session, actor, now, f"order.{what}", order_id)
        return _summary(station, order)


def _locked(session: Session, order_id: str) -> Order:
    """The order, locked until the transaction ends.

    Raises:
        NotFound: there is none of that name.
    """
    get_order(session, order_id)
    return session.get_one(Order, order_id, with_for_update=True, populate_existing=True)


def _locked_user(session: Session, name: str) -> User:
    """The user, locked until the transaction ends: orders of one user are judged one after the other.

    Raises:
        NotFound: there is none of that name.
        NotPermitted: the account is closed (R45).
    """
    require_open(session, name)
    return session.get_one(User, name, with_for_update=True, populate_existing=True)


def _require_same(known: Order, wish: Wish) -> None:
    wanted = (wish.user, KIND_OF[wish.purpose], wish.replaces, wish.profile)
    if (known.user_name, known.kind, known.replaces, known.profile) != wanted:
        raise StateConflict(f"order {known.id} is another one: each order has a name of its own")


def _require_only_replacement(session: Session, user_name: str, replaces: str | None) -> None:
    query = select(Order.id).where(
        Order.replaces == replaces,
        Order.user_name == user_name,
        Order.state.not_in((OrderState.CANCELLED, OrderState.UNDELIVERED)),
    )
    if replaces is not None and (other := session.scalar(query)) is not None:
        raise StateConflict(f"order {other} replaces card {replaces} already")


def _standing(
    session: Session, station: Station, user_name: str, replaces: str | None, itself: str | None = None
) -> Standing:
    held = live_assignments_of_users(session, {user_name})
    now = station.now()
    active = any(
        assignment.state is AssignmentState.ACTIVE and not is_over(device.expires_at, now)
        for assignment, device in held
    )
    under_way = session.scalar(
        select(Order.id)
        .outerjoin(
            ActivationTimer,
            and_(ActivationTimer.order_id == Order.id, ActivationTimer.state == TimerState.RUNNING),
        )
        .where(
            Order.user_name == user_name,
            Order.kind == OrderKind.NEW,
            or_(Order.state.in_(UNDER_WAY), ActivationTimer.id.is_not(None)),
            Order.id != (itself or ""),
        )
        .limit(1)
    )
    replaced, reported = _replaced(session, user_name, replaces) if replaces else (None, False)
    return Standing(
        cards=frozenset(
            assignment.state for assignment, device in held if device.type is DeviceType.DSC_PLUS
        ),
        way_in=active or bool(held_interim_access(session, user_name, now)),
        under_way=under_way,
        replaced=replaced,
        reported=reported,
    )


def _replaced(session: Session, user_name: str, serial_number: str) -> tuple[AssignmentState | None, bool]:
    """How the user stands to a card that was issued to this user, and to nobody since (None: it was not);
    and whether it is on record why it needs to be replaced (R9).
    """
    issued = session.scalars(
        select(Order)
        .join(Binding, Binding.order_id == Order.id)
        .where(Binding.serial_number == serial_number)
        .order_by(Binding.id.desc())
        .limit(1)
    ).one_or_none()
    if issued is None or issued.user_name != user_name:
        return None, False
    came_back = select(Return.id).where(Return.order_id == issued.id, Return.reason.in_(REPLACEABLE))
    reported = report_of(session, issued.id) is not None or session.scalar(came_back.limit(1)) is not None
    state = session.scalar(
        select(Assignment.state)
        .join(Device, Device.id == Assignment.device_id)
        .where(Device.serial_number == serial_number, Assignment.user_name == user_name)
        .order_by(Assignment.id.desc())
        .limit(1)
    )
    return state, reported


def _last_order(session: Session, user_name: str) -> Order | None:
    query = select(Order).where(Order.user_name == user_name, Order.placed_at.is_not(None))
    return session.scalars(query.order_by(Order.placed_at.desc(), Order.id).limit(1)).one_or_none()


def _address_of(order: Order | None) -> Address | None:
    return Address(order.name, order.address, order.country) if order else None


def _check_address(order_id: str, address: Address, countries: Container[str]) -> None:
    if fault := text_fault({"name": address.name, "address": address.address}):
        raise BadInput(f"order {order_id}: {fault}")
    if address.country.upper() not in countries:
        raise BadInput(
            f"order {order_id}: unknown country {address.country!r}: two letters of ISO 3166-1, such as US"
        )


def _missing(order: Order) -> list[str]:
    if order.state not in CLIENTS_DRAFT:
        return []
    return missing(has_pin=order.sealed_pin is not None, account=order.hold_account)


def _summary(station: Station, order: Order) -> Summary:
    estimate = order.estimated_shipment_on
    if order.state in CLIENTS_DRAFT:
        estimate = _estimate(station)
    return Summary(
        order=order.id,
        user=order.user_name,
        state=order.state,
        kind=order.kind,
        replaces=order.replaces,
        profile=order.profile,
        language=order.language,
        name=order.name,
        address=order.address,
        country=order.country,
        pin_chosen=order.sealed_pin is not None or order.placed_at is not None,
        account=order.hold_account,
        deposit_cents=DEPOSIT_CENTS,
        estimated_shipment_on=estimate,
        missing=_missing(order),
    )


def _estimate(station: Station) -> date:
    days = read_terms(station.settings).business_days_to_ship
    return after(station.today(), days, warehouse_days(station.settings))
