"""The master keys that a `dsc keys` command was given, and the keys of one card derived from them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

import click

from ..errors import UsageError
from ..sensitive import KeySet, MasterKey
from .common import say
from .inputs import STANDARD_INPUT, read_master

TEST_MASTER = MasterKey(bytes(range(0x40, 0x50)))
"""GlobalPlatform's published test key 404142…4F: no secret at all."""
TRANSPORT_VERSION = 0x01
RESTOCK_VERSION = 0x10
ISSUER_VERSION = 0x20

_Master = tuple[MasterKey, int]
_Command = TypeVar("_Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Keyring:
    """Masters by their role, each with its key version number; those that were not given are None."""

    card_master: _Master | None = None
    issuer_master: _Master | None = None
    restock_master: _Master | None = None

    def card(self, serial_number: str) -> tuple[KeySet, ...]:
        """Return the sets that a blank card may have: transport or restock keys."""
        if self.card_master is None:
            raise UsageError(
                "the blank card's keys are missing",
                advice="Give the maker's batch master with --card-key-file (virtual cards: --test-keys).",
            )
        return (_diversify(self.card_master, serial_number),)

    def issuer(self, serial_number: str) -> KeySet:
        """Return the issuer's set."""
        if self.issuer_master is None:
            raise UsageError(
                "the issuer's master key is missing",
                advice="Give it with --issuer-key-file; - for standard input.",
            )
        return _diversify(self.issuer_master, serial_number)

    def restock(self, serial_number: str) -> KeySet | None:
        """Return the restock set, if one was given."""
        return _diversify(self.restock_master, serial_number) if self.restock_master else None

    def any(self, serial_number: str) -> tuple[KeySet, ...]:
        """Return all sets that were given, issuer keys first."""
        masters = [master for master in (self.issuer_master, self.card_master) if master]
        if not masters:
            raise UsageError(
                "no keys were given", advice="Give --issuer-key-file, --card-key-file or --test-keys."
            )
        return tuple(_diversify(master, serial_number) for master in masters)


def _diversify(master: _Master, serial_number: str) -> KeySet:
    key, version = master
    return KeySet.diversify(key, version, serial_number)


class _KeyVersion(click.ParamType[int]):
    """A key version number, as everybody writes it: hexadecimal."""

    name = "kvn"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            version = int(value, 16)
        except ValueError:
            version = 0
        if not 0x01 <= version <= 0x7F:
            self.fail(f"{value} is not a key version number (hexadecimal, 01 to 7F).", param, ctx)
        return version


_ROLES = {
    "card": ("the blank card's batch master, or restock master", TRANSPORT_VERSION),
    "issuer": ("the issuer's master", ISSUER_VERSION),
    "restock": ("the restock master", RESTOCK_VERSION),
}


def key_options(*roles: str) -> Callable[[_Command], _Command]:
    """Add --ROLE-key-file and --ROLE-kvn for each role, --test-keys with `card`; the command gets a
    ``keyring``.
    """

    def decorate(command: _Command) -> _Command:
        @wraps(command)
        def with_keyring(*arguments: Any, test_keys: bool = False, **options: Any) -> Any:
            files = {role: options.pop(f"{role}_key_file") for role in roles}
            versions = {role: options.pop(f"{role}_kvn") for role in roles}
            keyring = _read(files, versions, test_keys=test_keys)
            return command(*arguments, keyring=keyring, **options)

        wrapped: Any = with_keyring
        if "card" in roles:
            wrapped = click.option(
                "--test-keys",
                is_flag=True,
                help="The card has the published test key 404142…4F at KVN 01: virtual cards only.",
            )(wrapped)
        for role in reversed(roles):
            what, version = _ROLES[role]
            wrapped = click.option(
                f"--{role}-kvn",
                type=_KeyVersion(),
                metavar="KVN",
                help=f"Its key version; default: the file's, or {version:02X}.",
            )(wrapped)
            wrapped = click.option(
                f"--{role}-key-file",
                metavar="F",
                help=f"File with {what} in hexadecimal; - for standard input.",
            )(wrapped)
        result: _Command = wrapped
        return result

    return decorate


def _read(files: dict[str, str | None], versions: dict[str, int | None], *, test_keys: bool) -> Keyring:
    if list(files.values()).count(STANDARD_INPUT) > 1:
        raise UsageError("standard input gives one thing only")
    masters = {
        role: read_master(name, f"{role} key", _ROLES[role][1], versions[role])
        for role, name in files.items()
        if name is not None
    }
    if test_keys:
        if "card" in masters:
            raise UsageError("give one of --test-keys and --card-key-file")
        say("dsc: warning: the published test keys protect nothing; only for virtual cards and samples")
        masters["card"] = TEST_MASTER, versions.get("card") or TRANSPORT_VERSION
    return Keyring(masters.get("card"), masters.get("issuer"), masters.get("restock"))
