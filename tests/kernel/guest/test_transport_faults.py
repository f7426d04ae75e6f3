"""What goes wrong on the bus, over each of the three ways: a typed error at once, and the card works on."""

import os
import random
import threading

import pytest

from dscplus_driver import KeySet, LifeCycle, MasterKey, connect, errors, personalise, restock
from dscplus_driver.transport.url import open_transport
from tests.kernel.guest import vhci
from tests.kernel.guest.personalisation import issuer_keys, plan
from tests.kernel.guest.usb_cards import TIMEOUT

KINDS = ("hid", "usb", "serial")
REPORT_KINDS = ("hid", "usb")
UNPLUGS = int(os.environ.get("DSCPLUS_UNPLUGS", "30"))
"""How often a card is pulled out in the midst of a personalisation, over all ways together, in batches of
30. With more time:
`DSCPLUS_UNPLUGS=300 make test-kernel K=unplug_at_any_byte`.
"""
UNPLUGS_A_TEST = 10
"""So that no test comes near the limit for one, however many there are in all."""
BATCHES = range(max(1, UNPLUGS // (len(KINDS) * UNPLUGS_A_TEST)))
RESTOCK_MASTER = MasterKey(bytes(range(0x20, 0x30)))


def answers(usb_card, kind):
    """Tell whether the card answers on this way."""
    with connect(usb_card.urls[kind]) as card:
        return card.serial_number == usb_card.serial_number


@pytest.mark.parametrize("kind", REPORT_KINDS)
def test_a_stalled_input_is_cleared_on_the_way(usb_card, kind):
    with connect(usb_card.urls[kind]) as card:
        card.ping(b"before")
        usb_card.control.stall("hid-in")
        card.ping(b"through it")


def test_libusb_clears_a_stalled_output_on_the_way(usb_card):
    with connect(usb_card.urls["usb"]) as card:
        card.ping(b"before")
        usb_card.control.stall("hid-out")
        card.ping(b"through it")


def test_a_stalled_output_of_hidraw_is_an_error_until_the_card_is_plugged_in_again(usb_card):
    with connect(usb_card.urls["hid"]) as card:
        card.ping(b"before")
        usb_card.control.stall("hid-out")
        for _ in range(2):
            with pytest.raises(errors.LinkError, match="stalled"):
                card.ping(b"into it")
    usb_card.unplug()
    usb_card.plug()
    assert answers(usb_card, "hid")


@pytest.mark.parametrize("kind", REPORT_KINDS)
def test_a_zero_length_report_is_passed_over(usb_card, kind):
    with connect(usb_card.urls[kind]) as card:
        usb_card.control.send_zero_length_report()
        card.ping(b"after it")
        usb_card.control.send_zero_length_report()
        card.ping(bytes(512))


@pytest.mark.parametrize("kind", KINDS)
def test_an_emulator_killed_at_work_is_a_removed_card(usb_card, kind):
    with (
        connect(usb_card.urls[kind], on_working=usb_card.emulator.kill) as card,
        pytest.raises(errors.CardRemoved),
    ):
        card.wink()


@pytest.mark.parametrize("kind", REPORT_KINDS)
def test_an_emulator_killed_with_a_report_on_the_way_is_a_removed_card(usb_card, kind):
    transport = open_transport(usb_card.urls[kind])
    usb_card.emulator.suspend()
    begun, ended = threading.Event(), []

    def write():
        begun.set()
        try:
            transport.write(bytes(64) * 4)
        except errors.CardRemoved as error:
            ended.append(error)

    writer = threading.Thread(target=write)
    writer.start()
    begun.wait(TIMEOUT)
    usb_card.gone_after(usb_card.emulator.kill)
    writer.join(TIMEOUT)
    assert len(ended) == 1
    transport.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_card_that_stands_still_for_three_seconds_at_work(usb_card, kind):
    stood_still = []

    def stand_still():
        if not stood_still:
            stood_still.append(True)
            usb_card.control.freeze(3.0)

    with connect(usb_card.urls[kind], on_working=stand_still) as card:
        # Longer than any of the links waits without a sign of life.
        with pytest.raises(errors.CardTimeout):
            card.wink()
        usb_card.control.freeze(0.0)
        card.ping(b"awake again")
    assert stood_still


@pytest.mark.parametrize("kind", REPORT_KINDS)
def test_a_card_that_takes_no_report_is_a_timeout_and_not_a_hang(usb_card, kind):
    transport = open_transport(usb_card.urls[kind])
    usb_card.control.freeze(7.0)  # longer than WRITE_TIMEOUT; the virtual bus gives nothing back before
    with pytest.raises(errors.CardTimeout, match="took no report"):
        transport.write(bytes(64))
    transport.close()
    usb_card.control.freeze(0.0)
    assert answers(usb_card, kind)


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("kind", KINDS)
def test_an_unplug_at_any_byte_is_told_and_the_run_completes_on_replug(usb_card, kind, batch):
    drawn = random.Random(f"unplug {kind} {batch}")  # noqa: S311 - the same bytes each time
    restock_keys = KeySet.diversify(RESTOCK_MASTER, 0x10, usb_card.serial_number)
    wanted = plan(usb_card, restock_keys)
    before = traffic(usb_card)
    with connect(usb_card.urls[kind]) as card:
        personalise(card, wanted)
    length = traffic(usb_card) - before
    unplugged = 0
    for _ in range(UNPLUGS_A_TEST):
        with connect(usb_card.urls[kind]) as card:
            restock(card, issuer_keys(usb_card), restock_keys)
        at = drawn.randrange(length * 9 // 10)
        usb_card.control.set_faults(f"unplug={at}")
        with (
            pytest.raises((errors.CardRemoved, errors.OutcomeUnknown)) as caught,
            connect(usb_card.urls[kind]) as card,
        ):
            personalise(card, wanted)
        # After a command that changes the card, the removal is the reason why its outcome is unknown.
        why = caught.value.__cause__ if isinstance(caught.value, errors.OutcomeUnknown) else caught.value
        assert isinstance(why, errors.CardRemoved)
        unplugged += not usb_card.control.info().plugged
        usb_card.control.set_faults("")
        vhci.wait_until_free(usb_card.port)
        usb_card.plug()
        with connect(usb_card.urls[kind]) as card:
            assert personalise(card, wanted).serial_number == usb_card.serial_number
            assert card.life_cycle() is LifeCycle.SECURED
    assert unplugged == UNPLUGS_A_TEST


def traffic(usb_card):
    """Return the bytes that have passed over the card's wire so far."""
    info = usb_card.control.info()
    return info.bytes_in + info.bytes_out
