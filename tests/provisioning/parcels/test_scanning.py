"""An operator's way from the order to the closed parcel, scan by scan."""

from datetime import date

import pytest
from sqlalchemy import select

from dscplus_station.actor import Actor, Role
from dscplus_station.cancellation.service import cancel
from dscplus_station.errors import BadInput, NotFound, NotPermitted, StateConflict
from dscplus_station.orders.rules import OrderState
from dscplus_station.parcels.rules import TABLE, Meaning, Phase, first_name
from dscplus_station.parcels.service import situation, what_now
from dscplus_station.parcels.taking_over import take_over
from dscplus_station.parcels.told import Tone
from dscplus_station.personalise.ending import give_up_card, place_again
from dscplus_station.scans.rules import Command, command_code, label_code, order_code
from dscplus_station.shipping.labels import issue_label
from dscplus_station.shipping.tables import ScannedPair, Shipment
from dscplus_station.stock.rules import CardState
from tests.provisioning.parcels.packing_world import BENCH, OLIVIA, PETER, SUSAN, Packing, tracking, waits
from tests.provisioning.support import CARDS

CANCEL, OK, REPRINT = (command_code(one) for one in (Command.CANCEL, Command.OK, Command.REPRINT))
OTHER_BENCH = Actor("olivia", OLIVIA.roles, "bench-2")


# --- As it should be ---


def test_a_parcel_from_the_order_to_the_activation_day(packing):
    """R14: 14 days for a first card, in the issuer's zone; the day is told as people write it."""
    told = waits(packing)
    assert told.lines() == [
        "That is order O-1, for Alice, US.",
        "Plug a card in for order O-1: Alice, US.",
    ]
    packing.claims()(1, CARDS[0])
    label = packing.made()
    told = packing.accepted(CARDS[0])
    assert told.lines() == [
        f"That is card {CARDS[0]}, made for order O-1.",
        "Scan its label. No label: scan REPRINT.",
    ]
    assert told.situation.parcel.first_name == "Alice"
    told = packing.accepted(label)
    assert told.situation.phase is Phase.PAIRED
    told = packing.accepted("RR123456785US")
    assert told.auto_activates_on == date(2026, 12, 6)
    assert told.lines() == [
        "Order O-1 is shipped by Carrier, RR123456785US. Auto-activates Sun 6 Dec 2026.",
        "Scan an order.",
    ]
    assert packing.card(CARDS[0]).state is CardState.SHIPPED
    assert packing.order("O-1").state is OrderState.SHIPPED


def test_the_day_is_told_in_the_issuers_zone(packing):
    """R13: at 20:00 in New York it is tomorrow in UTC already."""
    label = packing.made()
    packing.at(hours=9, minutes=30)
    told = packing.accepted(CARDS[0], label, "RR123456785US")
    assert packing.moment.day == 23
    assert told.auto_activates_on == date(2026, 12, 6)


def test_who_saw_the_pair_where_and_when_is_on_record(packing):
    label = packing.made()
    packing.at(minutes=5)
    packing.accepted(label, CARDS[0], "RR123456785US", by=PETER)
    with packing.station.database.reading() as session:
        (pair,) = session.scalars(select(ScannedPair))
        (shipment,) = session.scalars(select(Shipment))
    assert (pair.operator, pair.station, pair.scanned_at) == ("peter", BENCH, packing.moment)
    assert (pair.order_id, pair.serial_number) == ("O-1", CARDS[0])
    assert (shipment.pair_id, shipment.carrier, shipment.tracking) == (pair.id, "Carrier", "RR123456785US")


@pytest.mark.parametrize("first", ["card", "label"])
def test_card_and_label_are_scanned_in_either_order(packing, first):
    label = packing.made()
    scans = [CARDS[0], label] if first == "card" else [label, CARDS[0]]
    told = packing.accepted(*scans)
    assert told.what == f"Card {CARDS[0]} and this label are one pair, of order O-1."
    packing.accepted("RR123456785US")
    assert packing.is_shipped("O-1")


