"""The journal of restocks and scraps: each method is one transaction, over before a card is spoken to."""

import uuid
from dataclasses import dataclass, replace

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from dscplus_driver.evidence import CardEvidence
from dscplus_station import audit
from dscplus_station.actor import Actor, Role
from dscplus_station.audit import Detail
from dscplus_station.db import affected
from dscplus_station.desk.records import (
    current_inspection,
    open_disposal,
    recommendation_of,
    unended_disposal,
)
from dscplus_station.desk.rules import TOLD, Outcome
from dscplus_station.desk.states import STEPS, DisposalResult, DisposalState
from dscplus_station.desk.tables import Disposal, DisposalStep
from dscplus_station.devices.service import end_device
from dscplus_station.devices.tables import Device
from dscplus_station.errors import NotFound, NotPermitted, StateConflict
from dscplus_station.orders.service import live_binding, release
from dscplus_station.quarantine.rules import Cause
from dscplus_station.quarantine.service import set_aside
from dscplus_station.returns.deposits import end_by_judgement
from dscplus_station.returns.rules import ReturnState
from dscplus_station.returns.service import move_return, open_return
from dscplus_station.station import Station
from dscplus_station.stock.rules import CardState
from dscplus_station.stock.service import get_card, move_card
from dscplus_station.stock.tables import Card
from dscplus_station.wording import N_, joined, words
from dscplus_station.words import require_words

STATE_AFTER = {Outcome.RESTOCK: CardState.BLANK, Outcome.SCRAP: CardState.SCRAPPED}


@dataclass(frozen=True)
class OpenDisposal:
    """A restock or a scrap that has not ended. `sequence_counter`: the highest that was seen on the card."""

    id: str
    serial_number: str
    batch: str
    kind: Outcome
    state: DisposalState
    sequence_counter: int
    resumed: bool


class Journal:
    """What is durable about restocks and scraps, for one operator at one station."""

    def __init__(self, station: Station, actor: Actor) -> None:
        self._station = station
        self._actor = actor

    def begin(self, serial_number: str, kind: Outcome, because: str | None = None) -> OpenDisposal:
        """Take up the card's open restock or scrap, or put the intent on record; how its deposit ends is
        judged with it (R12).

        Args:
            because: why the desk deviates from the recommendation; needed then, and only then.

        Raises:
            NotPermitted: no returns clerk; or the inspection rules this out.
            BadInput: a deviation without its reason.
            NotFound: no such card, or it was not inspected.
            StateConflict: the card is not INSPECTED, or the other of the two was begun.
        """
        self._actor.require(Role.RETURNS, _DEEDS[kind])
        with self._station.database.writing() as session:
            card = get_card(session, serial_number)
            begun = open_disposal(session, serial_number)
            if begun is not None and begun.kind is not kind:
                raise StateConflict(
                    "card {card}: its {kind} was begun: finish that", card=serial_number, kind=begun.kind
                )
            if begun is not None:
                return _opened(begun, card, resumed=True)
            begun = self._intend(session, card, kind, because)
            return _opened(begun, card, resumed=False)

    def record(
        self, disposal: OpenDisposal, step: DisposalState, evidence: CardEvidence | None = None
    ) -> OpenDisposal:
        """Record a step that the card has confirmed. Returns it so; a step that stands already is no news."""
        if STEPS.index(step) <= STEPS.index(disposal.state):
            return disposal
        with self._station.database.writing() as session:
            self._step(session, disposal, step, evidence)
        return replace(disposal, state=step)

    def complete(
        self, disposal: OpenDisposal, step: DisposalState, evidence: CardEvidence | None = None
    ) -> None:
        """Record the proof: the card is stock again, or dead; its seed is erased, its order lets it go."""
        with self._station.database.writing() as session:
            now = self._station.now()
            if disposal.state is not step:
                self._step(session, disposal, step, evidence)
            self._end(session, disposal, DisposalResult.COMPLETED)
            because = f"{disposal.kind} {disposal.id}"
            serial = disposal.serial_number
            move_card(session, self._actor, now, serial, STATE_AFTER[disposal.kind], because)
            let_go(session, self._actor, self._station, serial, f"its card is {STATE_AFTER[disposal.kind]}")

    def set_aside(
        self, disposal: OpenDisposal, cause: Cause, finding: str, evidence: CardEvidence | None = None
    ) -> None:
        """Quarantine the card, with what it showed instead of the proof."""
        with self._station.database.writing() as session:
            now = self._station.now()
            shown: dict[str, Detail] = {
                "finding": finding,
                "begun": disposal.kind.value,
                "reached": disposal.state.value,
                **_told(evidence),
            }
            set_aside(session, self._actor, now, disposal.serial_number, cause, shown)
            self._end(session, disposal, DisposalResult.QUARANTINED)

    def _intend(self, session: Session, card: Card, kind: Outcome, because: str | None) -> Disposal:
        serial, now = card.serial_number, self._station.now()
        inspection = current_inspection(session, serial)
        back = open_return(session, serial)
        if inspection is None:
            raise NotFound(
                "card {card} was not inspected since it came back: `dsc-station returns inspect {card}`",
                card=serial,
            )
        if card.state is not CardState.INSPECTED and (back is not None or kind is Outcome.SCRAP):
            raise StateConflict(
                "card {card} is {state}: only an inspected card can be {done}",
                card=serial,
                state=card.state,
                done=words(_DONE[kind]),
            )
        advised = recommendation_of(session, inspection)
        if kind is not advised.outcome:
            if kind not in advised.deviations:
                why = joined([words(TOLD[reason]) for reason in advised.reasons], " ")
                raise NotPermitted(
                    "card {card} cannot be {done}: {why} Do: {outcome}",
                    card=serial,
                    done=words(_DONE[kind]),
                    why=why,
                    outcome=advised.outcome,
                )
            require_words(
                words(
                    "card {card}: why {wanted} and not {outcome}",
                    card=serial,
                    wanted=kind,
                    outcome=advised.outcome,
                ),
                because or "",
            )
        overtaken = unended_disposal(session, serial)
        if overtaken is not None:
            self._end(session, _opened(overtaken, card, resumed=True), DisposalResult.OVERTAKEN)
        disposal = Disposal(
            id=uuid.uuid4().hex,
            serial_number=serial,
            inspection_id=inspection.id,
            kind=kind,
            because=because if kind is not advised.outcome else None,
            state=DisposalState.BEGUN,
            started_at=now,
            started_by=self._actor.operator,
        )
        session.add(disposal)
        session.flush()
        audit.record(session, self._actor, now, f"desk.{kind}", serial, disposal=disposal.id, because=because)
        if back is not None:
            end_by_judgement(session, self._actor, now, back, inspection.condition)
        return disposal

    def _step(
        self, session: Session, disposal: OpenDisposal, step: DisposalState, evidence: CardEvidence | None
    ) -> None:
        now = self._station.now()
        advanced = affected(
            session,
            update(Disposal)
            .where(Disposal.id == disposal.id, Disposal.ended_at.is_(None), Disposal.state == disposal.state)
            .values(state=step),
        )
        if advanced != 1:
            raise _changed(disposal)
        told = audit.canonical(_told(evidence))
        session.add(DisposalStep(disposal_id=disposal.id, step=step, at=now, evidence=told))
        if evidence is not None:
            affected(
                session,
                update(Card)
                .where(Card.serial_number == disposal.serial_number)
                .values(sequence_counter=evidence.sequence_counter),
            )
        audit.record(
            session, self._actor, now, f"disposal.{step}", disposal.serial_number, disposal=disposal.id
        )

    def _end(self, session: Session, disposal: OpenDisposal, result: DisposalResult) -> None:
        now = self._station.now()
        ended = affected(
            session,
            update(Disposal)
            .where(Disposal.id == disposal.id, Disposal.ended_at.is_(None))
            .values(ended_at=now, result=result),
        )
        if ended != 1:
            raise _changed(disposal)
        audit.record(
            session, self._actor, now, f"disposal.{result}", disposal.serial_number, disposal=disposal.id
        )


