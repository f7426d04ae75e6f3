"""How each job's last run ended. What the runs changed is in the audit trail; this is no history."""

from datetime import datetime

from sqlalchemy import CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from dscplus_station.db import Base, one_of
from dscplus_station.jobs.rules import Outcome


class JobRecord(Base):
    """A job of a station, after its last run."""

    __tablename__ = "job"
    __table_args__ = (CheckConstraint("(outcome = 'FAILED') = (failures > 0)", name="failures"),)

    station: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime]
    outcome: Mapped[Outcome] = mapped_column(one_of(Outcome, "outcome"))
    told: Mapped[str] = mapped_column(String(400))
    """What it did, or why it failed."""
    failures: Mapped[int]
    """Runs that failed in a row."""
    done_at: Mapped[datetime | None]
    """When it last did its work, wholly or in part."""
    next_at: Mapped[datetime]
