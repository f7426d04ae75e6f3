"""The card as a whole: two links, applet and keypad around one memory."""

from dscplus_card import link, state
from dscplus_card.applet import FIRMWARE_VERSION, Applet
from dscplus_card.hid_link import HidLink
from dscplus_card.keypad import Keypad
from dscplus_card.link import Cancel, Lock, Message, Request
from dscplus_card.port import Port
from dscplus_card.serial_link import SerialLink
from dscplus_card.state import State, manufacture
from dscplus_card.store import FlashFailed
from dscplus_card.work import KEYS, WINK_MS, Wink, Work

__all__ = ["Device", "manufacture"]

ERASE_MS = 5000  # a TERMINATED card whose answer nobody reads waits no longer
_BOOT_ID_LENGTH = 8


class Device:
    """A running card. Making one is switching it on; a cut of the power is throwing it away.

    A flash operation that is cut raises flash.PowerCut out of any method, the constructor included.
    """

    def __init__(self, port: Port) -> None:
        """Boot from port.flash. Raises store.NotManufactured when it holds no card."""
        self._port = port
        self._memory = State(port.flash)
        self._erase_at: "int | None" = None  # by when, at the latest, once the card is TERMINATED
        self._erase_failed = False
        self._erase_if_terminated()
        self._count_boot()
        boot_id = port.random(_BOOT_ID_LENGTH)
        self._serial = SerialLink(port, boot_id)
        self._hid = HidLink(port, bytes([int(part) for part in FIRMWARE_VERSION.decode().split(".")]))
        self._keypad = Keypad(port, self._memory)
        self._applet = Applet(port, self._memory, boot_id, self._keypad)
        self._work: "Work | None" = None
        # The session that the card has last served: work and secure channel, if there are any, are its.
        self._session = b""
        self._asker: "SerialLink | HidLink" = self._serial

    def receive(self, data: bytes) -> None:
        """Take bytes that came over the serial wire: any bytes, in pieces of any size."""
        for request in self._serial.receive(data):
            self._act(self._serial, request)
        self._drop_what_nobody_wants()

    def transmit(self) -> bytes:
        """The bytes to send on the serial wire now, b"" if none; each is given out once."""
        return self._serial.transmit()

    def receive_report(self, report: bytes) -> None:
        """Take one output report of the HID link; what has not its 64 bytes is ignored."""
        request = self._hid.receive(report, self._holder() or b"")
        if request is not None:
            self._act(self._hid, request)
        self._drop_what_nobody_wants()

    def transmit_report(self) -> bytes:
        """The next input report of the HID link, 64 bytes; b"" if none. Each is given out once."""
        return self._hid.transmit()

    def tick(self) -> None:
        """Let what is due happen; call it whenever next_tick_ms() has passed, or more often."""
        work = self._work
        if work is not None and self._port.now_ms() >= work.ends_at():
            self._work = None
            self._asker.answer(b"" if isinstance(work, Wink) else self._applet.complete(work))
            self._drop_what_nobody_wants()
        self._serial.tick()
        self._hid.tick()
        self._keypad.tick()
        if self._work is None:
            self._applet.lapse()
            self._erase_when_answered()

    def next_tick_ms(self) -> "int | None":
        """Milliseconds until tick() has something to do, None when nothing is due."""
        due = [self._serial.keepalive_at(), self._hid.due_at(), self._keypad.off_at(), self._erases_at()]
        if self._work is None:
            due.append(self._applet.channel_lapses_at())
        else:
            due.append(self._work.ends_at())
        times = [at for at in due if at is not None]
        return max(0, min(times) - self._port.now_ms()) if times else None

    def press(self, key: str) -> None:
        """One key: "press" (held until the prompt shows), "0" to "9", "OK". Raises ValueError for another."""
        if key not in KEYS:
            raise ValueError("the card has no key %r" % key)
        if self._work is not None and self._work.takes_keypad:
            self._work.press(key)
        else:
            self._keypad.press(key)

    def display(self) -> str:
        """What the display shows: exactly 8 characters, all blanks when off."""
        if self._work is not None and self._work.takes_keypad:
            return self._work.display(self._port.now_ms())
        return self._keypad.display()

    def _act(self, asker: "SerialLink | HidLink", request: Request) -> None:
        self._drop_what_nobody_wants()
        if isinstance(request, Cancel):
            if self._work is not None:  # the link says it of its own request alone
                self._work = None
                self._applet.abandon()
                asker.fail(link.OTHER)
        elif self._busy(request.session):
            asker.fail(link.BUSY)
        elif isinstance(request, Lock):
            self._hid.lock(request.seconds)
        else:
            self._asker, self._session = asker, request.session
            self._begin(request)

    def _begin(self, request: Request) -> None:
        outcome: "bytes | Work" = Wink(self._port, WINK_MS, lambda: b"")
        if isinstance(request, Message):
            outcome = self._applet.execute(request.apdu)
        if isinstance(outcome, Work):
            self._work = outcome
        else:
            self._asker.answer(outcome)
            if self._erase_at is None and self._must_erase():
                self._erase_at = self._port.now_ms() + ERASE_MS

    def _busy(self, session: bytes) -> bool:
        """Is the card another session's: at work for it, in its secure channel, or locked to it?"""
        others = (None, session)
        return self._work is not None or self._holder() not in others or self._hid.lock_holder() not in others

    def _holder(self) -> "bytes | None":
        """The session whose secure channel, or handshake for one, is open: nobody has spoken since."""
        self._applet.lapse()
        return None if self._applet.channel_lapses_at() is None else self._session

    def _drop_what_nobody_wants(self) -> None:
        """INIT ended the session whose work or secure channel it was."""
        if not self._asker.alive(self._session):
            self._work = None
            self._applet.end_channel()

    def _count_boot(self) -> None:
        try:
            self._memory.commit({state.BOOTS: self._memory.number(state.BOOTS) + 1})
        except FlashFailed:
            return  # a card that can store nothing still says so: 6581, FAULT

    def _must_erase(self) -> bool:
        terminated = self._memory.number(state.LIFE_CYCLE) == state.TERMINATED
        return terminated and any([self._memory.get(field) for field in state.SECRETS])

    def _erases_at(self) -> "int | None":
        if self._erase_failed or not self._must_erase():
            return None
        unsent = self._serial.unsent() or self._hid.unsent()
        return self._erase_at if unsent else self._port.now_ms()

    def _erase_when_answered(self) -> None:
        """The secrets of a TERMINATED card go once the answer that says so is out, or its time is up."""
        at = self._erases_at()
        if at is not None and self._port.now_ms() >= at:
            self._erase_if_terminated()

    def _erase_if_terminated(self) -> None:
        """TERMINATED keeps no secret."""
        if self._must_erase():
            changes: "dict[int, bytes | int]" = {}
            for field in state.SECRETS:
                changes[field] = b""
            try:
                self._memory.commit(changes)
            except FlashFailed:
                self._erase_failed = True  # the next boot tries again
