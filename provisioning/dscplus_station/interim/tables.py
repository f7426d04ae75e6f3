"""What is on record before interim access is given; passcodes and online cards themselves are devices."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from dscplus_station.db import Base


class IdentityCheck(Base):
    """That client services made sure who a caller is, and how (R17); never what was answered."""

    __tablename__ = "identity_check"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_name: Mapped[str] = mapped_column(ForeignKey("user_name.name"))
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"), unique=True)
    """The passcode that was given then."""
    checked_at: Mapped[datetime]
    checked_by: Mapped[str] = mapped_column(String(64))
    how: Mapped[str] = mapped_column(String(200))
