"""A card with its plug, its power and its faults, between a host's bytes or reports and `Device`. No I/O."""

import random
from collections.abc import Callable
from typing import Protocol

from dscplus_card.flash import MemoryFlash, PowerCut
from dscplus_card.hosts.faults import Faults
from dscplus_card.hosts.line import FrameFaults, Line, LostAnswer, ReportLine

DARK = " " * 8  # what a display without power shows


class Card(Protocol):
    """What a host may ask of a booted card: `dscplus_card.device.Device`."""

    def receive(self, data: bytes) -> None: ...
    def transmit(self) -> bytes: ...
    def receive_report(self, report: bytes) -> None: ...
    def transmit_report(self) -> bytes: ...
    def tick(self) -> None: ...
    def next_tick_ms(self) -> int | None: ...
    def press(self, key: str) -> None: ...
    def display(self) -> str: ...


class VirtualCard:
    """One card on one wire, which carries the bytes of the serial link, the reports of the HID link, or both.

    `boot(flash)` starts the firmware; `clock()` gives monotonic seconds. Unplugged, the card lives on from
    its battery; after a power cut it is dark and off the wire until `plug`.
    """

    def __init__(
        self,
        flash: MemoryFlash,
        boot: Callable[[MemoryFlash], Card],
        clock: Callable[[], float],
        bits_per_second: int | None = None,
    ) -> None:
        self._flash = flash
        self._boot = boot
        self._clock = clock
        self._card: Card | None = None
        self._to_card = Line(bits_per_second)
        self._to_host = Line(bits_per_second)
        self._reports_in = ReportLine()
        self._reports_out = ReportLine()
        self._replug_at: float | None = None
        self._frozen_until: float | None = None
        self.plugged = False
        self.boots = 0
        """Times that `boot` was called; like the byte counts, since this object was made."""
        self.bytes_in = 0
        """Bytes that reached the card, those of reports included."""
        self.bytes_out = 0
        """Bytes that left the wire at the host's end."""
        self.set_faults(Faults())

    @property
    def powered(self) -> bool:
        """Whether the firmware runs."""
        return self._card is not None

    @property
    def frozen(self) -> bool:
        """Whether the card stands still."""
        return self._frozen_until is not None and self._clock() < self._frozen_until

    @property
    def flash_operations(self) -> int:
        """Programs and erases since the fault script was set."""
        return self._flash.operations - self._operations_before

    def set_faults(self, faults: Faults) -> None:
        """Follow another fault script from now on; its counts start at nothing."""
        self.faults = faults
        self._generator = generator = random.Random(faults.seed)  # noqa: S311 - a fault script must repeat
        self._faults_in = FrameFaults(faults, generator)
        self._faults_out = FrameFaults(faults, generator)
        self._lost_answer = LostAnswer(faults.lose_answer)
        self._until_unplug = faults.unplug
        self._operations_before = self._flash.operations
        self._flash.worn_at = None if faults.worn is None else self._flash.operations + faults.worn
        self._restore_power()

    def plug(self) -> bool:
        """Put the card on the wire, with power. Returns whether it is there: a power cut may hit its boot."""
        self._replug_at = None
        if self._card is None:
            self.boots += 1
            try:
                self._card = self._boot(self._flash)
            except PowerCut:
                self.cut_power()
                return False
        self.plugged = True
        return True

    def unplug(self) -> None:
        """Pull the card out; bytes under way are lost."""
        self.plugged = False
        for line in (self._to_card, self._to_host, self._reports_in, self._reports_out):
            line.clear()
        for part in (self._faults_in, self._faults_out, self._lost_answer):
            part.clear()
        if self.faults.replug_s is not None:
            self._replug_at = self._clock() + self.faults.replug_s

    def freeze(self, seconds: float) -> None:
        """Let the card stand still for so long: it takes nothing, gives nothing, and no timer of it acts."""
        self._frozen_until = self._clock() + seconds

    def cut_power(self) -> None:
        """Take the power away at once, and with it everything that is not in flash."""
        self._card = None
        self._frozen_until = None
        self._restore_power()
        self.unplug()

    def _restore_power(self) -> None:
        """Lift a cut of the flash's power, and plan the next one of the script."""
        self._flash.restore_power()
        ahead = [cut for cut in self.faults.power_cuts if cut > self.flash_operations]
        if ahead:
            self._flash.cut_power_at(min(ahead) - self.flash_operations, self._generator.randbytes)

    def feed(self, data: bytes) -> None:
        """Bytes that the host sends."""
        if not self.plugged:
            return
        self._lost_answer.see_request_bytes(data)
        now = self._clock()
        for piece, held_s in self._faults_in.filter(data):
            self._to_card.feed(piece, now, held_s)
        self.run()

    def drain(self) -> bytes:
        """Return the bytes that reach the host now."""
        self.run()
        if self.frozen:
            return b""
        arrived = self._pass(self._to_host.take(self._clock()), "out")
        self.bytes_out += len(arrived)
        return arrived

    def feed_report(self, report: bytes) -> None:
        """An output report that the host sends, of any length."""
        if not self.plugged:
            return
        self._lost_answer.see_report(report)
        now = self._clock()
        for piece, held_s in self._faults_in.filter_report(report):
            self._reports_in.feed(piece, now, held_s)
        self.run()

    def drain_report(self) -> bytes:
        """Return the next input report that reaches the host now, ``b""`` if none does.

        Call it when the host polls: until then the card keeps its reports.
        """
        self.run()
        if self.frozen or not self.plugged:
            return b""
        self._fetch_report()
        report = self._reports_out.take(self._clock())
        if report is None or not self._whole_report_passes(report, "out"):
            return b""
        self.bytes_out += len(report)
        return report

    def next_due(self) -> float | None:
        """Return the second (of `clock`) by which `run` or `drain` must be called; None: only when fed."""
        now = self._clock()
        if self._frozen_until is not None and now < self._frozen_until:
            return self._frozen_until
        tick_ms = None if self._card is None else self._card.next_tick_ms()
        dues = (
            None if tick_ms is None else now + tick_ms / 1000,
            self._to_card.next_due(now),
            self._to_host.next_due(now),
            self._reports_in.next_due(now),
            self._reports_out.next_due(now),
            self._replug_at,
        )
        return min((due for due in dues if due is not None), default=None)

    def press(self, key: str) -> str:
        """Press one key; return the display after it."""
        self._with_power(lambda card: card.press(key))
        self.run()
        return self.display()

    def display(self) -> str:
        """Return the 8 characters of the display; blanks when it is off."""
        return DARK if self._card is None else self._card.display()

    def run(self) -> None:
        """Let everything happen that is due."""
        if self.frozen:
            return
        if self._replug_at is not None and self._clock() >= self._replug_at:
            self.plug()
        arrived = self._pass(self._to_card.take(self._clock()), "in")
        self.bytes_in += len(arrived)
        if arrived:
            self._with_power(lambda card: card.receive(arrived))
        while (report := self._reports_in.take(self._clock())) is not None:
            self._receive_report(report)
        self._with_power(lambda card: card.tick())
        self._collect_answers()

    def _receive_report(self, report: bytes) -> None:
        if self._whole_report_passes(report, "in"):
            self.bytes_in += len(report)
            self._with_power(lambda card: card.receive_report(report))

    def _fetch_report(self) -> None:
        """Put the card's next report on its way, unless one is; a lost one is followed by the next."""
        while self._card is not None and not self._reports_out and (report := self._card.transmit_report()):
            if not self._lost_answer.silent:
                for piece, held_s in self._faults_out.filter_report(report):
                    self._reports_out.feed(piece, self._clock(), held_s)

    def _collect_answers(self) -> None:
        if self._card is None:
            return
        if not self.plugged:
            while self._card.transmit_report():
                continue  # nobody polls: it is lost, as bytes are
        answer = self._card.transmit()
        if not self.plugged or self._lost_answer.silent:
            return
        now = self._clock()
        for piece, held_s in self._faults_out.filter(answer):
            self._to_host.feed(piece, now, held_s)

    def _with_power(self, act: Callable[[Card], None]) -> None:
        if self._card is None:
            return
        try:
            act(self._card)
        except PowerCut:
            self.cut_power()

    def _pass(self, arrived: bytes, direction: str) -> bytes:
        """Count bytes towards the scripted unplug; returns those that still made it."""
        if self._until_unplug is None or self.faults.unplug_counts not in (direction, "both"):
            return arrived
        passed = arrived[: self._until_unplug]
        self._until_unplug -= len(passed)
        if self._until_unplug == 0:
            self._until_unplug = None
            self.unplug()
        return passed

    def _whole_report_passes(self, report: bytes, direction: str) -> bool:
        """Count as `_pass`; a report that the unplug would cut does not pass: a packet is whole or none."""
        return len(self._pass(report, direction)) == len(report)
