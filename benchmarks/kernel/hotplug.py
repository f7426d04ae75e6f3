"""How soon a program hears of what happens on the bus. Distributions, of which nothing is asserted."""

from __future__ import annotations

import queue
import threading
from time import monotonic
from typing import Self

import pyudev

from benchmarks.records import Row, Section, duration
from dscplus_driver import discovery, errors
from dscplus_driver.transport.url import open_transport
from tests.kernel.guest.usb_cards import UsbCard, UsbCards

ROUNDS = 20
TIMEOUT = 60.0
HEAD_START = 0.05
"""Seconds for a thread to be inside its blocking read before the card is pulled out."""
NAMES = {"hid": "hidraw", "usb": "libusb", "serial": "ttyACM"}


def measure_typed_errors() -> Section:
    """From telling the card to leave to CardRemoved out of a read that waits."""
    cards = UsbCards()
    try:
        (card,) = cards()
        rows = [_row(name, [_removed_after(card, way) for _ in range(ROUNDS)]) for way, name in NAMES.items()]
        return Section("From unplugging to CardRemoved", tuple(rows))
    finally:
        cards.close()


def _removed_after(card: UsbCard, way: str) -> float:
    transport = open_transport(card.urls[way])
    ended: list[float] = []

    def read() -> None:
        try:
            transport.read(TIMEOUT)
        except errors.CardRemoved:
            ended.append(monotonic())

    reader = threading.Thread(target=read)
    reader.start()
    reader.join(HEAD_START)
    began = monotonic()
    card.unplug()
    reader.join(TIMEOUT)
    transport.close()
    card.plug()
    return ended[0] - began


def measure_watch() -> Section:
    """From the kernel's own events to what `watch()` gives."""
    cards = UsbCards()
    try:
        (card,) = cards()
        card.unplug()
        came, ready, went = [], [], []
        with _KernelEvents(card.sysfs.name) as kernel, _Watcher() as watcher:
            for _ in range(ROUNDS):
                kernel.times.clear()
                card.plug()
                seen = watcher.next(discovery.Appeared)
                came.append(seen - kernel.times["add", "usb"])
                ready.append(seen - max(kernel.times["add", "hidraw"], kernel.times["add", "tty"]))
                card.unplug()
                went.append(watcher.next(discovery.Vanished) - kernel.times["remove", "usb"])
        rows = (
            _row("device added → Appeared", came),
            _row("its last node added → Appeared", ready),
            _row("device removed → Vanished", went),
        )
        return Section("From the kernel's event to watch()", rows)
    finally:
        cards.close()


class _KernelEvents:
    """Notes when the kernel told of a device, straight from its socket, before udevd has done anything."""

    def __init__(self, device: str) -> None:
        self.times: dict[tuple[str, str], float] = {}
        self._device = device
        monitor = pyudev.Monitor.from_netlink(pyudev.Context(), source="kernel")
        monitor.start()  # before anything is plugged in: nothing is missed while the thread starts
        self._observer = pyudev.MonitorObserver(monitor, callback=self._note)

    def __enter__(self) -> Self:
        self._observer.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._observer.stop()

    def _note(self, event: pyudev.Device) -> None:
        is_it = event.sys_name == self._device
        if is_it or (f"/{self._device}/" in event.device_path and event.subsystem in ("hidraw", "tty")):
            self.times.setdefault((event.action, event.subsystem), monotonic())


class _Watcher:
    """Takes the events of `watch()` as they come, in a thread of its own."""

    def __init__(self) -> None:
        self._watch = discovery.watch()
        self._seen: queue.Queue[tuple[discovery.Event, float]] = queue.Queue()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._watch.stop()
        self._thread.join(TIMEOUT)

    def next(self, kind: type[discovery.Event]) -> float:
        """When the next event of this kind came."""
        while True:
            event, seen = self._seen.get(timeout=TIMEOUT)
            if isinstance(event, kind):
                return seen

    def _run(self) -> None:
        with self._watch as watch:
            for event in watch:
                self._seen.put((event, monotonic()))


def _row(name: str, seconds: list[float]) -> Row:
    ordered = sorted(seconds)
    label = f"{name} (fastest {ordered[0] * 1000:.0f}, slowest {ordered[-1] * 1000:.0f} ms)"
    return duration(label, seconds)
