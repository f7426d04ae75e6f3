"""What a portal does for its users by the API, and what a warehouse and an auditor do."""

import base64
import io

import pytest
from pypdf import PdfReader
from sqlalchemy import select

from dscplus_station.api.app import description
from dscplus_station.codes.rules import CodeTable
from dscplus_station.csvfile import Row
from dscplus_station.devices.legacy import import_legacy_devices
from dscplus_station.devices.tables import Device
from dscplus_station.keystore.interface import codes_of
from dscplus_station.passwords.service import set_password
from dscplus_station.tokens.rules import Scope
from tests.provisioning.api.api_world import PASSWORD, keyed, problem
from tests.provisioning.interim_access import give_passcode, values
from tests.provisioning.support import CARDS, other_response, record_users, user_values

NOT_PROVEN = "the device's answer was not accepted: ask for a new challenge"


def asked(world, login, purpose, device=CARDS[0], status=201):
    body = {"login": login, "device": device, "purpose": purpose}
    response = world.portal.post("/v1/logins/other-challenge", json=body)
    assert response.status_code == status, response.text
    return response.json().get("challenge")


def proof(world, question, device=CARDS[0], wrong=False):
    right = world.response(device, question)
    return {"device": device, "challenge": question, "answer": other_response(right) if wrong else right}


def post(world, path, body=None, key=None):
    return world.portal.post(f"/v1{path}", json=body, headers=keyed(key))


# Activation


def test_r15_the_user_activates_by_serial_number_and_one_response(api):
    api.stock(1)
    api.shipped()
    set_password(api.station, api.actor, "alice", PASSWORD)
    begun = api.begin().json()
    assert begun["session"]["device"] == "none"  # R14: nothing is asked before there was a device
    question = asked(api, begun["login"], "ACTIVATION")
    path = "/users/alice/activations"
    problem(post(api, path, proof(api, question, wrong=True)), 403, NOT_PROVEN)
    problem(post(api, path, proof(api, question)), 403, NOT_PROVEN)  # used up, and told the same
    question = asked(api, begun["login"], "ACTIVATION")
    active = post(api, path, proof(api, question)).json()
    assert (active["serial_number"], active["user"]) == (CARDS[0], "alice")
    again = post(api, path, proof(api, question)).json()
    assert again == active  # idempotent, also under another key
    assert api.begin().json()["devices"][0]["serial_number"] == CARDS[0]


def test_a_challenge_for_something_else_takes_a_login_of_that_user(alice):
    record_users(alice, user_values("bob", entity="E-2"))
    set_password(alice.station, alice.actor, "bob", PASSWORD)
    bobs = alice.begin("bob").json()["login"]
    asked(alice, bobs, "SHARING", status=404)
    asked(alice, "A" * 32, "SHARING", status=401)
    asked(alice, alice.begin().json()["login"], "LOGIN", status=422)
    mine = alice.logged_in()
    alice.at(minutes=14)
    asked(alice, mine, "SHARING")
    alice.at(minutes=1)
    asked(alice, mine, "SHARING", status=401)


def test_a_logins_challenge_shares_nothing_and_a_sharings_logs_nobody_in(alice):
    record_users(alice, user_values("alice.other"))
    login = alice.begin().json()["login"]
    question = alice.ask(login).json()["challenge"]
    body = proof(alice, question) | {"requester": "alice.other", "owner": "alice"}
    problem(post(alice, "/sharings", body), 403, NOT_PROVEN)
    question = asked(alice, login, "SHARING")
    problem(alice.answer(login, question, alice.response(CARDS[0], question)), 401)


# Interim access


