"""Tokens, and answers that are kept for the same request again."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from dscplus_station.db import Base, one_of, unique_where
from dscplus_station.tokens.rules import Scope


class ApiToken(Base):
    """One token of a program; of the token a hash is kept. While it rotates, a program has two."""

    __tablename__ = "api_token"
    __table_args__ = (
        UniqueConstraint("token_hash"),
        unique_where("uq_api_token_newest", "name", where="ends_at IS NULL"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(32), index=True)
    scope: Mapped[Scope] = mapped_column(one_of(Scope, "scope"))
    token_hash: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]


class KeptAnswer(Base):
    """A request made under an idempotency key, and its answer; both sealed under `answer_of(name, key)`.

    Of the request it is a digest, sealed since requests hold PINs and passwords, which are soon guessed.
    """

    __tablename__ = "kept_answer"
    __table_args__ = (
        CheckConstraint("(status IS NULL) = (sealed_answer IS NULL)", name="answered"),
        Index("ix_kept_answer_begun_at", "begun_at"),
    )

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    sealed_request: Mapped[bytes] = mapped_column(LargeBinary)
    begun_at: Mapped[datetime]
    status: Mapped[int | None]
    sealed_answer: Mapped[bytes | None] = mapped_column(LargeBinary)
