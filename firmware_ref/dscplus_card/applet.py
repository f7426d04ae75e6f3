"""The applet: which command may run, under which channel, and what answers it.

A command is checked in this order: length and class; secure messaging; is it known; P1-P2; life cycle,
channel, key class; and then its own data.
"""

from dscplus_card import command as sw
from dscplus_card import commands_card, commands_keys, commands_pin, commands_seed, state
from dscplus_card.command import Command, Refused
from dscplus_card.keypad import Keypad
from dscplus_card.port import Port
from dscplus_card.scp03 import SecureChannel, SecurityError
from dscplus_card.state import State
from dscplus_card.store import FlashFailed
from dscplus_card.work import Work

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from collections.abc import Callable

AID = b"\xf0DSCPLUS\x01"
FIRMWARE_VERSION = b"0.1.0"
CHANNEL_LAPSE_MS = 5000  # a killed client must not hold the card for ever

_ALWAYS = (state.OP_READY, state.INITIALIZED, state.SECURED, state.CARD_LOCKED)
_EVEN_TERMINATED = _ALWAYS + (state.TERMINATED,)
_PERSONALISED = (state.INITIALIZED, state.SECURED, state.CARD_LOCKED)
_WORKING = (state.INITIALIZED, state.SECURED)

ANY = -1  # the handler looks at P1 or P2 itself
NONE, CHANNEL, ISSUER = 0, 1, 2  # what a command needs

# INS: (handler, P1, P2, needs, life cycles)
_COMMANDS = {
    0xA4: (commands_card.select, 0x04, 0x00, NONE, _EVEN_TERMINATED),
    0xCA: (commands_card.get_data, ANY, ANY, NONE, _EVEN_TERMINATED),
    0x50: (commands_keys.initialize_update, ANY, 0x00, NONE, _ALWAYS),
    0x82: (commands_keys.external_authenticate, 0x33, 0x00, NONE, _ALWAYS),
    0xD8: (commands_keys.put_key, ANY, 0x81, CHANNEL, (state.OP_READY,)),
    0xE2: (commands_seed.store_data, 0x88, 0x00, ISSUER, (state.INITIALIZED,)),
    0x88: (commands_seed.internal_authenticate, 0x00, 0x00, ISSUER, _WORKING),
    0x2C: (commands_pin.reset_retry_counter, ANY, 0x81, ISSUER, _PERSONALISED),
    0x20: (commands_pin.verify, 0x00, 0x81, ISSUER, _WORKING),
    0xF0: (commands_card.set_status, 0x80, ANY, CHANNEL, _ALWAYS),
    0x32: (commands_card.diagnose, ANY, 0x00, NONE, _ALWAYS),
}
_SELECT = 0xA4
_INITIALIZE_UPDATE = 0x50
_EXTERNAL_AUTHENTICATE = 0x82


class Applet:
    """The card's one application. `boot_id` is 8 random bytes of this power-up.

    `channel` is the open secure channel; `handshake` the one that INITIALIZE UPDATE has begun. Both belong
    to the link session that they were made in, and Device lets no other speak meanwhile.
    """

    def __init__(self, port: Port, memory: State, boot_id: bytes, keypad: Keypad) -> None:
        self.port = port
        self.memory: State = memory
        self.boot_id: bytes = boot_id
        self.keypad = keypad
        self.aid = AID
        self.firmware_version: bytes = FIRMWARE_VERSION
        self.channel: "SecureChannel | None" = None
        self.handshake: "SecureChannel | None" = None
        self.channel_ends = False  # after the answer in hand
        self._wraps: "SecureChannel | None" = None  # the channel that the command in hand came under
        self._last_message = 0

    def execute(self, apdu: bytes) -> "bytes | Work":
        """The answer to a command APDU, ending in its status word; or Work, to `complete` when it is done."""
        try:
            return self._execute(Command(apdu))
        except Refused as refused:  # before the MAC was checked
            self.end_channel()
            return refused.status.to_bytes(2, "big")

    def end_channel(self) -> None:
        """End secure channel and handshake, if any."""
        self.channel = None
        self.handshake = None
        self.channel_ends = False
        self._wraps = None  # it holds session keys

    def lapse(self) -> None:
        """End a channel that has heard nothing for 5 s."""
        ends = self.channel_lapses_at()
        if ends is not None and self.port.now_ms() >= ends:
            self.end_channel()

    def channel_lapses_at(self) -> "int | None":
        """When the channel or the handshake ends by itself, in port.now_ms(); None without one."""
        if self.channel is None and self.handshake is None:
            return None
        return self._last_message + CHANNEL_LAPSE_MS

    def complete(self, work: Work) -> bytes:
        """The answer of the command whose work is done."""
        answer = self._answer(work.finish)
        assert not isinstance(answer, Work)  # noqa: S101 (finishing never starts more)
        return answer

    def abandon(self) -> None:
        """The command at work was cancelled: it gets no answer, its channel stays."""
        self._last_message = self.port.now_ms()

    def _execute(self, command: Command) -> "bytes | Work":
        # EXTERNAL AUTHENTICATE comes right after INITIALIZE UPDATE or not at all.
        command.handshake, self.handshake = self.handshake, None
        if self.channel is not None and not command.secure:
            self.end_channel()
            if command.ins not in (_SELECT, _INITIALIZE_UPDATE):
                raise Refused(sw.SECURITY_STATUS)
        elif self.channel is not None:
            command.in_channel = True
            try:
                command.data = self.channel.unwrap(command.header, command.data)
            except SecurityError:
                raise Refused(sw.SECURITY_STATUS) from None
        elif command.secure and command.ins != _EXTERNAL_AUTHENTICATE:
            raise Refused(sw.SECURITY_STATUS)
        self._wraps = self.channel if command.in_channel else None
        return self._answer(lambda: self._dispatch(command))

    def _answer(self, run: "Callable[[], bytes | Work]") -> "bytes | Work":
        status = sw.OK
        try:
            data = run()
            if isinstance(data, Work):
                return data
        except Refused as refused:
            data, status = b"", refused.status
        except FlashFailed:
            data, status = b"", sw.FLASH_FAILED
        word = status.to_bytes(2, "big")
        answer = data + word if self._wraps is None else self._wraps.wrap(data, status)
        self._last_message = self.port.now_ms()
        if self.channel_ends:
            self.end_channel()
        return answer

    def _dispatch(self, command: Command) -> "bytes | Work":
        entry = _COMMANDS.get(command.ins)
        if entry is None:
            raise Refused(sw.UNKNOWN_INS)
        handler, p1, p2, needs, life_cycles = entry
        if p1 not in (ANY, command.p1) or p2 not in (ANY, command.p2):
            raise Refused(sw.WRONG_P1_P2)
        life_cycle = self.memory.number(state.LIFE_CYCLE)
        if life_cycle == state.TERMINATED and life_cycle not in life_cycles:
            raise Refused(sw.CONDITIONS)
        if needs != NONE and not command.in_channel:
            raise Refused(sw.SECURITY_STATUS)
        if life_cycle not in life_cycles or needs == ISSUER and not self.memory.issuer_keys():
            raise Refused(sw.CONDITIONS)
        return handler(self, command)
