"""R15: the user activates: the serial number on the back matches, and one valid response."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from dscplus_station.activation.service import activate_by_user
from dscplus_station.activation.tables import ActivationTimer
from dscplus_station.actor import Actor, Role
from dscplus_station.devices.held import held
from dscplus_station.devices.rules import AssignmentState
from dscplus_station.errors import NotPermitted
from dscplus_station.keystore.interface import Keystore
from dscplus_station.login.rules import Outcome, Purpose
from dscplus_station.login.service import Answer, judge
from dscplus_station.station import Station


@dataclass(frozen=True)
class Activation:
    """`answer` is None when the card was active before: then nothing was judged or changed."""

    serial_number: str
    user: str
    answer: Answer | None
    active_since: datetime | None


def activate(
    station: Station,
    actor: Actor,
    keystore: Keystore,
    serial_number: str,
    question: str,
    response: str,
    user_name: str | None = None,
) -> Activation:
    """Activate a shipped card; what it replaces is revoked and interim access ends in the same transaction.

    Raises:
        WrongUsage, NotFound: as for a login.
        NotPermitted: locked, or never shipped.
    """
    actor.require(Role.CLIENT_SERVICES, "activate cards")
    with station.database.writing() as session:
        now = station.now()
        card = held(session, serial_number, user_name)
        user = card.user_name
        if card.state is AssignmentState.ACTIVE:
            return Activation(serial_number, user, None, card.activated_at)
        if card.state is not AssignmentState.PENDING:
            raise NotPermitted(f"card {serial_number} is {card.state} for {user}: it cannot be activated")
        order_id = session.scalar(
            select(ActivationTimer.order_id)
            .where(ActivationTimer.serial_number == serial_number)
            .order_by(ActivationTimer.id.desc())
            .limit(1)
        )
        if order_id is None:
            raise NotPermitted(f"card {serial_number} was not shipped yet: ship its order first")
        answer = judge(session, station, actor, now, keystore, card, question, response, Purpose.ACTIVATION)
        if answer.outcome is not Outcome.RIGHT:
            return Activation(serial_number, user, answer, None)
        activate_by_user(session, actor, now, order_id, card.assignment(session), serial_number)
        return Activation(serial_number, user, answer, now)
