"""How an activation can stand and who brought it about."""

from enum import StrEnum


class TimerState(StrEnum):
    """The life of an activation timer."""

    RUNNING = "RUNNING"
    DONE = "DONE"
    STOPPED = "STOPPED"
