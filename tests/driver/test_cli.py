"""`dsc` on cards in memory: results, JSON documents, questions, exit codes, and no secret shown."""

import io
import json
import re

import pytest

from dscplus_driver import Profile, Seed, errors, ocra
from dscplus_driver.cli import run as cli
from dscplus_driver.link.interface import LinkKind
from tests.harness import sample
from tests.harness.fake_sysfs import FakeSysfs
from tests.harness.loopback import LoopbackCard

SEED = "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"
PIN = "7391"
INJECT = (
    "keys inject --port card-0 --test-keys --issuer-key-file @issuer.key --seed-file @seed --pin-file @pin"
)
ISSUER_MASTER = sample.ISSUER_MASTER.reveal().hex()
# The PIN as a word of its own: longer numbers have its digits by chance.
SECRETS = re.compile(rf"{SEED}|{ISSUER_MASTER}|(?<![0-9a-f.]){PIN}(?![0-9a-f])", re.IGNORECASE)


class Desk:
    """A user at a desk with cards: types commands, sees both outputs."""

    def __init__(self, capsys, monkeypatch, tmp_path):
        self.cards = {}
        self.capsys, self.monkeypatch, self.path = capsys, monkeypatch, tmp_path
        monkeypatch.setattr("dscplus_driver.card.open_transport", self._open)
        monkeypatch.delenv("DSC_PORT", raising=False)
        self.plug("card-0", sample.SERIAL_NUMBER)
        self.file("issuer.key", ISSUER_MASTER + "\nkvn 20\n")
        self.file("seed", SEED + "\n")
        self.file("pin", PIN + "\n")

    def plug(self, url, serial_number):
        self.cards[url] = LoopbackCard(serial_number, sample.transport_keys(serial_number))

    def _open(self, url):
        if url not in self.cards:
            raise errors.PortNotFound(f"there is no {url}", where=url)
        return self.cards[url].transport()

    def file(self, name, text, mode=0o600):
        path = self.path / name
        path.write_text(text)
        path.chmod(mode)
        return str(path)

    def type(self, line, *, stdin="", expect=0):
        words = [str(self.path / word[1:]) if word.startswith("@") else word for word in line.split()]
        self.monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        code = cli.run(words)
        out, err = self.capsys.readouterr()
        assert code == expect, err
        if words[0] != "traffic":
            assert not SECRETS.search(out + err), "a secret was shown"
        assert "Traceback" not in err
        return out, err

    def json(self, line, **options):
        out, _ = self.type(f"{line} --json", **options)
        return json.loads(out)

    def inject(self):
        return self.json(INJECT)


@pytest.fixture
def desk(capsys, monkeypatch, tmp_path):
    return Desk(capsys, monkeypatch, tmp_path)


def test_info_of_a_blank_card(desk):
    found = desk.json("info --port card-0")
    assert found["format"] == "dsc.info/1"
    assert (found["serial_number"], found["life_cycle"], found["key_version"]) == (
        "0000000018",
        "OP_READY",
        1,
    )
    assert found["pin_tries_left"] is None and found["suite"] is None and found["firmware_version"]


def test_inject_then_info_status_respond_and_ocra_agree(desk):
    done = desk.inject()
    assert done["format"] == "dsc.keys.inject/1"
    assert done["steps"][0] == "keys-rotated" and done["steps"][-1] == "secured"
    assert done["check_value"] == Seed(bytes.fromhex(SEED)).check_value().hex()
    info = desk.json("info --port card-0")
    assert (info["life_cycle"], info["pin_tries_left"], info["key_version"]) == ("SECURED", 5, 0x20)
    assert (info["suite"], info["profile"]) == (Profile.CARD_PIN.suite, "card-pin")
    status = desk.json("keys status --port card-0 --issuer-key-file @issuer.key")
    assert {name: info[name] for name in ("serial_number", "life_cycle", "suite", "quota_left")} == {
        name: status[name] for name in ("serial_number", "life_cycle", "suite", "quota_left")
    }
    assert status["check_value"] == done["check_value"]
    answer = desk.json("keys respond 000123 --port card-0 --issuer-key-file @issuer.key")
    computed = desk.json(f"ocra --suite {Profile.CARD_PIN.suite} --key-file @seed --question 000123")
    assert (
        answer["response"]
        == computed["response"]
        == ocra.respond(Profile.CARD_PIN.suite, bytes.fromhex(SEED), "000123")
    )
    assert answer["quota_left"] == 28


