"""The card as a whole: link, applet and keypad around one memory."""

from dscplus_card import state
from dscplus_card.applet import Applet
from dscplus_card.keypad import Keypad
from dscplus_card.link import Cancel, Message, SerialLink, Wink
from dscplus_card.port import Port
from dscplus_card.state import State, manufacture
from dscplus_card.work import KEYS, WINK_MS, Work
from dscplus_card.work import Wink as WinkWork

__all__ = ["Device", "manufacture"]

_BOOT_ID_LENGTH = 8


class Device:
    """A running card. Making one is switching it on; a cut of the power is throwing it away.

    A flash operation that is cut raises flash.PowerCut out of any method, the constructor included.
    """

    def __init__(self, port: Port) -> None:
        """Boot from port.flash. Raises store.NotManufactured when it holds no card."""
        self._port = port
        self._memory = State(port.flash)
        self._erase_if_terminated()
        self._memory.commit({state.BOOTS: self._memory.number(state.BOOTS) + 1})
        boot_id = port.random(_BOOT_ID_LENGTH)
        self._link = SerialLink(port, boot_id)
        self._keypad = Keypad(port, self._memory)
        self._applet = Applet(port, self._memory, boot_id, self._keypad)
        self._work: "Work | None" = None

    def receive(self, data: bytes) -> None:
        """Take bytes that came over the wire: any bytes, in pieces of any size."""
        for event in self._link.receive(data):
            if isinstance(event, Message):
                self._begin(self._applet.execute(event.apdu, event.session))
            elif isinstance(event, Wink):
                self._begin(WinkWork(self._port, WINK_MS, lambda: b""))
            elif isinstance(event, Cancel) and self._work is not None:
                self._work = None
                self._applet.abandon()
                self._link.fail()

    def transmit(self) -> bytes:
        """The bytes to send now, b"" if none; each is given out once."""
        return self._link.transmit()

    def tick(self) -> None:
        """Let what is due happen; call it whenever next_tick_ms() has passed, or more often."""
        work = self._work
        if work is not None and self._port.now_ms() >= work.ends_at():
            self._work = None
            self._link.answer(b"" if isinstance(work, WinkWork) else self._applet.complete(work))
        self._link.tick()
        self._keypad.tick()
        if self._work is None:
            self._applet.lapse()
            if not self._link.unsent():
                self._erase_if_terminated()

    def next_tick_ms(self) -> "int | None":
        """Milliseconds until tick() has something to do, None when nothing is due."""
        if self._must_erase():
            return 0
        due = [self._link.keepalive_at(), self._keypad.off_at()]
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

    def _begin(self, outcome: "bytes | Work") -> None:
        if isinstance(outcome, Work):
            self._work = outcome
        else:
            self._link.answer(outcome)

    def _must_erase(self) -> bool:
        terminated = self._memory.number(state.LIFE_CYCLE) == state.TERMINATED
        return terminated and any([self._memory.get(field) for field in state.SECRETS])

    def _erase_if_terminated(self) -> None:
        """TERMINATED keeps no secret: they go once the answer that says so is out, or at the next boot."""
        if self._must_erase():
            changes: "dict[int, bytes | int]" = {}
            for field in state.SECRETS:
                changes[field] = b""
            self._memory.commit(changes)
