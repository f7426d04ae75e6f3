"""The page of one card and of one order: what they are, their whole life, what can be done with them."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from dscplus_station import overview
from dscplus_station.activation.service import revoke_card
from dscplus_station.actor import Actor, Role
from dscplus_station.cancellation.service import cancel
from dscplus_station.errors import NotFound
from dscplus_station.lists.life import Event, life_of_card, life_of_order, logins_by_day
from dscplus_station.lists.service import LISTINGS
from dscplus_station.login.service import release_lock
from dscplus_station.losses.rules import ReportKind
from dscplus_station.losses.service import report
from dscplus_station.parcels.undoing import undo_shipment
from dscplus_station.personalise.ending import give_up_card
from dscplus_station.quarantine.service import history
from dscplus_station.quarantine.tables import Quarantine
from dscplus_station.shipping.service import report_undelivered
from dscplus_station.station import Station
from dscplus_station.web.deps import KioskHere, SignedIn
from dscplus_station.web.evidence import evidence_lines
from dscplus_station.web.language import language_of, recorded
from dscplus_station.web.lists.states import COLOURS, WORDS
from dscplus_station.web.render import gettext_of, page
from dscplus_station.wording import N_

router = APIRouter()

LIFE = {
    "stock.receive": N_("Received into stock, from batch %(batch)s"),
    "card.BLANK": N_("Blank again: %(because)s"),
    "card.RESERVED": N_("Reserved: %(because)s"),
    "card.SHIPPED": N_("Handed to a carrier: %(because)s"),
    "card.RETURNED": N_("Came back: %(because)s"),
    "card.INSPECTED": N_("Inspected: %(because)s"),
    "card.SCRAPPED": N_("Scrapped: %(because)s"),
    "card.QUARANTINED": N_("Set aside: %(because)s"),
    "card.LOST": N_("Lost: %(because)s"),
    "card.report": N_("Reported: %(kind)s, order %(order)s"),
    "run.KEYS_ROTATED": N_("Keys rotated"),
    "run.SEED_STORED": N_("Seed stored"),
    "run.PIN_SET": N_("PIN set"),
    "run.VERIFIED": N_("Answers verified"),
    "run.SECURED": N_("Secured"),
    "run.COMPLETED": N_("Personalisation completed for order %(order)s"),
    "run.QUARANTINED": N_("Personalisation ended: the card was set aside"),
    "run.CANCELLED": N_("Personalisation ended: the card was given back"),
    "order.bind": N_("Card %(serial_number)s serves order %(subject)s"),
    "order.release": N_("Card %(serial_number)s serves the order no more: %(because)s"),
    "order.cancel": N_("Order %(subject)s cancelled"),
    "order.DRAFT": N_("Order begun"),
    "order.REVIEW": N_("Order reviewed"),
    "order.PLACED": N_("Order placed: %(because)s"),
    "order.IN_PROVISIONING": N_("Order in provisioning: %(because)s"),
    "order.SHIPPED": N_("Order shipped: %(because)s"),
    "order.FULFILLED": N_("Order fulfilled: %(because)s"),
    "order.CANCELLED": N_("Order cancelled: %(because)s"),
    "order.UNDELIVERED": N_("Order undelivered: %(because)s"),
    "orders.import": N_("Order taken from a file"),
    "shipping.ship": N_("Shipped on %(shipped_on)s"),
    "activation.timer": N_("Activates by itself on %(due_on)s"),
    "activation.timer.DONE": N_("Activation date settled: %(because)s"),
    "activation.timer.STOPPED": N_("Activation date void: %(because)s"),
    "assignment.ACTIVE": N_("Active for %(user)s: %(because)s"),
    "assignment.PENDING": N_("Pending for %(user)s: %(because)s"),
    "assignment.LOCKED": N_("Locked for %(user)s: %(because)s"),
    "assignment.DORMANT": N_("Dormant for %(user)s: %(because)s"),
    "assignment.REVOKED": N_("Revoked for %(user)s: %(because)s"),
    "device.end": N_("Its secrets were erased from the records: %(because)s"),
    "hold.HELD": N_("Deposit held"),
    "hold.card": N_("Deposit tied to card %(serial_number)s"),
    "hold.RELEASED": N_("Deposit released: %(because)s"),
    "hold.CAPTURED": N_("Deposit captured: %(because)s"),
    "return.ANNOUNCED": N_("Return announced: %(reason)s"),
    "return.IN_TRANSIT": N_("Return posted"),
    "return.RECEIVED": N_("Return received"),
    "return.INSPECTED": N_("Return inspected"),
    "return.DISPOSED": N_("Return closed"),
    "quarantine.resolve": N_("Quarantine resolved: %(resolution)s, %(note)s"),
    "card.LABELLED": N_("Labelled: %(because)s"),
    "shipping.label": N_("Label %(copy)s issued for card %(serial_number)s"),
    "printing.label": N_("Label %(copy)s sent to the printer: %(because)s"),
    "printing.tag": N_("Quarantine tag printed"),
    "shipping.pair": N_("Card %(serial_number)s and its label scanned as one pair"),
    "shipping.undo": N_("Shipment undone: %(because)s"),
    "desk.inspect": N_("Inspected, recommended: %(outcome)s (%(reasons)s)"),
    "desk.condition": N_("Condition noted: %(condition)s"),
    "desk.restock": N_("Restocking begun: %(because)s"),
    "desk.scrap": N_("Scrapping begun: %(because)s"),
    "disposal.WIPED": N_("Wiped"),
    "disposal.PROVEN": N_("Proven: the old seed and PIN are gone"),
    "disposal.KEYS_ROTATED": N_("Restock keys in"),
    "disposal.TERMINATED": N_("Terminated"),
    "disposal.COMPLETED": N_("The desk is done with it"),
    "disposal.QUARANTINED": N_("The desk set it aside"),
    "return.judged": N_("Return judged for the deposit: %(end)s"),
    "notice.CARD_SHIPPED": N_("The holder is told: shipped"),
    "notice.ACTIVATION_APPROACHING": N_("The holder is told: activates before long"),
    "notice.ACTIVATION_IMMINENT": N_("The holder is told: activates very soon"),
    "notice.CARD_ACTIVATED": N_("The holder is told: active"),
    "notice.SHIPMENT_UNDONE": N_("The holder is told: not shipped after all"),
    "notice.CARD_UNDELIVERED": N_("The holder is told: not delivered"),
    "notice.CARD_REPORTED": N_("The holder is told: reported"),
    "notice.RETURN_RECEIVED": N_("The holder is told: return received"),
    "notice.HOLD_RELEASED": N_("The holder is told: deposit released"),
    "notice.HOLD_CAPTURED": N_("The holder is told: deposit captured"),
    "notice.withdraw": N_("What waited to be told is withdrawn"),
    "sharing.REQUESTED": N_("Sharing asked for by %(requester)s"),
    "sharing.PENDING": N_("Sharing with %(requester)s waits for compliance"),
    "sharing.APPROVED": N_("Shared with %(requester)s"),
    "sharing.REJECTED": N_("Sharing with %(requester)s rejected"),
    "sharing.CANCELLED": N_("Sharing with %(requester)s ended"),
}
"""What the audit trail's deeds are in words; a deed without words is shown as it is written there."""


