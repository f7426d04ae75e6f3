"""A printing's life, and what a printer's own status says."""

from enum import StrEnum

from dscplus_station.wording import N_


class JobKind(StrEnum):
    """What is printed on labels."""

    LABEL = "label"
    """An order's, with a number of its own."""
    TAG = "tag"
    """A quarantined card's."""


class JobState(StrEnum):
    """How far a printing is."""

    WAITING = "WAITING"
    """Nothing of it has reached the printer: it may be sent (again)."""
    SENDING = "SENDING"
    """The printer is being spoken to."""
    SENT = "SENT"
    """The printer has all of it."""
    UNCERTAIN = "UNCERTAIN"
    """Some of it may have reached the printer. Never sent again; a label gets a new number."""
    DROPPED = "DROPPED"
    """It was not sent any more: the order was cancelled, or a later label counts."""


S = JobState
JOB_TRANSITIONS: dict[JobState, frozenset[JobState]] = {
    S.WAITING: frozenset({S.SENDING, S.DROPPED}),
    S.SENDING: frozenset({S.SENT, S.WAITING, S.UNCERTAIN}),
    S.SENT: frozenset(),
    S.UNCERTAIN: frozenset(),
    S.DROPPED: frozenset(),
}

# --- ~HS, Host Status Return (ZPL II Programming Guide) ------------------------------------------

STATUS_QUERY = b"~HS"
_STRINGS = 3
_FIRST, _SECOND = 12, 11
"""Fields of the first two strings."""

_TROUBLES = (
    (1, 2, N_("its head is open: close it")),
    (0, 1, N_("it is out of labels: put a new roll in")),
    (1, 3, N_("it is out of ribbon: put a new one in")),
    (0, 2, N_("it is paused: press its pause key")),
    (0, 11, N_("it is too hot: wait")),
    (0, 5, N_("its buffer is full: wait, or switch it off and on")),
)
"""String, field, what it means if it is 1; what to do first comes first."""


def status_fields(answer: bytes) -> list[list[str]] | None:
    """The fields of the three strings (each STX … ETX CR LF) of a printer's answer; None if it is none."""
    strings = [part.split(b"\x03")[0] for part in answer.split(b"\x02")[1:]]
    if len(strings) < _STRINGS or answer.count(b"\x03") < _STRINGS:
        return None
    fields = [part.decode("ascii", "replace").split(",") for part in strings[:_STRINGS]]
    return fields if (len(fields[0]), len(fields[1])) == (_FIRST, _SECOND) else None


def trouble(fields: list[list[str]]) -> str | None:
    """Why the printer prints nothing now, and what to do; or None."""
    return next((told for string, field, told in _TROUBLES if fields[string][field].strip() == "1"), None)