def test_r18_an_online_card_is_printed_and_confirmed(alice):
    for _ in range(2):  # a refusal is told again, not that it was done
        refused = post(alice, "/users/alice/online-cards", key="refused-once-0001")
        problem(refused, 403, "no temporary passcode")
    give_passcode(alice)
    key = "printed-once-0001"
    made = post(alice, "/users/alice/online-cards", key=key)
    card = made.json()
    reader = PdfReader(io.BytesIO(base64.b64decode(card["pdf"])))
    assert card["serial_number"] in reader.pages[0].extract_text()
    again = post(alice, "/users/alice/online-cards", key=key)
    assert "kept nowhere" in problem(again, 410)["detail"] and "pdf" not in again.text
    with alice.station.database.reading() as session:
        device = session.scalars(select(Device).where(Device.serial_number == card["serial_number"])).one()
    number = card["serial_number"]
    table = CodeTable(alice.keystore.unseal(codes_of(number), device.sealed_codes).decode())
    login = alice.begin().json()["login"]
    question = asked(alice, login, "ACTIVATION", number)
    given = {"device": number, "challenge": question, "answer": values(table, question)}
    wrong = given | {"answer": "AAAAAA" if given["answer"] != "AAAAAA" else "BBBBBB"}
    problem(post(alice, "/online-cards/confirmations", wrong), 403, NOT_PROVEN)
    question = asked(alice, login, "ACTIVATION", number)
    given |= {"challenge": question, "answer": values(table, question)}
    assert post(alice, "/online-cards/confirmations", given).json()["expires_at"].startswith("2026-12-28T05")
    listed = alice.portal.get("/v1/users/alice/interim-access").json()["items"]
    assert [(one["type"], one["over"]) for one in listed] == [
        ("temporary passcode", True),
        ("Online Security Code Card", False),
    ]
    assert alice.portal.get("/v1/users/alice/ways-back").json()["phone_app"] is False


def test_r17_no_call_gives_a_passcode():
    assert not any("passcode" in path for path in description()["paths"])


# Sharing


def shared(world, requester, owner="alice"):
    question = asked(world, world.begin(owner).json()["login"], "SHARING")
    return post(world, "/sharings", proof(world, question) | {"requester": requester, "owner": owner})


def test_a_request_to_share_is_answered_again_as_it_was_whatever_came_of_it(alice):
    """The challenge is spent by then: made again, the same request would hear that nothing was proven."""
    record_users(alice, user_values("alice.other"), user_values("alice.third"))
    number = shared(alice, "alice.other").json()["sharing"]
    assert alice.portal.post(f"/v1/sharings/{number}/submit").json()["state"] == "APPROVED"
    question, key = asked(alice, alice.begin().json()["login"], "SHARING"), "shares-already-01"
    body = proof(alice, question) | {"requester": "alice.other", "owner": "alice"}
    first = post(alice, "/sharings", body, key=key)
    problem(first, 409, "alice.other shares alice's device already")
    again = post(alice, "/sharings", body, key=key)
    assert (again.status_code, again.content) == (409, first.content)
    assert again.headers["idempotent-replayed"] == "true"


def test_r27_a_sharing_from_its_request_to_its_end(alice):
    record_users(alice, user_values("alice.other"))
    review = shared(alice, "alice.other")
    assert review.status_code == 201 and review.json()["state"] == "REQUESTED"
    number = review.json()["sharing"]
    assert alice.portal.post(f"/v1/sharings/{number}/submit").json()["state"] == "APPROVED"
    problem(alice.portal.post(f"/v1/sharings/{number}/submit"), 409)
    assert [one["sharing"] for one in alice.portal.get("/v1/users/alice.other/sharings").json()["items"]] == [
        number
    ]
    ended = alice.portal.post(f"/v1/sharings/{number}/cancel", json={"because": "asked for"})
    assert ended.json() == {"active_again": []}
    assert alice.portal.get(f"/v1/sharings/{number}").json()["state"] == "CANCELLED"


def test_r25_who_holds_interim_access_shares_nothing(alice):
    record_users(alice, user_values("alice.other"))
    give_passcode(alice)
    assert problem(shared(alice, "alice.other"), 403)["type"].endswith(":holds-interim-access")


