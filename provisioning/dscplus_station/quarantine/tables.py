"""Cards set aside, with the evidence."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from dscplus_station.db import Base, one_of, unique_where
from dscplus_station.quarantine.rules import Cause, Resolution

_OPEN = text("resolved_at IS NULL")


class Quarantine(Base):
    """One setting aside of one card; at most one is open. `evidence` is JSON without secrets."""

    __tablename__ = "quarantine"
    __table_args__ = (
        unique_where("uq_quarantine_open", "serial_number", where="resolved_at IS NULL"),
        # What the list of cases is walked along.
        Index("ix_quarantine_card", "serial_number", "id"),
        Index("ix_quarantine_cause", "cause", "id"),
        Index("ix_quarantine_open", "id", sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index("ix_quarantine_open_cause", "cause", "id", sqlite_where=_OPEN, postgresql_where=_OPEN),
        CheckConstraint(
            "(resolved_at IS NULL) = (resolution IS NULL) AND (resolved_at IS NULL) = (resolved_by IS NULL)",
            name="resolved",
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    serial_number: Mapped[str] = mapped_column(ForeignKey("card.serial_number"))
    run_id: Mapped[str | None] = mapped_column(ForeignKey("run.id"))
    cause: Mapped[Cause] = mapped_column(one_of(Cause, "cause"))
    evidence: Mapped[str] = mapped_column(Text)
    opened_at: Mapped[datetime]
    opened_by: Mapped[str] = mapped_column(String(64))
    resolved_at: Mapped[datetime | None]
    resolved_by: Mapped[str | None] = mapped_column(String(64))
    resolution: Mapped[Resolution | None] = mapped_column(one_of(Resolution, "resolution"))
    note: Mapped[str | None] = mapped_column(String(200))
