"""Users on record."""

from sqlalchemy.orm import Session

from dscplus_station.users.tables import User


def known_user(session: Session, name: str) -> User:
    """The user of that name, put on record if new; the caller's audit row covers it."""
    user = session.get(User, name)
    if user is None:
        user = User(name=name)
        session.add(user)
        session.flush()
    return user