def test_r29_both_errors_have_their_names(alice):
    record_users(alice, user_values("bob", entity="E-2", document_number="Y7654321"))
    record_users(alice, user_values("alice.other"))
    told = problem(shared(alice, "bob"), 403)
    assert told["type"].endswith(":different-identification")
    assert told["title"] == "Different identification information"
    row = Row(2, {"serial_number": "SCC-1", "type": "Security Code Card", "user": "alice"})
    import_legacy_devices(alice.station, alice.actor, [row], [])
    question = asked(alice, alice.begin().json()["login"], "SHARING", "SCC-1", status=403)
    assert question is None  # a legacy card's answers are not verified without its table


def test_a_users_lists_come_in_pages_and_the_last_one_has_no_next(alice):
    record_users(alice, user_values("alice.other"))
    sharings = [shared(alice, "alice.other").json()["sharing"] for _ in range(2)]
    give_passcode(alice)
    post(alice, "/users/alice/online-cards")
    for what, key in (
        ("devices", "serial_number"),
        ("interim-access", "serial_number"),
        ("sharings", "sharing"),
    ):
        path = f"/v1/users/alice/{what}"
        whole = [one[key] for one in alice.portal.get(path).json()["items"]]
        assert len(set(whole)) >= 2
        seen, query = [], {"limit": 1}
        while True:
            part = alice.portal.get(path, params=query).json()
            seen += [one[key] for one in part["items"]]
            if part["next"] is None:
                break
            query = {"limit": 1, "cursor": part["next"]}
        assert seen == whole
        problem(alice.portal.get(path, params={"cursor": "W10"}), 422, "no cursor")
    assert [
        one["sharing"] for one in alice.portal.get("/v1/users/alice/sharings").json()["items"]
    ] == sharings
    gone = alice.portal.get("/v1/users/alice/devices", params={"limit": 1}).json()["next"]
    post(alice, f"/cards/{CARDS[0]}/reports", {"kind": "lost"})
    problem(alice.portal.get("/v1/users/alice/devices", params={"cursor": gone}), 422, "any more")


# Limits, gates


def test_r20_withdrawals_to_the_cent(alice):
    record_users(alice, user_values("carol", entity="E-3"))
    wanted = {"device": "none", "amount_cents": 50_000_00, "reference": "W-1"}
    too_much = post(alice, "/users/carol/withdrawals", wanted | {"amount_cents": 50_000_01})
    assert problem(too_much, 403, "more than is left")["type"].endswith(":over-limit")
    assert post(alice, "/users/carol/withdrawals", wanted).json()["left"] == 0
    assert post(alice, "/users/carol/withdrawals", wanted).json()["left"] == 0  # counts once
    problem(post(alice, "/users/carol/withdrawals", wanted | {"reference": "W-2"}), 403)
    problem(post(alice, "/users/carol/withdrawals", wanted | {"amount_cents": 1}), 409, "another movement's")
    limits = {one["device_type"]: one["left"] for one in alice.portal.get("/v1/users/alice/limits").json()}
    assert limits == {"none": 50_000_00, "DSC+": None}


def test_r21_gates_and_deposits(alice):
    record_users(alice, user_values("carol", entity="E-3"))
    closed = alice.portal.get("/v1/users/carol/gates/email").json()
    assert closed["open"] is False and "active device" in closed["because"]
    assert alice.portal.get("/v1/users/alice/gates/email").json() == {
        "gate": "email",
        "open": True,
        "because": None,
    }
    paid = {"amount_cents": 20_000_00, "reference": "D-1"}
    assert post(alice, "/users/carol/deposits", paid).status_code == 201
    more = post(alice, "/users/carol/deposits", {"amount_cents": 1, "reference": "D-2"})
    assert problem(more, 403, "20,000 USD")["type"].endswith(":not-enrolled")


# Opting out and in


