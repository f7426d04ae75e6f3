"""Nothing is shipped unless card and label were scanned back; a shipment is undone by a supervisor only."""

import json
from datetime import date

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from dscplus_station import audit
from dscplus_station.activation.daily import run_timers
from dscplus_station.activation.rules import TimerState
from dscplus_station.activation.tables import ActivationTimer
from dscplus_station.actor import Role
from dscplus_station.cancellation.service import cancel
from dscplus_station.devices.rules import AssignmentState
from dscplus_station.devices.tables import Assignment
from dscplus_station.errors import BadInput, NotFound, NotPermitted, StateConflict
from dscplus_station.holds.service import open_hold
from dscplus_station.holds.tables import Hold
from dscplus_station.losses.rules import ReportKind
from dscplus_station.losses.service import report
from dscplus_station.notices.contacts import set_contact
from dscplus_station.notices.rules import Channel, DeliveryState, NoticeKind
from dscplus_station.notices.sending import send_due
from dscplus_station.notices.tables import Delivery, Notice
from dscplus_station.notices.texts import compose
from dscplus_station.orders.rules import OrderState
from dscplus_station.overview import card
from dscplus_station.parcels.rules import Phase
from dscplus_station.parcels.service import situation
from dscplus_station.parcels.undoing import undo_shipment
from dscplus_station.returns.rules import ReturnReason
from dscplus_station.returns.service import announce
from dscplus_station.scans.rules import CardScan, LabelScan, label_code, order_code
from dscplus_station.shipping.pairs import record_pair
from dscplus_station.shipping.recent import left_last
from dscplus_station.shipping.rules import Scanned, carrier_of, labels_printed
from dscplus_station.shipping.service import book, ship
from dscplus_station.shipping.tables import ScannedPair, Shipment
from dscplus_station.stock.rules import CardState
from dscplus_station.users.tables import User
from tests.provisioning.parcels.packing_world import OLIVIA, SUSAN
from tests.provisioning.support import CARDS


def try_to_ship(world, card, label, order="O-1"):
    return ship(world.station, world.actor, order, "Sample Post", "T-1", Scanned(card, label))


# --- The guard ---


@pytest.mark.parametrize(
    ("card", "label", "error", "told"),
    [
        (CARDS[1], "own", StateConflict, "they do not go into one envelope"),
        (CARDS[0], "other", StateConflict, "they do not go into one envelope"),
        (CARDS[1], "other", StateConflict, "are of order O-2, not of O-1: nothing was shipped"),
        (CARDS[5], "own", StateConflict, f"card {CARDS[5]} is BLANK: it is not ready"),
        ("0000009993", "own", NotFound, "no card 0000009993"),
        ("0000000019", "own", BadInput, "the card: it cannot be read"),
        ("", "own", BadInput, "the card: it cannot be read: nothing was read"),
        ("own", "own", BadInput, "the card: that is a label's barcode"),
        (CARDS[0], CARDS[0], BadInput, "the label: that is a card's serial number"),
        (CARDS[0], order_code("O-1"), BadInput, "the label: that is an order's barcode"),
        (CARDS[0], "", BadInput, "the label: it cannot be read"),
        (CARDS[0], label_code("O-1", CARDS[0], 2), StateConflict, "label 2 was never printed here"),
        (CARDS[0], label_code("O-1", CARDS[1], 1), StateConflict, "destroy the label"),
        (CARDS[0], label_code("O-9", CARDS[0], 1), NotFound, "no order O-9 at this station"),
    ],
)
def test_only_the_orders_own_pair_is_shipped(packing, card, label, error, told):
    labels = {"own": packing.made("O-1", CARDS[0]), "other": packing.made("O-2", CARDS[1])}
    before = packing.everything()
    with pytest.raises(error, match=told):
        try_to_ship(packing, labels.get(card, card), labels.get(label, label))
    assert packing.everything() == before
    assert try_to_ship(packing, CARDS[0], labels["own"]).auto_activates_on == date(2026, 12, 6)


