"""Who a user is, as other rooms ask for it."""

import json
from datetime import date

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from dscplus_station.db import run, table_of
from dscplus_station.errors import NotFound, NotPermitted
from dscplus_station.keystore.interface import Keystore, identity_of
from dscplus_station.users.rules import CLOSED, Document, DocumentType, Identity
from dscplus_station.users.tables import Closure, IdentityRecord, User
from dscplus_station.wording import words

_users, _closures = table_of(User), table_of(Closure)
_CLOSURE = (
    select(_closures.c.user_name)
    .select_from(_users.outerjoin(_closures))
    .where(_users.c.name == bindparam("user"))
)
"""A row for each user; what is in it is None unless the account is closed."""


class AccountClosed(NotPermitted):
    """Of a closed account nothing is left but the portal, by user name and password (R45)."""


def get_user(session: Session, name: str) -> User:
    """The user of that name.

    Raises:
        NotFound: there is none.
    """
    user = session.get(User, name)
    if user is None:
        raise _unknown(name)
    return user


def _unknown(name: str) -> NotFound:
    return NotFound("no user {name}: `dsc-station users list` shows them", name=name)


def require_open(session: Session, name: str) -> None:
    """Refuse unless there is a user of that name, whose account is not closed (R45).

    Raises:
        NotFound: there is none.
        AccountClosed: as it says.
    """
    session.flush()
    found = run(session, _CLOSURE, {"user": name}).one_or_none()
    if found is None:
        raise _unknown(name)
    if found.user_name is not None:
        raise AccountClosed("{name}'s account is closed: {told}", name=name, told=words(CLOSED))


def recorded_identity(session: Session, keystore: Keystore, name: str) -> Identity | None:
    """Who a user is in law, or None if that is not on record (R24).

    Raises:
        NotFound: no such user.
    """
    user = get_user(session, name)
    record = session.get(IdentityRecord, name)
    if record is None:
        return None
    return unsealed(keystore, name, record, user.birth_date)


def primary_user(session: Session, account: str) -> str | None:
    """The primary user of an account (R33), or None if none is on record."""
    return session.scalar(select(User.name).where(User.account == account, User.is_primary))


def accounts_of_person(session: Session, name: str) -> frozenset[str]:
    """The accounts on record of a user, and of the other user names of the same entity (R11).

    Raises:
        NotFound: no such user.
    """
    own = get_user(session, name).account
    entity = select(IdentityRecord.entity).where(IdentityRecord.user_name == name).scalar_subquery()
    others = session.scalars(
        select(User.account)
        .join(IdentityRecord, IdentityRecord.user_name == User.name)
        .where(IdentityRecord.entity == entity, User.account.is_not(None))
    )
    return frozenset(account for account in (own, *others) if account is not None)


def sealed(keystore: Keystore, name: str, identity: Identity) -> bytes:
    """An identity's facts as the record keeps them; entity and birth date stand beside them."""
    facts = {
        "citizenship": identity.citizenship,
        "residence": identity.residence,
        "document_type": identity.document.type if identity.document else None,
        "document_number": identity.document.number if identity.document else None,
        "ssn": identity.ssn,
    }
    return keystore.seal(identity_of(name), json.dumps(facts, sort_keys=True).encode())


def unsealed(keystore: Keystore, name: str, record: IdentityRecord, birth_date: date | None) -> Identity:
    """Undo `sealed`."""
    facts = json.loads(keystore.unseal(identity_of(name), record.sealed_facts))
    document = None
    if facts["document_type"] is not None:
        document = Document(DocumentType(facts["document_type"]), facts["document_number"])
    return Identity(
        entity=record.entity,
        birth_date=birth_date,
        citizenship=facts["citizenship"],
        residence=facts["residence"],
        document=document,
        ssn=facts["ssn"],
    )
