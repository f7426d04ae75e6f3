"""The end of `dsc-station demo` at a terminal: the kiosk's page over a home full of sample data."""

import signal
from contextlib import ExitStack
from pathlib import Path

import click

from dscplus_station.cli.common import Desk
from dscplus_station.cli.serve import PORT, run
from dscplus_station.demo.history.staff import PASSWORD, PIN, SECOND_PERSON, VISITOR, badge_of
from dscplus_station.errors import HeldByAnother


def serve_demo(home: Path) -> None:
    """Serve the page until Ctrl-C, at the usual port, or at a free one if somebody has that."""
    from dscplus_station import serving
    from dscplus_station.web.addresses import Addresses

    desk = Desk(home, home / "passphrase", as_json=False)
    with ExitStack() as stack:
        try:
            listener = stack.enter_context(serving.listen("127.0.0.1", PORT))
        except HeldByAnother:
            listener = stack.enter_context(serving.listen("127.0.0.1", 0))
        addresses = Addresses("127.0.0.1", listener.getsockname()[1])

        def started() -> None:
            click.echo(f"\nThe kiosk's page: {addresses.url} (Ctrl-C ends it)")
            click.echo(f"Sign in: badge {badge_of(desk.home, VISITOR)}, PIN {PIN}")
            click.echo(
                f'Or without a badge: {VISITOR}, password "{PASSWORD}". '
                f"The second person is {SECOND_PERSON}, with the same password."
            )
            click.echo('Put cards into the four slots at "Your hands", then scan an order at "Bench".')

        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        run(desk, listener, addresses, started)
