"""R24 to R31: a sharing from request to end, in the database and at the login."""

import threading

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from dscplus_station import audit, log
from dscplus_station.activation.service import revoke_card
from dscplus_station.actor import ALL_ROLES, Actor, Role
from dscplus_station.audit import AuditRow
from dscplus_station.closing.service import close_account
from dscplus_station.devices.rules import AssignmentState
from dscplus_station.devices.service import end_device, live_assignments, live_device, move_assignment
from dscplus_station.errors import BadInput, NotFound, NotPermitted, StateConflict, StationError
from dscplus_station.interim.service import end_interim_access
from dscplus_station.login.rules import Outcome
from dscplus_station.opening import open_station
from dscplus_station.sharing import service
from dscplus_station.sharing.errors import DifferentIdentification, LessSecureDevice
from dscplus_station.sharing.review import review, sharings
from dscplus_station.sharing.rules import PROOF_LIFETIME, SharingState
from dscplus_station.sharing.tables import Sharing
from dscplus_station.users.identity import AccountClosed
from tests.provisioning.command_bench import Bench
from tests.provisioning.sharing_world import OWNER, REQUESTER, SharingWorld
from tests.provisioning.support import CARDS, other_response, record_users, user_values


@pytest.fixture
def world(tmp_path):
    world = SharingWorld(tmp_path)
    yield world
    world.close()


@pytest.fixture
def pending(world):
    """A sharing between two entities of one person: compliance decides."""
    record_users(world, user_values(REQUESTER, entity="E-2"))
    sharing = world.shared()
    assert state(world, sharing) is SharingState.PENDING
    return sharing


def state(world, sharing):
    return review(world.station, sharing).state


def reject(world, sharing):
    service.reject(world.station, world.actor, sharing, "not now")


def cancel(world, sharing):
    return service.cancel(world.station, world.actor, sharing, "has a card again")


# Approved at once


def test_r4_r28_the_same_entity_shares_at_once_and_both_log_in_with_the_card(world):
    requested = world.request()
    assert requested.answer.outcome is Outcome.RIGHT
    assert (REQUESTER, CARDS[0]) not in world.states()  # nothing is shared before it is submitted
    assert world.submit(requested.sharing) is SharingState.APPROVED
    assert world.login(REQUESTER) is Outcome.RIGHT
    assert world.login(OWNER) is Outcome.RIGHT


def test_r30_the_redundant_device_sleeps_and_is_active_again_after_the_sharing(world):
    sharing = world.shared()
    assert world.states()[REQUESTER, "SCC-1"] == "DORMANT"
    assert cancel(world, sharing) == ["SCC-1"]
    assert world.states() == {
        (OWNER, CARDS[0]): "ACTIVE",
        (REQUESTER, "SCC-1"): "ACTIVE",
        (REQUESTER, CARDS[0]): "REVOKED",
    }
    with pytest.raises(NotFound, match=f"is not assigned to {REQUESTER}"):
        world.proof(REQUESTER)


def test_r30_the_review_tells_what_becomes_redundant_and_that_only_a_dsc_plus_goes_back(world):
    world.own_card(REQUESTER)
    sharing = world.request().sharing
    before = [(one.serial_number, one.to_be_returned) for one in review(world.station, sharing).redundant]
    assert before == [("SCC-1", False), (CARDS[1], True)]
    world.submit(sharing)
    after = review(world.station, sharing).redundant
    assert [(one.serial_number, one.assignment.value) for one in after] == [
        ("SCC-1", "DORMANT"),
        (CARDS[1], "DORMANT"),
    ]
    with pytest.raises(NotPermitted, match="is DORMANT"):
        world.login(REQUESTER, CARDS[1])


def test_r30_a_card_that_came_back_meanwhile_stays_revoked(world):
    world.own_card(REQUESTER)
    sharing = world.shared()
    with world.writing() as session:
        end_device(session, world.actor, world.moment, live_device(session, CARDS[1]), "returned")
    assert cancel(world, sharing) == ["SCC-1"]
    assert world.states()[REQUESTER, CARDS[1]] == "REVOKED"


