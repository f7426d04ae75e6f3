"""One scan after the other: what it does, in one transaction, and what the operator is told."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from dscplus_station import audit
from dscplus_station.actor import Actor, Role
from dscplus_station.errors import BadInput, NotFound, StateConflict
from dscplus_station.parcels.guidance import expected_in, what_now_in
from dscplus_station.parcels.meaning import Meant, meant_by
from dscplus_station.parcels.rules import TABLE, Deed, Meaning, ParcelEnd, Situation, WaitEnd
from dscplus_station.parcels.standing import (
    AtHand,
    at_hand,
    drop_what_is_over,
    end_parcel,
    end_waiting,
)
from dscplus_station.parcels.tables import Parcel, WaitingOrder
from dscplus_station.parcels.told import Told, Tone
from dscplus_station.scans.rules import (
    CardScan,
    LabelScan,
    OrderScan,
    Scan,
    TrackingScan,
    Unreadable,
    parse,
)
from dscplus_station.shipping.labels import IssuedLabel, issue
from dscplus_station.shipping.pairs import record_pair
from dscplus_station.shipping.rules import carrier_of, labels_printed
from dscplus_station.shipping.service import book
from dscplus_station.shipping.tables import ScannedPair
from dscplus_station.station import Station
from dscplus_station.wording import N_, Words, words

Printing = Callable[[Session, IssuedLabel], int]
"""Puts on record that a label is to be printed, in the transaction that issues it, and gives the printing's
number."""


def scan(station: Station, actor: Actor, text: str, printing: Printing | None = None) -> Told:
    """Take a scan, or what was typed in its place, from an operator.

    Whatever is out of place changes nothing and is told.

    Args:
        printing: how the station prints a label that the scan asks for; None: the operator sees to it.

    Raises:
        NotPermitted: the operator may neither provision nor ship, or not do this.
    """
    if Role.SHIPPING not in actor.roles:
        actor.require(Role.PROVISIONING, "work at the bench")
    found = parse(text)
    try:
        with station.database.writing() as session:
            return _Scan(session, station, actor, printing).take(found)
    except (BadInput, NotFound, StateConflict) as refusal:
        now_at = situation(station, actor)
        return Told(Tone.REFUSED, refusal.told, what_now_in(station, now_at), now_at)


def situation(station: Station, actor: Actor) -> Situation:
    """What an operator has at hand at this station."""
    with station.database.reading() as session:
        return at_hand(session, actor).situation(session)


def what_now(station: Station, actor: Actor) -> tuple[Situation, Words]:
    """What an operator has at hand, and what is to be done now."""
    present = situation(station, actor)
    return present, what_now_in(station, present)


@dataclass(frozen=True)
class _Done:
    """What a deed came to, before it is told."""

    what: Words
    now: Words | None = None
    label: IssuedLabel | None = None
    printing: int | None = None
    auto_activates_on: date | None = None
    warning: str | None = None
    tone: Tone = Tone.DONE


class _Scan:
    """One scan in its transaction."""

    def __init__(self, session: Session, station: Station, actor: Actor, printing: Printing | None) -> None:
        self._session = session
        self._station = station
        self._actor = actor
        self._printing = printing
        self._now: datetime = station.now()
        self._have: AtHand = at_hand(session, actor)

    def take(self, found: Scan | Unreadable) -> Told:
        over = drop_what_is_over(self._session, self._actor, self._now, self._have)
        if over:
            return self._refused(words(N_("Nothing was done with this scan: {over}."), over="; ".join(over)))
        if isinstance(found, Unreadable):
            return self._refused(words(N_("This cannot be read: {why}."), why=words(found.why)))
        meant = meant_by(self._session, self._station, self._actor, found)
        if meant.meaning is None:
            return self._refused(meant.what, meant.now, expected=False)
        if self._is_repeated(meant):
            return self._told(_Done(meant.what, tone=Tone.NOTHING))
        phase = self._have.situation(self._session).phase
        deed = TABLE[phase].get(meant.meaning)
        if deed is None:
            return self._refused(meant.what)
        return self._told(self._do(deed, meant, found))

    def _do(self, deed: Deed, meant: Meant, found: Scan) -> _Done:
        match deed:
            case Deed.TAKE_ORDER:
                return self._take_order(meant)
            case Deed.EXPECT_CARD:
                return self._expect_card(meant)
            case Deed.GIVE_BACK:
                return self._give_back()
            case Deed.GO_ON:
                return self._go_on()
            case Deed.OPEN_BY_CARD | Deed.OPEN_BY_LABEL:
                return self._open(meant, found)
            case Deed.PAIR:
                return self._pair(meant, found)
            case Deed.REPRINT:
                return self._reprint()
            case Deed.SHIP:
                assert isinstance(found, TrackingScan)  # noqa: S101 (so says the meaning)
                return self._ship(found.number)
            case Deed.LAY_ASIDE:
                return self._lay_aside()

    # An order waits for its card.

    def _take_order(self, meant: Meant) -> _Done:
        self._actor.require(Role.PROVISIONING, "take an order")
        assert meant.order is not None  # noqa: S101 (so says the meaning)
        self._have.waiting = WaitingOrder(
            operator=self._actor.operator,
            station=self._actor.station,
            order_id=meant.order,
            taken_at=self._now,
        )
        self._session.add(self._have.waiting)
        self._session.flush()
        self._record("parcels.take", meant.order)
        return _Done(meant.what)

    def _expect_card(self, meant: Meant) -> _Done:
        row = self._waiting()
        if row.inserted is not None and row.inserted != meant.serial_number:
            raise StateConflict(
                "order {order}: card {inserted} was plugged in for it just now; take it out and scan "
                "CANCEL if another card is meant",
                order=row.order_id,
                inserted=row.inserted,
            )
        row.expected = meant.serial_number
        self._record("parcels.expect", row.order_id, serial_number=meant.serial_number)
        return _Done(
            words(N_("Card {card} is to serve order {order}."), card=meant.serial_number, order=row.order_id)
        )

    def _give_back(self) -> _Done:
        row = self._waiting()
        end_waiting(self._session, self._actor, self._now, row, WaitEnd.GIVEN_BACK)
        self._have.waiting = None
        return _Done(words(N_("Order {order} is given back: nothing was done for it."), order=row.order_id))

    def _go_on(self) -> _Done:
        row = self._waiting()
        row.stopped_at = row.slot = row.inserted = None
        self._record("parcels.go-on", row.order_id)
        return _Done(words(N_("Order {order} waits for one card again."), order=row.order_id))

    # A parcel is open.

    def _open(self, meant: Meant, found: Scan) -> _Done:
        assert meant.order is not None and meant.serial_number is not None  # noqa: S101
        self._have.parcel = Parcel(
            operator=self._actor.operator,
            station=self._actor.station,
            order_id=meant.order,
            serial_number=meant.serial_number,
            opened_at=self._now,
            card_at=self._now if isinstance(found, CardScan) else None,
            label_copy=None if isinstance(found, CardScan) else _copy(found),
        )
        self._session.add(self._have.parcel)
        self._session.flush()
        self._record("parcels.open", meant.order, serial_number=meant.serial_number, by=type(found).__name__)
        return _Done(meant.what)

    def _pair(self, meant: Meant, found: Scan) -> _Done:
        row = self._parcel()
        card = CardScan(row.serial_number)
        paper: LabelScan | OrderScan
        if isinstance(found, CardScan):
            card, paper = found, self._paper(row)
        else:
            assert isinstance(found, LabelScan | OrderScan)  # noqa: S101 (so says the meaning)
            paper = found
        pair = record_pair(self._session, self._station, self._actor, self._now, card, paper)
        row.card_at = row.card_at or self._now
        row.label_copy = _copy(paper)
        row.pair_id = pair.id
        return _Done(
            words(
                N_("Card {card} and this label are one pair, of order {order}."),
                card=pair.serial_number,
                order=pair.order_id,
            )
            if labels_printed(self._station.settings.labels)
            else meant.what
        )

    def _reprint(self) -> _Done:
        row = self._parcel()
        self._actor.require(Role.PROVISIONING, "print labels")
        label = issue(self._session, self._station, self._actor, self._now, row.order_id)
        row.pair_id = row.label_copy = None
        return _Done(
            words(
                N_("Label {copy} of order {order} is printed; earlier ones are void."),
                copy=label.copy,
                order=row.order_id,
            ),
            label=label,
            printing=self._printing(self._session, label) if self._printing else None,
        )

    def _ship(self, tracking: str) -> _Done:
        row = self._parcel()
        if row.serial_number in tracking:
            raise BadInput(
                "order {order}: the card's serial number and the tracking number ran together in one "
                "scan: scan the tracking number again",
                order=row.order_id,
            )
        carrier = carrier_of(self._station.settings.shipping, tracking)
        if carrier is None:
            raise BadInput(
                "order {order}: no carrier of this station has numbers such as {tracking}: is it the "
                "parcel's tracking number? ([shipping.carriers] names the carriers)",
                order=row.order_id,
                tracking=tracking,
            )
        pair = self._session.get_one(ScannedPair, row.pair_id)
        shipped = book(
            self._session,
            self._station,
            self._actor,
            self._now,
            pair,
            carrier,
            tracking,
            self._station.today(),
        )
        end_parcel(self._session, self._actor, self._now, row, ParcelEnd.SHIPPED)
        self._have.parcel = None
        return _Done(
            words(
                N_("Order {order} is shipped by {carrier}, {number}. Auto-activates {day}."),
                order=row.order_id,
                carrier=carrier,
                number=tracking,
                day=shipped.auto_activates_on,
            ),
            auto_activates_on=shipped.auto_activates_on,
            warning=shipped.warning,
        )

    def _lay_aside(self) -> _Done:
        row = self._parcel()
        end_parcel(self._session, self._actor, self._now, row, ParcelEnd.LAID_ASIDE)
        self._have.parcel = None
        return _Done(
            words(
                N_("The parcel of order {order} is laid aside, not shipped: keep card and label together."),
                order=row.order_id,
            )
        )

    # What all share.

    def _is_repeated(self, meant: Meant) -> bool:
        """Whether the same thing was scanned just before: a double scan does nothing, and is no mistake."""
        waiting, parcel = self._have.waiting, self._have.parcel
        if parcel is not None:
            seen = {Meaning.MADE_CARD: parcel.card_at, Meaning.LABEL: parcel.label_copy}
            own = (meant.order, meant.serial_number) == (parcel.order_id, parcel.serial_number)
            return own and meant.meaning is not None and seen.get(meant.meaning) is not None
        if waiting is None:
            return False
        if meant.meaning is Meaning.NEW_ORDER:
            return meant.order == waiting.order_id and waiting.stopped_at is None
        return meant.meaning is Meaning.FREE_CARD and meant.serial_number == waiting.expected

    def _waiting(self) -> WaitingOrder:
        assert self._have.waiting is not None  # noqa: S101 (so says the phase)
        return self._have.waiting

    def _parcel(self) -> Parcel:
        assert self._have.parcel is not None  # noqa: S101 (so says the phase)
        return self._have.parcel

    def _paper(self, row: Parcel) -> LabelScan | OrderScan:
        if not row.label_copy:
            return OrderScan(row.order_id)
        return LabelScan(row.order_id, row.serial_number, row.label_copy)

    def _record(self, action: str, order_id: str, **details: audit.Detail) -> None:
        audit.record(self._session, self._actor, self._now, action, order_id, **details)

    def _told(self, done: _Done) -> Told:
        present = self._have.situation(self._session)
        now = done.now or what_now_in(self._station, present)
        return Told(
            done.tone,
            done.what,
            now,
            present,
            label=done.label,
            printing=done.printing,
            auto_activates_on=done.auto_activates_on,
            warning=done.warning,
        )

    def _refused(self, what: Words, now: Words | None = None, *, expected: bool = True) -> Told:
        present = self._have.situation(self._session)
        return Told(
            Tone.REFUSED,
            what,
            now or what_now_in(self._station, present),
            present,
            expected=expected_in(self._station, present) if expected else None,
        )


def _copy(paper: object) -> int:
    """What a parcel keeps of its label: the copy; 0 for an order in its place."""
    return paper.copy if isinstance(paper, LabelScan) else 0
