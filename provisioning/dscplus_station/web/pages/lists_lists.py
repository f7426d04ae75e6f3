"""The pages of lists: search, filters, sorting, pages; all of a view as CSV."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response, StreamingResponse

from dscplus_station.actor import Actor
from dscplus_station.errors import BadInput, NotFound, StationError
from dscplus_station.http_status import status_of
from dscplus_station.lists.rules import View, read_view, write_view
from dscplus_station.lists.service import EXPORT_ROLES, LISTINGS, export, look
from dscplus_station.lists.walk import Listing
from dscplus_station.orders.service import get_order
from dscplus_station.scans.rules import CardScan, LabelScan, OrderScan, TrackingScan, parse
from dscplus_station.station import Station
from dscplus_station.stock.service import get_card
from dscplus_station.web.deps import KioskHere, SignedIn
from dscplus_station.web.lists.states import COLOURS, WORDS
from dscplus_station.web.render import page
from dscplus_station.wording import N_

router = APIRouter()

IN_MEMORY = 1 << 20
"""Bytes of an export that are kept in memory; a larger one waits in a file without a name."""

PIECE = 1 << 16


@dataclass(frozen=True)
class Column:
    """A column of a page: what of a row it shows, as what, and the sort that its head chooses."""

    field: str
    name: str
    kind: str = "text"
    sort: str | None = None


@dataclass(frozen=True)
class Sheet:
    """How a list is shown: its address, its name, its columns, what is said when nothing is there."""

    path: str
    name: str
    columns: tuple[Column, ...]
    empty: str


SHEETS = {
    "cards": Sheet(
        "/cards",
        N_("Cards"),
        (
            Column("serial_number", N_("Card"), "serial", "serial"),
            Column("state", N_("State"), "state"),
            Column("batch", N_("Batch")),
            Column("order", N_("Order"), "order"),
            Column("user", N_("User")),
            Column("assignment", N_("Assignment"), "state"),
            Column("shipped_on", N_("Shipped"), "day"),
            Column("auto_activates_on", N_("Activates by itself"), "day"),
            Column("changed_at", N_("Last change"), "moment", "changed"),
        ),
        N_("No card is like that."),
    ),
    "orders": Sheet(
        "/orders",
        N_("Orders"),
        (
            Column("order", N_("Order"), "order", "order"),
            Column("state", N_("State"), "state"),
            Column("kind", N_("Kind"), "state"),
            Column("user", N_("User")),
            Column("country", N_("Country")),
            Column("serial_number", N_("Card"), "serial"),
            Column("placed_at", N_("Placed"), "moment", "placed"),
            Column("auto_activates_on", N_("Activates by itself"), "day"),
            Column("changed_at", N_("Last change"), "moment", "changed"),
        ),
        N_("No order is like that."),
    ),
    "shipments": Sheet(
        "/shipments",
        N_("Shipments"),
        (
            Column("shipped_on", N_("Shipped"), "day", "shipped"),
            Column("tracking", N_("Tracking number"), "number"),
            Column("carrier", N_("Carrier")),
            Column("order", N_("Order"), "order"),
            Column("serial_number", N_("Card"), "serial"),
            Column("user", N_("User")),
            Column("country", N_("Country")),
            Column("auto_activates_on", N_("Activates by itself"), "day", "due"),
            Column("timer", N_("Timer"), "state"),
        ),
        N_("No shipment is like that."),
    ),
    "quarantine": Sheet(
        "/quarantine",
        N_("Cards set aside"),
        (
            Column("serial_number", N_("Card"), "serial"),
            Column("cause", N_("Cause"), "state"),
            Column("opened_at", N_("Set aside on"), "moment", "opened"),
            Column("resolved_at", N_("Resolved"), "moment"),
            Column("resolution", N_("Resolution"), "state"),
            Column("resolved_by", N_("By")),
            Column("note", N_("Note")),
        ),
        N_("No card was set aside."),
    ),
    "notices": Sheet(
        "/notices",
        N_("Notices"),
        (
            Column("queued_at", N_("Queued"), "moment", "queued"),
            Column("kind", N_("Notice"), "state"),
            Column("order", N_("Order"), "order"),
            Column("user", N_("User")),
            Column("channel", N_("Channel"), "state"),
            Column("state", N_("State"), "state"),
            Column("attempts", N_("Attempts"), "amount"),
            Column("sent_at", N_("Sent"), "moment"),
            Column("trouble", N_("Trouble")),
        ),
        N_("No notice is like that."),
    ),
    "audit": Sheet(
        "/audit",
        N_("Audit trail"),
        (
            Column("at", N_("When"), "moment", "at"),
            Column("operator", N_("Who")),
            Column("station", N_("Station")),
            Column("action", N_("Deed")),
            Column("subject", N_("Subject"), "number"),
            Column("details", N_("Details"), "details"),
        ),
        N_("No deed is like that."),
    ),
}

FILTERS = {
    "state": N_("State"),
    "batch": N_("Batch"),
    "kind": N_("Kind"),
    "carrier": N_("Carrier"),
    "timer": N_("Timer"),
    "cause": N_("Cause"),
    "operator": N_("Who"),
    "action": N_("Deed"),
}
SEARCHES = {
    "serial": N_("Card"),
    "order": N_("Order"),
    "user": N_("User"),
    "tracking": N_("Tracking number"),
    "subject": N_("Subject"),
}


@router.get("/cards")
def cards(request: Request, kiosk: KioskHere, actor: SignedIn) -> Response:
    """The list of cards."""
    return _list(request, kiosk.station, actor, "cards")


@router.get("/orders")
def orders(request: Request, kiosk: KioskHere, actor: SignedIn) -> Response:
    """The list of orders."""
    return _list(request, kiosk.station, actor, "orders")


@router.get("/shipments")
def shipments(request: Request, kiosk: KioskHere, actor: SignedIn) -> Response:
    """The list of shipments."""
    return _list(request, kiosk.station, actor, "shipments")


@router.get("/quarantine")
def quarantine(request: Request, kiosk: KioskHere, actor: SignedIn) -> Response:
    """The list of cards that were set aside."""
    return _list(request, kiosk.station, actor, "quarantine")


@router.get("/notices")
def notices(request: Request, kiosk: KioskHere, actor: SignedIn) -> Response:
    """The list of what holders are told."""
    return _list(request, kiosk.station, actor, "notices")


@router.get("/audit")
def audit(request: Request, kiosk: KioskHere, actor: SignedIn) -> Response:
    """The audit trail."""
    return _list(request, kiosk.station, actor, "audit")


@router.post("/export/{name}")
async def take_along(request: Request, name: str, kiosk: KioskHere, actor: SignedIn) -> Response:
    """All rows of a view as a CSV file. It is put on record who took it, so it is no link."""
    listing = _listing(name)
    asked = {key: str(value) for key, value in (await request.form()).items() if key not in _NOT_OF_A_VIEW}
    return await run_in_threadpool(_file, kiosk.station, actor, listing, asked)


_NOT_OF_A_VIEW = frozenset({"csrf", "rows", "after", "before"})


def _file(station: Station, actor: Actor, listing: Listing[Any], asked: dict[str, str]) -> Response:
    """The file is written before it is sent: a browser that reads slowly keeps no transaction open."""
    file = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 (closed when it was sent)
    for line in export(station, actor, listing, asked):
        file.write(line.encode("utf-8"))
    file.seek(0)

    def pieces() -> Iterator[bytes]:
        with file:
            while piece := file.read(PIECE):
                yield piece

    name = f"{listing.name}-{station.today().isoformat()}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(pieces(), media_type="text/csv; charset=utf-8", headers=headers)


def _listing(name: str) -> Listing[Any]:
    if name not in LISTINGS:
        raise NotFound("there is no list of that name: cards, orders, shipments …")
    return LISTINGS[name]


def _list(request: Request, station: Station, actor: Actor, name: str) -> Response:
    sheet, listing = SHEETS[name], LISTINGS[name]
    asked = dict(request.query_params)
    if asked.get("q", "").strip():
        asked.pop("sort", None)  # the form sends the order that was chosen before; what is found has its own
        if (path := _whole(station, asked["q"])) is not None:
            return RedirectResponse(path, 303)
        found = parse(asked["q"])
        if isinstance(found, TrackingScan):
            asked["q"] = found.number
    fragment = request.headers.get("hx-request") == "true"
    try:
        here = look(station, actor, listing, asked)
    except BadInput as error:
        if fragment:
            raise
        facts = _facts(sheet, listing, actor, read_view(listing.shape, {}), asked)
        status = status_of(error)
        return page(request, "lists/list.html", status=status, here=None, wrong=error.told, **facts)

    def address(view: View | None) -> str | None:
        return None if view is None else f"{sheet.path}?{urlencode(write_view(listing.shape, view))}"

    facts = _facts(sheet, listing, actor, here.view, write_view(listing.shape, here.view))
    facts |= {"previous": address(here.previous), "following": address(here.next)}
    template = "lists/rows.html" if fragment else "lists/list.html"
    return page(request, template, here=here, wrong=None, **facts)


def _facts(
    sheet: Sheet, listing: Listing[Any], actor: Actor, view: View, asked: dict[str, str]
) -> dict[str, Any]:
    return {
        "sheet": sheet,
        "list_name": listing.name,
        "values": {name: sorted(values) if values else None for name, values in listing.values.items()},
        "searches": list(listing.searches),
        "ranged": any(trail.way.ranged for trail in listing.sorts.values()),
        "view": view,
        "asked": asked,
        "kept": {key: value for key, value in asked.items() if key not in _NOT_OF_A_VIEW},
        "words": WORDS,
        "colours": COLOURS,
        "filter_names": FILTERS,
        "search_names": SEARCHES,
        "may_export": not actor.roles.isdisjoint(EXPORT_ROLES),
        "others": [
            (other, SHEETS[other])
            for other in ("quarantine", "notices", "audit")
            if not actor.roles.isdisjoint(LISTINGS[other].roles)
        ],
        "head": lambda sort: _head(sheet, view, asked, sort),
    }


def _head(sheet: Sheet, view: View, asked: dict[str, str], sort: str) -> dict[str, str | None]:
    """Where a column's head leads, and how the list is sorted by it now."""
    present = view.search is None and view.sort == sort
    direction = ("descending" if view.descending else "ascending") if present else None
    following = f"-{sort}" if present and not view.descending else sort
    kept = {
        name: value for name, value in asked.items() if name not in ("q", "by", "sort", "after", "before")
    }
    return {"address": f"{sheet.path}?{urlencode(kept | {'sort': following})}", "direction": direction}


def _whole(station: Station, text: str) -> str | None:
    """The page of the one card or order whose barcode, or whole number, this is."""
    scan = parse(text)
    with station.database.reading() as session:
        try:
            if isinstance(scan, CardScan):
                return f"/cards/{get_card(session, scan.serial_number).serial_number}"
            if isinstance(scan, OrderScan | LabelScan):
                return f"/orders/{get_order(session, scan.order).id}"
        except StationError:
            return None
    return None
