"""Opening a card: the right one or none, with an error that says which and why."""

import pytest

from dscplus_driver import discovery, errors
from dscplus_driver.discovery import portable, present, sysfs
from tests.harness import sample
from tests.harness.loopback import LoopbackCard

ONE, TWO, THREE = sample.SERIAL_NUMBER, "0000000026", "0000000034"


class Bench:
    """A fake sysfs whose nodes lead to cards in memory."""

    def __init__(self, usb):
        self.usb = usb
        self.behind = {}
        self.transports = []

    def plug(self, port, number, inside=None):
        plugged = self.usb.plug(port, number)
        inside = inside or number
        self.behind[f"hid:{plugged.hidraw}"] = LoopbackCard(inside, sample.transport_keys(inside))
        return plugged

    def open(self, url):
        if url not in self.behind:
            raise errors.PortNotFound(f"there is no {url}", where=url)
        transport = self.behind[url].transport()
        transport.url = url
        closed = transport.close
        self.transports.append(url)
        transport.close = lambda: (self.transports.remove(url), closed())
        return transport


@pytest.fixture
def bench(usb, monkeypatch):
    bench = Bench(usb)
    monkeypatch.setattr("dscplus_driver.card.open_transport", bench.open)
    monkeypatch.setattr(present, "records", usb.records)
    return bench


@pytest.mark.parametrize(
    ("platform", "asked"), [("linux", "sysfs"), ("win32", "libraries"), ("darwin", "libraries")]
)
def test_sysfs_is_read_on_linux_and_the_libraries_are_asked_elsewhere(monkeypatch, platform, asked):
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.setattr(sysfs, "records", lambda: "sysfs")
    monkeypatch.setattr(portable, "records", lambda: "libraries")
    assert present.records() == asked


def test_a_card_is_opened_by_its_number_or_as_it_was_found(bench):
    bench.plug("1-1", ONE)
    bench.plug("1-2", TWO)
    with discovery.open_card(TWO) as card:
        assert card.serial_number == TWO
    (one, _) = discovery.discover()
    with discovery.open_card(one) as card:
        assert (card.serial_number, card.url) == (ONE, one.url)
    assert bench.transports == []


def test_a_swap_between_finding_and_opening_is_caught_and_both_are_named(bench):
    bench.plug("1-1", ONE, inside=TWO)
    with pytest.raises(
        errors.CardSwapped, match=f"card {ONE} was expected, and card {TWO} is there"
    ) as caught:
        discovery.open_card(ONE)
    assert (caught.value.expected, caught.value.found) == (ONE, TWO)
    assert caught.value.where == discovery.discover()[0].url
    assert bench.transports == [], "the port was not given back"


def test_a_node_that_vanishes_between_finding_and_opening(bench):
    bench.plug("1-1", ONE)
    (found,) = discovery.discover()
    bench.behind.clear()
    with pytest.raises(errors.PortNotFound, match=r"Plug the card in"):
        discovery.open_card(found)


def test_a_card_that_does_not_answer_gives_its_port_back(bench):
    bench.plug("1-1", ONE)
    bench.behind[discovery.discover()[0].url].set_faults("unplug=3")
    with pytest.raises(errors.CardRemoved):
        discovery.open_card(ONE)
    assert bench.transports == []


def test_twins_are_refused_by_number_and_as_found(bench):
    bench.plug("1-1", ONE)
    bench.plug("1-2", ONE)
    for choice in (ONE, *discovery.discover()):
        with pytest.raises(errors.SerialNumberShared, match="1-1, 1-2"):
            discovery.open_card(choice)
    assert bench.transports == []


def test_a_closed_card_is_refused_before_anything_is_opened(bench):
    plugged = bench.plug("1-1", ONE)
    bench.usb.deny(plugged.hidraw, plugged.tty, plugged.usb)
    with pytest.raises(errors.PermissionRefused, match=plugged.hidraw):
        discovery.open_card(ONE)


def test_an_unknown_number_says_what_there_is(bench):
    with pytest.raises(errors.CardNotFound, match="There is no card on USB"):
        discovery.open_card(THREE)
    bench.plug("1-1", ONE)
    with pytest.raises(errors.CardNotFound, match=f"There is 1-1, card {ONE}"):
        discovery.open_card(THREE)


@pytest.mark.parametrize("number", ["18", "0000000019", "", "000000001x"])
def test_a_number_that_cannot_be_one_is_a_usage_error(bench, number):
    with pytest.raises(errors.UsageError, match="no serial number"):
        discovery.open_card(number)


def test_find_takes_the_only_card_and_does_not_choose_among_several(bench):
    with pytest.raises(errors.CardNotFound, match="DSC_PORT"):
        discovery.find()
    bench.plug("1-1", ONE)
    with discovery.find() as card:
        assert card.serial_number == ONE
    bench.plug("1-2", TWO)
    with pytest.raises(errors.UsageError, match=f"1-1, card {ONE}; 1-2, card {TWO}"):
        discovery.find()
    with discovery.find(serial_number=TWO) as card:
        assert card.serial_number == TWO


def test_one_port_that_cannot_be_opened_says_so_itself_and_several_say_what_each_has(bench):
    bench.plug("1-1", ONE)
    (port,) = bench.behind
    with pytest.raises(errors.PortNotFound, match="there is no hid:nowhere"):
        discovery.find(["hid:nowhere"], ONE)
    with pytest.raises(errors.CardNotFound, match=rf"there is no hid:nowhere.*{port} has card {ONE}"):
        discovery.find(["hid:nowhere", port], TWO)
    with discovery.find(["hid:nowhere", port], ONE) as card:
        assert card.serial_number == ONE
    with pytest.raises(errors.UsageError, match="'18' is no serial number"):
        discovery.find([port], "18")


def test_look_at_tells_the_life_cycle_or_the_problem(bench):
    bench.plug("1-1", ONE)
    bench.plug("1-2", TWO, inside=THREE)
    good, swapped = map(discovery.look_at, discovery.discover())
    assert (good.serial_number, good.life_cycle.name, good.problem) == (ONE, "OP_READY", None)
    assert swapped.serial_number == TWO and isinstance(swapped.problem, errors.CardSwapped)
