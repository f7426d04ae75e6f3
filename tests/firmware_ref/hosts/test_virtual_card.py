"""A card's plug, power and faults, on a toy in place of the firmware and a clock that stands still."""

import pytest

from dscplus_card.hosts.faults import parse_faults
from dscplus_card.hosts.virtual_card import VirtualCard

from .toy_card import ToyCard, VirtualClock, toy_flash

A = b"\x00AAAA\x00"


class Bench:
    def __init__(self, spec="", baud=None):
        self.clock = VirtualClock()
        self.flash = toy_flash()
        self.boots = []
        self.card = VirtualCard(self.flash, self.boot, self.clock, baud)
        self.card.set_faults(parse_faults(spec))
        self.card.plug()

    def boot(self, flash):
        self.boots.append(ToyCard(flash))
        return self.boots[-1]

    def ask(self, data):
        self.card.feed(data)
        return self.card.drain()


def test_bytes_go_to_the_card_and_back():
    bench = Bench()
    assert bench.ask(A) == A
    assert (bench.card.bytes_in, bench.card.bytes_out) == (6, 6)
    assert bench.card.flash_operations == 4
    assert bench.card.next_due() is None


def test_both_directions_are_paced():
    bench = Bench(baud=9600)
    assert bench.ask(A) == b""
    received = b""
    while (due := bench.card.next_due()) is not None:
        assert due > bench.clock.now
        bench.clock.now = due
        received += bench.card.drain()
    assert received == A
    # Six bytes in, six out; what comes back starts when the first byte has arrived.
    assert bench.clock.now - 1000.0 == pytest.approx(2 * 6 * 10 / 9600, rel=0.01)


def test_next_due_follows_the_card():
    bench = Bench()
    bench.boots[0].due_ms = 250
    assert bench.card.next_due() == pytest.approx(1000.25)


def test_unplugged_card_hears_nothing_and_lives_on():
    bench = Bench()
    bench.card.feed(A)
    bench.card.unplug()
    assert bench.card.drain() == b"", "an answer under way is lost"
    assert bench.ask(A) == b""
    assert bench.card.press("7") == "7       ", "the battery feeds it"
    assert bench.card.plug()
    assert bench.ask(A) == A
    assert len(bench.boots) == 1


def test_power_cut_leaves_a_dark_card_until_it_is_plugged_in():
    bench = Bench()
    bench.card.press("7")
    bench.card.cut_power()
    assert (bench.card.powered, bench.card.plugged) == (False, False)
    assert bench.card.press("7") == " " * 8
    assert bench.card.plug()
    assert len(bench.boots) == 2
    assert bench.ask(A) == A


@pytest.mark.parametrize("n", range(14))
@pytest.mark.parametrize(("counts", "total"), [("both", 12), ("in", 6), ("out", 6)])
def test_unplug_at_every_byte(n, counts, total):
    """The n-th byte still passes, the next does not; `out` bytes are those that reach the host."""
    bench = Bench(f"unplug={counts}:{n}")
    out = len(bench.ask(A))
    passed = {"both": bench.card.bytes_in + out, "in": bench.card.bytes_in, "out": out}[counts]
    assert passed == min(n, total)
    assert bench.card.plugged == (n > total)


def test_unplug_happens_once_and_replug_brings_the_card_back():
    bench = Bench("unplug=in:3,replug=0.5")
    assert bench.ask(A) == b""
    assert not bench.card.plugged
    assert bench.card.next_due() == pytest.approx(1000.5)
    bench.clock.advance(0.5)
    assert bench.ask(A) == b"", "bytes sent before the card is back are lost"
    assert bench.card.plugged
    assert bench.ask(A) == A
    assert bench.card.next_due() is None


def test_power_cut_in_a_flash_operation_tears_it_and_reboots_on_replug():
    bench = Bench("power-cut=3,seed=1")
    assert bench.ask(A) == b""
    assert (bench.card.powered, bench.card.plugged) == (False, False)
    written = bench.flash.image() if bench.flash.powered else None
    assert written is not None, "power is back for whoever looks at the flash now"
    assert written[:2] == b"AA"
    assert written[2] | ord("A") == written[2], "a torn program clears a subset of the bits"
    assert bench.card.plug()
    assert len(bench.boots) == 2
    assert bench.ask(b"\x00\x00") == b"\x00\x00"


def test_second_power_cut_counts_from_the_same_start():
    bench = Bench("power-cut=2,power-cut=4")
    bench.ask(A)
    assert bench.card.flash_operations == 2
    assert bench.card.plug()
    bench.ask(A)
    assert bench.card.flash_operations == 4
    assert not bench.card.powered
    assert bench.card.plug()
    assert bench.ask(A) == A, "every cut happens once"


def test_power_cut_while_booting_is_reported():
    bench = Bench()
    bench.card.cut_power()

    def boot(flash):
        flash.program(0, 200, b"\x00")
        return bench.boot(flash)

    bench.card._boot = boot
    bench.card.set_faults(parse_faults("power-cut=1"))
    assert not bench.card.plug()
    assert not bench.card.powered
    assert bench.card.plug()


def test_new_script_counts_from_nothing():
    bench = Bench("unplug=in:100,power-cut=100")
    bench.ask(A)
    bench.card.set_faults(parse_faults("unplug=in:6"))
    assert bench.card.flash_operations == 0
    bench.ask(A)
    assert not bench.card.plugged


