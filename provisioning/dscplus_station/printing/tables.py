"""What was, is and is to be printed on labels."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from dscplus_station.db import Base, one_of
from dscplus_station.printing.rules import JobKind, JobState


class PrintJob(Base):
    """One printing: by whom, at which station, when; what came of it. `copy` is the label's number.

    `because`: why it is printed again; `trouble`: why it is not SENT. What it says is read from the records
    when it is sent: no name and no address is kept here.
    """

    __tablename__ = "print_job"
    __table_args__ = (
        UniqueConstraint("order_id", "serial_number", "copy"),
        CheckConstraint(
            "(kind = 'label') = (order_id IS NOT NULL) AND (kind = 'label') = (copy IS NOT NULL)",
            name="label",
        ),
        CheckConstraint("(state IN ('WAITING', 'SENDING')) = (ended_at IS NULL)", name="ended"),
        Index("ix_print_job_state", "state", "station"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[JobKind] = mapped_column(one_of(JobKind, "kind"))
    order_id: Mapped[str | None] = mapped_column(ForeignKey("orders.id"))
    serial_number: Mapped[str] = mapped_column(ForeignKey("card.serial_number"))
    copy: Mapped[int | None]
    slot: Mapped[str | None] = mapped_column(String(16))
    because: Mapped[str | None] = mapped_column(String(200))
    operator: Mapped[str] = mapped_column(String(64))
    station: Mapped[str] = mapped_column(String(64))
    asked_at: Mapped[datetime]
    state: Mapped[JobState] = mapped_column(one_of(JobState, "state"))
    ended_at: Mapped[datetime | None]
    trouble: Mapped[str | None] = mapped_column(String(200))
