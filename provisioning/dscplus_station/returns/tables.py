"""Cards that come back (R41 to R46)."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from dscplus_station.db import Base, one_of, unique_where
from dscplus_station.returns.rules import ReturnReason, ReturnState


class Return(Base):
    """One return of one card; at most one is open."""

    __tablename__ = "card_return"
    __table_args__ = (unique_where("uq_card_return_open", "serial_number", where="state <> 'DISPOSED'"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    serial_number: Mapped[str] = mapped_column(ForeignKey("card.serial_number"))
    reason: Mapped[ReturnReason] = mapped_column(one_of(ReturnReason, "reason"))
    tracking: Mapped[str | None] = mapped_column(String(60))
    state: Mapped[ReturnState] = mapped_column(one_of(ReturnState, "state"))
    announced_at: Mapped[datetime]
    received_at: Mapped[datetime | None]
    changed_at: Mapped[datetime]