def test_finished_cards_are_packed_while_an_order_waits(packing):
    label = packing.made()
    waits(packing, "O-2")
    told = packing.accepted(CARDS[0], label, "RR123456785US")
    assert told.situation.phase is Phase.WAITING
    assert told.now == "Plug a card in for order O-2: Alice, US."


def test_no_street_and_no_family_name_reach_the_screen(packing):
    label = packing.made()
    for told in (waits(packing, "O-2"), packing.scan(CARDS[0]), packing.scan(label)):
        shown = f"{told.lines()} {told.situation}"
        assert "Alice" in shown
        assert "Sample" not in shown and "Road" not in shown
    assert [first_name(name) for name in ("", "Алиса Примерова", "見本 花子")] == ["", "Алиса", "見本"]


def test_the_carrier_is_known_by_its_numbers(tmp_path):
    carriers = '\n[shipping.carriers]\n"Sample Post" = "S10"\n"Sample Courier" = "1Z*"\n'
    world = Packing(tmp_path, settings=carriers)
    first, second = world.made("O-1", CARDS[0]), world.made("O-2", CARDS[1])
    assert "by Sample Post" in str(world.accepted(CARDS[0], first, "RR123456785US").what)
    world.accepted(CARDS[1], second)
    assert "no carrier of this station has numbers such as 9400110200881234567890" in world.refused(
        "9400110200881234567890", phase=Phase.PAIRED
    )
    assert "by Sample Courier" in str(world.accepted("1Z999AA10123456784").what)
    world.close()


# --- Out of place: told, and nothing is changed ---


def arrange(world, phase):
    """Bring olivia into a phase; O-1 and its card are at hand there, O-2 is made and labelled."""
    world.made("O-2", CARDS[1])
    match phase:
        case Phase.IDLE:
            pass
        case Phase.WAITING:
            waits(world)
        case Phase.STOPPED:
            waits(world)
            world.claims(settle=lambda: world.claims()(2, CARDS[3]))(1, CARDS[2])
        case Phase.CARD_SEEN:
            world.half_open()
        case Phase.LABEL_SEEN:
            world.accepted(world.made())
        case Phase.PAIRED:
            label = world.made()
            world.accepted(CARDS[0], label)
    assert situation(world.station, OLIVIA).phase is phase


SCANS = {
    Meaning.NEW_ORDER: order_code("O-3"),
    Meaning.FREE_CARD: CARDS[4],
    Meaning.MADE_CARD: CARDS[1],
    Meaning.LABEL: label_code("O-2", CARDS[1], 1),
    Meaning.TRACKING: "RR123456785US",
    Meaning.OK: OK,
    Meaning.CANCEL: CANCEL,
    Meaning.REPRINT: REPRINT,
}
EXPECTED = {
    Phase.IDLE: "Expected: an order, or a finished card.",
    Phase.WAITING: "Expected: a card for order O-1, in a slot.",
    Phase.STOPPED: "Expected: OK or CANCEL, since two cards were plugged in for order O-1.",
    Phase.CARD_SEEN: f"Expected: the label of order O-1, card {CARDS[0]}.",
    Phase.LABEL_SEEN: f"Expected: card {CARDS[0]}, the number on its back.",
    Phase.PAIRED: "Expected: the tracking number on the parcel of order O-1.",
}
OUT_OF_PLACE = [(phase, meaning) for phase in Phase for meaning in Meaning if meaning not in TABLE[phase]]


@pytest.mark.parametrize(("phase", "meaning"), OUT_OF_PLACE)
def test_a_scan_in_the_wrong_place_says_what_was_expected_and_changes_nothing(packing, phase, meaning):
    arrange(packing, phase)
    assert EXPECTED[phase] in packing.refused(SCANS[meaning], phase=phase)


