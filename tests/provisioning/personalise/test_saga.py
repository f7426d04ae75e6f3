"""The saga over the whole stack in memory: a card comes out SECURED, whatever happened on the way."""

import hashlib
import itertools
import json

import pytest
from sqlalchemy import event, select

from dscplus_card import state
from dscplus_driver import Card as DriverCard
from dscplus_driver import LifeCycle, MasterKey, Pin, Seed, ocra
from dscplus_driver import Profile as CardProfile
from dscplus_driver.errors import CardError, CardSwapped
from dscplus_station.actor import Actor
from dscplus_station.cancellation.service import cancel
from dscplus_station.devices.rules import AssignmentState, Profile
from dscplus_station.devices.tables import Assignment, Device
from dscplus_station.errors import NotFound, NotPermitted, StateConflict
from dscplus_station.keystore.interface import VersionedMaster, pin_hash_of, seed_of
from dscplus_station.orders.rules import OrderState
from dscplus_station.orders.tables import Binding, Order
from dscplus_station.personalise import runner
from dscplus_station.personalise.ending import give_up_card
from dscplus_station.personalise.rules import RunResult, RunState
from dscplus_station.personalise.runner import Stopped, Verdict
from dscplus_station.personalise.tables import Run, RunStep
from dscplus_station.quarantine.rules import Cause
from dscplus_station.quarantine.tables import Quarantine
from dscplus_station.stock.rules import CardState
from dscplus_station.stock.tables import Card
from tests.harness.loopback import LoopbackCard
from tests.provisioning.personalise.bench import ACTOR, PIN, SERIALS, TRANSPORT, Bench

FIRST, SECOND = SERIALS[:2]
OF_PROFILE_A = [
    RunState.RESERVED,
    RunState.KEYS_ROTATED,
    RunState.SEED_STORED,
    RunState.PIN_SET,
    RunState.VERIFIED,
    RunState.SECURED,
]
OF_PROFILE_B = [step for step in OF_PROFILE_A if step is not RunState.PIN_SET]


@pytest.fixture
def bench(tmp_path):
    bench = Bench(tmp_path, cards=2)
    yield bench
    bench.close()


def until_completed(bench, serial=FIRST, most_attempts=6):
    """Personalise again until it completes, as an operator would; the number of attempts."""
    for attempt in range(1, most_attempts + 1):
        try:
            outcome = bench.personalise(serial)
        except CardError:
            continue
        assert outcome.verdict is Verdict.COMPLETED, outcome.told
        return attempt
    raise AssertionError("the card never came through")


def respond_on_keypad(card, pin, question):
    for key in ["press", *pin, "OK", *question, "OK"]:
        shown = card.virtual.press(key)
    return shown


def device_of(bench, serial):
    (device,) = bench.all(select(Device).where(Device.serial_number == serial, Device.ended_at.is_(None)))
    return device


def assert_holder_can_log_in(bench, serial, pin=PIN):
    """What the keypad answers is what the verifier's own records give."""
    device = device_of(bench, serial)
    seed = Seed(bench.keystore.unseal(seed_of(serial, device.run_id), device.sealed_seed))
    question = ocra.new_question()
    shown = respond_on_keypad(bench.cards[serial], pin, question)
    typed = Pin(pin) if device.profile is Profile.SERVER_PIN else None
    assert ocra.verify(device.suite, seed, question, shown, pin=typed).matched


@pytest.mark.parametrize(
    ("profile", "steps"), [(Profile.CARD_PIN, OF_PROFILE_A), (Profile.SERVER_PIN, OF_PROFILE_B)]
)
def test_r5_a_blank_card_becomes_a_card_ready_to_ship(bench, profile, steps):
    bench.place("A", profile)
    outcome = bench.personalise()
    assert (outcome.verdict, outcome.order_id, outcome.serial_number) == (Verdict.COMPLETED, "A", FIRST)
    assert list(outcome.steps) == steps
    assert bench.get(Card, FIRST).state is CardState.SECURED
    order = bench.get(Order, "A")
    assert (order.state, order.sealed_pin) == (OrderState.IN_PROVISIONING, None)
    (run,) = bench.all(select(Run))
    assert (run.state, run.result, run.sealed_seed) == (RunState.SECURED, RunResult.COMPLETED, None)
    assert [step.step for step in bench.all(select(RunStep).order_by(RunStep.id))] == steps
    (assignment,) = bench.all(select(Assignment))
    assert (assignment.user_name, assignment.state) == ("user-of-A", AssignmentState.PENDING)
    assert bench.cards[FIRST].memory().number(state.LIFE_CYCLE) == state.SECURED
    assert_holder_can_log_in(bench, FIRST)


