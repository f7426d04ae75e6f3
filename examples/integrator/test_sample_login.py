"""The sample login, tested against virtual cards."""

import pytest
from sample_login import SecondFactor

from dscplus_driver import LifeCycle, Pin
from dscplus_driver.errors import CardRemoved


def test_holder_logs_in(dsc_personalised_card):
    login = SecondFactor(dsc_personalised_card.seed)
    response = dsc_personalised_card.respond(login.challenge())
    assert login.accept(response)


def test_a_response_is_good_once(dsc_personalised_card):
    login = SecondFactor(dsc_personalised_card.seed)
    response = dsc_personalised_card.respond(login.challenge())
    assert login.accept(response)
    assert not login.accept(response)


def test_response_to_another_challenge_is_refused(dsc_personalised_card):
    login = SecondFactor(dsc_personalised_card.seed)
    stale = dsc_personalised_card.respond(login.challenge())
    login.challenge()
    assert not login.accept(stale)


def test_wrong_pin_yields_no_response(dsc_personalised_card):
    display = dsc_personalised_card.respond("123457", pin=Pin("0815"))
    assert not display.strip().isdigit()


def test_card_is_what_the_driver_sees(dsc_personalised_card):
    with dsc_personalised_card.connect() as card:
        assert card.serial_number == dsc_personalised_card.serial_number
        assert card.life_cycle() is LifeCycle.SECURED


def test_blank_card_has_no_seed_yet(dsc_blank_card):
    assert dsc_blank_card.control.press("press") == ["NOT SET "]
    with dsc_blank_card.connect() as card, card.open_session(dsc_blank_card.keys) as session:
        assert session.life_cycle() is LifeCycle.OP_READY


def test_card_that_is_pulled_out_is_a_typed_error(dsc_card_with_faults):
    card = dsc_card_with_faults("unplug=in:40")
    with card.connect() as port, pytest.raises(CardRemoved):
        _ = port.serial_number, port.life_cycle(), port.key_information()
    assert not card.control.info().plugged
