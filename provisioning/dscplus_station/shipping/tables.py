"""Printed labels, pairs scanned at packing, shipments."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from dscplus_station.db import Base, unique_where


class Label(Base):
    """One printing of the label of an order's card. Of several the last counts; the earlier ones are void."""

    __tablename__ = "label"
    __table_args__ = (
        UniqueConstraint("order_id", "serial_number", "copy"),
        CheckConstraint("copy BETWEEN 1 AND 9999", name="copy"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"))
    serial_number: Mapped[str] = mapped_column(ForeignKey("card.serial_number"))
    copy: Mapped[int]
    issued_at: Mapped[datetime]


class ScannedPair(Base):
    """A card's own printed serial number and its label, both scanned: what is in the envelope, by whom.

    `label_id` is None at a station that prints no labels: there the order was scanned in its place.
    """

    __tablename__ = "scanned_pair"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"), index=True)
    serial_number: Mapped[str] = mapped_column(ForeignKey("card.serial_number"))
    label_id: Mapped[int | None] = mapped_column(ForeignKey("label.id"))
    operator: Mapped[str] = mapped_column(String(64))
    station: Mapped[str] = mapped_column(String(64))
    scanned_at: Mapped[datetime]


class Shipment(Base):
    """A card handed to a carrier. Periods run from `shipped_on`, a day in the issuer's zone (R13, R14).

    None without a pair that was scanned for it, and none on a pair that served another one. `undelivered_at`:
    it was reported, or seen at the returns desk, that the parcel never reached its holder; a card that was
    lost, or sent back, by its holder was delivered.
    """

    __tablename__ = "shipment"
    __table_args__ = (
        unique_where(
            "uq_shipment_live_order", "order_id", where="undelivered_at IS NULL AND undone_at IS NULL"
        ),
        CheckConstraint("length(tracking) > 0 AND length(carrier) > 0", name="tracked"),
        CheckConstraint("(undone_at IS NULL) = (undone_because IS NULL)", name="undone"),
        UniqueConstraint("pair_id"),
        # What the list of shipments is walked along.
        Index("ix_shipment_tracking", "tracking", "id"),
        Index("ix_shipment_order", "order_id", "id"),
        Index("ix_shipment_shipped", "shipped_on", "id"),
        Index("ix_shipment_carrier_shipped", "carrier", "shipped_on", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"))
    serial_number: Mapped[str] = mapped_column(ForeignKey("card.serial_number"), index=True)
    pair_id: Mapped[int] = mapped_column(ForeignKey("scanned_pair.id"))
    carrier: Mapped[str] = mapped_column(String(60))
    tracking: Mapped[str] = mapped_column(String(60))
    shipped_on: Mapped[date]
    recorded_at: Mapped[datetime]
    undelivered_at: Mapped[datetime | None]
    undone_at: Mapped[datetime | None]
    undone_because: Mapped[str | None] = mapped_column(String(200))
