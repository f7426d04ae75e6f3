"""One training card for a kiosk: a virtual card in a process of its own, with its control socket for hands.

Its serial number is of a range that no stock takes (`stock.rules.TRAINING_SERIALS`), its keys are the
published test keys, and its seed lives in this object only: nobody can log in with it anywhere.
"""

import secrets
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

from dscplus_driver import errors, ocra
from dscplus_driver.card import connect
from dscplus_driver.emulator import ReadyCard, VirtualCardControl, running_emulator
from dscplus_driver.model import LifeCycle, Profile
from dscplus_driver.personalisation import Plan, personalise
from dscplus_driver.sensitive import KeySet, MasterKey, Pin, Seed
from dscplus_driver.session import SecureSession
from dscplus_station import log
from dscplus_station.errors import BadInput, StateConflict
from dscplus_station.figures import USUAL_LOGIN
from dscplus_station.stock.rules import TRAINING_SERIALS
from dscplus_station.training.rules import PIN, Deed, Face, Shown, Situation, is_response, next_step, shown

MAKER_KEYS = MasterKey(bytes(range(0x40, 0x50)))  # published by GlobalPlatform; the emulator's default
MAKER_KEY_VERSION = 0x01
ISSUER_KEY_VERSION = 0x20
SEED_LENGTH = 32
FIRST_NUMBER = f"{TRAINING_SERIALS}0001"
"""Nine digits; the emulator adds the check digit."""
LOW_BATTERY_MV = 2300
_FAULTS = {Situation.WORN: "worn=1", Situation.WEAK: f"battery={LOW_BATTERY_MV}"}
_KEYS = frozenset({"press", "ok", *"0123456789"})
_TRIES = 5