def test_r5_profile_b_keeps_the_pins_hash_sealed_and_profile_a_nothing(bench):
    bench.place("A", Profile.CARD_PIN)
    bench.place("B", Profile.SERVER_PIN)
    bench.personalise(FIRST)
    bench.personalise(SECOND)
    assert device_of(bench, FIRST).sealed_pin_hash is None
    sealed = device_of(bench, SECOND).sealed_pin_hash
    pin_hash = bench.keystore.unseal(pin_hash_of(SECOND, device_of(bench, SECOND).run_id), sealed)
    question = "123456"
    seed = Seed(
        bench.keystore.unseal(
            seed_of(SECOND, device_of(bench, SECOND).run_id), device_of(bench, SECOND).sealed_seed
        )
    )
    suite = CardProfile.SERVER_PIN.suite
    shown = respond_on_keypad(bench.cards[SECOND], PIN, question)
    assert ocra.verify(suite, seed, question, shown, pin=Pin(PIN)).matched
    assert pin_hash == hashlib.sha256(PIN.encode()).digest()


def test_a_fresh_personalisation_keeps_to_the_byte_budget_and_to_six_commits(bench):
    """docs/protocol.md: 16 round trips and 1,300 bytes at most; one commit a recorded step."""
    bench.place("A")
    commits = []
    event.listen(bench.station.database.engine, "commit", commits.append)
    card = bench.cards[FIRST]
    bench.personalise()
    assert len(commits) == 6
    assert card.virtual.bytes_in + card.virtual.bytes_out <= 1300


def test_no_transaction_is_open_while_a_card_is_spoken_to(bench, monkeypatch):
    bench.place("A")
    open_now, spoken = set(), []
    engine = bench.station.database.engine
    event.listen(engine, "begin", lambda connection: open_now.add(id(connection)))
    event.listen(engine, "commit", lambda connection: open_now.discard(id(connection)))
    event.listen(engine, "rollback", lambda connection: open_now.discard(id(connection)))
    feed = bench.cards[FIRST].virtual.feed

    def watched(data):
        spoken.append(len(data))
        assert not open_now, "a transaction is open while the card is spoken to"
        feed(data)

    monkeypatch.setattr(bench.cards[FIRST].virtual, "feed", watched)
    bench.personalise()
    assert len(spoken) == 16


REQUESTS = {Profile.CARD_PIN: 15, Profile.SERVER_PIN: 13}
BYTES = {Profile.CARD_PIN: 1200, Profile.SERVER_PIN: 1090}


@pytest.mark.parametrize(
    ("profile", "request_number"),
    # The first one asks who the card is, before anything is begun.
    [(profile, number) for profile, last in REQUESTS.items() for number in range(2, last + 1)],
)
def test_a_lost_answer_is_recovered_within_the_same_attempt(bench, profile, request_number):
    bench.place("A", profile)
    bench.cards[FIRST].set_faults(f"lose-answer={request_number}")
    assert until_completed(bench) == 1
    assert bench.cards[FIRST].clock.now > 1000.25, "no answer was lost"
    assert len(bench.all(select(Run))) == 1
    assert_holder_can_log_in(bench, FIRST)


@pytest.mark.parametrize(
    ("profile", "carried"),
    [(profile, carried) for profile, last in BYTES.items() for carried in range(5, last, 61)],
)
def test_an_unplugged_card_completes_when_it_is_plugged_in_again(bench, profile, carried):
    bench.place("A", profile)
    bench.cards[FIRST].set_faults(f"unplug={carried}")
    with pytest.raises(CardError):
        bench.personalise()
    assert until_completed(bench) == 1
    assert_holder_can_log_in(bench, FIRST)


def test_a_resumed_card_keeps_its_seed_and_its_order(bench):
    bench.place("A")
    bench.place("B")
    bench.cards[FIRST].set_faults("unplug=700")
    with pytest.raises(CardError):
        bench.personalise(FIRST)
    (before,) = bench.all(select(Run))
    bench.personalise(SECOND)
    outcome = bench.personalise(FIRST)
    assert outcome.order_id == "A"
    assert RunState.RESERVED not in outcome.steps
    device = device_of(bench, FIRST)
    assert (device.run_id, device.sealed_seed) == (before.id, before.sealed_seed)
    assert bench.get(Run, before.id).check_value == before.check_value


