"""One personalisation over HID: its 64-byte reports beside the least that can carry its APDUs."""

from __future__ import annotations

import os

from dscplus_driver.card import Card
from dscplus_driver.link.frames import LinkCommand
from dscplus_driver.link.hid_frames import MessageReader
from dscplus_driver.link.interface import LinkKind
from dscplus_driver.personalisation import Plan, personalise
from dscplus_driver.sensitive import KeySet, Pin, Seed

from .memory_cards import HidCard
from .records import Row, Section, at_most

KEY_LENGTH = 32
TRANSPORT_VERSION, ISSUER_VERSION = 0x01, 0x20
FIRST_REPORT_ROOM, NEXT_REPORT_ROOM = 57, 59
INIT_REPORTS = 2
LIMIT = 1.05


def measure() -> Section:
    """Counted, not timed: one run each is enough."""
    return Section(
        "Reports of one personalisation over HID",
        tuple(_row(f"seed of {length} bytes", length) for length in (32, 64)),
    )


def _row(name: str, seed_length: int) -> Row:
    ours, least = _count(seed_length)
    ratio = (ours / least,)
    return Row(name, (float(ours),), "", {f"least ({least})": ratio}, at_most(LIMIT, ratio, "≤ 1.05 × least"))


def _count(seed_length: int) -> tuple[int, int]:
    transport_keys = _random_keys(TRANSPORT_VERSION)
    readers = {">": MessageReader(), "<": MessageReader()}
    apdus: list[int] = []

    def record(direction: str, data: bytes, _link: LinkKind) -> None:
        messages = readers[direction].feed(data)
        apdus.extend(len(message.payload) for message in messages if message.cmd == LinkCommand.MSG)

    memory_card = HidCard(transport_keys)
    seed = Seed(os.urandom(seed_length))
    with Card(memory_card, tap=record) as card:
        personalise(card, Plan((transport_keys,), _random_keys(ISSUER_VERSION), seed, Pin("4711")))
    return memory_card.reports, INIT_REPORTS + sum(_least(length) for length in apdus)


def _least(length: int) -> int:
    return 1 + max(0, -(-(length - FIRST_REPORT_ROOM) // NEXT_REPORT_ROOM))


def _random_keys(version: int) -> KeySet:
    return KeySet(version, *(os.urandom(KEY_LENGTH) for _ in range(3)))
