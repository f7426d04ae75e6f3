"""Resets of forgotten PINs that client services allowed."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from dscplus_station.db import Base


class PinReset(Base):
    """A permission for a user's device, after an identity check: `how` it was done, not what was answered."""

    __tablename__ = "pin_reset"

    id: Mapped[int] = mapped_column(primary_key=True)
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id"), index=True)
    allowed_at: Mapped[datetime]
    allowed_by: Mapped[str] = mapped_column(String(64))
    how: Mapped[str] = mapped_column(String(200))
    used_at: Mapped[datetime | None]
