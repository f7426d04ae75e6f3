"""Checking a user's password. That is the portal's business: the station takes any `PasswordCheck`."""

from typing import Protocol

from sqlalchemy import update

from dscplus_station import audit
from dscplus_station.actor import Actor, Role
from dscplus_station.errors import BadInput
from dscplus_station.operators.hashing import hash_secret, needs_rehash, secret_fits
from dscplus_station.operators.rules import canonical_secret
from dscplus_station.passwords.rules import PASSWORD_CHARACTERS, password_fault
from dscplus_station.passwords.tables import UserPassword
from dscplus_station.station import Station
from dscplus_station.users.identity import get_user


class PasswordCheck(Protocol):
    """Tells whether a password is a user's, and never why not. The portal's login counts wrong ones."""

    def __call__(self, user_name: str, password: str) -> bool:
        """Whether it is. For a name that is unknown it takes as long, and says no."""
        ...


class StationPasswords:
    """Passwords that the station keeps, as Argon2id hashes."""

    def __init__(self, station: Station) -> None:
        self._station = station

    def __call__(self, user_name: str, password: str) -> bool:
        """See `PasswordCheck`. The hash is computed while no transaction is open."""
        password = canonical_secret(password)[: PASSWORD_CHARACTERS[-1] + 1]
        with self._station.database.reading() as session:
            known = session.get(UserPassword, user_name)
        encoded = known.password_hash if known else None
        right = secret_fits(encoded, password)
        if right and encoded and needs_rehash(encoded):
            self._renew(user_name, encoded, hash_secret(password))
        return right

    def _renew(self, user_name: str, former: str, renewed: str) -> None:
        """Keep the same password under this release's parameters, unless it was changed meanwhile."""
        with self._station.database.noting() as session:
            session.execute(
                update(UserPassword)
                .where(UserPassword.user_name == user_name, UserPassword.password_hash == former)
                .values(password_hash=renewed)
            )


def set_password(station: Station, actor: Actor, user_name: str, password: str) -> None:
    """Keep a password for a user, in place of the former one.

    Raises:
        NotFound: there is no such user.
        BadInput: it cannot be kept; it is not repeated.
    """
    actor.require(Role.CLIENT_SERVICES, "set passwords")
    password = canonical_secret(password)
    if fault := password_fault(password):
        raise BadInput(f"{user_name}: {fault}")
    encoded = hash_secret(password)
    with station.database.writing() as session:
        now = station.now()
        get_user(session, user_name)
        known = session.get(UserPassword, user_name)
        if known is None:
            session.add(UserPassword(user_name=user_name, password_hash=encoded, changed_at=now))
        else:
            known.password_hash, known.changed_at = encoded, now
        audit.record(session, actor, now, "passwords.set", user_name)
