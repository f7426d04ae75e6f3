"""Any sequence of calls, in any order, twice, late: no invariant of sharing is ever broken (R24 to R30)."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule
from sqlalchemy import select

from dscplus_station.activation.daily import run_timers
from dscplus_station.activation.service import revoke_card
from dscplus_station.devices.rules import INTERIM, AssignmentState
from dscplus_station.devices.tables import Assignment, Device
from dscplus_station.interim.service import end_interim_access, held_interim_access
from dscplus_station.login.service import release_lock
from dscplus_station.sharing import service
from dscplus_station.sharing.rules import SharingState, identity_fault, level_fault
from dscplus_station.sharing.tables import Redundant, Sharing
from dscplus_station.users.identity import recorded_identity
from tests.provisioning.sharing_world import OWNER, REQUESTER, SharingWorld
from tests.provisioning.station_machine import StationMachine
from tests.provisioning.support import CARDS, record_users, user_values

OTHER = "alice.other"
USERS = [OWNER, REQUESTER, OTHER]
CARD_OF = {OWNER: CARDS[0], OTHER: CARDS[1]}
users = st.sampled_from(USERS)
sharings = st.integers(1, 6)


class SharingMachine(StationMachine):
    """Three user names of one person; two have a card, one an old code card."""

    @initialize()
    def begin(self):
        self.open_world(SharingWorld)
        record_users(self.world, user_values(OTHER))
        self.world.own_card(OTHER)
        self.world.at(minutes=10)
        self.approved = set()

    # What people do

    @rule(requester=users, owner=st.sampled_from([OWNER, OTHER]), card=st.sampled_from(CARDS[:2]))
    def asks(self, requester, owner, card):
        self.attempt(lambda: self.world.request(requester, owner, card))

    @rule(requester=users, owner=st.sampled_from([OWNER, OTHER]))
    def asks_and_submits(self, requester, owner):
        self.attempt(
            lambda: self.world.shared(requester=requester, owner=owner, serial_number=CARD_OF[owner])
        )

    @rule(sharing=sharings)
    def submits(self, sharing):
        self.attempt(lambda: self.world.submit(sharing))

    @rule(sharing=sharings)
    def compliance_approves(self, sharing):
        self.attempt(lambda: self.world.approve(sharing))

    @rule(sharing=sharings)
    def compliance_rejects(self, sharing):
        self.attempt(lambda: service.reject(self.world.station, self.world.actor, sharing, "no"))

    @rule(sharing=sharings)
    def cancels(self, sharing):
        self.attempt(lambda: service.cancel(self.world.station, self.world.actor, sharing, "enough"))

    # What happens meanwhile

    @rule(user=users)
    def gets_a_passcode(self, user):
        self.attempt(lambda: self.world.passcode(user))

    @rule(user=users)
    def passcode_ends(self, user):
        with self.world.writing() as session:
            end_interim_access(session, self.world.actor, self.world.moment, user, "over")

    @rule(
        user=users,
        entity=st.sampled_from(["E-1", "E-2"]),
        document=st.sampled_from(["X1234567", "X7"]),
    )
    def record_is_corrected(self, user, entity, document):
        record_users(self.world, user_values(user, entity=entity, document_number=document))

    @rule(owner=st.sampled_from([OWNER, OTHER]), user=users)
    def answers_wrongly(self, owner, user):
        for _ in range(5):
            self.attempt(lambda: self.world.request(user, owner, CARD_OF[owner], wrong=True))
        self.world.at(minutes=6)

    @rule(user=users, card=st.sampled_from(CARDS[:2]))
    def lock_is_released(self, user, card):
        self.attempt(lambda: release_lock(self.world.station, self.world.actor, card, user))

    @rule(card=st.sampled_from([CARDS[0], "SCC-1"]))
    def card_is_lost(self, card):
        self.attempt(lambda: revoke_card(self.world.station, self.world.actor, card, "lost"))

    @rule(minutes=st.sampled_from([4, 29, 31]))
    def time_passes(self, minutes):
        self.world.at(minutes=minutes)
        run_timers(self.world.station, self.world.actor)

    # What must hold after each of them

    def look(self):
        with self.world.station.database.reading() as session:
            rows = session.execute(select(Assignment, Device).join(Device, Device.id == Assignment.device_id))
            self.assignments = {assignment.id: (assignment, device) for assignment, device in rows}
            self.sharings = list(session.scalars(select(Sharing)))
            self.redundant = {
                (one.sharing_id, one.assignment_id) for one in session.scalars(select(Redundant))
            }

    @invariant()
    def a_device_sleeps_just_while_a_sharing_lasts(self):
        self.look()
        lasting = {one.id for one in self.sharings if one.state is SharingState.APPROVED}
        asleep = {id_ for id_, (a, _) in self.assignments.items() if a.state is AssignmentState.DORMANT}
        allowed = {assignment for sharing, assignment in self.redundant if sharing in lasting}
        assert asleep <= allowed
        for sharing, assignment in self.redundant:
            state = self.assignments[assignment][0].state
            if sharing in lasting:
                assert state in (AssignmentState.DORMANT, AssignmentState.REVOKED)

    @invariant()
    def who_uses_anothers_device_does_so_by_a_sharing_that_lasts(self):
        for assignment, device in self.assignments.values():
            if device.type in INTERIM:
                continue
            own = CARD_OF.get(assignment.user_name, "SCC-1") == device.serial_number
            live = assignment.state is not AssignmentState.REVOKED
            by = [one for one in self.sharings if one.assignment_id == assignment.id]
            assert own == (not by)
            if by and live:
                assert by[0].state is SharingState.APPROVED

    @invariant()
    def one_sharing_a_requester_and_no_owner_shares(self):
        live = [one for one in self.sharings if one.state in (SharingState.PENDING, SharingState.APPROVED)]
        requesters = [one.requester for one in live]
        assert len(requesters) == len(set(requesters))
        lasting = [one for one in live if one.state is SharingState.APPROVED]
        assert not {one.requester for one in lasting} & {one.owner for one in lasting}

    @invariant()
    def what_must_hold_held_at_the_moment_of_approval(self):
        """Each call is one step, so whatever was just approved is looked at in the state that approved it."""
        fresh = {one.id for one in self.sharings if one.state is SharingState.APPROVED} - self.approved
        self.approved |= fresh
        with self.world.station.database.reading() as session:
            for one in (one for one in self.sharings if one.id in fresh):
                pair = (one.requester, one.owner)
                identities = [recorded_identity(session, self.world.keystore, name) for name in pair]
                assert identity_fault(*identities) is None
                assert not any(held_interim_access(session, name, self.world.moment) for name in pair)
                shared = session.get_one(Device, one.device_id)
                held = [
                    device.type
                    for assignment, device in self.assignments.values()
                    if assignment.user_name in pair and assignment.state is not AssignmentState.REVOKED
                ]
                assert level_fault(shared.type, held) is None
                assert one.decided_at == self.world.moment


TestSharingMachine = SharingMachine.TestCase
TestSharingMachine.settings = settings(
    max_examples=25,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
