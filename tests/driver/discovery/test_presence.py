"""Which events a watch tells, under a clock of its own: the rules one by one, then any history at all."""

from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from dscplus_driver.discovery import Access, Appeared, Changed, ProblemKind, TransportKind, Vanished
from dscplus_driver.discovery.presence import LOOK_INTERVAL, QUIET_TIME, SETTLE_TIME, Presence
from dscplus_driver.discovery.records import BodyRecord, NodeRecord, cards
from dscplus_driver.usb_identity import CDC_CLASS, HID_CLASS, HID_USAGE

ONE, TWO = "0000000018", "0000000026"


class Bench:
    """A fake sysfs, a clock, and the events since last asked."""

    def __init__(self, usb):
        self.usb = usb
        self.presence = Presence()
        self.now = 100.0

    def look(self, later=0.0):
        self.now += later
        events = self.presence.look(cards(self.usb.records()), self.now)
        return [(type(event), event.card.serial_number) for event in events]


@pytest.fixture
def bench(usb):
    return Bench(usb)


def test_cards_that_are_there_from_the_start_appear_at_once(bench):
    bench.usb.plug("1-1", ONE)
    bench.usb.plug("1-2", TWO)
    assert bench.look() == [(Appeared, ONE), (Appeared, TWO)]
    assert bench.look() == [] and bench.presence.next_look() is None


def test_a_card_appears_once_when_its_last_interface_is_there(bench):
    bench.usb.plug("1-1", ONE, bound=False)
    assert bench.look() == []
    bench.usb.bind_tty("1-1")
    assert bench.look(0.1) == []
    bench.usb.bind_hid("1-1")
    assert bench.look(0.1) == [(Appeared, ONE)]
    assert bench.look(10) == []


def test_a_card_waits_for_permission_and_is_looked_at_meanwhile(bench):
    plugged = bench.usb.plug("1-1", ONE)
    bench.usb.deny(plugged.hidraw)
    assert bench.look() == []
    assert bench.presence.next_look() == bench.now + LOOK_INTERVAL
    bench.usb.allow(plugged.hidraw)
    assert bench.look(LOOK_INTERVAL) == [(Appeared, ONE)]


def test_the_wait_is_bounded_and_the_card_appears_with_its_problem(bench):
    plugged = bench.usb.plug("1-1", ONE)
    bench.usb.deny(*vars(plugged).values())
    start = bench.now
    assert bench.look() == []
    while bench.presence.next_look() < start + SETTLE_TIME:
        assert bench.look(bench.presence.next_look() - bench.now) == []
    (event,) = bench.presence.look(cards(bench.usb.records()), start + SETTLE_TIME)
    assert [problem.kind for problem in event.card.problems] == [ProblemKind.NO_PERMISSION]
    assert bench.presence.next_look() is None


def test_a_card_that_goes_vanishes_at_once_as_it_was_told(bench):
    bench.usb.plug("1-1", ONE)
    (appeared,) = bench.presence.look(cards(bench.usb.records()), bench.now)
    bench.usb.unplug("1-1")
    assert bench.presence.look([], bench.now) == [Vanished(appeared.card)]
    assert bench.look() == []


def test_a_card_that_goes_before_it_appeared_is_not_told_of(bench):
    bench.usb.plug("1-1", ONE, bound=False)
    assert bench.look() == []
    bench.usb.unplug("1-1")
    assert bench.look(SETTLE_TIME) == []
    assert bench.presence.next_look() is None


def test_a_replug_between_two_looks_is_told(bench):
    bench.usb.plug("1-1", ONE)
    bench.look()
    bench.usb.unplug("1-1")
    bench.usb.plug("1-1", ONE)
    assert bench.look() == [(Vanished, ONE), (Appeared, ONE)]


def test_a_swap_between_two_looks_is_told(bench):
    bench.usb.plug("1-1", ONE)
    bench.look()
    bench.usb.unplug("1-1")
    bench.usb.plug("1-1", TWO)
    assert bench.look() == [(Vanished, ONE), (Appeared, TWO)]


def test_an_interface_that_goes_for_a_moment_is_no_change(bench):
    bench.usb.plug("1-1", ONE, classes=(HID_CLASS,))
    before = cards(bench.usb.records())
    bench.presence.look(before, bench.now)
    bench.usb.unbind_hid("1-1")
    assert bench.look() == []
    assert bench.presence.next_look() == bench.now + QUIET_TIME
    assert bench.presence.look(before, bench.now + QUIET_TIME) == []
    # … and the time counts anew the next time.
    assert bench.look(QUIET_TIME + 0.1) == []


def test_a_difference_that_lasts_is_a_change_told_once(bench):
    bench.usb.plug("1-1", ONE)
    bench.look()
    bench.usb.unbind_hid("1-1")
    assert bench.look() == []
    assert bench.look(QUIET_TIME) == [(Changed, ONE)]
    assert bench.look(QUIET_TIME) == []


