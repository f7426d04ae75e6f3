"""Printing labels. What is to be printed is on record, durably, before the printer is spoken to.

No transaction is open meanwhile, and one process at a time speaks to the printer. What certainly did not
reach it waits and may be sent as it is; what perhaps did is never sent again, since nobody could tell two
labels of one number apart: it is printed anew, with the next number, which makes the earlier ones void.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from dscplus_station import audit
from dscplus_station.actor import Actor, Role
from dscplus_station.db import affected
from dscplus_station.documents.label import label
from dscplus_station.documents.service import label_facts, tag_in
from dscplus_station.errors import NotFound, StateConflict
from dscplus_station.orders.rules import OrderState
from dscplus_station.orders.service import get_order, live_binding
from dscplus_station.printing.printers import Printer, PrinterOut, Printout
from dscplus_station.printing.rules import JOB_TRANSITIONS, JobKind, JobState
from dscplus_station.printing.tables import PrintJob
from dscplus_station.printing.turn import printers_turn
from dscplus_station.shipping.labels import IssuedLabel, copies, issue
from dscplus_station.shipping.rules import labels_printed
from dscplus_station.station import Station
from dscplus_station.wording import N_, words
from dscplus_station.words import MAX_REASON, require_words

STOPPED_MEANWHILE = "the station stopped while it was being sent"
NOT_WANTED = "it is not wanted any more"


@dataclass(frozen=True)
class Job:
    """A printing as it stands."""

    number: int
    kind: JobKind
    order: str | None
    serial_number: str
    copy: int | None
    slot: str | None
    because: str | None
    operator: str
    station: str
    asked_at: datetime
    state: JobState
    ended_at: datetime | None
    trouble: str | None


def print_label(
    station: Station, actor: Actor, printer: Printer, order_id: str, slot: str | None = None
) -> Job:
    """Print the first label of an order's card.

    Args:
        slot: the label of the bench's slot that the card is in, which the label names.

    Raises:
        NotFound: there is no such order.
        StateConflict: it has no card that is ready, it has a label already, or no labels are printed here.
        BadInput: name or address cannot be printed; nothing was recorded.
        PrinterOut: the printer did not take it; it waits, or is to be printed again.
        NotPermitted: the actor may not print labels.
    """
    actor.require(Role.PROVISIONING, "print labels")
    with station.database.writing() as session:
        last = _last_label(session, order_id)
        if last is not None:
            raise StateConflict(
                "order {order} has label {copy}, {state}: `dsc-station labels print` sends what waits, "
                "`dsc-station labels reprint {order}` prints another one",
                order=order_id,
                copy=last.copy,
                state=last.state,
            )
        issued = issue(session, station, actor, station.now(), order_id)
        number = put_in_queue(session, station, actor, issued, slot=slot)
    return send(station, actor, printer, number)


def print_passed(station: Station, actor: Actor, printer: Printer, order_id: str, slot: str) -> Job | None:
    """Print the label of a card that has passed, once: what a slot calls, as often as it likes.

    Returns:
        its label, or None at a station that prints none. A label that waits is tried again.

    Raises:
        as `print_label`.
    """
    if not labels_printed(station.settings.labels):
        return None
    with station.database.reading() as session:
        last = _last_label(session, order_id)
    if last is None:
        return print_label(station, actor, printer, order_id, slot)
    return send(station, actor, printer, last.id)


def reprint_label(station: Station, actor: Actor, printer: Printer, order_id: str, because: str) -> Job:
    """Print another label for an order's card: the next number, which makes the earlier ones void.

    Raises:
        BadInput: no reason is given, or as `print_label`.
        NotFound, StateConflict, PrinterOut, NotPermitted: as `print_label`.
    """
    return send(station, actor, printer, ask_again(station, actor, order_id, because))


class PrintedAgain(StateConflict):
    """The label that was to be printed again had been printed again by then."""


def ask_again(
    station: Station, actor: Actor, order_id: str, because: str, instead_of: int | None = None
) -> int:
    """As `reprint_label`, but no printer is spoken to: the label is issued and waits, in one transaction.

    Args:
        instead_of: the number of the label that was looked for; it is to be the last one.

    Returns:
        the printing's number, for `send`.

    Raises:
        PrintedAgain: it is not.
        BadInput, NotFound, StateConflict, NotPermitted: as `reprint_label`.
    """
    actor.require(Role.PROVISIONING, "print labels")
    require_words(words("order {order}: a reason", order=order_id), because)
    with station.database.writing() as session:
        issued = issue(session, station, actor, station.now(), order_id)
        if instead_of is not None and issued.copy != instead_of + 1:
            raise PrintedAgain(
                "label {copy} of order {order} was printed again already", copy=instead_of, order=order_id
            )
        return put_in_queue(session, station, actor, issued, because)


def print_tag(station: Station, actor: Actor, printer: Printer, serial_number: str) -> Job:
    """Print the tag of a card in quarantine; as often as it is asked for.

    Raises:
        NotFound: it is not in quarantine.
        PrinterOut: the printer did not take it; it waits.
    """
    return send(station, actor, printer, ask_tag(station, actor, serial_number))


def ask_tag(station: Station, actor: Actor, serial_number: str) -> int:
    """As `print_tag`, but no printer is spoken to: the tag waits.

    Returns:
        the printing's number, for `send`.

    Raises:
        NotFound: the card is not in quarantine.
    """
    with station.database.writing() as session:
        tag_in(session, station, serial_number)
        now = station.now()
        job = PrintJob(
            kind=JobKind.TAG,
            serial_number=serial_number,
            operator=actor.operator,
            station=actor.station,
            asked_at=now,
            state=JobState.WAITING,
        )
        session.add(job)
        audit.record(session, actor, now, "printing.tag", serial_number)
        session.flush()
        return job.id


def send_waiting(station: Station, actor: Actor, printer: Printer) -> list[Job]:
    """Send what waits at this station, oldest first, until the printer is out again.

    Raises:
        PrinterOut: it is; what was sent before is SENT.
        NotPermitted: the actor may not print labels.
    """
    actor.require(Role.PROVISIONING, "print labels")
    with station.database.reading() as session:
        waiting = session.scalars(
            select(PrintJob.id)
            .where(PrintJob.state == JobState.WAITING, PrintJob.station == actor.station)
            .order_by(PrintJob.id)
        ).all()
    return [send(station, actor, printer, number) for number in waiting]


def settle_cut_off(station: Station, actor: Actor) -> None:
    """What this station was sending when it was stopped becomes UNCERTAIN: somebody has to look.

    Raises:
        HeldByAnother: somebody had the printer all the time.
    """
    with printers_turn(station):
        _end_what_was_cut_off(station, actor)


def jobs(station: Station, *, open_only: bool, limit: int = 1000) -> list[Job]:
    """Printings, the latest first; only those that are not SENT or DROPPED, if asked so."""
    query = select(PrintJob).order_by(PrintJob.id.desc()).limit(limit)
    if open_only:
        query = query.where(PrintJob.state.not_in((JobState.SENT, JobState.DROPPED)))
    with station.database.reading() as session:
        return [_job(row) for row in session.scalars(query)]


def put_in_queue(
    session: Session,
    station: Station,
    actor: Actor,
    issued: IssuedLabel,
    because: str | None = None,
    slot: str | None = None,
) -> int:
    """Let a label wait for the printer, within the transaction that issues it, so that none is without.

    Args:
        because: why it is printed again.
        slot: the bench's slot that the card is in; unless it is said, the one of its last label.

    Returns:
        the printing's number, for `send`.

    Raises:
        BadInput: name or address cannot be printed.
    """
    slot = slot or _slot_of(session, issued)
    label(label_facts(session, station, issued.order, issued.serial_number, issued.copy, slot))
    now = station.now()
    job = PrintJob(
        kind=JobKind.LABEL,
        order_id=issued.order,
        serial_number=issued.serial_number,
        copy=issued.copy,
        slot=slot,
        because=because,
        operator=actor.operator,
        station=actor.station,
        asked_at=now,
        state=JobState.WAITING,
    )
    session.add(job)
    session.flush()
    audit.record(
        session, actor, now, "printing.label", issued.order, copy=issued.copy, slot=slot, because=because
    )
    return job.id


def send(station: Station, actor: Actor, printer: Printer, number: int) -> Job:
    """Send a printing that waits; one that does not is left as it is.

    Raises:
        PrinterOut: the printer did not take it; it waits, or is to be printed again.
        HeldByAnother: somebody else had the printer all the time.
    """
    with printers_turn(station):
        _end_what_was_cut_off(station, actor)
        printout = _begin(station, actor, number)
        out: PrinterOut | None = None
        if printout is not None:
            try:
                printer.send(printout)
            except PrinterOut as told:
                out = told
            _end(station, actor, number, out)
    with station.database.reading() as session:
        job = _job(session.get_one(PrintJob, number))
    if out is not None:
        raise PrinterOut(out.trouble, reached=out.reached, what_now=_what_now(job, reached=out.reached))
    return job


def _what_now(job: Job, *, reached: bool) -> str:
    if job.order:
        what = words(N_("Label {copy} of order {order}"), copy=job.copy, order=job.order)
    else:
        what = words(N_("The tag of card {card}"), card=job.serial_number)
    if not reached:
        return words(N_("{what} waits: put the printer right, then `dsc-station labels print`"), what=what)
    again = f"labels reprint {job.order}" if job.order else f"labels tag {job.serial_number}"
    return words(N_("{what} may have come out: look. If not: `dsc-station {again}`"), what=what, again=again)


def _begin(station: Station, actor: Actor, number: int) -> Printout | None:
    """Record that a printing is being sent; None if it is not to be."""
    with station.database.writing() as session:
        job = session.get_one(PrintJob, number)
        if job.state is not JobState.WAITING:
            return None
        printout = _printout(session, station, job)
        following = JobState.DROPPED if printout is None else JobState.SENDING
        _move(session, actor, station.now(), number, following, None if printout else NOT_WANTED)
        return printout


def _printout(session: Session, station: Station, job: PrintJob) -> Printout | None:
    """What is to be printed, or None if it is not wanted any more.

    A label is while its order has this card to be packed and no later label; a tag while its card is set
    aside.
    """
    if job.order_id is None or job.copy is None:
        try:
            return Printout(f"tag-{job.serial_number}", tag_in(session, station, job.serial_number))
        except NotFound:
            return None
    binding = live_binding(session, order_id=job.order_id)
    if (
        get_order(session, job.order_id).state is not OrderState.IN_PROVISIONING
        or binding is None
        or binding.serial_number != job.serial_number
        or copies(session, job.order_id, job.serial_number) != job.copy
    ):
        return None
    facts = label_facts(session, station, job.order_id, job.serial_number, job.copy, job.slot)
    return Printout(f"label-{job.order_id}-{job.serial_number}-{job.copy}", label(facts))


def _end(station: Station, actor: Actor, number: int, out: PrinterOut | None) -> None:
    with station.database.writing() as session:
        if out is None:
            _move(session, actor, station.now(), number, JobState.SENT, None)
        else:
            following = JobState.UNCERTAIN if out.reached else JobState.WAITING
            _move(session, actor, station.now(), number, following, str(out)[:MAX_REASON])


def _end_what_was_cut_off(station: Station, actor: Actor) -> None:
    """What another process was sending when it ended: nobody is, while the printer's turn is ours."""
    cut_off = select(PrintJob.id).where(PrintJob.state == JobState.SENDING, PrintJob.station == actor.station)
    with station.database.reading() as session:
        if session.scalar(cut_off.limit(1)) is None:
            return
    with station.database.writing() as session:
        for number in session.scalars(cut_off).all():
            _move(session, actor, station.now(), number, JobState.UNCERTAIN, STOPPED_MEANWHILE)