def test_r30_a_revoked_card_ends_its_sharings_and_requesters_have_their_own_again(world):
    sharing = world.shared()
    assert revoke_card(world.station, world.actor, CARDS[0], "lost") == [OWNER, REQUESTER]
    assert state(world, sharing) is SharingState.CANCELLED
    assert world.states()[REQUESTER, "SCC-1"] == "ACTIVE"
    with pytest.raises(StateConflict, match="CANCELLED"):
        cancel(world, sharing)


def test_r30_a_sharing_that_waits_for_compliance_is_rejected_when_its_card_is_revoked(world, pending):
    revoke_card(world.station, world.actor, CARDS[0], "lost")
    assert state(world, pending) is SharingState.REJECTED
    assert world.states()[REQUESTER, "SCC-1"] == "ACTIVE"


def test_a_sharing_can_be_asked_for_again_after_its_end(world):
    cancel(world, world.shared())
    assert state(world, world.shared()) is SharingState.APPROVED
    assert [one.state for one in sharings(world.station, REQUESTER)] == ["CANCELLED", "APPROVED"]
    assert sharings(world.station, "nobody") == []


# The proof (R27)


def test_r27_a_wrong_answer_requests_nothing_and_counts_for_the_owner(world):
    requested = world.request(wrong=True)
    assert (requested.sharing, requested.answer.outcome) == (None, Outcome.WRONG)
    assert requested.answer.tries_left == 4
    for _ in range(4):
        requested = world.request(wrong=True)
    assert requested.answer.locked
    assert world.states()[OWNER, CARDS[0]] == "LOCKED"


def test_r27_a_proof_is_good_once(world):
    proof = world.proof()
    world.request(proof=proof)
    assert world.request(proof=proof).answer.outcome is Outcome.REPLAYED


def test_r27_a_refused_request_has_used_its_proof_up(world):
    record_users(world, user_values(REQUESTER, entity="E-2", residence="US"))
    proof = world.proof()
    with pytest.raises(DifferentIdentification):
        world.request(proof=proof)
    record_users(world, user_values(REQUESTER))
    assert world.request(proof=proof).answer.outcome is Outcome.REPLAYED


def test_r27_the_requesters_own_challenge_proves_nothing_about_the_owner(world):
    world.own_card(REQUESTER)
    question, _ = world.proof(REQUESTER, CARDS[1])
    proof = (question, world.response(CARDS[0], question))
    assert world.request(proof=proof).answer.outcome is Outcome.FOREIGN


def test_r27_a_request_is_submitted_soon_or_asked_again(world):
    sharing = world.request().sharing
    world.moment += PROOF_LIFETIME
    with pytest.raises(NotPermitted, match="too long ago: ask again"):
        world.submit(sharing)


def test_r27_what_can_give_no_answer_here_cannot_be_shared_here(world):
    with pytest.raises(NotPermitted, match="answers are not verified here"):
        world.request(owner=REQUESTER, requester=OWNER, serial_number="SCC-1", proof=("000001", "00000001"))


# Guards


def test_r29_less_secure_device(world):
    world.hold("P-1", "Platinum/Gold", REQUESTER)
    assert world.request().sharing  # equal levels: either may be shared (R26)
    with world.writing() as session:
        old = live_device(session, "SCC-1")
        refusal = service.check(session, world.keystore, world.station.today(), OWNER, REQUESTER, old)
    assert isinstance(refusal, LessSecureDevice)
    assert str(refusal).startswith("Less secure device: ")


@pytest.mark.parametrize("locked", [False, True])
def test_r26_the_owners_other_devices_count_and_so_does_a_locked_one(world, locked):
    world.hold("SCC-2", "Security Code Card", OWNER)
    with world.writing() as session:
        if locked:
            (own,) = live_assignments(session, live_device(session, CARDS[0]).id)
            move_assignment(session, world.actor, world.moment, own, AssignmentState.LOCKED, "test")
        lesser = live_device(session, "SCC-2")
        refusal = service.check(session, world.keystore, world.moment, REQUESTER, OWNER, lesser)
    assert isinstance(refusal, LessSecureDevice)