NAMED = frozenset(WORDS)
"""States, causes and kinds in a deed's details, which are told in words."""


@dataclass(frozen=True)
class Deed:
    """Something that can be done with a card or an order: by whom, in which states, what it needs.

    `asks`: the field that the form has, beside the confirmation.
    """

    name: str
    role: Role
    states: frozenset[str]
    warning: str
    done: str
    asks: str | None = None


CARD_DEEDS = {
    "report": Deed(
        N_("Report lost, stolen, damaged …"),
        Role.CLIENT_SERVICES,
        frozenset({"SHIPPED", "LOST"}),
        N_("Nobody can use the card any more from this moment on; its deposit ends by what is reported."),
        N_("The card is reported."),
        "report",
    ),
    "revoke": Deed(
        N_("Revoke for all its users"),
        Role.CLIENT_SERVICES,
        frozenset({"SECURED", "SHIPPED"}),
        N_("All its users lose the card, for good; one in the post will not activate."),
        N_("The card is revoked."),
        "reason",
    ),
    "release": Deed(
        N_("Release a lock"),
        Role.SUPERVISOR,
        frozenset({"SHIPPED", "SECURED"}),
        N_("The user may try again. Be sure who is calling."),
        N_("The lock is released."),
        "user",
    ),
    "set-aside": Deed(
        N_("Set aside"),
        Role.PROVISIONING,
        frozenset({"BLANK", "RESERVED", "PERSONALISED", "VERIFIED", "RETURNED", "INSPECTED"}),
        N_("The card goes onto the quarantine shelf; another one will serve its order."),
        N_("The card is set aside."),
        "reason",
    ),
}