def test_a_step_is_not_recorded_for_a_run_that_went_on_meanwhile(bench):
    bench.place("O-1")
    journal = bench.journal()
    run = journal.begin(FIRST)
    with bench.cards[FIRST].connect() as card, card.open_session(TRANSPORT.keys_of(FIRST)) as session:
        evidence = session.evidence()
    assert journal.record(run, RunState.KEYS_ROTATED, evidence).state is RunState.KEYS_ROTATED
    with pytest.raises(StateConflict, match="was changed meanwhile: run it again"):
        journal.record(run, RunState.KEYS_ROTATED, evidence)
    assert [step.step for step in bench.all(select(RunStep))] == [RunState.RESERVED, RunState.KEYS_ROTATED]


def test_another_card_gets_another_seed(bench):
    bench.place("A")
    bench.place("B")
    bench.personalise(FIRST)
    bench.personalise(SECOND)
    runs = bench.all(select(Run))
    assert len({run.check_value for run in runs}) == 2


def test_a_card_reserved_for_one_order_is_refused_for_another_by_name(bench):
    bench.place("A")
    bench.place("B")
    bench.cards[FIRST].set_faults("unplug=700")
    with pytest.raises(CardError):
        bench.personalise(FIRST, "A")
    with pytest.raises(StateConflict, match=f"card {FIRST} is reserved for order A"):
        bench.personalise(FIRST, "B")
    with pytest.raises(StateConflict, match=f"order A is being served by card {FIRST}"):
        bench.personalise(SECOND, "A")
    assert bench.personalise(FIRST, "A").verdict is Verdict.COMPLETED


def test_a_bound_card_and_a_strange_card_are_refused_in_one_line(bench):
    bench.place("A")
    bench.place("B")
    bench.personalise(FIRST)
    with pytest.raises(StateConflict, match=f"card {FIRST} is SECURED and serves order A: take a blank one"):
        bench.personalise(FIRST)
    stranger = SERIALS[5]
    bench.cards[stranger] = LoopbackCard(stranger, TRANSPORT.keys_of(stranger))
    with pytest.raises(NotFound, match=f"no card {stranger} in this station's stock"):
        bench.personalise(stranger)
    with pytest.raises(NotFound, match="no order Z"):
        bench.personalise(SECOND, "Z")
    assert bench.get(Order, "B").state is OrderState.PLACED


def test_without_a_placed_order_the_card_stays_as_it_is(bench):
    assert bench.personalise() is None
    assert bench.get(Card, FIRST).state is CardState.BLANK
    assert bench.all(select(Run)) == []


def test_stopping_ends_at_a_steps_boundary_and_the_next_attempt_completes(bench):
    bench.place("A")
    seen = []
    with pytest.raises(Stopped):
        bench.personalise(
            on_step=lambda _run, step: seen.append(step), stopping=lambda: RunState.SEED_STORED in seen
        )
    (run,) = bench.all(select(Run))
    assert (run.state, run.ended_at) == (RunState.SEED_STORED, None)
    assert list(bench.personalise().steps) == [RunState.PIN_SET, RunState.VERIFIED, RunState.SECURED]


def quarantine_of(bench, serial):
    (case,) = bench.all(select(Quarantine).where(Quarantine.serial_number == serial))
    return case


def assert_set_aside(bench, outcome, cause, serial=FIRST, order_id="A"):
    assert outcome.verdict is Verdict.QUARANTINED
    assert "\n" not in outcome.told
    assert serial in outcome.told
    case = quarantine_of(bench, serial)
    assert case.cause is cause
    assert json.loads(case.evidence)["finding"]
    assert bench.get(Card, serial).state is CardState.QUARANTINED
    order = bench.get(Order, order_id)
    assert order.state is OrderState.PLACED
    assert order.sealed_pin is not None
    (run,) = bench.all(select(Run).where(Run.serial_number == serial))
    assert (run.result, run.sealed_seed) == (RunResult.QUARANTINED, None)
    bindings = bench.all(select(Binding).where(Binding.serial_number == serial))
    assert all(binding.released_at for binding in bindings)


def test_an_order_whose_card_is_quarantined_is_served_by_another_with_a_new_seed(bench):
    bench.place("A")
    bench.cards[FIRST].set_faults("unplug=700")
    with pytest.raises(CardError):
        bench.personalise(FIRST)
    bench.cards[FIRST].replug()
    with bench.issuer_session(FIRST) as session:
        session.set_status(LifeCycle.TERMINATED)
    assert_set_aside(bench, bench.personalise(FIRST), Cause.TERMINATED)
    assert bench.personalise(SECOND).order_id == "A"
    first, second = (bench.all(select(Run).where(Run.serial_number == serial)) for serial in (FIRST, SECOND))
    assert first[0].check_value != second[0].check_value