@pytest.mark.parametrize(
    "fact", [{"birth_date": "1980-02-28"}, {"document_number": "X7"}, {"residence": "US"}]
)
def test_r29_different_identification_information(world, fact):
    record_users(world, user_values(REQUESTER, entity="E-2", **fact))
    with pytest.raises(DifferentIdentification) as refusal:
        world.request()
    assert str(refusal.value).startswith("Different identification information: ")
    assert not set(fact.values()) & set(str(refusal.value).split())


def test_r29_after_the_correction_it_is_asked_again(world):
    record_users(world, user_values(REQUESTER, entity="E-2", document_number="X0"))
    with pytest.raises(DifferentIdentification, match="identity document"):
        world.request()
    record_users(world, user_values(REQUESTER, entity="E-2"))
    assert world.shared()


@pytest.mark.parametrize("user", [OWNER, REQUESTER])
def test_r25_nobody_holds_interim_access(world, user):
    world.passcode(user)
    with pytest.raises(NotPermitted, match=rf"{user} holds interim access \(temporary passcode\)"):
        world.request()
    world.at(days=12)
    with pytest.raises(NotPermitted, match="interim access"):  # its last day is a day
        world.request()
    world.at(days=1)
    assert world.request().sharing


@pytest.mark.parametrize("user", [OWNER, REQUESTER])
def test_r25_interim_access_that_was_ended_is_none(world, user):
    world.passcode(user)
    with world.writing() as session:
        end_interim_access(session, world.actor, world.moment, user, "test")
    assert world.request().sharing


def test_one_sharing_a_requester_and_no_chains(world):
    record_users(world, user_values("alice.third"))
    world.own_card("alice.third")
    world.shared()
    with pytest.raises(StateConflict, match=f"{REQUESTER} shares {OWNER}'s device already"):
        world.request(owner="alice.third", serial_number=CARDS[1])
    with pytest.raises(StateConflict, match=f"{REQUESTER} shares a device of {OWNER}'s"):
        world.request(requester=OWNER, owner="alice.third", serial_number=CARDS[1])
    with pytest.raises(NotPermitted, match=f"is {OWNER}'s, not {REQUESTER}'s"):
        world.request(requester="alice.third", owner=REQUESTER)


def test_nobody_shares_with_oneself_or_with_somebody_unknown(world):
    with pytest.raises(NotPermitted, match="cannot share a device with"):
        world.request(requester=OWNER)
    with pytest.raises(NotFound, match="no user nobody"):
        world.request(requester="nobody")


def test_a_locked_device_of_the_requesters_is_dealt_with_first(world):
    world.own_card(REQUESTER)
    for _ in range(5):
        world.request(requester=OWNER, owner=REQUESTER, serial_number=CARDS[1], wrong=True)
    with pytest.raises(NotPermitted, match="is LOCKED: release or revoke it first"):
        world.request()


# Compliance (R28)


def test_r28_compliance_approves_what_waits(world, pending):
    assert (REQUESTER, CARDS[0]) not in world.states()
    world.approve(pending)
    found = review(world.station, pending)
    assert (found.state, found.decided_by, found.note) == (SharingState.APPROVED, "olivia", "seen")
    assert world.login(REQUESTER) is Outcome.RIGHT


def test_r28_compliance_rejects_and_nothing_has_changed(world, pending):
    reject(world, pending)
    assert state(world, pending) is SharingState.REJECTED
    assert world.states() == {(OWNER, CARDS[0]): "ACTIVE", (REQUESTER, "SCC-1"): "ACTIVE"}


def test_r28_only_compliance_decides(world, pending):
    clerk = Actor("carl", ALL_ROLES - {Role.COMPLIANCE}, "bench-1")
    with pytest.raises(NotPermitted, match="carl may not approve"):
        service.approve(world.station, clerk, world.keystore, pending, "please")
    with pytest.raises(NotPermitted, match="carl may not reject"):
        service.reject(world.station, clerk, pending, "no")
    with pytest.raises(BadInput, match="a note"):
        service.approve(world.station, world.actor, world.keystore, pending, " ")


