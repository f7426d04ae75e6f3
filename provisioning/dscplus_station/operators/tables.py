"""Operators, their positions and their sessions."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from dscplus_station.db import Base, one_of, unique_where
from dscplus_station.operators.rules import Position


class Operator(Base):
    """Somebody who works here. Of badge, PIN and password only hashes are kept.

    `system_user` is the login name under which the command line acts as this operator. `failures` in a row by
    badge, or in a session that stands in for it, and `name_failures` by name are counted by themselves: who
    only knows a name keeps nobody with a badge out.
    """

    __tablename__ = "operator"
    __table_args__ = (
        UniqueConstraint("badge_hash"),
        UniqueConstraint("system_user"),
        CheckConstraint("failures >= 0 AND name_failures >= 0", name="failures"),
    )

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    badge_hash: Mapped[str | None] = mapped_column(String(64))
    pin_hash: Mapped[str | None] = mapped_column(String(200))
    password_hash: Mapped[str | None] = mapped_column(String(200))
    system_user: Mapped[str | None] = mapped_column(String(64))
    added_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(default=0)
    wait_until: Mapped[datetime | None]
    name_failures: Mapped[int] = mapped_column(default=0)
    name_wait_until: Mapped[datetime | None]


class OperatorPosition(Base):
    """A position that an operator holds."""

    __tablename__ = "operator_position"

    operator: Mapped[str] = mapped_column(ForeignKey("operator.name"), primary_key=True)
    position: Mapped[Position] = mapped_column(one_of(Position, "position"), primary_key=True)


class OperatorSession(Base):
    """An operator who signed in at a station; of the cookie's value only a hash is kept."""

    __tablename__ = "operator_session"
    __table_args__ = (
        UniqueConstraint("token_hash"),
        unique_where("uq_operator_session_live", "operator", "station", where="ended_at IS NULL"),
        CheckConstraint("(ended_at IS NULL) = (end_reason IS NULL)", name="ended"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64))
    operator: Mapped[str] = mapped_column(ForeignKey("operator.name"))
    station: Mapped[str] = mapped_column(String(64))
    opened_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    locked_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str | None] = mapped_column(String(64))
