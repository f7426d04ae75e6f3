"""The loop, the wires and the control socket of the emulator, with a toy in place of the firmware."""

import json
import os
import select
import socket
import stat
import threading
import time
import tty

import pytest

from dscplus_card.hosts.control import LONGEST_REQUEST, answer
from dscplus_card.hosts.directory import control_path, link_path
from dscplus_card.hosts.emulator import Body, run_until
from dscplus_card.hosts.faults import parse_faults
from dscplus_card.hosts.virtual_card import VirtualCard
from dscplus_card.hosts.wires import PtyWire, TcpWire

from .toy_card import ToyCard, toy_flash

A = b"\x00AAAA\x00"
PATIENCE_S = 10.0


class Bench:
    """One toy card, served by a thread."""

    def __init__(self, directory, wire, spec="", baud=None):
        self.toys = []
        self.directory = directory
        card = VirtualCard(toy_flash(), self.boot, time.monotonic, baud)
        card.set_faults(parse_faults(spec))
        self.body = Body("0000000018", card, wire, control_path(directory, 0))
        self.stop, self.asked_to_stop = socket.socketpair()
        self.thread = threading.Thread(target=run_until, args=(self.asked_to_stop, [self.body]), daemon=True)

    def boot(self, flash):
        self.toys.append(ToyCard(flash))
        return self.toys[-1]

    def __enter__(self):
        self.body.plug()
        self.thread.start()
        self.control = socket.socket(socket.AF_UNIX)
        self.control.settimeout(PATIENCE_S)
        self.control.connect(str(control_path(self.directory, 0)))
        return self

    def __exit__(self, *exception):
        self.stop.send(b"x")
        self.thread.join(PATIENCE_S)
        assert not self.thread.is_alive()
        self.body.close()
        for end in (self.stop, self.asked_to_stop, self.control):
            end.close()

    def ask(self, line):
        if isinstance(line, dict):
            line = json.dumps(line).encode() + b"\n"
        self.control.sendall(line)
        received = b""
        while not received.endswith(b"\n"):
            received += self.control.recv(65536)
        return json.loads(received)


def read_exactly(fileno, n):
    received = b""
    while len(received) < n:
        assert select.select([fileno], [], [], PATIENCE_S)[0], f"nothing came after {received!r}"
        received += os.read(fileno, n - len(received))
    return received


def see_removal(fileno):
    """Return what is left to read before the end: of a file, or by EIO."""
    left = b""
    while True:
        assert select.select([fileno], [], [], PATIENCE_S)[0], "the client never noticed"
        try:
            data = os.read(fileno, 100)
        except OSError:
            return left
        if not data:
            return left
        left += data


@pytest.fixture
def pty_bench(tmp_path):
    with Bench(tmp_path, PtyWire(link_path(tmp_path, 0))) as bench:
        yield bench


@pytest.fixture
def tcp_bench(tmp_path):
    with Bench(tmp_path, TcpWire()) as bench:
        yield bench


def open_pty(bench):
    return os.open(link_path(bench.directory, 0), os.O_RDWR | os.O_NOCTTY)


def connect(bench):
    host, port = bench.body.url.removeprefix("tcp://").split(":")
    return socket.create_connection((host, int(port)), timeout=PATIENCE_S)


def test_pty_carries_every_byte_value_unchanged(pty_bench):
    port = open_pty(pty_bench)
    os.write(port, bytes(range(256))[:200])
    assert read_exactly(port, 200) == bytes(range(200))
    os.write(port, bytes(range(200, 256)))
    assert read_exactly(port, 56) == bytes(range(200, 256))
    os.close(port)


def test_pty_serves_one_client_after_another(pty_bench):
    for _ in range(3):
        port = open_pty(pty_bench)
        os.write(port, A)
        assert read_exactly(port, 6) == A
        os.close(port)


