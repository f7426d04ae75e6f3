"""What the planners of both databases do with statements that were executed: do they look through tables?

SQLite goes by its schema, so a few rows show what it does with many. PostgreSQL goes by how many rows there
are, too, so it plans as if there were a hundred times as many, as often as a connection asks until it keeps
a plan; and each plan is carried out, and undone, to see what it reads in vain. Empty tables tell nothing.
"""

import re
from contextlib import contextmanager

from psycopg import sql
from sqlalchemy import event

CHANGED = ("SELECT", "UPDATE", "DELETE")
TIMES_AS_MANY = 100
"""By how much dearer PostgreSQL is told that a page of a scan is: as if there were so many times as many."""
FEW_ROWS = 100
"""So many may be read in vain."""
UNTIL_SETTLED = 6
"""PostgreSQL plans a prepared statement five times for its values, then for any, if that is as cheap."""

_SQLITE = re.compile(r"^SCAN (?!CONSTANT)|PRIMARY KEY \(rowid[<>]")
_PARAMETER = re.compile(r"%\((\w+)\)s")
_SCANS = ("Seq Scan", "Index Scan", "Index Only Scan", "Bitmap Index Scan")
_WHOLE_INPUT = ("Sort", "Incremental Sort", "Aggregate", "Hash", "Materialize", "Unique")
"""Nodes that take all that is below them, whatever a limit above them says."""


@contextmanager
def watched(station):
    """The statements that are executed, in whichever thread, and how many steps of SQLite's virtual machine
    they took, which are the same on every machine, however busy it is; None on PostgreSQL.
    """
    seen, steps = {}, 0
    engine = station.database.engine
    counts = engine.dialect.name == "sqlite"

    def step():
        nonlocal steps
        steps += 1

    def listen(_connection, _cursor, statement, parameters, *_rest):
        if statement.startswith(CHANGED):
            seen.setdefault(statement, parameters)

    def count(connection, *_rest):
        if counts:
            connection.set_progress_handler(step, 1)

    event.listen(engine, "before_cursor_execute", listen)
    event.listen(engine, "checkout", count)
    try:
        yield seen, lambda: steps if counts else None
    finally:
        event.remove(engine, "checkout", count)
        event.remove(engine, "before_cursor_execute", listen)


def looked_through(station, statements):
    """The steps of plans that go through a whole table or index, each with its statement."""
    planner = _postgresql if station.database.engine.dialect.name == "postgresql" else _sqlite
    with station.database.engine.connect() as connection:
        return [
            (step, statement)
            for statement, parameters in statements.items()
            for step in planner(connection, statement, parameters)
        ]


def _sqlite(connection, statement, parameters):
    plan = connection.exec_driver_sql("EXPLAIN QUERY PLAN " + statement, parameters).all()
    return [row[-1] for row in plan if _SQLITE.search(row[-1])]


def _postgresql(connection, statement, parameters):
    driver = connection.connection.driver_connection
    names = list(dict.fromkeys(_PARAMETER.findall(statement)))
    numbered = _PARAMETER.sub(lambda name: f"${names.index(name[1]) + 1}", statement).replace("%%", "%")
    values = ", ".join(sql.Literal(parameters[name]).as_string(driver) for name in names)
    execute = f"looked({values})" if names else "looked"
    found = {}
    with driver.cursor() as cursor:
        cursor.execute(b"SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples > 0")
        filled = {name for (name,) in cursor.fetchall()}
        cursor.execute(f"SET LOCAL seq_page_cost = {TIMES_AS_MANY}".encode())
        cursor.execute(f"PREPARE looked AS {numbered}".encode())
        for _ in range(UNTIL_SETTLED):
            cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) EXECUTE {execute}".encode())
            ((explained,),) = cursor.fetchall()
            for node, limited in _nodes(explained[0]["Plan"]):
                table, kind = node.get("Relation Name"), node["Node Type"]
                if kind not in _SCANS or (table is not None and table not in filled):
                    continue
                in_vain = node.get("Rows Removed by Filter", 0) * node["Actual Loops"]
                if in_vain > FEW_ROWS or ("Index Cond" not in node and not limited):
                    found[f"{kind} on {table or node['Index Name']}"] = None
        cursor.execute(b"DEALLOCATE looked")
    return list(found)


def _nodes(plan, limited=False):
    """The nodes of a plan, each with whether a limit ends it early."""
    kind = plan["Node Type"]
    yield plan, limited
    for child in plan.get("Plans", ()):
        yield from _nodes(child, (limited or kind == "Limit") and kind not in _WHOLE_INPUT)
