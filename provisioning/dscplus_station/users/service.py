"""Users on record."""

from collections.abc import Iterable

from sqlalchemy.orm import Session

from dscplus_station.users.tables import User


def put_on_record(session: Session, names: Iterable[str]) -> None:
    """Put users on record who are not yet; the audit row of what they are put there for covers it."""
    session.add_all(User(name=name) for name in sorted(names))
    session.flush()