def test_a_void_label_ships_nothing(packing):
    first = packing.made()
    second = packing.label("O-1").paper
    with pytest.raises(StateConflict, match="label 1 of 2: the later one counts"):
        try_to_ship(packing, CARDS[0], first)
    try_to_ship(packing, CARDS[0], second)


def test_a_card_without_label_is_not_shipped_where_labels_are_printed(packing):
    packing.secure()
    with pytest.raises(StateConflict, match=f"card {CARDS[0]} of order O-1 has no label yet"):
        try_to_ship(packing, CARDS[0], label_code("O-1", CARDS[0], 1))


def test_without_labels_card_and_order_are_the_pair(without_labels):
    world = without_labels
    world.secure("O-1", CARDS[0])
    world.secure("O-2", CARDS[1])
    with pytest.raises(StateConflict, match="one envelope"):
        try_to_ship(world, CARDS[0], order_code("O-2"))
    with pytest.raises(BadInput, match="This station prints no labels: scan the order's barcode"):
        try_to_ship(world, CARDS[0], label_code("O-1", CARDS[0], 1))
    try_to_ship(world, CARDS[0], order_code("O-1"))
    assert world.card(CARDS[0]).state is CardState.SHIPPED


def test_the_schema_has_no_shipment_without_its_own_pair(packing):
    packing.made("O-1", CARDS[0])
    packing.ship("O-1")
    packing.made("O-2", CARDS[1])
    with packing.station.database.reading() as session:
        (pair,) = session.scalars(select(ScannedPair.id))
    facts = {
        "order_id": "O-2",
        "serial_number": CARDS[1],
        "carrier": "Post",
        "tracking": "T-2",
        "shipped_on": date(2026, 11, 22),
        "recorded_at": packing.moment,
    }
    for one in (pair, None):
        with pytest.raises(IntegrityError), packing.writing() as session:
            session.add(Shipment(**facts, pair_id=one))
            audit.record(session, packing.actor, packing.moment, "test", "O-2")


def test_the_settings_are_checked():
    assert labels_printed({}) and not labels_printed({"printed": False})
    with pytest.raises(BadInput, match="true or false"):
        labels_printed({"printed": "no"})
    assert carrier_of({}, "anything") == "Carrier"
    post = {"carriers": {"Post": "S10", "Courier": "1Z*"}}
    assert carrier_of(post, "RR123456785US") == "Post"
    assert carrier_of(post, "RR123456789US") is None
    assert carrier_of(post, "1Z999AA10123456784") == "Courier"
    with pytest.raises(BadInput, match="has lines such as"):
        carrier_of({"carriers": ["Post"]}, "T")


def test_a_pair_no_longer_stands_once_its_label_is_void_or_its_card_gone(packing):
    """Whoever books a shipment, and however long after the pair was scanned."""
    packing.made()
    with packing.writing() as session:
        card, paper = CardScan(CARDS[0]), LabelScan("O-1", CARDS[0], 1)
        pair = record_pair(session, packing.station, packing.actor, packing.moment, card, paper)
    booking = (packing.actor, packing.moment, pair, "Post", "T-1", packing.station.today())
    packing.label("O-1")
    with packing.writing() as session, pytest.raises(StateConflict, match="label 1 of 2"):
        book(session, packing.station, *booking)
    cancel(packing.station, SUSAN, "O-1")
    with packing.writing() as session, pytest.raises(StateConflict, match="no longer has card"):
        book(session, packing.station, *booking)


# --- Undoing ---


def shipped_with_deposit(world):
    world.made()
    with world.writing() as session:
        open_hold(session, world.actor, world.moment, "O-1", "ACC-1")
    return world.ship("O-1", tracking="T-1")


