"""Nobody changes anything from another page, by another name, or without being signed in; nothing leaks."""

import re
import tomllib
from pathlib import Path

import httpx
import pytest
from fastapi import APIRouter
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from dscplus_station.errors import NotFound, StateConflict
from dscplus_station.printing.printers import PrinterOut
from dscplus_station.printing.rules import JobState
from dscplus_station.printing.service import jobs, print_label
from dscplus_station.web import deps, guards
from dscplus_station.web.labelling import ASKED, Labels
from dscplus_station.web.render import STATIC
from dscplus_station.web.ways import own_path
from tests.provisioning.support import order_values
from tests.web.served import PIN, serving

OPEN = {"/sign-in", "/locked", "/unlock", "/lock", "/sign-out", "/language"}
"""What is served to somebody who is not signed in."""


@pytest.fixture
def client(kiosk):
    with httpx.Client(base_url=kiosk.url, timeout=10) as client:
        yield client


def routes(app):
    found = []
    for route in app.routes:
        router = getattr(route, "original_router", None) or getattr(route, "router", None)
        if isinstance(route, APIRoute):
            found.append(route)
        elif isinstance(router, APIRouter):
            found += [one for one in router.routes if isinstance(one, APIRoute)]
    return found


def asks(dependant: Dependant):
    return {dependant.call} | {call for one in dependant.dependencies for call in asks(one)}


def sign_in(client, kiosk, name="olivia"):
    badge = kiosk.add_operator(name)
    form = {"badge_or_name": badge, "secret": PIN, "csrf": csrf(client)}
    answer = client.post("/sign-in", data=form, headers={"Origin": kiosk.url})
    assert answer.status_code == 303, answer.text
    return answer


def csrf(client):
    page = client.get("/sign-in")
    return re.search(r'name="csrf" value="([0-9a-f]{64})"', page.text)[1]


def test_every_page_asks_who_it_is_for_except_those_that_need_not(kiosk):
    found = routes(kiosk.app)
    assert {route.path for route in found} >= OPEN | {"/"}
    for route in found:
        asked = asks(route.dependant) & {deps._signed_in, deps._watching}
        assert asked or route.path in OPEN, route.path