def let_go(session: Session, actor: Actor, station: Station, serial_number: str, because: str) -> None:
    """End what a card was, for its order, its verifier and its return; the sealed seed is erased with it."""
    now = station.now()
    device = session.scalars(
        select(Device).where(Device.serial_number == serial_number, Device.ended_at.is_(None))
    ).one_or_none()
    if device is not None:
        end_device(session, actor, now, device, because)
    bound = live_binding(session, serial_number=serial_number)
    if bound is not None:
        release(session, actor, now, bound.order_id, because)
    back = open_return(session, serial_number)
    if back is not None and back.state is ReturnState.RECEIVED:  # set aside before it was inspected
        move_return(session, actor, now, back, ReturnState.INSPECTED)
    if back is not None and back.state is ReturnState.INSPECTED:
        move_return(session, actor, now, back, ReturnState.DISPOSED)


_DEEDS = {Outcome.RESTOCK: N_("restock cards"), Outcome.SCRAP: N_("scrap cards")}
_DONE = {Outcome.RESTOCK: N_("restocked"), Outcome.SCRAP: N_("scrapped")}


def _opened(disposal: Disposal, card: Card, *, resumed: bool) -> OpenDisposal:
    return OpenDisposal(
        disposal.id,
        disposal.serial_number,
        card.batch,
        disposal.kind,
        disposal.state,
        card.sequence_counter,
        resumed,
    )


def _changed(disposal: OpenDisposal) -> StateConflict:
    return StateConflict(
        "the {kind} of card {card} was changed meanwhile: run it again",
        kind=disposal.kind,
        card=disposal.serial_number,
    )


def _told(evidence: CardEvidence | None) -> dict[str, Detail]:
    """Evidence as the journal keeps it: nothing in it is secret."""
    if evidence is None:
        return {}
    return {
        "key_version": f"{evidence.key_version:02X}",
        "life_cycle": evidence.life_cycle.name,
        "seed": bool(evidence.check_value),
        "pin": evidence.pin_tries is not None,
        "quota_left": evidence.quota_left,
        "sequence_counter": evidence.sequence_counter,
    }