def meanwhile_interim(world):
    world.passcode(OWNER)
    return NotPermitted


def meanwhile_other_documents(world):
    record_users(world, user_values(OWNER, document_number="X9"))
    return DifferentIdentification


def meanwhile_revoked(world):
    revoke_card(world.station, world.actor, CARDS[0], "lost")
    return NotPermitted


def meanwhile_locked(world):
    for _ in range(5):
        world.request(wrong=True)
    return NotPermitted


def meanwhile_closed(world):
    close_account(world.station, world.actor, REQUESTER, "asked for")
    return AccountClosed


@pytest.mark.parametrize("meanwhile", [meanwhile_interim, meanwhile_other_documents, meanwhile_locked])
def test_r28_guards_are_checked_again_at_approval(world, pending, meanwhile):
    error = meanwhile(world)
    with pytest.raises(error):
        world.approve(pending)
    assert state(world, pending) is SharingState.PENDING
    assert (REQUESTER, CARDS[0]) not in world.states()


@pytest.mark.parametrize(
    "meanwhile", [meanwhile_interim, meanwhile_revoked, meanwhile_locked, meanwhile_closed]
)
def test_r28_guards_are_checked_again_when_it_is_submitted(world, meanwhile):
    sharing = world.request().sharing
    error = meanwhile(world)
    with pytest.raises(error):
        world.submit(sharing)
    assert state(world, sharing) is SharingState.REQUESTED


@pytest.mark.parametrize("user", [OWNER, REQUESTER])
def test_r45_what_waits_for_compliance_ends_with_an_account(world, pending, user):
    close_account(world.station, world.actor, user, "asked for")
    assert state(world, pending) is SharingState.REJECTED
    with pytest.raises(StateConflict):
        world.approve(pending)


def setting(world, line):
    path = world.home.settings_file
    path.write_text(path.read_text() + f"\n[sharing]\n{line}\n")
    world.station.database.close()
    world.station = open_station(world.home, lambda: world.moment)


def test_r28_which_concerns_wait_is_the_issuers_setting(world):
    record_users(world, user_values(REQUESTER, entity="E-2"))
    setting(world, "compliance = ['different-document']")
    assert state(world, world.shared()) is SharingState.APPROVED


@pytest.mark.parametrize("line", ["compliance = ['nothing']", "compliance = 'all'", "compliance = [['a']]"])
def test_r28_a_setting_that_names_no_concern_is_told(world, line):
    sharing = world.request().sharing
    setting(world, line)
    with pytest.raises(BadInput, match=r"\[sharing\] compliance is a list of different-entity, "):
        world.submit(sharing)


# Twice, and side by side


def test_each_step_is_done_once(world, pending):
    with pytest.raises(StateConflict, match="submitted already"):
        world.submit(pending)
    world.approve(pending)
    for again in (lambda: world.approve(pending), lambda: reject(world, pending)):
        with pytest.raises(StateConflict):
            again()
    cancel(world, pending)
    with pytest.raises(StateConflict, match="cannot become CANCELLED"):
        cancel(world, pending)
    with pytest.raises(NotFound, match="no sharing 99"):
        world.submit(99)


def side_by_side(*deeds):
    """Run deeds at the same moment; gives what each returned or was refused with."""
    barrier = threading.Barrier(len(deeds))
    results = [None] * len(deeds)

    def run(number, deed):
        barrier.wait(10)
        try:
            results[number] = deed() or "done"
        except StationError as error:
            results[number] = error

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(deeds)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


def test_of_deciding_side_by_side_one_decision_stands(world, pending):
    results = side_by_side(
        lambda: world.approve(pending), lambda: reject(world, pending), lambda: world.approve(pending)
    )
    assert sum(not isinstance(one, StationError) for one in results) == 1
    assert all(isinstance(one, StateConflict) for one in results if isinstance(one, StationError))


