"""From records of devices to cards: a pure function. Who reads the records is `sysfs` or `portable`."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from .. import model
from ..usb_identity import CDC_CLASS, HID_CLASS, HID_USAGE
from .found import Access, FoundCard, Interface, Problem, ProblemKind, TransportKind

_SHOWN_LENGTH = 20


@dataclass(frozen=True, slots=True)
class BodyRecord:
    """A USB device with the card's ids, or a HID device with them that has no USB device behind it (uhid).

    ``serial_text`` is what it gives for its serial number, unchecked. ``initialized`` tells whether udev is
    done with it.
    """

    device: str
    serial_text: str | None
    interface_classes: frozenset[int]
    port_path: str | None = None
    id_path: str | None = None
    bus: int | None = None
    address: int | None = None
    node: str | None = None
    access: Access = Access.NO_NODE
    initialized: bool = True


@dataclass(frozen=True, slots=True)
class NodeRecord:
    """A device node of a HID interface or serial port. It belongs to the body whose path its own begins with.

    ``usage`` is usage page and usage of a HID interface, None where it does not tell.
    """

    device: str
    kind: TransportKind
    node: str
    access: Access
    usage: tuple[int, int] | None = None
    id_path: str | None = None
    initialized: bool = True


Record = BodyRecord | NodeRecord


def cards(records: Iterable[Record]) -> list[FoundCard]:
    """Return every card once, by serial number and place, each with its problems."""
    records = list(records)
    nodes = [record for record in records if isinstance(record, NodeRecord)]
    found = [
        _card(body, [node for node in nodes if node.device.startswith(f"{body.device}/")])
        for body in records
        if isinstance(body, BodyRecord)
    ]
    return sorted(_refuse_twins(found), key=lambda card: (card.serial_number or "", card.place))


def _card(body: BodyRecord, nodes: Sequence[NodeRecord]) -> FoundCard:
    ours = [node for node in nodes if node.kind is not TransportKind.HID or node.usage == HID_USAGE]
    strange = any(node.kind is TransportKind.HID for node in nodes) and not any(
        node.kind is TransportKind.HID for node in ours
    )
    interfaces = tuple(_interfaces(body, ours))
    number = body.serial_text if body.serial_text and model.is_serial_number(body.serial_text) else None
    problems = [
        problem
        for problem in (
            _is_no_card(body, strange=strange),
            _is_closed(interfaces),
            None if number else _bad_serial_number(body.serial_text),
        )
        if problem
    ]
    return FoundCard(
        device=body.device,
        serial_number=number,
        port_path=body.port_path,
        id_path=body.id_path or next((node.id_path for node in nodes if node.id_path), None),
        bus=body.bus,
        address=body.address,
        interfaces=interfaces,
        problems=tuple(problems),
        settled=body.initialized
        and all(node.initialized for node in nodes)
        and all(way.access is Access.READY for way in interfaces),
    )


def _interfaces(body: BodyRecord, nodes: Sequence[NodeRecord]) -> Iterable[Interface]:
    """The ways to a card in the order of preference; one that its descriptors promise and no driver serves is
    named as well.
    """
    for kind, interface_class in ((TransportKind.HID, HID_CLASS), (TransportKind.SERIAL, CDC_CLASS)):
        served = sorted((node for node in nodes if node.kind is kind), key=lambda node: node.device)
        for node in served:
            yield Interface(kind, node.access, node.node, f"{kind.value}:{node.node}")
        if not served and interface_class in body.interface_classes:
            yield Interface(kind, Access.NO_NODE)
    if body.bus is not None and HID_CLASS in body.interface_classes:
        url = None if body.access is Access.NO_NODE else f"usb:{body.bus}.{body.address}"
        yield Interface(TransportKind.USB, body.access, body.node, url)


def _bad_serial_number(text: str | None) -> Problem:
    if text:
        shown = ascii(text[:_SHOWN_LENGTH])
        what = f"it gives {shown} for a serial number instead of ten digits, the last a Luhn digit"
    else:
        what = "it gives no serial number that could be read"
    return Problem(ProblemKind.BAD_SERIAL_NUMBER, what)


def _is_no_card(body: BodyRecord, *, strange: bool) -> Problem | None:
    if strange:
        what = "it has the ids of a DSC+, and its HID interface is another"
    elif not body.interface_classes & {CDC_CLASS, HID_CLASS}:
        what = "it has the ids of a DSC+, and neither a HID interface nor a serial port"
    else:
        return None
    return Problem(ProblemKind.NOT_A_CARD, what, "This is no DSC+: unplug it, and report which device it is.")


def _is_closed(interfaces: Sequence[Interface]) -> Problem | None:
    access = {way.access for way in interfaces}
    if Access.READY in access or not access:
        return None
    if Access.NO_PERMISSION in access:
        nodes = [way.node for way in interfaces if way.access is Access.NO_PERMISSION and way.node]
        return Problem(ProblemKind.NO_PERMISSION, f"this user may not open {' or '.join(nodes)}")
    return Problem(
        ProblemKind.NO_NODE,
        "the system has no device node for it",
        "Plug it in again; if that does not help, a driver is missing (usbhid, hidraw, cdc_acm).",
    )


def _refuse_twins(found: Sequence[FoundCard]) -> list[FoundCard]:
    """Refuse all cards that give one serial number: which of them is meant cannot be known."""
    numbers = Counter(card.serial_number for card in found if card.serial_number)
    return [
        replace(card, problems=(_shared(card, found), *card.problems))
        if card.serial_number and numbers[card.serial_number] > 1
        else card
        for card in found
    ]


def _shared(card: FoundCard, found: Sequence[FoundCard]) -> Problem:
    places = ", ".join(sorted(other.place for other in found if other.serial_number == card.serial_number))
    what = f"several cards give the serial number {card.serial_number}: {places}"
    return Problem(ProblemKind.SHARED_SERIAL_NUMBER, what)