def test_people_get_lines_and_progress_goes_to_standard_error(desk):
    out, err = desk.type(INJECT)
    assert out == "card 0000000018 is personalised and secured\n"
    assert "secured" in err and "test keys protect nothing" in err
    out, _ = desk.type("info --port card-0")
    assert "SECURED" in out and "0000000018" in out
    out, _ = desk.type("keys status --port card-0 --issuer-key-file @issuer.key")
    assert "5 of 5 tries left" in out


def test_inject_again_completes_and_another_seed_is_refused(desk):
    desk.inject()
    assert desk.inject()["life_cycle"] == "SECURED"
    desk.file("seed", "ab" * 20)
    refusal = desk.json(INJECT, expect=1)
    assert refusal["error"] == "CardUnfit" and "another seed" in refusal["message"]


def test_a_server_pin_card(desk):
    done = desk.json(f"{INJECT} --profile server-pin")
    assert "pin-set" not in done["steps"]
    answer = desk.json("keys respond 000123 --port card-0 --issuer-key-file @issuer.key --pin-file @pin")
    computed = desk.json(
        f"ocra --suite {Profile.SERVER_PIN.suite} --key-file @seed --question 000123 --pin-file @pin"
    )
    assert answer["response"] == computed["response"]
    for command in ("set-pin --pin-file @pin", "unblock"):
        refusal = desk.json(f"keys {command} --port card-0 --issuer-key-file @issuer.key", expect=1)
        assert "keeps no PIN" in refusal["message"]


def test_put_once_and_again(desk):
    line = "keys put --port card-0 --test-keys --issuer-key-file @issuer.key"
    assert desk.json(line)["changed"] is True
    assert desk.json(line)["changed"] is False
    assert desk.json("info --port card-0")["key_version"] == 0x20


def test_set_pin_and_unblock(desk):
    desk.inject()
    card = desk.cards["card-0"]
    with card.connect() as driver, driver.open_session(sample.issuer_keys()) as session:
        for _ in range(5):
            with pytest.raises(errors.WrongPin):
                session.verify_pin(sample.plan().pin)
    assert desk.json("info --port card-0")["pin_tries_left"] == 0
    assert desk.json("keys unblock --port card-0 --issuer-key-file @issuer.key")["pin_tries_left"] == 5
    assert desk.json("keys set-pin --port card-0 --issuer-key-file @issuer.key --pin-file -", stdin="0042\n")
    with card.connect() as driver, driver.open_session(sample.issuer_keys()) as session:
        session.verify_pin(type(sample.plan().pin)("0042"))


@pytest.mark.parametrize("command", ["set-pin --pin-file @pin", "unblock", "respond 123456"])
def test_what_needs_a_personalised_card_says_so(desk, command):
    desk.json("keys put --port card-0 --test-keys --issuer-key-file @issuer.key")
    refusal = desk.json(f"keys {command} --port card-0 --issuer-key-file @issuer.key", expect=1)
    assert refusal["error"] == "CardUnfit" and "OP_READY" in refusal["message"]


@pytest.mark.parametrize("command", ["wipe", "terminate"])
def test_what_destroys_asks_or_takes_yes(desk, command):
    desk.inject()
    line = f"keys {command} --port card-0 --issuer-key-file @issuer.key"
    _, err = desk.type(line, expect=2)
    assert "--yes" in err
    assert desk.json("info --port card-0")["life_cycle"] == "SECURED"
    done = desk.json(f"{line} --yes")
    assert desk.json("info --port card-0")["life_cycle"] == done["life_cycle"]


