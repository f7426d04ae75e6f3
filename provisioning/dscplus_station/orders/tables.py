"""Orders, and the bindings that say which card serves which order."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from dscplus_station.db import Base, one_of, unique_where
from dscplus_station.devices.rules import Profile
from dscplus_station.orders.rules import OrderKind, OrderState


class Order(Base):
    """What a client ordered. The PIN is sealed under `pin_of(order)` and erased when the card is secured."""

    __tablename__ = "orders"
    __table_args__ = (
        CheckConstraint("kind = 'replacement' OR replaces IS NULL", name="replaces"),
        CheckConstraint(
            "sealed_pin IS NULL OR state IN ('DRAFT', 'REVIEW', 'PLACED', 'IN_PROVISIONING')",
            name="pin_erased",
        ),
        CheckConstraint("placed_at IS NOT NULL OR state IN ('DRAFT', 'REVIEW', 'CANCELLED')", name="placed"),
        # A card is replaced once for a user; a cancelled order does not count.
        unique_where(
            "uq_orders_live_replacement",
            "replaces",
            "user_name",
            where="state <> 'CANCELLED' AND state <> 'UNDELIVERED'",
        ),
        Index("ix_orders_state", "state", "placed_at", "id"),
        Index("ix_orders_replaces", "replaces", "id"),
        # What the list of orders is walked along, beside it.
        Index("ix_orders_placed", "placed_at", "id"),
        Index("ix_orders_user", "user_name", "id"),
        Index("ix_orders_changed", "changed_at", "id"),
        Index("ix_orders_state_changed", "state", "changed_at", "id"),
        Index("ix_orders_kind_changed", "kind", "changed_at", "id"),
        Index("ix_orders_state_kind_changed", "state", "kind", "changed_at", "id"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    user_name: Mapped[str] = mapped_column(ForeignKey("user_name.name"))
    kind: Mapped[OrderKind] = mapped_column(one_of(OrderKind, "kind"))
    replaces: Mapped[str | None] = mapped_column(ForeignKey("card.serial_number"))
    profile: Mapped[Profile] = mapped_column(one_of(Profile, "profile"))
    language: Mapped[str] = mapped_column(String(8))
    name: Mapped[str] = mapped_column(String(120))
    address: Mapped[str] = mapped_column(String(400))
    country: Mapped[str] = mapped_column(String(2))
    sealed_pin: Mapped[bytes | None] = mapped_column(LargeBinary)
    state: Mapped[OrderState] = mapped_column(one_of(OrderState, "state"))
    placed_at: Mapped[datetime | None]
    changed_at: Mapped[datetime]
    hold_account: Mapped[str | None] = mapped_column(String(40))
    """The account that carries the deposit (R11); None: chosen by nobody, or the order came in a file."""
    estimated_shipment_on: Mapped[date | None]
    """What the client was told when the order was placed (R11)."""


class Binding(Base):
    """A card serves an order until `released_at`: one live card an order, one live order a card."""

    __tablename__ = "binding"
    __table_args__ = (
        unique_where("uq_binding_live_order", "order_id", where="released_at IS NULL"),
        unique_where("uq_binding_live_card", "serial_number", where="released_at IS NULL"),
        CheckConstraint("(released_at IS NULL) = (release_reason IS NULL)", name="released"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"), index=True)
    serial_number: Mapped[str] = mapped_column(ForeignKey("card.serial_number"), index=True)
    bound_at: Mapped[datetime]
    released_at: Mapped[datetime | None]
    release_reason: Mapped[str | None] = mapped_column(String(200))
