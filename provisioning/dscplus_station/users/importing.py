"""Users come in as a CSV file: put on record, unchanged, or corrected (R29); all rows or none."""

from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dscplus_station import audit
from dscplus_station.actor import Actor, Role
from dscplus_station.csvfile import Refusal, Row
from dscplus_station.keystore.interface import Keystore
from dscplus_station.station import Station
from dscplus_station.users.identity import sealed, unsealed
from dscplus_station.users.rules import UserRecord, understand
from dscplus_station.users.tables import IdentityRecord, User


@dataclass
class UsersResult:
    """What a file came to: users whose facts were recorded or corrected, users as they were, rows refused."""

    recorded: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)


def import_users(
    station: Station,
    actor: Actor,
    keystore: Keystore,
    rows: Iterable[Row],
    refused: Iterable[Refusal],
    countries: Container[str],
) -> UsersResult:
    """Record who users are (R24), and their accounts with the primary users (R33); a later file corrects it.

    Of a correction the audit trail names the facts, never their values.

    Args:
        refused: rows that were refused while reading the file.
    """
    actor.require(Role.CLIENT_SERVICES, "record users")
    result = UsersResult(refused=list(refused))
    with station.database.writing() as session:
        lines: dict[str, int] = {}
        records: list[tuple[int, UserRecord]] = []
        for row in rows:
            record = understand(row.values, countries, station.today())
            subject = row.values["user"][:64]
            if isinstance(record, str):
                result.refused.append(Refusal(row.line, subject, record))
            elif (first := lines.setdefault(record.user, row.line)) != row.line:
                result.refused.append(Refusal(row.line, subject, f"stands in line {first} already"))
            else:
                records.append((row.line, record))
        result.refused.extend(_second_primaries(session, records))
        result.refused.sort(key=lambda refusal: refusal.line)
        if result.refused:
            return result
        # Who stops being primary comes before who becomes it: the schema admits one an account at any moment.
        for _, record in sorted(records, key=lambda numbered: numbered[1].is_primary):
            changed = _record(session, keystore, station.now(), record)
            if changed:
                audit.record(
                    session, actor, station.now(), "users.record", record.user, facts=", ".join(changed)
                )
            session.flush()
            (result.recorded if changed else result.unchanged).append(record.user)
    return result


def _second_primaries(session: Session, records: list[tuple[int, UserRecord]]) -> Iterable[Refusal]:
    """Refuse every row that would give its account a second primary user."""
    here = {record.user for _, record in records}
    first: dict[str, str] = {}
    for line, record in records:
        if not record.is_primary or record.account is None:
            continue
        other = first.setdefault(record.account, record.user)
        if other == record.user:
            query = select(User.name).where(
                User.account == record.account, User.is_primary, User.name.not_in(here)
            )
            other = session.scalar(query) or other
        if other != record.user:
            told = f"account {record.account} has the primary user {other}: give that row, too"
            yield Refusal(line, record.user, told)


def _record(session: Session, keystore: Keystore, now: datetime, record: UserRecord) -> list[str]:
    """Write a user's facts; gives the names of those that changed, so an empty list if nothing did."""
    user = session.get(User, record.user)
    if user is None:
        user = User(name=record.user, is_primary=False)
        session.add(user)
    known = session.get(IdentityRecord, record.user)
    present = unsealed(keystore, record.user, known, user.birth_date) if known else None
    identity = record.identity
    facts = ("entity", "birth_date", "citizenship", "residence", "document", "ssn")
    changed = [name for name in facts if getattr(identity, name) != getattr(present, name, None)]
    if changed:
        user.birth_date = identity.birth_date
        if known is None:
            known = IdentityRecord(user_name=record.user)
            session.flush()
            session.add(known)
        known.entity, known.recorded_at = identity.entity, now
        known.sealed_facts = sealed(keystore, record.user, identity)
    for name in ("account", "is_primary", "phone_tail"):
        if getattr(user, name) != getattr(record, name):
            setattr(user, name, getattr(record, name))
            changed.append(name)
    return changed


def users(station: Station) -> list[tuple[User, IdentityRecord | None]]:
    """All users by name, each with its identity record, the facts still sealed."""
    with station.database.reading() as session:
        query = (
            select(User, IdentityRecord)
            .outerjoin(IdentityRecord, IdentityRecord.user_name == User.name)
            .order_by(func.lower(User.name), User.name)
        )
        return [(user, identity) for user, identity in session.execute(query)]
