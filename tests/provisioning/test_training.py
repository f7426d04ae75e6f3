"""The training card outside of its page: what is shown, what comes next, and that it can never be stock."""

import pytest

from dscplus_card.hosts.identity import serial_number
from dscplus_driver import errors
from dscplus_driver.card import connect
from dscplus_station.csvfile import Row
from dscplus_station.errors import BadInput, StateConflict
from dscplus_station.figures import USUAL_LOGIN
from dscplus_station.stock.receiving import receive
from dscplus_station.stock.rules import TRAINING_SERIALS
from dscplus_station.training.card import FIRST_NUMBER, LOW_BATTERY_MV, TrainingCard
from dscplus_station.training.rules import PIN, Deed, Shown, Situation, Step, next_step, shown


@pytest.fixture
def clock():
    moments = [0.0]

    def now():
        return moments[0]

    now.pass_by = lambda seconds: moments.__setitem__(0, moments[0] + seconds)
    return now


@pytest.fixture
def card(clock):
    card = TrainingCard(clock)
    yield card
    card.close()


def press(card, keys):
    for key in keys:
        face = card.press({"p": "press", "o": "ok"}.get(key, key))
    return face


@pytest.mark.parametrize(
    ("display", "answered", "kind", "step"),
    [
        ("        ", False, Shown.NOTHING, Step.HOLD_PRESS),
        ("PIN>    ", False, Shown.PIN, Step.TYPE_PIN),
        ("PIN>*** ", False, Shown.PIN, Step.TYPE_PIN),
        ("PIN>****", False, Shown.PIN, Step.OK_AFTER_PIN),
        ("CHALLNG>", False, Shown.CHALLENGE, Step.TYPE_CHALLENGE),
        ("73510   ", False, Shown.TYPED, Step.TYPE_CHALLENGE),
        ("735102  ", False, Shown.TYPED, Step.OK_AFTER_CHALLENGE),
        ("7351029 ", False, Shown.TYPED, Step.TOO_MANY),
        ("73510299", False, Shown.TYPED, Step.TOO_MANY),
        ("73510299", True, Shown.RESPONSE, Step.COPY_RESPONSE),
        ("4 DIGITS", False, Shown.FOUR_DIGITS, Step.TYPE_PIN),
        ("6 DIGITS", False, Shown.SIX_DIGITS, Step.TYPE_CHALLENGE),
        ("WRONG  4", False, Shown.WRONG, Step.TYPE_PIN),
        ("BLOCKED ", False, Shown.BLOCKED, Step.READ_THE_LIST),
        ("KEYS  12", False, Shown.KEYS, Step.READ_THE_LIST),
        (" 8 8 8 8", False, Shown.PATTERN, Step.READ_THE_LIST),
    ],
)
def test_what_shows_and_what_comes_next(display, answered, kind, step):
    """R2, step by step, from the display alone."""
    assert shown(display, answered=answered) is kind
    assert next_step(kind, display) is step


def test_a_response_is_judged_by_the_verifier_once_and_in_time(card, clock):
    """R6: random, good for one answer, for five minutes."""
    first = card.face().challenge
    response = press(card, f"p{PIN}o{first}o").display
    assert card.answer(response).accepted
    assert not card.answer(response).accepted, "the next challenge is another one"
    late = card.face().challenge
    response = press(card, f"p{PIN}o{late}o").display
    clock.pass_by(USUAL_LOGIN.challenge_lifetime.total_seconds())
    assert not card.answer(response).accepted
    assert card.ask().accepted is None


def test_a_response_stays_at_a_digit_and_goes_with_the_next_login(card):
    """R2: what is typed afterwards is no response, however many digits it has."""
    challenge = card.face().challenge
    response = press(card, f"p{PIN}o{challenge}o")
    assert response.shown is Shown.RESPONSE
    touched = press(card, "1")
    assert (touched.display, touched.shown) == (response.display, Shown.RESPONSE)
    assert press(card, f"p{PIN}o73510299").shown is Shown.TYPED


@pytest.mark.parametrize(
    ("situation", "keys", "kind"),
    [
        (Situation.READY, "p", Shown.PIN),
        (Situation.BLANK, "p", Shown.NOT_SET),
        (Situation.BLOCKED, "p", Shown.BLOCKED),
        (Situation.LOCKED, "p", Shown.LOCKED),
        (Situation.ENDED, "p", Shown.ENDED),
        (Situation.WORN, f"p{PIN}o", Shown.FAULT),
        (Situation.DEAD, "p", Shown.NOTHING),
    ],
)
def test_each_situation_shows(card, situation, keys, kind):
    card.put(situation)
    face = press(card, keys)
    assert (face.situation, face.shown) == (situation, kind)


def test_a_training_card_is_never_stock(world):
    serial = serial_number(int(FIRST_NUMBER))
    receipt = receive(world.station, world.actor, [Row(2, {"serial_number": serial, "batch": "B1"})], ())
    assert receipt.received == []
    assert "training card" in receipt.refused[0].reason
    assert serial.startswith(TRAINING_SERIALS)


def test_its_number_is_of_that_range(card):
    assert card.face().serial_number.startswith(TRAINING_SERIALS)


def test_a_low_battery_is_measured_not_shown(card):
    face = card.put(Situation.WEAK)
    assert press(card, f"p{PIN}o").shown is Shown.CHALLENGE
    with connect(card._card.url) as connected:
        assert connected.measure_battery().millivolts_under_load == LOW_BATTERY_MV
    assert face.situation is Situation.WEAK


def test_what_cannot_be_is_told(card):
    with pytest.raises(BadInput, match="no such key"):
        card.press("11")
    card.put(Situation.ENDED)
    with pytest.raises(StateConflict, match="as its holder gets it"):
        card.let(Deed.WINK)
    card.put(Situation.READY)
    card.let(Deed.KEYPAD_TEST)
    with pytest.raises(StateConflict, match="doing something"):
        card.let(Deed.WINK)


def test_an_emulator_that_died_is_told_once_and_another_one_starts(card):
    card.face()
    card._running.close()
    with pytest.raises(errors.DscError):
        card.face()
    assert card.face().shown is Shown.NOTHING


def test_nothing_of_it_is_left(card):
    card.face()
    folder = card.folder
    assert folder.exists()
    card.close()
    card.close()
    assert not folder.exists()