def test_a_no_at_the_terminal_leaves_the_card_alone(desk, monkeypatch):
    desk.inject()

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    words = ["keys", "wipe", "--port", "card-0", "--issuer-key-file", str(desk.path / "issuer.key")]
    assert cli.run(words) == 1
    assert "stopped" in desk.capsys.readouterr().err
    assert desk.json("info --port card-0")["life_cycle"] == "SECURED"


def test_wipe_with_restock_keys(desk):
    desk.inject()
    desk.file("restock.key", "00112233445566778899aabbccddeeff  # generation 1\nkvn: 11")
    done = desk.json(
        "keys wipe --yes --port card-0 --issuer-key-file @issuer.key --restock-key-file @restock.key"
    )
    assert done["key_version"] == 0x11
    assert desk.json("info --port card-0")["key_version"] == 0x11
    again = desk.json(
        "keys inject --port card-0 --card-key-file @restock.key --issuer-key-file @issuer.key"
        " --seed-file @seed --pin-file @pin"
    )
    assert again["life_cycle"] == "SECURED"


def test_apdus_from_arguments_and_standard_input(desk):
    out, _ = desk.type("apdu --port card-0 80CA0045 80CADF01 80CADF07")
    assert out.splitlines() == ["30303030303030303138 9000", "01 9000", "6982"]
    lines = "# select\n00A4040009F0445343504C555301\n\n80 ca 00 45\n"
    out, _ = desk.type("apdu --port card-0 -", stdin=lines)
    assert out.splitlines() == ["9000", "30303030303030303138 9000"]
    answers = desk.json("apdu --port card-0 80CAFFFF")["answers"]
    assert answers == [
        {"command": "80CAFFFF", "data": "", "status_word": "6A88", "meaning": "no such object or key version"}
    ]
    _, err = desk.type("apdu --port card-0 xyz", expect=2)
    assert "APDU 1 is not hexadecimal" in err


def test_apdus_share_one_session(desk):
    """INITIALIZE UPDATE and a following command must meet the same channel state: no INIT between them."""
    transport = desk.cards["card-0"].transport
    opened = []
    desk.cards["card-0"].transport = lambda: opened.append(transport()) or opened[-1]
    desk.type("apdu --port card-0 80CA0045 80CA0045 80CA0045")
    assert len(opened) == 1 and opened[0].round_trips == 4


def test_wink_ping_and_diagnose(desk):
    assert desk.json("wink --port card-0")["serial_number"] is not None
    found = desk.json("ping --port card-0 --count 3 --size 512")
    assert (found["count"], found["size"]) == (3, 512)
    report = desk.json("diagnose --port card-0")
    assert (report["link"], report["self_test"]) == ("ok", "ok")
    out, _ = desk.type("diagnose --port card-0")
    assert "mV" in out


def test_a_failed_self_test_is_exit_1(desk, monkeypatch):
    monkeypatch.setattr("dscplus_driver.card.Card.self_test", lambda _card: 0x04)
    out, err = desk.type("diagnose --port card-0", expect=1)
    assert "failed: 04" in out and "self-test failed" in err


def test_list_names_cards_and_problems(desk):
    desk.plug("card-1", "0000000026")
    out, _ = desk.type("list --port card-0 --port card-1")
    assert [line.split()[0] for line in out.splitlines()] == ["0000000018", "0000000026"]
    found = desk.json("list --port card-0 --port nowhere", expect=1)
    assert [card["serial_number"] for card in found["cards"]] == ["0000000018", None]
    assert "there is no nowhere" in found["cards"][1]["problem"]


def test_list_without_usb_cards_says_so(desk, monkeypatch):
    monkeypatch.setattr("dscplus_driver.discovery.present.records", list)
    out, err = desk.type("list")
    assert out == "" and "name other ports with --port" in err


