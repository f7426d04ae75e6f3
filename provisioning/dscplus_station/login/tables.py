"""Challenges and the attempts to answer them (R6)."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from dscplus_station.db import Base, one_of
from dscplus_station.login.rules import Outcome, Purpose


class Challenge(Base):
    """Six digits issued for one user's device and one purpose; answered once or never."""

    __tablename__ = "challenge"
    __table_args__ = (
        CheckConstraint("length(question) = 6", name="question"),
        Index("ix_challenge_assignment", "assignment_id", "issued_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id"))
    question: Mapped[str] = mapped_column(String(6))
    purpose: Mapped[Purpose] = mapped_column(one_of(Purpose, "challenge_purpose"))
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Attempt(Base):
    """A response that was given, and how it ended."""

    __tablename__ = "attempt"
    __table_args__ = (Index("ix_attempt_assignment", "assignment_id", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id"))
    challenge_id: Mapped[int | None] = mapped_column(ForeignKey("challenge.id"))
    purpose: Mapped[Purpose] = mapped_column(one_of(Purpose, "purpose"))
    outcome: Mapped[Outcome] = mapped_column(one_of(Outcome, "outcome"))
    at: Mapped[datetime]
