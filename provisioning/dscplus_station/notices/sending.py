"""Sending what is due: at least once to the gateway, however often this is interrupted.

An attempt is recorded, with the moment of the next one, before the gateway is spoken to, and no transaction
is open meanwhile. A run that is killed after the gateway took a message and before that was recorded sends it
again later, with the same reference, by which gateway and reader can tell the repetition. A run that is asked
to stop does so between two messages, and those that it did not come to have had no attempt.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import and_, or_, select, update
from sqlalchemy.orm import Session

from dscplus_station import audit
from dscplus_station.actor import Actor, Role
from dscplus_station.db import affected
from dscplus_station.notices.contacts import address
from dscplus_station.notices.gateways import Gateway, Message, RefusedForGood, Unavailable
from dscplus_station.notices.rules import (
    TOLD_WITHIN,
    Channel,
    DeliveryState,
    is_stale,
    is_useful,
    next_attempt,
)
from dscplus_station.notices.tables import Contact, Delivery, Notice
from dscplus_station.notices.texts import compose
from dscplus_station.station import Station

READ_AT_ONCE = 50
"""Deliveries that one query finds due."""

NAMES_OF_ADDRESSES = {Channel.EMAIL: "e-mail address", Channel.SMS: "mobile number"}


@dataclass
class Sending:
    """What a run came to: references of deliveries."""

    sent: list[str] = field(default_factory=list)
    to_be_repeated: list[tuple[str, str]] = field(default_factory=list)
    """With the reason."""
    ended_unsent: list[tuple[str, str]] = field(default_factory=list)
    """Refused, given up, or too late; with the reason. Not what no gateway was ever there for."""
    stopped: bool = False
    """It was asked to stop before the last of them."""


@dataclass(frozen=True)
class _Attempt:
    delivery_id: int
    reference: str
    channel: Channel
    message: Message | None
    """None: there is no address to send it to."""
    last: bool


def send_due(
    station: Station,
    actor: Actor,
    gateways: Mapping[Channel, Gateway],
    *,
    stop: Callable[[], bool] = lambda: False,
) -> Sending:
    """Send every delivery that is due, oldest first.

    A channel without a gateway is left waiting, for one may be set up: nothing is attempted, and what has
    waited for too long expires.

    Args:
        stop: asked before each delivery; true: the rest waits for another run as if this one had not been.

    Raises:
        HeldByAnother: another run is under way, here or at a station that shares the records.
    """
    actor.require(Role.CLIENT_SERVICES, "send notices")
    sending = Sending()
    with station.owning("job notices", "sending notices"):
        started = station.now()
        while numbers := _due(station, gateways, started):
            for number in numbers:
                if stop():
                    sending.stopped = True
                    return sending
                attempt = _begin(station, actor, gateways, number, started, sending)
                if attempt is not None:
                    _carry_out(station, actor, gateways[attempt.channel], attempt, sending)
    return sending


def _due(station: Station, gateways: Mapping[Channel, Gateway], started: datetime) -> Sequence[int]:
    """The next deliveries that were due when the run began, or have been for too long; oldest first."""
    stale = [
        and_(Delivery.channel == channel, Delivery.due_at <= started - within)
        for channel, within in TOLD_WITHIN.items()
        if channel not in gateways
    ]
    with station.database.reading() as session:
        return session.scalars(
            select(Delivery.id)
            .where(
                Delivery.state == DeliveryState.WAITING,
                Delivery.due_at <= started,
                or_(Delivery.channel.in_(list(gateways)), *stale),
            )
            .order_by(Delivery.due_at, Delivery.id)
            .limit(READ_AT_ONCE)
        ).all()


def _begin(
    station: Station,
    actor: Actor,
    gateways: Mapping[Channel, Gateway],
    number: int,
    started: datetime,
    sending: Sending,
) -> _Attempt | None:
    """Record an attempt for a delivery; None if it is not to be sent any more.

    Args:
        started: when the run began: what `_due` found stale then is so here, whatever the clock does.
    """
    with station.database.writing() as session:
        now = station.now()
        delivery = session.get_one(Delivery, number)
        notice = session.get_one(Notice, delivery.notice_id)
        if delivery.state is not DeliveryState.WAITING or delivery.due_at is None:
            return None
        reason = None
        if not is_useful(notice.useful_until, station.today()):
            reason = f"{notice.useful_until} has come"
        elif is_stale(delivery.channel, delivery.due_at, started):
            reason = f"it was due for {TOLD_WITHIN[delivery.channel].days} days"
        if reason is not None:
            _end(session, number, DeliveryState.EXPIRED, reason)
            audit.record(session, actor, now, "notices.trouble", delivery.reference, because=reason)
            if delivery.channel in gateways:
                sending.ended_unsent.append((delivery.reference, reason))
            return None
        delivery.attempts += 1
        delivery.trouble = None  # of this attempt nothing is known yet
        again = next_attempt(now, delivery.attempts)
        delivery.due_at = again or now  # after the last attempt: a killed run's is repeated
        audit.record(session, actor, now, "notices.attempt", delivery.reference, number=delivery.attempts)
        return _Attempt(
            number,
            delivery.reference,
            delivery.channel,
            _message(station, session, delivery, notice),
            again is None,
        )


def _message(station: Station, session: Session, delivery: Delivery, notice: Notice) -> Message | None:
    to = address(session, notice.user_name, delivery.channel)
    if to is None:
        return None
    contact = session.get_one(Contact, notice.user_name)
    language = contact.language or notice.language
    text = compose(notice.kind, language, notice.facts, station.settings.issuer)
    body = text.body if delivery.channel is Channel.EMAIL else text.short
    return Message(to, text.subject, body, language, delivery.reference)


def _carry_out(station: Station, actor: Actor, gateway: Gateway, attempt: _Attempt, sending: Sending) -> None:
    if attempt.message is None:
        trouble: str | None = f"no {NAMES_OF_ADDRESSES[attempt.channel]} is on record"
        refused = False
    else:
        trouble, refused = _hand_over(gateway, attempt.message)
    with station.database.writing() as session:
        now = station.now()
        if trouble is None:
            _end(session, attempt.delivery_id, DeliveryState.SENT, None, sent_at=now)
            sending.sent.append(attempt.reference)
        elif refused or attempt.last:
            state = DeliveryState.REFUSED if refused else DeliveryState.GIVEN_UP
            _end(session, attempt.delivery_id, state, trouble)
            sending.ended_unsent.append((attempt.reference, trouble))
        else:
            affected(
                session, update(Delivery).where(Delivery.id == attempt.delivery_id).values(trouble=trouble)
            )
            sending.to_be_repeated.append((attempt.reference, trouble))
        audit.record(
            session,
            actor,
            now,
            "notices.sent" if trouble is None else "notices.trouble",
            attempt.reference,
            because=trouble,
        )


def _hand_over(gateway: Gateway, message: Message) -> tuple[str | None, bool]:
    """Why the gateway did not take it (None: it did), and whether it never will."""
    try:
        gateway.send(message)
    except Unavailable as trouble:
        return str(trouble)[:200], False
    except RefusedForGood as trouble:
        return str(trouble)[:200], True
    return None, False


def _end(
    session: Session,
    delivery_id: int,
    state: DeliveryState,
    trouble: str | None,
    sent_at: datetime | None = None,
) -> None:
    """End a delivery that is still waiting; one that was withdrawn meanwhile and yet went out is SENT."""
    before = [DeliveryState.WAITING]
    if state is DeliveryState.SENT:
        before.append(DeliveryState.WITHDRAWN)
    affected(
        session,
        update(Delivery)
        .where(Delivery.id == delivery_id, Delivery.state.in_(before))
        .values(state=state, due_at=None, sent_at=sent_at, trouble=trouble),
    )
