"""The jobs: what each does, how often, and the rules behind it. Their order is that in which they run.

Each of them may be killed at any point, run late, or run twice: a run does what is due then, whatever was
missed. So no job has a fixed hour.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from dscplus_station.activation.daily import run_timers
from dscplus_station.actor import Actor
from dscplus_station.errors import NotFound
from dscplus_station.limits import sms
from dscplus_station.notices import overview, sending
from dscplus_station.notices.configuration import station_gateways
from dscplus_station.notices.rules import Channel
from dscplus_station.operators import sessions
from dscplus_station.ordering import left
from dscplus_station.portal import forgetting
from dscplus_station.station import Station
from dscplus_station.tokens import replays

Stop = Callable[[], bool]
"""Whether the process is to end: a long run then ends after the card or message that it is at."""


@dataclass(frozen=True)
class Did:
    """What a run came to, in a line; `trouble`, if something has to be tried again or looked at.

    `stopped`: it was cut short, as asked, and the rest waits for another run.
    """

    told: str
    trouble: tuple[str, ...] = ()
    stopped: bool = False


@dataclass(frozen=True)
class Job:
    """Something that is to be done every so often."""

    name: str
    does: str
    rules: str
    every: timedelta
    deed: Callable[[Station, Actor, Stop], Did]


def _activation(station: Station, actor: Actor, stop: Stop) -> Did:
    run = run_timers(station, actor, stop=stop)
    told = f"{len(run.activated)} cards activated, {len(run.announced)} announced"
    return Did(told, tuple(reason for _, reason in run.held_back), run.stopped)


def _notices(station: Station, actor: Actor, stop: Stop) -> Did:
    gateways = station_gateways(station)
    done = sending.send_due(station, actor, gateways, stop=stop)
    waiting = overview.waiting_without(station, [one for one in Channel if one not in gateways])
    trouble = [f"{reference}: {reason}" for reference, reason in (*done.to_be_repeated, *done.ended_unsent)]
    again, ended = len(done.to_be_repeated), len(done.ended_unsent)
    told = f"{len(done.sent)} sent, {again} to be tried again, {ended} ended unsent"
    # No trouble of this run: nothing it could do, and the next ones neither. The page Day shows it.
    told += "".join(f", {number} without [notices.{one.lower()}]" for one, number in waiting.items())
    return Did(told, tuple(trouble), done.stopped)


def _drafts(station: Station, actor: Actor, stop: Stop) -> Did:
    done = left.close_left(station, actor, stop)
    return Did(f"{done.number} drafts closed", stopped=done.stopped)


def _numbers(station: Station, actor: Actor, _stop: Stop) -> Did:
    return Did(f"{sms.end_unconfirmed(station, actor)} unconfirmed numbers erased")


def _sessions(station: Station, actor: Actor, _stop: Stop) -> Did:
    return Did(f"{sessions.end_overdue(station, actor)} sessions ended")


def _logins(station: Station, _actor: Actor, stop: Stop) -> Did:
    done = forgetting.forget_old(station, stop)
    return Did(f"{done.number} logins and counts of passwords forgotten", stopped=done.stopped)


def _answers(station: Station, _actor: Actor, _stop: Stop) -> Did:
    return Did(f"{replays.forget_old(station)} answers forgotten")


_HOUR = timedelta(hours=1)

JOBS = (
    Job(
        "activation",
        "activates what is due, queues the notices that are due",
        "R13-R16",
        timedelta(minutes=10),
        _activation,
    ),
    Job(
        "notices",
        "sends what is queued, tries again what a gateway did not take",
        "R13, R42",
        timedelta(minutes=1),
        _notices,
    ),
    Job("drafts", "closes orders that their client left before placing them", "R11", _HOUR, _drafts),
    Job("numbers", "erases mobile numbers that were not confirmed in time", "R22", _HOUR, _numbers),
    Job("sessions", "ends operators' sessions that are over", "-", _HOUR, _sessions),
    Job("logins", "forgets logins that are over, and old wrong passwords", "R1, R6", _HOUR, _logins),
    Job("answers", "forgets answers kept for repeated requests", "-", _HOUR, _answers),
)


def job_named(name: str) -> Job:
    """The job of that name.

    Raises:
        NotFound: there is none.
    """
    for job in JOBS:
        if job.name == name:
            return job
    raise NotFound(f"no job {name!r}: there are {', '.join(job.name for job in JOBS)}")
