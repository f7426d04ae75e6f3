"""R46 over the whole stack in memory: real cards, foreign ones, copies, dead ones; restock and scrap."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from dscplus_card import state as on_card
from dscplus_driver import LifeCycle, MasterKey, Pin, Seed
from dscplus_driver import Profile as CardProfile
from dscplus_driver.card import Card as DriverCard
from dscplus_driver.errors import CardError
from dscplus_station.actor import ALL_ROLES, Actor, Role
from dscplus_station.audit import AuditRow
from dscplus_station.cancellation.service import cancel
from dscplus_station.desk import shelf
from dscplus_station.desk.inspecting import judge_condition
from dscplus_station.desk.rules import Check, Outcome, Reason, Result
from dscplus_station.desk.runner import Verdict
from dscplus_station.desk.sheet import last_inspection, on_the_shelf, queue, sheet
from dscplus_station.desk.states import DisposalResult, DisposalState
from dscplus_station.desk.tables import DisposalStep, Inspection
from dscplus_station.devices.rules import AssignmentState, Profile
from dscplus_station.devices.tables import Assignment
from dscplus_station.errors import BadInput, NotFound, NotPermitted, StateConflict
from dscplus_station.keystore.interface import VersionedMaster
from dscplus_station.losses.rules import ReportKind
from dscplus_station.losses.service import report
from dscplus_station.operators import service as operators
from dscplus_station.operators.rules import Position
from dscplus_station.orders.tables import Binding
from dscplus_station.quarantine.rules import Cause, Resolution
from dscplus_station.quarantine.service import open_cases
from dscplus_station.returns import deposits
from dscplus_station.returns.rules import Condition, ReturnState
from dscplus_station.returns.tables import Return
from dscplus_station.shipping.service import report_undelivered
from dscplus_station.stock.rules import CardState
from dscplus_station.stock.tables import Card
from tests.provisioning.desk.returned import ORDER, SUSAN, ReturnsBench
from tests.provisioning.personalise.bench import ACTOR, PIN, SERIALS, TRANSPORT, virtual_card

FIRST, SECOND = SERIALS[:2]
PROFILES = [Profile.CARD_PIN, Profile.SERVER_PIN]


@pytest.fixture
def bench(tmp_path):
    bench = ReturnsBench(tmp_path, cards=2)
    yield bench
    bench.close()


def results(inspected):
    return {one.check: one.result for one in inspected.findings}


# Inspection


@pytest.mark.parametrize("profile", PROFILES)
def test_r46_a_sound_card_passes_every_check_and_is_restocked(bench, profile):
    bench.sent(profile=profile)
    told = []
    done = bench.inspect(on_finding=told.append)
    assert (done.recommendation.outcome, done.recommendation.reasons) == (
        Outcome.RESTOCK,
        (Reason.ALL_PROVEN,),
    )
    assert {one.check for one in told} == set(Check)
    assert set(results(done).values()) == {Result.PASSED}
    assert bench.state() is CardState.INSPECTED
    assert done.revoked_for == [f"user-of-{ORDER}"]
    counter = bench.get(Card, FIRST).sequence_counter
    assert counter == bench.cards[FIRST].memory().number(on_card.SEQUENCE_COUNTER)


def test_r46_receipt_revokes_before_anything_is_done_to_the_card(bench, monkeypatch):
    bench.sent()
    seen = []

    def watched(*_arguments):
        seen.extend(one.state for one in bench.all(select(Assignment)))
        raise NotFound("stop here")

    monkeypatch.setattr("dscplus_station.desk.inspecting.diagnose", watched)
    with pytest.raises(NotFound, match="stop here"):
        bench.inspect()
    assert seen == [AssignmentState.REVOKED]
    assert bench.state() is CardState.RETURNED


def test_r46_the_cards_own_serial_number_is_compared_with_the_scan(bench):
    bench.sent()
    with pytest.raises(BadInput, match=f"the card there is {SECOND}, and {FIRST} was scanned"):
        bench.inspect(card=bench.cards[SECOND])
    assert bench.state() is CardState.SHIPPED
    with pytest.raises(BadInput, match="Luhn"):
        bench.inspect("0000000019", card=bench.cards[FIRST])


def test_only_the_returns_role_inspects_and_disposes(bench):
    bench.back()
    nils = Actor("nils", ALL_ROLES - {Role.RETURNS}, "bench-1")
    for deed in (
        lambda: bench.inspect(actor=nils),
        lambda: bench.restock(actor=nils),
        lambda: bench.scrap(actor=nils),
        lambda: shelf.quarantine(bench.station, nils, FIRST),
        lambda: shelf.count(bench.station, nils, []),
        lambda: judge_condition(bench.station, nils, 1, Condition.DAMAGED),
    ):
        with pytest.raises(NotPermitted, match="role returns"):
            deed()
    assert bench.state() is CardState.RETURNED


def test_a_card_in_stock_did_not_come_back(bench):
    with pytest.raises(StateConflict, match="is BLANK: it is in the house and did not come back"):
        bench.inspect()


@pytest.mark.parametrize("profile", PROFILES)
def test_no_database_transaction_is_open_while_the_card_is_spoken_to(bench, profile, monkeypatch):
    bench.back(profile=profile)
    pool, exchange, seen = bench.station.database.engine.pool, DriverCard.exchange, []

    def watched(*arguments):
        seen.append(pool.checkedout())
        return exchange(*arguments)

    monkeypatch.setattr(DriverCard, "exchange", watched)
    bench.inspect()
    assert bench.restock().verdict is Verdict.RESTOCKED
    assert set(seen) == {0}


# Cards that are not what they seem


def impostor(keys, serial=FIRST):
    """A card of the right serial number under other keys."""
    card = virtual_card(serial)
    if keys.version == TRANSPORT.version:
        return card
    with card.connect() as driver, driver.open_session(TRANSPORT.keys_of(serial)) as session:
        session.put_key(keys)
    return card


def cloned(bench, *, seed=None, profile=CardProfile.CARD_PIN, opened=40, serial=FIRST):
    """A card under the very issuer keys of another one, with a seed of its own: what a copy may get to."""
    keys = bench.keystore.issuer_master().keys_of(serial)
    card = impostor(keys, serial)
    with card.connect() as driver:
        for _ in range(opened):
            driver.open_session(keys).close()
        with driver.open_session(keys) as session:
            session.set_status(LifeCycle.INITIALIZED)
            session.store_data(seed or Seed(b"\x55" * 32), profile=profile, language="en")
            if profile is CardProfile.CARD_PIN:
                session.set_pin(Pin(PIN))
            session.set_status(LifeCycle.SECURED)
    return card


def test_r46_foreign_keys(bench):
    bench.back()
    foreign = VersionedMaster(0x20, MasterKey(b"\x66" * 32))
    done = bench.inspect(card=impostor(foreign.keys_of(FIRST)))
    assert done.recommendation.outcome is Outcome.QUARANTINE
    assert Reason.FOREIGN_KEYS in done.recommendation.reasons


@pytest.mark.parametrize("which", ["restock", "batch"])
def test_r46_keys_of_ours_that_it_did_not_leave_with(bench, which):
    bench.back()
    master = TRANSPORT if which == "batch" else bench.keystore.restock_master()
    done = bench.inspect(card=impostor(master.keys_of(FIRST)))
    assert Reason.UNEXPECTED_KEYS in done.recommendation.reasons
    (genuine,) = (one for one in done.findings if one.check is Check.GENUINE)
    assert ("restock keys" if which == "restock" else "maker's keys") in genuine.evidence


@pytest.mark.parametrize("profile", PROFILES)
def test_r46_a_clone_with_the_right_keys_and_another_seed(bench, profile):
    bench.back(profile=profile)
    card_profile = CardProfile.CARD_PIN if profile is Profile.CARD_PIN else CardProfile.SERVER_PIN
    done = bench.inspect(card=cloned(bench, profile=card_profile))
    assert done.recommendation.outcome is Outcome.QUARANTINE
    assert {Reason.SEED_UNKNOWN, Reason.WRONG_RESPONSE} <= set(done.recommendation.reasons)


def test_r46_a_clone_whose_counter_ran_backwards(bench):
    bench.back()
    copy = cloned(bench, opened=0, seed=seed_of_first(bench))
    with bench.arranging() as session:
        session.get_one(Card, FIRST).sequence_counter = 100
    done = bench.inspect(card=copy)
    assert done.recommendation.reasons == (Reason.COUNTER_BACKWARDS,)


def seed_of_first(bench):
    return Seed(bytes(bench.cards[FIRST].memory().get(on_card.SEED)))


def test_r46_unknown_serial_number_is_kept_on_record_and_set_aside(bench):
    stranger = SERIALS[6]
    done = bench.inspect(stranger, card=virtual_card(stranger))
    assert Reason.UNKNOWN_SERIAL in done.recommendation.reasons
    shelf.quarantine(bench.station, ACTOR, stranger)
    (case,) = open_cases(bench.station)
    assert (case.serial_number, case.cause) == (stranger, Cause.UNKNOWN_SERIAL)


def test_r46_a_terminated_card(bench):
    bench.back()
    with bench.issuer_session() as session:
        session.set_status(LifeCycle.TERMINATED)
    done = bench.inspect()
    assert done.recommendation.outcome is Outcome.QUARANTINE
    assert Reason.TERMINATED in done.recommendation.reasons


def test_r46_a_card_that_does_not_answer_at_all(bench):
    bench.back()
    assert bench.inspect_dead().recommendation.reasons == (Reason.NO_ANSWER,)
    bench.cards[FIRST].set_faults("drop=1.0")
    silent = bench.inspect()
    assert Reason.NO_ANSWER in silent.recommendation.reasons


def test_r46_a_blocked_pin_is_no_reason_against_the_card(bench):
    bench.back()
    card = bench.cards[FIRST].virtual
    for _ in range(5):
        for key in ["press", *"9999", "OK", *"123457", "OK"]:
            card.press(key)
    done = bench.inspect()
    assert (done.recommendation.outcome, done.recommendation.reasons) == (
        Outcome.RESTOCK,
        (Reason.PIN_BLOCKED, Reason.ALL_PROVEN),
    )


def test_r46_a_dead_battery(bench, monkeypatch):
    bench.back()
    monkeypatch.setattr("dscplus_card.hosts.port_cpython.CPythonPort.battery_mv", lambda _port: (2700, 2100))
    done = bench.inspect()
    assert done.recommendation.outcome is Outcome.SCRAP
    assert Reason.BATTERY_LOW in done.recommendation.reasons


def test_r46_half_made_for_a_cancelled_order_is_wiped_into_stock(bench):
    bench.place(ORDER)
    bench.cards[FIRST].set_faults("unplug=700")
    with pytest.raises(CardError):
        bench.personalise()
    cancel(bench.station, ACTOR, ORDER)
    assert bench.state() is CardState.PERSONALISED
    done = bench.inspect()
    assert (done.recommendation.outcome, done.revoked_for) == (Outcome.RESTOCK, [])
    assert bench.restock().verdict is Verdict.RESTOCKED
    assert bench.state() is CardState.BLANK
    bench.place("O-2")
    assert bench.personalise(FIRST, "O-2").verdict.value == "completed"


def half_made_and_inspected(bench):
    """A card left over from a cancelled order, which the desk has looked at and done nothing with yet."""
    bench.place(ORDER)
    bench.cards[FIRST].set_faults("unplug=700")
    with pytest.raises(CardError):
        bench.personalise()
    cancel(bench.station, ACTOR, ORDER)
    bench.moment += timedelta(hours=1)
    bench.inspect()


def test_r46_a_card_that_serves_an_order_by_now_is_neither_wiped_nor_set_aside(bench):
    """What was found before the bench took the card up speaks of it no more, also once its order is gone."""
    half_made_and_inspected(bench)
    bench.moment += timedelta(hours=1)
    bench.place("O-2")
    assert bench.personalise(FIRST, "O-2").verdict.value == "completed"
    memory = bench.cards[FIRST].memory().number(on_card.SEQUENCE_COUNTER)
    with pytest.raises(NotFound, match="was not inspected"):
        bench.restock()
    with pytest.raises(NotFound, match="was not inspected"):
        shelf.quarantine(bench.station, ACTOR, FIRST)
    assert bench.cards[FIRST].memory().number(on_card.SEQUENCE_COUNTER) == memory
    assert (bench.state(), bench.disposals()) == (CardState.SECURED, [])
    cancel(bench.station, ACTOR, "O-2")
    with pytest.raises(NotFound, match="was not inspected"):
        bench.restock()


def test_r46_a_restock_that_stopped_never_wipes_the_card_of_a_later_order(bench):
    half_made_and_inspected(bench)
    bench.moment += timedelta(hours=1)
    bench.cards[FIRST].set_faults("unplug=300")
    with pytest.raises(CardError):
        bench.restock()
    bench.place("O-2")
    assert bench.personalise(FIRST, "O-2").verdict.value == "completed"
    counter = bench.cards[FIRST].memory().number(on_card.SEQUENCE_COUNTER)
    with pytest.raises(NotFound, match="was not inspected"):
        bench.restock()
    assert bench.cards[FIRST].memory().number(on_card.SEQUENCE_COUNTER) == counter
    assert bench.state() is CardState.SECURED
    cancel(bench.station, ACTOR, "O-2")
    bench.moment += timedelta(hours=1)
    bench.inspect()
    assert bench.restock().verdict is Verdict.RESTOCKED
    results_of_both = [one.result for one in bench.disposals()]
    assert results_of_both == [DisposalResult.OVERTAKEN, DisposalResult.COMPLETED]


def test_r46_lost_and_found_is_scrapped_or_restocked_for_a_reason(bench):
    bench.sent()
    report(bench.station, ACTOR, FIRST, ReportKind.LOST)
    done = bench.inspect()
    assert done.recommendation.outcome is Outcome.SCRAP
    assert done.recommendation.deviations == (Outcome.RESTOCK, Outcome.QUARANTINE)
    with pytest.raises(BadInput, match="why restock and not scrap"):
        bench.restock()
    assert bench.restock(because="found in the holder's safe").verdict is Verdict.RESTOCKED
    assert bench.disposals()[0].because == "found in the holder's safe"
    assert bench.deposit() == ("RELEASED", "RETURNED")


# Restock


@pytest.mark.parametrize("profile", PROFILES)
def test_r46_restocked_means_wiped_and_proven_so(bench, profile):
    bench.back(profile=profile)
    seed, before = seed_of_first(bench), bench.cards[FIRST].memory().number(on_card.SEQUENCE_COUNTER)
    bench.inspect()
    steps = []
    done = bench.restock(on_step=lambda _disposal, step: steps.append(step))
    assert (done.verdict, done.told) == (Verdict.RESTOCKED, "")
    assert steps == [DisposalState.WIPED, DisposalState.PROVEN, DisposalState.KEYS_ROTATED]
    memory = bench.cards[FIRST].memory()
    assert seed.reveal() not in bytes(bench.cards[FIRST].flash.image()) or not memory.get(on_card.SEED)
    assert not memory.get(on_card.PIN)
    assert memory.number(on_card.KEY_VERSION) == bench.keystore.restock_master().version
    assert memory.number(on_card.SEQUENCE_COUNTER) > before
    card = bench.get(Card, FIRST)
    assert (card.state, card.sequence_counter) == (
        CardState.BLANK,
        memory.number(on_card.SEQUENCE_COUNTER),
    )
    assert bench.seeds_on_record() == []
    assert [one.state for one in bench.all(select(Return))] == [ReturnState.DISPOSED]
    assert [one.released_at is None for one in bench.all(select(Binding))] == [False]
    assert [one.step for one in bench.all(select(DisposalStep))] == steps
    assert bench.deposit() == ("RELEASED", "RETURNED")


def test_r46_a_restocked_card_serves_again_with_another_seed(bench):
    bench.back()
    old = seed_of_first(bench)
    bench.inspect()
    bench.restock()
    bench.sent(order="O-2")
    assert seed_of_first(bench) != old
    assert bench.inspect().recommendation.outcome is Outcome.RESTOCK  # and comes back once more
    assert bench.restock().verdict is Verdict.RESTOCKED


def test_nothing_is_disposed_of_without_its_inspection(bench):
    bench.back()
    for deed in (bench.restock, bench.scrap, lambda: shelf.quarantine(bench.station, ACTOR, FIRST)):
        with pytest.raises(NotFound, match="was not inspected"):
            deed()
    assert bench.disposals() == []


def test_r46_a_copy_is_never_restocked_whatever_reason_is_given(bench):
    bench.back()
    copy = cloned(bench)
    bench.inspect(card=copy)
    for kind in (Outcome.RESTOCK, Outcome.SCRAP):
        with pytest.raises(NotPermitted, match="Do: quarantine"):
            bench.dispose(kind, because="I am sure", card=copy)
    assert bench.state() is CardState.INSPECTED


def test_r46_another_card_put_in_after_the_inspection_is_quarantined(bench):
    bench.back()
    bench.inspect()
    foreign = VersionedMaster(0x20, MasterKey(b"\x66" * 32))
    done = bench.restock(card=impostor(foreign.keys_of(FIRST)))
    assert done.verdict is Verdict.QUARANTINED
    assert bench.state() is CardState.QUARANTINED
    (case,) = open_cases(bench.station)
    assert (case.cause, json.loads(case.evidence)["begun"]) == (Cause.FOREIGN_KEYS, "restock")


def test_r46_a_wipe_that_is_not_proven_ends_in_quarantine(bench, monkeypatch):
    bench.back()
    bench.inspect()
    monkeypatch.setattr("dscplus_driver.session.SecureSession.quota_left", lambda _session: 31)
    done = bench.restock()
    assert done.verdict is Verdict.QUARANTINED
    assert open_cases(bench.station)[0].cause is Cause.NOT_PROVEN
    assert bench.seeds_on_record() != []


def test_r46_a_seed_that_still_answers_after_the_wipe_ends_in_quarantine(bench, monkeypatch):
    bench.back()
    bench.inspect()
    monkeypatch.setattr("dscplus_driver.session.SecureSession.respond", lambda *_arguments: "12345678")
    assert bench.restock().verdict is Verdict.QUARANTINED
    assert json.loads(open_cases(bench.station)[0].evidence)["finding"] == "it still answers questions"


def test_a_begun_restock_is_finished_not_scrapped_nor_inspected(bench):
    bench.back()
    bench.inspect()
    bench.cards[FIRST].set_faults("unplug=400")
    with pytest.raises(CardError):
        bench.restock()
    for deed, told in ((bench.scrap, "finish that"), (bench.inspect, "was begun and has not ended")):
        with pytest.raises(StateConflict, match=told):
            deed()
    assert sheet(bench.station, FIRST).begun is Outcome.RESTOCK
    assert bench.restock().verdict is Verdict.RESTOCKED


def test_r46_what_is_read_back_under_the_new_keys_decides(bench, monkeypatch):
    bench.back()
    bench.inspect()
    monkeypatch.setattr(
        "dscplus_driver.session.SecureSession.seed_check_value", lambda _session: b"left over"
    )
    assert bench.restock().verdict is Verdict.QUARANTINED
    assert open_cases(bench.station)[0].cause is Cause.NOT_PROVEN


# Scrap


def test_r46_scrapped_means_terminated_and_proven_so(bench):
    bench.back()
    bench.inspect(condition=Condition.DAMAGED)
    assert bench.scrap().verdict is Verdict.SCRAPPED
    assert bench.state() is CardState.SCRAPPED
    memory = bench.cards[FIRST].memory()
    assert memory.number(on_card.LIFE_CYCLE) == on_card.TERMINATED
    assert bench.seeds_on_record() == []
    assert bench.deposit() == ("RELEASED", "RETURNED")


def test_r46_a_scrap_whose_proof_is_lost_is_quarantined(bench):
    bench.back()
    bench.inspect(condition=Condition.DAMAGED)
    with bench.issuer_session() as session:  # it dies, and nobody of ours hears it say so
        session.set_status(LifeCycle.TERMINATED)
    assert bench.scrap().verdict is Verdict.QUARANTINED
    assert open_cases(bench.station)[0].cause is Cause.TERMINATED


def test_the_desk_may_scrap_a_sound_card_and_says_why(bench):
    bench.back()
    bench.inspect()
    with pytest.raises(BadInput, match="why scrap and not restock"):
        bench.scrap()
    assert bench.scrap(because="scratched").verdict is Verdict.SCRAPPED


# Deposits


def test_r12_damaged_on_purpose_waits_for_a_second_person(bench):
    bench.back()
    done = bench.inspect()
    advised = judge_condition(bench.station, ACTOR, done.number, Condition.ON_PURPOSE)
    assert advised.outcome is Outcome.SCRAP
    assert bench.deposit() == ("HELD", None)
    bench.scrap()
    assert bench.deposit() == ("HELD", None)
    with pytest.raises(NotPermitted, match="another person"):
        deposits.capture(bench.station, ACTOR, ORDER)
    deposits.capture(bench.station, SUSAN, ORDER)
    assert bench.deposit() == ("CAPTURED", "INTENTIONALLY_DAMAGED")


def test_r12_a_copy_releases_nothing_until_a_supervisor_finds_it_genuine(bench):
    bench.back()
    bench.inspect(card=cloned(bench))
    shelf.quarantine(bench.station, ACTOR, FIRST)
    assert bench.deposit() == ("HELD", None)
    shelf.resolve(bench.station, SUSAN, FIRST, Resolution.RELEASE, "the station's clock was wrong")
    assert bench.deposit() == ("RELEASED", "RETURNED")


def test_r12_a_copy_that_is_scrapped_leaves_the_deposit_to_be_captured(bench):
    bench.back()
    bench.inspect(card=cloned(bench))
    shelf.quarantine(bench.station, ACTOR, FIRST)
    with pytest.raises(NotPermitted, match="needs another person"):
        shelf.resolve(bench.station, ACTOR, FIRST, Resolution.SCRAP, "a copy")
    shelf.resolve(bench.station, SUSAN, FIRST, Resolution.SCRAP, "a copy")
    assert bench.deposit() == ("HELD", None)
    assert bench.seeds_on_record() == []
    deposits.capture(bench.station, SUSAN, ORDER)
    assert bench.deposit() == ("CAPTURED", "LOST")


def test_r12_a_dead_card_is_released_when_it_is_set_aside(bench):
    bench.back()
    bench.inspect_dead()
    shelf.quarantine(bench.station, ACTOR, FIRST)
    assert bench.deposit() == ("RELEASED", "RETURNED")


def test_r12_undelivered_and_never_opened(bench):
    bench.sent()
    report_undelivered(bench.station, ACTOR, ORDER)
    assert bench.deposit() == ("RELEASED", "UNDELIVERED")
    done = bench.inspect(condition=Condition.UNOPENED)
    assert done.recommendation.outcome is Outcome.RESTOCK
    assert Reason.NEVER_OPENED in done.recommendation.reasons
    assert bench.restock().verdict is Verdict.RESTOCKED


# Shelf, sheet


def test_r46_where_there_are_operators_a_scrap_from_quarantine_is_signed_by_a_second_one(bench):
    bench.back()
    bench.inspect_dead()
    shelf.quarantine(bench.station, ACTOR, FIRST)
    operators.add(bench.station, ACTOR, "susan", frozenset({Position.SECURITY_OFFICER}))
    with pytest.raises(NotPermitted, match="needs a second person, who signs"):
        shelf.resolve(bench.station, SUSAN, FIRST, Resolution.SCRAP, "dead")
    with pytest.raises(NotPermitted, match="alone"):
        shelf.resolve(bench.station, SUSAN, FIRST, Resolution.SCRAP, "dead", SUSAN)
    shelf.resolve(bench.station, ACTOR, FIRST, Resolution.SCRAP, "dead", SUSAN)
    assert bench.state() is CardState.SCRAPPED


def test_the_shelfs_count_tells_what_is_missing_and_what_is_unexpected(bench):
    bench.back()
    bench.inspect_dead()
    shelf.quarantine(bench.station, ACTOR, FIRST)
    assert shelf.count(bench.station, ACTOR, [FIRST, FIRST]).missing == []
    found = shelf.count(bench.station, ACTOR, [SECOND, SERIALS[7]])
    assert (found.counted, found.missing) == (2, [FIRST])
    assert found.unexpected == [(SECOND, "BLANK"), (SERIALS[7], "unknown")]
    _, operator, kept = shelf.last_count(bench.station)
    assert (operator, kept) == (ACTOR.operator, found)
    with pytest.raises(BadInput, match="Nothing was recorded"):
        shelf.count(bench.station, ACTOR, ["1"])
    assert [one.serial_number for one in on_the_shelf(bench.station)] == [FIRST]


def test_the_sheet_has_what_a_clerk_needs_and_no_address(bench):
    bench.back()
    bench.inspect()
    facts = sheet(bench.station, FIRST)
    assert (facts.holder, facts.users, facts.order) == ("Sample", [f"user-of-{ORDER}"], ORDER)
    assert (facts.hold, facts.return_state) == ("HELD", ReturnState.INSPECTED)
    assert [one.outcome for one in facts.inspections] == [Outcome.RESTOCK]
    assert facts.history[-1].action == "desk.inspect"
    assert "Street" not in str(facts)
    assert last_inspection(bench.station, FIRST).recommendation.outcome is Outcome.RESTOCK
    assert [one.serial_number for one in queue(bench.station)] == [FIRST]
    assert sheet(bench.station, SERIALS[7]).state is None


def test_no_secret_is_in_what_the_desk_keeps(bench):
    bench.back()
    seed = seed_of_first(bench)
    bench.inspect()
    bench.restock()
    kept = [one.findings for one in bench.all(select(Inspection))]
    kept += [one.evidence for one in bench.all(select(DisposalStep))]
    kept += [one.details for one in bench.all(select(AuditRow))]
    everything = " ".join(kept).lower()
    assert seed.reveal().hex() not in everything
    assert seed.check_value().hex() not in everything


def test_the_condition_is_judged_until_something_is_done(bench):
    bench.back()
    number = bench.inspect().number
    judge_condition(bench.station, ACTOR, number, Condition.DAMAGED)
    assert bench.get(Inspection, number).outcome is Outcome.SCRAP
    again = bench.inspect().number
    with pytest.raises(StateConflict, match="inspected again"):
        judge_condition(bench.station, ACTOR, number, Condition.INTACT)
    bench.cards[FIRST].set_faults("unplug=300")
    with pytest.raises(CardError):
        bench.restock()
    with pytest.raises(StateConflict, match="was begun"):
        judge_condition(bench.station, ACTOR, again, Condition.DAMAGED)


def test_a_quarantined_card_that_was_received_only_is_settled_too(bench):
    """Resolved by a supervisor, its return is disposed of and its order lets it go."""
    bench.back()
    bench.inspect_dead()
    shelf.quarantine(bench.station, ACTOR, FIRST)
    shelf.resolve(bench.station, SUSAN, FIRST, Resolution.SCRAP, "dead")
    assert [one.state for one in bench.all(select(Return))] == [ReturnState.DISPOSED]
    assert bench.seeds_on_record() == []
    assert bench.state() is CardState.SCRAPPED
