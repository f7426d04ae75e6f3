"""The holder's side: keys, the 8-character display, auto-off (R1, R2, R5).

    off ─press─▶ PIN> ─4 digits OK─▶ CHALLNG> ─digits OK─▶ response ─60 s─▶ off

"press" begins anew from anywhere; a key that has no meaning where it is pressed does nothing. What was
typed lives in RAM until the entry is used or the display goes off, and nowhere else.
"""

from dscplus_card import holder, state
from dscplus_card.port import Port
from dscplus_card.state import State
from dscplus_card.store import FlashFailed

AUTO_OFF_MS = 30000  # after the last key
RESPONSE_MS = 60000  # time to copy a response

BLANK = "        "
PIN_PROMPT = "PIN>"
CHALLENGE_PROMPT = "CHALLNG>"
BLOCKED = "BLOCKED "
NOT_SET = "NOT SET "
LOCKED = "LOCKED  "
ENDED = "ENDED   "
FAULT = "FAULT   "

_REFUSALS = {
    state.OP_READY: NOT_SET,
    state.INITIALIZED: NOT_SET,
    state.CARD_LOCKED: LOCKED,
    state.TERMINATED: ENDED,
}

_OFF, _PIN, _CHALLENGE, _SHOWING = 0, 1, 2, 3
_DIGITS = "0123456789"


class Keypad:
    """Keys in, eight characters out."""

    def __init__(self, port: Port, memory: State) -> None:
        self._port = port
        self._memory = memory
        self._epoch = memory.epoch
        self._off()

    def press(self, key: str) -> None:
        """One key: "press" (held until the prompt shows), "0" to "9", "OK"."""
        self.tick()
        if key == "press":
            self._begin()
        elif self._step == _OFF:
            return
        elif key in _DIGITS:
            self._digit(key)
        elif key == "OK":
            self._ok()
        if self._step in (_PIN, _CHALLENGE):
            self._deadline = self._port.now_ms() + AUTO_OFF_MS

    def tick(self) -> None:
        """Turn the display off when its time is up, or when the wire has changed seed, PIN or life cycle."""
        if self._step != _OFF and (
            self._port.now_ms() >= self._deadline or self._epoch != self._memory.epoch
        ):
            self._off()

    def in_use(self) -> bool:
        """Is somebody typing a PIN or a challenge?"""
        self.tick()
        return self._step in (_PIN, _CHALLENGE)

    def off_at(self) -> "int | None":
        """When the display goes off, in port.now_ms(); None when it is."""
        return None if self._step == _OFF else self._deadline

    def display(self) -> str:
        """Exactly 8 characters."""
        self.tick()
        if self._message:
            return self._message
        if self._step == _PIN:
            return _fill(PIN_PROMPT + "*" * min(len(self._typed), state.PIN_LENGTH))
        if self._step == _CHALLENGE:
            return _fill(self._typed[-len(BLANK) :]) if self._typed else CHALLENGE_PROMPT
        return BLANK

    def _off(self) -> None:
        self._step = _OFF
        self._deadline = 0
        self._typed = ""
        self._pin = b""
        self._message = ""

    def _show(self, text: str, duration: int) -> None:
        self._off()
        self._step = _SHOWING
        self._message = _fill(text)
        self._deadline = self._port.now_ms() + duration

    def _begin(self) -> None:
        self._off()
        self._epoch = self._memory.epoch
        refusal = _REFUSALS.get(self._memory.number(state.LIFE_CYCLE))
        if refusal is None and holder.pin_blocked(self._memory):
            refusal = BLOCKED
        if refusal is None:
            self._step = _PIN
        else:
            self._show(refusal, AUTO_OFF_MS)

    def _digit(self, digit: str) -> None:
        if self._step == _SHOWING:
            return
        self._message = ""
        if len(self._typed) <= len(BLANK):  # one too many is remembered as such, more add nothing
            self._typed += digit

    def _ok(self) -> None:
        if self._step == _SHOWING:
            return
        self._message = ""
        if not self._typed:
            return
        typed, self._typed = self._typed, ""
        try:
            if self._step == _PIN:
                self._enter_pin(typed.encode())
            else:
                self._enter_challenge(typed.encode())
        except FlashFailed:
            self._show(FAULT, AUTO_OFF_MS)

    def _enter_pin(self, pin: bytes) -> None:
        if len(pin) != state.PIN_LENGTH:
            self._message = _fill("%d DIGITS" % state.PIN_LENGTH)
        elif self._memory.number(state.PROFILE) == state.SERVER_PIN:
            self._pin = pin
            self._step = _CHALLENGE
        elif holder.pin_blocked(self._memory):  # by VERIFY on the wire meanwhile
            self._show(BLOCKED, AUTO_OFF_MS)
        elif holder.check_pin(self._memory, pin):
            self._step = _CHALLENGE
        elif holder.pin_blocked(self._memory):
            self._show(BLOCKED, AUTO_OFF_MS)
        else:
            self._message = "WRONG  %d" % self._memory.number(state.TRIES_LEFT)

    def _enter_challenge(self, challenge: bytes) -> None:
        suite = self._memory.suite()
        if suite is None:
            self._off()
        elif len(challenge) != suite.question_digits:
            self._message = _fill("%d DIGITS" % suite.question_digits)
        else:
            changes: "dict[int, bytes | int]" = {
                state.KEYPAD_RESPONSES: self._memory.number(state.KEYPAD_RESPONSES) + 1
            }
            self._show(holder.respond(self._port, self._memory, challenge, self._pin, changes), RESPONSE_MS)


def _fill(text: str) -> str:
    return (text + BLANK)[: len(BLANK)]
