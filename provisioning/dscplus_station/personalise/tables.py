"""The journal of personalisation: runs and their confirmed steps. The only truth about a run."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from dscplus_station.db import Base, one_of


class RunState(StrEnum):
    """The last step that the card has confirmed (design, part 4)."""

    RESERVED = "RESERVED"
    KEYS_ROTATED = "KEYS_ROTATED"
    SEED_STORED = "SEED_STORED"
    PIN_SET = "PIN_SET"
    VERIFIED = "VERIFIED"
    SECURED = "SECURED"


class RunResult(StrEnum):
    """How a run ended. A run without a result is open, and running it again completes it."""

    COMPLETED = "COMPLETED"
    QUARANTINED = "QUARANTINED"
    CANCELLED = "CANCELLED"


class Run(Base):
    """One order onto one card. The seed is sealed under `seed_of(serial_number, id)`, one seed a run."""

    __tablename__ = "run"
    __table_args__ = (
        Index(
            "uq_run_open_order",
            "order_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index(
            "uq_run_open_card",
            "serial_number",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        CheckConstraint("(ended_at IS NULL) = (result IS NULL)", name="ended"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"))
    serial_number: Mapped[str] = mapped_column(ForeignKey("card.serial_number"))
    sealed_seed: Mapped[bytes | None] = mapped_column(LargeBinary)
    state: Mapped[RunState] = mapped_column(one_of(RunState, "state"))
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    result: Mapped[RunResult | None] = mapped_column(one_of(RunResult, "result"))


class RunStep(Base):
    """A step the card has confirmed, with what it answered (no secret in it)."""

    __tablename__ = "run_step"
    __table_args__ = (UniqueConstraint("run_id", "step"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("run.id"))
    step: Mapped[RunState] = mapped_column(one_of(RunState, "step"))
    at: Mapped[datetime]
    evidence: Mapped[str] = mapped_column(Text)
