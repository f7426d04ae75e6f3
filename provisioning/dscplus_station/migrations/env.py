"""Alembic's environment: it migrates the connection that `schema.bring_up_to_date` hands it."""

from alembic import context

from dscplus_station import schema
from dscplus_station.db import UtcDateTime


def _render(kind, value, _context):
    """Migrations spell plain SQLAlchemy types: a released one must not change with our classes."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(value, UtcDateTime) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=schema.metadata,
    render_as_batch=True,
    render_item=_render,
)
with context.begin_transaction():
    context.run_migrations()