@pytest.fixture
def usb(desk, monkeypatch, tmp_path):
    """A fake sysfs whose hidraw nodes lead to the desk's cards."""
    usb = FakeSysfs(tmp_path / "sys")
    monkeypatch.setattr("dscplus_driver.discovery.present.records", usb.records)

    def plug(port, number, inside=None):
        plugged = usb.plug(port, number)
        desk.plug(f"hid:{plugged.hidraw}", inside or number)
        return plugged

    usb.plug_card = plug
    return usb


def test_list_shows_each_card_on_usb_once_with_its_place(desk, usb):
    plugged = usb.plug_card("1-2.3", "0000000026")
    out, _ = desk.type("list")
    assert "0000000026  OP_READY" in out and "platform-vhci_hcd.0-usb-0:2.3" in out
    (card,) = desk.json("list")["cards"]
    assert [way["port"] for way in card.pop("interfaces")] == [
        f"hid:{plugged.hidraw}",
        f"serial:{plugged.tty}",
        "usb:1.1",
    ]
    assert card == {
        "serial_number": "0000000026",
        "life_cycle": "OP_READY",
        "port": "loopback:0000000026",
        "port_path": "1-2.3",
        "id_path": "platform-vhci_hcd.0-usb-0:2.3",
        "problem": None,
    }


def test_list_shows_a_card_that_cannot_be_opened_with_its_number(desk, usb):
    usb.plug_card("1-1", "0000000026")
    usb.plug_card("1-2", "0000000026")
    found = desk.json("list", expect=1)["cards"]
    assert [(card["serial_number"], card["port"], card["life_cycle"]) for card in found] == [
        ("0000000026", None, None)
    ] * 2
    assert all(
        "several cards give the serial number 0000000026: 1-1, 1-2" in card["problem"] for card in found
    )


