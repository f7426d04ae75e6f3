"""Cards that come back (R41 to R46)."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from dscplus_station.db import Base, one_of, unique_where
from dscplus_station.holds.rules import HoldEnd
from dscplus_station.returns.rules import ReturnReason, ReturnState


class Return(Base):
    """One return of one card; at most one is open. `reason` None: nobody announced it, the card just came."""

    __tablename__ = "card_return"
    __table_args__ = (
        unique_where("uq_card_return_open", "serial_number", where="state <> 'DISPOSED'"),
        CheckConstraint("(state IN ('ANNOUNCED', 'IN_TRANSIT')) = (received_at IS NULL)", name="received"),
        CheckConstraint("state <> 'ANNOUNCED' OR reason IS NOT NULL", name="announced"),
        CheckConstraint("(tracking IS NULL) = (posted_on IS NULL)", name="posted"),
        CheckConstraint("(tracking IS NULL) = (carrier IS NULL)", name="carrier"),
        CheckConstraint("(judged_end IS NULL) = (judged_by IS NULL)", name="judged"),
        Index("ix_card_return_state", "state", "id"),
        Index("ix_card_return_card", "serial_number", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    serial_number: Mapped[str] = mapped_column(ForeignKey("card.serial_number"))
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"), index=True)
    """The order that the card served, whose deposit it is."""
    reason: Mapped[ReturnReason | None] = mapped_column(one_of(ReturnReason, "reason"))
    region: Mapped[str | None] = mapped_column(String(40))
    """Whose address it goes to."""
    carrier: Mapped[str | None] = mapped_column(String(60))
    tracking: Mapped[str | None] = mapped_column(String(60))
    posted_on: Mapped[date | None]
    state: Mapped[ReturnState] = mapped_column(one_of(ReturnState, "state"))
    announced_at: Mapped[datetime]
    received_at: Mapped[datetime | None]
    changed_at: Mapped[datetime]
    judged_end: Mapped[HoldEnd | None] = mapped_column(one_of(HoldEnd, "judged_end"))
    """How the deposit ends as the returns desk judged (R12); a capture waits for a second person."""
    judged_by: Mapped[str | None] = mapped_column(String(64))
