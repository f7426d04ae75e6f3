"""A visitor's hands at a demo's bench: put a virtual card into a slot, pull it out, cut its power, spoil it.

Each slot has a folder, and each card is where its flash image is: in `cards`, or in its slot's folder. An
emulator of its own runs for each card that is at a slot.
"""

import secrets
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from dscplus_driver.emulator import VirtualCardControl
from dscplus_station import locks
from dscplus_station.demo.virtual_cards import VirtualCard, virtual_cards
from dscplus_station.errors import BadInput, NotFound, StateConflict
from dscplus_station.home import Home, write_private

SLOTS = (1, 2, 3, 4)
STRANGER = "8888800011"
"""The serial number of a card that this station has never had."""


BAUD = 4800
"""Slow enough for eyes and hands: a card takes three seconds, and can be pulled out meanwhile."""


class Deed(StrEnum):
    """What hands do to a card that is at a slot."""

    PLUG = "plug"
    PULL = "pull"
    CUT_POWER = "cut-power"
    TAKE_AWAY = "take-away"


class Spoiling(StrEnum):
    """What can be wrong with a card from now on; each is a fault script of the emulator."""

    NONE = "none"
    PULLED_HALFWAY = "pulled-halfway"
    """It is pulled out when half of a personalisation is done."""
    POWER_FAILS = "power-fails"
    """Its power fails in the midst of a write to its memory."""
    BAD_CONTACT = "bad-contact"
    WORN = "worn"
    """Its memory takes nothing any more."""
    LOW_BATTERY = "low-battery"


FAULTS = {
    Spoiling.NONE: "",
    Spoiling.PULLED_HALFWAY: "unplug=600",
    Spoiling.POWER_FAILS: "power-cut=9",
    Spoiling.BAD_CONTACT: "drop=0.2,corrupt=0.2",
    Spoiling.WORN: "worn=1",
    Spoiling.LOW_BATTERY: "battery=2300",
}


@dataclass(frozen=True)
class AtSlot:
    """What is at a slot; without a card, `serial_number` is None."""

    slot: int
    serial_number: str | None = None
    plugged: bool = False
    powered: bool = False
    spoiling: Spoiling = Spoiling.NONE


@dataclass
class _Held:
    card: VirtualCard
    running: ExitStack
    spoiling: Spoiling = Spoiling.NONE


