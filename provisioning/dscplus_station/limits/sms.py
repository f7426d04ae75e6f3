"""R22: an applicant confirms a mobile number and gets codes by SMS; the phone app ends that."""

import hmac
import secrets
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dscplus_station import audit
from dscplus_station.actor import Actor, Role
from dscplus_station.catalogue import translations
from dscplus_station.devices.rules import DeviceType
from dscplus_station.errors import BadInput, NotFound, NotPermitted, StateConflict, TooSoon
from dscplus_station.keystore.interface import Keystore, sms_of
from dscplus_station.limits.service import device_types_of
from dscplus_station.limits.tables import SmsEnrolment
from dscplus_station.limits.texts import CODE
from dscplus_station.notices.contacts import users_language
from dscplus_station.notices.gateways import Gateway, Message, RefusedForGood, Unavailable
from dscplus_station.station import Station
from dscplus_station.users.identity import get_user, require_open
from dscplus_station.users.rules import phone_fault

CODE_LIFETIME = timedelta(minutes=5)
MAX_WRONG_CODES = 5
"""So many wrong codes end an enrolment: it begins again with another code."""
MAX_CODES_AN_HOUR = 5
"""How many codes one user is sent: each costs money, and goes to a number that anybody may have typed."""


def begin(
    station: Station, actor: Actor, keystore: Keystore, gateway: Gateway, user_name: str, number: str
) -> datetime:
    """Send a code to a number that a user wants to confirm, in the user's language; gives when it expires.

    Whatever enrolment there was ends, so that no two numbers get codes.

    Raises:
        NotFound, BadInput: no such user; no such number.
        NotPermitted: the user has the phone app, or had five codes within an hour; a closed account (R45).
        StateConflict: the gateway did not take the code: begin again.
    """
    actor.require(Role.CLIENT_SERVICES, "enrol mobile numbers")
    if fault := phone_fault(number):
        raise BadInput(fault)
    code = f"{secrets.randbelow(10**6):06d}"
    with station.database.writing() as session:
        now = station.now()
        require_open(session, user_name)
        if DeviceType.PHONE_APP in device_types_of(session, user_name, now):
            raise NotPermitted(f"{user_name} has the phone app: codes by SMS are no longer used (R22)")
        sent = session.scalar(
            select(func.count()).where(
                SmsEnrolment.user_name == user_name, SmsEnrolment.sent_at > now - timedelta(hours=1)
            )
        )
        if (sent or 0) >= MAX_CODES_AN_HOUR:
            raise TooSoon(f"{user_name} was sent {sent} codes within an hour: wait")
        end(session, actor, now, user_name, "begun again")
        enrolment = SmsEnrolment(
            user_name=user_name,
            sealed_number=keystore.seal(sms_of(user_name), number.encode()),
            sealed_code=keystore.seal(sms_of(user_name), code.encode()),
            sent_at=now,
        )
        session.add(enrolment)
        session.flush()
        audit.record(session, actor, now, "limits.sms-code", user_name)
        language = users_language(session, user_name)
    text = (
        translations(language)
        .gettext(CODE)
        .format(code=code, issuer=station.settings.issuer, minutes=CODE_LIFETIME.seconds // 60)
    )
    try:  # no transaction is open while the gateway is spoken to
        gateway.send(Message(number, "", text, language, f"sms-{enrolment.id}"))
    except (Unavailable, RefusedForGood) as error:
        raise StateConflict(f"{user_name}: no code was sent: {error}; begin again") from None
    return now + CODE_LIFETIME


def confirm(station: Station, actor: Actor, keystore: Keystore, user_name: str, code: str) -> bool:
    """Confirm a number by its code; False if the code is wrong, too late, or used up by wrong ones.

    Raises:
        NotFound: nothing was begun.
        StateConflict: it is confirmed already.
    """
    actor.require(Role.CLIENT_SERVICES, "enrol mobile numbers")
    with station.database.writing() as session:
        now = station.now()
        enrolment = _open(session, user_name)
        if enrolment is None:
            raise NotFound(f"{user_name} has begun no enrolment by SMS")
        if enrolment.sealed_code is None or enrolment.sealed_number is None:
            raise StateConflict(f"{user_name}'s number is confirmed already")
        right = hmac.compare_digest(keystore.unseal(sms_of(user_name), enrolment.sealed_code), code.encode())
        if now >= enrolment.sent_at + CODE_LIFETIME:
            end(session, actor, now, user_name, "the code has expired")
            return False
        if not right:
            enrolment.wrong_codes += 1
            audit.record(session, actor, now, "limits.sms-wrong", user_name, wrong=enrolment.wrong_codes)
            if enrolment.wrong_codes >= MAX_WRONG_CODES:
                end(session, actor, now, user_name, "too many wrong codes")
            return False
        enrolment.confirmed_at, enrolment.sealed_code = now, None
        number = keystore.unseal(sms_of(user_name), enrolment.sealed_number).decode()
        get_user(session, user_name).phone_tail = number[-4:]
        audit.record(session, actor, now, "limits.sms-confirmed", user_name)
        return True


def remove(station: Station, actor: Actor, user_name: str, because: str) -> None:
    """Take codes by SMS from a user.

    Raises:
        NotFound: the user has none.
    """
    actor.require(Role.CLIENT_SERVICES, "remove mobile numbers")
    with station.database.writing() as session:
        if not end(session, actor, station.now(), user_name, because):
            raise NotFound(f"{user_name} has no codes by SMS")


def end(session: Session, actor: Actor, now: datetime, user_name: str, because: str) -> bool:
    """End a user's enrolment, if there is one; number and code are erased.

    Whoever activates the phone app calls this in that transaction (R22).
    """
    enrolment = _open(session, user_name)
    if enrolment is None:
        return False
    enrolment.ended_at, enrolment.end_reason = now, because
    enrolment.sealed_number = enrolment.sealed_code = None
    session.flush()
    audit.record(session, actor, now, "limits.sms-end", user_name, because=because)
    return True


def end_unconfirmed(station: Station, actor: Actor) -> int:
    """End enrolments whose code expired an hour ago; gives how many. A number that anybody may have typed is
    not kept longer, and until then a late code is told to be one.
    """
    with station.database.writing() as session:
        now = station.now()
        late = session.scalars(
            select(SmsEnrolment.user_name).where(
                SmsEnrolment.ended_at.is_(None),
                SmsEnrolment.confirmed_at.is_(None),
                SmsEnrolment.sent_at <= now - CODE_LIFETIME - timedelta(hours=1),
            )
        ).all()
        for user_name in late:
            end(session, actor, now, user_name, "the code has expired")
    return len(late)


def _open(session: Session, user_name: str) -> SmsEnrolment | None:
    return session.scalars(
        select(SmsEnrolment)
        .where(SmsEnrolment.user_name == user_name, SmsEnrolment.ended_at.is_(None))
        .with_for_update()
    ).one_or_none()
