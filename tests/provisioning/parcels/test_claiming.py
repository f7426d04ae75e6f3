"""Which order a card that is plugged in serves; each refusal by name."""

import dataclasses
from datetime import date

import pytest
from sqlalchemy import select

from dscplus_station import audit
from dscplus_station.actor import Actor
from dscplus_station.cancellation.service import cancel
from dscplus_station.errors import NotFound
from dscplus_station.parcels.claiming import Claims
from dscplus_station.parcels.rules import Phase
from dscplus_station.parcels.service import situation
from dscplus_station.parcels.tables import WaitingOrder
from dscplus_station.personalise.ending import end_run, give_up_card, place_again
from dscplus_station.personalise.rules import RunResult
from dscplus_station.scans.rules import Command, command_code
from dscplus_station.slots.claims import NOTHING_YET, Claim, Refused
from dscplus_station.stock.rules import CardState
from dscplus_station.stock.service import move_card
from dscplus_station.users.tables import User
from tests.provisioning.parcels.packing_world import BENCH, OLIVIA, PETER, SUSAN, waits
from tests.provisioning.support import CARDS, GOOD_PIN

CANCEL, OK = command_code(Command.CANCEL), command_code(Command.OK)


def refused(answer):
    assert isinstance(answer, Refused), answer
    return answer.outcome


def claimed(answer, order, operator="olivia"):
    assert isinstance(answer, Claim), answer
    assert (answer.order, answer.actor.operator, answer.actor.station) == (order, operator, BENCH)


def test_the_waiting_order_binds_to_the_next_card_and_to_no_other(packing):
    waits(packing)
    claims = packing.claims()
    claimed(claims(2, CARDS[3]), "O-1")
    assert claims(1, CARDS[0]) is NOTHING_YET
    assert situation(packing.station, OLIVIA).phase is Phase.IDLE


def test_no_order_no_claim(packing):
    assert packing.claims()(1, CARDS[0]) is NOTHING_YET


def test_four_cards_for_four_orders(packing):
    claims = packing.claims()
    for number in range(4):
        waits(packing, f"O-{number + 1}")
        claimed(claims(number, CARDS[number]), f"O-{number + 1}")
        packing.reserve(f"O-{number + 1}", CARDS[number])


# --- Two cards at once ---


def second_card_meanwhile(packing, first=CARDS[0], second=CARDS[1]):
    """Two cards go in before the first is bound; both answers."""
    answers = []
    claims = packing.claims(settle=lambda: answers.append(packing.claims()(2, second)))
    answers.insert(0, claims(1, first))
    return answers


def test_two_cards_at_once_bind_neither(packing):
    waits(packing)
    outcomes = [refused(answer) for answer in second_card_meanwhile(packing)]
    assert {one.code for one in outcomes} == {"TWO_CARDS"}
    assert outcomes[0].what == "Two cards were plugged in for order O-1: neither is bound to it."
    assert situation(packing.station, OLIVIA).phase is Phase.STOPPED
    assert packing.order("O-1").state == "PLACED"


def test_a_stop_stays_until_it_is_acknowledged(packing):
    waits(packing)
    second_card_meanwhile(packing)
    packing.reopen()
    for card in (CARDS[0], CARDS[1], CARDS[2]):
        assert refused(packing.claims()(1, card)).code == "TWO_CARDS"
    packing.accepted(OK)
    claimed(packing.claims()(1, CARDS[1]), "O-1")


def test_a_stopped_order_may_be_given_back(packing):
    waits(packing)
    second_card_meanwhile(packing)
    packing.accepted(CANCEL)
    assert packing.claims()(1, CARDS[0]) is NOTHING_YET


def test_the_same_card_again_is_no_second_card(packing):
    waits(packing)
    first, second = second_card_meanwhile(packing, CARDS[0], CARDS[0])
    claimed(second, "O-1")
    assert first is NOTHING_YET  # it was bound already; the same card asks again and is answered alike
    claimed(packing.claims()(2, CARDS[0]), "O-1")


def test_an_order_given_back_while_the_card_settles_binds_nothing(packing):
    waits(packing)
    assert packing.claims(settle=lambda: packing.accepted(CANCEL))(1, CARDS[0]) is NOTHING_YET
    assert packing.order("O-1").state == "PLACED"


def test_a_bad_second_card_does_not_stop_the_good_one(packing):
    give_up_card(packing.station, packing.actor, CARDS[1], "bent")
    waits(packing)
    first, second = second_card_meanwhile(packing)
    claimed(first, "O-1")
    assert refused(second).code == "QUARANTINED"


