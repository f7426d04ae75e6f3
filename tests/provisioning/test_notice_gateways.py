"""The gateways, against a real mail server and a real web server on loopback."""

import json
import threading
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from dscplus_station import log
from dscplus_station.errors import BadInput, NotFound
from dscplus_station.notices.configuration import read_gateways
from dscplus_station.notices.gateways import Message, Password, RefusedForGood, Unavailable
from dscplus_station.notices.gateways.sms import SmsFile, SmsHttp
from dscplus_station.notices.gateways.smtp import Security, SmtpGateway
from dscplus_station.notices.rules import Channel
from tests.provisioning.support import order_values

CANARY = "canary-password-5731"
MESSAGE = Message("alice@example.com", "Su tarjeta está activa", "Está activa.\n", "es", "0a1b2c")


class Mailbox:
    """What a mail server does with each mail: keeps it, or answers as it is told."""

    def __init__(self):
        self.mails = []
        self.recipient_answer = self.answer = None

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802 (aiosmtpd's name)
        if self.recipient_answer:
            return self.recipient_answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        if self.answer:
            return self.answer
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"


@pytest.fixture
def mailbox():
    return Mailbox()


class AnyPort(Controller):
    """The system chooses the port; the controller's check that it answers has to be told which."""

    def _trigger_server(self):
        self.port = port_of(self)
        super()._trigger_server()


def serve(mailbox, **options):
    controller = AnyPort(mailbox, hostname="127.0.0.1", port=0, **options)
    controller.start()
    return controller


@pytest.fixture
def mail_server(mailbox):
    controller = serve(mailbox)
    yield controller
    controller.stop()


def port_of(controller):
    return controller.server.sockets[0].getsockname()[1]


def gateway(controller, **changed):
    values = {"security": Security.NONE} | changed
    return SmtpGateway("127.0.0.1", port_of(controller), "cards@example.com", **values)


def test_a_mail_arrives_as_it_was_meant(mailbox, mail_server):
    gateway(mail_server).send(MESSAGE)
    (mail,) = mailbox.mails
    assert (mail["To"], mail["From"]) == ("alice@example.com", "cards@example.com")
    assert mail["Subject"] == "Su tarjeta está activa"
    assert mail.get_content().replace("\r\n", "\n") == "Está activa.\n"
    assert mail["Message-ID"] == "<0a1b2c@example.com>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Content-Language"] == "es"


def test_a_repetition_has_the_same_message_id(mailbox, mail_server):
    for _ in range(2):
        gateway(mail_server).send(MESSAGE)
    assert len({mail["Message-ID"] for mail in mailbox.mails}) == 1


@pytest.mark.parametrize(
    ("where", "answer", "kind"),
    [
        ("recipient_answer", "550 no such mailbox", RefusedForGood),
        ("recipient_answer", "450 greylisted", Unavailable),
        ("answer", "554 no", RefusedForGood),
        ("answer", "451 later", Unavailable),
    ],
)
def test_4xx_is_tried_again_and_5xx_is_not(mailbox, mail_server, where, answer, kind):
    setattr(mailbox, where, answer)
    with pytest.raises(kind, match=answer[:3]) as refusal:
        gateway(mail_server).send(MESSAGE)
    assert "alice" not in str(refusal.value)


def test_a_mail_server_that_is_not_there_is_unavailable(mailbox):
    controller = serve(mailbox)
    there = gateway(controller)
    controller.stop()
    with pytest.raises(Unavailable, match="refused"):
        there.send(MESSAGE)


@pytest.mark.parametrize("account", [{"user": "u", "password": Password(CANARY)}, {}])
def test_a_server_without_starttls_gets_neither_mail_nor_password(mailbox, mail_server, account):
    with pytest.raises(Unavailable) as refusal:
        gateway(mail_server, security=Security.STARTTLS, **account).send(MESSAGE)
    assert mailbox.mails == []
    assert CANARY not in repr(refusal.value) + str(refusal.value.__context__)


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
@pytest.mark.parametrize("answer", ["right", "wrong", "hangs up"])
def test_the_password_is_shown_to_the_server_only(mailbox, answer):
    seen = []

    def check(server, session, envelope, mechanism, data):
        seen.append(data.password)
        if answer == "hangs up":
            server.transport.abort()
        return AuthResult(success=answer == "right", handled=answer != "wrong")

    controller = serve(mailbox, authenticator=check, auth_require_tls=False, auth_required=True)
    try:
        there = gateway(controller, user="station", password=Password(CANARY))
        assert CANARY not in repr(there)
        if answer == "right":
            there.send(MESSAGE)
        else:
            with pytest.raises(Unavailable, match="user or password") as refusal:
                there.send(MESSAGE)
            assert CANARY not in str(refusal.value)
    finally:
        controller.stop()
    assert CANARY.encode() in seen
    assert len(mailbox.mails) == (answer == "right")


# Text messages


def test_a_text_message_becomes_a_line_of_a_private_file(tmp_path):
    there = SmsFile(tmp_path / "sms.jsonl")
    for _ in range(2):
        there.send(Message("+15550100200", "", "ñandú", "es", "0a1b2c"))
    lines = (tmp_path / "sms.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [
        {"to": "+15550100200", "text": "ñandú", "reference": "0a1b2c"}
    ] * 2
    assert (tmp_path / "sms.jsonl").stat().st_mode & 0o777 == 0o600


def test_a_file_that_cannot_be_written_is_unavailable(tmp_path):
    with pytest.raises(Unavailable, match="No such file"):
        SmsFile(tmp_path / "nowhere" / "sms.jsonl").send(MESSAGE)


