"""Things that take the card time: it stays answerable to its link, and CANCEL stops them."""

from dscplus_card.port import Port

WINK_MS = 3000
PATTERN_MS = 4000
PATTERN_STEP_MS = 500
KEYPAD_TEST_MS = 30000
PATTERNS = ("88888888", "        ", "8 8 8 8 ", " 8 8 8 8", "01234567", "89CHALNG")
KEYS = ("press", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "OK")
_KEY_CODES = {"press": b"P", "OK": b"K"}

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from collections.abc import Callable


class Work:
    """Wait `duration` ms; then `finish()` gives the answer's data. The keypad stays in use meanwhile."""

    takes_keypad = False

    def __init__(self, port: Port, duration: int, finish: "Callable[[], bytes]") -> None:
        self._started = port.now_ms()
        self._deadline = self._started + duration
        self.finish = finish

    def ends_at(self) -> int:
        """When it is time to finish, in port.now_ms()."""
        return self._deadline

    def display(self, now: int) -> str:
        """What the display shows meanwhile, 8 characters; only asked when it takes the keypad."""
        raise NotImplementedError

    def press(self, key: str) -> None:
        """A key was pressed meanwhile; only told when it takes the keypad."""


class Wink(Work):
    """Blinks, so that a person finds the card among others."""

    takes_keypad = True

    def display(self, now: int) -> str:
        return "* WINK *" if (now - self._started) // PATTERN_STEP_MS % 2 == 0 else "        "


class DisplayPattern(Work):
    """DIAGNOSE 03: every segment on, off, and in between, for a person to look at."""

    takes_keypad = True

    def display(self, now: int) -> str:
        return PATTERNS[(now - self._started) // PATTERN_STEP_MS % len(PATTERNS)]


class KeypadTest(Work):
    """DIAGNOSE 04: records which keys work, until each was pressed once or the time is up."""

    takes_keypad = True

    def __init__(self, port: Port, duration: int) -> None:
        Work.__init__(self, port, duration, self.codes)
        self.pressed: "list[str]" = []

    def ends_at(self) -> int:
        return self._started if len(self.pressed) == len(KEYS) else self._deadline

    def display(self, now: int) -> str:  # noqa: ARG002
        return "KEYS  %2d" % (len(KEYS) - len(self.pressed))

    def press(self, key: str) -> None:
        if key in KEYS and key not in self.pressed:
            self.pressed.append(key)

    def codes(self) -> bytes:
        """The keys in the order of their first press: digits as ASCII, P for press, K for OK."""
        return b"".join([_KEY_CODES.get(key, key.encode()) for key in self.pressed])
