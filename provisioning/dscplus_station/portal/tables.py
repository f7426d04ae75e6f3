"""Logins that have begun with a right password."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from dscplus_station.db import Base


class WrongPasswords(Base):
    """Wrong passwords in a row for a name, whether there is such a user or not; the name as a hash."""

    __tablename__ = "wrong_passwords"

    name_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    failures: Mapped[int]
    first_failure_at: Mapped[datetime] = mapped_column(index=True)


class PortalLogin(Base):
    """One login: begun by a right password, ended by a device's right answer. Of its name a hash is kept."""

    __tablename__ = "portal_login"
    __table_args__ = (UniqueConstraint("token_hash"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64))
    user_name: Mapped[str] = mapped_column(ForeignKey("user_name.name"), index=True)
    begun_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    ended_at: Mapped[datetime | None]
    device_id: Mapped[int | None] = mapped_column(ForeignKey("device.id"))
