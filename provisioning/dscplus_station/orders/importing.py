"""Orders come in as a CSV file: each row placed, unchanged or refused; all or, asked so, the good ones."""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from dscplus_driver.sensitive import Pin
from dscplus_station import audit
from dscplus_station.actor import Actor, Role
from dscplus_station.catalogue import languages
from dscplus_station.csvfile import Refusal, Row
from dscplus_station.db import load_by_name
from dscplus_station.devices.rules import DeviceType
from dscplus_station.devices.tables import Assignment, Device
from dscplus_station.keystore.interface import Keystore, pin_of
from dscplus_station.orders.pin_policy import pin_fault
from dscplus_station.orders.rules import CLIENTS_DRAFT, OrderRequest, OrderState, understand
from dscplus_station.orders.tables import Order
from dscplus_station.station import Station
from dscplus_station.users.service import put_on_record
from dscplus_station.users.tables import User


@dataclass
class ImportResult:
    """What a file came to: orders placed, orders that were here just so, rows refused."""

    placed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)


def import_orders(
    station: Station,
    actor: Actor,
    keystore: Keystore,
    rows: Iterable[Row],
    refused: Iterable[Refusal],
    countries: Container[str],
    *,
    partial: bool = False,
) -> ImportResult:
    """Place the orders of a file: their PINs are sealed and never come out again but onto the card (R3, R8).

    Importing a file again changes nothing; a row that differs from its order is refused by name.

    Args:
        refused: rows that were refused while reading the file.
        partial: take the good rows although others are refused; else nothing is placed then.
    """
    actor.require(Role.ORDERS, "import orders")
    result = ImportResult(refused=list(refused))
    with station.database.writing() as session:
        now = station.now()
        rows = list(rows)
        desk = _Desk(session, keystore, rows)
        for row in rows:
            outcome = desk.consider(row, countries)
            if isinstance(outcome, OrderRequest):
                result.placed.append(outcome.order)
            elif outcome is None:
                result.unchanged.append(row.values["order"])
            else:
                result.refused.append(Refusal(row.line, row.values["order"][:40], outcome))
        result.refused.sort(key=lambda refusal: refusal.line)
        if result.refused and not partial:
            result.placed.clear()
            return result
        put_on_record(session, {request.user for request in desk.accepted} - desk.users.keys())
        for request in desk.accepted:
            session.add(_order(keystore, request, now))
            audit.record(
                session, actor, now, "orders.import", request.order, user=request.user, kind=request.kind
            )
    return result


class _Desk:
    """Considers the rows of one file, one after the other, against what is on record and the rows before."""

    def __init__(self, session: Session, keystore: Keystore, rows: Sequence[Row]) -> None:
        self._session = session
        self._keystore = keystore
        self._orders = load_by_name(session, Order, {row.values["order"] for row in rows})
        self.users = load_by_name(session, User, {row.values["user"] for row in rows})
        self._lines: dict[str, int] = {}
        self._replaced: dict[tuple[str, str], int] = {}
        self.accepted: list[OrderRequest] = []

    def consider(self, row: Row, countries: Container[str]) -> OrderRequest | str | None:
        """The request if it is to be placed, None if it was placed before just so, or why it is refused."""
        request = understand(row.values, countries, languages())
        if isinstance(request, str):
            return request
        if (first := self._lines.setdefault(request.order, row.line)) != row.line:
            return f"order {request.order} stands in line {first} already"
        known = self._orders.get(request.order)
        if known is not None:
            if known.state in CLIENTS_DRAFT:
                return f"order {request.order} is a client's draft: it is placed by its client, or cancelled"
            changed = self._differences(known, request)
            if changed:
                return f"order {request.order} was imported before with another {', '.join(changed)}"
            return None
        fault = self._user_fault(request) or self._replaces_fault(request, row.line)
        if fault:
            return fault
        self.accepted.append(request)
        return request

    def _differences(self, known: Order, request: OrderRequest) -> list[str]:
        changed = [
            column
            for column, present, wanted in (
                ("user", known.user_name, request.user),
                ("kind", known.kind, request.kind),
                ("replaces", known.replaces, request.replaces),
                ("profile", known.profile, request.profile),
                ("language", known.language, request.language),
                ("name", known.name, request.name),
                ("address", known.address, request.address),
                ("country", known.country, request.country),
            )
            if present != wanted
        ]
        if known.sealed_pin is not None:  # else the card has it, and nobody can compare it any more
            present_pin = Pin(self._keystore.unseal(pin_of(known.id), known.sealed_pin).decode())
            if present_pin != request.pin:  # in constant time
                changed.append("PIN")
        return changed

    def _user_fault(self, request: OrderRequest) -> str | None:
        user = self.users.get(request.user)
        if user is None:
            return None
        fault = pin_fault(request.pin.reveal().decode(), user.birth_date, user.phone_tail)
        return f"refused PIN: {fault}" if fault else None

    def _replaces_fault(self, request: OrderRequest, line: int) -> str | None:
        if request.replaces is None:
            return None
        card, user = request.replaces, request.user
        issued = self._session.scalar(
            select(Assignment.id)
            .join(Device, Device.id == Assignment.device_id)
            .where(
                Device.type == DeviceType.DSC_PLUS,
                Device.serial_number == card,
                Assignment.user_name == user,
            )
            .limit(1)
        )
        if issued is None:
            return (
                f"replaces card {card}, which this station never issued to {user}: "
                "leave it empty if another station did"
            )
        if (first := self._replaced.setdefault((card, user), line)) != line:
            return f"replaces card {card}, as line {first} does"
        other = self._session.scalar(
            select(Order.id).where(
                Order.replaces == card,
                Order.user_name == user,
                Order.state.not_in((OrderState.CANCELLED, OrderState.UNDELIVERED)),
            )
        )
        return f"replaces card {card}, as order {other} does already" if other else None


def _order(keystore: Keystore, request: OrderRequest, now: datetime) -> Order:
    return Order(
        id=request.order,
        user_name=request.user,
        kind=request.kind,
        replaces=request.replaces,
        profile=request.profile,
        language=request.language,
        name=request.name,
        address=request.address,
        country=request.country,
        sealed_pin=keystore.seal(pin_of(request.order), request.pin.reveal()),
        state=OrderState.PLACED,
        placed_at=now,
        changed_at=now,
    )
