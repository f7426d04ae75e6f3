"""Shipments."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from dscplus_station.db import Base, unique_where


class Shipment(Base):
    """A card handed to a carrier. Periods run from `shipped_on`, a day in the issuer's zone (R13, R14)."""

    __tablename__ = "shipment"
    __table_args__ = (
        unique_where("uq_shipment_live_order", "order_id", where="undelivered_at IS NULL"),
        CheckConstraint("length(tracking) > 0 AND length(carrier) > 0", name="tracked"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"))
    serial_number: Mapped[str] = mapped_column(ForeignKey("card.serial_number"), index=True)
    carrier: Mapped[str] = mapped_column(String(60))
    tracking: Mapped[str] = mapped_column(String(60))
    shipped_on: Mapped[date]
    recorded_at: Mapped[datetime]
    undelivered_at: Mapped[datetime | None]
