"""`dsc-emulate screen`: the card's face in the terminal, the keyboard as its keypad."""

import os
import select
import signal
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from dscplus_card.hosts.hands import Hands

REFRESH_S = 0.2  # how often the display is looked at: it goes off by itself

ENTER_SCREEN = "\x1b[?1049h\x1b[?25l"  # alternate screen, no cursor
LEAVE_SCREEN = "\x1b[?25h\x1b[?1049l"
REDRAW = "\x1b[H\x1b[J"

QUIT_KEYS = "q\x03\x04"  # q, Ctrl-C, Ctrl-D
KEYS = {"p": "press", " ": "press", "o": "ok", "\r": "ok", "\n": "ok"} | {
    digit: digit for digit in "0123456789"
}

FACE = """\
╭──────────────────────────────────────╮
│  DSC+                  {serial_number}    │
│  ┌──────────┐                        │
│  │ {display} │      1    2    3       │
│  └──────────┘      4    5    6       │
│                    7    8    9       │
│  (press)                0    (OK)    │
╰──────────────────────────────────────╯
 0-9 digits   p or space press   Enter OK   q quit
"""


def draw(serial_number: str, display: str) -> str:
    """Return the face of a card: ten digits on it, eight characters in its display."""
    return FACE.format(serial_number=serial_number, display=display)


def show(hands: Hands) -> None:
    """Show the card until q is typed, the input ends or a signal comes; leave the terminal as it was."""
    serial_number = hands.serial_number()
    with whole_terminal(sys.stdin.fileno()):
        shown = None
        while True:
            display = hands.display()
            if display != shown:
                put(REDRAW + draw(serial_number, display).replace("\n", "\r\n"))
                shown = display
            if not select.select([sys.stdin], [], [], REFRESH_S)[0]:
                continue
            typed = os.read(sys.stdin.fileno(), 64).decode("ascii", "ignore")
            if not typed:
                return
            for character in typed.lower():
                if character in QUIT_KEYS:
                    return
                if character in KEYS:
                    hands.press(KEYS[character])


def put(text: str) -> None:
    """Write to the terminal at once."""
    sys.stdout.write(text)
    sys.stdout.flush()


@contextmanager
def whole_terminal(fileno: int) -> Iterator[None]:
    """Take the terminal over, key by key, and give it back whatever happens."""

    def leave(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    before = termios.tcgetattr(fileno)
    handlers = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        tty.setraw(fileno)
        put(ENTER_SCREEN)
        yield
    finally:
        with suppress(OSError, termios.error):  # the terminal itself may be what has gone
            termios.tcsetattr(fileno, termios.TCSADRAIN, before)
            put(LEAVE_SCREEN)
        for number, handler in handlers.items():
            signal.signal(number, handler)
