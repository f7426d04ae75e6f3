"""Jobs that somebody should look at, for the pages of those who can see to it."""

from dataclasses import dataclass
from datetime import datetime

from dscplus_station.jobs.records import records
from dscplus_station.jobs.rules import Attention, Outcome, attention
from dscplus_station.station import Station
from dscplus_station.wording import N_

DOES = {
    "activation": N_("Activation of cards, and its announcements"),
    "notices": N_("Notices to holders"),
    "drafts": N_("Closing orders that were left before they were placed"),
    "numbers": N_("Erasing mobile numbers that were not confirmed"),
    "sessions": N_("Ending operators' sessions in time"),
    "logins": N_("Forgetting old logins"),
    "answers": N_("Forgetting old answers of the API"),
}
"""What each job does, as operators know it."""


@dataclass(frozen=True)
class Trouble:
    """A job that somebody should look at. `told`: what went wrong, in English, as the log has it."""

    job: str
    does: str
    attention: Attention
    failures: int
    last_at: datetime
    done_at: datetime | None
    next_at: datetime
    told: str | None


def job_troubles(station: Station) -> list[Trouble]:
    """The jobs of this station that somebody should look at now; most of the time none."""
    now, known = station.now(), records(station)
    found = []
    for name, does in DOES.items():
        run = known.get(name)
        if run is not None and (why := attention(now, run.outcome, run.next_at)) is not None:
            told = run.told if run.outcome in (Outcome.FAILED, Outcome.IN_PART) else None
            found.append(Trouble(name, does, why, run.failures, run.ended_at, run.done_at, run.next_at, told))
    return found