IN_PLACE = {
    # phase: meaning: the phase that follows
    Phase.IDLE: {
        Meaning.NEW_ORDER: Phase.WAITING,
        Meaning.MADE_CARD: Phase.CARD_SEEN,
        Meaning.LABEL: Phase.LABEL_SEEN,
    },
    Phase.WAITING: {
        Meaning.FREE_CARD: Phase.WAITING,
        Meaning.CANCEL: Phase.IDLE,
        Meaning.MADE_CARD: Phase.CARD_SEEN,
        Meaning.LABEL: Phase.LABEL_SEEN,
    },
    Phase.STOPPED: {Meaning.OK: Phase.WAITING, Meaning.CANCEL: Phase.IDLE},
    Phase.CARD_SEEN: {Meaning.REPRINT: Phase.CARD_SEEN, Meaning.CANCEL: Phase.IDLE},
    Phase.LABEL_SEEN: {Meaning.CANCEL: Phase.IDLE},
    Phase.PAIRED: {
        Meaning.TRACKING: Phase.IDLE,
        Meaning.REPRINT: Phase.CARD_SEEN,
        Meaning.CANCEL: Phase.IDLE,
    },
}


@pytest.mark.parametrize(
    ("phase", "meaning", "follows"),
    [(phase, meaning, follows) for phase, row in IN_PLACE.items() for meaning, follows in row.items()],
)
def test_a_scan_in_place_leads_on(packing, phase, meaning, follows):
    arrange(packing, phase)
    assert packing.accepted(SCANS[meaning]).situation.phase is follows


def test_what_is_in_place_is_what_the_table_says():
    """PAIR has a test of its own: these scans are of another order's card and label."""
    pairing = {Phase.CARD_SEEN: {Meaning.LABEL}, Phase.LABEL_SEEN: {Meaning.MADE_CARD}}
    for phase in Phase:
        assert set(TABLE[phase]) == set(IN_PLACE[phase]) | pairing.get(phase, set())


@pytest.mark.parametrize("phase", [Phase.CARD_SEEN, Phase.LABEL_SEEN])
def test_another_orders_card_or_label_is_no_pair(packing, phase):
    arrange(packing, phase)
    text = SCANS[Meaning.LABEL] if phase is Phase.CARD_SEEN else CARDS[1]
    told = packing.refused(text, phase=phase)
    assert "they do not go into one envelope" in told
    assert "O-1" in told and "O-2" in told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("OP-0123456789ABCDEFGHJKX", "That is an operator's badge."),
        (command_code(Command.SUPERVISOR), "A supervisor is called."),
        ("OR.O-1.00", "This cannot be read: its check digits do not fit"),
        ("0000000019", "but the last does not fit the others"),
        ("", "nothing was read"),
        (order_code("O-99"), "Order O-99 is not known at this station."),
        (label_code("O-99", CARDS[0], 1), "no order O-99 at this station: the label is another station's"),
        ("0000009993", "Card 0000009993 is not in this station's stock."),
    ],
)
def test_what_can_never_be_in_place_is_told_by_what_it_is(packing, text, told):
    for phase in (Phase.IDLE, Phase.PAIRED):
        if phase is Phase.PAIRED:
            arrange(packing, phase)
        shown = packing.refused(text, phase=phase)
        assert told in shown
        assert "OP-" not in shown


def test_orders_in_other_states_are_told_by_their_state(packing):
    cancel(packing.station, SUSAN, "O-4")
    packing.made("O-2", CARDS[1])
    packing.reserve("O-3", CARDS[2])
    label = packing.made()
    packing.accepted(CARDS[0], label, "RR123456785US")
    assert "Order O-1 is SHIPPED." in packing.refused(order_code("O-1"))
    assert f"Card {CARDS[1]} is ready for order O-2. Scan that card and its label." in packing.refused(
        order_code("O-2")
    )
    assert f"Order O-3 is being served by card {CARDS[2]}." in packing.refused(order_code("O-3"))
    assert "Order O-4 is CANCELLED." in packing.refused(order_code("O-4"))
    assert f"Card {CARDS[0]} is SHIPPED." in packing.refused(CARDS[0])
    assert f"Card {CARDS[2]} is being made for order O-3." in packing.refused(CARDS[2])


