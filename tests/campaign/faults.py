"""What goes wrong in the campaign: each fault happens once, at one point of a personalisation."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from unittest.mock import patch

from dscplus_driver.card import Card
from dscplus_driver.link.frames import Frame, FrameReader, LinkCommand
from dscplus_driver.link.hid import HidLink
from dscplus_driver.link.hid_frames import REPORT_LENGTH, MessageReader, split
from dscplus_driver.link.interface import LinkKind
from dscplus_station.devices.rules import Profile
from dscplus_station.personalise.journal import Journal

A, B = Profile.CARD_PIN, Profile.SERVER_PIN
BYTES = {A: 1200, B: 1070}
"""What an undisturbed personalisation carries, both directions together."""
REPORTS = {A: 35, B: 31}
"""What it carries over HID; the farewell at its end is one more."""
FLASH_OPERATIONS = {A: 16, B: 13}
REQUESTS = {A: 15, B: 13}
COMMITS = {A: 6, B: 5}
JOURNAL = ("begin", "record", "complete")
WHEN = ("before", "after")
NOISE = "drop=0.05,duplicate=0.05,corrupt=0.05,truncate=0.05,delay=0.05"


class Killed(BaseException):
    """The station's process ends here, as far as the code under test can tell."""


@dataclass(frozen=True)
class Fault:
    """One fault at one point: `at` counts from 1 (bytes: from 0)."""

    kind: str
    profile: Profile
    at: int
    detail: str = ""
    link: LinkKind = LinkKind.SERIAL

    def __str__(self) -> str:
        where = f", profile {self.profile.value}, {self.link.value}"
        return f"{self.kind} at {self.at} {self.detail}".rstrip() + where


def unplugs(profile, step=1):
    return [Fault("unplug", profile, at) for at in range(0, BYTES[profile], step)]


def unplugs_twice(profile):
    """Pulled out, plugged in, and pulled out again while the next run finds out what the first one left."""
    again = (40, 160, 320, 480)
    return [
        Fault("unplug twice", profile, at, f"again={then}")
        for at in range(0, BYTES[profile], 40)
        for then in again
    ]


def noises(profile, seeds):
    """A bad cable: five per cent each of the frames are lost, doubled, flipped, cut short and late."""
    return [Fault("noise", profile, seed) for seed in range(seeds)]


def power_cuts(profile, tears):
    operations = range(1, FLASH_OPERATIONS[profile] + 1)
    return [Fault("power cut", profile, at, f"tear={tear}") for at in operations for tear in range(tears)]


def double_cuts(profile, step=1):
    """A second cut at each of the next operations: of the repairing boot, then of the next run."""
    operations = range(1, FLASH_OPERATIONS[profile] + 1, step)
    return [Fault("double cut", profile, at, f"again={again}") for at in operations for again in range(1, 9)]


def lost_answers(profile):
    return [Fault("answer lost for good", profile, at) for at in range(1, REQUESTS[profile] + 1)]


def lost_frames(profile):
    """One frame of one direction, INIT's included: the link's retransmission heals it."""
    frames = range(1, REQUESTS[profile] + 2)
    return [Fault("frame lost once", profile, at, way) for at in frames for way in ("to card", "to host")]


def forged_answers(profile):
    """A liar on the cable keeps a command and answers a bare status word in the card's place."""
    words = ("9000", "6985", "6A88")
    return [
        Fault("answer forged", profile, at, word) for at in range(1, REQUESTS[profile] + 1) for word in words
    ]


def kills(profile):
    commits = [
        Fault("kill at commit", profile, at, when) for at in range(1, COMMITS[profile] + 1) for when in WHEN
    ]
    commands = [
        Fault("kill at command", profile, at, when) for at in range(1, REQUESTS[profile] + 1) for when in WHEN
    ]
    journal = [
        Fault("kill at journal step", profile, at, f"{method} {when}")
        for method, times in zip(JOURNAL, (1, COMMITS[profile] - 2, 1), strict=True)
        for at in range(1, times + 1)
        for when in WHEN
    ]
    return commits + commands + journal


def everything(step_of_profile_b=1):
    """The whole campaign; `step_of_profile_b`: of profile B's bytes only every so manieth."""
    return (
        over_hid(A)
        + over_hid(B)
        + [
            fault
            for profile, step in ((A, 1), (B, step_of_profile_b))
            for part in (
                unplugs(profile, step),
                unplugs_twice(profile),
                noises(profile, seeds=40),
                power_cuts(profile, tears=4),
                double_cuts(profile),
                lost_answers(profile),
                lost_frames(profile),
                forged_answers(profile),
                kills(profile),
            )
            for fault in part
        ]
    )


