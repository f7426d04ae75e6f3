"""R22 by the API: codes by SMS, by either gateway, in the user's language; their removal."""

import json

import pytest

from dscplus_station.limits.sms import MAX_CODES_AN_HOUR
from tests.provisioning.api.api_world import keyed, problem
from tests.provisioning.support import other_response
from tests.provisioning.test_notice_gateways import CANARY, sms_service, url

__all__ = ["sms_service"]

NUMBER = "+12025550123"
SMS = "/v1/users/alice/sms"


class Phone:
    """The texts that arrived at the number, by whichever gateway."""

    def __init__(self, messages):
        self.messages = messages

    def texts(self):
        assert {one["to"] for one in self.messages()} == {NUMBER}
        return [one["text"] for one in self.messages()]

    def code(self):
        return self.texts()[-1][:6]


def with_gateway(world, lines):
    settings = world.home.settings_file
    settings.write_text(settings.read_text("utf-8") + "[notices.sms]\n" + lines, encoding="utf-8")
    world.restarted()


@pytest.fixture(params=["file", "http"])
def phone(request, alice, tmp_path):
    """alice's telephone, and a station that reaches it."""
    if request.param == "file":
        place = tmp_path / "sms.jsonl"
        with_gateway(alice, f'file = "{place}"\n')
        return Phone(lambda: [json.loads(line) for line in place.read_text("utf-8").splitlines()])
    service = request.getfixturevalue("sms_service")
    (tmp_path / "token").write_text(CANARY + "\n")
    with_gateway(alice, f'url = "{url(service)}"\ntoken_file = "{tmp_path / "token"}"\n')
    return Phone(lambda: [body for _, _, body in service.posts])


def begin(world):
    return world.portal.post(SMS, json={"number": NUMBER}, headers=keyed())


def confirm(world, code):
    return world.portal.post(f"{SMS}/confirm", json={"code": code})


def kinds(world):
    return {one["device_type"] for one in world.portal.get("/v1/users/alice/limits").json()}


def test_r22_a_number_is_confirmed_by_the_code_that_was_sent_to_it(alice, phone):
    assert begin(alice).json()["expires_at"].endswith("15:05:00Z")
    (text,) = phone.texts()
    assert text == f"{phone.code()} confirms your mobile number for Sample Issuer. It is valid for 5 minutes."
    assert confirm(alice, other_response(phone.code())).json() == {"confirmed": False}
    assert "SMS" not in kinds(alice)
    assert confirm(alice, phone.code()).json() == {"confirmed": True}
    assert "SMS" in kinds(alice)
    problem(confirm(alice, phone.code()), 409, "confirmed already")
    assert alice.portal.post(f"{SMS}/remove").status_code == 204
    assert "SMS" not in kinds(alice)
    problem(alice.portal.post(f"{SMS}/remove"), 404, "no codes by SMS")


def test_r22_a_code_that_was_one_too_many_is_sent_an_hour_later_under_the_same_key(alice, phone):
    for _ in range(MAX_CODES_AN_HOUR):
        assert begin(alice).status_code == 201
    key = keyed()
    problem(alice.portal.post(SMS, json={"number": NUMBER}, headers=key), 403, "within an hour: wait")
    alice.at(hours=1)
    assert alice.portal.post(SMS, json={"number": NUMBER}, headers=key).status_code == 201


def test_r22_the_same_request_again_sends_no_second_code(alice, phone):
    key = keyed()
    first, again = (alice.portal.post(SMS, json={"number": NUMBER}, headers=key) for _ in range(2))
    assert (again.status_code, again.content) == (201, first.content)
    assert len(phone.texts()) == 1 and phone.code() not in first.text


def test_r22_the_code_comes_in_the_users_language(alice, phone):
    chosen = alice.portal.patch("/v1/users/alice/contact", json={"language": "es"})
    assert chosen.json() == {"email": None, "mobile": None, "language": "es"}
    begin(alice)
    told = f"{phone.code()} confirma su número de móvil para Sample Issuer. Es válido durante 5 minutos."
    assert phone.texts() == [told]


def test_r22_without_a_choice_the_last_orders_language_counts(alice, phone):
    alice.at(minutes=1)
    alice.cancelled_order("O-2", language="es")
    begin(alice)
    assert "confirma su número" in phone.texts()[0]


def test_r45_a_closed_account_enrols_no_number(alice, phone):
    alice.portal.post("/v1/users/alice/closure", json={"because": "asked for"}, headers=keyed())
    assert problem(begin(alice), 403)["type"].endswith(":account-closed")


def test_r22_a_service_that_refuses_sends_no_code_and_is_told(alice, sms_service, tmp_path):
    (tmp_path / "token").write_text(CANARY + "\n")
    with_gateway(alice, f'url = "{url(sms_service)}"\ntoken_file = "{tmp_path / "token"}"\n')
    sms_service.answer = 503
    told = problem(begin(alice), 409, "no code was sent")
    assert CANARY not in str(told) and NUMBER not in str(told)
    sms_service.answer = 202
    assert begin(alice).status_code == 201


def test_r22_without_a_gateway_it_is_said_what_is_missing(alice):
    problem(begin(alice), 409, "no gateway")
    problem(confirm(alice, "123456"), 404, "begun no enrolment")
    problem(alice.portal.post(f"{SMS}/remove"), 404)


# Where a user is reached


def test_r21_only_the_enrolled_change_an_email_that_is_on_record(alice):
    patch = lambda **changed: alice.portal.patch("/v1/users/alice/contact", json=changed)  # noqa: E731
    assert patch(email="alice@example.com", mobile=NUMBER).json() == {
        "email": "alice@example.com",
        "mobile": NUMBER,
        "language": None,
    }
    assert patch(email="alice@example.org").json()["email"] == "alice@example.org"
    alice.portal.post("/v1/cards/0000000018/reports", json={"kind": "battery"}, headers=keyed())
    for other in ("", "mallory@example.com"):
        problem(patch(email=other), 403, "security team")
    assert patch(email="alice@example.org", language="es").status_code == 200
    assert alice.portal.get("/v1/users/alice/contact").json()["email"] == "alice@example.org"
    problem(patch(language="xx"), 422, "no texts")
    problem(patch(mobile="0791234567"), 422)
    problem(alice.portal.get("/v1/users/nobody/contact"), 404)