@pytest.fixture
def sms_service():
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            server.posts.append((self.path, dict(self.headers), json.loads(body)))
            self.send_response(server.answer)
            if server.answer == 302:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST  # noqa: N815

        def log_message(self, *arguments):
            """Keep the test's output clean."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.posts, server.answer = [], 202
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def url(server):
    return f"http://127.0.0.1:{server.server_port}/messages"


def test_a_text_message_is_posted_with_token_and_idempotency_key(sms_service):
    SmsHttp(url(sms_service), Password(CANARY)).send(MESSAGE)
    ((path, headers, body),) = sms_service.posts
    assert path == "/messages"
    assert headers["Authorization"] == f"Bearer {CANARY}"
    assert headers["Idempotency-Key"] == "0a1b2c"
    assert body == {"to": MESSAGE.to, "text": MESSAGE.body, "reference": "0a1b2c"}


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (400, RefusedForGood),
        (404, RefusedForGood),
        (401, Unavailable),
        (403, Unavailable),
        (429, Unavailable),
        (500, Unavailable),
        (503, Unavailable),
        (302, RefusedForGood),
    ],
)
def test_what_is_tried_again_and_what_is_not(sms_service, answer, kind):
    sms_service.answer = answer
    with pytest.raises(kind, match=str(answer)) as refusal:
        SmsHttp(url(sms_service), Password(CANARY)).send(MESSAGE)
    assert CANARY not in str(refusal.value)
    assert len(sms_service.posts) == 1  # a redirect would take the token elsewhere


# Settings


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ({"fax": {}}, "not fax"),
        ({"email": {"host": "mail.example.com", "from": "cards@example.com", "colour": 1}}, "may hold"),
        ({"email": {"from": "cards@example.com"}}, "host"),
        ({"email": {"host": "mail.example.com", "port": 0, "from": "c@example.com"}}, "port"),
        ({"email": {"host": "mail.example.com", "from": "nobody"}}, "from"),
        (
            {"email": {"host": "mail.example.com", "from": "c@example.com", "security": "none"}},
            "starttls or tls",
        ),
        ({"email": {"host": "mail.example.com", "from": "c@example.com", "security": "rot13"}}, "one of"),
        ({"email": {"host": "mail.example.com", "from": "c@example.com", "user": "u"}}, "or neither"),
        ({"sms": {}}, "file, or url"),
        ({"sms": {"file": "a", "url": "https://b"}}, "file, or url"),
        ({"sms": {"url": "https://sms.example.com"}}, "file, or url"),
        ({"sms": {"url": "http://sms.example.com", "token_file": "t"}}, "https://"),
        ({"sms": "yes"}, "may hold"),
    ],
)
def test_settings_that_cannot_be_used_are_told(part, told):
    with pytest.raises(BadInput, match=told):
        read_gateways(part)


def test_settings_become_gateways(tmp_path):
    (tmp_path / "password").write_text(CANARY + "\n")
    part = {
        "email": {
            "host": "mail.example.com",
            "from": "cards@example.com",
            "user": "station",
            "password_file": str(tmp_path / "password"),
        },
        "sms": {"file": str(tmp_path / "sms.jsonl")},
    }
    gateways = read_gateways(part)
    email = gateways[Channel.EMAIL]
    assert (email.port, email.security, email.password.reveal()) == (587, Security.STARTTLS, CANARY)
    assert gateways[Channel.SMS] == SmsFile(tmp_path / "sms.jsonl")
    with pytest.raises(NotFound, match="no such mail password file"):
        read_gateways({"email": part["email"] | {"password_file": str(tmp_path / "missing")}})


# The command


def test_notices_from_the_command_line(bench, mailbox, mail_server):
    world = bench.world
    world.place(order_values())
    world.secure()
    bench.run("ship", "O-1", "--carrier", "Sample Post", "--tracking", "RR1", *bench.scanned_back("O-1"))
    contact = bench.json(
        "notices", "contact", "alice", "--email", "alice@example.com", "--mobile", "+15550100200"
    )
    assert (contact["email"], contact["mobile"], contact["language"]) == (True, True, None)

    settings = world.home.settings_file
    settings.write_text(  # a demo's notices go into files
        settings.read_text("utf-8").replace("demo = true", "demo = false"), encoding="utf-8"
    )
    nothing = bench.run("notices", "send")
    assert "0 sent" in nothing.stdout
    assert "add [notices.email]" in nothing.stderr

    settings.write_text(
        settings.read_text("utf-8")
        + f'[notices.email]\nhost = "127.0.0.1"\nport = {port_of(mail_server)}\n'
        + 'from = "cards@example.com"\nsecurity = "none"\n',
        encoding="utf-8",
    )
    mailbox.answer = "451 later"
    waiting = bench.json("notices", "send", code=1)
    assert [one["reason"] for one in waiting["to_be_repeated"]] == [
        "the mail server refused the message (451)"
    ]
    listed = bench.json("notices", "list", "--state", "WAITING")
    assert [(row["kind"], row["attempts"]) for row in listed["deliveries"]] == [("CARD_SHIPPED", 1)]

    log.close_log()
    everything = world.home.log_file.read_text("utf-8") + json.dumps([contact, waiting, listed])
    assert "alice@example.com" not in everything
    assert "+15550100200" not in everything


def test_a_notices_part_that_is_no_part_is_told(bench):
    settings = bench.world.home.settings_file
    settings.write_text('notices = "yes"\n' + settings.read_text("utf-8"), encoding="utf-8")
    assert "[notices]" in bench.run("stock", "count", code=1).stderr
