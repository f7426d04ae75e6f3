"""Checking a user's password. That is the portal's business: the station takes any `PasswordCheck`."""

from typing import Protocol

from dscplus_station import audit
from dscplus_station.actor import Actor, Role
from dscplus_station.errors import BadInput
from dscplus_station.operators.hashing import hash_secret, needs_rehash, secret_fits
from dscplus_station.operators.rules import canonical_secret
from dscplus_station.passwords.rules import PASSWORD_CHARACTERS, after_failure, is_locked, password_fault
from dscplus_station.passwords.tables import UserPassword
from dscplus_station.station import Station
from dscplus_station.users.identity import get_user


class PasswordCheck(Protocol):
    """Tells whether a password is a user's. It counts and locks as it likes, and never says why not."""

    def __call__(self, user_name: str, password: str) -> bool:
        """Whether it is. For a name that is unknown it takes as long, and says no."""
        ...


class StationPasswords:
    """Passwords that the station keeps, as Argon2id hashes; ten wrong ones in a day lock."""

    def __init__(self, station: Station) -> None:
        self._station = station

    def __call__(self, user_name: str, password: str) -> bool:
        """See `PasswordCheck`. The hash is computed while no transaction is open."""
        password = canonical_secret(password)[: PASSWORD_CHARACTERS[-1] + 1]
        with self._station.database.reading() as session:
            known = session.get(UserPassword, user_name)
            encoded = known.password_hash if known else None
        right = secret_fits(encoded, password)
        rehashed = hash_secret(password) if right and encoded and needs_rehash(encoded) else None
        if known is None or (right and not known.failures and rehashed is None):
            return right
        with self._station.database.noting() as session:
            now = self._station.now()
            known = session.get_one(UserPassword, user_name)
            if is_locked(now, known.failures, known.first_failure_at):
                return False
            if not right or known.password_hash != encoded:
                known.failures, known.first_failure_at = after_failure(
                    now, known.failures, known.first_failure_at
                )
                return False
            known.failures, known.first_failure_at = 0, None
            known.password_hash = rehashed or known.password_hash
            return True


def set_password(station: Station, actor: Actor, user_name: str, password: str) -> None:
    """Keep a password for a user, in place of the former one; what was locked is open again.

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
            session.add(UserPassword(user_name=user_name, password_hash=encoded, changed_at=now, failures=0))
        else:
            known.password_hash, known.changed_at = encoded, now
            known.failures, known.first_failure_at = 0, None
        audit.record(session, actor, now, "passwords.set", user_name)
