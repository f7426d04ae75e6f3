"""R8, and what a row of an orders file must be."""

from datetime import date

import pytest

from dscplus_station.catalogue import languages
from dscplus_station.devices.rules import Profile
from dscplus_station.orders.pin_policy import birth_digits, pin_fault
from dscplus_station.orders.rules import LIMITS, ORDER_TRANSITIONS, PIN_KEPT, OrderState, understand
from tests.provisioning.support import COUNTRIES, order_values


@pytest.mark.parametrize("digits", ["", "123", "12345", "12a4", "１２３５", "١٢٣٥", " 258", "25.8", "-258"])
def test_r8_a_pin_is_exactly_four_ascii_digits(digits):
    assert pin_fault(digits) == "a PIN is exactly four digits"


def test_r8_all_equal_and_straight_sequences_are_refused_and_nothing_else():
    refused = {f"{n:04d}" for n in range(10_000) if pin_fault(f"{n:04d}")}
    equal = {str(d) * 4 for d in range(10)}
    up = {"0123", "1234", "2345", "3456", "4567", "5678", "6789"}
    assert refused == equal | up | {digits[::-1] for digits in up}


def test_r8_digits_of_the_birth_date_are_refused_if_it_is_on_record():
    born = date(1987, 3, 24)
    for digits in ("1987", "2403", "0324", "8703", "0387", "2487", "8724"):
        assert pin_fault(digits, birth_date=born) == "digits of the birth date are refused"
        assert pin_fault(digits) is None
    assert len(birth_digits(born)) == 7
    assert pin_fault("1988", birth_date=born) is None


def test_r8_the_phone_tail_is_refused_if_it_is_on_record():
    assert pin_fault("7391", phone_tail="7391") == "digits of the phone number are refused"
    assert pin_fault("7391", phone_tail="7392") is None


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"order": ""}, "order is empty"),
        ({"order": "O 1"}, "may hold letters"),
        ({"order": "x" * (LIMITS["order"] + 1)}, "order is longer than 40"),
        ({"user": "böb"}, "may hold letters"),
        ({"name": ""}, "name is empty"),
        ({"name": "a\x07b"}, "cannot be printed"),
        ({"name": "a\nb"}, "cannot be printed"),
        ({"address": "x" * 401}, "address is longer than 400"),
        ({"kind": "first"}, "unknown kind 'first'"),
        ({"replaces": "0000000018"}, "a new order replaces no card"),
        ({"kind": "replacement", "replaces": "0000000019"}, "Luhn"),
        ({"profile": "C"}, "unknown profile 'C'"),
        ({"language": "xx"}, "unknown language 'xx': en, es"),
        ({"country": "XX"}, "unknown country 'XX'"),
        ({"country": ""}, "unknown country ''"),
        ({"pin": "1234"}, "refused PIN: a straight sequence"),
        ({"pin": ""}, "refused PIN"),
    ],
)
def test_a_row_that_cannot_be_taken_says_why(changed, reason):
    refused = understand(order_values(**changed), COUNTRIES, languages())
    assert isinstance(refused, str)
    assert reason in refused


@pytest.mark.parametrize("digits", ["1234", "8888", "98765", "4711x"])
def test_r8_a_refused_pin_is_never_repeated(digits):
    refused = understand(order_values(pin=digits), COUNTRIES, languages())
    assert isinstance(refused, str)
    assert digits not in refused


@pytest.mark.parametrize(
    ("text", "profile"),
    [
        ("", Profile.CARD_PIN),
        ("a", Profile.CARD_PIN),
        ("B", Profile.SERVER_PIN),
        ("server-pin", Profile.SERVER_PIN),
    ],
)
def test_r5_the_profile_is_the_orders_and_a_by_default(text, profile):
    assert understand(order_values(profile=text), COUNTRIES, languages()).profile is profile


@pytest.mark.parametrize("column", LIMITS)
def test_fields_of_just_the_greatest_length_are_taken(column):
    assert not isinstance(
        understand(order_values(**{column: "x" * LIMITS[column]}), COUNTRIES, languages()), str
    )


def test_an_address_may_have_lines():
    assert understand(order_values(address="1 Road\nTown"), COUNTRIES, languages()).address == "1 Road\nTown"


def test_the_request_never_shows_its_pin():
    request = understand(order_values(pin="7391"), COUNTRIES, languages())
    assert "7391" not in repr(request) + str(request) + f"{request}"


def test_a_pin_is_kept_only_while_a_card_may_still_need_it():
    assert {state for state in OrderState if state not in PIN_KEPT} == {
        OrderState.SHIPPED,
        OrderState.FULFILLED,
        OrderState.CANCELLED,
        OrderState.UNDELIVERED,
    }


def test_no_order_is_cancelled_after_shipment():
    for state in (OrderState.SHIPPED, OrderState.FULFILLED, OrderState.UNDELIVERED, OrderState.CANCELLED):
        assert OrderState.CANCELLED not in ORDER_TRANSITIONS[state]
