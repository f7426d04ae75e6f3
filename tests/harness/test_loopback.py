"""The harness itself: what it counts, that it never sleeps, and that each fault happens where it says."""

import time

import pytest

from dscplus_card import state
from dscplus_driver import personalise
from dscplus_driver.errors import CardError, CardRemoved, OutcomeUnknown
from tests.harness import sample
from tests.harness.loopback import LoopbackCard


@pytest.fixture
def card():
    return LoopbackCard(sample.SERIAL_NUMBER, sample.transport_keys())


def run(card):
    with card.connect() as driver_card:
        return personalise(driver_card, sample.plan())


def run_until_done(card):
    """Personalise, replugging after each failure, as an operator would; returns the number of runs."""
    for runs in range(1, 10):
        if not card.virtual.plugged:
            card.replug()
        try:
            run(card)
        except CardError:
            continue
        return runs
    raise AssertionError("the card never came through")


def test_personalisation_takes_no_time_but_the_processors(card):
    started = time.perf_counter()
    run(card)
    assert card.clock.now == 1000.0
    assert time.perf_counter() - started < 1.0
    assert card.memory().number(state.LIFE_CYCLE) == state.SECURED


def test_bytes_and_round_trips_are_counted(card):
    transport = card.transport()
    sent = b"\x00\x01\x00"
    transport.write(sent)
    assert transport.read(0.5) == b""
    assert card.clock.now == 1000.5
    assert (card.virtual.bytes_in, card.virtual.bytes_out, transport.round_trips) == (3, 0, 1)
    assert transport.read(0.5) == b""
    assert transport.round_trips == 1, "waiting on is no further round trip"


def test_paced_loopback_takes_the_wires_time():
    card = LoopbackCard(sample.SERIAL_NUMBER, sample.transport_keys(), bits_per_second=115_200)
    run(card)
    carried = card.virtual.bytes_in + card.virtual.bytes_out
    assert card.clock.now - 1000.0 == pytest.approx(carried * 10 / 115_200, rel=0.001)


def test_unplugged_card_is_a_typed_error(card):
    with card.connect() as driver_card:
        assert driver_card.serial_number == sample.SERIAL_NUMBER
        card.virtual.unplug()
        with pytest.raises(CardRemoved):
            driver_card.life_cycle()
    with pytest.raises(CardRemoved):
        card.connect()


@pytest.mark.parametrize("n", [0, 1, 30, 500, 1000])
def test_unplug_at_byte_n_then_again_completes(card, n):
    card.set_faults(f"unplug={n}")
    with pytest.raises(CardError):
        run(card)
    assert card.virtual.bytes_in + card.virtual.bytes_out == n
    assert run_until_done(card) == 1


@pytest.mark.parametrize("operation", [1, 2, 5, 9, 14])
def test_power_cut_at_flash_operation_n_then_again_completes(card, operation):
    card.set_faults(f"power-cut={operation},seed={operation}")
    with pytest.raises(CardError):
        run(card)
    assert card.virtual.flash_operations == operation
    assert not card.virtual.powered
    assert run_until_done(card) == 1
    assert card.virtual.boots == 2


def test_second_cut_hits_the_boot_that_repairs_the_first(card):
    card.set_faults("power-cut=9,power-cut=10,power-cut=11")
    with pytest.raises(CardError):
        run(card)
    assert run_until_done(card) == 1
    assert card.virtual.boots == 4


def test_answer_lost_for_good_leaves_the_outcome_unknown(card):
    with card.connect() as driver_card, driver_card.open_session(sample.transport_keys()) as session:
        card.set_faults("lose-answer=1")
        with pytest.raises(OutcomeUnknown):
            session.put_key(sample.issuer_keys())
    assert card.memory().number(state.KEY_VERSION) == sample.ISSUER_VERSION, "the card did what it was told"


def test_each_answer_lost_in_turn_is_recovered(card):
    for request in range(1, 16):
        card = LoopbackCard(sample.SERIAL_NUMBER, sample.transport_keys())
        card.set_faults(f"lose-answer={request}")
        run_until_done(card)
        assert card.memory().number(state.LIFE_CYCLE) == state.SECURED, request


def test_noise_is_survived_and_repeats_with_its_seed():
    def bytes_carried(seed):
        card = LoopbackCard(sample.SERIAL_NUMBER, sample.transport_keys())
        card.set_faults(f"drop=0.05,duplicate=0.05,corrupt=0.05,truncate=0.05,delay=0.05,seed={seed}")
        run_until_done(card)
        assert card.memory().number(state.LIFE_CYCLE) == state.SECURED
        return card.virtual.bytes_in

    assert len({bytes_carried(seed) for seed in range(10)}) > 1
    assert card_quiet_bytes() < bytes_carried(3)


def card_quiet_bytes():
    card = LoopbackCard(sample.SERIAL_NUMBER, sample.transport_keys())
    run(card)
    return card.virtual.bytes_in


def test_image_of_a_card_is_that_card(card):
    run(card)
    again = LoopbackCard(sample.SERIAL_NUMBER, sample.transport_keys(), image=card.flash.image())
    with again.connect() as driver_card, driver_card.open_session(sample.issuer_keys()) as session:
        assert session.seed_check_value() == sample.plan().seed.check_value()
