"""Act one: Anna orders her first card, it is made and posted, she activates it and logs in."""

from datetime import date

from dscplus_station.activation.by_user import activate
from dscplus_station.csvfile import Row
from dscplus_station.demo.scenario import receive_cards
from dscplus_station.devices.legacy import import_legacy_devices
from dscplus_station.devices.rules import DeviceType
from dscplus_station.login.rules import Outcome
from dscplus_station.notices.contacts import set_contact
from dscplus_station.notices.rules import Channel
from dscplus_station.ordering import service as ordering
from dscplus_station.ordering.rules import Purpose
from dscplus_station.ordering.service import Wish
from dscplus_station.personalise.workers import Result
from dscplus_station.story import cast, deeds
from dscplus_station.story.cast import ANNA, FIRST_ORDER, PIN, TRUST
from dscplus_station.story.records import Records
from dscplus_station.story.stage import Fact, Stage
from dscplus_station.users.importing import import_users

SHIPPED_ON = date(2027, 3, 3)
COMPULSORY_ON = date(2027, 3, 17)
"""R14: 14 calendar days later, the change to summer time between them."""
ARRIVES_ON = date(2027, 3, 8)


def play(stage: Stage, records: Records) -> None:
    """From an empty station to a login without limits."""
    _everybody_is_known(stage, records)
    _the_order(stage, records)
    _the_warehouse(stage, records)
    _the_card_arrives(stage, records)
    _logins(stage, records)


def _everybody_is_known(stage: Stage, records: Records) -> None:
    station, keystore, portal = stage.station, stage.keystore, stage.portal
    received = receive_cards(station, stage.custodian, keystore, stage.cards)
    stage.happens(
        "the warehouse",
        f"{len(received)} virtual cards come into stock",
        *(Fact(f"card {number} is BLANK", records.card(number), "BLANK") for number in received),
    )
    known = import_users(station, portal, keystore, cast.users(), (), cast.COUNTRIES)
    for user in (ANNA, TRUST):
        set_contact(station, portal, user, email=f"{user}@example.com", mobile="+12025550123", language="en")
    old = {"serial_number": cast.OLD_CODE_CARD, "type": DeviceType.SECURITY_CODE_CARD.value, "user": TRUST}
    import_legacy_devices(station, portal, [Row(2, old)], ())
    stage.happens(
        "the portal",
        f"Anna has two user names: {ANNA}, without a device, and {TRUST}, with an old code card",
        Fact("both are on record", sorted(known.recorded), [ANNA, TRUST]),
        Fact(f"{ANNA} has no device", records.usable(ANNA), set()),
        Fact("the code card is ACTIVE", records.assignment(TRUST, cast.OLD_CODE_CARD), "ACTIVE"),
    )


def _the_order(stage: Stage, records: Records) -> None:
    station, portal = stage.station, stage.portal
    wish = Wish(FIRST_ORDER, ANNA, Purpose.FIRST)
    ordering.draft(station, portal, wish, cast.MANY, cast.OLD_ADDRESS, cast.COUNTRIES)
    moved = ordering.change_address(station, portal, FIRST_ORDER, cast.NEW_ADDRESS, cast.COUNTRIES)
    stage.happens(
        "Anna",
        "begins an order for a card, and changes the address",
        Fact("the new address stands", moved.address, cast.NEW_ADDRESS.address),
        Fact("PIN and review are still to come", records.order(FIRST_ORDER), "DRAFT"),
        Fact("nothing is held yet", records.deposit(FIRST_ORDER), None),
    )
    ordering.choose_pin(station, portal, stage.keystore, FIRST_ORDER, PIN)
    ordering.review(station, portal, FIRST_ORDER)
    again = ordering.back(station, portal, FIRST_ORDER)
    stage.happens(
        "Anna",
        "chooses a PIN, reviews the order, and goes back once more",
        Fact("Back has lost no PIN", again.pin_chosen, True),
        Fact("Back has lost no address", again.address, cast.NEW_ADDRESS.address),
    )
    ordering.review(station, portal, FIRST_ORDER)
    done = ordering.place(station, portal, FIRST_ORDER)
    stage.happens(
        "Anna",
        "confirms",
        Fact("the order is PLACED", records.order(FIRST_ORDER), "PLACED"),
        Fact("20 USD are held", records.deposit(FIRST_ORDER), ("HELD", 2000)),
        Fact("shipment is estimated for Thu 4 Mar", done.estimated_shipment_on, date(2027, 3, 4)),
    )


