"""Temporary passcodes and online cards: here only what activation needs (R15, R16)."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from dscplus_station.db import Base, one_of, unique_where


class InterimKind(StrEnum):
    """R17, R18."""

    PASSCODE = "PASSCODE"
    ONLINE_CARD = "ONLINE_CARD"


class InterimAccess(Base):
    """What lets a user in until a replacement is active. `expires_on`: its last day, in the issuer's zone."""

    __tablename__ = "interim_access"
    __table_args__ = (
        unique_where("uq_interim_access_open", "user_name", "kind", where="ended_at IS NULL"),
        CheckConstraint("(ended_at IS NULL) = (end_reason IS NULL)", name="ended"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_name: Mapped[str] = mapped_column(ForeignKey("user_name.name"))
    kind: Mapped[InterimKind] = mapped_column(one_of(InterimKind, "kind"))
    started_on: Mapped[date]
    expires_on: Mapped[date]
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str | None] = mapped_column(String(200))