def test_same_seed_same_faults():
    script = "drop=0.2,duplicate=0.2,corrupt=0.2,truncate=0.2,seed={}"

    def outcome(seed):
        bench = Bench(script.format(seed))
        return [bench.ask(b"\x00\xf0\xf1\x00") for _ in range(40)]

    assert outcome(1) == outcome(1)
    assert outcome(1) != outcome(2)


def report(command, text=b""):
    """A report that begins a message on channel 01020304."""
    return (b"\x01\x02\x03\x04" + bytes((0x80 | command, 0, len(text))) + text).ljust(64, b"\x00")


MSG, PING, CANCEL = 0x03, 0x01, 0x11


def ask_report(bench, data):
    bench.card.feed_report(data)
    return bench.card.drain_report()


def test_reports_go_to_the_card_and_back_whole():
    bench = Bench()
    assert ask_report(bench, report(MSG)) == report(MSG)
    assert bench.card.drain_report() == b""
    assert (bench.card.bytes_in, bench.card.bytes_out) == (64, 64)


def test_report_waits_in_the_card_until_the_host_polls():
    bench = Bench()
    bench.card.feed_report(report(PING))
    bench.card.run()
    assert bench.boots[0].reports == [report(PING)]
    assert bench.card.next_due() is None, "nothing to wake up for"
    assert ask_report(bench, report(MSG)) == report(PING)
    assert bench.boots[0].reports == [report(MSG)], "a poll takes one report out of it"


def test_reports_of_an_unplugged_card_are_lost():
    bench = Bench()
    bench.card.feed_report(report(PING))
    bench.card.unplug()
    bench.card.run()
    assert ask_report(bench, report(PING)) == b""
    bench.card.plug()
    assert bench.card.drain_report() == b"", "what it had to say is of the time before"
    assert ask_report(bench, report(MSG)) == report(MSG)


@pytest.mark.parametrize("n", [0, 1, 63, 64, 65, 127, 128, 129])
@pytest.mark.parametrize("counts", ["both", "in", "out"])
def test_unplug_counts_a_report_as_its_bytes_and_never_cuts_it(n, counts):
    bench = Bench(f"unplug={counts}:{n}")
    out = len(ask_report(bench, report(MSG)))
    passed = {"both": bench.card.bytes_in + out, "in": bench.card.bytes_in, "out": out}[counts]
    total = 128 if counts == "both" else 64
    assert passed == min(n, total) // 64 * 64
    assert bench.card.plugged == (n > total)


def test_lost_answer_on_hid_is_the_one_to_that_message_until_the_next_request():
    bench = Bench("lose-answer=2")
    assert ask_report(bench, report(MSG, b"1")) == report(MSG, b"1")
    assert ask_report(bench, report(MSG, b"2")) == b""
    assert ask_report(bench, b"\x01\x02\x03\x04\x00continued") == b"", "a part of the message"
    assert ask_report(bench, report(CANCEL)) == b"", "CANCEL is of the request before"
    assert ask_report(bench, report(PING)) == report(PING)
    assert ask_report(bench, report(MSG, b"3")) == report(MSG, b"3")


def test_faults_of_frames_are_those_of_reports():
    assert ask_report(Bench("drop=1"), report(MSG)) == b""
    bench = Bench("duplicate=1")
    assert ask_report(bench, report(MSG)) == report(MSG)
    assert [bench.card.drain_report() for _ in range(4)] == [report(MSG)] * 3 + [b""]
    damaged = ask_report(Bench("corrupt=1"), report(MSG))
    assert len(damaged) == 64
    assert damaged != report(MSG)
    bench = Bench("truncate=1,seed=3")
    bench.card.feed_report(report(MSG))
    assert len(bench.boots[0].reports[0]) < 64


def test_delayed_report_is_held_up_and_keeps_its_place():
    bench = Bench("delay=1:50")
    assert ask_report(bench, report(MSG, b"1")) == b""
    assert bench.card.next_due() == pytest.approx(1000.05)
    bench.card.feed_report(report(MSG, b"2"))
    bench.clock.advance(0.05)
    assert bench.card.drain_report() == b"", "the way back takes as long"
    bench.clock.advance(0.05)
    assert bench.card.drain_report() == report(MSG, b"1")


def test_frozen_card_neither_takes_nor_gives():
    bench = Bench()
    bench.card.freeze(3.0)
    assert bench.ask(A) == b""
    assert ask_report(bench, report(MSG)) == b""
    assert bench.boots[0].ticks == 0
    assert bench.card.next_due() == pytest.approx(1003.0)
    bench.clock.advance(3.0)
    assert bench.card.drain() == A
    assert bench.card.drain_report() == report(MSG)


def test_power_cut_ends_a_freeze():
    bench = Bench()
    bench.card.freeze(3.0)
    bench.card.cut_power()
    bench.card.plug()
    assert bench.ask(A) == A


def test_worn_flash_takes_nothing_more_until_the_script_ends():
    bench = Bench("worn=3")
    bench.ask(A)
    before = bench.flash.image()
    assert bench.card.flash_operations == 4, "it takes four, of which two are written"
    bench.ask(A)
    assert bench.flash.image() == before
    bench.card.set_faults(parse_faults(""))
    bench.ask(A)
    assert bench.flash.image() != before
