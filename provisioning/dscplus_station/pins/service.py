"""R7, profile B: another PIN, proven by one response that was computed with it.

The former PIN is proven by a login with that card just now; if it is forgotten, client services' identity
check stands in for it, once.
"""

import hashlib
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from dscplus_driver import ocra
from dscplus_driver.sensitive import Pin, PinHash, Seed
from dscplus_station import audit
from dscplus_station.actor import Actor, Role
from dscplus_station.devices.held import Held, held
from dscplus_station.devices.rules import AssignmentState
from dscplus_station.errors import NotPermitted
from dscplus_station.keystore.interface import Keystore, pin_hash_of, seed_of
from dscplus_station.login.rules import Outcome, Purpose
from dscplus_station.login.service import Answer, judge, require_usable
from dscplus_station.orders.pin_policy import PinRefused, pin_fault
from dscplus_station.pins.rules import RESET_LIFETIME, change_fault, is_open
from dscplus_station.pins.tables import PinReset
from dscplus_station.portal.service import fresh_login
from dscplus_station.station import Station
from dscplus_station.users.identity import get_user, require_open
from dscplus_station.words import require_words


def allow_reset(
    station: Station, actor: Actor, user_name: str, serial_number: str, identity_check: str
) -> datetime:
    """Let a user choose another PIN without the forgotten one; gives the moment until which.

    Raises:
        NotFound: no such device or user.
        BadInput: no identity check is told.
        NotPermitted: the card checks its PIN itself, or is not active for the user; a closed account (R45).
    """
    actor.require(Role.CLIENT_SERVICES, "allow another PIN")
    require_words(f"{user_name}: how the identity was checked", identity_check)
    with station.database.writing() as session:
        now = station.now()
        card = _changeable(session, user_name, serial_number, now)
        session.add(
            PinReset(
                assignment_id=card.assignment_id,
                allowed_at=now,
                allowed_by=actor.operator,
                how=identity_check,
            )
        )
        audit.record(
            session,
            actor,
            now,
            "pins.allow-reset",
            serial_number,
            user=user_name,
            identity_check=identity_check,
        )
        return now + RESET_LIFETIME


def change_pin(
    station: Station,
    actor: Actor,
    keystore: Keystore,
    user_name: str,
    serial_number: str,
    digits: str,
    question: str,
    response: str,
    login: str | None,
) -> Answer:
    """Put another PIN in place of the former one, if the response was computed with it.

    A wrong one changes nothing, and counts as at a login does (R6).

    Args:
        login: one that this card has answered within a quarter of an hour; None: a reset was allowed.

    Raises:
        LoginRefused: the login is none, or another device answered it.
        NotFound: no such device or user.
        PinRefused: by R8; told without repeating it.
        NotPermitted: as for `allow_reset`; or no reset is allowed.
        WrongUsage: the response has not the form of one.
    """
    actor.require(Role.CLIENT_SERVICES, "change PINs")
    proven = fresh_login(station, actor, login, user_name) if login is not None else None
    with station.database.writing() as session:
        now = station.now()
        card = _changeable(session, user_name, serial_number, now)
        reset = _open_reset(session, card, now)
        by_login = proven is not None and proven.device_id == card.device_id
        if not by_login and reset is None:
            raise NotPermitted(
                "log in with this card first, by the PIN it has; if that is forgotten, client services "
                "checks who calls (dsc-station access pin-reset)"
            )
        user = get_user(session, user_name)
        if fault := pin_fault(digits, user.birth_date, user.phone_tail):
            raise PinRefused(f"refused PIN: {fault}")
        pin_hash = PinHash(hashlib.sha256(Pin(digits).reveal()).digest())

        def fits(keystore: Keystore, card: Held, question: str, response: str) -> bool:
            assert card.run_id and card.suite and card.sealed_seed  # noqa: S101 (a live DSC+ has them)
            seed = Seed(keystore.unseal(seed_of(card.serial_number, card.run_id), card.sealed_seed))
            return ocra.verify(card.suite, seed, question, response, pin=pin_hash).matched

        answer = judge(
            session, station, actor, now, keystore, card, question, response, Purpose.PIN_CHANGE, fits=fits
        )
        if answer.outcome is Outcome.RIGHT:
            assert card.run_id  # noqa: S101 (`fits` looked)
            sealed = keystore.seal(pin_hash_of(serial_number, card.run_id), pin_hash.reveal())
            card.device(session).sealed_pin_hash = sealed
            if reset is not None:  # also when it was not needed: nobody uses it for yet another PIN
                reset.used_at = now
            audit.record(
                session, actor, now, "pins.change", serial_number, user=user_name, reset=not by_login
            )
        return answer


def _changeable(session: Session, user_name: str, serial_number: str, now: datetime) -> Held:
    require_open(session, user_name)
    card = held(session, serial_number, user_name)
    if fault := change_fault(card.type, card.profile):
        raise NotPermitted(f"{serial_number}: {fault}")
    require_usable(card, now, AssignmentState.ACTIVE)
    return card


def _open_reset(session: Session, card: Held, now: datetime) -> PinReset | None:
    """The newest reset, if it can still be used."""
    newest = session.scalars(
        select(PinReset)
        .where(PinReset.assignment_id == card.assignment_id)
        .order_by(PinReset.id.desc())
        .limit(1)
    ).one_or_none()
    if newest is None or not is_open(now, newest.allowed_at, newest.used_at):
        return None
    return newest