class Hands:
    """All four slots. Its methods may be called from any thread; they take turns."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._held: dict[int, _Held] = {}
        self._turn = threading.Lock()

    def close(self) -> None:
        """Take every card away; their emulators end."""
        with self._turn:
            for slot in list(self._held):
                self._take_away(slot)

    def slots(self) -> list[AtSlot]:
        """What is at each slot now."""
        with self._turn:
            return [self._at(slot) for slot in SLOTS]

    def put_in(
        self, slot: int, serial_number: str, spoiling: Spoiling = Spoiling.NONE, *, clone: bool = False
    ) -> None:
        """Plug a card into a slot; what was there is taken away first.

        Args:
            spoiling: what is wrong with it from the beginning.
            clone: a copy instead that only knows the card's number; its keys are its maker's own.

        Raises:
            NotFound: no such slot, or no such card here.
            StateConflict: the card is at another slot.
        """
        with self._turn:
            folder = self._folder(slot)
            elsewhere = [
                other
                for other, held in self._held.items()
                if held.card.serial_number == serial_number and other != slot
            ]
            if elsewhere and not clone:
                raise StateConflict(
                    "card {card} is at slot {elsewhere}: take it away there first",
                    card=serial_number,
                    elsewhere=elsewhere[0],
                )
            self._take_away(slot)
            image = self._image(serial_number)
            stranger = clone or serial_number == STRANGER
            if not stranger:
                if not image.exists():
                    raise NotFound("there is no virtual card {card} here", card=serial_number)
                image.rename(folder / image.name)
            with ExitStack() as running:
                options = ["--serial-from", serial_number, "--baud", str(BAUD)]
                options += ["--fault", FAULTS[spoiling]]
                if stranger:
                    key = folder / "strange.key"
                    write_private(key, secrets.token_hex(16).encode())
                    options += ["--batch-key", str(key)]
                (card,) = running.enter_context(virtual_cards(folder, 1, *options))
                self._held[slot] = _Held(card, running.pop_all(), spoiling)

    def do(self, slot: int, deed: Deed) -> None:
        """Do something to the card at a slot.

        Raises:
            NotFound: no such slot, or no card there.
        """
        with self._turn:
            held = self._held_at(slot)
            if deed is Deed.TAKE_AWAY:
                self._take_away(slot)
                return
            with VirtualCardControl(held.card.control) as control:
                {Deed.PLUG: control.plug, Deed.PULL: control.unplug, Deed.CUT_POWER: control.cut_power}[
                    deed
                ]()

    def spoil(self, slot: int, spoiling: Spoiling) -> None:
        """Let something be wrong with the card at a slot from now on.

        Raises:
            NotFound: no such slot, or no card there.
        """
        with self._turn:
            held = self._held_at(slot)
            with VirtualCardControl(held.card.control) as control:
                control.set_faults(FAULTS[spoiling])
            held.spoiling = spoiling

    def press(self, slot: int, keys: str) -> str:
        """Press keys of the card at a slot; gives its display.

        Raises:
            NotFound: no such slot, or no card there.
            BadInput: no keys.
        """
        if not keys.split():
            raise BadInput("say which keys: press, digits, ok")
        with self._turn, VirtualCardControl(self._held_at(slot).card.control) as control:
            return control.press(keys)[-1]

    def _at(self, slot: int) -> AtSlot:
        held = self._held.get(slot)
        if held is None:
            return AtSlot(slot)
        with VirtualCardControl(held.card.control) as control:
            info = control.info()
        return AtSlot(slot, held.card.serial_number, info.plugged, info.powered, held.spoiling)

    def _held_at(self, slot: int) -> _Held:
        self._folder(slot)
        held = self._held.get(slot)
        if held is None:
            raise NotFound("no card is at slot {slot}", slot=slot)
        return held

    def _take_away(self, slot: int) -> None:
        held = self._held.pop(slot, None)
        if held is not None:
            held.running.close()
            clear(self._home, slot)

    def _folder(self, slot: int) -> Path:
        if slot not in SLOTS:
            raise NotFound("no slot {slot}: a demo has {slots}", slot=slot, slots=", ".join(map(str, SLOTS)))
        return slot_folder(self._home, slot)

    def _image(self, serial_number: str) -> Path:
        if len(serial_number) != 10 or not (serial_number.isascii() and serial_number.isdigit()):
            raise NotFound("{card} is no serial number", card=repr(serial_number))
        return cards_folder(self._home) / f"{serial_number}.flash"


@contextmanager
def open_hands(home: Home) -> Iterator[Hands]:
    """Hands for a demo home while the block runs. What was left at the slots is taken away first.

    Raises:
        HeldByAnother: another process has its hands in this home.
    """
    with locks.hold(home.locks, "hands", "serve"):
        cards_folder(home).mkdir(mode=0o700, exist_ok=True)
        for slot in SLOTS:
            slot_folder(home, slot).mkdir(mode=0o700, parents=True, exist_ok=True)
            clear(home, slot)
        hands = Hands(home)
        try:
            yield hands
        finally:
            hands.close()


def cards_folder(home: Home) -> Path:
    """Where the images of the cards are that are at no slot."""
    return home.path / "cards"


def slot_folder(home: Home, slot: int) -> Path:
    """Where a slot's card is; its port is `card-0` in it."""
    return home.path / "slots" / str(slot)


def clear(home: Home, slot: int) -> None:
    """Bring a slot's card back to the others when its emulator has ended; strange ones are thrown away."""
    folder = slot_folder(home, slot)
    strange = (folder / "strange.key").exists()
    for image in folder.glob("*.flash"):
        if strange:
            image.unlink()
        else:
            image.rename(cards_folder(home) / image.name)
    (folder / "strange.key").unlink(missing_ok=True)


def slot_tables(home: Home) -> str:
    """`[[slots]]` for the settings of a demo home."""
    return "".join(
        f"\n[[slots]]\nnumber = {slot}\nrow = 1\ncolumn = {slot}\n"
        f'port = "{slot_folder(home, slot).absolute() / "card-0"}"\n'
        for slot in SLOTS
    )
