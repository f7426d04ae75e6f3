"""How a call runs: what waits for the database in a thread, and in one; the rest on the event loop."""

import importlib
import pkgutil
import threading

import anyio
import anyio.to_thread
import pytest
from anyio.from_thread import start_blocking_portal

from dscplus_station.api import routes
from dscplus_station.api.calls import Call
from dscplus_station.db import Database
from dscplus_station.portal import service
from tests.provisioning.support import CARDS

ROUTERS = [
    importlib.import_module(f"{routes.__name__}.{one.name}").router
    for one in pkgutil.iter_modules(routes.__path__)
]


def test_a_call_takes_one_thread(alice, monkeypatch):
    """Each more would cost as much as two statements."""
    login = alice.begin().json()["login"]
    taken, ran_in = [], []
    run_sync, ask_for = anyio.to_thread.run_sync, service.ask_for

    async def counted(function, *arguments, **options):
        taken.append(function)
        return await run_sync(function, *arguments, **options)

    def noted(*arguments):
        ran_in.append(threading.current_thread())
        return ask_for(*arguments)

    monkeypatch.setattr(anyio.to_thread, "run_sync", counted)
    monkeypatch.setattr(service, "ask_for", noted)
    asked = {"login": login, "device": CARDS[0], "purpose": "OPT_IN"}
    assert alice.portal.post("/v1/logins/other-challenge", json=asked).status_code == 201
    assert len(taken) == 1
    assert [type(thread).__name__ for thread in ran_in] == ["WorkerThread"]


def test_r6_the_steps_of_a_login_are_done_in_rows(alice, monkeypatch):
    """So that those of many clients share a thread and a commit; so is what a token is looked up for."""
    rows, in_a_row = [], Database.in_a_row

    def counted(database, pieces):
        rows.append([piece.args[1].func.__name__ for piece in pieces])
        return in_a_row(database, pieces)

    login = alice.begin().json()["login"]
    monkeypatch.setattr(Database, "in_a_row", counted)
    question = alice.ask(login).json()["challenge"]
    assert alice.answer(login, question, alice.response(CARDS[0], question)).status_code == 200
    assert rows == [["_admit"], ["ask"], ["_admit"], ["answer"]]


def test_a_call_that_is_made_anew_by_the_framework_still_takes_one_thread(monkeypatch):
    """Some releases of FastAPI make a route once more, out of its function, where its router is included."""
    taken, run_sync = [], anyio.to_thread.run_sync

    async def counted(function, *arguments, **options):
        taken.append(function)
        return await run_sync(function, *arguments, **options)

    def told():
        return "told"

    monkeypatch.setattr(anyio.to_thread, "run_sync", counted)
    again = Call("/told", Call("/told", told).endpoint)
    with start_blocking_portal() as elsewhere:  # this thread may have the loop of the pages' tests
        assert elsewhere.call(again.endpoint) == "told"
    assert len(taken) == 1


@pytest.mark.parametrize("router", ROUTERS, ids=lambda router: router.tags[0])
def test_every_call_is_made_so(router):
    assert router.routes
    assert all(type(route) is Call for route in router.routes)