def test_pty_that_nobody_reads_does_not_stop_the_card(pty_bench):
    port = open_pty(pty_bench)
    tty.setraw(port)
    for _ in range(100):
        os.write(port, bytes(1000))
    assert pty_bench.ask({"do": "press", "keys": "1"})["ok"]
    os.close(port)


def test_unplug_is_seen_by_the_client_and_plug_makes_a_new_port(pty_bench):
    port = open_pty(pty_bench)
    assert pty_bench.ask({"do": "unplug"}) == {"ok": True}
    see_removal(port)
    assert not link_path(pty_bench.directory, 0).is_symlink()
    assert pty_bench.ask({"do": "info"})["url"] is None
    link = link_path(pty_bench.directory, 0)
    assert pty_bench.ask({"do": "plug"}) == {"ok": True, "url": f"serial:{link}"}
    fresh = open_pty(pty_bench)
    os.write(fresh, A)
    assert read_exactly(fresh, 6) == A
    see_removal(port)
    os.close(port)
    os.close(fresh)
    assert len(pty_bench.toys) == 1, "an unplugged card lives on"


def test_scripted_unplug_closes_the_port(tmp_path):
    with Bench(tmp_path, PtyWire(link_path(tmp_path, 0)), "unplug=in:3") as bench:
        port = open_pty(bench)
        os.write(port, A)
        assert see_removal(port) == b""
        assert bench.ask({"do": "info"})["bytes_in"] == 3
        os.close(port)


def test_scripted_replug_comes_by_itself(tmp_path):
    with Bench(tmp_path, PtyWire(link_path(tmp_path, 0)), "unplug=in:3,replug=0.01") as bench:
        port = open_pty(bench)
        os.write(port, A)
        see_removal(port)
        os.close(port)
        deadline = time.monotonic() + PATIENCE_S
        while not bench.ask({"do": "info"})["plugged"]:
            assert time.monotonic() < deadline
        port = open_pty(bench)
        os.write(port, A)
        assert read_exactly(port, 6) == A
        os.close(port)


@pytest.mark.parametrize(("spec", "baud"), [("", 9600), ("delay=1:20", None)])
def test_what_takes_its_time_arrives_without_another_event(tmp_path, spec, baud):
    with Bench(tmp_path, PtyWire(link_path(tmp_path, 0)), spec, baud) as bench:
        port = open_pty(bench)
        os.write(port, A)
        assert read_exactly(port, 6) == A
        os.close(port)


def test_reboot_is_a_new_boot_on_a_new_port(pty_bench):
    port = open_pty(pty_bench)
    assert pty_bench.ask({"do": "reboot"})["url"]
    see_removal(port)
    os.close(port)
    assert len(pty_bench.toys) == 2


def test_power_cut_darkens_the_display(pty_bench):
    assert pty_bench.ask({"do": "press", "keys": "7"})["displays"] == ["7       "]
    assert pty_bench.ask({"do": "power-cut"}) == {"ok": True}
    info = pty_bench.ask({"do": "info"})
    assert (info["powered"], info["plugged"], info["display"]) == (False, False, " " * 8)
    assert pty_bench.ask({"do": "plug"})["ok"]
    assert pty_bench.ask({"do": "info"})["powered"]


def test_fault_script_is_set_and_cleared_while_running(pty_bench):
    port = open_pty(pty_bench)
    assert pty_bench.ask({"do": "fault", "spec": "drop=1"}) == {"ok": True}
    os.write(port, A)
    while pty_bench.ask({"do": "info"})["bytes_in"]:
        raise AssertionError("a dropped frame reached the card")
    assert pty_bench.ask({"do": "fault", "spec": ""}) == {"ok": True}
    os.write(port, A)
    assert read_exactly(port, 6) == A
    refused = pty_bench.ask({"do": "fault", "spec": "droop=1"})
    assert not refused["ok"]
    assert "droop" in refused["error"]
    os.close(port)


