"""A warehouse's programs: an order is shipped with the scanned pair, found again, and may never arrive."""

import pytest

from dscplus_station.parcels.undoing import undo_shipment
from dscplus_station.shipping.rules import Scanned
from dscplus_station.tokens.rules import Scope
from tests.provisioning.api.api_world import keyed, problem
from tests.provisioning.support import CARDS, order_values

TRACKING = "RR123456785US"


@pytest.fixture
def warehouse(api):
    api.stock(2)
    return api.clients[Scope.WAREHOUSE]


def ready(world, order="O-1", card=CARDS[0]):
    """An order whose card is made, and its label printed: what is scanned at packing."""
    world.place(order_values(order))
    world.secure(order, card)
    return world.label(order)


def parcel(scanned: Scanned, **changed):
    return {
        "card": scanned.card,
        "label": scanned.paper,
        "carrier": "Sample Post",
        "tracking": TRACKING,
    } | changed


def ship(client, order, body, key=None):
    return client.post(f"/v1/warehouse/orders/{order}/shipments", json=body, headers=keyed(key))


def test_r13_an_order_is_shipped_with_what_was_scanned(api, warehouse):
    scanned = ready(api)
    waiting = warehouse.get("/v1/warehouse/cards", params={"state": "LABELLED"}).json()["items"]
    assert [(one["serial_number"], one["order"]) for one in waiting] == [(CARDS[0], "O-1")]
    problem(api.portal.get("/v1/orders/O-1/delivery"), 404, "was not shipped")
    key = "shipped-once-0001"
    done = ship(warehouse, "O-1", parcel(scanned), key)
    assert done.status_code == 201 and done.json() == {
        "order": "O-1",
        "serial_number": CARDS[0],
        "user": "alice",
        "shipped_on": "2026-11-22",
        "auto_activates_on": "2026-12-06",
        "warning": None,
    }
    assert ship(warehouse, "O-1", parcel(scanned), key).content == done.content
    problem(ship(warehouse, "O-1", parcel(scanned)), 409, "SHIPPED")
    assert api.portal.get("/v1/orders/O-1/delivery").json() == {
        "order": "O-1",
        "serial_number": CARDS[0],
        "carrier": "Sample Post",
        "tracking": TRACKING,
        "shipped_on": "2026-11-22",
        "auto_activates_on": "2026-12-06",
        "timer": "RUNNING",
        "undelivered_at": None,
        "uncovered_days": 0,
    }


def test_what_is_no_pair_of_the_order_is_not_shipped(api, warehouse):
    first, second = ready(api), ready(api, "O-2", CARDS[1])
    for order, body, status, told in (
        ("O-1", parcel(Scanned(first.card, second.paper)), 409, "one envelope"),
        ("O-2", parcel(first), 409, "not of O-2"),
        ("O-1", parcel(Scanned(first.paper, first.card)), 422, "Scan the serial number"),
        ("O-1", parcel(first, tracking=""), 422, "tracking"),
        ("O-1", parcel(first, on="2026-11-23"), 403, "still to come"),
        ("nobody", parcel(first), 404, "nobody"),
    ):
        problem(ship(warehouse, order, body), status, told)
    assert warehouse.get("/v1/warehouse/shipments").json() == {"items": [], "next": None}
    assert ship(warehouse, "O-1", parcel(first)).status_code == 201
    problem(ship(warehouse, "O-2", parcel(second)), 409, "scan the one on this parcel")


def test_shipments_are_found_page_by_page(api, warehouse):
    for number, (order, card) in enumerate((("O-1", CARDS[0]), ("O-2", CARDS[1]))):
        scanned = ready(api, order, card)
        assert ship(warehouse, order, parcel(scanned, tracking=f"T-{number}")).status_code == 201
        api.at(days=1)
    orders = lambda **asked: [  # noqa: E731
        one["order"] for one in warehouse.get("/v1/warehouse/shipments", params=asked).json()["items"]
    ]
    first = warehouse.get("/v1/warehouse/shipments", params={"limit": 1}).json()
    assert [one["order"] for one in first["items"]] == ["O-2"]
    assert orders(limit=1, cursor=first["next"]) == ["O-1"]
    assert orders(tracking="T-0") == ["O-1"]
    assert orders(since="2026-11-23") == ["O-2"] and orders(until="2026-11-22") == ["O-1"]
    assert orders(timer="RUNNING") == ["O-1", "O-2"] and orders(timer="DONE") == []
    assert orders(carrier="Sample Post") == ["O-2", "O-1"]
    for bad in ({"cursor": "bm8"}, {"tracking": "T-0", "carrier": "Sample Post"}, {"since": "x"}):
        problem(warehouse.get("/v1/warehouse/shipments", params=bad), 422)


def test_a_shipment_that_was_undone_is_no_delivery(api, warehouse):
    scanned = ready(api)
    ship(warehouse, "O-1", parcel(scanned))
    undo_shipment(api.station, api.actor, "O-1", "wrong envelope")
    problem(api.portal.get("/v1/orders/O-1/delivery"), 404, "IN_PROVISIONING")
    assert ship(warehouse, "O-1", parcel(scanned, tracking="T-2")).status_code == 201
    assert api.portal.get("/v1/orders/O-1/delivery").json()["tracking"] == "T-2"


def test_r16_what_never_arrived_does_not_activate_and_its_deposit_is_released(api, warehouse):
    ship(warehouse, "O-1", parcel(ready(api)))
    told = warehouse.post("/v1/warehouse/orders/O-1/undelivered", headers=keyed())
    assert told.status_code == 204
    delivery = api.portal.get("/v1/orders/O-1/delivery").json()
    assert (delivery["timer"], delivery["undelivered_at"]) == ("STOPPED", "2026-11-22T15:00:00Z")
    assert api.portal.get("/v1/users/alice/devices").json()["items"] == []
    problem(api.portal.get("/v1/orders/O-1/hold"), 404, "no deposit")  # it came in a file
