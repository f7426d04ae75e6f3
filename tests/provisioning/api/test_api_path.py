"""A portal developer's path, over HTTP alone: a client's life from the first order to the last return.

Beside it only what is no program's: the warehouse makes the card, an operator gives a passcode on the
telephone (R17), the daily job runs.
"""

from sqlalchemy import select

from dscplus_station.activation.daily import run_timers
from dscplus_station.codes.rules import CodeTable
from dscplus_station.devices.tables import Device
from dscplus_station.keystore.interface import codes_of
from dscplus_station.passwords.service import set_password
from dscplus_station.tokens.rules import Scope
from tests.provisioning.api.api_world import NEW, PASSWORD, keyed, problem
from tests.provisioning.api.test_api_clients import asked, post, proof
from tests.provisioning.interim_access import give_passcode, values
from tests.provisioning.support import CARDS, GOOD_PIN, record_users, user_values

FIRST, SECOND = CARDS[:2]


def ordered(world, order, **wish):
    """An order, as the portal's pages take a client through it; gives the estimated day of shipment."""
    put = lambda what, value: world.portal.put(f"/v1/orders/{order}/{what}", json={what: value})  # noqa: E731
    draft = post(world, "/orders", {"order": order, "user": "alice"} | wish)
    assert draft.status_code == 201 and draft.json()["missing"] == ["PIN"]
    assert put("pin", GOOD_PIN).json()["missing"] == [] and put("account", "U-1").status_code == 200
    for step in ("review", "back", "review"):
        assert world.portal.post(f"/v1/orders/{order}/{step}").status_code == 200
    placed = post(world, f"/orders/{order}/place").json()
    assert placed["state"] == "PLACED" and deposit(world, order) == ("HELD", None)
    return placed["estimated_shipment_on"]


def deposit(world, order):
    hold = world.portal.get(f"/v1/orders/{order}/hold").json()
    return hold["state"], hold["because"]


def shipped(world, order, card):
    """The warehouse makes the card, and ships it by its own program; gives the portal's view of it."""
    world.secure(order, card)
    scanned = world.label(order)
    parcel = {
        "card": scanned.card,
        "label": scanned.paper,
        "carrier": "Sample Post",
        "tracking": order,
    }
    path = f"/v1/warehouse/orders/{order}/shipments"
    assert world.clients[Scope.WAREHOUSE].post(path, json=parcel, headers=keyed()).status_code == 201
    return world.portal.get(f"/v1/orders/{order}/delivery").json()


def logged_in(world, device, answered):
    """A login by whichever device; its facts. `answered`: what the device shows for a challenge."""
    login = world.begin().json()["login"]
    question = world.ask(login, device).json()["challenge"]
    done = world.answer(login, question or "", answered(question), device)
    assert done.status_code == 200, done.text
    return done.json()


def by_card(world, card):
    return logged_in(world, card, lambda question: world.response(card, question))


def online_card(world):
    """Made, printed and confirmed; gives its number and table."""
    number = post(world, "/users/alice/online-cards").json()["serial_number"]
    with world.station.database.reading() as session:  # read off the sheet, which a person does
        sealed = session.scalars(select(Device.sealed_codes).where(Device.serial_number == number)).one()
    table = CodeTable(world.keystore.unseal(codes_of(number), sealed).decode())
    question = asked(world, world.begin().json()["login"], "ACTIVATION", number)
    confirmed = {"device": number, "challenge": question, "answer": values(table, question)}
    assert post(world, "/online-cards/confirmations", confirmed).json()["user"] == "alice"
    return number, table


def test_from_the_first_order_to_the_last_return(api):
    api.stock(2)
    record_users(api, user_values("alice", account="U-1", primary="yes"))
    set_password(api.station, api.actor, "alice", PASSWORD)

    # A first card (R9 to R12), activated by its user (R15)
    assert api.begin().json()["session"]["device"] == "none"
    wish = {name: NEW[name] for name in ("purpose", "equity_cents", "address")}
    assert ordered(api, "P-1", **wish) > "2026-11-22"
    assert shipped(api, "P-1", FIRST)["auto_activates_on"] == "2026-12-06"
    question = asked(api, api.begin().json()["login"], "ACTIVATION", FIRST)
    assert post(api, "/users/alice/activations", proof(api, question, FIRST)).status_code == 200
    assert api.portal.get("/v1/orders/P-1").json()["state"] == "FULFILLED"
    facts = by_card(api, FIRST)
    assert facts["device"] == "DSC+" and facts["withdrawals"]["left"] is None

    # Lost (R10): nobody logs in with it; a passcode on the telephone, then an online card (R17, R18)
    assert post(api, f"/cards/{FIRST}/reports", {"kind": "lost"}).json()["revoked_for"] == ["alice"]
    assert api.begin().json()["devices"] == []
    assert api.portal.get("/v1/users/alice/ways-back").json()["passcode"] is True
    passcode = give_passcode(api)
    pick = api.begin().json()["devices"][0]
    facts = logged_in(api, pick["serial_number"], lambda _question: passcode)
    assert (facts["device"], facts["portal_only"]) == ("temporary passcode", False)
    number, table = online_card(api)
    facts = logged_in(api, number, lambda question: values(table, question))
    assert facts["device"] == "Online Security Code Card"
    assert deposit(api, "P-1") == ("HELD", None)  # captured by a second person, not by the portal (R12)

    # The replacement (R10, R13): ordered in the portal, activates itself, and ends interim access
    api.at(days=3)
    ordered(api, "P-2", purpose="replacement", replaces=FIRST)
    delivery = shipped(api, "P-2", SECOND)
    assert (delivery["auto_activates_on"], delivery["uncovered_days"]) == ("2026-12-16", 2)  # R16
    api.at(days=21)
    assert run_timers(api.station, api.actor).activated == [SECOND]
    (device,) = api.portal.get("/v1/users/alice/devices").json()["items"]
    assert (device["serial_number"], device["assignment"]) == (SECOND, "ACTIVE")
    assert all(one["over"] for one in api.portal.get("/v1/users/alice/interim-access").json()["items"])
    assert by_card(api, SECOND)["device"] == "DSC+"

    # The account is closed (R45), its card goes back (R41, R42)
    closed = post(api, "/users/alice/closure", {"because": "moves away"}).json()
    assert closed["to_return"] == [["P-2", SECOND]]
    announced = post(api, "/returns", {"device": SECOND, "reason": "account-closure"}).json()
    assert "Greenwich" in str(api.portal.get(f"/v1/returns/{announced['number']}/form").json()["to"])
    sent = {"carrier": "Sample Post", "tracking": "RR1"}
    posted = api.portal.post(f"/v1/returns/{announced['number']}/posted", json=sent).json()
    assert (posted["state"], posted["shown_from"], posted["shown_until"]) == (
        "IN_TRANSIT",
        "2026-12-21",
        "2026-12-23",
    )
    receipt = f"/v1/warehouse/cards/{SECOND}/receipts"
    assert api.clients[Scope.WAREHOUSE].post(receipt, headers=keyed()).status_code == 201
    (back,) = api.portal.get("/v1/users/alice/returns").json()["items"]
    assert back["state"] == "RECEIVED" and deposit(api, "P-2") == ("HELD", None)  # until it is inspected
    assert api.begin().json()["session"]["portal_only"] is True
    problem(api.portal.get("/v1/users/alice/limits"), 403, "closed")
