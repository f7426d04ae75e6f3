"""Activation timers: one for each shipped card."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from dscplus_station.activation.rules import TimerState
from dscplus_station.db import Base, one_of, unique_where


class ActivationTimer(Base):
    """When a shipped card becomes active by itself (R13) or compulsory (R14), unless stopped (R15, R16)."""

    __tablename__ = "activation_timer"
    __table_args__ = (
        unique_where("uq_activation_timer_running", "serial_number", where="state = 'RUNNING'"),
        CheckConstraint("(state = 'RUNNING') = (ended_at IS NULL)", name="ended"),
        Index("ix_activation_timer_due", "state", "due_on", "shipment_id"),
        Index("ix_activation_timer_order", "order_id", "state"),
        Index("ix_activation_timer_day", "due_on", "shipment_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    shipment_id: Mapped[int] = mapped_column(ForeignKey("shipment.id"), unique=True)
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"))
    serial_number: Mapped[str] = mapped_column(ForeignKey("card.serial_number"), index=True)
    due_on: Mapped[date]
    state: Mapped[TimerState] = mapped_column(one_of(TimerState, "state"))
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str | None] = mapped_column(String(200))