ORDER_DEEDS = {
    "cancel": Deed(
        N_("Cancel the order"),
        Role.ORDERS,
        frozenset({"DRAFT", "REVIEW", "PLACED", "IN_PROVISIONING"}),
        N_("Its PIN is erased, its deposit released, its card let go. This cannot be undone."),
        N_("The order is cancelled."),
    ),
    "undelivered": Deed(
        N_("It never arrived"),
        Role.SHIPPING,
        frozenset({"SHIPPED"}),
        N_("Its card will not activate, and its user is revoked (R16). This cannot be undone."),
        N_("The order is undelivered."),
    ),
    "undo-shipment": Deed(
        N_("Undo the shipment"),
        Role.SUPERVISOR,
        frozenset({"SHIPPED"}),
        N_("For a parcel that was booked by mistake and is still here: order and card are as before."),
        N_("The shipment is undone."),
        "reason",
    ),
}


@router.get("/cards/{serial_number}")
def card(request: Request, kiosk: KioskHere, actor: SignedIn, serial_number: str, done: str = "") -> Response:
    """One card, with its whole life."""
    actor.require_one_of(LISTINGS["cards"].roles, "look at cards")
    station = kiosk.station
    found = overview.card(station, serial_number)
    held = overview.order(station, found["order"])["holds"] if found["order"] else []
    return page(
        request,
        "lists/card.html",
        card=found,
        holds=held,
        cases=_cases(station, serial_number),
        evidence=partial(evidence_lines, _=gettext_of(request), recorded=recorded(language_of(request))),
        life=_told(request, life_of_card(station, serial_number)),
        logins=logins_by_day(station, serial_number),
        deeds=_deeds(CARD_DEEDS, actor, found["state"], f"/cards/{serial_number}"),
        done=CARD_DEEDS[done].done if done in CARD_DEEDS else None,
        words=WORDS,
        colours=COLOURS,
    )


@router.get("/orders/{order}")
def order(request: Request, kiosk: KioskHere, actor: SignedIn, order: str, done: str = "") -> Response:
    """One order, with its whole life."""
    actor.require_one_of(LISTINGS["orders"].roles, "look at orders")
    found = overview.order(kiosk.station, order)
    return page(
        request,
        "lists/order.html",
        order=found,
        life=_told(request, life_of_order(kiosk.station, order)),
        deeds=_deeds(ORDER_DEEDS, actor, found["state"], f"/orders/{quote(order, safe='')}"),
        done=ORDER_DEEDS[done].done if done in ORDER_DEEDS else None,
        words=WORDS,
        colours=COLOURS,
    )


