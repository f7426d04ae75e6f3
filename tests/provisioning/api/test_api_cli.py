"""`dsc-station api`: tokens by command, and the API as a process of its own."""

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime

import httpx
import pytest

from dscplus_station.passwords.service import StationPasswords
from dscplus_station.tokens.service import bearer_of
from tests.provisioning.api.api_world import problem
from tests.provisioning.support import record_users, user_values

PATIENCE_S = 60


def test_tokens_by_command(bench):
    station, bench.world.moment = bench.world.station, datetime.now(UTC)
    token = bench.json("api", "tokens", "add", "portal-1", "--scope", "portal")["token"]
    assert bearer_of(station, token).scope == "portal"
    place = bench.folder / "portal.token"
    said = bench.run("api", "tokens", "rotate", "portal-1", "--overlap-days", "0", "--file", place, "--json")
    new = place.read_text().strip()
    assert new not in said.output and place.stat().st_mode & 0o777 == 0o600
    bench.world.moment = datetime.now(UTC)
    assert bearer_of(station, token) is None
    listed = bench.json("api", "tokens", "list")["tokens"]
    assert [(one["name"], one["scope"], one["ends_at"]) for one in listed] == [("portal-1", "portal", None)]
    bench.run("api", "tokens", "revoke", "portal-1", code=2)
    bench.run("api", "tokens", "revoke", "portal-1", "--yes")
    assert "no tokens" in bench.run("api", "tokens", "list").stderr
    bench.run("api", "tokens", "revoke", "portal-1", "--yes", code=3)


def test_a_password_comes_from_a_file(bench):
    record_users(bench.world, user_values("alice"))
    bench.run("users", "password", "alice", "--password-file", bench.file("p", "a sample pass phrase\n"))
    check = StationPasswords(bench.world.station)
    assert check("alice", "a sample pass phrase") and not check("alice", "another pass phrase")
    short = bench.file("short", "seven77\n")
    assert "seven77" not in bench.run("users", "password", "alice", "--password-file", short, code=1).output


def test_the_description_is_given_without_a_home(bench):
    described = json.loads(bench.run("api", "describe").stdout)
    assert described["openapi"].startswith("3.1") and "/v1/orders/{order}/place" in described["paths"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--bind", "0.0.0.0"), "in the clear"),  # noqa: S104 (that it is refused is the point)
        (("--bind", "example.com"), "in the clear"),
        (("--certificate", "c.pem"), "goes with its key"),
    ],
)
def test_it_does_not_serve_in_the_clear(bench, options, told):
    assert told in bench.run("api", "serve", "--port", "0", *options, code=1).stderr


def test_no_client_waits_for_the_calendar_to_load(bench):
    """It is loaded, and so refused, before it is looked where to serve."""
    with bench.world.home.settings_file.open("a") as settings:
        settings.write('[calendar]\nholidays = "XX"\n')
    assert "there is no calendar of 'XX'" in bench.run("api", "serve", "--bind", "192.0.2.1", code=1).stderr


def test_a_process_of_its_own_serves_and_ends_when_it_is_told(bench):
    token = bench.json("api", "tokens", "add", "login-1", "--scope", "login")["token"]
    command = "from dscplus_station.cli import main; main()"
    serve = [sys.executable, "-c", command, "api", "serve", "--port", "0", "--scope", "login", "--json"]
    serving = subprocess.Popen(
        serve, env=os.environ | bench.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        started = json.loads(serving.stdout.readline())
        assert started["scopes"] == ["login"] and started["url"].startswith("http://127.0.0.1:")
        body = {"user": "nobody", "password": "a sample pass phrase"}
        headers = {"Authorization": f"Bearer {token}"}
        with httpx.Client(base_url=started["url"], headers=headers, timeout=PATIENCE_S) as client:
            problem(client.post("/v1/logins", json=body), 401, "not logged in")
            taken = started["url"].rpartition(":")[2]
            assert "say another with --port" in bench.run("api", "serve", "--port", taken, code=5).stderr
        serving.send_signal(signal.SIGTERM)
        _, said = serving.communicate(timeout=PATIENCE_S)
        assert (serving.returncode, said) == (0, "")
    finally:
        serving.kill()
        serving.communicate()