# --- The card that was scanned ---


def test_only_the_card_that_was_scanned_is_taken(packing):
    waits(packing)
    packing.accepted(CARDS[2])
    wrong = refused(packing.claims()(1, CARDS[0]))
    assert wrong.code == "WRONG_CARD"
    assert wrong.what == f"This is card {CARDS[0]}, but card {CARDS[2]} was scanned."
    assert situation(packing.station, OLIVIA).waiting.expected == CARDS[2]
    claimed(packing.claims()(1, CARDS[2]), "O-1")


def test_another_card_may_be_scanned_in_its_place(packing):
    waits(packing)
    packing.accepted(CARDS[2], CARDS[3])
    assert refused(packing.claims()(1, CARDS[2])).code == "WRONG_CARD"
    claimed(packing.claims()(1, CARDS[3]), "O-1")


def test_no_other_card_is_meant_once_one_is_in(packing):
    waits(packing)
    told = []
    claims = packing.claims(settle=lambda: told.append(packing.refused(CARDS[3])))
    claimed(claims(1, CARDS[0]), "O-1")
    assert f"card {CARDS[0]} was plugged in for it just now" in told[0]


def test_two_operators_at_one_bench_are_told_apart_by_the_scanned_card(packing):
    waits(packing, "O-1")
    waits(packing, "O-2", by=PETER)
    unclear = refused(packing.claims()(1, CARDS[0]))
    assert (unclear.code, unclear.facts["orders"]) == ("TWO_ORDERS", "O-1, O-2")
    packing.accepted(CARDS[0], by=PETER)
    claimed(packing.claims()(1, CARDS[0]), "O-2", "peter")
    claimed(packing.claims()(2, CARDS[1]), "O-1")


def test_a_card_scanned_by_one_is_not_the_others(packing):
    waits(packing, "O-1")
    waits(packing, "O-2", by=PETER)
    packing.accepted(CARDS[3], by=PETER)
    claimed(packing.claims()(1, CARDS[0]), "O-1")
    assert refused(packing.claims()(2, CARDS[1])).code == "WRONG_CARD"


def test_an_order_that_waits_at_another_bench_is_not_this_ones(packing):
    waits(packing, by=Actor("olivia", OLIVIA.roles, "bench-2"))
    assert packing.claims()(1, CARDS[0]) is NOTHING_YET


# --- Refused by the records ---


def test_a_card_that_is_not_in_stock(packing):
    waits(packing)
    assert refused(packing.claims()(1, "0000009993")).code == "NOT_IN_STOCK"
    assert situation(packing.station, OLIVIA).phase is Phase.WAITING


def test_a_card_that_is_made_already(packing):
    packing.made("O-2", CARDS[1])
    waits(packing)
    bound = refused(packing.claims()(1, CARDS[1]))
    assert (bound.code, bound.facts["order"]) == ("CARD_BOUND", "O-2")


def test_a_quarantined_card_with_cause_and_evidence(packing):
    give_up_card(packing.station, packing.actor, CARDS[1], "bent at a corner")
    waits(packing)
    set_aside = refused(packing.claims()(1, CARDS[1]))
    assert set_aside.code == "QUARANTINED"
    assert set_aside.facts["cause_code"] == "BY_HAND"
    assert "bent at a corner" in set_aside.facts["evidence"]
    assert "supervisor" in set_aside.now


def test_a_lost_card(packing):
    with packing.writing() as session:
        move_card(session, packing.actor, packing.moment, CARDS[1], CardState.LOST, "test")
    waits(packing)
    assert refused(packing.claims()(1, CARDS[1])).code == "CARD_STATE"


def test_an_order_cancelled_meanwhile(packing):
    waits(packing)
    cancel(packing.station, SUSAN, "O-1")
    gone = refused(packing.claims()(1, CARDS[0]))
    assert (gone.code, gone.facts["order"]) == ("ORDER_CANCELLED", "O-1")
    assert packing.claims()(1, CARDS[0]) is NOTHING_YET
    assert situation(packing.station, OLIVIA).phase is Phase.IDLE


