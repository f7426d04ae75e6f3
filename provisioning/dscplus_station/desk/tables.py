"""What the returns desk found, and the journal of what it then did to cards."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from dscplus_station.db import Base, one_of, unique_where
from dscplus_station.desk.rules import Outcome
from dscplus_station.desk.states import DisposalResult, DisposalState
from dscplus_station.returns.rules import Condition


class Inspection(Base):
    """One look at one card. `serial_number` may be unknown to the stock. Findings and reasons are JSON."""

    __tablename__ = "inspection"

    id: Mapped[int] = mapped_column(primary_key=True)
    serial_number: Mapped[str] = mapped_column(String(10), index=True)
    return_id: Mapped[int | None] = mapped_column(ForeignKey("card_return.id"))
    at: Mapped[datetime]
    operator: Mapped[str] = mapped_column(String(64))
    condition: Mapped[Condition] = mapped_column(one_of(Condition, "condition"))
    findings: Mapped[str] = mapped_column(Text)
    outcome: Mapped[Outcome] = mapped_column(one_of(Outcome, "outcome"))
    reasons: Mapped[str] = mapped_column(Text)


class Disposal(Base):
    """A restock or a scrap of one card, from its intent to its proof; at most one is open.

    `because`: why the desk did otherwise than its inspection recommends; None if it did as recommended.
    """

    __tablename__ = "disposal"
    __table_args__ = (
        unique_where("uq_disposal_open", "serial_number", where="ended_at IS NULL"),
        CheckConstraint("(ended_at IS NULL) = (result IS NULL)", name="ended"),
        CheckConstraint("kind <> 'quarantine'", name="kind_done_to_a_card"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    serial_number: Mapped[str] = mapped_column(ForeignKey("card.serial_number"), index=True)
    inspection_id: Mapped[int] = mapped_column(ForeignKey("inspection.id"))
    kind: Mapped[Outcome] = mapped_column(one_of(Outcome, "kind"))
    because: Mapped[str | None] = mapped_column(String(200))
    state: Mapped[DisposalState] = mapped_column(one_of(DisposalState, "state"))
    started_at: Mapped[datetime]
    started_by: Mapped[str] = mapped_column(String(64))
    ended_at: Mapped[datetime | None]
    result: Mapped[DisposalResult | None] = mapped_column(one_of(DisposalResult, "result"))


class DisposalStep(Base):
    """A step that the card has confirmed. `evidence` is JSON without secrets."""

    __tablename__ = "disposal_step"

    id: Mapped[int] = mapped_column(primary_key=True)
    disposal_id: Mapped[str] = mapped_column(ForeignKey("disposal.id"), index=True)
    step: Mapped[DisposalState] = mapped_column(one_of(DisposalState, "step"))
    at: Mapped[datetime]
    evidence: Mapped[str] = mapped_column(Text)


class ShelfCount(Base):
    """A count of the quarantine shelf: what lay there, and how that differed from the records (JSON)."""

    __tablename__ = "shelf_count"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    operator: Mapped[str] = mapped_column(String(64))
    counted: Mapped[int]
    missing: Mapped[str] = mapped_column(Text)
    unexpected: Mapped[str] = mapped_column(Text)
