"""A kiosk that is served on a free loopback port, by the server that `dsc-station serve` uses."""

import dataclasses
import threading
from contextlib import contextmanager

from dscplus_station.actor import ALL_ROLES, Actor
from dscplus_station.operators import service as operators
from dscplus_station.operators.rules import Position
from dscplus_station.serving import Server, listen
from dscplus_station.web.addresses import Addresses
from dscplus_station.web.app import kiosk_app
from dscplus_station.web.kiosk import open_kiosk

START_TIMEOUT = 20
PIN = "314159"
PASSWORD = "sample wisteria 12"
EVERYTHING = frozenset(Position) - {Position.AUDITOR}


class Served:
    """A served kiosk, with a way to add operators. `world` is the station behind it."""

    def __init__(self, world, kiosk, app):
        self.world = world
        self.kiosk = kiosk
        self.app = app
        self.url = kiosk.addresses.url.rstrip("/")

    def add_operator(self, name="olivia", positions=EVERYTHING):
        """Add an operator with `PIN` and `PASSWORD`; gives the badge's code."""
        officer = Actor("sample-officer", ALL_ROLES, "bench-1")
        operators.add(self.world.station, officer, name, positions)
        operators.set_secret(self.world.station, officer, name, PIN)
        operators.set_secret(self.world.station, officer, name, PASSWORD)
        return operators.new_badge(self.world.station, officer, name)


@contextmanager
def serving(world, port=0, wire=None, certificate=None, **parts):
    """Serve `world` while the block runs; `parts` replace what the kiosk would open by itself.

    With a `certificate` (its file and its key's) by TLS.

    With a `wire`, the browser comes by its port.
    """
    started = threading.Event()
    with (
        listen("127.0.0.1", port) as listener,
        open_kiosk(world.station, world.keystore, _addresses(listener, certificate)) as kiosk,
    ):
        if wire is not None:
            wire.to = kiosk.addresses.port
            kiosk.addresses = dataclasses.replace(kiosk.addresses, port=wire.port)
        for name, part in parts.items():
            setattr(kiosk, name, part)
        app = kiosk_app(kiosk)
        running = Server(app, listener, started.set, *(certificate or ()), stopping=kiosk.stopping.set)
        thread = threading.Thread(target=running.run, name="kiosk", daemon=True)
        thread.start()
        try:
            assert started.wait(START_TIMEOUT), "the kiosk did not start"
            yield Served(world, kiosk, app)
        finally:
            running.stop()
            thread.join(START_TIMEOUT)
            assert not thread.is_alive(), "the kiosk did not end"


def _addresses(listener, certificate):
    return Addresses("127.0.0.1", listener.getsockname()[1], tls=certificate is not None)
