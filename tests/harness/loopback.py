"""Driver and card joined in memory: the whole stack, no sleeping, faults at any byte and any flash operation.

A personalisation costs the processor time of its cryptography and nothing else; time is a number that waits
move forward.

    card = LoopbackCard("0000000018", TRANSPORT_KEYS)
    card.set_faults("unplug=300")
    with card.connect() as driver_card: ...
"""

from dscplus_card import state
from dscplus_card.device import Device, manufacture
from dscplus_card.flash import MemoryFlash
from dscplus_card.hosts.faults import Faults, parse_faults
from dscplus_card.hosts.image import SECTOR_COUNT, SECTOR_SIZE
from dscplus_card.hosts.port_cpython import CPythonPort
from dscplus_card.hosts.virtual_card import VirtualCard
from dscplus_driver import Card, KeySet
from dscplus_driver.errors import CardRemoved
from dscplus_driver.link.hid_frames import REPORT_LENGTH
from dscplus_driver.link.interface import LinkKind


class VirtualClock:
    """Seconds that pass only when somebody waits."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class LoopbackTransport:
    """The driver's transport seam, straight into a virtual card: into its serial link, or its HID link."""

    def __init__(
        self, card: VirtualCard, clock: VirtualClock, serial_number: str, link: LinkKind = LinkKind.SERIAL
    ) -> None:
        self.url = f"loopback:{serial_number}"
        self.link = link
        self.round_trips = 0
        """Times that the host, having written, waited for the card."""
        self._card = card
        self._clock = clock
        self._written = False
        if not card.plugged:
            raise CardRemoved("the card is not plugged in", where=self.url)

    def write(self, data: bytes) -> None:
        """Send all."""
        self._check()
        if self.link is LinkKind.SERIAL:
            self._card.feed(data)
        else:
            for report in reports_in(data):
                self._card.feed_report(report)
        self._written = True
        # A card that went with these bytes is noticed by the next read or write, as on a real port.

    def read(self, timeout: float) -> bytes:
        """Return what the card sends; time moves on to when it does, or by `timeout` seconds."""
        if self._written:
            self.round_trips += 1
            self._written = False
        deadline = self._clock.now + timeout
        while True:
            data = self._drain()
            if data:
                return data
            self._check()
            due = self._card.next_due()
            if due is None or due >= deadline:
                self._clock.now = deadline
                return self._drain()
            self._clock.now = max(self._clock.now, due)

    def close(self) -> None:
        """Give the card back."""

    def _drain(self) -> bytes:
        if self.link is LinkKind.SERIAL:
            return self._card.drain()
        report = self._card.drain_report()
        self._card.run()  # what waits for the report to be out, as hosts that move bytes let happen
        return report

    def _check(self) -> None:
        if not self._card.plugged:
            raise CardRemoved("the card was removed", where=self.url)


def reports_in(data: bytes) -> list[bytes]:
    """Take apart HID reports that stand one after the other."""
    assert len(data) % REPORT_LENGTH == 0, "half a report"
    return [data[at : at + REPORT_LENGTH] for at in range(0, len(data), REPORT_LENGTH)]


class LoopbackCard:
    """A card on a bench: its flash outlives cuts of its power, its clock stands still."""

    link = LinkKind.SERIAL
    """Which of the card's links is opened; `each_link` (conftest) sets it for a whole test."""

    def __init__(
        self,
        serial_number: str,
        keys: KeySet,
        *,
        image: bytes | None = None,
        clock: VirtualClock | None = None,
        bits_per_second: int | None = None,
    ) -> None:
        """Make a blank card under `keys`, or take the one of an `image` as it is; plug it in."""
        self.serial_number = serial_number
        self.clock = clock or VirtualClock()
        self.flash = MemoryFlash(SECTOR_SIZE, SECTOR_COUNT, None if image is None else bytearray(image))
        if image is None:
            key_set = (keys.enc.reveal(), keys.mac.reveal(), keys.dek.reveal())
            manufacture(self.flash, serial_number, keys.version, key_set)
        self.virtual = VirtualCard(
            self.flash, lambda flash: Device(CPythonPort(flash, self.clock)), self.clock, bits_per_second
        )
        self.virtual.plug()

    def set_faults(self, script: Faults | str) -> None:
        """Follow a fault script from now on; its counts start at nothing."""
        self.virtual.set_faults(parse_faults(script) if isinstance(script, str) else script)

    def transport(self) -> LoopbackTransport:
        """Open the card's port. Raises CardRemoved while it is unplugged."""
        return LoopbackTransport(self.virtual, self.clock, self.serial_number, self.link)

    def connect(self) -> Card:
        """Open the card with the driver, on the card's own clock."""
        return Card(self.transport(), clock=self.clock)

    def replug(self) -> None:
        """Plug the card in again, as often as scripted power cuts hit its boot."""
        while not self.virtual.plug():
            continue

    def memory(self) -> state.State:
        """Return what the flash holds, read from a copy: an inspector disturbs nothing."""
        return state.State(MemoryFlash(SECTOR_SIZE, SECTOR_COUNT, bytearray(self.flash.image())))
