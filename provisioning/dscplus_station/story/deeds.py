"""What recurs in the story: a card ordered, made and posted; a login with each kind of device."""

from dscplus_station.codes.rules import CodeTable, asked
from dscplus_station.demo.packing import pack_and_ship
from dscplus_station.demo.virtual_cards import VirtualCard
from dscplus_station.desk.inspecting import Inspected, inspect
from dscplus_station.desk.rules import Outcome as Disposal
from dscplus_station.desk.runner import Done
from dscplus_station.desk.working import carry_out, on_the_desk
from dscplus_station.errors import NotFound, NotPermitted
from dscplus_station.login.rules import Purpose
from dscplus_station.login.service import Issued, issue_challenge
from dscplus_station.ordering import service as ordering
from dscplus_station.ordering.service import Summary
from dscplus_station.personalise.workers import Record, Workers
from dscplus_station.sessions.service import Login, log_in
from dscplus_station.shipping.service import Shipped
from dscplus_station.story.cast import CARRIER
from dscplus_station.story.stage import Stage


def confirmed(stage: Stage, order_id: str, pin: str) -> Summary:
    """From a draft that stands to the confirmation: the PIN, a look at the summary, placed."""
    ordering.choose_pin(stage.station, stage.portal, stage.keystore, order_id, pin)
    ordering.review(stage.station, stage.portal, order_id)
    return ordering.place(stage.station, stage.portal, order_id)


def made(stage: Stage, card: VirtualCard, order_id: str) -> Record:
    """Personalise the card in the warehouse's cradle for an order."""
    workers = Workers(stage.station, stage.keystore, stage.warehouse)
    (record,) = workers.serve((card.port,), order_id)
    return record


def inspect_and_restock(stage: Stage, card: VirtualCard) -> tuple[Inspected, Done]:
    """Look at a card that came back, in the returns desk's cradle, and wipe it into stock."""
    serial = card.serial_number
    with on_the_desk(stage.station, serial, card.port) as at_port:
        assert at_port is not None  # noqa: S101 (a port was given)
        looked_at = inspect(stage.station, stage.keystore, stage.warehouse, serial, at_port)
        done = carry_out(stage.station, stage.keystore, stage.warehouse, serial, Disposal.RESTOCK, at_port)
    return looked_at, done


def posted(stage: Stage, order_id: str) -> Shipped:
    """Pack an order's card and hand it to the carrier; its user is told the same hour."""
    shipped = pack_and_ship(stage.station, stage.warehouse, order_id, CARRIER, f"SAMPLE-{order_id}")
    stage.post()
    return shipped


def asked_for(stage: Stage, serial_number: str, user: str, purpose: Purpose | None = None) -> Issued:
    """The challenge that the page shows to a user who picked this device: at a login, unless it is said."""
    return issue_challenge(stage.station, stage.portal, serial_number, user, purpose)


def answered(stage: Stage, serial_number: str, user: str, question: str, answer: str) -> Login:
    """A user's answer, judged as at every login."""
    return log_in(stage.station, stage.portal, stage.keystore, serial_number, question, answer, user)


def logged_in(stage: Stage, card: VirtualCard, pin: str, user: str) -> Login:
    """A login with the card in hand: challenge read off the page, keys pressed, response typed back (R2)."""
    question = asked_for(stage, card.serial_number, user).challenge
    response = stage.press(card, f"press {pin} ok {question} ok")
    return answered(stage, card.serial_number, user, question, response)


def off_the_sheet(table: CodeTable, question: str) -> str:
    """What the holder of a code card reads at the indexes that the login page asks for (R18)."""
    return "".join(table.value(index) for index in asked(question))


def is_turned_away(stage: Stage, serial_number: str, user: str) -> bool:
    """Whether no login with this device can even begin."""
    try:
        asked_for(stage, serial_number, user)
    except (NotFound, NotPermitted):  # revoked, it is nobody's device any more
        return True
    return False
