"""The API's server is stopped while a request is under way for longer than it waits."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest

from dscplus_station import serving
from dscplus_station.ordering import service as ordering
from dscplus_station.tokens.rules import Scope
from tests.provisioning.api.api_world import NEW, keyed, problem
from tests.provisioning.support import record_users, user_values

PATIENCE_S = 30


@pytest.fixture
def slow(api, monkeypatch):
    """Drafting an order takes until it is let go; how often it was begun."""
    record_users(api, user_values("alice", account="U-1"))
    monkeypatch.setattr(serving, "END_TIMEOUT", 0.2)
    draft, begun, let_go, made = ordering.draft, threading.Event(), threading.Event(), []

    def slowly(*arguments):
        made.append(arguments)
        begun.set()
        assert let_go.wait(PATIENCE_S)
        return draft(*arguments)

    monkeypatch.setattr(ordering, "draft", slowly)
    yield begun, let_go, made
    let_go.set()


@contextmanager
def served(api):
    """The API at a socket: its server, the thread that it runs in, a client of the portal's."""
    started = threading.Event()
    with serving.listen("127.0.0.1", 0) as listener:
        server = serving.Server(api.app, listener, started.set)
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            assert started.wait(PATIENCE_S)
            address = "http://{}:{}".format(*listener.getsockname())
            headers = {"Authorization": f"Bearer {api.tokens[Scope.PORTAL]}"}
            with httpx.Client(base_url=address, headers=headers, timeout=PATIENCE_S) as client:
                yield server, thread, client
        finally:
            server.stop()
            thread.join(PATIENCE_S)


def test_what_is_done_after_its_answer_was_given_up_is_answered_under_its_key(api, slow):
    """The thread cannot be stopped: the client hears that it should ask again, and it is made once."""
    begun, let_go, made = slow
    key = keyed()
    with served(api) as (server, thread, client), ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.post, "/v1/orders", json=NEW, headers=key)
        assert begun.wait(PATIENCE_S)
        server.stop()
        problem(first.result(PATIENCE_S), 503, "the server is being stopped")
        assert thread.is_alive()  # it is still at it
        problem(api.portal.post("/v1/orders", json=NEW, headers=key), 409, "the same request is under way")
        let_go.set()
        thread.join(PATIENCE_S)
        assert not thread.is_alive()
    again = api.portal.post("/v1/orders", json=NEW, headers=key)
    assert (again.status_code, again.json()["order"]) == (201, "P-1")
    assert again.headers["idempotent-replayed"] == "true"
    assert len(made) == 1