@router.get("/cards/{serial_number}/{deed}")
def ask_card(request: Request, kiosk: KioskHere, actor: SignedIn, serial_number: str, deed: str) -> Response:
    """What a deed does, and the question whether it is meant."""
    found = overview.card(kiosk.station, serial_number)
    users = [one["user"] for one in found["users"] if one["assignment"] == "LOCKED"]
    chosen = _deed(CARD_DEEDS, deed)
    actor.require(chosen.role, "do this")
    path = f"/cards/{serial_number}"
    return page(
        request,
        "lists/deed.html",
        deed=chosen,
        path=path,
        name=deed,
        users=users,
        kinds=list(ReportKind),
        words=WORDS,
    )


@router.post("/cards/{serial_number}/{deed}")
def do_card(
    kiosk: KioskHere,
    actor: SignedIn,
    serial_number: str,
    deed: str,
    reason: Annotated[str, Form(max_length=300)] = "",
    kind: Annotated[ReportKind, Form()] = ReportKind.LOST,
    user: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Do it; the services guard who may, and whether the card is in a state for it."""
    _deed(CARD_DEEDS, deed)
    station = kiosk.station
    done: dict[str, Callable[[], object]] = {
        "report": lambda: report(station, actor, serial_number, kind, reason or None),
        "revoke": lambda: revoke_card(station, actor, serial_number, reason),
        "release": lambda: release_lock(station, actor, serial_number, user or None),
        "set-aside": lambda: give_up_card(station, actor, serial_number, reason),
    }
    done[deed]()
    return RedirectResponse(f"/cards/{serial_number}?done={deed}", 303)


@router.get("/orders/{order}/{deed}")
def ask_order(request: Request, kiosk: KioskHere, actor: SignedIn, order: str, deed: str) -> Response:
    """What a deed does, and the question whether it is meant."""
    overview.order(kiosk.station, order)
    chosen = _deed(ORDER_DEEDS, deed)
    actor.require(chosen.role, "do this")
    path = f"/orders/{quote(order, safe='')}"
    return page(
        request, "lists/deed.html", deed=chosen, path=path, name=deed, users=[], kinds=[], words=WORDS
    )


@router.post("/orders/{order}/{deed}")
def do_order(
    kiosk: KioskHere,
    actor: SignedIn,
    order: str,
    deed: str,
    reason: Annotated[str, Form(max_length=300)] = "",
) -> Response:
    """Do it; the services guard who may, and whether the order is in a state for it."""
    _deed(ORDER_DEEDS, deed)
    station: Station = kiosk.station
    done: dict[str, Callable[[], object]] = {
        "cancel": lambda: cancel(station, actor, order),
        "undelivered": lambda: report_undelivered(station, actor, order),
        "undo-shipment": lambda: undo_shipment(station, actor, order, reason),
    }
    done[deed]()
    return RedirectResponse(f"/orders/{quote(order, safe='')}?done={deed}", 303)


def _cases(station: Station, serial_number: str) -> list[Quarantine]:
    try:
        return history(station, serial_number)
    except NotFound:
        return []


def _deed(deeds: dict[str, Deed], name: str) -> Deed:
    if name not in deeds:
        raise NotFound("there is no such deed: {deeds}", deeds=", ".join(deeds))
    return deeds[name]


def _deeds(deeds: dict[str, Deed], actor: Actor, state: str, path: str) -> list[tuple[str, Deed]]:
    """What this operator can do with it now, and where that is asked."""
    return [
        (f"{path}/{name}", deed)
        for name, deed in deeds.items()
        if deed.role in actor.roles and state in deed.states
    ]


def _told(request: Request, events: list[Event]) -> list[tuple[Event, str]]:
    """The events with their words, the newest first."""
    _ = gettext_of(request)

    def words(event: Event) -> str:
        named = {name: _(WORDS[fact]) if fact in NAMED else fact for name, fact in event.details.items()}
        facts: dict[str, Any] = defaultdict(lambda: "–", named)
        facts["subject"] = event.subject
        return _(LIFE[event.action]) % facts if event.action in LIFE else event.action

    return [(event, words(event)) for event in reversed(events)]
