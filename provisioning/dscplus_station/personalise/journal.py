"""The journal of personalisation runs: each method is one transaction, over before a card is spoken to."""

import hashlib
import secrets
import uuid
from dataclasses import dataclass, replace

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from dscplus_driver.evidence import CardEvidence
from dscplus_driver.sensitive import Pin, Seed
from dscplus_station import audit
from dscplus_station.actor import Actor, Role
from dscplus_station.db import affected
from dscplus_station.devices.rules import Profile
from dscplus_station.devices.service import enrol
from dscplus_station.errors import StateConflict
from dscplus_station.keystore.interface import Keystore, pin_hash_of, pin_of, seed_of
from dscplus_station.orders.rules import OrderState
from dscplus_station.orders.service import bind, erase_pin, get_order, live_binding, move_order
from dscplus_station.orders.tables import Order
from dscplus_station.personalise.ending import end_run, place_again
from dscplus_station.personalise.rules import CARD_PROFILE, CARD_STATE, RunResult, RunState, SetAside
from dscplus_station.personalise.tables import Run, RunStep
from dscplus_station.quarantine.service import set_aside
from dscplus_station.station import Station
from dscplus_station.stock.rules import CardState
from dscplus_station.stock.service import batch_proven, get_card, move_card
from dscplus_station.stock.tables import Card
from dscplus_station.wording import words

SEED_LENGTH = 32
"""Bytes of a new seed: as long as the suites' SHA-256."""


@dataclass(frozen=True)
class OpenRun:
    """A run that has not ended: whose card it is, and what goes onto it."""

    id: str
    order_id: str
    user_name: str
    serial_number: str
    batch: str
    profile: Profile
    language: str
    seed: Seed
    pin: Pin
    state: RunState
    earlier_check_values: frozenset[bytes]
    sequence_counter: int
    batch_proven: bool
    resumed: bool


