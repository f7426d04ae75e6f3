"""A station behind its API, in this process: clients of each scope, and alice with an active card."""

import json
import uuid
import warnings
from dataclasses import replace

from dscplus_station.activation.daily import run_timers
from dscplus_station.api.app import api_app
from dscplus_station.api.paces import Paces
from dscplus_station.cancellation.service import cancel
from dscplus_station.passwords.service import StationPasswords, set_password
from dscplus_station.tokens import service as tokens
from dscplus_station.tokens.rules import Scope
from tests.provisioning.support import CARDS, COUNTRIES, World, order_values, record_users, user_values

with warnings.catch_warnings():  # it would rather have a client that nobody else here needs
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient

PASSWORD = "alice's own pass phrase"
NEW = {
    "order": "P-1",
    "user": "alice",
    "purpose": "first",
    "equity_cents": 2_000_000_00,
    "address": {"name": "Alice Sample", "address": "1 Sample Road", "country": "US"},
}
"""An order of alice's that can be drafted."""


class ApiWorld(World):
    """`clients` has one client a scope; `anybody` bears no token."""

    def __init__(self, folder, scopes=tuple(Scope), **options):
        super().__init__(folder, **options)
        self.seconds = 0.0
        self.tokens = {scope: tokens.add(self.station, self.actor, f"{scope}-1", scope) for scope in Scope}
        self.scopes = scopes
        self.restarted()

    def restarted(self):
        """Serve anew, by the settings as they are now."""
        self.station = replace(self.station, settings=self.home.settings())
        passwords = StationPasswords(self.station)
        paces = Paces(lambda: self.seconds)
        self.app = api_app(self.station, self.keystore, passwords, COUNTRIES, self.scopes, paces)
        self.anybody = TestClient(self.app)
        self.clients = {scope: self.client(token) for scope, token in self.tokens.items()}
        self.portal, self.login_server = self.clients[Scope.PORTAL], self.clients[Scope.LOGIN]

    def client(self, token):
        return TestClient(self.app, headers={"Authorization": f"Bearer {token}"})

    def with_alice(self):
        """alice has a password and an active card."""
        self.stock(3)
        self.shipped()
        self.at(days=14)
        run_timers(self.station, self.actor)
        record_users(self, user_values("alice", account="U-1", primary="yes"))
        set_password(self.station, self.actor, "alice", PASSWORD)
        return self

    def cancelled_order(self, name, **changed):
        """An order of alice's that was cancelled at once."""
        assert not self.place(order_values(name, **changed)).refused
        cancel(self.station, self.actor, name)

    def begin(self, user="alice", password=PASSWORD):
        return self.login_server.post("/v1/logins", json={"user": user, "password": password})

    def ask(self, login, device=CARDS[0]):
        return self.login_server.post("/v1/logins/challenge", json={"login": login, "device": device})

    def answer(self, login, challenge, answer, device=CARDS[0]):
        given = {"login": login, "device": device, "challenge": challenge, "answer": answer}
        return self.login_server.post("/v1/logins/answer", json=given)

    def logged_in(self):
        """A login of alice's by her card; its name."""
        login = self.begin().json()["login"]
        question = self.ask(login).json()["challenge"]
        assert self.answer(login, question, self.response(CARDS[0], question)).status_code == 200
        return login


def keyed(key=None):
    """Headers with an idempotency key."""
    return {"Idempotency-Key": key or str(uuid.uuid4())}


def problem(response, status, detail=""):
    """A response's problem, which must be one."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    told = json.loads(response.content)
    assert told["status"] == status and told["type"].startswith("urn:dscplus:problem:")
    assert detail in told["detail"], told
    assert "Traceback" not in response.text
    return told
