"""`dsc-emulate attach`: keeps the cards of a running emulator attached to this machine's own USB.

A card that is unplugged is let go, one that is plugged in is attached again, to the same port as before: a
station knows its slots by their ports.
"""

import errno
import json
import select
import socket
import sys
from contextlib import ExitStack
from pathlib import Path

import click

from dscplus_card.hosts.emulate import EXIT_FAILED, EXIT_NOT_FOUND, EXIT_NOT_PERMITTED, fail
from dscplus_card.hosts.hands import EmulatorEnded, Hands
from dscplus_card.hosts.signals import stop_signals
from dscplus_card.hosts.usb import usbip
from dscplus_card.hosts.usb.vhci import Vhci, VhciForbidden, VhciUnavailable

LOOK_MS = 50  # how often to look whether a card that is away has been plugged in
ANSWER_TIMEOUT_S = 10.0
_SCHEME = f"usbip://{usbip.LOOPBACK}:"


class Attachment:
    """One card of the emulator: its control socket, its port, and the connection while it is attached."""

    def __init__(self, hands: Hands) -> None:
        self.serial_number = hands.serial_number()
        self.connection: socket.socket | None = None
        """The kernel's connection; kept to see its end, and to end it."""
        self.port: int | None = None
        """The port of the controller; stays the card's when it is unplugged."""
        self._hands = hands

    def url(self) -> str | None:
        """Return where the card is, None while it is unplugged. Raises click.ClickException."""
        url = self._hands.info()["url"]
        if url is not None and not url.startswith(_SCHEME):
            raise fail(f"card {self.serial_number} is at {url}: start dsc-emulate with --usbip", EXIT_FAILED)
        return None if url is None else str(url)

    def close(self) -> None:
        """Let the card go, and its control socket."""
        self.release()
        self._hands.close()

    def release(self) -> None:
        """End the connection: the kernel removes the device."""
        if self.connection is not None:
            try:
                self.connection.shutdown(socket.SHUT_RDWR)
            except OSError as error:
                if error.errno != errno.ENOTCONN:  # the kernel has ended it already
                    raise
            self.connection.close()
            self.connection = None


def attach(directory: Path, as_json: bool) -> None:
    """Keep the cards attached until SIGTERM, SIGINT, or the emulator's end. Raises click.ClickException."""
    numbers = card_numbers(directory)
    try:
        vhci = Vhci()
        with stop_signals() as stop, ExitStack() as attached:
            cards = []
            for number in numbers:
                cards.append(Attachment(Hands(directory, number)))
                attached.callback(let_go, cards[-1], as_json)
            keep_attached(cards, vhci, stop, as_json)
    except EmulatorEnded:
        click.echo("the emulator has ended", err=True)
    except VhciUnavailable as error:
        raise fail(str(error), EXIT_NOT_FOUND) from error
    except VhciForbidden as error:
        raise fail(str(error), EXIT_NOT_PERMITTED) from error
    except OSError as error:
        raise fail(f"cannot attach: {error.strerror or error}", EXIT_FAILED) from error


def card_numbers(directory: Path) -> list[int]:
    """Return the cards that have a control socket in `directory`. Raises click.ClickException."""
    numbers = sorted(int(path.stem.removeprefix("card-")) for path in directory.glob("card-*.ctl"))
    if not numbers:
        raise fail(f"no emulator runs in {directory}", EXIT_NOT_FOUND)
    return numbers


def keep_attached(cards: list[Attachment], vhci: Vhci, stop: socket.socket, as_json: bool) -> None:
    """Attach what is plugged, let go what is not, until `stop` can be read. Raises EmulatorEnded, OSError."""
    while True:
        for card in cards:
            if card.connection is None:
                attach_if_plugged(card, cards, vhci, as_json)
        waiting = select.poll()
        waiting.register(stop, select.POLLIN)
        for card in cards:
            if card.connection is not None:
                waiting.register(card.connection, select.POLLRDHUP)  # never POLLIN: the kernel reads
        all_there = all(card.connection is not None for card in cards)
        ended = {fileno for fileno, _events in waiting.poll(None if all_there else LOOK_MS)}
        if stop.fileno() in ended:
            return
        for card in cards:
            if card.connection is not None and card.connection.fileno() in ended:
                card.release()
                tell(card, "detached", as_json)


def attach_if_plugged(card: Attachment, cards: list[Attachment], vhci: Vhci, as_json: bool) -> None:
    """Attach one card if it is plugged and its port is free. Raises EmulatorEnded, VhciForbidden, OSError."""
    url = card.url()
    if url is None:
        return
    free = vhci.free_ports()
    if card.port is None:
        others = {other.port for other in cards}
        card.port = next((port for port in free if port not in others), None)
        if card.port is None:
            raise fail("all ports of vhci_hcd are taken: detach something", EXIT_FAILED)
    if card.port not in free:
        return  # the kernel has not done yet with the device that was there
    imported = import_device(url)
    if imported is None:
        return  # pulled out meanwhile, or another host was faster
    connection, device_id, speed = imported
    try:
        vhci.attach(card.port, connection, device_id, speed)
    except BaseException:
        connection.close()
        raise
    card.connection = connection
    tell(card, "attached", as_json)


def import_device(url: str) -> tuple[socket.socket, int, int] | None:
    """Import the card at `url`; returns (connection, device id, speed), None if the server refuses.

    Raises OSError.
    """
    port, _slash, bus_id = url.removeprefix(_SCHEME).partition("/")
    try:
        connection = socket.create_connection((usbip.LOOPBACK, int(port)), timeout=ANSWER_TIMEOUT_S)
    except ConnectionRefusedError:
        return None
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(usbip.import_request(bus_id))
    answer = b""
    while len(answer) < usbip.IMPORT_ANSWER_LENGTH:
        data = connection.recv(usbip.IMPORT_ANSWER_LENGTH - len(answer))
        if not data:
            connection.close()
            return None
        answer += data
    connection.settimeout(None)  # the kernel waits as long as it likes
    return connection, *usbip.read_import_answer(answer)


def let_go(card: Attachment, as_json: bool) -> None:
    """Take leave of a card for good."""
    if card.connection is not None:
        tell(card, "detached", as_json)
    card.close()


def tell(card: Attachment, event: str, as_json: bool) -> None:
    """Say on standard output what happened to a card."""
    if as_json:
        record = {"format": "dsc-emulate.attach/1", "event": event}
        print(json.dumps(record | {"serial_number": card.serial_number, "port": card.port}))
    else:
        print(f"{event} {card.serial_number} port {card.port}")
    sys.stdout.flush()