def test_a_quarantined_card_is_told_with_its_cause(packing):
    give_up_card(packing.station, packing.actor, CARDS[3], "bent")
    told = packing.refused(CARDS[3])
    assert f"Card {CARDS[3]} is in quarantine: it was set aside by hand." in told
    assert "supervisor" in told


# --- Scanned twice, typed, noise ---


def test_the_same_scan_twice_does_nothing_and_is_no_mistake(packing):
    label = packing.made()
    for text in (order_code("O-2"), CARDS[4], CARDS[0], label):
        packing.accepted(text)
        before = packing.everything()
        told = packing.scan(text)
        assert told.tone is Tone.NOTHING
        assert packing.everything() == before
    packing.accepted("RR123456785US")
    told = packing.refused("RR123456785US")
    assert "That is the tracking number RR123456785US, of order O-1, whose parcel is closed." in told


def test_an_order_scanned_again_does_not_undo_a_stop(packing):
    arrange(packing, Phase.STOPPED)
    packing.refused(order_code("O-1"), phase=Phase.STOPPED)


def test_typing_works_as_scanning_does(packing):
    label = packing.made()
    packing.accepted(f" {order_code('O-2').lower()}\r\n", "cancel", CARDS[0], label.lower(), "trk.ab 12/3")
    assert packing.is_shipped("O-1")


def test_the_last_parcels_tracking_number_is_not_taken_for_this_one(packing):
    labels = {CARDS[0]: packing.made("O-1", CARDS[0]), CARDS[1]: packing.made("O-2", CARDS[1])}
    packing.accepted(CARDS[0], labels[CARDS[0]], tracking(1), CARDS[1], labels[CARDS[1]])
    told = packing.refused(tracking(1), phase=Phase.PAIRED)
    assert f"tracking number {tracking(1)} is on the parcel of order O-1" in told
    packing.accepted(tracking(2))
    assert packing.is_shipped("O-2")


def test_a_years_old_number_is_a_new_one(packing):
    labels = {CARDS[0]: packing.made("O-1", CARDS[0]), CARDS[1]: packing.made("O-2", CARDS[1])}
    packing.accepted(CARDS[0], labels[CARDS[0]], tracking(1))
    packing.at(days=364)
    packing.accepted(CARDS[1], labels[CARDS[1]])
    packing.refused(tracking(1))
    packing.at(days=1)
    packing.accepted(tracking(1))


def test_a_serial_number_that_ran_into_the_tracking_number_is_refused(packing):
    label = packing.half_open()
    packing.accepted(label)
    assert "ran together" in packing.refused(f"{CARDS[0]}1Z999AA1012345", phase=Phase.PAIRED)


# --- Labels ---


def test_an_earlier_label_is_void(packing):
    first = packing.made()
    second = packing.accepted(CARDS[0], REPRINT)
    assert second.label.copy == 2
    assert "label 1 of 2: the later one counts" in packing.refused(first, phase=Phase.CARD_SEEN)
    packing.accepted(second.label.barcode, "RR123456785US")
    assert packing.is_shipped("O-1")


def test_a_reprint_after_the_pair_asks_for_the_new_label(packing):
    label = packing.half_open()
    printed = packing.accepted(label, REPRINT)
    assert printed.situation.phase is Phase.CARD_SEEN
    assert "label 1 of 2" in packing.refused(label)
    packing.refused("RR123456785US", phase=Phase.CARD_SEEN)
    packing.accepted(printed.label.barcode, "RR123456785US")


@pytest.mark.parametrize("seen", [Phase.LABEL_SEEN, Phase.PAIRED])
def test_a_label_printed_anew_elsewhere_voids_the_one_that_was_scanned(packing, seen):
    arrange(packing, seen)
    issue_label(packing.station, packing.actor, "O-1")
    told = packing.scan("RR123456785US")
    assert told.tone is Tone.REFUSED
    assert "label 1 of 2: the later one counts. Scan card and label again" in str(told.what)
    assert told.situation.phase is Phase.IDLE
    assert not packing.is_shipped("O-1")