class Journal:
    """What is durable about personalisation: one operator, one station, and one slot if it is in one."""

    def __init__(self, station: Station, keystore: Keystore, actor: Actor, slot: int | None = None) -> None:
        self._station = station
        self._keystore = keystore
        self._actor = actor
        self._slot = slot

    def begin(self, serial_number: str, order_id: str | None = None) -> OpenRun | None:
        """Take up the card's open run, or reserve the card for an order, with a new seed.

        Args:
            order_id: None for the oldest placed order.

        Returns:
            The run; None if no order was named and none is placed.

        Raises:
            NotFound: card, order or the key of the card's batch is unknown.
            StateConflict: the card or the order is not free for this; told by name.
            NotPermitted: the actor may not personalise.
        """
        self._actor.require(Role.PROVISIONING, "personalise cards")
        with self._station.database.writing() as session:
            card = get_card(session, serial_number)
            run = session.scalars(select(Run).where(_OPEN, Run.serial_number == serial_number)).one_or_none()
            if run is not None and order_id not in (None, run.order_id):
                raise StateConflict(
                    "card {card} is reserved for order {order}: use another card for {asked}, or finish "
                    "this one with --order {order}",
                    card=serial_number,
                    order=run.order_id,
                    asked=order_id,
                )
            if run is not None:
                return self._open_run(session, run, card, resumed=True)
            _require_free(session, card)
            order = _placed_order(session, order_id)
            if order is None:
                return None
            self._keystore.batch_master(card.batch)  # its key missing is told before anything is reserved
            run = self._reserve(session, order, card)
            return self._open_run(session, run, card, resumed=False)

    def record(self, run: OpenRun, step: RunState, evidence: CardEvidence) -> OpenRun:
        """Record a step that the card has confirmed; later steps no longer stand. Returns it so."""
        with self._station.database.writing() as session:
            self._step(session, run, step, evidence)
        return replace(run, state=step, sequence_counter=evidence.sequence_counter)

    def complete(self, run: OpenRun, evidence: CardEvidence) -> None:
        """Record that the card is SECURED: the seed passes to the verifier, and the order's PIN is erased."""
        with self._station.database.writing() as session:
            now = self._station.now()
            self._step(session, run, RunState.SECURED, evidence)
            pin_hash = None
            if run.profile is Profile.SERVER_PIN:
                digest = hashlib.sha256(run.pin.reveal()).digest()
                pin_hash = self._keystore.seal(pin_hash_of(run.serial_number, run.id), digest)
            sealed_seed = session.get_one(Run, run.id).sealed_seed
            if sealed_seed is None:
                raise StateConflict(_changed(run))
            enrol(
                session,
                self._actor,
                now,
                serial_number=run.serial_number,
                run_id=run.id,
                profile=run.profile,
                suite=CARD_PROFILE[run.profile].suite,
                sealed_seed=sealed_seed,
                sealed_pin_hash=pin_hash,
                user_name=run.user_name,
            )
            erase_pin(session, self._actor, now, run.order_id)
            end_run(session, self._actor, now, run.id, RunResult.COMPLETED)

    def set_aside(self, run: OpenRun, finding: SetAside, evidence: CardEvidence | None) -> None:
        """Quarantine the run's card with its evidence; its order is placed again, for another card."""
        with self._station.database.writing() as session:
            now = self._station.now()
            shown = {"finding": finding.finding, "run_state": run.state.value, **_told(evidence)}
            set_aside(session, self._actor, now, run.serial_number, finding.cause, shown, run.id)
            because = f"card {run.serial_number} is quarantined"
            place_again(session, self._actor, now, run.order_id, because)
            end_run(session, self._actor, now, run.id, RunResult.QUARANTINED)

    def give_back(self, run: OpenRun, because: str) -> None:
        """Return an untouched card to stock; its order is placed again."""
        with self._station.database.writing() as session:
            now = self._station.now()
            move_card(session, self._actor, now, run.serial_number, CardState.BLANK, because)
            place_again(session, self._actor, now, run.order_id, because)
            end_run(session, self._actor, now, run.id, RunResult.CANCELLED)

    def _reserve(self, session: Session, order: Order, card: Card) -> Run:
        now = self._station.now()
        seed = Seed(secrets.token_bytes(SEED_LENGTH))
        run_id = uuid.uuid4().hex
        run = Run(
            id=run_id,
            order_id=order.id,
            serial_number=card.serial_number,
            sealed_seed=self._keystore.seal(seed_of(card.serial_number, run_id), seed.reveal()),
            check_value=seed.check_value().hex(),
            state=RunState.RESERVED,
            started_at=now,
        )
        session.add(run)
        session.flush()
        session.add(
            RunStep(
                run_id=run_id,
                step=RunState.RESERVED,
                at=now,
                slot=self._slot,
                evidence=audit.canonical({}),
            )
        )
        reserved = f"run {run_id}"
        move_card(session, self._actor, now, card.serial_number, CardState.RESERVED, reserved)
        move_order(session, self._actor, now, order.id, OrderState.IN_PROVISIONING, reserved)
        bind(session, self._actor, now, order.id, card.serial_number)
        return run

    def _open_run(self, session: Session, run: Run, card: Card, *, resumed: bool) -> OpenRun:
        order = get_order(session, run.order_id)
        if run.sealed_seed is None or order.sealed_pin is None:
            raise AssertionError("an open run has its secrets, by the schema's own rules")
        earlier = session.scalars(
            select(Run.check_value).where(Run.serial_number == card.serial_number, Run.id != run.id)
        )
        return OpenRun(
            id=run.id,
            order_id=order.id,
            user_name=order.user_name,
            serial_number=card.serial_number,
            batch=card.batch,
            profile=order.profile,
            language=order.language,
            seed=Seed(self._keystore.unseal(seed_of(card.serial_number, run.id), run.sealed_seed)),
            pin=Pin(self._keystore.unseal(pin_of(order.id), order.sealed_pin).decode("ascii")),
            state=run.state,
            earlier_check_values=frozenset(bytes.fromhex(value) for value in earlier),
            sequence_counter=card.sequence_counter,
            batch_proven=batch_proven(session, card.batch),
            resumed=resumed,
        )

    def _step(self, session: Session, run: OpenRun, step: RunState, evidence: CardEvidence) -> None:
        now = self._station.now()
        advanced = affected(
            session, update(Run).where(_OPEN, Run.id == run.id, Run.state == run.state).values(state=step)
        )
        if advanced != 1:
            raise StateConflict(_changed(run))
        session.add(
            RunStep(
                run_id=run.id,
                step=step,
                at=now,
                slot=self._slot,
                evidence=audit.canonical(_told(evidence)),
            )
        )
        affected(
            session,
            update(Card)
            .where(Card.serial_number == run.serial_number)
            .values(sequence_counter=evidence.sequence_counter),
        )
        if CARD_STATE[step] is not CARD_STATE[run.state]:
            move_card(session, self._actor, now, run.serial_number, CARD_STATE[step], f"run {run.id}")
        audit.record(session, self._actor, now, f"run.{step}", run.serial_number, run=run.id)


