"""Serving an ASGI app: one socket, TLS for whoever is not on this machine, a clean end."""

import contextlib
import errno
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from dscplus_station.errors import BadInput, HeldByAnother, StationError
from dscplus_station.network import is_loopback

END_TIMEOUT = 5
"""Seconds that requests under way have when the server is to end."""


def require_tls(host: str, certificate: Path | None, key: Path | None) -> None:
    """Refuse to serve others in the clear.

    Raises:
        BadInput: secrets would cross a network as they are; or a certificate without its key.
    """
    if (certificate is None) != (key is None):
        raise BadInput("a certificate goes with its key: --certificate F and --certificate-key F")
    if certificate is None and not is_loopback(host):
        raise BadInput(
            f"{host} can be reached by others, so PINs, passwords and tokens would cross the network in the "
            "clear: give --certificate F and --certificate-key F, or leave out --bind"
        )


def listen(host: str, port: int) -> socket.socket:
    """Take the port; 0 takes a free one.

    Raises:
        HeldByAnother: somebody else listens there.
        StationError: no such address on this machine, or not allowed.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP, so that asyncio sends an answer's body at once; else it lies here until the client has
    # acknowledged the head, 40 ms later.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        kind = HeldByAnother if error.errno == errno.EADDRINUSE else StationError
        told = f"{host} port {port}: {error.strerror or error}; say another with --port or --bind"
        raise kind(told) from None
    return listener


class Server:
    """An app's server. `run` blocks until `stop`, which any thread or a signal handler may call.

    Args:
        started: called once it answers.
        stopping: called when it is to end, so that what lasts, such as a stream, ends by itself.
    """

    def __init__(
        self,
        app: FastAPI,
        listener: socket.socket,
        started: Callable[[], None],
        certificate: Path | None = None,
        key: Path | None = None,
        *,
        stopping: Callable[[], None] = lambda: None,
    ) -> None:
        self._listener = listener
        self._stopping = stopping
        config = uvicorn.Config(
            app,
            http="h11",  # where httptools is installed, it would be taken: it bounds no request's head
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            lifespan="on",
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
        with self._listener:
            self._server.run(sockets=[self._listener])

    def stop(self) -> None:
        """End: no new requests; those under way are answered."""
        self._stopping()
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
