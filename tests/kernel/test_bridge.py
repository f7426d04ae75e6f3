"""What becomes of tests whose guest ends, lies or falls silent. These guests are threads with a socket."""

import contextlib
import json
import socket
import threading
from types import SimpleNamespace

import pytest

from tests.kernel.rig import bridge, host_plugin
from tests.kernel.rig.bridge import GuestLost, GuestRun

TOKEN = "this boot"
RELEASE = "6.1.0-test"
PHASES = ("setup", "call", "teardown")


class ScriptedGuest:
    """Says hello, takes the plan, then does what its script says: `script(guest, nodeids)`."""

    console = "console.log"

    def __init__(self, script, token=TOKEN, release=RELEASE):
        self.token = TOKEN
        self._hello = {"token": token, "release": release, "python": 1.0, "up": 2.0}
        self.channel, self._end = socket.socketpair()
        self._script = script
        self.stopped = False
        threading.Thread(target=self._live, daemon=True).start()

    def _live(self):
        # The host may have heard enough.
        with contextlib.suppress(OSError), self._end, self._end.makefile("rb") as plans:
            self.send(hello=self._hello)
            plan = plans.readline()
            if plan:
                self._script(self, json.loads(plan)["nodeids"])

    def send(self, **message):
        self._end.sendall(json.dumps(message).encode() + b"\n")

    def run(self, nodeid, outcome="passed"):
        self.send(started=nodeid)
        for when in PHASES:
            self.send(
                report={"nodeid": nodeid, "when": when, "outcome": outcome if when == "call" else "passed"}
            )

    def stop(self):
        self.stopped = True
        self.channel.close()

    def console_tail(self):
        return "Kernel panic - not syncing"


@pytest.fixture
def run_of():
    """A function: `run_of(nodeids, script, …)` is a run whose guests follow the scripts in turn."""
    runs = []

    def make(nodeids, *scripts, **options):
        guests = (ScriptedGuest(script, **options) for script in scripts)
        runs.append(GuestRun(lambda: next(guests), RELEASE, {"nodeids": nodeids}))
        return runs[-1]

    yield make
    for run in runs:
        run.stop()


def phases(run, nodeid):
    return [report["when"] for report in run.reports(nodeid)]


def dies(_guest, _nodeids):
    """Ends at once."""


def all_pass(guest, nodeids):
    for nodeid in nodeids:
        guest.run(nodeid)
    guest.send(finished=0)


def test_each_test_gets_its_own_reports_in_whatever_order_the_guest_ran_them(run_of):
    def backwards(guest, nodeids):
        all_pass(guest, nodeids[::-1])

    run = run_of(["a", "b"], backwards)
    assert phases(run, "a") == phases(run, "b") == list(PHASES)
    assert run.wait_for_the_end() is None


def test_a_guest_that_dies_is_named_with_its_console_and_the_rest_runs_in_a_new_one(run_of):
    def panics_in_b(guest, nodeids):
        assert nodeids == ["a", "b", "c"]
        guest.run("a")
        guest.send(started="b")

    def the_rest(guest, nodeids):
        assert nodeids == ["c"]
        all_pass(guest, nodeids)

    run = run_of(["a", "b", "c"], panics_in_b, the_rest)
    assert phases(run, "a") == list(PHASES)
    with pytest.raises(GuestLost, match=r"(?s)the guest ended; it was running b.*Kernel panic"):
        phases(run, "b")
    run.give_up("b")
    assert phases(run, "c") == list(PHASES)
    assert run.wait_for_the_end() is None and run.guests == 2


def test_a_guest_that_dies_in_a_teardown_has_not_finished_the_test(run_of):
    def dies_late(guest, nodeids):
        guest.send(started="a")
        for when in PHASES[:2]:
            guest.send(report={"nodeid": "a", "when": when, "outcome": "passed"})

    run, seen = run_of(["a"], dies_late), []
    with pytest.raises(GuestLost):
        for report in run.reports("a"):
            seen.append(report["when"])
    assert seen == ["setup", "call"]


def test_where_guest_after_guest_dies_the_rest_is_given_up_and_told(run_of):
    nodeids = [str(number) for number in range(bridge.MOST_GUESTS + 2)]
    run = run_of(nodeids, *[dies] * bridge.MOST_GUESTS)
    reasons = []
    for nodeid in nodeids:
        with pytest.raises(GuestLost) as lost:
            phases(run, nodeid)
        run.give_up(nodeid)
        reasons.append(str(lost.value).split(";")[0])
    assert reasons == ["the guest ended"] * bridge.MOST_GUESTS + ["not run: 4 guests were lost before"] * 2