def test_every_change_is_refused_without_the_pages_token(kiosk, client):
    sign_in(client, kiosk)
    changing = [(m, r.path) for r in routes(kiosk.app) for m in r.methods - {"GET", "HEAD", "OPTIONS"}]
    assert ("POST", "/sign-out") in changing
    for method, path in changing:
        plain = re.sub(r"{[^}]*}", "1", path)
        for data in ({}, {"csrf": "0" * 64}):
            answer = client.request(method, plain, data=data, headers={"Origin": kiosk.url})
            assert answer.status_code == 403 and "out of date" in answer.text, path
    assert client.get("/").status_code != 303 or "/sign-in" not in client.get("/").headers["location"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_a_change_from_another_page_is_refused_even_with_the_token(kiosk, client, headers):
    sign_in(client, kiosk)
    form = {"csrf": csrf(client)}
    assert client.post("/sign-out", data=form, headers=headers).status_code == 403
    own = {"Origin": kiosk.url, "Sec-Fetch-Site": "cross-site"}
    assert client.post("/sign-out", data=form, headers=own).status_code == 403
    good = client.post("/sign-out", data=form, headers={"Origin": kiosk.url, "Sec-Fetch-Site": "same-origin"})
    assert good.status_code == 303


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=b"])
@pytest.mark.parametrize(("more", "status"), [(0, 403), (1, 413)])
def test_a_form_is_read_no_further_than_a_form_is_long(kiosk, client, kind, more, status):
    begun = b'--b\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n'
    end = b"\r\n--b--\r\n"
    content = begun + b"a" * (guards.MAX_BODY + more - len(begun) - len(end)) + end
    answer = client.post("/sign-in", content=content, headers={"Origin": kiosk.url, "Content-Type": kind})
    assert answer.status_code == status and "content-security-policy" in answer.headers


@pytest.mark.parametrize("host", ["elsewhere.example", "127.0.0.1", "elsewhere.example:80", ""])
def test_another_host_name_is_not_answered(client, host):
    answer = client.get("/sign-in", headers={"Host": host})
    assert answer.status_code == 421 and "<form" not in answer.text


def test_localhost_is_this_machine(kiosk, client):
    port = kiosk.kiosk.addresses.port
    assert client.get("/sign-in", headers={"Host": f"localhost:{port}"}).status_code == 200


@pytest.mark.parametrize("path", ["/sign-in", "/nowhere", "/static/kiosk.css", "/static/../app.py", "/"])
def test_every_answer_has_the_headers(client, path):
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert "server" not in headers


def test_a_static_file_whose_address_has_its_digest_is_kept(client):
    address = re.search(r'href="(/static/kiosk\.css\?v=[0-9a-f]{12})"', client.get("/sign-in").text)[1]
    assert "immutable" in client.get(address).headers["cache-control"]


def test_the_cookie_is_for_this_site_alone_and_new_after_signing_in(kiosk, client):
    before = client.get("/sign-in").headers["set-cookie"]
    answer = sign_in(client, kiosk)
    given = answer.headers["set-cookie"]
    for cookie in (before, given):
        assert cookie.startswith("dsc-session=")
        assert {"httponly", "path=/", "samesite=strict"} <= {p.strip().lower() for p in cookie.split(";")}
        assert "domain" not in cookie.lower()
    assert before.split(";")[0] != given.split(";")[0]


def test_signing_in_again_ends_the_session_before(kiosk, client):
    sign_in(client, kiosk)
    before = dict(client.cookies)
    sign_in(client, kiosk, "paula")
    assert "paula" in client.get("/nowhere").text
    assert "/sign-in" in httpx.get(kiosk.url, cookies=before).headers["location"]


def test_a_stream_or_fragment_of_somebody_signed_out_is_401_not_a_sign_in_page(client):
    assert client.get("/", headers={"Sec-Fetch-Mode": "cors"}).status_code == 401
    answer = client.get("/", headers={"Sec-Fetch-Mode": "cors", "HX-Request": "true"})
    assert answer.status_code == 401 and answer.headers["hx-redirect"] == "/sign-in"


@pytest.mark.parametrize(
    ("raised", "status", "said"),
    [
        (NotFound("there is no card 0000000018: look at its back"), 404, "look at its back"),
        (StateConflict("order O-1 was cancelled: put the card back"), 409, "put the card back"),
        (RuntimeError("secret 271828"), 500, "The station made a mistake"),
    ],
)
def test_a_failure_is_a_page_without_a_trace(kiosk, client, raised, status, said):
    @kiosk.app.get("/failing")
    def failing() -> None:
        raise raised

    for headers in ({}, {"HX-Request": "true"}):
        answer = client.get("/failing", headers=headers)
        assert answer.status_code == status and said in answer.text
        assert "Traceback" not in answer.text and "271828" not in answer.text
        assert ("<html" in answer.text) == (not headers)
        assert "content-security-policy" in answer.headers


def test_one_who_is_signed_in_and_one_who_is_not_see_the_same_404(kiosk, client):
    assert client.get("/nowhere").status_code == 404
    sign_in(client, kiosk)
    assert client.get("/nowhere").status_code == 404


@pytest.mark.parametrize("asked", ["//x.example", "/\\x.example", "https://x.example", "", "/a\n"])
def test_after_a_form_it_goes_on_here(asked):
    assert own_path(asked) == "/"
    assert own_path("/cards/1?page=2") == "/cards/1?page=2"


def test_a_session_outlives_a_restart_of_the_station(world):
    with serving(world) as before, httpx.Client(base_url=before.url, timeout=10) as client:
        sign_in(client, before)
        token, cookies = csrf(client), dict(client.cookies)
    with serving(world) as again, httpx.Client(base_url=again.url, timeout=10, cookies=cookies) as client:
        assert "olivia" in client.get("/nowhere").text
        answer = client.post("/sign-out", data={"csrf": token}, headers={"Origin": again.url})
        assert answer.status_code == 303


def test_no_template_has_inline_script_or_style():
    templates = Path(str(STATIC)).parent / "templates"
    for template in templates.rglob("*.html"):
        text = template.read_text(encoding="utf-8")
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text), template
        assert not re.search(r"<script(?![^>]*\ssrc=)", text), template
        forms = re.findall(r"<form[^>]*method=\"post\".*?</form>", text, re.S)
        assert all("csrf_field()" in form for form in forms), template