def over_hid(profile):
    """What the HID link has a part in: cards that go at any report, answers lost and forged, killed clients.

    There are no lost frames to be healed: USB delivers a report, or the card is gone.
    """
    unplugged = [Fault("unplug", profile, at * REPORT_LENGTH) for at in range(REPORTS[profile] + 1)]
    unplugged_twice = [
        Fault("unplug twice", profile, at * REPORT_LENGTH, f"again={then * REPORT_LENGTH}")
        for at in range(0, REPORTS[profile], 5)
        for then in (1, 6, 11, 16)
    ]
    parts = (
        unplugged,
        unplugged_twice,
        power_cuts(profile, tears=1),
        double_cuts(profile, step=5),
        lost_answers(profile),
        forged_answers(profile),
        [fault for fault in kills(profile) if fault.kind == "kill at command"],
    )
    return [replace(fault, kind=f"{fault.kind} (HID)", link=LinkKind.HID) for part in parts for fault in part]


@contextmanager
def happening(fault: Fault, engine, card) -> Iterator[None]:
    """Arm the fault on a card and its station's database engine."""
    with ExitStack() as stack:
        if fault.link is LinkKind.HID and fault.kind.startswith("kill"):
            # Who is killed says no farewell.
            stack.enter_context(patch.object(HidLink, "leave", lambda _link: b""))
        match fault.kind.removesuffix(" (HID)"):
            case "unplug":
                card.set_faults(f"unplug={fault.at}")
            case "unplug twice":
                card.set_faults(f"unplug={fault.at}")
                stack.enter_context(_unplugged_again(card, fault.detail.removeprefix("again=")))
            case "noise":
                card.set_faults(f"{NOISE},seed={fault.at}")
            case "power cut":
                card.set_faults(f"power-cut={fault.at},seed={fault.detail.removeprefix('tear=')}")
            case "double cut":
                again = fault.at + int(fault.detail.removeprefix("again="))
                card.set_faults(f"power-cut={fault.at},power-cut={again},seed={again}")
            case "answer lost for good":
                card.set_faults(f"lose-answer={fault.at}")
            case "frame lost once":
                stack.enter_context(_meddling(card, _LoseFrame(fault.at, fault.detail)))
            case "answer forged":
                stack.enter_context(_meddling(card, _ForgeAnswer(fault.at, fault.detail, fault.link)))
            case "kill at command":
                stack.enter_context(_killed_at(Card, "exchange", fault.at, fault.detail))
            case "kill at journal step":
                method, when = fault.detail.split()
                stack.enter_context(_killed_at(Journal, method, fault.at, when))
            case "kill at commit":
                stack.enter_context(_killed_at_commit(engine, fault.at, fault.detail))
        yield


@contextmanager
def _unplugged_again(card, carried):
    def replug():
        card.replug = original
        card.replug()
        card.set_faults(f"unplug={carried}")

    original, card.replug = card.replug, replug
    try:
        yield
    finally:
        card.replug = original


@contextmanager
def _killed_at(owner, method, number, when):
    original, calls = getattr(owner, method), []

    def watched(*args, **options):
        calls.append(method)
        if when == "before" and len(calls) == number:
            raise Killed
        result = original(*args, **options)
        if when == "after" and len(calls) == number:
            raise Killed
        return result

    with patch.object(owner, method, watched):
        yield


@contextmanager
def _killed_at_commit(engine, number, when):
    """Before or after the commit that is on the disk: what ends earlier is a savepoint (`turns`)."""
    with _killed_at(engine.dialect, "do_commit", number, when):
        yield


@contextmanager
def _meddling(card, meddler):
    original = card.transport
    card.transport = lambda: _Meddled(original(), meddler)
    try:
        yield
    finally:
        card.transport = original


class _Meddled:
    """A transport with somebody on the cable."""

    def __init__(self, transport, meddler):
        self._transport = transport
        self._meddler = meddler
        self.url = transport.url
        self.link = transport.link

    def write(self, data):
        if self._meddler.lets_pass_to_card(data):
            self._transport.write(data)

    def read(self, timeout):
        forged = self._meddler.own_bytes()
        if forged:
            return forged
        data = self._transport.read(timeout)
        return data if not data or self._meddler.lets_pass_to_host(data) else b""

    def close(self):
        self._transport.close()


class _LoseFrame:
    def __init__(self, number, way):
        self._left = {"to card": 0, "to host": 0, way: number}

    def lets_pass_to_card(self, _data):
        return self._count("to card")

    def lets_pass_to_host(self, _data):
        return self._count("to host")

    def own_bytes(self):
        return b""

    def _count(self, way):
        self._left[way] -= 1
        return self._left[way] != 0


class _ForgeAnswer:
    def __init__(self, number, word, link):
        self._left = number
        self._link = link
        self._answer = bytes.fromhex(word)
        self._forged = b""

    def lets_pass_to_card(self, data):
        reader = FrameReader() if self._link is LinkKind.SERIAL else MessageReader()
        for frame in reader.feed(data):
            if frame.cmd == LinkCommand.MSG:
                self._left -= 1
                if self._left == 0:
                    self._forged = self._in_the_cards_name(frame)
                    return False
        return True

    def _in_the_cards_name(self, request):
        if self._link is LinkKind.HID:
            return split(request.channel, LinkCommand.MSG, self._answer)
        return Frame(request.session, request.seq, LinkCommand.MSG, self._answer).encode()

    def lets_pass_to_host(self, _data):
        return True

    def own_bytes(self):
        forged, self._forged = self._forged, b""
        return forged
