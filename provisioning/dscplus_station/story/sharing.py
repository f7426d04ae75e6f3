"""Act three: one card for two user names; then it goes back, and the deposit comes back."""

from datetime import date

from dscplus_station.login.rules import Outcome, Purpose
from dscplus_station.returns import service as returns
from dscplus_station.returns.rules import ReturnReason
from dscplus_station.sharing import service as sharings
from dscplus_station.sharing.rules import SharingState
from dscplus_station.story import cast, deeds
from dscplus_station.story.cast import ANNA, OTHER_PIN, SECOND_ORDER, TRUST
from dscplus_station.story.records import Records
from dscplus_station.story.stage import Fact, Stage

SHARED_ON = date(2027, 6, 1)
POSTED_ON = date(2027, 9, 1)
RECEIVED_ON = date(2027, 9, 7)
TOLD_OF_THE_SECOND_CARD = [
    "CARD_SHIPPED",
    "ACTIVATION_APPROACHING",
    "ACTIVATION_IMMINENT",
    "CARD_ACTIVATED",
    "RETURN_RECEIVED",
    "HOLD_RELEASED",
]


def play(stage: Stage, records: Records) -> None:
    """From the request to share to the released deposit."""
    _shared(stage, records)
    _given_back(stage, records)


def _shared(stage: Stage, records: Records) -> None:
    card = stage.cards[1]
    serial = card.serial_number
    stage.days_pass(SHARED_ON)
    question = deeds.asked_for(stage, serial, ANNA, Purpose.SHARING).challenge
    response = stage.press(card, f"press {OTHER_PIN} ok {question} ok")
    asked = sharings.request(
        stage.station, stage.portal, stage.keystore, TRUST, ANNA, serial, question, response
    )
    stage.happens(
        TRUST,
        f"asks to use {ANNA}'s card, and proves to have it in hand",
        Fact("the response is right", asked.answer.outcome, Outcome.RIGHT),
        Fact("nothing is shared yet", records.assignment(TRUST, serial), None),
    )
    state = sharings.submit(stage.station, stage.portal, stage.keystore, asked.sharing or 0)
    login = deeds.logged_in(stage, card, OTHER_PIN, TRUST)
    stage.happens(
        TRUST,
        "submits the request, and logs in with the shared card",
        Fact("approved at once: one person", state, SharingState.APPROVED),
        Fact("the old code card is DORMANT", records.assignment(TRUST, cast.OLD_CODE_CARD), "DORMANT"),
        Fact("the login is right", login.answer.outcome, Outcome.RIGHT),
        Fact(f"{ANNA} still uses it, too", records.assignment(ANNA, serial), "ACTIVE"),
    )


def _given_back(stage: Stage, records: Records) -> None:
    serial = stage.cards[1].serial_number
    stage.days_pass(POSTED_ON)
    number = returns.announce(stage.station, stage.portal, serial, ReturnReason.ACCOUNT_CLOSURE)
    returns.post(stage.station, stage.portal, number, cast.CARRIER, "SAMPLE-RETURN-1")
    stage.happens(
        "Anna",
        "wants to close the account, prints the form, and posts the card, tracked",
        Fact("the return is on its way", records.returned(number), "IN_TRANSIT"),
        Fact("until it is here, the card works", records.assignment(ANNA, serial), "ACTIVE"),
    )
    stage.days_pass(RECEIVED_ON)
    received = returns.receive(stage.station, stage.warehouse, serial)
    stage.post()
    stage.happens(
        "the returns desk",
        "opens the envelope",
        Fact("received", records.returned(number), "RECEIVED"),
        Fact("the card is RETURNED", records.card(serial), "RETURNED"),
        Fact("taken from both user names at once", sorted(received.revoked_for), [ANNA, TRUST]),
        Fact("no login with it begins", deeds.is_turned_away(stage, serial, ANNA), True),
        Fact("the old code card works again", records.usable(TRUST), {cast.OLD_CODE_CARD}),
        Fact("the deposit waits for the inspection", records.deposit(SECOND_ORDER), ("HELD", 2000)),
    )
    looked_at, done = deeds.inspect_and_restock(stage, stage.cards[1])
    stage.post()
    stage.happens(
        "the returns desk",
        "looks at the card, and wipes it into stock",
        Fact("every check passed", {one.result for one in looked_at.findings}, {"passed"}),
        Fact("recommended", looked_at.recommendation.outcome, "restock"),
        Fact("wiped and proven so", done.verdict, "restocked"),
        Fact("the card is BLANK", records.card(serial), "BLANK"),
        Fact("the return is over", records.returned(number), "DISPOSED"),
        Fact("the deposit is RELEASED", records.deposit(SECOND_ORDER), ("RELEASED", 2000)),
        Fact("Anna is told", records.notices(SECOND_ORDER).get("HOLD_RELEASED"), ["SENT"]),
    )
    notices = records.notices(SECOND_ORDER)
    stage.happens(
        "the outbox",
        "has told Anna everything about her second card, once",
        Fact("each step of it, in order", list(notices), TOLD_OF_THE_SECOND_CARD),
        Fact("each notice was sent", {state for states in notices.values() for state in states}, {"SENT"}),
        Fact("no message came twice", len(stage.references()), len(set(stage.references()))),
    )
