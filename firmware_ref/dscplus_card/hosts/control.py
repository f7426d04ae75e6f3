"""The second door of a virtual card: a socket for what hands do to a card. One JSON object a line, each way.

docs/emulator.md describes the requests. Nothing here is logged: keys may be a PIN.
"""

import errno
import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dscplus_card.hosts.keys import KeysError, read_keys

LONGEST_REQUEST = 65536  # bytes of one line
LONGEST_PATH = 107  # bytes in a sockaddr_un


class RequestError(Exception):
    """A request that cannot be carried out; the message goes back to the client."""


class ControlServer:
    """The control socket of one card; several clients may be there at a time."""

    def __init__(self, path: Path, handle: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        """Listen at `path`, mode 0600. Raises OSError."""
        self._handle = handle
        self.path = path
        if len(bytes(path)) > LONGEST_PATH:
            raise OSError(
                errno.ENAMETOOLONG,
                f"the path is longer than {LONGEST_PATH} bytes, use a shorter --dir",
                str(path),
            )
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        path.chmod(0o600)  # until now nobody could connect: it did not listen
        self._listener.listen(8)
        self._listener.setblocking(False)
        self._clients: dict[socket.socket, bytes] = {}

    def close(self) -> None:
        """Turn all clients away and remove the socket."""
        for end in (self._listener, *self._clients):
            end.close()
        self.path.unlink(missing_ok=True)

    def filenos(self) -> list[int]:
        """Return the descriptors to wait on for reading."""
        return [end.fileno() for end in (self._listener, *self._clients)]

    def serve(self) -> None:
        """Take waiting clients and answer what has come from them."""
        try:
            newcomer, _address = self._listener.accept()
            newcomer.setblocking(False)
            self._clients[newcomer] = b""
        except (BlockingIOError, ConnectionAbortedError):
            pass
        for client in list(self._clients):
            if not self._serve_client(client):
                client.close()
                del self._clients[client]

    def _serve_client(self, client: socket.socket) -> bool:
        """Answer whole lines. Returns whether to keep the client."""
        try:
            data = client.recv(LONGEST_REQUEST)
        except BlockingIOError:
            return True
        except OSError:
            return False
        *lines, rest = (self._clients[client] + data).split(b"\n")
        self._clients[client] = rest
        try:
            for line in lines:
                client.sendall(json.dumps(answer(line, self._handle)).encode() + b"\n")
        except OSError:
            return False  # it has gone, or does not read its answers
        return bool(data) and len(rest) <= LONGEST_REQUEST


def answer(line: bytes, handle: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    """Return the answer to one line: what `handle` gives with ``"ok": true``, or an ``error``."""
    try:
        request = json.loads(line)
        if not isinstance(request, dict):
            raise RequestError("a request is a JSON object")
        return {"ok": True, **handle(request)}
    except (ValueError, RecursionError):
        return {"ok": False, "error": "a request is one line of JSON"}
    except RequestError as error:
        return {"ok": False, "error": str(error)}


def keys_of(request: dict[str, Any]) -> list[str]:
    """Return the keys of a ``press`` request. Raises RequestError."""
    try:
        return read_keys(text_of(request, "keys"))
    except KeysError as error:
        raise RequestError(str(error)) from error


def text_of(request: dict[str, Any], name: str) -> str:
    """Return the text `name` of a request. Raises RequestError."""
    text = request.get(name)
    if not isinstance(text, str):
        raise RequestError(f"{name} is missing or no text")
    return text


def number_of(request: dict[str, Any], name: str, highest: int) -> int:
    """Return the whole number `name` of a request, 0 to `highest`. Raises RequestError."""
    number = request.get(name)
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= highest:
        raise RequestError(f"{name} is missing or no whole number up to {highest}")
    return number