def notices(world):
    with world.station.database.reading() as session:
        query = select(Notice.kind, Delivery.state).join(Delivery).where(Notice.order_id == "O-1")
        return [(kind, state) for kind, state in session.execute(query.order_by(Delivery.id))]


class Postbox:
    """A gateway that keeps what it takes; `meanwhile` is done while it takes it."""

    def __init__(self, meanwhile=lambda: None):
        self.subjects = []
        self.bodies = []
        self.meanwhile = meanwhile

    def send(self, message):
        self.meanwhile()
        self.subjects.append(message.subject)
        self.bodies.append(message.body)


def told_by(world, *, meanwhile=lambda: None):
    """Send what is due; gives the subjects of the e-mails, and the text messages."""
    set_contact(world.station, world.actor, "user-O-1", email="alice@example.com", mobile="+15550100200")
    email, sms = Postbox(meanwhile), Postbox()
    send_due(world.station, world.actor, {Channel.EMAIL: email, Channel.SMS: sms})
    return email.subjects, sms.bodies


SHIPPED = "Your Digital Security Card+ is on its way"
CORRECTED = "Correction: your Digital Security Card+ has not been posted yet"


def test_an_undone_shipment_leaves_everything_as_it_was(packing):
    shipped_with_deposit(packing)
    packing.at(hours=1)
    assert undo_shipment(packing.station, SUSAN, "O-1", "wrong envelope") == CARDS[0]
    assert packing.card(CARDS[0]).state is CardState.LABELLED
    assert packing.order("O-1").state is OrderState.IN_PROVISIONING
    with packing.station.database.reading() as session:
        (timer,) = session.scalars(select(ActivationTimer))
        (hold,) = session.scalars(select(Hold))
        (assignment,) = session.scalars(select(Assignment))
        (shipment,) = session.scalars(select(Shipment))
        (row,) = session.scalars(select(audit.AuditRow).where(audit.AuditRow.action == "shipping.undo"))
    assert (timer.state, timer.end_reason) == (TimerState.STOPPED, "shipment undone: wrong envelope")
    assert (hold.state, hold.serial_number) == ("HELD", None)
    assert assignment.state is AssignmentState.PENDING
    assert (shipment.undone_at, shipment.undone_because) == (packing.moment, "wrong envelope")
    assert (row.operator, row.subject) == ("susan", "O-1") and "wrong envelope" in row.details
    assert notices(packing) == [(NoticeKind.CARD_SHIPPED, DeliveryState.WITHDRAWN)]
    assert card(packing.station, CARDS[0])["shipped_on"] is None


def test_an_undone_shipment_is_packed_and_announced_anew(packing):
    """R13, R14: the period runs from the new day, and the holder is told that one."""
    shipped_with_deposit(packing)
    undo_shipment(packing.station, SUSAN, "O-1", "wrong envelope")
    packing.at(days=3)
    label = packing.label("O-1").paper
    with pytest.raises(StateConflict, match="label 2 of 3"):
        try_to_ship(packing, CARDS[0], label_code("O-1", CARDS[0], 2))
    told = packing.accepted(CARDS[0], label, "TRK.T-1")
    assert told.auto_activates_on == date(2026, 12, 9)
    assert notices(packing) == [
        (NoticeKind.CARD_SHIPPED, DeliveryState.WITHDRAWN),
        (NoticeKind.CARD_SHIPPED, DeliveryState.WAITING),
    ]
    with packing.station.database.reading() as session:
        states = session.scalars(select(ActivationTimer.state).order_by(ActivationTimer.id)).all()
    assert states == [TimerState.STOPPED, TimerState.RUNNING]


