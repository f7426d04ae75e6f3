"""What the page of one card shows, put together from the records and the slot."""

from typing import Any

from dscplus_station.desk import sheet as sheets
from dscplus_station.desk.rules import TOLD, Check, Outcome
from dscplus_station.errors import BadInput
from dscplus_station.holds.rules import STATE_AFTER, HoldEnd, HoldState
from dscplus_station.quarantine.rules import CAUSE_TOLD
from dscplus_station.slots.rules import Phase, Verdict
from dscplus_station.slots.state import SlotState
from dscplus_station.stock.rules import CardState, serial_number_fault
from dscplus_station.web.kiosk import Kiosk
from dscplus_station.web.lists.states import WORDS
from dscplus_station.web.returns import texts
from dscplus_station.web.returns.work import INSPECTION, STEPS, slot_with

OVER = (CardState.BLANK, CardState.SCRAPPED)


def desk_facts(kiosk: Kiosk, serial_number: str, asked: int = -1) -> dict[str, Any]:
    """All that the page and its changing part name.

    Args:
        asked: the version of the slot's state when a work was asked of it: until it changes, the work is due.

    Raises:
        BadInput: this is no serial number.
    """
    if fault := serial_number_fault(serial_number):
        raise BadInput("{card}: {fault}", card=serial_number, fault=fault)
    # The slot first: a work is on record before its slot says that it ended. The other way round a page could
    # show what was before the end beside a slot that has ended, and would wait for nothing.
    slot = slot_with(kiosk.bench, serial_number)
    facts = sheets.sheet(kiosk.station, serial_number)
    last = sheets.last_inspection(kiosk.station, serial_number)
    due = slot is not None and slot.version == asked
    working = slot is not None and (due or slot.phase in (Phase.WORKING, Phase.IDENTIFYING))
    done = facts.state in OVER and last is None and bool(facts.inspections) and not working
    here = slot is not None and slot.phase is not Phase.EMPTY
    in_stock = facts.state is CardState.BLANK
    untouched = last is None and facts.begun is None
    interrupted = slot is not None and slot.verdict is Verdict.INTERRUPTED
    return {
        "serial_number": serial_number,
        "facts": facts,
        "slot": slot,
        "last": last,
        "findings": {one.check: one for one in last.findings} if last else {},
        "checks": list(Check),
        "checked": _checked(slot),
        "working": working,
        "asked": asked if due else -1,
        "inspecting": working and slot is not None and slot.work == INSPECTION,
        "steps": _steps(slot),
        "done": done,
        "here": here,
        "begin": slot is not None and slot.phase is Phase.WAITING and untouched and not in_stock,
        "poll": working
        or (untouched and not done)
        or (facts.begun is not None and (interrupted or not here)),
        "captures": facts.hold is HoldState.HELD
        and facts.judged_end is not None
        and STATE_AFTER[HoldEnd(facts.judged_end)] is HoldState.CAPTURED,
        "quarantined": facts.state is CardState.QUARANTINED,
        "told": _told(slot),
        "why": TOLD,
        "causes": CAUSE_TOLD,
        "texts": texts,
        "words": WORDS,
        "outcomes": Outcome,
    }


def _checked(slot: SlotState | None) -> tuple[str, ...]:
    """The checks that the inspection under way has made."""
    return slot.steps[: slot.steps_done] if slot is not None and slot.work == INSPECTION else ()


def _steps(slot: SlotState | None) -> list[tuple[str, bool]]:
    """The steps of the restock or scrap that the slot is at, and which of them stand."""
    if slot is None or slot.work not in [kind.value for kind in STEPS]:
        return []
    return [(texts.STEPS[step], at < slot.steps_done) for at, step in enumerate(STEPS[Outcome(slot.work)])]


def _told(slot: SlotState | None) -> tuple[str, str] | None:
    """What went wrong in the slot: what, and what now."""
    if slot is None or slot.outcome is None or slot.phase not in (Phase.ENDED, Phase.EMPTY):
        return None
    return (slot.outcome.what, slot.outcome.now) if slot.outcome.what else None
