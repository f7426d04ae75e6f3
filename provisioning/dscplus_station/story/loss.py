"""Act two: the card is lost. A passcode by phone, an online card, and a replacement on its way."""

from datetime import date

from dscplus_station.actor import Actor
from dscplus_station.devices.rules import DeviceType
from dscplus_station.errors import StationError
from dscplus_station.interim.online_card import OnlineCard, confirm_online_card, make_online_card
from dscplus_station.interim.passcode import IssuedPasscode, issue_passcode
from dscplus_station.login.rules import Outcome
from dscplus_station.losses.rules import ReportKind
from dscplus_station.losses.service import report
from dscplus_station.ordering import service as ordering
from dscplus_station.ordering.rules import Purpose
from dscplus_station.ordering.service import Wish
from dscplus_station.personalise.workers import Result
from dscplus_station.returns.deposits import capture
from dscplus_station.story import cast, deeds
from dscplus_station.story.cast import ANNA, FIRST_ORDER, OTHER_PIN, SECOND_ORDER
from dscplus_station.story.records import Records
from dscplus_station.story.stage import Fact, Stage

LOST_ON = date(2027, 4, 12)
SHIPPED_ON = date(2027, 4, 14)
CALLS_AGAIN_ON = date(2027, 4, 30)
ACTIVATES_ON = date(2027, 5, 5)


def play(stage: Stage, records: Records) -> None:
    """From the call to the replacement that has activated itself."""
    _the_card_is_lost(stage, records)
    first = _interim_access(stage, records)
    _the_replacement(stage, records)
    _the_deposit_of_the_lost_card(stage, records)
    second = _interim_access_again(stage, records, first)
    _it_activates_itself(stage, records, second)


def _the_card_is_lost(stage: Stage, records: Records) -> None:
    lost = stage.cards[0].serial_number
    stage.days_pass(LOST_ON)
    stage.later(hours=2)
    report(stage.station, stage.phone, lost, ReportKind.LOST, "left in a taxi")
    stage.post()
    stage.happens(
        "Anna",
        "calls: the card is lost",
        Fact("the card is LOST", records.card(lost), "LOST"),
        Fact("it is REVOKED for her at once", records.assignment(ANNA, lost), "REVOKED"),
        Fact("no login with it begins", deeds.is_turned_away(stage, lost, ANNA), True),
        Fact("she is told", "CARD_REPORTED" in records.notices(FIRST_ORDER), True),
        Fact("nothing is charged yet", records.deposit(FIRST_ORDER), ("HELD", 2000)),
    )
    wish = Wish(SECOND_ORDER, ANNA, Purpose.REPLACEMENT, replaces=lost)
    try:
        ordering.draft(stage.station, stage.portal, wish, None, None, cast.COUNTRIES)
        refused = False
    except StationError:
        refused = True
    stage.happens(
        "Anna",
        "tries to order a replacement before she is let in again",
        Fact("it is refused: interim access comes first", refused, True),
    )


def _passcode(stage: Stage) -> IssuedPasscode:
    return issue_passcode(
        stage.station,
        stage.phone,
        stage.keystore,
        ANNA,
        "called back, sample questions",
        lambda _issued: None,
    )


def _interim_access(stage: Stage, records: Records) -> OnlineCard:
    issued = _passcode(stage)
    login = deeds.answered(stage, issued.serial_number, ANNA, "", issued.passcode.reveal())
    stage.happens(
        "client services",
        "makes sure that it is Anna, and reads her a temporary passcode",
        Fact("it logs her in", login.answer.outcome, Outcome.RIGHT),
        Fact("with full access, for now", login.session.portal_only if login.session else None, False),
    )
    try:
        _passcode(stage)
        refused = False
    except StationError:
        refused = True
    stage.happens(
        "Anna",
        "asks for another passcode",
        Fact("never two in a row", refused, True),
    )
    return _online_card(stage, records, "prints an online code card in the portal, and confirms it", issued)


def _online_card(stage: Stage, records: Records, what: str, passcode: IssuedPasscode) -> OnlineCard:
    card = make_online_card(stage.station, stage.portal, stage.keystore, ANNA)
    stage.later(minutes=3)
    question = deeds.asked_for(stage, card.serial_number, ANNA).challenge
    answer = deeds.off_the_sheet(card.table, question)
    done = confirm_online_card(
        stage.station, stage.portal, stage.keystore, card.serial_number, question, answer
    )
    stage.later(minutes=1)
    question = deeds.asked_for(stage, card.serial_number, ANNA).challenge
    answer = deeds.off_the_sheet(card.table, question)
    login = deeds.answered(stage, card.serial_number, ANNA, question, answer)
    stage.happens(
        "Anna",
        what,
        Fact(
            "the values at two indexes are right",
            done.answer.outcome if done.answer is not None else None,
            Outcome.RIGHT,
        ),
        Fact("the passcode has ended with it", records.assignment(ANNA, passcode.serial_number), "REVOKED"),
        Fact("the next login is with the card", login.answer.outcome, Outcome.RIGHT),
        Fact(
            "it is an online card's session",
            login.session.device if login.session else None,
            DeviceType.ONLINE_CODE_CARD,
        ),
    )
    return card