def _the_warehouse(stage: Stage, records: Records) -> None:
    card = stage.cards[0]
    stage.days_pass(date(2027, 3, 2))
    record = deeds.made(stage, card, FIRST_ORDER)
    stage.happens(
        "the warehouse",
        f"puts card {card.serial_number} into the cradle, and it becomes Anna's",
        Fact("every step was confirmed by the card", record.result, Result.COMPLETED),
        Fact("the card is SECURED", records.card(card.serial_number), "SECURED"),
        Fact("the order holds no PIN any more", records.pin_kept(FIRST_ORDER), False),
        Fact("Anna cannot use it yet", records.assignment(ANNA, card.serial_number), "PENDING"),
    )
    stage.days_pass(SHIPPED_ON)
    shipped = deeds.posted(stage, FIRST_ORDER)
    stage.happens(
        "the warehouse",
        f"posts it; it activates by itself on {shipped.auto_activates_on:%a %d %b %Y} at the latest",
        Fact("14 calendar days later", records.timer(FIRST_ORDER), ("RUNNING", COMPULSORY_ON.isoformat())),
        Fact(
            "Anna was told by e-mail",
            [channel for channel, _ in stage.arrived(SHIPPED_ON)],
            [Channel.EMAIL],
        ),
    )


def _the_card_arrives(stage: Stage, records: Records) -> None:
    card = stage.cards[0]
    stage.days_pass(ARRIVES_ON)
    issued = deeds.asked_for(stage, card.serial_number, ANNA)
    response = stage.press(card, f"press {PIN} ok {issued.challenge} ok")
    done = activate(
        stage.station,
        stage.portal,
        stage.keystore,
        card.serial_number,
        issued.challenge,
        response,
    )
    outcome = done.answer.outcome if done.answer is not None else None
    stage.happens(
        "Anna",
        "finds the card in her letter box, types PIN and challenge, and activates it",
        Fact("the response is right", outcome, Outcome.RIGHT),
        Fact("the card is ACTIVE for her", records.assignment(ANNA, card.serial_number), "ACTIVE"),
        Fact("the order is FULFILLED", records.order(FIRST_ORDER), "FULFILLED"),
        Fact("the timer is done", records.timer(FIRST_ORDER), ("DONE", COMPULSORY_ON.isoformat())),
    )


def _logins(stage: Stage, records: Records) -> None:
    card = stage.cards[0]
    login = deeds.logged_in(stage, card, PIN, ANNA)
    withdrawals = login.session.withdrawals if login.session else None
    stage.happens(
        "Anna",
        "logs in",
        Fact("the response is right", login.answer.outcome, Outcome.RIGHT),
        Fact("withdrawals are unlimited", withdrawals.per_day if withdrawals else 0, None),
    )
    wrong = stage.press(card, f"press {cast.OTHER_PIN} ok")
    stage.happens(
        "Anna",
        "mistypes her PIN: the card refuses it by itself",
        Fact("the display says so", wrong.startswith("WRONG"), True),
    )
    issued = deeds.asked_for(stage, card.serial_number, ANNA)
    response = stage.press(card, f"press {PIN} ok {issued.challenge} ok")
    outcomes = [
        deeds.answered(stage, card.serial_number, ANNA, issued.challenge, response).answer.outcome
        for _ in range(2)
    ]
    stage.happens(
        "somebody",
        "looks over her shoulder and types the same response a second time",
        Fact("hers was right, the second is a replay", outcomes, [Outcome.RIGHT, Outcome.REPLAYED]),
        Fact("nothing is locked", records.assignment(ANNA, card.serial_number), "ACTIVE"),
    )
