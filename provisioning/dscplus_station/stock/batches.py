"""A maker's batch: its transport master goes into the keystore, its KCV into the stock's records."""

from dscplus_station import audit, locks
from dscplus_station.actor import Actor, Role
from dscplus_station.errors import BadInput, StateConflict
from dscplus_station.keystore.file import FileKeystore
from dscplus_station.keystore.interface import VersionedMaster
from dscplus_station.station import Station
from dscplus_station.stock.rules import batch_name_fault
from dscplus_station.stock.service import batch_proven
from dscplus_station.stock.tables import Batch

TRANSPORT_KEY_VERSIONS = range(0x01, 0x10)
"""Wire: the key versions of makers' transport keys."""


def import_batch(
    station: Station, actor: Actor, keystore: FileKeystore, name: str, master: VersionedMaster
) -> bool:
    """Keep a batch's key; False if it was known with this very key.

    A key that has not opened a card of the batch yet may be a mistyped one: another then takes its place.
    The keystore is written first: a crash between the two leaves records that running it again completes.

    Raises:
        NotPermitted: not a key custodian.
        BadInput: no name, or a key version outside 01 to 0F.
        StateConflict: the batch has another key or key version, and it has opened a card.
        HeldByAnother: another process writes the keystore.
    """
    actor.require(Role.KEY_CUSTODIAN, "import batch keys")
    if fault := batch_name_fault(name):
        raise BadInput(f"batch {name!r}: {fault}")
    if master.version not in TRANSPORT_KEY_VERSIONS:
        raise BadInput(
            f"batch {name}: a maker's key version lies between 01 and 0F, not {master.version:02X}"
        )
    kcv = master.kcv()
    with locks.hold(station.home.locks, "keystore", "keys import-batch"):
        with station.database.reading() as session:
            proven = batch_proven(session, name)
        new = keystore.import_batch(name, master, replace=not proven)
        with station.database.writing() as session:
            batch = session.get(Batch, name) or Batch(name=name)
            if (batch.key_version, batch.kcv) == (master.version, kcv):
                return new
            if proven and batch.kcv is not None:
                raise StateConflict(f"batch {name} is known with KCV {batch.kcv}: restore a matching backup")
            batch.key_version, batch.kcv, batch.imported_at = master.version, kcv, station.now()
            session.add(batch)
            audit.record(
                session,
                actor,
                batch.imported_at,
                "stock.batch-key",
                name,
                key_version=master.version,
                kcv=kcv,
            )
            return True
