"""A maker's batch: its transport master goes into the keystore, then the stock knows the batch."""

from dscplus_station import audit, locks
from dscplus_station.actor import Actor, Role
from dscplus_station.errors import BadInput, StateConflict
from dscplus_station.keystore.file import FileKeystore
from dscplus_station.keystore.interface import VersionedMaster
from dscplus_station.station import Station
from dscplus_station.stock.rules import batch_name_fault
from dscplus_station.stock.tables import Batch

TRANSPORT_KEY_VERSIONS = range(0x01, 0x10)
"""Wire: the key versions of makers' transport keys."""


def import_batch(
    station: Station, actor: Actor, keystore: FileKeystore, name: str, master: VersionedMaster
) -> bool:
    """Keep a batch's key; False if it was known with this very key.

    The keystore is written first: a crash between the two leaves a key without a batch, and running it again
    completes.

    Raises:
        NotPermitted: not a key custodian.
        BadInput: no name, or a key version outside 01 to 0F.
        StateConflict: the batch is known with another key or key version.
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
        keystore.import_batch(name, master)
        with station.database.writing() as session:
            known = session.get(Batch, name)
            if known is not None:
                if (known.key_version, known.kcv) != (master.version, kcv):
                    raise StateConflict(
                        f"batch {name} is known with KCV {known.kcv}: restore a matching backup"
                    )
                return False
            now = station.now()
            session.add(Batch(name=name, key_version=master.version, kcv=kcv, imported_at=now))
            audit.record(session, actor, now, "stock.batch", name, key_version=master.version, kcv=kcv)
            return True
