"""Any sequence of calls, in any order, twice, late: no login by what is over, no passcode twice in a row."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule
from sqlalchemy import select

from dscplus_station.activation.by_user import activate
from dscplus_station.activation.daily import run_timers
from dscplus_station.activation.service import revoke_card
from dscplus_station.devices.rules import AssignmentState
from dscplus_station.devices.tables import Assignment, Device
from dscplus_station.interim.online_card import confirm_online_card
from dscplus_station.interim.service import end_access, interim_access
from dscplus_station.login.rules import Outcome
from dscplus_station.login.service import issue_challenge, release_lock
from dscplus_station.sessions.service import log_in
from tests.provisioning.interim_access import issue, make_card, other_answer, values
from tests.provisioning.station_machine import StationMachine
from tests.provisioning.support import CARDS, World

ZONE = ZoneInfo("America/New_York")


def day(moment):
    return moment.astimezone(ZONE).date()


class InterimMachine(StationMachine):
    """alice has a card, and its replacement in the post; a model tells what may be."""

    @initialize()
    def begin(self):
        self.open_world(World)
        self.world.moment = datetime(2026, 10, 15, 15, tzinfo=UTC)  # the clocks change on 1 November
        self.world.stock(2)
        self.world.shipped()
        self.world.at(days=14)
        run_timers(self.world.station, self.world.actor)
        self.world.shipped("O-2", CARDS[1], kind="replacement", replaces=CARDS[0])
        self.passcode = None
        self.sheets = []
        self.since_passcode = True
        self.world.at(minutes=1)

    def log_in(self, serial_number, question, answer):
        done = self.attempt(
            lambda: log_in(
                self.world.station, self.world.actor, self.world.keystore, serial_number, question, answer
            )
        )
        self.world.at(seconds=1)
        return done is not None and done.answer.outcome is Outcome.RIGHT, done

    # What people do

    @rule()
    def client_services_gives_a_passcode(self):
        issued = self.attempt(lambda: issue(self.world))
        assert (issued is not None) == self.since_passcode
        if issued is not None:
            self.passcode = (issued, day(self.world.moment))
            self.since_passcode = False
        self.world.at(seconds=1)

    @precondition(lambda self: self.passcode is not None)
    @rule(wrong=st.booleans())
    def the_passcode_is_entered(self, wrong):
        issued, given_on = self.passcode
        text = issued.passcode.reveal()
        right, done = self.log_in(issued.serial_number, "", other_answer(text) if wrong else text)
        if right:
            gone = (day(self.world.moment - timedelta(seconds=1)) - given_on).days
            assert not wrong
            assert gone <= 12
            assert done.session.portal_only == (gone > 2)

    @precondition(lambda self: self.passcode is not None)
    @rule()
    def a_sheet_is_printed(self):
        card = self.attempt(lambda: make_card(self.world))
        if card is not None:
            assert self.passcode is not None
            for sheet in self.sheets:
                sheet["over"] |= not sheet["confirmed"]
            self.sheets.append({"card": card, "confirmed": None, "over": False})

    @precondition(lambda self: self.sheets)
    @rule(which=st.integers(0, 1), wrong=st.booleans())
    def a_sheet_is_confirmed(self, which, wrong):
        sheet = self.sheets[-1 - which % len(self.sheets)]
        question = self.ask(sheet)
        if not question:
            return
        answer = values(sheet["card"].table, question)
        done = self.attempt(
            lambda: confirm_online_card(
                self.world.station,
                self.world.actor,
                self.world.keystore,
                sheet["card"].serial_number,
                question,
                other_answer(answer) if wrong else answer,
            )
        )
        if done is not None and done.answer is not None and done.answer.outcome is Outcome.RIGHT:
            assert not wrong and not sheet["over"]
            for other in self.sheets:
                other["over"] |= other is not sheet
            sheet["confirmed"], self.passcode, self.since_passcode = day(self.world.moment), None, True
        self.world.at(seconds=1)

    @precondition(lambda self: self.sheets)
    @rule(which=st.integers(0, 1), wrong=st.booleans(), replay=st.booleans())
    def a_sheet_logs_in(self, which, wrong, replay):
        sheet = self.sheets[-1 - which % len(self.sheets)]
        question = self.ask(sheet)
        if not question:
            return
        answer = values(sheet["card"].table, question)
        serial_number = sheet["card"].serial_number
        today = day(self.world.moment)
        right, _ = self.log_in(serial_number, question, other_answer(answer) if wrong else answer)
        if right:
            assert not wrong and not sheet["over"]
            assert sheet["confirmed"] is not None
            assert (today - sheet["confirmed"]).days <= 21
            self.since_passcode = True
        if replay:
            assert not self.log_in(serial_number, question, answer)[0]

    @precondition(lambda self: len(self.sheets) > 1)
    @rule()
    def a_question_of_one_sheet_is_answered_by_another(self):
        if question := self.ask(self.sheets[-1]):
            other = self.sheets[-2]["card"]
            assert not self.log_in(other.serial_number, question, values(other.table, question))[0]

    def ask(self, sheet):
        number = sheet["card"].serial_number
        issued = self.attempt(lambda: issue_challenge(self.world.station, self.world.actor, number))
        return issued and issued.challenge

    @rule(card=st.sampled_from(CARDS[:2]))
    def a_card_logs_in(self, card):
        issued = self.attempt(lambda: issue_challenge(self.world.station, self.world.actor, card))
        if issued and self.log_in(card, issued.challenge, self.world.response(card, issued.challenge))[0]:
            self.since_passcode = True

    @rule()
    def the_replacement_is_activated(self):
        issued = self.attempt(lambda: issue_challenge(self.world.station, self.world.actor, CARDS[1]))
        if issued is None:
            return
        response = self.world.response(CARDS[1], issued.challenge)
        done = self.attempt(
            lambda: activate(
                self.world.station,
                self.world.actor,
                self.world.keystore,
                CARDS[1],
                issued.challenge,
                response,
            )
        )
        if done is not None and done.answer is not None:
            self.ended(by_replacement=True)
        self.world.at(seconds=1)

    def ended(self, *, by_replacement=False):
        self.passcode = None
        self.since_passcode |= by_replacement
        for sheet in self.sheets:
            sheet["over"] = True

    @rule()
    def client_services_ends_it(self):
        end_access(self.world.station, self.world.actor, "alice", "enough")
        self.ended()

    @rule()
    def the_old_card_is_lost(self):
        self.attempt(lambda: revoke_card(self.world.station, self.world.actor, CARDS[0], "lost"))

    @rule()
    def a_supervisor_releases_all_locks(self):
        for one in interim_access(self.world.station):
            self.attempt(lambda n=one.serial_number: release_lock(self.world.station, self.world.actor, n))

    @rule(hours=st.sampled_from([1, 23, 25, 24 * 5, 24 * 9, 24 * 13, 24 * 22]))
    def time_passes(self, hours):
        self.world.at(hours=hours)
        for which in range(min(2, len(self.sheets))):
            self.a_sheet_logs_in(which=which, wrong=False, replay=False)
        if self.passcode is not None:
            self.the_passcode_is_entered(wrong=False)

    @rule()
    def a_caller_gets_a_sheet_and_confirms_it(self):
        self.client_services_gives_a_passcode()
        if self.passcode is not None:
            self.a_sheet_is_printed()
            if self.sheets:
                self.a_sheet_is_confirmed(which=0, wrong=False)

    @rule()
    def the_timers_run(self):
        if CARDS[1] in run_timers(self.world.station, self.world.actor).activated:
            self.ended(by_replacement=True)
        self.world.at(seconds=1)

    # What must hold after each of them

    @invariant()
    def one_of_each_at_most_and_nothing_after_the_replacement(self):
        live = [
            one for one in interim_access(self.world.station) if one.assignment is not AssignmentState.REVOKED
        ]
        kinds = [(one.type, one.assignment is AssignmentState.PENDING) for one in live]
        assert len(live) <= 3
        assert len({kind for kind, _ in kinds}) <= 2
        assert sum(kind == "temporary passcode" for kind, _ in kinds) <= 1
        expected = {sheet["card"].serial_number for sheet in self.sheets if not sheet["over"]}
        if self.passcode is not None:
            expected.add(self.passcode[0].serial_number)
        assert {one.serial_number for one in live} == expected

    @invariant()
    def one_active_replacement_and_then_no_replaced_card(self):
        """R15. Nothing else revokes the old card, but its loss."""
        states = {card: [one.state for one in self.assignments(card)] for card in CARDS[:2]}
        if states[CARDS[1]] == [AssignmentState.ACTIVE]:
            assert states[CARDS[0]] == [AssignmentState.REVOKED]

    def assignments(self, card):
        with self.world.station.database.reading() as session:
            rows = select(Assignment).join(Device, Device.id == Assignment.device_id)
            return session.scalars(rows.where(Device.serial_number == card)).all()


TestInterimMachine = InterimMachine.TestCase
TestInterimMachine.settings = settings(
    max_examples=25,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
