"""The commands that need a secure channel (SCP03, level 33)."""

import threading
from typing import TYPE_CHECKING, Self

from . import errors, ocra, put_key, status, store_data
from .apdu import Command
from .evidence import CardEvidence
from .model import Diagnosis, LifeCycle, Profile, Tag
from .readings import Readings
from .scp03 import SecureChannel
from .sensitive import KeySet, Pin, Seed

if TYPE_CHECKING:
    from .card import Card


class SecureSession(Readings):
    """A secure channel to one card; a context manager. Made by `Card.open_session`.

    A command that changes the card raises OutcomeUnknown for everything but an authenticated success: an
    error word proves nothing. Whoever gets it reads the state again in a fresh channel
    (`recovery.read_evidence`).
    """

    def __init__(self, card: "Card", keys: KeySet, channel: SecureChannel) -> None:
        self._card = card
        self._keys = keys
        self._channel = channel
        self._in_use = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Forget the session keys. Nothing is sent; closing twice is harmless."""
        self._channel.close()
        self._card.forget_session(self)

    @property
    def key_version(self) -> int:
        """Version of the keys that card and host have proven to each other."""
        return self._keys.version

    @property
    def sequence_counter_at_opening(self) -> int:
        """The card's sequence counter in this channel's handshake, proven by the card's cryptogram."""
        return self._channel.sequence_counter

    def get_data(self, tag: int) -> bytes:
        """Read a data object under R-MAC."""
        return self._transmit(f"GET DATA {tag:04X}", Command(0x80, 0xCA, tag >> 8, tag & 0xFF))

    def seed_check_value(self) -> bytes:
        """Read the seed check value, 8 bytes (see `Seed.check_value`); empty while no seed is stored."""
        return self.get_data(Tag.SEED_CHECK_VALUE)

    def evidence(self) -> CardEvidence:
        """Read under R-MAC all that decides what is to be done with the card."""
        return CardEvidence.read(self)

    def put_key(self, new: KeySet) -> None:
        """Replace the card's key set, all three keys or none; the channel and this session then end.

        ``new``: version 10 to 7F. The card must be OP_READY. Raises ProtocolError if the card confirms other
        keys.
        """
        command = put_key.command(self._keys, new)
        answer = self._change("PUT KEY", command)
        self.close()
        if answer != put_key.confirmation(new):
            raise errors.ProtocolError(
                "the card confirmed other keys than it was sent", where=self._card.where
            )

    def store_data(self, seed: Seed, *, profile: Profile, language: str = "", text: str = "") -> bytes:
        """Store seed, profile, language tag and a text of at most 16 characters; return the seed check value.

        Replaces all of them, erases the PIN, leaves the quota. The card must be INITIALIZED, the keys an
        issuer's. Raises ProtocolError if the check value is not this seed's.
        """
        command = store_data.command(self._keys, seed, profile, language, text)
        answer = self._change("STORE DATA", command)
        if answer != seed.check_value():
            raise errors.ProtocolError(
                "the card stored another seed than it was sent", where=self._card.where
            )
        return answer

    def set_pin(self, pin: Pin) -> None:
        """Set the PIN and restore its tries. Repeating it changes nothing."""
        self._change("RESET RETRY COUNTER", Command(0x00, 0x2C, 0x02, 0x81, pin.reveal()))

    def unblock_pin(self) -> None:
        """Restore the tries of the PIN that is set."""
        self._change("RESET RETRY COUNTER", Command(0x00, 0x2C, 0x03, 0x81))

    def verify_pin(self, pin: Pin) -> None:
        """Check the PIN; a right one restores the tries. Raises WrongPin(tries_left) or CardBlocked."""
        self._transmit("VERIFY", Command(0x00, 0x20, 0x00, 0x81, pin.reveal()))

    def respond(self, question: str, pin: Pin | None = None) -> str:
        """Return the card's response to a question of ASCII digits; ``pin`` exactly if the profile is
        SERVER_PIN.

        Each draws on the quota of 32; when it is used up, StatusWordError 6985. Raises UsageError, and sends
        nothing, for a question that is not of 4 to 8 digits.
        """
        if len(question) not in ocra.CARD_QUESTION_DIGITS or not (question.isascii() and question.isdigit()):
            raise errors.UsageError("a question for a card has 4 to 8 digits")
        answer = self._transmit("INTERNAL AUTHENTICATE", _internal_authenticate(question, pin))
        if not answer.isdigit():
            raise errors.ProtocolError("the card's response is not made of digits", where=self._card.where)
        return answer.decode("ascii")

    def set_status(self, state: LifeCycle) -> None:
        """Move the card to another life cycle state.

        OP_READY is a wipe: seed, PIN, text and quota go, keys and counters stay. TERMINATED is for ever.
        """
        self._change(f"SET STATUS {state.name}", Command(0x80, 0xF0, 0x80, state))
        if state is LifeCycle.TERMINATED:
            self.close()

    def show_display_pattern(self) -> None:
        """Let the display show every segment; returns when it has."""
        self._transmit("DIAGNOSE display", Command(0x80, 0x32, Diagnosis.DISPLAY_PATTERN, 0))

    def test_keypad(self) -> bytes:
        """Let the keypad be tested; return the keys in the order pressed. PINs and challenges are never
        recorded.
        """
        return self._transmit("DIAGNOSE keypad", Command(0x80, 0x32, Diagnosis.KEYPAD_TEST, 0))

    def _change(self, name: str, command: Command) -> bytes:
        """Send a command that changes the card: an authenticated success, or OutcomeUnknown."""
        if self._channel.closed or not self._card.channel_stands():
            raise self._over()
        try:
            return self._transmit(name, command)
        except errors.CardError as error:
            self.close()
            raise errors.OutcomeUnknown(name, error.what, where=self._card.where) from error

    def _transmit(self, name: str, command: Command) -> bytes:
        if self._channel.closed or not self._card.channel_stands():
            raise self._over()
        # Before anything is wrapped: that counts, and would spoil the answer that another thread waits for.
        if not self._in_use.acquire(blocking=False):
            raise RuntimeError(f"{self._card.where} is being used by another thread")
        try:
            response = self._channel.unwrap(self._card.exchange(self._channel.wrap(command)))
        except errors.CardError as error:
            self.close()
            error.where = error.where or self._card.where
            raise
        finally:
            self._in_use.release()
        word = response.status_word
        if word == status.SUCCESS:
            return response.data
        if word == status.SECURITY_STATUS:
            self.close()
        if status.is_tries_left(word):
            raise errors.WrongPin(word & 0xF, where=self._card.where)
        if word == status.BLOCKED:
            raise errors.CardBlocked(where=self._card.where)
        raise errors.StatusWordError(name, word, status.meaning(word), where=self._card.where)

    def _over(self) -> errors.SessionClosed:
        self.close()
        return errors.SessionClosed("the secure session is over", where=self._card.where)


def _internal_authenticate(question: str, pin: Pin | None) -> Command:
    """Return INTERNAL AUTHENTICATE. Apart, so that no traceback of what happens to it has the PIN among its
    locals.
    """
    digits = question.encode("ascii")
    field = b"" if pin is None else bytes((len(pin.reveal()),)) + pin.reveal()
    return Command(0x00, 0x88, 0x00, 0x00, bytes((len(digits),)) + digits + field)
