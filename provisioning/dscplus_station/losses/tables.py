"""What was reported of cards."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from dscplus_station.db import Base, one_of
from dscplus_station.losses.rules import ReportKind


class CardReport(Base):
    """What happened to the card of an order, as it was reported last: one report an order (R12)."""

    __tablename__ = "card_report"

    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    serial_number: Mapped[str] = mapped_column(ForeignKey("card.serial_number"), index=True)
    kind: Mapped[ReportKind] = mapped_column(one_of(ReportKind, "kind"))
    note: Mapped[str | None] = mapped_column(String(200))
    reported_at: Mapped[datetime]
    reported_by: Mapped[str] = mapped_column(String(64))
