"""Sets virtual cards up, announces them, and serves them until told to stop."""

import dataclasses
import errno
import json
import os
import sys
import time
from contextlib import ExitStack, closing
from pathlib import Path

import click

from dscplus_card.device import Device, manufacture
from dscplus_card.flash import MemoryFlash
from dscplus_card.hosts import identity
from dscplus_card.hosts.directory import (
    LOCK_NAME,
    DirectoryHeld,
    DirectoryUnusable,
    claim,
    control_path,
    hold,
    link_path,
)
from dscplus_card.hosts.emulate import (
    EXIT_FAILED,
    EXIT_HELD,
    EXIT_NOT_FOUND,
    EXIT_NOT_PERMITTED,
    EXIT_USAGE,
    fail,
)
from dscplus_card.hosts.emulator import Body, run_until
from dscplus_card.hosts.faults import Faults, FaultSpecError, parse_faults
from dscplus_card.hosts.image import ImageUnusable, open_image
from dscplus_card.hosts.port_cpython import CPythonPort
from dscplus_card.hosts.signals import stop_signals
from dscplus_card.hosts.usb.server import UsbIpServer
from dscplus_card.hosts.usb.uhid import UHID, UhidWire
from dscplus_card.hosts.virtual_card import VirtualCard
from dscplus_card.hosts.wires import PtyWire, TcpWire, Wire

TEST_KEY_WARNING = (
    "TEST: new cards are made with the published GlobalPlatform test key 404142…4F as batch key;"
    " everybody knows it"
)


IDLE_ABOVE_LOAD_MV = 100


@dataclasses.dataclass(frozen=True)
class RunOptions:
    """The options of `dsc-emulate` as they were typed."""

    directory: Path
    count: int
    state: Path | None
    baud: int | None
    fault_spec: str
    batch_key: Path | None
    kvn: str
    serial_from: str
    tcp: bool
    usbip: bool
    uhid: bool
    as_json: bool


@dataclasses.dataclass(frozen=True)
class Batch:
    """What the cards of one run have in common when they are made."""

    key: bytes
    key_version: int
    serial_numbers: list[str]

    def manufacture(self, flash: MemoryFlash, serial_number: str) -> None:
        """Make a blank card with its own transport keys."""
        keys = identity.card_keys(CPythonPort(flash), self.key, serial_number)
        manufacture(flash, serial_number, self.key_version, keys)


def run(options: RunOptions) -> None:
    """Run `dsc-emulate` until SIGTERM or SIGINT. Raises click.ClickException with the right exit code."""
    try:
        faults = parse_faults(options.fault_spec)
        batch = read_batch(options)
    except (FaultSpecError, identity.IdentityError) as error:
        raise fail(str(error), EXIT_USAGE) from error
    except OSError as error:
        raise fail(f"cannot read the batch key {error.filename}: {error.strerror}", EXIT_USAGE) from error
    if options.uhid:
        check_uhid()
    try:
        with stop_signals() as stop, ExitStack() as doors:
            own_directories(options)
            if options.batch_key is None:
                click.echo(TEST_KEY_WARNING, err=True)
            server = doors.enter_context(closing(UsbIpServer())) if options.usbip else None
            bodies = [
                open_body(options, card, serial_number, batch, faults, server, doors)
                for card, serial_number in enumerate(batch.serial_numbers)
            ]
            announce(bodies, options.as_json)
            run_until(stop, bodies, server)
    except DirectoryHeld as error:
        raise fail(str(error), EXIT_HELD) from error
    except (DirectoryUnusable, ImageUnusable) as error:
        raise fail(str(error), EXIT_FAILED) from error
    except OSError as error:
        if error.errno == errno.EPIPE:
            return  # whoever wanted to know that the cards are ready has gone
        raise fail(f"{error.filename or options.directory}: {error.strerror}", EXIT_FAILED) from error


def read_batch(options: RunOptions) -> Batch:
    """Read what the cards are made from. Raises IdentityError, OSError."""
    first = identity.read_first_number(options.serial_from)
    numbers = [identity.serial_number(first + card) for card in range(options.count)]
    key_version = identity.read_key_version(options.kvn)
    if options.batch_key is not None:
        return Batch(identity.read_batch_key(options.batch_key), key_version, numbers)
    return Batch(identity.TEST_BATCH_KEY, key_version, numbers)


def own_directories(options: RunOptions) -> None:
    """Take --dir, and --state if it is another one, for this process."""
    claim(options.directory)
    if options.state is not None:
        options.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not options.state.samefile(options.directory):
            hold(options.state / LOCK_NAME)


def open_body(
    options: RunOptions,
    card: int,
    serial_number: str,
    batch: Batch,
    faults: Faults,
    server: UsbIpServer | None,
    doors: ExitStack,
) -> Body:
    """Give one card its image, its wire and its control socket; `doors` closes them."""
    image = (options.state or options.directory) / f"{serial_number}.flash"
    flash = open_image(image, serial_number, lambda blank: batch.manufacture(blank, serial_number))

    def battery() -> tuple[int, int]:
        return virtual.faults.battery_mv + IDLE_ABOVE_LOAD_MV, virtual.faults.battery_mv

    def boot(flash: MemoryFlash) -> Device:
        return Device(CPythonPort(flash, battery=battery))

    virtual = VirtualCard(flash, boot, time.monotonic, options.baud)
    virtual.set_faults(dataclasses.replace(faults, seed=faults.seed + card))  # cards suffer independently
    wire = open_wire(options, card, serial_number, virtual, server)
    body = Body(serial_number, virtual, wire, control_path(options.directory, card))
    doors.callback(body.close)
    body.plug()
    return body


def check_uhid() -> None:
    """Raise click.ClickException, with what to type, unless this process may make HID devices."""
    if not UHID.exists():
        raise fail(f"{UHID} is not there: as root, modprobe uhid", EXIT_NOT_FOUND)
    if not os.access(UHID, os.R_OK | os.W_OK):
        raise fail(f"no right to open {UHID}: run dsc-emulate --uhid as root", EXIT_NOT_PERMITTED)


def open_wire(
    options: RunOptions, card: int, serial_number: str, virtual: VirtualCard, server: UsbIpServer | None
) -> Wire:
    """Give a card the kind of wire that was asked for."""
    if server is not None:
        return server.add(virtual, serial_number)
    if options.uhid:
        return UhidWire(serial_number)
    return TcpWire() if options.tcp else PtyWire(link_path(options.directory, card))


def announce(bodies: list[Body], as_json: bool) -> None:
    """Say on standard output which card is where."""
    for body in bodies:
        if body.url is None:
            click.echo(f"{body.serial_number} is dark: a fault cut its power while it booted", err=True)
            continue
        if as_json:
            record = {"format": "dsc-emulate.ready/1", "url": body.url, "serial_number": body.serial_number}
            print(json.dumps(record | {"control": str(body.control.path)}))
        else:
            print(f"ready {body.url.removeprefix('serial:')} {body.serial_number}")
    sys.stdout.flush()
