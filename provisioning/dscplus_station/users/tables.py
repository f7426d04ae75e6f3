"""Users, by their names in the Secure Login System."""

from datetime import date

from sqlalchemy import CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from dscplus_station.db import Base


class User(Base):
    """A user name. Birth date and phone, if on record, are for the PIN policy only (R8)."""

    __tablename__ = "user_name"
    __table_args__ = (CheckConstraint("length(phone_tail) = 4", name="phone_tail"),)

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    birth_date: Mapped[date | None]
    phone_tail: Mapped[str | None] = mapped_column(String(4))