def _move(
    session: Session, actor: Actor, now: datetime, number: int, following: JobState, because: str | None
) -> None:
    before = [state for state, after in JOB_TRANSITIONS.items() if following in after]
    ended_at = None if JOB_TRANSITIONS[following] else now
    moved = affected(
        session,
        update(PrintJob)
        .where(PrintJob.id == number, PrintJob.state.in_(before))
        .values(state=following, ended_at=ended_at, trouble=because),
    )
    if moved != 1:
        raise StateConflict(
            "printing {number} cannot become {following}: somebody else was faster",
            number=number,
            following=following,
        )
    audit.record(session, actor, now, f"printing.{following}", str(number), because=because)


def _last_label(session: Session, order_id: str) -> PrintJob | None:
    """The last label that was asked for since the card that serves the order now came to serve it."""
    binding = live_binding(session, order_id=order_id)
    if binding is None:
        return None
    return session.scalars(
        select(PrintJob)
        .where(
            PrintJob.order_id == order_id,
            PrintJob.serial_number == binding.serial_number,
            PrintJob.asked_at >= binding.bound_at,
        )
        .order_by(PrintJob.id.desc())
        .limit(1)
    ).one_or_none()


def _slot_of(session: Session, issued: IssuedLabel) -> str | None:
    last = _last_label(session, issued.order)
    return last.slot if last else None


def _job(row: PrintJob) -> Job:
    return Job(
        number=row.id,
        kind=row.kind,
        order=row.order_id,
        serial_number=row.serial_number,
        copy=row.copy,
        slot=row.slot,
        because=row.because,
        operator=row.operator,
        station=row.station,
        asked_at=row.asked_at,
        state=row.state,
        ended_at=row.ended_at,
        trouble=row.trouble,
    )
