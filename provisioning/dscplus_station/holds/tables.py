"""Deposits (R12)."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from dscplus_station.db import Base, one_of, unique_where
from dscplus_station.holds.rules import HoldState


class Hold(Base):
    """Money held on an account for an order's card. One hold an order, and one open hold a card."""

    __tablename__ = "hold"
    __table_args__ = (
        UniqueConstraint("order_id"),
        unique_where("uq_hold_open_card", "serial_number", where="state = 'HELD'"),
        CheckConstraint("amount_cents > 0", name="amount"),
        CheckConstraint("(state = 'HELD') = (ended_at IS NULL)", name="ended"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"))
    serial_number: Mapped[str | None] = mapped_column(ForeignKey("card.serial_number"))
    account: Mapped[str] = mapped_column(String(40))
    amount_cents: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    state: Mapped[HoldState] = mapped_column(one_of(HoldState, "state"))
    opened_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str | None] = mapped_column(String(200))
