"""A scan at the bench: first it may acknowledge what stands there, then it is the parcels' business."""

from enum import Enum

from dscplus_station.actor import Actor
from dscplus_station.parcels import service as parcels
from dscplus_station.scans.rules import Command, CommandScan, parse
from dscplus_station.web.kiosk import Kiosk


class Then(Enum):
    """Where the page goes after a scan."""

    STAY = "stay"
    SUPERVISOR = "supervisor"


def take(kiosk: Kiosk, actor: Actor, text: str) -> Then:
    """Take a scan, or what was typed in its place; what came of it is on the operator's desk.

    While a refusal stands there, OK takes it away, and every other scan leaves it as it is and does nothing.
    Then OK acknowledges the alarm of a slot, one a scan. SUPERVISOR leads to what only a supervisor may do.

    Raises:
        StationError: as `parcels.service.scan`.
    """
    scan = parse(text)
    if scan == CommandScan(Command.OK) and (
        kiosk.desks.acknowledge(actor.operator) or acknowledge_next(kiosk)
    ):
        return Then.STAY
    if kiosk.desks.insist(actor.operator):
        return Then.STAY
    if scan == CommandScan(Command.SUPERVISOR):
        return Then.SUPERVISOR
    labels = kiosk.labels
    told = parcels.scan(kiosk.station, actor, text, None if labels is None else labels.printing(actor))
    kiosk.desks.tell(actor.operator, told)
    if labels is not None and told.label is not None and told.printing is not None:
        labels.again(actor, told.label.order, told.printing)
    return Then.STAY


def acknowledge_next(kiosk: Kiosk) -> bool:
    """Take the alarm of one slot away, by the slots' numbers; whether there was one."""
    if kiosk.bench is None:
        return False
    alarmed = next((state for state in kiosk.bench.snapshot().slots if state.alarm is not None), None)
    if alarmed is None:
        return False
    kiosk.bench.acknowledge(alarmed.number, alarmed.alarms)
    return True
