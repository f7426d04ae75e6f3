"""As many requests side by side as the API's server has threads: none waits for a connection."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from anyio.from_thread import start_blocking_portal
from anyio.to_thread import current_default_thread_limiter

from dscplus_station.databases import KEPT_OPEN
from dscplus_station.db import Database
from dscplus_station.limits import service
from tests.provisioning.api.api_world import ApiWorld, keyed
from tests.provisioning.support import record_users, user_values

PATIENCE_S = 8
"""Less than the pool's 30 seconds, and than the 10 that a writer waits for another."""
WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


@pytest.fixture
def shared(worlds_in_postgresql, tmp_path):
    """A station with its records in PostgreSQL, behind its API."""
    world = ApiWorld(tmp_path)
    record_users(world, *(user_values(f"user{n}", account=f"U-{n}") for n in range(KEPT_OPEN)))
    yield world
    world.close()


def new_order(number):
    address = {"name": "Alice Sample", "address": "1 Sample Road", "country": "US"}
    wish = {"order": f"P-{number}", "user": f"user{number}", "purpose": "first"}
    return wish | {"equity_cents": 2_000_000_00, "address": address}


def test_the_server_has_as_many_threads_as_connections_are_kept():
    async def threads():
        return current_default_thread_limiter().total_tokens

    with start_blocking_portal() as elsewhere:  # this thread may have the loop of the pages' tests
        assert elsewhere.call(threads) == KEPT_OPEN


def test_all_threads_read_at_once(shared, monkeypatch):
    """Each has its connection when the last one comes."""
    together, kinds = threading.Barrier(KEPT_OPEN), service.device_types_of

    def met(*arguments):
        together.wait(PATIENCE_S)
        return kinds(*arguments)

    monkeypatch.setattr(service, "device_types_of", met)
    with ThreadPoolExecutor(KEPT_OPEN) as pool:
        asked = pool.map(lambda n: shared.portal.get(f"/v1/users/user{n}/limits"), range(KEPT_OPEN))
        assert [one.status_code for one in asked] == [200] * KEPT_OPEN


def test_all_threads_write_at_once_while_another_station_does_and_one_connection_waits(
    worlds_in_postgresql, shared
):
    """Whoever waits for a turn in this process holds none, so that readers find one all the while."""
    server = worlds_in_postgresql
    other = Database(shared.home.database_url)

    def order(number):
        return shared.portal.post("/v1/orders", json=new_order(number), headers=keyed())

    with ThreadPoolExecutor(KEPT_OPEN) as pool:
        with other.noting() as session:
            session.connection()
            asked = [pool.submit(order, number) for number in range(KEPT_OPEN)]
            while server.execute(WAITING) == [(0,)]:
                assert not any(one.done() for one in asked)
            assert shared.portal.get("/v1/users/user0/limits").status_code == 200
            assert server.execute(WAITING) == [(1,)]
        assert [one.result(PATIENCE_S).status_code for one in asked] == [201] * KEPT_OPEN
    other.close()