def test_a_card_that_keeps_changing_is_told_of_all_the_same(bench):
    plugged = bench.usb.plug("1-1", ONE)
    bench.look()
    bench.usb.deny(plugged.tty)
    assert bench.look() == []
    bench.usb.deny(plugged.hidraw)
    assert bench.look(QUIET_TIME - 0.1) == []
    bench.usb.allow(plugged.tty)
    assert bench.look(0.1) == [(Changed, ONE)]


def test_a_second_card_with_the_number_makes_both_problems_and_one_again_when_it_goes(bench):
    bench.usb.plug("1-1", ONE)
    bench.look()
    bench.usb.plug("1-2", ONE)
    (appeared,) = bench.presence.look(cards(bench.usb.records()), bench.now)
    assert appeared.card.problems[0].kind is ProblemKind.SHARED_SERIAL_NUMBER
    bench.now += QUIET_TIME
    (changed,) = bench.presence.look(cards(bench.usb.records()), bench.now)
    assert (type(changed), changed.card.port_path, changed.card.url) == (Changed, "1-1", None)
    bench.usb.unplug("1-2")
    assert bench.look() == [(Vanished, ONE)]
    assert bench.look(QUIET_TIME) == [(Changed, ONE)]
    assert cards(bench.usb.records())[0].problems == ()


@dataclass
class ModelCard:
    """A plugging in the world that the state machine below makes up."""

    port: str
    address: int
    number: str
    nodes: dict = field(default_factory=dict)

    def records(self):
        device = f"/sys/usb1/{self.port}"
        yield BodyRecord(
            device,
            self.number,
            frozenset({CDC_CLASS, HID_CLASS}),
            port_path=self.port,
            bus=1,
            address=self.address,
            node=f"/dev/bus/usb/001/{self.address:03}",
            access=self.nodes.get(TransportKind.USB, Access.READY),
        )
        for kind in (TransportKind.HID, TransportKind.SERIAL):
            if kind in self.nodes:
                yield NodeRecord(
                    f"{device}/{kind.value}", kind, f"/dev/{kind.value}", self.nodes[kind], HID_USAGE
                )


class AnyHistory(RuleBasedStateMachine):
    """Plugs, nodes and permissions in any order, looked at at any time: the events tell the truth."""

    pluggings = Bundle("pluggings")

    def __init__(self):
        super().__init__()
        self.presence, self.now, self.addresses = Presence(), 0.0, 0
        self.world = {}
        self.told = {}
        self.first_seen = {}
        self.ever_told = set()

    @rule(
        target=pluggings,
        port=st.sampled_from(["1-1", "1-2", "1-3"]),
        number=st.sampled_from([ONE, TWO, "", "12"]),
        ready=st.booleans(),
    )
    def plug(self, port, number, ready):
        self.addresses += 1
        card = ModelCard(port, self.addresses, number)
        if ready:
            card.nodes = {TransportKind.HID: Access.READY, TransportKind.SERIAL: Access.READY}
        self.world[port] = card  # what was there has been pulled out
        return card

    @rule(card=consumes(pluggings))
    def unplug(self, card):
        if self.world.get(card.port) is card:
            del self.world[card.port]

    @rule(
        card=pluggings,
        kind=st.sampled_from(TransportKind),
        access=st.sampled_from([Access.READY, Access.NO_PERMISSION, None]),
    )
    def node_comes_goes_or_is_closed(self, card, kind, access):
        if access:
            card.nodes[kind] = access
        else:
            card.nodes.pop(kind, None)

    @rule(seconds=st.floats(0, SETTLE_TIME * 1.2))
    def time_passes(self, seconds):
        self.now += seconds

    @rule()
    def look(self):
        found = self.present()
        for card in found.values():
            self.first_seen.setdefault(card.plugging, self.now)
        for event in self.presence.look(list(found.values()), self.now):
            key = event.card.plugging
            match event:
                case Appeared(card):
                    assert key not in self.ever_told, "told twice"
                    assert card == found[key]
                    assert card.settled or self.now >= self.first_seen[key] + SETTLE_TIME
                    self.ever_told.add(key)
                    self.told[key] = card
                case Changed(card):
                    assert card == found[key] != self.told[key]
                    self.told[key] = card
                case Vanished(card):
                    assert key not in found and card == self.told.pop(key)

    @rule()
    def all_comes_to_rest(self):
        """However it began, following the watch's own timer leads to the truth, within a bounded time."""
        end = self.now + SETTLE_TIME + QUIET_TIME
        self.look()
        while (due := self.presence.next_look()) is not None:
            assert self.now < due <= end
            self.now = due
            self.look()
        assert self.told == self.present()

    @invariant()
    def what_was_told_alternates(self):
        assert set(self.told) <= self.ever_told

    def present(self):
        records = [record for card in self.world.values() for record in card.records()]
        return {card.plugging: card for card in cards(records)}


TestAnyHistory = AnyHistory.TestCase
TestAnyHistory.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
