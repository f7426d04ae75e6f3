"""The audit trail: each change writes its row in the same transaction.

Rows are canonical from the first day (a number without gaps per station, details as sorted compact JSON), so
that a later release can chain them by hashes. Details never hold a secret.
"""

import json
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Index, String, Text, UniqueConstraint, bindparam, func, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dscplus_station.actor import Actor, Role
from dscplus_station.db import Base, run, table_of

Detail = str | int | bool | None


class AuditRow(Base):
    """One deed: who, where, when, what, on which thing."""

    __tablename__ = "audit"
    __table_args__ = (
        UniqueConstraint("station", "number"),
        # What the trail is read along.
        Index("ix_audit_subject", "subject", "id"),
        Index("ix_audit_at", "at", "id"),
        Index("ix_audit_operator_at", "operator", "at", "id"),
        Index("ix_audit_action_at", "action", "at", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    station: Mapped[str] = mapped_column(String(64))
    number: Mapped[int]
    at: Mapped[datetime]
    operator: Mapped[str] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(64))
    details: Mapped[str] = mapped_column(Text)


# Made once: building it takes longer than running it, and every change does.
_rows = table_of(AuditRow)
_before = _rows.alias()
_INSERT = insert(_rows).values(
    # The write lock is held: nobody else adds rows before this transaction ends.
    number=select(func.coalesce(func.max(_before.c.number), 0) + 1)
    .where(_before.c.station == bindparam("of"))
    .scalar_subquery()
)


def record(
    session: Session, actor: Actor, at: datetime, action: str, subject: str, **details: Detail
) -> None:
    """Add the audit row of a change to its transaction.

    Args:
        action: room and deed, for example ``orders.import``.
        subject: what it was done to: a serial number, an order, a batch.
        details: facts that explain it, none of them secret.
    """
    if not session.info.get("audited"):  # a constraint that the deed breaks is told here, not at the commit
        session.flush()
    run(
        session,
        _INSERT,
        {
            "of": actor.station,
            "station": actor.station,
            "at": at,
            "operator": actor.operator,
            "action": action,
            "subject": subject,
            "details": canonical(details),
        },
    )
    session.info["audited"] = True


def trail(session: Session, actor: Actor, after: int, limit: int) -> list[AuditRow]:
    """The rows that follow a row (by `id`; 0: from the first), oldest first.

    Raises:
        NotPermitted: not an auditor.
    """
    actor.require(Role.AUDIT, "read the audit trail")
    return list(
        session.scalars(select(AuditRow).where(AuditRow.id > after).order_by(AuditRow.id).limit(limit))
    )


def canonical(details: Mapping[str, Detail]) -> str:
    """The one spelling of a row's details: sorted keys, no spaces, no escapes but JSON's own."""
    return json.dumps(details, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
