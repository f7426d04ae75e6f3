"""The server of the API and the kiosk, at its socket."""

import os
import socket
import stat
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
from fastapi import FastAPI

from dscplus_station.serving import Server, listen

SECONDS = 20


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_what_an_answer_consists_of_is_sent_at_once(host):
    """Head and body leave one after the other: the second must not wait until the client has acknowledged
    the first (Nagle), which a client that keeps its connection does 40 ms later.
    """
    with _serving(host) as address, socket.create_connection(address, SECONDS) as client:
        client.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(12) == b"HTTP/1.1 200"
        with _other_end(client) as accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_head_that_does_not_end_is_refused():
    """Who has no token yet cannot fill the memory: httptools, which uvicorn prefers, would keep it all."""
    with _serving() as address, socket.create_connection(address, SECONDS) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 70_000)
        assert client.recv(12) == b"HTTP/1.1 400"


@contextmanager
def _serving(host="127.0.0.1"):
    """An app's address, and its server while the block runs."""
    started = threading.Event()
    with listen(host, 0) as listener:
        server = Server(FastAPI(), listener, started.set)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        try:
            assert started.wait(SECONDS)
            yield listener.getsockname()[:2]
        finally:
            server.stop()
            thread.join(SECONDS)


def _other_end(client):
    """The socket of this process that a client's is connected to."""
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            copy = os.dup(int(descriptor.name))
        except OSError:  # closed meanwhile
            continue
        other = socket.socket(fileno=copy) if stat.S_ISSOCK(os.fstat(copy).st_mode) else None
        if other is None:
            os.close(copy)
        elif other.family == client.family and _peer(other) == client.getsockname():
            return other
        else:
            other.close()
    raise AssertionError("no other end here")


def _peer(connection):
    try:
        return connection.getpeername()
    except OSError:  # it listens
        return None
