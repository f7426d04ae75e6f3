"""What an operator has at hand at a station: one order that waits for its card, one open parcel."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from dscplus_station.db import Base, one_of, unique_where
from dscplus_station.parcels.rules import ParcelEnd, WaitEnd


class WaitingOrder(Base):
    """An order that was scanned and binds to the next card that is plugged in.

    `expected`: the serial number that was scanned for it, if one was. `slot` and `inserted`: the card that
    was plugged in. `stopped_at`: a second one was, before the first was bound.
    """

    __tablename__ = "waiting_order"
    __table_args__ = (
        unique_where("uq_waiting_order_operator", "operator", "station", where="ended_at IS NULL"),
        unique_where("uq_waiting_order_order", "order_id", where="ended_at IS NULL"),
        CheckConstraint("(ended_at IS NULL) = (ended_as IS NULL)", name="ended"),
        CheckConstraint("(slot IS NULL) = (inserted IS NULL)", name="inserted"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    operator: Mapped[str] = mapped_column(String(64))
    station: Mapped[str] = mapped_column(String(64))
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"))
    taken_at: Mapped[datetime]
    expected: Mapped[str | None] = mapped_column(ForeignKey("card.serial_number"))
    slot: Mapped[int | None]
    inserted: Mapped[str | None] = mapped_column(ForeignKey("card.serial_number"))
    stopped_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_as: Mapped[WaitEnd | None] = mapped_column(one_of(WaitEnd, "ended_as"))


class Parcel(Base):
    """An envelope that is being closed. `label_copy`: 0 where the order was scanned in the label's place.

    `pair_id`: both were scanned, and are one pair; a tracking number is expected.
    """

    __tablename__ = "parcel"
    __table_args__ = (
        unique_where("uq_parcel_operator", "operator", "station", where="ended_at IS NULL"),
        unique_where("uq_parcel_order", "order_id", where="ended_at IS NULL"),
        CheckConstraint("(ended_at IS NULL) = (ended_as IS NULL)", name="ended"),
        CheckConstraint("card_at IS NOT NULL OR label_copy IS NOT NULL", name="begun"),
        CheckConstraint("pair_id IS NULL OR (card_at IS NOT NULL AND label_copy IS NOT NULL)", name="pair"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    operator: Mapped[str] = mapped_column(String(64))
    station: Mapped[str] = mapped_column(String(64))
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"))
    serial_number: Mapped[str] = mapped_column(ForeignKey("card.serial_number"))
    opened_at: Mapped[datetime]
    card_at: Mapped[datetime | None]
    label_copy: Mapped[int | None]
    pair_id: Mapped[int | None] = mapped_column(ForeignKey("scanned_pair.id"))
    ended_at: Mapped[datetime | None]
    ended_as: Mapped[ParcelEnd | None] = mapped_column(one_of(ParcelEnd, "ended_as"))