def test_r32_to_r34_out_and_in_again(alice):
    stands = lambda: alice.portal.get("/v1/users/alice/participation").json()["opted_out"]  # noqa: E731
    problem(alice.portal.post("/v1/users/alice/opt-out", json={"by": "bob"}), 403, "only alice")
    out = alice.portal.post("/v1/users/alice/opt-out", json={"by": "alice"}).json()
    assert out["opted_out"] and out["restrictions"] == ["Pink Sheet trading", "OTCBB trading"]
    login = alice.begin().json()["login"]
    question = asked(alice, login, "OPT_IN")
    problem(
        post(alice, "/users/alice/opt-in", proof(alice, question, wrong=True) | {"by": "alice"}),
        403,
        NOT_PROVEN,
    )
    assert stands() is True
    question = asked(alice, login, "OPT_IN")
    assert (
        post(alice, "/users/alice/opt-in", proof(alice, question) | {"by": "alice"}).json()["opted_out"]
        is False
    )


# Losses, returns, closing


def test_r10_a_lost_card_is_out_of_use_at_once(alice):
    told = post(alice, f"/cards/{CARDS[0]}/reports", {"kind": "lost"})
    assert told.status_code == 201 and told.json()["revoked_for"] == ["alice"]
    assert alice.portal.get("/v1/users/alice/devices").json() == {"items": [], "next": None}
    problem(post(alice, "/cards/0000000026/reports", {"kind": "lost"}), 409)


def test_r41_a_return_from_its_announcement_to_its_receipt(alice):
    body = {"device": CARDS[0], "reason": "consolidation"}
    problem(post(alice, "/returns", body | {"region": "moon"}), 422, "moon")
    made = post(alice, "/returns", body)
    assert made.status_code == 201 and made.json()["state"] == "ANNOUNCED"
    number = made.json()["number"]
    assert post(alice, "/returns", body).json()["number"] == number
    problem(post(alice, "/returns", body | {"reason": "replacement"}), 403, "phoned in")
    assert "3 Pickwick Plaza" in str(alice.portal.get(f"/v1/returns/{number}/form").json()["to"])
    printed = alice.portal.get(f"/v1/returns/{number}/form.pdf")
    assert printed.headers["content-type"] == "application/pdf"
    assert "3 Pickwick Plaza" in PdfReader(io.BytesIO(printed.content)).pages[0].extract_text()
    regions = {one["key"]: one["name"] for one in alice.portal.get("/v1/return-regions").json()}
    assert set(regions) >= {"us-canada", "europe", "japan"}
    sent = {"carrier": "Sample Post", "tracking": "RR123456785US"}
    posted = alice.portal.post(f"/v1/returns/{number}/posted", json=sent).json()
    assert posted["state"] == "IN_TRANSIT" and posted["shown_from"] < posted["shown_until"]
    warehouse = alice.clients[Scope.WAREHOUSE]
    back = warehouse.post(f"/v1/warehouse/cards/{CARDS[0]}/receipts", headers=keyed())
    assert back.status_code == 201 and back.json()["revoked_for"] == ["alice"]
    assert alice.portal.get("/v1/orders/O-1/returns").json()["items"][0]["state"] == "RECEIVED"
    listed = warehouse.get("/v1/warehouse/returns", params={"state": "RECEIVED"}).json()
    assert [one["number"] for one in listed["items"]] == [number]
    assert alice.portal.get("/v1/users/alice/returns").json() == listed
    assert alice.portal.get("/v1/users/bob/returns").json()["items"] == []


