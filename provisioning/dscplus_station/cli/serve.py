"""`dsc-station serve`: the kiosk's page."""

import signal
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dscplus_station.cli.common import Desk, command
from dscplus_station.keystore.file import FileKeystore
from dscplus_station.loading import loading

if TYPE_CHECKING:
    from dscplus_station.web.addresses import Addresses

PORT = 8470
OWNER = "serve"


@click.command("serve")
@click.option("--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, help="0: a free one.")
@click.option(
    "--bind",
    "host",
    metavar="ADDRESS",
    default="127.0.0.1",
    show_default=True,
    help="Listen there instead of for this machine only; needs a certificate.",
)
@click.option(
    "--name",
    "names",
    metavar="HOST",
    multiple=True,
    help="A name by which browsers reach it, such as bench-1.example.com. Others are refused.",
)
@click.option(
    "--certificate", type=click.Path(path_type=Path, dir_okay=False), help="Serve by TLS: PEM file."
)
@click.option("--certificate-key", type=click.Path(path_type=Path, dir_okay=False), help="Its key: PEM file.")
@command
def serve(
    desk: Desk,
    port: int,
    host: str,
    names: tuple[str, ...],
    certificate: Path | None,
    certificate_key: Path | None,
) -> None:
    """Serve the page for the bench's touch screen, until Ctrl-C or SIGTERM. It runs the jobs, too.

    Operators sign in there by badge and PIN, or by name and password (dsc-station operators add).

    \b
    Example:
      dsc-station serve
    """
    from dscplus_station import serving
    from dscplus_station.web.addresses import Addresses

    serving.require_tls(host, certificate, certificate_key)
    with serving.listen(host, port) as listener:
        addresses = Addresses(host, listener.getsockname()[1], certificate is not None, names)

        def started() -> None:
            desk.tell(
                "serve", {"url": addresses.url}, lambda: click.echo(f"{addresses.url} (Ctrl-C ends it)")
            )

        run(desk, listener, addresses, started, certificate, certificate_key)


def run(
    desk: Desk,
    listener: socket.socket,
    addresses: "Addresses",
    started: Callable[[], None],
    certificate: Path | None = None,
    certificate_key: Path | None = None,
) -> None:
    """Serve the page until Ctrl-C or SIGTERM; `started` is called when it answers."""
    passphrase = desk.passphrase()
    with ExitStack() as stack:
        with loading(), ThreadPoolExecutor(1) as opening:
            # The passphrase's key takes a third of a second by design; the page's modules load meanwhile.
            keystore = opening.submit(FileKeystore.open, desk.home.keystore_file, passphrase)
            from dscplus_station.serving import Server
            from dscplus_station.web.app import areas, kiosk_app
            from dscplus_station.web.kiosk import open_kiosk

            areas()
            station = desk.station
            kiosk = stack.enter_context(open_kiosk(station, keystore.result(), addresses))

            def answering() -> None:
                from dscplus_station.jobs.background import jobs_beside  # the page does not wait for them

                started()
                stack.enter_context(jobs_beside(station, OWNER))

            serving = Server(
                *(kiosk_app(kiosk), listener, answering, certificate, certificate_key),
                stopping=kiosk.stopping.set,
            )
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: serving.stop())
        serving.run()