def test_a_seed_that_fits_nothing_is_quarantined(bench):
    bench.place("A")
    bench.cards[FIRST].set_faults("unplug=700")
    with pytest.raises(CardError):
        bench.personalise(FIRST)
    bench.cards[FIRST].replug()
    with bench.issuer_session(FIRST) as session:
        session.set_status(LifeCycle.OP_READY)
        session.set_status(LifeCycle.INITIALIZED)
        session.store_data(Seed(bytes(32)), profile=CardProfile.CARD_PIN)
    assert_set_aside(bench, bench.personalise(FIRST), Cause.CHECK_VALUE_UNKNOWN)


def test_a_card_whose_flash_is_an_older_copy_is_quarantined(bench):
    bench.place("A")
    older = bench.cards[FIRST].flash.image()
    bench.cards[FIRST].set_faults("unplug=700")
    with pytest.raises(CardError):
        bench.personalise(FIRST)
    bench.cards[FIRST] = LoopbackCard(FIRST, TRANSPORT.keys_of(FIRST), image=older)
    assert_set_aside(bench, bench.personalise(FIRST), Cause.COUNTER_BACKWARDS)


def test_a_card_that_answers_wrongly_is_quarantined(bench, monkeypatch):
    bench.place("A")
    monkeypatch.setattr("dscplus_driver.session.SecureSession.respond", lambda *_: "00000000")
    assert_set_aside(bench, bench.personalise(FIRST), Cause.SELF_TEST_FAILED)


def other_master():
    return VersionedMaster(0x01, MasterKey(bytes(16)))


def test_a_wrong_batch_key_gives_the_card_back_untouched_and_burns_one_try(tmp_path):
    """The station's copy of the key may be the wrong one: nobody's card is set aside for that."""
    bench = Bench(tmp_path, master=other_master())
    bench.place("A")
    before = bench.cards[FIRST].memory()
    outcome = bench.personalise(FIRST)
    assert outcome.verdict is Verdict.REFUSED
    assert "\n" not in outcome.told
    assert "keys import-batch B-1" in outcome.told
    after = bench.cards[FIRST].memory()
    assert after.number(state.SEQUENCE_COUNTER) == before.number(state.SEQUENCE_COUNTER) + 1
    assert bench.get(Card, FIRST).state is CardState.BLANK
    assert bench.get(Order, "A").state is OrderState.PLACED
    assert bench.all(select(Quarantine)) == []
    (run,) = bench.all(select(Run))
    assert (run.result, run.sealed_seed) == (RunResult.CANCELLED, None)
    bench.close()


def test_a_card_of_other_keys_in_a_proven_batch_is_quarantined(bench):
    bench.place("A")
    bench.place("B")
    bench.personalise(FIRST)
    bench.cards[SECOND] = LoopbackCard(SECOND, other_master().keys_of(SECOND))
    assert_set_aside(bench, bench.personalise(SECOND), Cause.FOREIGN_KEYS, SECOND, "B")


def test_a_lapsed_handshake_does_not_make_a_card_foreign(bench, monkeypatch):
    """An error word is not authenticated: the card, whose cryptogram was right, is asked again."""
    bench.place("A")
    bench.personalise(FIRST)  # the batch's key is proven now
    bench.place("B")
    card = bench.cards[SECOND]
    feed, sent = card.virtual.feed, []

    def slow_host(data):
        sent.append(data)
        if len(sent) == 5:  # EXTERNAL AUTHENTICATE
            card.clock.now += 6
        feed(data)

    monkeypatch.setattr(card.virtual, "feed", slow_host)
    assert bench.personalise(SECOND).verdict is Verdict.COMPLETED


class SwappedCradle:
    """A port that stays open while the card in it is swapped: a cradle behind a serial adapter or a port
    server. After ``writes`` frames another card sits there.
    """

    def __init__(self, card, other, writes):
        self.url, self.link = "serial:/dev/cradle", card.link
        self._transports = [card.transport(), other.transport()]
        self._left = writes

    def write(self, data):
        self._left -= 1
        if self._left == -1:
            self._transports.pop(0)
        self._transports[0].write(data)

    def read(self, timeout):
        return self._transports[0].read(timeout)

    def close(self):
        pass


