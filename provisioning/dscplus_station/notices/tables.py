"""The outbox: notices, their deliveries, and where people are reached."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from dscplus_station.db import Base, one_of, unique_where
from dscplus_station.notices.rules import Channel, DeliveryState, NoticeKind


class Contact(Base):
    """Where a user is reached, and in which language (ISO 639-1)."""

    __tablename__ = "contact"

    user_name: Mapped[str] = mapped_column(ForeignKey("user_name.name"), primary_key=True)
    email: Mapped[str | None] = mapped_column(String(254))
    mobile: Mapped[str | None] = mapped_column(String(16))
    language: Mapped[str | None] = mapped_column(String(8))
    """Empty: each order's own."""


class Notice(Base):
    """One thing told to one user about one order: each kind once (R13); about a shipment, once a shipment."""

    __tablename__ = "notice"
    __table_args__ = (
        unique_where("uq_notice_order", "order_id", "kind", where="shipment_id IS NULL"),
        unique_where("uq_notice_shipment", "shipment_id", "kind", where="shipment_id IS NOT NULL"),
        Index("ix_notice_order", "order_id", "id"),
        Index("ix_notice_user", "user_name", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[NoticeKind] = mapped_column(one_of(NoticeKind, "kind"))
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"))
    shipment_id: Mapped[int | None] = mapped_column(ForeignKey("shipment.id"))
    user_name: Mapped[str] = mapped_column(ForeignKey("user_name.name"))
    language: Mapped[str] = mapped_column(String(8))
    """The order's; the user's own choice goes before it."""
    facts: Mapped[str] = mapped_column(Text)
    """What the text names, as canonical JSON; nothing secret."""
    useful_until: Mapped[date | None]
    queued_at: Mapped[datetime]


class Delivery(Base):
    """One notice on one channel. `reference` stays the same over all attempts, so that a gateway or a mail
    reader can tell a repetition.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("notice_id", "channel"),
        CheckConstraint("(state = 'SENT') = (sent_at IS NOT NULL)", name="sent"),
        CheckConstraint("(state = 'WAITING') = (due_at IS NOT NULL)", name="waiting"),
        CheckConstraint("attempts >= 0", name="attempts"),
        Index("ix_delivery_due", "state", "due_at"),
        Index("ix_delivery_state", "state", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    notice_id: Mapped[int] = mapped_column(ForeignKey("notice.id"))
    channel: Mapped[Channel] = mapped_column(one_of(Channel, "channel"))
    reference: Mapped[str] = mapped_column(String(32), unique=True)
    state: Mapped[DeliveryState] = mapped_column(one_of(DeliveryState, "state"))
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    trouble: Mapped[str | None] = mapped_column(String(200))
    """Why the last attempt failed."""
