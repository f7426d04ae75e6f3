"""Virtual cards on the guest's USB, each in a port of its own, and the emulators behind them."""

import json
import multiprocessing
import multiprocessing.connection
import os
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pyudev

from dscplus_driver.emulator import VirtualCardControl
from dscplus_driver.sensitive import KeySet
from dscplus_driver.virtual import TEST_BATCH_MASTER, TEST_BATCH_VERSION
from tests.kernel.guest import vhci

TIMEOUT = 60.0
"""Seconds for anything that takes milliseconds on an idle machine."""
HUB = "1"
"""The bus of vhci's first hub: what is in port N, counted from 0, is 1-(N+1) in sysfs."""
NODES = ("hidraw", "tty")
"""The subsystems in which a card has a node each."""


# Forks emulators off a process that has imported them: an emulated machine takes seconds for the imports.
NURSERY = multiprocessing.get_context("forkserver")
NURSERY.set_forkserver_preload(["dscplus_card.hosts.run", "dscplus_card.hosts.emulate"])


def run_emulator(arguments: list[str], errors: Path, output: multiprocessing.connection.Connection) -> None:
    """Do what the command `dsc-emulate` does with these arguments; runs in the emulator's process."""
    from dscplus_card.hosts.emulate import main

    os.dup2(output.fileno(), 1)
    os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT), 2)
    main(arguments)