def test_a_test_that_the_guests_pytest_left_out_is_no_success(run_of):
    def forgets_b(guest, nodeids):
        guest.run("a")
        guest.send(finished=0)

    run = run_of(["a", "b"], forgets_b)
    assert phases(run, "a") == list(PHASES)
    with pytest.raises(GuestLost, match="the guest's pytest ended with status 0"):
        phases(run, "b")


@pytest.mark.parametrize(
    ("outcome", "status", "wrong"),
    [("passed", 0, False), ("failed", 1, False), ("passed", 1, True), ("passed", 3, True)],
)
def test_the_guests_exit_status_must_agree_with_its_reports(run_of, outcome, status, wrong):
    def script(guest, nodeids):
        guest.run("a", outcome)
        guest.send(finished=status)

    run = run_of(["a"], script)
    assert phases(run, "a") == list(PHASES)
    assert (run.wait_for_the_end() is not None) is wrong


class Item:
    """A guest test as the host's pytest has it; a list takes what is told of it."""

    path = host_plugin.GUEST_TESTS / "test_x.py"
    location = ("test_x.py", 1, "a")
    keywords = ("a",)

    def __init__(self, nodeid, told):
        self.nodeid = nodeid
        self.ihook = SimpleNamespace(
            pytest_runtest_logstart=lambda **_: None,
            pytest_runtest_logfinish=lambda **_: None,
            pytest_runtest_logreport=lambda report: told.append(report),
        )


def ends_with_3(guest, nodeids):
    guest.run("a")
    guest.run("b")
    guest.send(finished=3)


def dies_after_the_last_report(guest, nodeids):
    guest.run("a")
    guest.run("b")


@pytest.mark.parametrize(
    ("script", "status", "why"),
    [
        (all_pass, pytest.ExitCode.OK, None),
        (ends_with_3, pytest.ExitCode.INTERNAL_ERROR, "ended with status 3"),
        (dies_after_the_last_report, pytest.ExitCode.INTERNAL_ERROR, "Kernel panic"),
    ],
)
def test_a_wrong_end_fails_the_session_also_where_the_hosts_tests_come_last(run_of, script, status, why):
    hook = SimpleNamespace(pytest_report_from_serializable=lambda data, **_: data)
    plugin, told = host_plugin.HostPlugin(SimpleNamespace(hook=hook)), []
    plugin._runs = [run_of(["a", "b"], script)]
    plugin._run_of = dict.fromkeys(["a", "b"], plugin._runs[0])
    for nodeid in ("a", "b"):
        assert plugin.pytest_runtest_protocol(Item(nodeid, told)) is True
    assert [report["nodeid"] for report in told] == ["a"] * 3 + ["b"] * 3
    session = SimpleNamespace(exitstatus=pytest.ExitCode.OK)
    plugin.pytest_sessionfinish(session)
    assert session.exitstatus is status
    assert why is None or why in plugin._wrong_end


def test_silence_ends_the_wait(run_of, monkeypatch):
    monkeypatch.setattr(bridge, "SILENCE", 0.01)
    over = threading.Event()
    run = run_of(["a"], lambda *_: over.wait(30))
    with pytest.raises(GuestLost, match=r"nothing came from the guest for 0\.01 s"):
        phases(run, "a")
    over.set()


@pytest.mark.parametrize("lie", [{"token": "another boot"}, {"release": "6.18.0-host"}])
def test_another_kernel_than_the_one_that_was_booted_runs_nothing(run_of, lie):
    run = run_of(["a"], all_pass, **lie)
    with pytest.raises(GuestLost, match="this is not the kernel that was booted"):
        phases(run, "a")


def test_tests_are_dealt_out_in_turn_where_there_are_cores_and_enough_of_them():
    share = host_plugin.SHARE
    assert host_plugin.shares(["a"], 2) == [["a"]]
    many = [str(number) for number in range(2 * share + 1)]
    assert host_plugin.shares(many[: 2 * share - 1], 2) == [many[: 2 * share - 1]]
    assert host_plugin.shares(many, 2) == [many[::2], many[1::2]]
    assert host_plugin.shares(many, 1) == [many]
    assert len(host_plugin.shares(many * 10, 64)) == host_plugin.MOST_SHARES


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        (["tests"], False),
        (["tests/driver", "tests/test_documents.py"], False),
        (["tests/kernel"], True),
        (["tests/driver", "tests/kernel/guest/test_rig.py::test_x"], True),
    ],
)
def test_guest_tests_are_collected_only_where_they_are_named(arguments, asked):
    class Config:
        args = arguments

        class invocation_params:  # noqa: N801 - pytest's name
            dir = host_plugin.GUEST_TESTS.parents[2]

    assert host_plugin.asked_for(Config) is asked
