"""A card's life: what happened to it and to its orders while it served them; logins as counts a day only."""

from dscplus_station import audit
from dscplus_station.activation.by_user import activate
from dscplus_station.lists.life import life_of_card, life_of_order, logins_by_day
from dscplus_station.login.rules import Purpose
from dscplus_station.login.service import check_login, issue_challenge
from tests.provisioning.support import CARDS, order_values, other_response


def test_logins_are_counts_by_day_and_no_moments(world):
    world.stock()
    world.shipped()
    station, actor, serial = world.station, world.actor, CARDS[0]
    question = issue_challenge(station, actor, serial, None, Purpose.ACTIVATION).challenge
    activate(station, actor, world.keystore, serial, question, world.response(serial, question))
    for days, right in ((0, True), (0, True), (1, False)):
        world.at(days=days, minutes=10)
        question = issue_challenge(station, actor, serial, None, Purpose.LOGIN).challenge
        answer = world.response(serial, question)
        check_login(
            station, actor, world.keystore, serial, question, answer if right else other_response(answer)
        )
    found = [(one.day.isoformat(), one.right, one.refused) for one in logins_by_day(station, serial)]
    assert found == [("2026-11-23", 0, 1), ("2026-11-22", 3, 0)]  # the activation's answer is one of them
    assert not [one for one in life_of_card(station, serial) if one.action.startswith("login.")]


def test_a_life_has_of_an_order_what_happened_while_the_card_served_it(world):
    world.stock()
    world.place(order_values())
    world.at(hours=1)
    world.secure()
    life = life_of_card(world.station, CARDS[0])
    assert life[0].action == "stock.receive"
    assert [one.at for one in life] == sorted(one.at for one in life)
    assert "orders.import" not in {one.action for one in life}
    assert {one.action for one in life_of_order(world.station, "O-1")} >= {"orders.import", "order.bind"}
    assert {(one.operator, one.station) for one in life} == {("olivia", "bench-1")}


def test_the_steps_of_a_run_have_their_seconds(world):
    world.stock()
    world.place(order_values())
    run = world.reserve()
    for seconds, step in ((2, "KEYS_ROTATED"), (3, "SEED_STORED")):
        world.at(seconds=seconds)
        with world.writing() as session:
            audit.record(session, world.actor, world.moment, f"run.{step}", CARDS[0], run=run)
    life = life_of_card(world.station, CARDS[0])
    timed = [(one.action, one.seconds) for one in life if one.action.startswith("run.")]
    assert timed == [("run.KEYS_ROTATED", 2.0), ("run.SEED_STORED", 3.0)]