def test_of_two_sharings_submitted_side_by_side_one_stands(world):
    record_users(world, user_values("alice.third"))
    world.own_card("alice.third")
    first, second = (
        world.request().sharing,
        world.request(owner="alice.third", serial_number=CARDS[1]).sharing,
    )
    results = side_by_side(lambda: world.submit(first), lambda: world.submit(second))
    assert sum(isinstance(one, StateConflict) for one in results) == 1


def test_of_mutual_sharings_submitted_side_by_side_one_stands(world):
    world.own_card(REQUESTER)
    one = world.request().sharing
    other = world.request(requester=OWNER, owner=REQUESTER, serial_number=CARDS[1]).sharing
    results = side_by_side(lambda: world.submit(one), lambda: world.submit(other))
    assert sum(isinstance(one, StationError) for one in results) == 1


def test_the_schema_itself_admits_one_live_sharing_a_requester(world):
    world.shared()
    with pytest.raises(IntegrityError, match=r"(?i)unique"), world.writing() as session:
        session.add(
            Sharing(
                requester=REQUESTER,
                owner=OWNER,
                device_id=live_device(session, CARDS[0]).id,
                state=SharingState.PENDING,
                proven_at=world.moment,
                submitted_at=world.moment,
            )
        )
        audit.record(session, world.actor, world.moment, "sharing.test", REQUESTER)
        session.flush()


def test_every_step_is_audited(world, pending):
    world.approve(pending)
    cancel(world, pending)
    with world.station.database.reading() as session:
        actions = session.scalars(
            select(AuditRow.action).where(AuditRow.action.like("sharing.%")).order_by(AuditRow.id)
        ).all()
    assert actions == ["sharing.REQUESTED", "sharing.PENDING", "sharing.APPROVED", "sharing.CANCELLED"]


def test_sharing_by_command(tmp_path, world):
    bench = Bench(tmp_path)
    bench.world = world

    def asked(*arguments, code=0, right=True):
        issued = bench.json("challenge", CARDS[0], "--user", OWNER, "--for", "sharing")["challenge"]
        response = world.response(CARDS[0], issued)
        return bench.json(
            "sharing",
            "request",
            CARDS[0],
            issued,
            response if right else other_response(response),
            "--owner",
            OWNER,
            "--requester",
            *arguments,
            code=code,
        )

    assert asked(REQUESTER, code=1, right=False)["outcome"] == "WRONG"
    refused = asked("bob", code=3)
    assert refused["error"] == "NotFound"
    record_users(world, user_values("bob", entity="E-9", document_number="B1"))
    refused = asked("bob", code=4)
    assert (refused["error"], refused["exit_code"]) == ("DifferentIdentification", 4)
    sharing = asked(REQUESTER)["sharing"]
    assert bench.json("sharing", "show", sharing)["redundant"] == [
        {
            "serial_number": "SCC-1",
            "type": "Security Code Card",
            "assignment": "ACTIVE",
            "to_be_returned": False,
        }
    ]
    assert bench.json("sharing", "submit", sharing)["state"] == "APPROVED"
    assert f"{CARDS[0]}" in bench.run("sharing", "list").output
    assert [one["sharing"] for one in bench.json("sharing", "list", "--user", OWNER)["sharings"]] == [sharing]
    assert bench.json("sharing", "list", "--user", "bob")["sharings"] == []
    bench.run("sharing", "cancel", sharing, "--reason", "enough", code=2)
    ended = bench.json("sharing", "cancel", sharing, "--reason", "enough", "--yes")
    assert (ended["state"], ended["redundant"][0]["assignment"]) == ("CANCELLED", "ACTIVE")
    record_users(world, user_values(REQUESTER, entity="E-2"))
    for deed in ("reject", "approve"):
        waiting = asked(REQUESTER)["sharing"]
        assert bench.json("sharing", "submit", waiting)["state"] == "PENDING"
        decided = bench.json("sharing", deed, waiting, "--note", "looked at")
        assert decided["note"] == "looked at"
    assert "no sharing 99" in bench.run("sharing", "show", 99, code=3).stderr
    log.close_log()