def _the_replacement(stage: Stage, records: Records) -> None:
    lost, card = stage.cards[0].serial_number, stage.cards[1]
    wish = Wish(SECOND_ORDER, ANNA, Purpose.REPLACEMENT, replaces=lost)
    drafted = ordering.draft(stage.station, stage.portal, wish, None, None, cast.COUNTRIES)
    deeds.confirmed(stage, SECOND_ORDER, OTHER_PIN)
    stage.happens(
        "Anna",
        "orders a replacement, with another PIN",
        Fact("the address is that of her last order", drafted.address, cast.NEW_ADDRESS.address),
        Fact("the order is PLACED", records.order(SECOND_ORDER), "PLACED"),
        Fact("it has a deposit of its own", records.deposit(SECOND_ORDER), ("HELD", 2000)),
    )
    stage.days_pass(SHIPPED_ON)
    record = deeds.made(stage, card, SECOND_ORDER)
    shipped = deeds.posted(stage, SECOND_ORDER)
    stage.happens(
        "the warehouse",
        f"makes card {card.serial_number} and posts it",
        Fact("every step was confirmed by the card", record.result, Result.COMPLETED),
        Fact("21 calendar days run", records.timer(SECOND_ORDER), ("RUNNING", ACTIVATES_ON.isoformat())),
        Fact("the gap is told: the online card ends before it", shipped.warning is not None, True),
    )


def _the_deposit_of_the_lost_card(stage: Stage, records: Records) -> None:
    reporter = Actor(stage.phone.operator, stage.supervisor.roles, stage.phone.station)
    try:
        capture(stage.station, reporter, FIRST_ORDER)
        refused = False
    except StationError:
        refused = True
    capture(stage.station, stage.supervisor, FIRST_ORDER)
    stage.post()
    stage.happens(
        "a supervisor",
        "captures the deposit of the lost card, as a second person",
        Fact("who reported the loss may not, supervisor or not", refused, True),
        Fact("it is CAPTURED", records.deposit(FIRST_ORDER), ("CAPTURED", 2000)),
        Fact("the other one is untouched", records.deposit(SECOND_ORDER), ("HELD", 2000)),
        Fact("Anna is told", records.notices(FIRST_ORDER).get("HOLD_CAPTURED"), ["SENT"]),
    )


def _interim_access_again(stage: Stage, records: Records, first: OnlineCard) -> OnlineCard:
    stage.days_pass(CALLS_AGAIN_ON)
    stage.happens(
        "the post",
        "has been slow; the notice of the coming activation has reached Anna on Wed 28 Apr",
        Fact(
            "seven days before, by e-mail",
            records.notices(SECOND_ORDER).get("ACTIVATION_APPROACHING"),
            ["SENT"],
        ),
        Fact("on that very day", len(stage.arrived(date(2027, 4, 28))), 1),
    )
    issued = _passcode(stage)
    second = _online_card(stage, records, "calls again and prints a new online card, against the gap", issued)
    stage.happens(
        "Anna",
        "throws the old sheet away",
        Fact("it has ended", records.assignment(ANNA, first.serial_number), "REVOKED"),
    )
    return second


def _it_activates_itself(stage: Stage, records: Records, online: OnlineCard) -> None:
    lost, card = stage.cards[0].serial_number, stage.cards[1]
    stage.days_pass(date(2027, 5, 4))
    stage.happens(
        "the post",
        "brings the card, and the second notice comes: tomorrow",
        Fact(
            "one day before, by e-mail and text message",
            records.notices(SECOND_ORDER).get("ACTIVATION_IMMINENT"),
            ["SENT", "SENT"],
        ),
        Fact("it is not active yet", records.assignment(ANNA, card.serial_number), "PENDING"),
    )
    stage.days_pass(ACTIVATES_ON)
    notices = records.notices(SECOND_ORDER)
    stage.happens(
        "nobody",
        "does anything: the card activates itself",
        Fact("it is ACTIVE", records.assignment(ANNA, card.serial_number), "ACTIVE"),
        Fact("the order is FULFILLED", records.order(SECOND_ORDER), "FULFILLED"),
        Fact("interim access has ended with it", records.assignment(ANNA, online.serial_number), "REVOKED"),
        Fact("the lost card stays REVOKED", records.assignment(ANNA, lost), "REVOKED"),
        Fact("it is the only device that she can use", records.usable(ANNA), {card.serial_number}),
        Fact("she is told", notices.get("CARD_ACTIVATED"), ["SENT", "SENT"]),
    )
    login = deeds.logged_in(stage, card, OTHER_PIN, ANNA)
    stage.happens("Anna", "logs in with it", Fact("right", login.answer.outcome, Outcome.RIGHT))
