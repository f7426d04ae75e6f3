"""A name for a slot: the lines that give the socket a card was plugged into a name of one's own."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from .. import errors
from ..discovery import Appeared, FoundCard, Watch
from . import SLOT_PROPERTY

SLOT_RULES = "/etc/udev/rules.d/71-dscplus-slots.rules"
"""Where a bench's own rules go: after ours, which set the property that they ask for."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
_SPECIAL = re.compile(r'[*?\[\]|"\\]')


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What names a slot: ``mapping`` is a line "name = ID_PATH" as TOML writes it, for a table of
    slots; ``rules`` are udev rules that make ``links``.
    """

    name: str
    id_path: str
    serial_number: str | None
    mapping: str
    rules: tuple[str, ...]
    links: tuple[str, ...]


def check_name(name: str) -> None:
    """Raise UsageError for a name that cannot be part of a file name."""
    if not _NAME.fullmatch(name):
        raise errors.UsageError(
            f"{name!r} cannot name a slot",
            advice="Take up to 32 letters, digits, - and _, and begin with a letter or digit.",
        )


def suggest(name: str, card: FoundCard) -> Suggestion:
    """Return the lines that name the slot in which a card is.

    Raises UsageError for a name that cannot be part of a file name, CardUnfit for a card that is in no slot.
    """
    check_name(name)
    if not card.id_path or _SPECIAL.search(card.id_path):
        raise errors.CardUnfit(
            "udev gives no ID_PATH for it, so nothing tells its slot from others",
            where=card.where,
            advice="A card on USB has one where udev runs; a virtual card by uhid has none.",
        )
    links = tuple(f"dsc/slot-{name}-{kind}" for kind in ("hid", "tty"))
    rules = tuple(
        f'SUBSYSTEM=="{subsystem}", ENV{{{SLOT_PROPERTY}}}=="{card.id_path}", SYMLINK+="{link}"'
        for subsystem, link in zip(("hidraw", "tty"), links, strict=True)
    )
    return Suggestion(
        name=name,
        id_path=card.id_path,
        serial_number=card.serial_number,
        mapping=f'"{name}" = "{card.id_path}"',
        rules=rules,
        links=tuple(f"/dev/{link}" for link in links),
    )


def card_to_name(
    present: list[FoundCard],
    watch: Callable[[], Watch],
    timeout: float,
    on_waiting: Callable[[], None],
    clock: Callable[[], float] = time.monotonic,
) -> FoundCard:
    """Return the card whose slot is meant: the only one that is plugged in, else the next that comes.

    ``on_waiting`` is called before the wait. Raises CardNotFound if none comes within ``timeout`` seconds.
    """
    if len(present) == 1:
        return present[0]
    known = {card.plugging for card in present}
    deadline = clock() + timeout
    with watch() as events:
        on_waiting()
        while event := events.next_event(max(0.0, deadline - clock())):
            if isinstance(event, Appeared) and event.card.plugging not in known:
                return event.card
    raise errors.CardNotFound(
        f"no card was plugged in within {timeout:g} s", advice="Run it again, then plug one into the slot."
    )
