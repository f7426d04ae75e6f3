"""A visitor's hands at a demo's bench, and the demo's clock. Outside of a demo home there are none."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from dscplus_station.demo.choice import cards_at_hand, papers
from dscplus_station.demo.hands import STRANGER, Deed, Hands, Spoiling
from dscplus_station.demo.history.people import PIN
from dscplus_station.demo.passing import MOST_DAYS, pass_days
from dscplus_station.errors import NotFound
from dscplus_station.moved_clock import moved_clock
from dscplus_station.stock.rules import CardState
from dscplus_station.web.deps import KioskHere, SignedIn
from dscplus_station.web.kiosk import Kiosk
from dscplus_station.web.render import gettext_of, page
from dscplus_station.wording import N_

DEMO_ONLY = True
router = APIRouter()

CLONE_OF = "clone-of-"
"""Before a serial number: a copy of that card, with other keys."""
STATES = {
    CardState.BLANK: N_("Blank, in stock"),
    CardState.RESERVED: N_("Pulled out before its keys"),
    CardState.PERSONALISED: N_("Pulled out half-way"),
    CardState.VERIFIED: N_("Pulled out before the end"),
    CardState.SECURED: N_("Made, without a label"),
    CardState.LABELLED: N_("Ready to ship"),
    CardState.RETURNED: N_("Returned, to be inspected"),
    CardState.INSPECTED: N_("Inspected"),
    CardState.QUARANTINED: N_("In quarantine"),
    CardState.SHIPPED: N_("With its holder"),
    CardState.LOST: N_("Lost"),
}
SPOILINGS = {
    Spoiling.NONE: N_("Nothing wrong with it"),
    Spoiling.PULLED_HALFWAY: N_("Pulled out in the middle"),
    Spoiling.POWER_FAILS: N_("Power fails in the middle"),
    Spoiling.BAD_CONTACT: N_("Bad contact"),
    Spoiling.WORN: N_("Worn-out memory"),
    Spoiling.LOW_BATTERY: N_("Low battery"),
}


@router.get("/hands")
def show(request: Request, kiosk: KioskHere, _actor: SignedIn) -> Response:
    """The slots with what is at them, what to put in, what to scan, and the clock."""
    return _show(request, kiosk)


@router.post("/hands/{slot}/put-in")
def put_in(
    request: Request,
    kiosk: KioskHere,
    _actor: SignedIn,
    slot: int,
    card: Annotated[str, Form(max_length=24)],
    spoiling: Annotated[Spoiling, Form()] = Spoiling.NONE,
) -> Response:
    """Put a card into a slot."""
    serial = card.removeprefix(CLONE_OF)
    _hands(kiosk).put_in(slot, serial, spoiling, clone=serial != card)
    return _done(request, kiosk)


@router.post("/hands/{slot}/do")
def do(
    request: Request, kiosk: KioskHere, _actor: SignedIn, slot: int, deed: Annotated[Deed, Form()]
) -> Response:
    """Pull a card out, put it in again, cut its power, take it away."""
    _hands(kiosk).do(slot, deed)
    return _done(request, kiosk)


@router.post("/hands/{slot}/spoil")
def spoil(
    request: Request, kiosk: KioskHere, _actor: SignedIn, slot: int, spoiling: Annotated[Spoiling, Form()]
) -> Response:
    """Let something be wrong with a card from now on."""
    _hands(kiosk).spoil(slot, spoiling)
    return _done(request, kiosk)


@router.post("/hands/{slot}/press")
def press(
    request: Request,
    kiosk: KioskHere,
    _actor: SignedIn,
    slot: int,
    keys: Annotated[str, Form(max_length=60)],
) -> Response:
    """Press keys of a card, as its holder does."""
    _ = gettext_of(request)
    display = _hands(kiosk).press(slot, keys).strip()
    told = _("Slot %(slot)s: its display shows %(display)s.", slot=slot, display=display or _("nothing"))
    return _show(request, kiosk, told)


@router.post("/hands/clock")
def let_days_pass(
    kiosk: KioskHere, _actor: SignedIn, days: Annotated[int, Form(ge=1, le=MOST_DAYS)]
) -> Response:
    """Let days pass: the jobs of each night run. Sessions end meanwhile, so one signs in again."""
    kiosk.passed = pass_days(kiosk.station, days)
    return RedirectResponse("/hands", 303)


def _done(request: Request, kiosk: Kiosk) -> Response:
    if request.headers.get("hx-request"):
        return _show(request, kiosk)
    return RedirectResponse("/hands", 303)


def _show(request: Request, kiosk: Kiosk, told: str = "") -> Response:
    return page(request, "hands/page.html", told=told, **facts_of(kiosk))


def facts_of(kiosk: Kiosk) -> dict[str, Any]:
    """What the page shows."""
    slots = _hands(kiosk).slots()
    taken = [slot.serial_number for slot in slots if slot.serial_number]
    at_hand = cards_at_hand(kiosk.station, taken)
    out = at_hand[CardState.SHIPPED]
    return {
        "slots": slots,
        "at_hand": {STATES[state]: cards for state, cards in at_hand.items() if cards},
        "stranger": STRANGER,
        "clone_of": f"{CLONE_OF}{out[0]}" if out else None,
        "spoilings": SPOILINGS,
        "papers": papers(kiosk.station),
        "now": kiosk.station.now(),
        "ahead_days": moved_clock(kiosk.station.home).ahead().days,
        "passed": kiosk.passed,
        "holders_pin": PIN,
    }


def _hands(kiosk: Kiosk) -> Hands:
    if kiosk.hands is None:
        raise NotFound("there is no such page: this station is no demo")
    return kiosk.hands
