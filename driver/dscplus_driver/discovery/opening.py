"""Finding cards and opening them: each is asked for its serial number before anybody gets it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .. import errors, model
from ..card import Card, connect
from ..connection import Tap
from ..model import LifeCycle
from . import present, records
from .found import FoundCard


def discover() -> list[FoundCard]:
    """Return every card on USB once, by serial number, however many interfaces it shows.

    Nothing is opened and no card is spoken to. A card that is not to be opened is there with its problems.
    """
    return records.cards(present.records())


def open_card(
    card: FoundCard | str, *, tap: Tap | None = None, on_working: Callable[[], None] | None = None
) -> Card:
    """Open a card that was found, or the one with this serial number, by its preferred interface.

    The card itself is asked for its serial number (GET DATA 0045), because ports stay when cards are swapped:
    CardSwapped if it gives another one. Raises UsageError if the number cannot be one, CardNotFound; what the
    card's problem is (SerialNumberShared, PermissionRefused, PortNotFound, ProtocolError); PortNotFound,
    PermissionRefused, CardBusy or CardRemoved from the port, and every CardError of the wire.
    """
    if isinstance(card, str):
        card = _with_serial_number(card, discover())
    if problem := card.error():
        raise problem
    if not card.url or not card.serial_number:
        raise AssertionError(f"{card} has no problem and cannot be opened")
    opened = connect(card.url, tap=tap, on_working=on_working)
    try:
        if opened.serial_number != card.serial_number:
            raise errors.CardSwapped(card.serial_number, opened.serial_number, where=card.url)
    except BaseException:
        opened.close()
        raise
    return opened


@dataclass(frozen=True, slots=True)
class Look:
    """What a card told: its serial number and life cycle, or the problem that kept it from telling."""

    url: str | None
    serial_number: str | None = None
    life_cycle: LifeCycle | None = None
    problem: errors.DscError | None = None


def look_at(place: FoundCard | str, *, tap: Tap | None = None) -> Look:
    """Ask a card that was found, or what is at a port; never raises a DscError."""
    url = place if isinstance(place, str) else place.url
    number = None if isinstance(place, str) else place.serial_number
    try:
        with connect(place, tap=tap) if isinstance(place, str) else open_card(place, tap=tap) as card:
            return Look(card.url, card.serial_number, card.life_cycle())
    except errors.DscError as error:
        return Look(url, number, problem=error)


def find(ports: Sequence[str] = (), serial_number: str | None = None, *, tap: Tap | None = None) -> Card:
    """Open one card: at the one port named, or with this serial number at any of the ports; without ports, on
    USB.

    Raises CardNotFound, or UsageError if the choice is not one or the number cannot be one, for a single
    named port what `connect` raises, and on USB what `open_card` does.
    """
    if ports and serial_number:
        return _at_a_port(ports, _checked(serial_number), tap)
    if ports:
        return connect(_only(ports), tap=tap)
    return open_card(serial_number or _the_only_one(discover()), tap=tap)


def _checked(serial_number: str) -> str:
    if not model.is_serial_number(serial_number):
        raise errors.UsageError(
            f"{serial_number!r} is no serial number",
            advice="It is ten digits, the last of which fits the others (Luhn): read it off the card again.",
        )
    return serial_number


def _with_serial_number(serial_number: str, found: Sequence[FoundCard]) -> FoundCard:
    _checked(serial_number)
    for card in found:
        if card.serial_number == serial_number:
            return card  # if there are several, each has that for its problem
    raise errors.CardNotFound(f"card {serial_number} was not found", advice=_seen(found))


def _the_only_one(found: Sequence[FoundCard]) -> FoundCard:
    if len(found) == 1:
        return found[0]
    if found:
        raise errors.UsageError(
            f"there are several cards ({'; '.join(card.where for card in found)})",
            advice="Choose one with --serial or --port.",
        )
    raise errors.CardNotFound(
        "no card was found on USB",
        advice="Plug one in, or name its port with --port URL (or DSC_PORT); `dsc doctor` tells why a card is"
        " not seen.",
    )


def _seen(found: Sequence[FoundCard]) -> str:
    if not found:
        return "There is no card on USB; `dsc doctor` tells why one is not seen."
    return f"There is {'; '.join(card.where for card in found)}."


def _at_a_port(ports: Sequence[str], serial_number: str, tap: Tap | None) -> Card:
    tried = []
    for url in ports:
        try:
            card = connect(url, tap=tap)
        except errors.DscError as error:
            if len(ports) == 1:
                raise
            tried.append(str(error))
            continue
        try:
            if card.serial_number == serial_number:
                return card
            tried.append(f"{url} has card {card.serial_number}.")
        except errors.DscError as error:
            tried.append(str(error))
        card.close()
    raise errors.CardNotFound(f"card {serial_number} was not found", advice=" ".join(tried))


def _only(ports: Sequence[str]) -> str:
    if len(ports) == 1:
        return ports[0]
    raise errors.UsageError(
        f"there are several ports ({', '.join(ports)})", advice="Choose one with --port or --serial."
    )