def test_control_socket_is_for_its_owner_only(pty_bench):
    assert stat.S_IMODE(control_path(pty_bench.directory, 0).stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b"\n", "one line of JSON"),
        (b"{\n", "one line of JSON"),
        (b"\xff\n", "one line of JSON"),
        (b"[1]\n", "a JSON object"),
        (b"{}\n", "do is missing or unknown; known are press, display"),
        (b'{"do": "dance"}\n', "do is missing or unknown"),
        (b'{"do": ["press"]}\n', "do is missing or unknown"),
        (b'{"do": "press"}\n', "keys is missing or no text"),
        (b'{"do": "press", "keys": 12}\n', "keys is missing or no text"),
        (b'{"do": "press", "keys": "98x7"}\n', "word 1 is no key"),
        (b'{"do": "fault"}\n', "spec is missing or no text"),
    ],
)
def test_bad_request_is_answered_and_does_no_harm(pty_bench, line, error):
    refused = pty_bench.ask(line)
    assert not refused["ok"]
    assert error in refused["error"]
    assert "98x7" not in refused["error"]
    assert pty_bench.ask({"do": "display"})["ok"]


def test_deeply_nested_request_is_refused():
    refused = answer(b"[" * 60_000, dict)
    assert refused == {"ok": False, "error": "a request is one line of JSON"}


def test_endless_request_ends_its_connection_only(pty_bench):
    with socket.socket(socket.AF_UNIX) as flood:
        flood.settimeout(PATIENCE_S)
        flood.connect(str(control_path(pty_bench.directory, 0)))
        with pytest.raises(OSError, match=r"Broken pipe|reset"):
            for _ in range(100):
                flood.sendall(b"x" * LONGEST_REQUEST)
    assert pty_bench.ask({"do": "display"})["ok"]


def test_requests_may_come_in_pieces_or_together(pty_bench):
    pty_bench.control.sendall(b'{"do": "pre')
    assert pty_bench.ask(b'ss", "keys": "1"}\n')["displays"] == ["1       "]
    pty_bench.control.sendall(b'{"do": "display"}\n{"do": "display"}\n')
    answers = b""
    while answers.count(b"\n") < 2:
        answers += pty_bench.control.recv(65536)
    assert answers.count(b'"ok": true') == 2


def test_tcp_listens_on_loopback_only(tcp_bench):
    assert tcp_bench.body.url.startswith("tcp://127.0.0.1:")
    with connect(tcp_bench) as client:
        client.sendall(A)
        assert read_exactly(client.fileno(), 6) == A


def test_tcp_turns_a_second_client_away_and_takes_the_next(tcp_bench):
    with connect(tcp_bench) as first:
        first.sendall(A)
        assert read_exactly(first.fileno(), 6) == A
        with connect(tcp_bench) as second:
            assert see_removal(second.fileno()) == b""
        first.sendall(A)
        assert read_exactly(first.fileno(), 6) == A
    with connect(tcp_bench) as third:
        third.sendall(A)
        assert read_exactly(third.fileno(), 6) == A


def test_tcp_port_stays_over_unplug_and_plug(tcp_bench):
    url = tcp_bench.body.url
    with connect(tcp_bench) as client:
        client.sendall(A)
        read_exactly(client.fileno(), 6)
        tcp_bench.ask({"do": "unplug"})
        see_removal(client.fileno())
    host, port = url.removeprefix("tcp://").split(":")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), timeout=PATIENCE_S)
    assert tcp_bench.ask({"do": "plug"})["url"] == url
    with connect(tcp_bench) as client:
        client.sendall(A)
        assert read_exactly(client.fileno(), 6) == A


def test_idle_emulator_sleeps(pty_bench):
    pty_bench.ask({"do": "display"})
    before = pty_bench.toys[0].ticks
    time.sleep(0.05)
    assert pty_bench.toys[0].ticks - before <= 1, "nothing was due, and yet the loop turned"