def test_r45_a_closed_account_moves_no_money_and_changes_nothing(alice):
    record_users(alice, user_values("alice", account="U-1", primary="yes"), user_values("bob", account="U-1"))
    record_users(alice, user_values("carol", account="U-1"))
    post(alice, "/users/carol/closure", {"because": "asked for"})
    problem(
        alice.portal.post("/v1/users/carol/opt-out", json={"by": "alice"}), 403, "carol's account is closed"
    )
    counted = {"device": "none", "amount_cents": 1, "reference": "W-1"}
    before = post(alice, "/users/alice/withdrawals", counted).json()
    post(alice, "/users/alice/closure", {"because": "asked for"})
    assert post(alice, "/users/alice/withdrawals", counted).json() == before  # that one was let pass
    one_more = {"amount_cents": 1, "reference": "N-1"}
    in_again = {"by": "alice", "device": CARDS[0], "challenge": "123457", "answer": "12345678"}
    for told in (
        alice.portal.get("/v1/users/alice/limits"),
        post(alice, "/users/alice/withdrawals", one_more | {"device": "none"}),
        post(alice, "/users/alice/deposits", one_more),
        alice.portal.post("/v1/users/alice/opt-out", json={"by": "alice"}),
        alice.portal.post("/v1/users/bob/opt-out", json={"by": "alice"}),
        post(alice, "/users/alice/opt-in", in_again),
        post(alice, "/users/bob/opt-in", in_again),
    ):
        assert problem(told, 403, "alice's account is closed")["type"].endswith(":account-closed")
    gate = alice.portal.get("/v1/users/alice/gates/email").json()
    assert gate["open"] is False and "closed" in gate["because"]


def test_r45_a_closed_account(alice):
    closed = post(alice, "/users/alice/closure", {"because": "asked for"}).json()
    assert closed["to_return"] == [["O-1", CARDS[0]]]
    assert alice.begin().json()["session"]["portal_only"] is True


# Warehouse, auditor


def test_the_warehouses_calls(alice):
    warehouse = alice.clients[Scope.WAREHOUSE]
    counted = {one["state"]: one["cards"] for one in warehouse.get("/v1/warehouse/stock").json()}
    assert counted == {"BLANK": 2, "SHIPPED": 1}
    first = warehouse.get("/v1/warehouse/cards", params={"limit": 2}).json()
    rest = warehouse.get("/v1/warehouse/cards", params={"limit": 2, "cursor": first["next"]}).json()
    assert [one["serial_number"] for one in first["items"] + rest["items"]] == CARDS[:3]
    blank = warehouse.get("/v1/warehouse/cards", params={"state": "BLANK"}).json()["items"]
    assert [one["serial_number"] for one in blank] == CARDS[1:3]
    problem(warehouse.post("/v1/warehouse/orders/O-1/undelivered", headers=keyed()), 409)


def test_the_auditor_reads_the_trail_page_by_page(alice):
    auditor = alice.clients[Scope.AUDITOR]
    rows, cursor = [], None
    while True:
        query = {"limit": 7} | ({"cursor": cursor} if cursor else {})
        part = auditor.get("/v1/audit", params=query).json()
        rows += part["items"]
        if (cursor := part["next"]) is None:
            break
    assert [row["number"] for row in rows] == list(range(1, len(rows) + 1))
    assert rows[0]["operator"] == "olivia" and PASSWORD not in str(rows)
    problem(auditor.get("/v1/audit", params={"limits": 7}), 422, "limits")


# Scopes

SCOPES_OF = {
    "login": {Scope.PORTAL, Scope.LOGIN},
    "warehouse": {Scope.WAREHOUSE},
    "office": {Scope.OFFICE},
    "audit": {Scope.AUDITOR},
}
CALLS = [
    (method, path, call["tags"][0])
    for path, methods in description()["paths"].items()
    for method, call in methods.items()
]


@pytest.mark.parametrize("scope", Scope)
def test_each_call_serves_its_scopes_and_no_other(api, scope):
    for method, path, tag in CALLS:
        api.seconds += 1
        wanted = SCOPES_OF.get(tag, {Scope.PORTAL})
        if path.endswith("other-challenge"):
            wanted = {Scope.PORTAL}
        filled = path.replace("{number}", "1").replace("{gate}", "email")
        for name in ("{user}", "{order}", "{device}"):
            filled = filled.replace(name, "nobody")
        told = api.clients[scope].request(method, filled, headers=keyed())
        refused = told.status_code == 403 and "does not serve here" in told.text
        assert refused == (scope not in wanted), (method, path, told.text)
