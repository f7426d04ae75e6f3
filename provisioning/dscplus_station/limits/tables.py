"""Money that moved, as the limits count it; and who gets codes by SMS (R20 to R22)."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from dscplus_station.db import Base, one_of, unique_where
from dscplus_station.devices.rules import DeviceType


class MovementKind(StrEnum):
    """Out by a withdrawal, in by ACH or EFT."""

    WITHDRAWAL = "WITHDRAWAL"
    DEPOSIT = "DEPOSIT"


class Movement(Base):
    """A withdrawal or deposit that was let pass; the portal's reference makes it count once."""

    __tablename__ = "movement"
    __table_args__ = (
        CheckConstraint("amount_cents > 0", name="amount"),
        Index("ix_movement_window", "user_name", "kind", "on_day"),
    )

    reference: Mapped[str] = mapped_column(String(40), primary_key=True)
    kind: Mapped[MovementKind] = mapped_column(one_of(MovementKind, "kind"))
    user_name: Mapped[str] = mapped_column(ForeignKey("user_name.name"))
    device_type: Mapped[DeviceType] = mapped_column(one_of(DeviceType, "device_type"))
    amount_cents: Mapped[int] = mapped_column(BigInteger)
    on_day: Mapped[date]
    at: Mapped[datetime]


class SmsEnrolment(Base):
    """A mobile number that a user confirms by a code (R22); both are sealed under `sms_of(user)`."""

    __tablename__ = "sms_enrolment"
    __table_args__ = (
        unique_where("uq_sms_enrolment_open", "user_name", where="ended_at IS NULL"),
        CheckConstraint("(ended_at IS NULL) = (end_reason IS NULL)", name="ended"),
        CheckConstraint("(confirmed_at IS NULL) OR (sealed_code IS NULL)", name="code_erased"),
        CheckConstraint("ended_at IS NULL OR sealed_number IS NULL AND sealed_code IS NULL", name="erased"),
        Index("ix_sms_enrolment_sent", "user_name", "sent_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_name: Mapped[str] = mapped_column(ForeignKey("user_name.name"))
    sealed_number: Mapped[bytes | None] = mapped_column(LargeBinary)
    sealed_code: Mapped[bytes | None] = mapped_column(LargeBinary)
    sent_at: Mapped[datetime]
    wrong_codes: Mapped[int] = mapped_column(default=0)
    confirmed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str | None] = mapped_column(String(200))
