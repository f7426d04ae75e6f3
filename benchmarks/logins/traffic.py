"""The load: logins over persistent connections, each the next one as soon as the last is done.

A login is a generator: it yields requests, is sent their answers, and returns when its user is in; whatever
else comes back raises. Bare sockets, so that the generator takes little of the cores that the servers need.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

CONNECTIONS = 8
"""Side by side, on every side; so many threads have the servers at least."""
ANSWER_SECONDS = 60

Login = Generator[bytes, "Answer", None]


@dataclass(frozen=True)
class Answer:
    """What came back: status, and the JSON of the body."""

    status: int
    body: Any


class LoginFailed(AssertionError):
    """A login that should have been right was refused: there is no figure then."""


@dataclass
class Load:
    """What one turn of logins took.

    Args:
        elapsed: seconds from the first request to the last answer.
        seconds: of each login, from its first request to its last answer.
        generator: CPU seconds of this process.
    """

    elapsed: float = 0.0
    seconds: list[float] = field(default_factory=list)
    generator: float = 0.0

    @property
    def rate(self) -> float:
        """Logins a second."""
        return len(self.seconds) / self.elapsed


def request(path: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """A POST request as it goes over the wire."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body


def as_json(path: str, headers: Mapping[str, str], content: Mapping[str, str]) -> bytes:
    """A POST request with a JSON body."""
    body = json.dumps(content).encode()
    return request(path, {**headers, "Content-Type": "application/json"}, body)


def as_form(path: str, headers: Mapping[str, str], content: Mapping[str, str]) -> bytes:
    """A POST request with a form's body."""
    body = urlencode(content).encode()
    return request(path, {**headers, "Content-Type": "application/x-www-form-urlencoded"}, body)


def drive(
    port: int, logins: Sequence[Login], connections: int = CONNECTIONS, seconds: float | None = None
) -> Load:
    """Log in with all of them, or as many as can be begun in time, as fast as the server lets so many.

    Raises:
        LoginFailed: one of them was not let in.
    """
    waiting = list(reversed(logins))
    load = Load()
    failures: list[BaseException] = []
    end = float("inf") if seconds is None else time.perf_counter() + seconds
    everybody = threading.Barrier(connections + 1)

    def one_after_the_other() -> None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=ANSWER_SECONDS) as connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                everybody.wait(ANSWER_SECONDS)
                while waiting and not failures and (began := time.perf_counter()) < end:
                    login = waiting.pop()
                    _run(login, lambda message: _exchange(connection, message))
                    load.seconds.append(time.perf_counter() - began)
        except BaseException as failure:  # noqa: BLE001 (raised again by whoever asked for the load)
            failures.append(failure)
            everybody.abort()

    threads = [threading.Thread(target=one_after_the_other) for _ in range(connections)]
    for thread in threads:
        thread.start()
    try:
        everybody.wait(ANSWER_SECONDS)
    except threading.BrokenBarrierError:
        if not failures:
            raise
    cpu, began = time.process_time(), time.perf_counter()
    for thread in threads:
        thread.join()
    load.elapsed, load.generator = time.perf_counter() - began, time.process_time() - cpu
    if failures:
        raise failures[0]
    made = len(logins) - len(waiting)
    if len(load.seconds) != made or not made:
        raise LoginFailed(f"{len(load.seconds)} of {made} logins were made")
    return load


def _run(login: Login, exchange: Callable[[bytes], Answer]) -> None:
    message = next(login)
    while True:
        try:
            message = login.send(exchange(message))
        except StopIteration:
            return


def _exchange(connection: socket.socket, message: bytes) -> Answer:
    connection.sendall(message)
    received = b""
    while (end := received.find(b"\r\n\r\n")) < 0:
        received += _more(connection)
    head = received[:end].lower()
    length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
    body = received[end + 4 :]
    while len(body) < length:
        body += _more(connection)
    return Answer(int(head[9:12]), json.loads(body))


def _more(connection: socket.socket) -> bytes:
    part = connection.recv(65536)
    if not part:
        raise LoginFailed("the server closed the connection")
    return part