def test_a_holder_who_was_told_of_a_shipment_is_told_once_that_it_was_none(packing):
    """R13, R16: nobody waits for a card that is still here; the next shipment is told with its own day."""
    shipped_with_deposit(packing)
    assert told_by(packing) == ([SHIPPED], [])
    undo_shipment(packing.station, SUSAN, "O-1", "wrong envelope")
    assert told_by(packing) == ([CORRECTED], [])
    assert told_by(packing) == ([], [])
    packing.at(days=3)
    packing.accepted(CARDS[0], packing.label("O-1").paper, "TRK.T-1")
    assert told_by(packing) == ([SHIPPED], [])
    undo_shipment(packing.station, SUSAN, "O-1", "wrong envelope again")
    assert told_by(packing) == ([CORRECTED], [])  # another shipment, another correction


def test_a_holder_who_was_told_nothing_yet_needs_no_correction(packing):
    shipped_with_deposit(packing)
    undo_shipment(packing.station, SUSAN, "O-1", "wrong envelope")
    assert told_by(packing) == ([], [])


def test_a_correction_goes_by_the_channels_that_were_used(packing):
    """R13: what told of tomorrow went as a text message, too."""
    shipped_with_deposit(packing)
    told_by(packing)
    packing.at(days=13)
    run_timers(packing.station, packing.actor)
    assert len(told_by(packing)[1]) == 1
    undo_shipment(packing.station, SUSAN, "O-1", "wrong envelope")
    subjects, texts = told_by(packing)
    assert subjects == [CORRECTED] and len(texts) == 1
    assert texts[0].startswith("Correction: your security card ending in 0018 has not been posted yet")


def test_r13_what_was_announced_of_an_undone_shipment_is_announced_again_of_the_next(packing):
    shipped_with_deposit(packing)
    packing.at(days=7)
    assert run_timers(packing.station, packing.actor).announced == [CARDS[0]]
    undo_shipment(packing.station, SUSAN, "O-1", "wrong envelope")
    packing.accepted(CARDS[0], packing.label("O-1").paper, "TRK.T-1")
    packing.at(days=7)
    assert run_timers(packing.station, packing.actor).announced == [CARDS[0]]


def test_a_notice_that_is_on_its_way_while_the_shipment_is_undone_is_corrected(packing):
    shipped_with_deposit(packing)

    def undone():
        if packing.is_shipped("O-1"):
            undo_shipment(packing.station, SUSAN, "O-1", "wrong envelope")

    assert told_by(packing, meanwhile=undone) == ([SHIPPED, CORRECTED], [])
    assert told_by(packing) == ([], [])


def test_a_correction_that_waited_is_not_told_after_the_card_has_left(packing):
    shipped_with_deposit(packing)
    told_by(packing)
    undo_shipment(packing.station, SUSAN, "O-1", "wrong envelope")
    packing.accepted(CARDS[0], packing.label("O-1").paper, "TRK.T-1")
    assert told_by(packing) == ([SHIPPED], [])


def test_r13_a_correction_that_the_next_shipment_withdrew_is_told_if_that_one_is_undone_too(packing):
    """What the holder heard last is that the card is on its way, though of the first shipment."""
    shipped_with_deposit(packing)
    told_by(packing)
    undo_shipment(packing.station, SUSAN, "O-1", "wrong envelope")
    packing.accepted(CARDS[0], packing.label("O-1").paper, "TRK.T-1")
    undo_shipment(packing.station, SUSAN, "O-1", "wrong envelope again")
    assert told_by(packing) == ([CORRECTED], [])
    packing.accepted(CARDS[0], packing.label("O-1").paper, "TRK.T-1")
    undo_shipment(packing.station, SUSAN, "O-1", "a third time")
    assert told_by(packing) == ([], [])  # the last word is the correction


def test_the_correction_names_the_day_that_was_told_and_is_written_in_spanish_too(packing):
    shipped_with_deposit(packing)
    told_by(packing)
    undo_shipment(packing.station, SUSAN, "O-1", "wrong envelope")
    with packing.station.database.reading() as session:
        query = select(Notice).order_by(Notice.id)
        shipped, correction = session.scalars(query)
    assert json.loads(correction.facts) == json.loads(shipped.facts)
    spanish = compose(correction.kind, "es", correction.facts, "Sample Issuer")
    assert spanish.subject == "Corrección: su Tarjeta de seguridad digital+ todavía no se ha enviado"
    assert "terminada en 0018" in spanish.body and "no se activa el" in spanish.short


