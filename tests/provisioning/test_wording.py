"""What the station tells people: English for the command line, the logs and the API, Spanish on a page."""

import json
import pickle
from datetime import date

import pytest

from dscplus_driver.errors import CardSwapped, DscError
from dscplus_driver.model import Battery, LifeCycle, PinTries
from dscplus_station.actor import Actor, Role
from dscplus_station.card_errors import card_error_told
from dscplus_station.desk import rules as desk
from dscplus_station.errors import BadInput, NotPermitted, StateConflict
from dscplus_station.orders.rules import OrderState
from dscplus_station.web.language import recorded, saying
from dscplus_station.wording import N_, joined, recognised, say, words

SPANISH = saying("es")


def test_words_are_english_text_like_any_other():
    told = words("order {order} is {state}", order="O-1", state=OrderState.SHIPPED)
    assert told == "order O-1 is SHIPPED" and json.dumps([told]) == '["order O-1 is SHIPPED"]'
    assert say(told) == told and pickle.loads(pickle.dumps(told)).facts == told.facts  # noqa: S301 (our own)


def test_an_error_says_the_same_in_english_and_can_be_translated():
    error = StateConflict(
        "order {order} is {state}: it cannot become {following}",
        order="O-{1}",
        state=OrderState.IN_PROVISIONING,
        following=OrderState.CANCELLED,
    )
    assert str(error) == "order O-{1} is IN_PROVISIONING: it cannot become CANCELLED"
    assert (
        SPANISH(error.told)
        == "el pedido O-{1} está en el estado «en preparación»: no puede pasar a «anulado»"
    )


def test_a_text_without_facts_is_never_taken_for_a_template():
    """A fault that somebody typed may hold braces."""
    assert str(BadInput("{0} {x}")) == "{0} {x}"
    assert say(words("a {0} b"), lambda text: text.upper()) == "A {0} B"


def test_facts_that_are_words_or_errors_are_translated_too_and_names_are_not():
    inner = BadInput("a PIN has {least} to {most} digits", least=6, most=12)
    told = NotPermitted("the second person was not accepted: {refused}", refused=inner).told
    assert SPANISH(told) == "no se aceptó a la segunda persona: un PIN tiene de 6 a 12 cifras"
    assert SPANISH(words("order {order}: a reason", order="stock")) == "pedido stock: el motivo"


def test_a_guard_names_deed_and_role_in_the_readers_language():
    with pytest.raises(NotPermitted) as refused:
        Actor("wendy", frozenset(), "bench-1").require_one_of(
            {Role.SUPERVISOR, Role.AUDIT}, "undo a shipment"
        )
    assert str(refused.value) == "wendy may not undo a shipment: that needs the role audit or supervisor"
    assert (
        SPANISH(refused.value.told)
        == "wendy no puede deshacer un envío: hace falta la función «auditoría o supervisor»"
    )


def test_days_are_written_as_people_write_them():
    told = words("{day}", day=date(2026, 12, 25))
    assert told == "Fri 25 Dec 2026" and SPANISH(told) == "vie 25 dic 2026"


def test_a_list_of_nothing_says_nothing():
    assert say(joined([]), lambda _text: "the head of a catalogue") == ""
    assert joined(["a", "b"], N_(" or ")) == "a or b"


@pytest.mark.parametrize(
    "error",
    [DscError("no answer"), DscError("no answer", where="tcp://x:1", advice="Look."), CardSwapped("1", "2")],
)
def test_a_cards_error_says_the_same_to_the_letter(error):
    assert card_error_told(error) == str(error)


FINDINGS = [
    desk.judge_self_test(0b101),
    desk.judge_battery(Battery(2900, 2400)),
    desk.judge_counter(7, 9),
    desk.judge_seed(None, holds_one=True),
    desk.judge_response(False),
    desk.judge_pin_tries(PinTries(3, 5)),
    desk.judge_pin_tries(None),
]


@pytest.mark.parametrize("finding", FINDINGS, ids=lambda one: one.check.value)
def test_evidence_that_was_stored_is_told_in_the_readers_language(finding):
    """R46: an inspection keeps plain English; the page recognises it by its template."""
    stored = json.loads(json.dumps(finding.evidence))
    assert type(stored) is str
    assert recorded("es")(stored) == SPANISH(finding.evidence) != stored
    assert recorded("en")(stored) == stored


def test_evidence_within_evidence_is_recognised_and_what_fits_nothing_stands():
    told = "it holds key version 2F, so it has none of the key versions 30, 31"
    assert recorded("es")(told) == (
        "tiene la versión de claves 2F; por tanto: no tiene ninguna de las versiones de claves 30, 31"
    )
    assert recorded("es")(LifeCycle.SECURED.name) == "SECURED"
    assert recognised("x left", ("{left} left", "{left} of {limit} left")).template == "{left} left"
