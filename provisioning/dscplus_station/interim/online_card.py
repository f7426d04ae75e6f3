"""R18: the Online Security Code Card: made for whoever holds a passcode, printed, confirmed by one answer."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from dscplus_station import audit
from dscplus_station.actor import Actor, Role
from dscplus_station.clock import end_of_day
from dscplus_station.codes.rules import CodeTable
from dscplus_station.devices.held import held
from dscplus_station.devices.rules import ActivatedBy, AssignmentState, DeviceType, is_over
from dscplus_station.devices.service import end_device, move_assignment
from dscplus_station.devices.tables import Assignment, Device
from dscplus_station.errors import NotPermitted, WrongUsage
from dscplus_station.interim.rules import online_card_last_day
from dscplus_station.interim.service import live_interim, new_number
from dscplus_station.keystore.interface import Keystore, codes_of
from dscplus_station.login.rules import Outcome, Purpose
from dscplus_station.login.service import Answer, judge, require_usable
from dscplus_station.notices.contacts import users_language
from dscplus_station.station import Station
from dscplus_station.users.identity import require_open


@dataclass(frozen=True)
class OnlineCard:
    """A card to be printed, for the one time that its values are given out; they hide from logs and reprs."""

    serial_number: str
    user: str
    table: CodeTable
    language: str
    confirm_before: datetime


@dataclass(frozen=True)
class Confirmation:
    """`answer` is None when the card was active before: then nothing was judged or changed."""

    serial_number: str
    user: str
    answer: Answer | None
    expires_at: datetime | None


def make_online_card(station: Station, actor: Actor, keystore: Keystore, user_name: str) -> OnlineCard:
    """Make an online card for a user who holds a passcode. It logs in once it is confirmed, while that lasts.

    One that was made before and not confirmed ends: of several sheets, the last one printed counts.

    Raises:
        NotFound: there is no such user.
        NotPermitted: the account is closed (R45); the user has no passcode that works (R10, R17).
    """
    actor.require(Role.CLIENT_SERVICES, "make online cards")
    table = CodeTable.new()
    with station.database.writing() as session:
        now = station.now()
        require_open(session, user_name)
        expires_at = _passcode_ends(session, user_name, now)
        for assignment, device in live_interim(session, user_name):
            if assignment.activated_at is None:
                end_device(session, actor, now, device, "made again")
        serial = new_number(session, DeviceType.ONLINE_CODE_CARD)
        device = Device(
            type=DeviceType.ONLINE_CODE_CARD,
            serial_number=serial,
            sealed_codes=keystore.seal(codes_of(serial), table.reveal()),
            expires_at=expires_at,
            enrolled_at=now,
        )
        session.add(device)
        session.flush()
        session.add(
            Assignment(
                device_id=device.id, user_name=user_name, state=AssignmentState.PENDING, created_at=now
            )
        )
        audit.record(session, actor, now, "interim.online-card", serial, user=user_name)
        return OnlineCard(serial, user_name, table, users_language(session, user_name), expires_at)


def confirm_online_card(
    station: Station, actor: Actor, keystore: Keystore, serial_number: str, question: str, answer: str
) -> Confirmation:
    """Confirm a printed card by one right answer: active for 21 days; the passcode ends, and any older card.

    Raises:
        NotFound: there is no such card.
        WrongUsage: it is no online card; or the answer has not the form of one.
        NotPermitted: it is locked, or the passcode it was made with is over.
    """
    actor.require(Role.CLIENT_SERVICES, "confirm online cards")
    with station.database.writing() as session:
        now = station.now()
        card = held(session, serial_number, None)
        user = card.user_name
        if card.type is not DeviceType.ONLINE_CODE_CARD:
            raise WrongUsage(f"{serial_number} is a {card.type}, which is not confirmed like this")
        if card.state is AssignmentState.ACTIVE:
            return Confirmation(serial_number, user, None, card.expires_at)
        require_usable(card, now, AssignmentState.PENDING)
        judged = judge(session, station, actor, now, keystore, card, question, answer, Purpose.ACTIVATION)
        if judged.outcome is not Outcome.RIGHT:
            return Confirmation(serial_number, user, judged, None)
        move_assignment(
            session,
            actor,
            now,
            card.assignment(session),
            AssignmentState.ACTIVE,
            "confirmed",
            activated_by=ActivatedBy.USER,
        )
        expires_at = end_of_day(station.settings.zone, online_card_last_day(station.today()))
        card.device(session).expires_at = expires_at
        for _, other in live_interim(session, user):
            if other.id != card.device_id:
                end_device(session, actor, now, other, f"{serial_number} is active")
        return Confirmation(serial_number, user, judged, expires_at)


def _passcode_ends(session: Session, user_name: str, now: datetime) -> datetime:
    """When the user's passcode expires, provided that it works now."""
    for assignment, device in live_interim(session, user_name, DeviceType.PASSCODE):
        ends = device.expires_at
        if ends is not None and assignment.state is AssignmentState.ACTIVE and not is_over(ends, now):
            return ends
    raise NotPermitted(
        f"{user_name} has no temporary passcode that works: it begins with one (dsc-station access passcode)"
    )