class Emulator:
    """A `dsc-emulate --usbip` in a process of its own."""

    def __init__(self, count: int, options: tuple[str, ...]) -> None:
        """Start it and wait until all its cards answer."""
        self.directory = Path(tempfile.mkdtemp(prefix="dsc-"))
        self.errors = self.directory / "stderr"
        arguments = ["--usbip", "--json", "--dir", str(self.directory), "--count", str(count), *options]
        self._output, output = NURSERY.Pipe(duplex=False)
        self.process = NURSERY.Process(target=run_emulator, args=(arguments, self.errors, output))
        self.process.start()
        output.close()
        self.ready = [json.loads(line) for line in self._ready_lines(count)]

    def _ready_lines(self, count: int) -> list[bytes]:
        received = b""
        deadline = time.monotonic() + TIMEOUT
        while received.count(b"\n") < count:
            readable = select.select([self._output], [], [], max(0.0, deadline - time.monotonic()))[0]
            data = os.read(self._output.fileno(), 65536) if readable else b""
            if not data:
                self.stop()
                raise AssertionError(f"the emulator did not become ready: {self.errors.read_text()}")
            received += data
        return received.splitlines()

    def kill(self) -> None:
        """End it without warning, in the midst of whatever it does."""
        self.process.kill()
        self.process.join(TIMEOUT)

    def suspend(self) -> None:
        """Let it stand still; the kernel's transfers stay unanswered."""
        os.kill(self.process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on; harmless when it has ended."""
        if self.process.is_alive():
            os.kill(self.process.pid, signal.SIGCONT)

    def stop(self) -> None:
        """End it, however it is; harmless when it has ended."""
        self.resume()
        self.process.terminate()
        self.process.join(TIMEOUT)
        if self.process.is_alive():
            self.kill()
        self._output.close()


class UsbPort:
    """A port of the guest's hub, and the nodes of the card that is in it."""

    def __init__(self, port: int) -> None:
        """Take a port, counted from 0."""
        self.port = port
        self.sysfs = Path(f"/sys/bus/usb/devices/{HUB}-{port + 1}")

    def attach(self, url: str) -> None:
        """Plug in what is at ``usbip://…``; udevd has finished with its nodes then."""
        with Udev() as udev:
            vhci.attach(url, self.port)
            waiting = set(NODES)
            while waiting:
                event = udev.event(f"{'/'.join(sorted(waiting))} of {self.sysfs.name}")
                if event.action == "add" and f"/{self.sysfs.name}/" in event.device_path:
                    waiting.discard(event.subsystem)

    def gone_after(self, action: Callable[[], None]) -> None:
        """Do what takes the card off the bus, and wait until kernel and udevd have finished with it."""
        with Udev() as udev:
            action()
            while True:
                event = udev.event(f"removal of {self.sysfs.name}")
                if event.action == "remove" and event.sys_name == self.sysfs.name:
                    break
        vhci.wait_until_free(self.port)

    @property
    def hidraw(self) -> str:
        """Its HID node, such as ``/dev/hidraw0``."""
        return self._node("*:*.2/*/hidraw/hidraw*")

    @property
    def tty(self) -> str:
        """Its serial node, such as ``/dev/ttyACM0``."""
        return self._node("*:*.0/tty/tty*")

    @property
    def bus_and_address(self) -> tuple[int, int]:
        """Where libusb finds it."""
        return tuple(int((self.sysfs / name).read_text()) for name in ("busnum", "devnum"))

    @property
    def urls(self) -> dict[str, str]:
        """The driver's URL for each of its transports: ``hid``, ``usb``, ``serial``."""
        bus, address = self.bus_and_address
        return {"hid": f"hid:{self.hidraw}", "usb": f"usb:{bus}.{address}", "serial": f"serial:{self.tty}"}

    def _node(self, pattern: str) -> str:
        (found,) = self.sysfs.glob(pattern)
        return f"/dev/{found.name}"

    def clear(self) -> None:
        """Leave the port free, whatever is in it."""
        if self.port in vhci.used_ports():
            vhci.detach(self.port)


class UsbCard(UsbPort):
    """A virtual card with a port of its own."""

    def __init__(self, emulator: Emulator, number: int, port: int) -> None:
        """Take the `number`th card of an emulator; it is not in its port yet."""
        super().__init__(port)
        ready = emulator.ready[number]
        self.emulator = emulator
        self.url: str = ready["url"]
        """``usbip://…``, where the kernel fetches the card."""
        self.serial_number: str = ready["serial_number"]
        self.control = VirtualCardControl(ready["control"])

    @property
    def keys(self) -> KeySet:
        """The keys of the maker, which a blank card has."""
        return KeySet.diversify(TEST_BATCH_MASTER, TEST_BATCH_VERSION, self.serial_number)

    def plug(self) -> None:
        """Put the card into its port, again if it was unplugged; udevd has finished with its nodes then."""
        if not self.control.info().plugged:
            self.control.plug()
        self.attach(self.url)

    def unplug(self) -> None:
        """Pull the card out; its nodes have gone then. It lives on from its battery."""
        self.gone_after(self.control.unplug)

    def close(self) -> None:
        """Leave its port free, whatever a test has done to card and emulator."""
        self.control.close()
        self.clear()


class UsbCards:
    """Makes cards for one test; what it made is gone after it."""

    def __init__(self) -> None:
        self.emulators: list[Emulator] = []
        self._cards: list[UsbCard] = []

    def __call__(self, count: int = 1, *options: str, plugged: bool = True) -> list[UsbCard]:
        """Return new cards of a new emulator, plugged into the next free ports; `options` are its own."""
        emulator = Emulator(count, options)
        self.emulators.append(emulator)
        first = len(self._cards)
        cards = [UsbCard(emulator, number, first + number) for number in range(count)]
        self._cards += cards
        if plugged:
            for card in cards:
                card.plug()
        return cards

    def close(self) -> None:
        """Take everything away."""
        for emulator in self.emulators:
            emulator.resume()
        for card in self._cards:
            card.close()
        for emulator in self.emulators:
            emulator.stop()


class Udev:
    """Listens to what udevd has finished; begin before you cause what you wait for."""

    def __enter__(self) -> "Udev":
        self._monitor = pyudev.Monitor.from_netlink(pyudev.Context(), source="udev")
        self._monitor.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        del self._monitor

    def event(self, what: str) -> pyudev.Device:
        """Return the next event. Raises AssertionError, naming `what`, where none comes."""
        device = self._monitor.poll(TIMEOUT)
        assert device is not None, f"udev was silent for {TIMEOUT:g} s: {what}"
        return device


def settle() -> None:
    """Wait until udevd has nothing left to do."""
    subprocess.run(["udevadm", "settle", f"--timeout={TIMEOUT:.0f}"], check=True, timeout=TIMEOUT * 2)
