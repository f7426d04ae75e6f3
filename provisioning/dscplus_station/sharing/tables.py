"""Sharings, and the devices that they made redundant (R24 to R31)."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from dscplus_station.db import Base, one_of, unique_where
from dscplus_station.sharing.rules import SharingState


class Sharing(Base):
    """A user (the requester) uses another's (the owner's) device, too. One that lasts or waits a requester.

    `assignment_id` is the requester's assignment to the device. A request that nobody submits stays REQUESTED
    and has no effect.
    """

    __tablename__ = "sharing"
    __table_args__ = (
        unique_where("uq_sharing_live_requester", "requester", where="state IN ('PENDING', 'APPROVED')"),
        CheckConstraint("requester <> owner", name="two_users"),
        CheckConstraint(
            "(state IN ('APPROVED', 'CANCELLED')) = (assignment_id IS NOT NULL)", name="assigned"
        ),
        CheckConstraint("(state = 'REQUESTED') = (submitted_at IS NULL)", name="submitted"),
        CheckConstraint("(state IN ('REQUESTED', 'PENDING')) = (decided_at IS NULL)", name="decided"),
        CheckConstraint("(decided_at IS NULL) = (decided_by IS NULL)", name="decided_by"),
        CheckConstraint("(state = 'CANCELLED') = (ended_at IS NOT NULL)", name="ended"),
        CheckConstraint("(ended_at IS NULL) = (end_reason IS NULL)", name="end_reason"),
        Index("ix_sharing_owner", "owner", "state"),
        Index("ix_sharing_requester", "requester", "state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    requester: Mapped[str] = mapped_column(ForeignKey("user_name.name"))
    owner: Mapped[str] = mapped_column(ForeignKey("user_name.name"))
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"), index=True)
    assignment_id: Mapped[int | None] = mapped_column(ForeignKey("assignment.id"), unique=True)
    state: Mapped[SharingState] = mapped_column(one_of(SharingState, "state"))
    proven_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None] = mapped_column(String(64))
    note: Mapped[str | None] = mapped_column(String(200))
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str | None] = mapped_column(String(200))


class Redundant(Base):
    """A device of the requester's own that a sharing made dormant, to be active again when it ends (R30)."""

    __tablename__ = "sharing_redundant"

    sharing_id: Mapped[int] = mapped_column(ForeignKey("sharing.id"), primary_key=True)
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id"), primary_key=True)
