"""Who has opted out (R32)."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from dscplus_station.db import Base, unique_where


class OptOut(Base):
    """A user's time without the system's protection; at most one is open."""

    __tablename__ = "opt_out"
    __table_args__ = (
        unique_where("uq_opt_out_open", "user_name", where="ended_at IS NULL"),
        CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name="ended"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_name: Mapped[str] = mapped_column(ForeignKey("user_name.name"))
    begun_at: Mapped[datetime]
    begun_by: Mapped[str] = mapped_column(ForeignKey("user_name.name"))
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(ForeignKey("user_name.name"))
