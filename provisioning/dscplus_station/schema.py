"""The schema as a whole: every room's tables, and bringing a database to this release's schema."""

import importlib.resources
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from dscplus_station import audit
from dscplus_station.activation import tables as activation
from dscplus_station.db import Base, Database
from dscplus_station.desk import tables as desk
from dscplus_station.devices import tables as devices
from dscplus_station.errors import DatabaseFailed
from dscplus_station.holds import tables as holds
from dscplus_station.interim import tables as interim
from dscplus_station.jobs import tables as jobs
from dscplus_station.limits import tables as limits
from dscplus_station.login import tables as login
from dscplus_station.losses import tables as losses
from dscplus_station.notices import tables as notices
from dscplus_station.operators import tables as operators
from dscplus_station.optout import tables as optout
from dscplus_station.orders import tables as orders
from dscplus_station.parcels import tables as parcels
from dscplus_station.passwords import tables as passwords
from dscplus_station.personalise import tables as personalise
from dscplus_station.pins import tables as pins
from dscplus_station.portal import tables as portal
from dscplus_station.printing import tables as printing
from dscplus_station.quarantine import tables as quarantine
from dscplus_station.returns import tables as returns
from dscplus_station.sharing import tables as sharing
from dscplus_station.shipping import tables as shipping
from dscplus_station.stock import tables as stock
from dscplus_station.tokens import tables as tokens
from dscplus_station.users import tables as users

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0001"
"""The newest migration of this release; asked first, since loading Alembic costs a fifth of a second."""

TABLES = (
    audit,
    activation,
    desk,
    devices,
    holds,
    interim,
    jobs,
    limits,
    login,
    losses,
    notices,
    operators,
    optout,
    orders,
    parcels,
    passwords,
    personalise,
    pins,
    portal,
    printing,
    quarantine,
    returns,
    sharing,
    shipping,
    stock,
    tokens,
    users,
)
metadata = Base.metadata


def present_revision(connection: Connection) -> str | None:
    """The migration a database stands at, or None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision


def bring_up_to_date(database: Database) -> None:
    """Create or migrate the schema; the whole migration is one transaction.

    Raises:
        DatabaseFailed: the database was made by a newer release (told in one line), or it is not usable.
    """
    with database.reading() as session:
        database.check(session)
        revision = present_revision(session.connection())
    if revision == HEAD:
        return

    from alembic import command
    from alembic.script import ScriptDirectory

    config = alembic_config()
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if revision is not None and revision not in known:
        raise DatabaseFailed(
            f"this database was made by a newer release (schema {revision}; this one knows up to {HEAD}): "
            "upgrade dscplus. Nothing was changed."
        )
    with database.migrating() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def alembic_config() -> "Config":
    """Alembic's configuration for the migrations that the package carries."""
    from alembic.config import Config

    config = Config()
    folder = importlib.resources.files("dscplus_station") / "migrations"
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    return config