@pytest.mark.parametrize("other_is", ["blank", "terminated", "secured"])
def test_a_card_swapped_under_way_is_never_judged_for_the_one_it_replaced(bench, other_is):
    """Whatever the other card shows, the run's card keeps its run, and the other one is left alone."""
    bench.place("A")
    bench.personalise(FIRST)
    bench.place("B")
    third = LoopbackCard(SERIALS[2], TRANSPORT.keys_of(SERIALS[2]), clock=bench.cards[SECOND].clock)
    other = third if other_is != "secured" else bench.cards[FIRST]
    if other_is == "terminated":
        with third.connect() as card, card.open_session(TRANSPORT.keys_of(SERIALS[2])) as session:
            session.set_status(LifeCycle.TERMINATED)
    other.clock.now = bench.cards[SECOND].clock.now
    for writes in itertools.count(2):
        bench.cards[SECOND].replug()
        other.virtual.unplug()
        other.replug()
        before = other.flash.image()
        cradle = SwappedCradle(bench.cards[SECOND], other, writes)
        with DriverCard(cradle, clock=other.clock) as card:
            journal = bench.journal()
            run = journal.begin(card.serial_number)
            try:
                outcome = runner.personalise(card, journal, bench.keystore, run)
            except CardSwapped as swapped:
                assert (swapped.expected, swapped.found) == (SECOND, other.serial_number)
                outcome = None
        assert other.flash.image() == before
        if outcome:
            break
        (still_open,) = bench.all(select(Run).where(Run.ended_at.is_(None)))
        assert (still_open.serial_number, still_open.order_id) == (SECOND, "B")
    # Every attempt came a little further, so that the last one was done before the swap.
    assert outcome.verdict is Verdict.COMPLETED and writes > 8
    assert_holder_can_log_in(bench, SECOND)


def test_a_restocked_card_is_opened_by_its_restock_keys(bench):
    bench.place("A")
    restock = bench.keystore.restock_master().keys_of(FIRST)
    with bench.cards[FIRST].connect() as card, card.open_session(TRANSPORT.keys_of(FIRST)) as session:
        session.put_key(restock)
    assert bench.personalise(FIRST).verdict is Verdict.COMPLETED


@pytest.mark.parametrize("carried", [500, 700, 900, 1000, None])
def test_a_cancelled_orders_card_is_wiped_first_and_serves_the_next(bench, carried):
    """One seed never serves two orders, not even on the same card."""
    bench.place("A")
    if carried:
        bench.cards[FIRST].set_faults(f"unplug={carried}")
        with pytest.raises(CardError):
            bench.personalise(FIRST)
        bench.cards[FIRST].replug()
    else:
        assert bench.personalise(FIRST).verdict is Verdict.COMPLETED
    cancelled = cancel(bench.station, ACTOR, "A")
    assert (cancelled.serial_number, cancelled.must_be_wiped) == (FIRST, True)
    bench.place("B")
    outcome = bench.personalise(FIRST)
    assert (outcome.verdict, outcome.order_id) == (Verdict.COMPLETED, "B")
    assert len({run.check_value for run in bench.all(select(Run))}) == 2
    assert_holder_can_log_in(bench, FIRST)


def test_a_card_that_died_under_way_is_set_aside_by_hand_and_another_serves_its_order(bench):
    bench.place("A")
    bench.cards[FIRST].set_faults("unplug=700")
    with pytest.raises(CardError):
        bench.personalise(FIRST)
    with pytest.raises(StateConflict, match=f"quarantine add {FIRST}"):
        bench.personalise(SECOND, "A")
    assert give_up_card(bench.station, ACTOR, FIRST, "does not answer") == "A"
    (case,) = bench.all(select(Quarantine))
    assert (case.cause, case.evidence) == (Cause.BY_HAND, '{"note":"does not answer"}')
    assert bench.personalise(SECOND, "A").verdict is Verdict.COMPLETED
    assert len({run.check_value for run in bench.all(select(Run))}) == 2
    assert_holder_can_log_in(bench, SECOND)


def test_a_blank_card_can_be_set_aside_and_a_finished_one_cannot(bench):
    assert give_up_card(bench.station, ACTOR, SECOND, "cracked") is None
    assert bench.get(Card, SECOND).state is CardState.QUARANTINED
    with pytest.raises(StateConflict, match="cannot become QUARANTINED"):
        give_up_card(bench.station, ACTOR, SECOND, "again")
    bench.place("A")
    bench.personalise(FIRST)
    with pytest.raises(StateConflict, match="is made for order A: cancel the order"):
        give_up_card(bench.station, ACTOR, FIRST, "cracked")
    with pytest.raises(NotPermitted):
        give_up_card(bench.station, Actor("clerk", frozenset(), "bench-1"), SECOND, "cracked")