def test_without_labels_the_card_is_secured_again(without_labels):
    without_labels.secure()
    try_to_ship(without_labels, CARDS[0], order_code("O-1"))
    undo_shipment(without_labels.station, SUSAN, "O-1", "wrong envelope")
    assert without_labels.card(CARDS[0]).state is CardState.SECURED


def test_only_a_supervisor_undoes_and_says_why(packing):
    packing.made()
    packing.ship("O-1")
    before = packing.everything()
    with pytest.raises(NotPermitted, match=f"olivia may not undo a shipment.*{Role.SUPERVISOR}"):
        undo_shipment(packing.station, OLIVIA, "O-1", "wrong envelope")
    with pytest.raises(BadInput, match="a reason"):
        undo_shipment(packing.station, SUSAN, "O-1", " ")
    with pytest.raises(NotFound, match="no order O-9"):
        undo_shipment(packing.station, SUSAN, "O-9", "wrong envelope")
    with pytest.raises(StateConflict, match="order O-2 is PLACED"):
        undo_shipment(packing.station, SUSAN, "O-2", "wrong envelope")
    assert packing.everything() == before


def test_a_card_that_its_holder_has_is_not_undone(packing):
    packing.made()
    packing.ship("O-1")
    packing.at(days=15)
    run_timers(packing.station, packing.actor)
    with pytest.raises(StateConflict, match="order O-1 is FULFILLED"):
        undo_shipment(packing.station, SUSAN, "O-1", "wrong envelope")


def test_a_locked_card_is_not_undone(packing):
    """Wrong responses came from somebody who has it."""
    packing.made()
    packing.ship("O-1")
    with packing.writing() as session:
        (assignment,) = session.scalars(select(Assignment))
        assignment.state = AssignmentState.LOCKED
        audit.record(session, packing.actor, packing.moment, "test", "O-1")
    with pytest.raises(StateConflict, match=f"card {CARDS[0]} is LOCKED for user-O-1"):
        undo_shipment(packing.station, SUSAN, "O-1", "wrong envelope")


def test_an_undone_order_may_be_cancelled_and_its_card_serve_another(packing):
    shipped_with_deposit(packing)
    undo_shipment(packing.station, SUSAN, "O-1", "ordered by mistake")
    cancel(packing.station, SUSAN, "O-1")
    assert situation(packing.station, OLIVIA).phase is Phase.IDLE
    with packing.station.database.reading() as session:
        assert session.get_one(User, "user-O-1")
    assert packing.order("O-1").state is OrderState.CANCELLED


def test_a_shipment_whose_card_is_announced_to_come_back_is_not_undone(packing):
    """R41: its holder has it, or it is received; the return would else follow the card to its next holder."""
    shipped_with_deposit(packing)
    announce(packing.station, SUSAN, CARDS[0], ReturnReason.DAMAGE, region="europe")
    before = packing.everything()
    with pytest.raises(StateConflict, match=f"card {CARDS[0]}.*announced.*receive"):
        undo_shipment(packing.station, SUSAN, "O-1", "wrong envelope")
    assert packing.everything() == before


def test_only_shipments_under_way_are_offered_to_be_undone(packing):
    """A card that its holder lost has left for good: its shipment is not undone, nor offered."""
    shipped_with_deposit(packing)
    assert [one.order for one in left_last(packing.station)] == ["O-1"]
    report(packing.station, SUSAN, CARDS[0], ReportKind.LOST)
    with pytest.raises(StateConflict, match="order O-1 is UNDELIVERED"):
        undo_shipment(packing.station, SUSAN, "O-1", "wrong envelope")
    assert left_last(packing.station) == []