def test_a_label_never_printed_here_is_refused(packing):
    packing.half_open()
    assert "label 2 was never printed here" in packing.refused(label_code("O-1", CARDS[0], 2))


def test_the_label_of_a_former_card_is_refused(packing):
    """O-1's first card was given up; the label of the first is still on the bench."""
    label = packing.made("O-1", CARDS[0])
    with packing.writing() as session:
        place_again(session, packing.actor, packing.station.now(), "O-1", "the card broke")
    packing.secure("O-2", CARDS[1])
    assert "order O-1 is PLACED: it has no card" in packing.refused(label)


def test_a_card_without_a_label_gets_one_by_reprint(packing):
    """The station stopped between the pass and the label."""
    packing.secure()
    told = packing.accepted(CARDS[0], REPRINT)
    assert told.label.copy == 1
    assert packing.card(CARDS[0]).state is CardState.LABELLED
    packing.accepted(told.label.barcode, "RR123456785US")


def test_a_station_without_labels_scans_card_and_order(without_labels):
    world = without_labels
    world.secure()
    told = world.accepted(CARDS[0])
    assert told.now == "Scan its order."
    assert "this station prints none" in world.refused(label_code("O-1", CARDS[0], 1))
    assert "this station prints no labels" in world.refused(REPRINT)
    world.accepted(order_code("O-1"), "RR123456785US")
    assert world.is_shipped("O-1")
    with pytest.raises(StateConflict, match="prints no labels"):
        issue_label(world.station, world.actor, "O-1")


def test_without_labels_the_order_may_come_first_and_another_card_is_no_pair(without_labels):
    world = without_labels
    world.secure("O-1", CARDS[0])
    world.secure("O-2", CARDS[1])
    world.accepted(order_code("O-1"))
    assert "do not go into one envelope" in world.refused(CARDS[1], phase=Phase.LABEL_SEEN)
    world.accepted(CARDS[0], "RR123456785US")
    assert world.is_shipped("O-1") and not world.is_shipped("O-2")


# --- Several people, several stations ---


def test_an_order_is_in_one_operators_hands(packing):
    waits(packing)
    told = packing.refused(order_code("O-1"), by=PETER)
    assert "Order O-1 waits for a card already: olivia has it at bench-1." in told
    assert "olivia has it at bench-1" in packing.refused(order_code("O-1"), by=OTHER_BENCH)
    packing.accepted(CANCEL)
    waits(packing, by=PETER)


def test_a_parcel_is_open_once(packing):
    label = packing.half_open()
    for text in (CARDS[0], label):
        told = packing.refused(text, by=PETER)
        assert "The parcel of order O-1 is open already: olivia has it at bench-1." in told


def test_each_operator_has_a_parcel_of_their_own(packing):
    labels = {CARDS[0]: packing.made("O-1", CARDS[0]), CARDS[1]: packing.made("O-2", CARDS[1])}
    packing.accepted(CARDS[0])
    packing.accepted(CARDS[1], by=PETER)
    packing.refused(labels[CARDS[1]])
    packing.accepted(labels[CARDS[1]], tracking(2), by=PETER)
    packing.accepted(labels[CARDS[0]], tracking(1))


def test_what_is_at_hand_outlives_the_stations_process(packing):
    label = packing.half_open()
    waits(packing, "O-2", by=PETER)
    packing.reopen()
    assert situation(packing.station, OLIVIA).phase is Phase.CARD_SEEN
    assert situation(packing.station, PETER).waiting.order == "O-2"
    packing.accepted(label, "RR123456785US")


def test_a_supervisor_takes_over_what_was_left(packing):
    label = packing.half_open()
    waits(packing, "O-2", by=PETER)
    with pytest.raises(NotPermitted, match="peter may not take over order O-1 from olivia"):
        take_over(packing.station, PETER, "O-1", "end of shift")
    take_over(packing.station, SUSAN, "O-1", "end of shift")
    take_over(packing.station, SUSAN, "O-2", "end of shift")
    assert situation(packing.station, OLIVIA).phase is Phase.IDLE
    packing.accepted(label, "RR123456785US", by=SUSAN)
    assert situation(packing.station, SUSAN).waiting.order == "O-2"


