"""Serving the API: one socket, a clean end."""

import contextlib
import errno
import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from dscplus_station.errors import BadInput, HeldByAnother, StationError

END_TIMEOUT = 5
"""Seconds that requests under way have when the server is to end."""


def listen(host: str, port: int, certificate: Path | None, key: Path | None) -> socket.socket:
    """Take the port; 0 takes a free one.

    Raises:
        BadInput: tokens would cross a network in the clear; or a certificate without its key.
        HeldByAnother: somebody else listens there.
        StationError: no such address on this machine, or not allowed.
    """
    if (certificate is None) != (key is None):
        raise BadInput("a certificate goes with its key: --certificate F and --certificate-key F")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        raise BadInput(f"{host} is no address of a network card, such as 127.0.0.1") from None
    if certificate is None and not address.is_loopback:
        raise BadInput(
            f"{host} can be reached by others, so tokens and passwords would cross the network in the clear: "
            "give --certificate F and --certificate-key F, or leave out --bind"
        )
    listener = socket.socket(socket.AF_INET6 if address.version == 6 else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        kind = HeldByAnother if error.errno == errno.EADDRINUSE else StationError
        raise kind(f"{host} port {port}: {error.strerror or error}; say another with --port") from None
    return listener


class Server:
    """The API's server. `run` blocks until `stop`, which any thread or a signal handler may call."""

    def __init__(
        self,
        app: FastAPI,
        listener: socket.socket,
        started: Callable[[], None],
        certificate: Path | None = None,
        key: Path | None = None,
    ) -> None:
        self._listener = listener
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            proxy_headers=False,
            timeout_graceful_shutdown=END_TIMEOUT,
            ssl_certfile=certificate,
            ssl_keyfile=key,
        )
        try:
            config.load()
        except (OSError, ssl.SSLError) as error:
            raise BadInput(f"{certificate}: cannot be used as certificate and key ({error})") from None
        self._server = _Quiet(config, started)

    def run(self) -> None:
        """Serve until stopped."""
        self._server.run(sockets=[self._listener])

    def stop(self) -> None:
        """End: no new requests; those under way are answered."""
        self._server.should_exit = True


class _Quiet(uvicorn.Server):
    """Signals are the command's business; whoever waits hears when it answers."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._tell_started = started

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._tell_started()
