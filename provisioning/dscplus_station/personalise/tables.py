"""The journal of personalisation: runs and their confirmed steps. The only truth about a run."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from dscplus_station.db import Base, one_of, unique_where
from dscplus_station.personalise.rules import RunResult, RunState


class Run(Base):
    """One order onto one card, with its own seed, sealed under `seed_of(serial_number, id)` until it ends.

    `check_value` (hex) outlives the seed: it tells what a card that comes back still holds.
    """

    __tablename__ = "run"
    __table_args__ = (
        unique_where("uq_run_open_order", "order_id", where="ended_at IS NULL"),
        unique_where("uq_run_open_card", "serial_number", where="ended_at IS NULL"),
        CheckConstraint("(ended_at IS NULL) = (result IS NULL)", name="ended"),
        CheckConstraint("(ended_at IS NULL) = (sealed_seed IS NOT NULL)", name="seed_moved"),
        Index("ix_run_started", "started_at"),
        Index("ix_run_ended", "ended_at"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"))
    serial_number: Mapped[str] = mapped_column(ForeignKey("card.serial_number"), index=True)
    sealed_seed: Mapped[bytes | None] = mapped_column(LargeBinary)
    check_value: Mapped[str] = mapped_column(String(16))
    state: Mapped[RunState] = mapped_column(one_of(RunState, "state"))
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    result: Mapped[RunResult | None] = mapped_column(one_of(RunResult, "result"))


class RunStep(Base):
    """A step the card has confirmed, in the order of `id`; a step that had to be repeated is there twice.

    `evidence` is JSON without secrets. `slot` is the number of the bench's slot that had the card, None for
    a port in no slot.
    """

    __tablename__ = "run_step"

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("run.id"), index=True)
    step: Mapped[RunState] = mapped_column(one_of(RunState, "step"))
    at: Mapped[datetime]
    slot: Mapped[int | None]
    evidence: Mapped[str] = mapped_column(Text)
