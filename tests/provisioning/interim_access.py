"""Interim access for tests: passcodes and online cards, given by the services themselves."""

from dscplus_station.codes import rules
from dscplus_station.interim.online_card import confirm_online_card, make_online_card
from dscplus_station.interim.passcode import issue_passcode
from dscplus_station.login.rules import Outcome
from dscplus_station.login.service import issue_challenge


def issue(world, user="alice", check="called back"):
    return issue_passcode(world.station, world.actor, world.keystore, user, check, lambda _issued: None)


def give_passcode(world, user="alice"):
    """Give a user a passcode, and return it."""
    return issue(world, user).passcode.reveal()


def make_card(world, user="alice"):
    return make_online_card(world.station, world.actor, world.keystore, user)


def values(table, question):
    """What the holder of a code card reads off it."""
    return "".join(table.value(index) for index in rules.asked(question))


def other_answer(right):
    return right[:-1] + ("A" if right[-1] != "A" else "C")


def confirm(world, card, wrong=False):
    question = issue_challenge(world.station, world.actor, card.serial_number).challenge
    answer = values(card.table, question)
    if wrong:
        answer = other_answer(answer)
    return confirm_online_card(
        world.station, world.actor, world.keystore, card.serial_number, question, answer
    )


def give_online_card(world, user="alice"):
    """Take a user from the call to a confirmed online card, a minute later."""
    give_passcode(world, user)
    card = make_card(world, user)
    world.at(minutes=1)
    assert confirm(world, card).answer.outcome is Outcome.RIGHT
    return card
