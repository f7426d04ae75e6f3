"""Every error the station tells people about: what is wrong, which card or order, what to do now.

Each class carries the exit code of the command contract, so that the command line, the page and the API
agree on what kind of failure it was.
"""


class StationError(Exception):
    """A failure that can be told in one line; nothing was changed unless the line says so."""

    exit_code = 1


class BadInput(StationError):
    """What was given cannot be used as it stands."""


class WrongUsage(StationError):
    """The command was used in a way it does not allow."""

    exit_code = 2


class NotFound(StationError):
    """No such card, order, batch or home."""

    exit_code = 3


class NotPermitted(StationError):
    """The actor, the passphrase or the state of things does not allow it."""

    exit_code = 4


class HeldByAnother(StationError):
    """Another process owns the card, the slot or the job."""

    exit_code = 5


class StateConflict(StationError):
    """The record is not in a state from which this can be done, or somebody else was faster."""


class DatabaseFailed(StationError):
    """The database could not do it: locked, full, read-only, damaged. The transaction was rolled back."""