def test_watch_tells_what_comes_and_goes_until_it_is_interrupted(desk, usb, monkeypatch):
    happenings = [
        lambda: usb.plug("1-2", "12\x1b[31m"),
        lambda: usb.unplug("1-1"),
        lambda: usb.unplug("1-2"),
    ]

    class Source:
        def wait(self, _timeout):
            if not played:
                raise KeyboardInterrupt
            played.pop(0)()

        def wake(self):
            pass

        close = wake

    monkeypatch.setattr("dscplus_driver.discovery.hotplug.subscribe", Source)
    plugged = usb.plug_card("1-1", "0000000026")
    played = [*happenings]
    out, _ = desk.type("watch --json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert {line["format"] for line in lines} == {"dsc.watch/1"}
    assert [(line["event"], line["serial_number"], line["port_path"]) for line in lines] == [
        ("appeared", "0000000026", "1-1"),
        ("appeared", None, "1-2"),
        ("vanished", "0000000026", "1-1"),
        ("vanished", None, "1-2"),
    ]
    assert lines[0]["port"] == f"hid:{plugged.hidraw}" and lines[0]["problem"] is None
    assert lines[0]["id_path"] == "platform-vhci_hcd.0-usb-0:1" and len(lines[0]["interfaces"]) == 3
    assert lines[1]["port"] is None and "instead of ten digits" in lines[1]["problem"]

    usb.plug_card("1-1", "0000000026")
    played = [*happenings]
    out, _ = desk.type("watch")
    words = [line.split()[:3] for line in out.splitlines()]
    assert words[0] == ["appeared", "0000000026", "platform-vhci_hcd.0-usb-0:1"]
    assert words[1][:2] == ["appeared", "?"] and "\x1b" not in out


def test_every_command_takes_a_card_on_usb_by_its_number(desk, usb):
    usb.plug_card("1-1", "0000000026")
    usb.plug_card("1-2", "0000000034", inside="0000000042")
    assert desk.json("info --serial 0000000026")["serial_number"] == "0000000026"
    swapped = desk.json("wink --serial 0000000034", expect=1)
    assert swapped["error"] == "CardSwapped"
    assert "0000000034 was expected" in swapped["message"] and "0000000042 is there" in swapped["message"]
    assert "several cards" in desk.json("info", expect=2)["message"]
    assert desk.json("info --serial 0000000027", expect=2)["error"] == "UsageError"


def test_the_card_is_chosen_by_serial_number_or_environment(desk, monkeypatch):
    desk.plug("card-1", "0000000026")
    monkeypatch.setenv("DSC_PORT", "nowhere card-0 card-1")
    assert desk.json("info --serial 0000000026")["port"] == "loopback:0000000026"
    refusal = desk.json("info --serial 0000000034", expect=3)
    assert refusal["error"] == "CardNotFound" and "0000000018" in refusal["message"]
    assert "several ports" in desk.json("info", expect=2)["message"]
    monkeypatch.setenv("DSC_PORT", "card-1")
    assert desk.json("info")["serial_number"] == "0000000026"


def test_no_card_on_usb(desk, monkeypatch):
    monkeypatch.setattr("dscplus_driver.discovery.present.records", list)
    message = desk.json("info", expect=3)["message"]
    assert "DSC_PORT" in message and "`dsc doctor`" in message


def test_traffic_shows_frames_and_warns(desk):
    out, err = desk.type("traffic --json info --port card-0 --json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert {line["format"] for line in lines} == {"dsc.traffic/1"}
    assert [line["direction"] for line in lines] == [">", "<"] * (len(lines) // 2)
    assert lines[0]["frames"][0]["command"] == "INIT"
    assert any(frame["payload"] == "80ca0045" for line in lines for frame in line["frames"])
    assert "WARNING" in err and "dsc.info/1" in err
    out, _ = desk.type("traffic info --port card-0")
    assert "> INIT session 00000000 seq 0" in out
    desk.type("traffic info --port nowhere", expect=3)


def test_traffic_shows_reports_and_the_messages_that_they_complete(desk):
    desk.cards["card-0"].link = LinkKind.HID
    out, _ = desk.type("traffic --json ping --size 60 --count 1 --port card-0")
    lines = [json.loads(line) for line in out.splitlines()]
    assert {len(line["bytes"]) for line in lines} == {128}
    assert [line["direction"] for line in lines] == [">", "<", ">", "<", *(">>"), *("<<"), ">"]
    init, first, second = lines[0]["frames"], lines[4]["frames"], lines[5]["frames"]
    assert [(frame["command"], frame["channel"]) for frame in init] == [("INIT", "ffffffff")]
    assert first == []
    assert [(frame["command"], len(frame["payload"])) for frame in second] == [("PING", 120)]
    assert second[0]["session"] is second[0]["seq"] is None
    assert second[0]["channel"] == lines[1]["frames"][0]["payload"][16:24]
    out, _ = desk.type("traffic ping --size 60 --count 1 --port card-0")
    assert "> INIT channel ffffffff: " in out


def test_an_apdu_that_no_message_carries_is_refused_in_one_line(desk):
    _, err = desk.type(f"apdu {'00' * 513} --port card-0", expect=2)
    assert "at most 512 bytes, not 513" in err


# --- keys, files, refusals ---


@pytest.mark.parametrize(
    ("line", "code", "complaint"),
    [
        ("keys put --port card-0 --test-keys", 2, "issuer's master key is missing"),
        ("keys put --port card-0 --issuer-key-file @issuer.key", 2, "--card-key-file"),
        ("keys status --port card-0", 2, "no keys were given"),
        ("keys status --port card-0 --issuer-key-file @none", 3, "there is no issuer key file"),
        ("keys status --port card-0 --issuer-key-file @bad", 2, "not hexadecimal"),
        ("keys status --port card-0 --issuer-key-file @empty", 2, "must hold one key"),
        ("keys status --port card-0 --issuer-key-file @short", 2, "16 or 32 bytes, not 4"),
        ("keys status --port card-0 --issuer-key-file @binary", 2, "not a text file"),
        ("keys status --port card-0 --issuer-key-file @issuer.key --issuer-kvn 80", 2, "not a key version"),
        ("keys status --port card-0 --issuer-key-file - --card-key-file -", 2, "one thing only"),
        (
            "keys put --port card-0 --test-keys --card-key-file @issuer.key --issuer-key-file @issuer.key",
            2,
            "one of",
        ),
        ("keys status --port card-0 --issuer-key-file @issuer.key", 1, "none of the key versions 20"),
        (
            "keys put --port card-0 --card-key-file @wrong --issuer-key-file @issuer.key",
            4,
            "are not these keys",
        ),
        (
            INJECT.replace("@seed", "@short"),
            2,
            "20 to 64 bytes, not 4",
        ),
        (
            INJECT.replace("@pin", "@seed"),
            2,
            "exactly four digits",
        ),
        ("keys set-pin --port card-0 --issuer-key-file @issuer.key", 2, "--pin-file"),
        ("info --port nowhere", 3, "there is no nowhere"),
        ("info --port card-0 --colour", 2, "No such option"),
        ("frobnicate", 2, "No such command"),
        ("ocra --suite OCRA-1:X --key-hex 00 --question 1234", 2, "no OCRA suite"),
        ("ocra --suite OCRA-1:HOTP-SHA1-6:QN08 --question 1234", 2, "--key-hex"),
        ("ocra --suite OCRA-1:HOTP-SHA1-6:QN08 --key-hex 0g --question 1234", 2, "not hexadecimal"),
        ("ocra --suite OCRA-1:HOTP-SHA1-6:QN08 --key-file - --pin-file - --question 1234", 2, "one thing"),
        ("ocra --suite OCRA-1:HOTP-SHA1-6:QN08 --key-hex 00 --question 12", 2, "4 to 8 characters"),
    ],
)
def test_bad_input_is_one_line_and_the_right_exit_code(desk, line, code, complaint):
    desk.file("bad", "not a key")
    desk.file("empty", "# nothing\n")
    desk.file("short", "00112233")
    desk.file("wrong", "00" * 16)
    (desk.path / "binary").write_bytes(b"\xff\xfe\x00")
    (desk.path / "binary").chmod(0o600)
    out, err = desk.type(line, expect=code)
    said = [line for line in err.splitlines() if "warning" not in line]
    assert out == "" and len(said) == 1 and complaint in said[0]
    assert desk.json("info --port card-0")["life_cycle"] == "OP_READY"


def test_a_key_file_that_others_may_read_is_warned_of(desk):
    desk.file("issuer.key", ISSUER_MASTER, mode=0o644)
    _, err = desk.type("keys put --port card-0 --test-keys --issuer-key-file @issuer.key")
    assert "others may read" in err and "chmod 600" in err


def test_keys_come_from_standard_input_too(desk):
    line = "keys put --port card-0 --test-keys --issuer-key-file - --issuer-kvn 2A --json"
    out, _ = desk.type(line, stdin=ISSUER_MASTER)
    assert json.loads(out)["key_version"] == 0x2A


def test_ocra_takes_all_inputs_of_the_rfc(desk):
    key = b"12345678901234567890123456789012".hex()
    out, _ = desk.type(
        f"ocra --suite OCRA-1:HOTP-SHA256-8:C-QN08-PSHA1 --key-hex {key}"
        " --question 12345678 --counter 0 --pin 1234"
    )
    assert out == "65347737\n"
    suite = "OCRA-1:HOTP-SHA256-8:QA08-S004-T1M"
    expected = ocra.respond(suite, bytes.fromhex(key), "SIG10000", session=b"\xab\xcd", timestamp=1e9)
    out, _ = desk.type(
        f"ocra --suite {suite} --key-file - --question SIG10000 --session abcd --timestamp 1000000000",
        stdin=key,
    )
    assert out.strip() == expected