def test_r8_a_pin_that_is_not_allowed_any_more_and_is_never_told(packing):
    """What is on record of the user came later than the order."""
    with packing.writing() as session:
        session.get_one(User, "user-O-1").phone_tail = GOOD_PIN
        session.get_one(User, "user-O-2").birth_date = date(1999, 12, 31)
        audit.record(session, packing.actor, packing.moment, "test", "user-O-1")
    waits(packing)
    bad = refused(packing.claims()(1, CARDS[0]))
    assert bad.code == "PIN_REFUSED"
    assert GOOD_PIN not in repr(bad) and "phone" not in repr(bad)
    assert packing.claims()(1, CARDS[0]) is NOTHING_YET
    waits(packing, "O-2")
    claimed(packing.claims()(1, CARDS[0]), "O-2")


def test_a_batch_without_key(packing):
    waits(packing)

    class NoKeys:
        def __getattr__(self, name):
            return getattr(packing.keystore, name)

        def batch_master(self, name):
            raise NotFound(f"no key of batch {name}")

    missing = refused(Claims(packing.station, NoKeys(), lambda: None)(1, CARDS[0]))
    assert (missing.code, missing.facts["batch"]) == ("BATCH_KEY_MISSING", "B1")
    assert situation(packing.station, OLIVIA).phase is Phase.WAITING


# --- Interrupted ---


def test_a_card_whose_run_is_open_goes_on_for_its_own_order(packing):
    packing.reserve("O-2", CARDS[1])
    waits(packing, "O-1")
    claimed(packing.claims()(3, CARDS[1]), "O-2")
    assert situation(packing.station, OLIVIA).waiting.order == "O-1"


def test_a_station_killed_while_a_card_settles_claims_it_again(packing):
    waits(packing)

    class Killed(BaseException):
        pass

    def die():
        raise Killed

    with pytest.raises(Killed):
        packing.claims(settle=die)(1, CARDS[0])
    packing.reopen()
    assert situation(packing.station, OLIVIA).waiting.slot == 1
    claimed(packing.claims()(1, CARDS[0]), "O-1")


def test_a_card_taken_out_before_its_run_began_is_claimed_again(packing):
    waits(packing)
    claimed(packing.claims()(1, CARDS[0]), "O-1")
    packing.reopen()
    assert packing.claims()(1, CARDS[1]) is NOTHING_YET
    claimed(packing.claims()(1, CARDS[0]), "O-1")


def test_an_order_that_was_scanned_again_is_not_the_former_cards(packing):
    waits(packing)
    packing.claims()(1, CARDS[0])
    waits(packing, by=PETER)
    claimed(packing.claims()(2, CARDS[3]), "O-1", "peter")
    assert packing.claims()(1, CARDS[0]) is NOTHING_YET


def test_a_card_that_was_given_back_needs_the_order_again(packing):
    """The batch's key did not open it: the same card is not tried for ever."""
    waits(packing)
    claimed(packing.claims()(1, CARDS[0]), "O-1")
    packing.at(seconds=1)
    run = packing.reserve("O-1", CARDS[0])
    with packing.writing() as session:
        now = packing.station.now()
        move_card(session, packing.actor, now, CARDS[0], CardState.BLANK, "test")
        place_again(session, packing.actor, now, "O-1", "test")
        end_run(session, packing.actor, now, run, RunResult.CANCELLED)
    assert packing.claims()(1, CARDS[0]) is NOTHING_YET


def test_every_claim_is_on_record(packing):
    waits(packing)
    second_card_meanwhile(packing)
    packing.accepted(OK)
    packing.claims()(1, CARDS[0])
    with packing.station.database.reading() as session:
        rows = session.execute(
            select(audit.AuditRow.action, audit.AuditRow.operator)
            .where(audit.AuditRow.subject == "O-1", audit.AuditRow.action.startswith("parcels"))
            .order_by(audit.AuditRow.id)
        ).all()
        (waiting,) = session.scalars(select(WaitingOrder))
    assert [row.action for row in rows] == [
        "parcels.take",
        "parcels.insert",
        "parcels.two-cards",
        "parcels.go-on",
        "parcels.insert",
        "parcels.wait.BOUND",
    ]
    assert {row.operator for row in rows} == {"olivia"}
    assert (waiting.slot, waiting.inserted) == (1, CARDS[0])


def test_a_card_that_was_bound_at_one_station_is_none_of_another_stations_slot_of_that_number(packing):
    """Stations may share their records; slots are numbered at each. It is still its own station's."""
    waits(packing)
    claimed(packing.claims()(2, CARDS[0]), "O-1")
    settings = dataclasses.replace(packing.station.settings, station="bench-2")
    there = dataclasses.replace(packing.station, settings=settings)
    assert Claims(there, packing.keystore, lambda: None)(2, CARDS[0]) is NOTHING_YET
    claimed(packing.claims()(2, CARDS[0]), "O-1")
