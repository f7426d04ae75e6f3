"""Batches and cards."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from dscplus_station.db import Base, one_of
from dscplus_station.stock.rules import CardState


class Batch(Base):
    """A maker's batch: its transport master key is in the keystore, under the batch's name.

    Cards may arrive before the letter with their key: key version and KCV come with the key.
    """

    __tablename__ = "batch"
    __table_args__ = (
        CheckConstraint("key_version BETWEEN 1 AND 15", name="key_version"),
        CheckConstraint(
            "(key_version IS NULL) = (kcv IS NULL) AND (kcv IS NULL) = (imported_at IS NULL)", name="key"
        ),
    )

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    key_version: Mapped[int | None]
    kcv: Mapped[str | None] = mapped_column(String(6))
    imported_at: Mapped[datetime | None]


class Card(Base):
    """One physical card, by the serial number printed on its back.

    `sequence_counter` is the highest SCP03 sequence counter seen on it; a card never shows a lower one.
    """

    __tablename__ = "card"
    __table_args__ = (
        CheckConstraint("length(serial_number) = 10", name="serial_number"),
        CheckConstraint("sequence_counter >= 0", name="sequence_counter"),
        # What the list of cards is walked along.
        Index("ix_card_state", "state", "serial_number"),
        Index("ix_card_batch", "batch", "serial_number"),
        Index("ix_card_batch_state", "batch", "state", "serial_number"),
        Index("ix_card_changed", "changed_at", "serial_number"),
        Index("ix_card_state_changed", "state", "changed_at", "serial_number"),
    )

    serial_number: Mapped[str] = mapped_column(String(10), primary_key=True)
    batch: Mapped[str] = mapped_column(ForeignKey("batch.name"))
    state: Mapped[CardState] = mapped_column(one_of(CardState, "state"))
    sequence_counter: Mapped[int] = mapped_column(default=0)
    received_at: Mapped[datetime]
    changed_at: Mapped[datetime]
