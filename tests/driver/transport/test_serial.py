"""Transports against real ptys and sockets: opening, exclusion, removal."""

import contextlib
import errno
import os
import socket
import subprocess
import sys
import termios

import pytest

from dscplus_driver import errors
from dscplus_driver.transport.serial import SerialTransport
from dscplus_driver.transport.tcp import TcpTransport


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def test_bytes_go_both_ways_over_a_pty(terminal):
    master, path = terminal
    with contextlib.closing(SerialTransport(path)) as transport:
        transport.write(b"\x00\xff\x11\x13\r\n")
        assert os.read(master, 100) == b"\x00\xff\x11\x13\r\n"
        os.write(master, b"\x00answer\x0a")
        assert transport.read(1.0) == b"\x00answer\x0a"
        assert transport.read(0.0) == b""


def test_a_second_open_is_refused_with_the_holders_pid(terminal):
    _, path = terminal
    with contextlib.closing(SerialTransport(path)):
        with pytest.raises(errors.CardBusy) as caught:
            SerialTransport(path)
        assert caught.value.holder_pid == os.getpid()
        assert f"this program (process {os.getpid()})" in str(caught.value)
    SerialTransport(path).close()


def test_the_pid_is_the_other_process(terminal):
    _, path = terminal
    script = (
        "import sys; from dscplus_driver.transport.serial import SerialTransport;"
        "transport = SerialTransport(sys.argv[1]); print(1, flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout.readline() == b"1\n"
        with pytest.raises(errors.CardBusy) as caught:
            SerialTransport(path)
        assert caught.value.holder_pid == holder.pid
        holder.communicate(b"\n", timeout=10)


def test_an_unplugged_pty_is_a_removed_card(terminal):
    master, path = terminal
    with contextlib.closing(SerialTransport(path)) as transport:
        os.close(master)
        with pytest.raises(errors.CardRemoved, match="was removed"):
            transport.read(1.0)
        with pytest.raises(errors.CardRemoved):
            transport.write(b"x")


def test_a_port_that_had_nothing_after_all_is_read_again_later(terminal, monkeypatch):
    def nothing(fd, size):
        raise BlockingIOError

    with contextlib.closing(SerialTransport(terminal[1])) as transport:
        os.write(terminal[0], b"x")
        with monkeypatch.context() as patched:
            patched.setattr("dscplus_driver.transport.serial.os.read", nothing)
            assert transport.read(10.0) == b""
        assert transport.read(10.0) == b"x"


def test_bytes_sent_before_the_unplug_are_still_read(terminal):
    master, path = terminal
    with contextlib.closing(SerialTransport(path)) as transport:
        os.write(master, b"last words")
        assert transport.read(1.0) == b"last words"


def test_a_closed_transport_is_a_removed_card(terminal):
    transport = SerialTransport(terminal[1])
    transport.close()
    transport.close()
    with pytest.raises(errors.CardRemoved):
        transport.read(0.0)


def test_a_port_that_takes_nothing_times_out(terminal, monkeypatch):
    monkeypatch.setattr("dscplus_driver.transport.serial.WRITE_TIMEOUT", 0.05)
    with contextlib.closing(SerialTransport(terminal[1])) as transport, pytest.raises(errors.CardTimeout):
        transport.write(bytes(1_000_000))


def test_no_such_port():
    with pytest.raises(errors.PortNotFound, match="there is no /dev/nowhere"):
        SerialTransport("/dev/nowhere")


def test_a_file_is_no_port(tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("x")
    with pytest.raises(errors.UsageError, match="not a serial port"):
        SerialTransport(str(file))


def test_a_port_that_vanishes_while_it_is_set_up_is_a_removed_card_and_stays_unlocked(
    terminal, usb_tree, monkeypatch
):
    """The terminal interface has an exception of its own, which is no OSError."""
    _, path = terminal
    usb_tree.plug(1, 7, path)

    def gone(*_arguments):
        raise termios.error(errno.EIO, "Input/output error")

    with monkeypatch.context() as patched, pytest.raises(errors.CardRemoved):
        patched.setattr(termios, "tcflush", gone)
        SerialTransport(path)
    SerialTransport(path).close()


def test_whatever_goes_wrong_while_a_port_is_opened_its_card_is_unlocked(terminal, usb_tree, monkeypatch):
    _, path = terminal
    usb_tree.plug(1, 7, path)

    def interrupted(*_arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt) as caught:
        patched.setattr(termios, "tcflush", interrupted)
        SerialTransport(path)
    SerialTransport(path).close()
    assert caught.traceback  # kept until here: what it holds alive must not hold the lock


def test_tcp_both_ways_and_removal(listener):
    transport = TcpTransport("127.0.0.1", listener.getsockname()[1])
    peer, _ = listener.accept()
    with peer:
        transport.write(b"hello")
        assert peer.recv(10) == b"hello"
        peer.sendall(b"answer")
        assert transport.read(1.0) == b"answer"
        assert transport.read(0.0) == b""
        assert transport.read(0.01) == b""
    with pytest.raises(errors.CardRemoved):
        transport.read(1.0)
    transport.close()
    transport.close()


def test_nobody_listens(listener):
    port = listener.getsockname()[1]
    listener.close()
    with pytest.raises(errors.PortNotFound, match="nobody listens"):
        TcpTransport("127.0.0.1", port)
