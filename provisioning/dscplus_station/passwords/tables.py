"""Passwords of users, where the station checks them itself."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from dscplus_station.db import Base


class UserPassword(Base):
    """A user's password, as an Argon2id hash."""

    __tablename__ = "user_password"

    user_name: Mapped[str] = mapped_column(ForeignKey("user_name.name"), primary_key=True)
    password_hash: Mapped[str] = mapped_column(String(200))
    changed_at: Mapped[datetime]