def test_extra_names_what_the_kiosk_imports():
    """Whoever lacks the extra is told so in one line: see `cli.EXTRA`."""
    from dscplus_station.cli import EXTRA

    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = {re.split(r"[>=<]", one)[0] for one in project["project"]["optional-dependencies"]["station"]}
    imported = {"argon2-cffi": "argon2", "fpdf2": "fpdf", "python-multipart": "python_multipart"}
    imported |= {"zxing-cpp": "zxingcpp", "pillow": "PIL", "fonttools": "fontTools"}
    assert {imported.get(one, one) for one in wanted} <= EXTRA


def test_a_refusal_is_told_in_the_readers_language(client, kiosk):
    """One source of words: the log has the English line, the page says it in Spanish."""
    sign_in(client, kiosk)
    asked = client.get("/cards/0000000018", headers={"Accept-Language": "es"})
    assert asked.status_code == 404
    assert "no hay tarjeta 0000000018 en las existencias de esta estación" in asked.text
    assert "no card 0000000018 in this station" in client.get("/cards/0000000018").text


def test_a_wrong_secret_is_told_in_the_readers_language(client, kiosk):
    badge = kiosk.add_operator()
    form = {"badge_or_name": badge, "secret": "000111", "csrf": csrf(client)}
    answer = client.post("/sign-in", data=form, headers={"Origin": kiosk.url, "Accept-Language": "es"})
    assert answer.status_code == 403
    assert "PIN o contraseña incorrectos; quedan 4 intentos" in answer.text


def test_a_label_in_doubt_is_shown_at_the_bench_and_printed_again_by_its_button(client, kiosk):
    """What a crash left behind is told where the operator is: which label, and what to do."""
    world = kiosk.world
    world.stock(1)
    world.place(order_values("O-1"))
    world.secure("O-1")
    with pytest.raises(PrinterOut):
        print_label(world.station, world.actor, _Cut(), "O-1")
    sign_in(client, kiosk)
    shown = client.get("/bench").text
    assert "Label 1 of order O-1, card" in shown and "Print it again" in shown
    token = re.search(r'name="csrf" value="([0-9a-f]{64})"', shown)[1]
    form = {"order": "O-1", "copy": "1", "csrf": token}
    assert client.post("/bench/labels/again", data=form, headers={"Origin": kiosk.url}).status_code == 404
    labels = kiosk.kiosk.labels = Labels(world.station, kiosk.kiosk.desks)
    for _ in range(2):  # pressed twice
        answer = client.post("/bench/labels/again", data=form, headers={"Origin": kiosk.url})
        assert answer.status_code == 303, answer.text
    labels.close()
    done = [(job.copy, job.state, job.because) for job in jobs(world.station, open_only=False)]
    assert done == [(2, JobState.SENT, ASKED), (1, JobState.UNCERTAIN, None)]
    assert "Label 1 of order O-1" not in client.get("/bench").text


class _Cut:
    """A printer whose power goes while it prints."""

    def send(self, _printout):
        raise PrinterOut("it broke off", reached=True)
