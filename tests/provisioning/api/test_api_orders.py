"""R9 to R12 by the API: from the draft to the confirmation."""

from dscplus_station.orders.tables import Order
from tests.provisioning.api.api_world import NEW, keyed, problem
from tests.provisioning.support import GOOD_PIN, record_users, user_values


def test_r11_an_order_from_the_draft_to_its_confirmation(api):
    record_users(api, user_values("alice", account="U-1"), user_values("alice.other", account="U-2"))
    portal = api.portal
    assert portal.post("/v1/orders", json=NEW, headers=keyed()).json()["missing"] == ["PIN"]
    told = problem(portal.put("/v1/orders/P-1/pin", json={"pin": "1980"}), 422, "birth date")
    assert told["type"].endswith(":pin-refused")
    moved = {"name": "アリス Sample", "address": "2 Sample Road\nSampleville", "country": "CH"}
    assert portal.put("/v1/orders/P-1/address", json=moved).json()["name"] == "アリス Sample"
    assert portal.put("/v1/orders/P-1/account", json={"account": "U-2"}).json()["account"] == "U-2"
    problem(portal.post("/v1/orders/P-1/review"), 403, "lacks its PIN")
    chosen = portal.put("/v1/orders/P-1/pin", json={"pin": GOOD_PIN})
    assert chosen.json()["pin_chosen"] is True and GOOD_PIN not in chosen.text
    assert portal.post("/v1/orders/P-1/review").json()["state"] == "REVIEW"
    problem(portal.put("/v1/orders/P-1/pin", json={"pin": GOOD_PIN}), 409, "go back first")
    before = portal.get("/v1/orders/P-1").json()
    assert portal.post("/v1/orders/P-1/back").json() == before | {"state": "DRAFT"}  # Back loses nothing
    assert portal.post("/v1/orders/P-1/review").json() == before
    placed = portal.post("/v1/orders/P-1/place", headers=keyed()).json()
    assert (placed["state"], placed["deposit_cents"]) == ("PLACED", 2000)
    assert placed["estimated_shipment_on"] == "2026-11-25"
    assert portal.post("/v1/orders/P-1/cancel", headers=keyed()).json()["serial_number"] is None
    assert portal.get("/v1/orders/P-1").json()["state"] == "CANCELLED"


def test_r9_who_may_not_order_is_told_why(api):
    record_users(api, user_values("alice", account="U-1"))
    poor = NEW | {"equity_cents": 1_000_000_00}
    told = problem(api.portal.post("/v1/orders", json=poor, headers=keyed()), 403, "above 1,000,000 USD")
    assert told["type"].endswith(":may-not-order")
    with api.station.database.reading() as session:
        assert session.get(Order, "P-1") is None


def test_a_users_orders_come_in_pages(api):
    record_users(api, user_values("alice", account="U-1"))
    for number in range(5):
        api.portal.post("/v1/orders", json=NEW | {"order": f"P-{number}"}, headers=keyed())
        api.portal.post(f"/v1/orders/P-{number}/cancel", headers=keyed())
    seen, cursor = [], None
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        part = api.portal.get("/v1/users/alice/orders", params=query).json()
        seen.append([one["order"] for one in part["items"]])
        if (cursor := part["next"]) is None:
            break
    assert seen == [["P-0", "P-1"], ["P-2", "P-3"], ["P-4"]]
    # no base64 of JSON; a number; a list; a text with NUL, or with half a character, which no database takes
    for bad in ("nonsense", "MQ", "W10", "IlAtXHUwMDAwIg", "IlAtXHVkODAwIg"):
        problem(api.portal.get("/v1/users/alice/orders", params={"cursor": bad}), 422, "no cursor")
    for bad in (0, 201, "x"):
        problem(api.portal.get("/v1/users/alice/orders", params={"limit": bad}), 422)