_OPEN = Run.ended_at.is_(None)
_MADE = frozenset({CardState.PERSONALISED, CardState.VERIFIED, CardState.SECURED, CardState.LABELLED})


def _changed(run: OpenRun) -> str:
    return words(
        "the run of order {order} on card {card} was changed meanwhile: run it again",
        order=run.order_id,
        card=run.serial_number,
    )


def _require_free(session: Session, card: Card) -> None:
    """A card is free if it is blank, or if its order was cancelled: then its run begins by wiping it."""
    bound = live_binding(session, serial_number=card.serial_number)
    if card.state is CardState.BLANK or (bound is None and card.state in _MADE):
        return
    if card.state is CardState.QUARANTINED:
        raise StateConflict(
            "card {card} is in quarantine: `dsc-station quarantine show {card}` tells why",
            card=card.serial_number,
        )
    if bound is None:
        raise StateConflict(
            "card {card} is {state}: take a blank one", card=card.serial_number, state=card.state
        )
    raise StateConflict(
        "card {card} is {state} and serves order {order}: take a blank one",
        card=card.serial_number,
        state=card.state,
        order=bound.order_id,
    )


def _placed_order(session: Session, order_id: str | None) -> Order | None:
    if order_id is None:
        # On PostgreSQL several stations take different orders so; SQLite has one writer at a time.
        oldest = (
            select(Order).where(Order.state == OrderState.PLACED).order_by(Order.placed_at, Order.id).limit(1)
        )
        return session.scalars(oldest.with_for_update(skip_locked=True)).one_or_none()
    order = get_order(session, order_id)
    if order.state is OrderState.PLACED:
        return order
    bound = live_binding(session, order_id=order_id)
    if order.state is OrderState.IN_PROVISIONING and bound is not None:
        raise StateConflict(
            "order {order} is being served by card {card}: plug that card in, or, if it is dead, set "
            "it aside: dsc-station quarantine add {card}",
            order=order_id,
            card=bound.serial_number,
        )
    raise StateConflict(
        "order {order} is {state}: only a placed order can be personalised", order=order_id, state=order.state
    )


def _told(evidence: CardEvidence | None) -> dict[str, audit.Detail]:
    """Evidence as the journal keeps it: nothing in it is secret."""
    if evidence is None:
        return {}
    return {
        "key_version": f"{evidence.key_version:02X}",
        "life_cycle": evidence.life_cycle.name,
        "check_value": evidence.check_value.hex(),
        "pin_tries_left": evidence.pin_tries.left if evidence.pin_tries else None,
        "quota_left": evidence.quota_left,
        "sequence_counter": evidence.sequence_counter,
    }
