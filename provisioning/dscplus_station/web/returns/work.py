"""What the returns desk asks of a slot: an inspection, a restock, a scrap."""

from dscplus_driver.card import Card
from dscplus_station.actor import Actor
from dscplus_station.desk.inspecting import inspect
from dscplus_station.desk.journal import OpenDisposal
from dscplus_station.desk.rules import Check, Finding, Outcome
from dscplus_station.desk.sheet import last_inspection
from dscplus_station.desk.states import DisposalState
from dscplus_station.desk.working import carry_out
from dscplus_station.slots.bench import Bench
from dscplus_station.slots.rules import Outcome as Told
from dscplus_station.slots.rules import SlotUse, Verdict
from dscplus_station.slots.state import SlotState
from dscplus_station.slots.work import Ended, Reporter, Work
from dscplus_station.web.kiosk import Kiosk

STEPS = {
    Outcome.RESTOCK: (DisposalState.WIPED, DisposalState.PROVEN, DisposalState.KEYS_ROTATED),
    Outcome.SCRAP: (DisposalState.TERMINATED,),
}
INSPECTION = "inspection"


def returns_slots(bench: Bench | None) -> list[SlotState]:
    """The slots for returns, as they stand."""
    return [one for one in bench.snapshot().slots if one.use is SlotUse.RETURNS] if bench else []


def slot_with(bench: Bench | None, serial_number: str) -> SlotState | None:
    """The returns slot in which this card is; else the one in which its work was interrupted."""
    found = [one for one in returns_slots(bench) if one.serial_number == serial_number]
    return max(found, key=lambda one: one.plugged, default=None)


def inspection(kiosk: Kiosk, actor: Actor, serial_number: str, *, first: bool) -> Work:
    """Receive the card if it was out, and make every check.

    Args:
        first: it is begun by itself, and perhaps by two pages at once: one inspection is enough.
    """

    def do(card: Card, reporter: Reporter) -> Ended:
        def found(finding: Finding) -> None:
            reporter.step(finding.check.value)

        known = last_inspection(kiosk.station, serial_number) if first else None
        if known is not None:
            return Ended(Verdict.PASS, _told("INSPECTED", serial_number), again=True)
        done = inspect(kiosk.station, kiosk.keystore, actor, serial_number, card, on_finding=found)
        advised = done.recommendation.outcome
        return Ended(Verdict.PASS, _told("INSPECTED", serial_number, recommendation=advised.value))

    return Work(INSPECTION, serial_number, tuple(check.value for check in Check), do)


def disposal(kiosk: Kiosk, actor: Actor, serial_number: str, kind: Outcome, because: str | None) -> Work:
    """Restock or scrap the card."""

    def do(card: Card, reporter: Reporter) -> Ended:
        def reached(_disposal: OpenDisposal, step: DisposalState) -> None:
            reporter.step(step.value)

        done = carry_out(kiosk.station, kiosk.keystore, actor, serial_number, kind, card, because, reached)
        verdict = Verdict.FAIL if done.told else Verdict.PASS
        return Ended(verdict, _told(done.verdict.value.upper(), serial_number, what=done.told))

    return Work(kind.value, serial_number, tuple(step.value for step in STEPS[kind]), do)


def _told(code: str, serial_number: str, what: str = "", **facts: str) -> Told:
    return Told(code, what, "", {"serial_number": serial_number} | facts)
