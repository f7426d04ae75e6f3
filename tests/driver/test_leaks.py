"""Canaries through whole runs: no secret in an error, in its causes, or in the locals of their tracebacks."""

import re
import traceback

import pytest

from dscplus_driver import KeySet, Pin, Plan, Profile, Seed, errors, personalise
from tests.driver.middleman import connect_through
from tests.harness import sample
from tests.harness.loopback import LoopbackCard

pytestmark = pytest.mark.usefixtures("each_link")

PIN = "7391"
MARK = "CANARY"


def key(name):
    return f"{MARK}-{name}".ljust(16, "!").encode()


def key_set(version, name):
    return KeySet(version, key(f"{name}e"), key(f"{name}m"), key(f"{name}d"))


def plan(profile):
    seed = Seed(f"{MARK} of a seed, 32 bytes long....".encode())
    return Plan((key_set(1, "card"),), key_set(0x20, "issu"), seed, Pin(PIN), profile)


def everything(error):
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "".join(shown.format()) + repr(error) + str(error)


def assert_clean(text):
    assert MARK not in text and MARK.encode().hex() not in text.lower()
    # A PIN is short: numbers and addresses have its digits by chance, strings and bytes in quotes do not.
    assert not re.search(rf"'[^'\n]*{PIN}[^'\n]*'", text) and PIN.encode().hex() not in text


def question():
    return "000123"


LIES = {
    "6985": b"\x69\x85",
    "9000": b"\x90\x00",
    "nothing": b"",
    "63C4": b"\x63\xc4",
    "40 bytes": bytes(range(40)),
}


@pytest.mark.parametrize("profile", list(Profile))
@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
def test_no_error_of_a_personalisation_shows_a_secret(profile, lie):
    """From each answer on, the cable lies: every way to fail, at every step."""
    failures = 0
    for first in range(1, 17):
        card = LoopbackCard(sample.SERIAL_NUMBER, key_set(1, "card"))
        driver = connect_through(card, lambda a, n, first=first: lie if n >= first else a)
        try:
            personalise(driver, plan(profile), new_question=question)
        except errors.DscError as error:
            failures += 1
            assert_clean(everything(error))
    assert failures >= 12


def test_no_removal_shows_a_secret():
    for cut in range(0, 1000, 25):
        card = LoopbackCard(sample.SERIAL_NUMBER, key_set(1, "card"))
        card.set_faults(f"unplug={cut}")
        with pytest.raises(errors.DscError) as caught:
            personalise(card.connect(), plan(Profile.SERVER_PIN), new_question=question)
        assert_clean(everything(caught.value))


def test_foreign_keys_show_neither_set():
    card = LoopbackCard(sample.SERIAL_NUMBER, sample.transport_keys())
    with pytest.raises(errors.AuthenticationFailed) as caught:
        personalise(card.connect(), plan(Profile.CARD_PIN))
    shown = everything(caught.value)
    assert_clean(shown)
    assert sample.transport_keys().enc.reveal().hex() not in shown


@pytest.mark.parametrize(
    "secret", [MARK, f"\x06000123\x04{PIN}".encode(), PIN], ids=["key", "PIN field", "PIN"]
)
def test_the_search_itself_finds_a_secret(secret):
    def careless(held):
        raise errors.CardError("failed")

    with pytest.raises(errors.CardError) as caught:
        careless(secret)
    with pytest.raises(AssertionError):
        assert_clean(everything(caught.value))
