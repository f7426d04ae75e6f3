"""Every error the station tells people about: what is wrong, which card or order, what to do now.

Each class carries the exit code of the command contract, so that the command line, the page and the API
agree on what kind of failure it was. What it says is a template and its facts (`wording.Words`): the command
line, the logs and the API have it in English, a page in its reader's language.
"""

from dscplus_station.wording import Words


class StationError(Exception):
    """A failure that can be told in one line; nothing was changed unless the line says so.

    `told` is that line.
    """

    exit_code = 1
    of_the_deed = False
    """Whether it answers what was asked for, and would again: not who asks, nor when."""

    def __init__(self, text: str = "", /, **facts: object) -> None:
        said = {name: fact.told if isinstance(fact, StationError) else fact for name, fact in facts.items()}
        self.told: Words = Words(text, **said)
        super().__init__(self.told)


class BadInput(StationError):
    """What was given cannot be used as it stands."""

    of_the_deed = True


class WrongUsage(StationError):
    """The command was used in a way it does not allow."""

    exit_code = 2
    of_the_deed = True


class NotFound(StationError):
    """No such card, order, batch or home."""

    exit_code = 3
    of_the_deed = True


class NotPermitted(StationError):
    """The actor, the passphrase or the state of things does not allow it."""

    exit_code = 4
    of_the_deed = True


class NotAuthorised(NotPermitted):
    """Whoever asks lacks the role, the scope or the grant for it, or did not prove who it is."""

    of_the_deed = False


class TooSoon(NotPermitted):
    """There was too much of it just now; a while later it may be."""

    of_the_deed = False


class HeldByAnother(StationError):
    """Another process owns the card, the slot or the job."""

    exit_code = 5


class StateConflict(StationError):
    """The record is not in a state from which this can be done, or somebody else was faster."""


class DatabaseFailed(StationError):
    """The database could not do it: locked, full, read-only, damaged. The transaction was rolled back."""
