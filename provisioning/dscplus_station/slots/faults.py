"""What an error means for the slot in which it happened, as an outcome."""

import traceback

from dscplus_driver import errors
from dscplus_station import errors as station_errors
from dscplus_station import log
from dscplus_station.card_errors import card_error_told
from dscplus_station.personalise.runner import Stopped
from dscplus_station.slots.rules import Code, Outcome, outcome

_REMOVED = (errors.CardRemoved, errors.PortNotFound)
_SILENT = (errors.CardTimeout, errors.LinkError, errors.OutcomeUnknown, errors.SessionClosed)


def log_mistake(error: Exception) -> None:
    """Log a mistake of ours by its kind and place: what it says may hold anything."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    log.error("slots.mistake", error=type(error).__name__, at=f"{frame.filename}:{frame.lineno}")


def removed(error: Exception) -> bool:
    """Whether the card, or its port, went away under the work."""
    return isinstance(error, _REMOVED) or isinstance(error.__cause__, _REMOVED)


def silent(error: Exception) -> bool:
    """Whether nothing, or nothing whole, came from the card."""
    return isinstance(error, _SILENT)


def before_work(error: Exception) -> Outcome:
    """What went wrong while the card in a slot was asked who it is."""
    told = _told(error)
    if removed(error) or silent(error):
        return outcome(Code.NO_ANSWER, told=told)
    if isinstance(error, errors.CardSwapped):
        return outcome(Code.SWAPPED, expected=error.expected, found=error.found)
    if isinstance(error, errors.CardBusy):
        return outcome(Code.PORT_HELD, told=told, pid=error.holder_pid)
    if isinstance(error, errors.CardError):
        return outcome(Code.NOT_A_CARD, told=told)
    return outcome(Code.PORT_CLOSED, told=told)


def in_work(error: Exception, serial_number: str, order: str | None) -> Outcome:
    """What interrupted the work on a card."""
    facts = {"serial_number": serial_number, "order": order, "told": _told(error)}
    match error:
        case Stopped():
            return outcome(Code.STOPPED, serial_number=serial_number, order=order)
        case errors.CardSwapped():
            return outcome(Code.SWAPPED, **facts, expected=error.expected, found=error.found)
        case errors.DscError() if removed(error):
            return outcome(Code.REMOVED, **facts)
        case errors.DscError() if silent(error):
            return outcome(Code.LOST_CONTACT, **facts)
        case errors.DscError():
            return outcome(Code.REFUSED, **facts)
        case station_errors.HeldByAnother():
            return outcome(Code.CARD_HELD, **facts)
        case station_errors.NotPermitted():
            return outcome(Code.NOT_PERMITTED, **facts)
        case station_errors.DatabaseFailed():
            return outcome(Code.RECORDS, **facts)
        case station_errors.StationError():
            return outcome(Code.REFUSED, **facts)
        case _:
            # What it says may hold anything: only its kind is told.
            return outcome(Code.MISTAKE, serial_number=serial_number, order=order, kind=type(error).__name__)


def _told(error: Exception) -> str:
    """What an error says, as words that a page can translate."""
    if isinstance(error, station_errors.StationError):
        return error.told
    return card_error_told(error) if isinstance(error, errors.DscError) else str(error)