class TrainingCard:
    """The card, started when it is first looked at. Every method may be called from any thread.

    Methods raise DscError if the emulator does not start or has ended; the next call starts another one.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        challenge_lifetime: timedelta = USUAL_LOGIN.challenge_lifetime,
    ) -> None:
        self._clock = clock
        self._challenge_lifetime = challenge_lifetime
        self._turn = threading.RLock()
        self._running: ExitStack | None = None
        self._card: ReadyCard
        self._control: VirtualCardControl
        self._situation = Situation.READY
        self._answered = False
        self._busy: threading.Thread | None = None
        self._accepted: bool | None = None
        self._ask()

    def face(self) -> Face:
        """The card as it is now."""
        with self._turn:
            display = self._with_card(lambda control: control.display())
            return self._face(display)

    def press(self, key: str) -> Face:
        """Press `press` (held until the card wakes), a digit or `ok`.

        Raises:
            BadInput: the card has no such key.
        """
        if key not in _KEYS:
            raise BadInput("the card has no such key: its keys are press, 0 to 9 and OK")
        with self._turn:
            display = self._with_card(lambda control: control.press(key)[-1])
            # A digit changes nothing while a response shows.
            self._answered = is_response(display, key) or (self._answered and key != "press")
            return self._face(display)

    def put(self, situation: Situation) -> Face:
        """Take another card of the same number into the hand, in a situation."""
        with self._turn:
            self._situation = situation
            self.close()
            return self.face()

    def ask(self) -> Face:
        """Draw another challenge, as the login screen does."""
        with self._turn:
            self._ask()
            return self.face()

    def answer(self, response: str) -> Face:
        """Judge a response by the verifier that logins use. A challenge is good for one answer (R6)."""
        with self._turn:
            self._start()
            profile = _profile(self._situation)
            pin = None if profile.keeps_pin else Pin(PIN)
            in_time = self._clock() - self._asked_at < self._challenge_lifetime / timedelta(seconds=1)
            right = ocra.verify(profile.suite, self._seed, self._challenge, response, pin=pin).matched
            self._ask()
            self._accepted = right and in_time
            return self.face()

    def let(self, deed: Deed) -> Face:
        """Let the plugged-in card do something that its display shows; returns at once.

        Raises:
            StateConflict: it is doing something, or is in no state for it.
        """
        with self._turn:
            self._start()
            if self._is_busy():
                raise StateConflict("the training card is doing something: look at its display")
            if self._situation is not Situation.READY:
                raise StateConflict("this takes a card as its holder gets it: take that one first")
            self._busy = threading.Thread(
                target=self._do, args=(deed, self._card.url), name="training", daemon=True
            )
            self._busy.start()
            return self.face()

    def close(self) -> None:
        """Put the card away: its process ends. It starts again when it is looked at."""
        with self._turn:
            running, self._running, self._answered, self._busy = self._running, None, False, None
            if running is not None:
                running.close()

    def _with_card(self, act: Callable[[VirtualCardControl], str]) -> str:
        self._start()
        try:
            return act(self._control)
        except errors.DscError:
            self.close()
            raise

    def _face(self, display: str) -> Face:
        kind = shown(display, answered=self._answered)
        if kind is Shown.NOTHING:
            self._answered = False
        return Face(
            serial_number=self._card.serial_number,
            situation=self._situation,
            display=display,
            shown=kind,
            step=next_step(kind, display),
            challenge=self._challenge,
            accepted=self._accepted,
            busy=self._is_busy(),
        )

    def _ask(self) -> None:
        self._challenge, self._asked_at = ocra.new_question(), self._clock()
        self._accepted = None

    def _is_busy(self) -> bool:
        return self._busy is not None and self._busy.is_alive()

    def _start(self) -> None:
        if self._running is not None:
            return
        with ExitStack() as stack:
            # A short path of its own: that of a socket has at most 107 bytes.
            self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dsc-training-")))
            (self._card,) = stack.enter_context(running_emulator(self.folder, "--serial-from", FIRST_NUMBER))
            self._control = stack.enter_context(VirtualCardControl(self._card.control))
            self._bring_into(self._situation)
            self._running = stack.pop_all()
        self._ask()

    def _bring_into(self, situation: Situation) -> None:
        serial = self._card.serial_number
        self._keys = KeySet.diversify(MasterKey(secrets.token_bytes(32)), ISSUER_KEY_VERSION, serial)
        self._seed = Seed(secrets.token_bytes(SEED_LENGTH))
        if situation is not Situation.BLANK:
            maker = KeySet.diversify(MAKER_KEYS, MAKER_KEY_VERSION, serial)
            plan = Plan((maker,), self._keys, self._seed, Pin(PIN), _profile(situation))
            with connect(self._card.url) as card:
                personalise(card, plan)
                if situation in _LIFE_CYCLES:
                    with card.open_session(self._keys) as session:
                        session.set_status(_LIFE_CYCLES[situation])
        if situation is Situation.BLOCKED:
            wrong = PIN[::-1]
            self._control.press("press " + f"{wrong} ok " * _TRIES)
        elif situation is Situation.DEAD:
            self._control.cut_power()
        elif situation in _FAULTS:
            self._control.set_faults(_FAULTS[situation])

    def _do(self, deed: Deed, url: str) -> None:
        """A thread's body: the card is asked and takes its time, while its display is looked at."""
        try:
            with connect(url) as card:
                if deed is Deed.WINK:
                    card.wink()
                    return
                with card.open_session(self._keys) as session:
                    _TESTS[deed](session)
        except errors.DscError as error:
            log.info("training: the card was taken away meanwhile", error=str(error))


_LIFE_CYCLES = {Situation.LOCKED: LifeCycle.CARD_LOCKED, Situation.ENDED: LifeCycle.TERMINATED}
_TESTS: dict[Deed, Callable[[SecureSession], object]] = {
    Deed.DISPLAY_TEST: SecureSession.show_display_pattern,
    Deed.KEYPAD_TEST: SecureSession.test_keypad,
}


def _profile(situation: Situation) -> Profile:
    return Profile.SERVER_PIN if situation is Situation.SERVER_PIN else Profile.CARD_PIN
