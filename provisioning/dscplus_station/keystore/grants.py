"""A keystore that seals and unseals only what was granted: what a login server need not read, it cannot."""

from collections.abc import Collection

from dscplus_station.keystore.interface import Keystore, KeystoreError, VersionedMaster, kind_of_context


class GrantedKeystore:
    """A keystore behind grants (see `interface.Keystore`). It gives out no master key.

    Args:
        seals, unseals: the kinds of context (`pin`, `seed`, `codes` …) that are granted.
    """

    def __init__(self, keystore: Keystore, seals: Collection[str], unseals: Collection[str]) -> None:
        self._keystore = keystore
        self._seals = frozenset(seals)
        self._unseals = frozenset(unseals)

    def __repr__(self) -> str:
        return f"<GrantedKeystore seals {sorted(self._seals)}, unseals {sorted(self._unseals)}>"

    def seal(self, context: bytes, plaintext: bytes) -> bytes:
        """See `interface.Keystore`.

        Raises:
            KeystoreError: it was not granted.
        """
        _require(context, self._seals, "seal")
        return self._keystore.seal(context, plaintext)

    def unseal(self, context: bytes, sealed: bytes) -> bytes:
        """See `interface.Keystore`.

        Raises:
            KeystoreError: it was not granted.
        """
        _require(context, self._unseals, "unseal")
        return self._keystore.unseal(context, sealed)

    def issuer_master(self) -> VersionedMaster:
        """Never granted."""
        raise _no_master()

    def restock_master(self) -> VersionedMaster:
        """Never granted."""
        raise _no_master()

    def batch_master(self, batch: str) -> VersionedMaster:  # noqa: ARG002 (the interface's)
        """Never granted."""
        raise _no_master()


def _require(context: bytes, granted: frozenset[str], deed: str) -> None:
    kind = kind_of_context(context)
    if kind not in granted:
        raise KeystoreError(f"this service was not granted to {deed} what is kept as {kind}")


def _no_master() -> KeystoreError:
    return KeystoreError("this service was granted no key of any card")
