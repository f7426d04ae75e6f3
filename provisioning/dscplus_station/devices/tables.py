"""Devices (what can verify a holder) and their users."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from dscplus_station.db import Base, one_of, unique_where
from dscplus_station.devices.rules import ActivatedBy, AssignmentState, DeviceType, Profile


class Device(Base):
    """What users authenticate with. A card wiped and made anew becomes another device.

    The seed is sealed under `seed_of(serial_number, run_id)`; profile B's PIN hash likewise by `pin_hash_of`.
    Only a DSC+ has them. What the answers of passcodes and code cards are compared with is sealed under
    `codes_of(serial_number)`. Of any other device the station knows that it is there, and whose (R26, R30).
    """

    __tablename__ = "device"
    __table_args__ = (
        unique_where("uq_device_live_card", "serial_number", where="ended_at IS NULL"),
        CheckConstraint("type NOT IN ('none', 'SMS')", name="type_held"),
        CheckConstraint(
            "(type = 'DSC+') = (run_id IS NOT NULL AND profile IS NOT NULL AND suite IS NOT NULL)",
            name="verifiable",
        ),
        CheckConstraint(
            "type <> 'DSC+' AND sealed_seed IS NULL OR (ended_at IS NOT NULL) = (sealed_seed IS NULL)",
            name="seed_erased",
        ),
        CheckConstraint("sealed_pin_hash IS NULL OR profile = 'B' AND ended_at IS NULL", name="pin_hash"),
        CheckConstraint(
            "(type IN ('temporary passcode', 'Online Security Code Card')) = (expires_at IS NOT NULL)",
            name="expires",
        ),
        CheckConstraint(
            "(type = 'temporary passcode') = (portal_only_from IS NOT NULL)", name="portal_only_from"
        ),
        CheckConstraint(
            "sealed_codes IS NULL OR ended_at IS NULL AND type IN"
            " ('Security Code Card', 'temporary passcode', 'Online Security Code Card')",
            name="codes",
        ),
        CheckConstraint(
            "expires_at IS NULL OR (ended_at IS NOT NULL) = (sealed_codes IS NULL)", name="codes_erased"
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    type: Mapped[DeviceType] = mapped_column(one_of(DeviceType, "type"))
    serial_number: Mapped[str] = mapped_column(String(40), index=True)
    run_id: Mapped[str | None] = mapped_column(ForeignKey("run.id"), unique=True)
    profile: Mapped[Profile | None] = mapped_column(one_of(Profile, "profile"))
    suite: Mapped[str | None] = mapped_column(String(60))
    sealed_seed: Mapped[bytes | None] = mapped_column(LargeBinary)
    sealed_pin_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    sealed_codes: Mapped[bytes | None] = mapped_column(LargeBinary)
    portal_only_from: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    enrolled_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Assignment(Base):
    """A user of a device. Several users may share one card (R4); a user may have several devices (R23)."""

    __tablename__ = "assignment"
    __table_args__ = (
        unique_where("uq_assignment_live", "device_id", "user_name", where="state <> 'REVOKED'"),
        CheckConstraint("(activated_at IS NULL) = (activated_by IS NULL)", name="activated"),
        CheckConstraint("(state = 'REVOKED') = (revoked_at IS NOT NULL)", name="revoked"),
        CheckConstraint("wrong_responses >= 0", name="wrong_responses"),
        Index("ix_assignment_user", "user_name"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"), index=True)
    user_name: Mapped[str] = mapped_column(ForeignKey("user_name.name"))
    state: Mapped[AssignmentState] = mapped_column(one_of(AssignmentState, "state"))
    created_at: Mapped[datetime]
    activated_at: Mapped[datetime | None]
    activated_by: Mapped[ActivatedBy | None] = mapped_column(one_of(ActivatedBy, "activated_by"))
    wrong_responses: Mapped[int] = mapped_column(default=0)
    revoked_at: Mapped[datetime | None]
    revoke_reason: Mapped[str | None] = mapped_column(String(200))
