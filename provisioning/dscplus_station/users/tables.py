"""Users, by their names in the Secure Login System."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from dscplus_station.db import Base, unique_where


class User(Base):
    """A user name. Birth date and phone, if on record, serve the PIN policy (R8); sharing, too (R24).

    An account has one primary user (R33).
    """

    __tablename__ = "user_name"
    __table_args__ = (
        unique_where("uq_user_name_primary", "account", where="is_primary"),
        CheckConstraint("length(phone_tail) = 4", name="phone_tail"),
        CheckConstraint("account IS NOT NULL OR NOT is_primary", name="primary_of_account"),
    )

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    birth_date: Mapped[date | None]
    phone_tail: Mapped[str | None] = mapped_column(String(4))
    account: Mapped[str | None] = mapped_column(String(40), index=True)
    is_primary: Mapped[bool] = mapped_column(default=False)


class IdentityRecord(Base):
    """Who a user is in law (R24): the entity, and sealed under `identity_of(user)` what documents say."""

    __tablename__ = "identity"

    user_name: Mapped[str] = mapped_column(ForeignKey("user_name.name"), primary_key=True)
    entity: Mapped[str] = mapped_column(String(40), index=True)
    sealed_facts: Mapped[bytes] = mapped_column(LargeBinary)
    recorded_at: Mapped[datetime]


class Closure(Base):
    """A user whose account is closed: user name and password only, portal only (R45). It is for good."""

    __tablename__ = "closure"

    user_name: Mapped[str] = mapped_column(ForeignKey("user_name.name"), primary_key=True)
    closed_at: Mapped[datetime]
    closed_by: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(String(200))