def test_ones_own_is_taken_to_another_station(packing):
    packing.half_open()
    take_over(packing.station, OTHER_BENCH, "O-1", "moved")
    assert situation(packing.station, OTHER_BENCH).phase is Phase.CARD_SEEN
    assert situation(packing.station, OLIVIA).phase is Phase.IDLE


def test_what_cannot_be_taken_over_is_told(packing):
    packing.half_open()
    packing.made("O-2", CARDS[1])
    packing.accepted(CARDS[1], by=SUSAN)
    with pytest.raises(StateConflict, match="susan has order O-2 at hand here"):
        take_over(packing.station, SUSAN, "O-1", "end of shift")
    with pytest.raises(NotFound, match="order O-3 is in nobody's hands"):
        take_over(packing.station, SUSAN, "O-3", "end of shift")
    with pytest.raises(BadInput, match="a reason"):
        take_over(packing.station, SUSAN, "O-1", " ")


def test_who_may_do_what(packing):
    nobody = Actor("nora", frozenset({Role.STOCK}), BENCH)
    shipper = Actor("sheila", frozenset({Role.SHIPPING}), BENCH)
    maker = Actor("mike", frozenset({Role.PROVISIONING}), BENCH)
    label = packing.made("O-2", CARDS[1])
    with pytest.raises(NotPermitted, match="nora may not work at the bench"):
        packing.scan(CARDS[1], by=nobody)
    with pytest.raises(NotPermitted, match="sheila may not take an order"):
        packing.scan(order_code("O-1"), by=shipper)
    packing.accepted(CARDS[1], label, by=maker)
    with pytest.raises(NotPermitted, match="mike may not ship"):
        packing.scan("RR123456785US", by=maker)
    packing.accepted(CANCEL, by=maker)
    packing.accepted(CARDS[1], label, "RR123456785US", by=shipper)


# --- Meanwhile ---


def test_an_order_cancelled_meanwhile_waits_no_more(packing):
    waits(packing)
    cancel(packing.station, SUSAN, "O-1")
    told = packing.scan(CARDS[0])
    assert told.tone is Tone.REFUSED
    assert told.lines() == [
        "Nothing was done with this scan: order O-1 is CANCELLED meanwhile.",
        "Expected: an order, or a finished card.",
        "Scan an order.",
    ]
    waits(packing, "O-2")


@pytest.mark.parametrize("phase", [Phase.CARD_SEEN, Phase.LABEL_SEEN, Phase.PAIRED])
def test_an_order_cancelled_meanwhile_is_never_shipped(packing, phase):
    arrange(packing, phase)
    cancel(packing.station, SUSAN, "O-1")
    told = packing.scan("RR123456785US")
    assert "order O-1 is CANCELLED meanwhile" in str(told.what)
    assert told.situation.phase is Phase.IDLE


def test_a_parcel_that_was_shipped_by_command_is_open_no_more(packing):
    packing.half_open()
    packing.ship("O-1")
    assert "order O-1 is SHIPPED meanwhile" in str(packing.scan(REPRINT).what)
    assert situation(packing.station, OLIVIA).phase is Phase.IDLE


def test_what_to_do_now_is_there_without_a_scan(packing):
    assert what_now(packing.station, OLIVIA)[1] == "Scan an order."
    waits(packing)
    packing.accepted(CARDS[4])
    assert what_now(packing.station, OLIVIA)[1] == f"Plug card {CARDS[4]} in for order O-1: Alice, US."


def test_a_parcel_laid_aside_is_packed_from_the_start(packing):
    arrange(packing, Phase.PAIRED)
    packing.accepted(CANCEL)
    packing.refused("RR123456785US", phase=Phase.IDLE)
    label = issue_label(packing.station, packing.actor, "O-1").barcode
    packing.accepted(label, CARDS[0], "RR123456785US")
