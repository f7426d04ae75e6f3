"""`dsc-emulate` from outside: what it prints, leaves behind, refuses and survives."""

import contextlib
import itertools
import json
import os
import pty
import select
import signal
import stat
import termios
import threading
import time

import pytest

from dscplus_card.hosts.image import IMAGE_SIZE
from dscplus_driver import KeySet, MasterKey, connect, ocra, personalise
from dscplus_driver.emulator import VirtualCardControl, running_emulator
from dscplus_driver.errors import CardError, CardRemoved, PortNotFound, UsageError
from tests.harness import sample

from .emulate_process import COMMAND, PATIENCE_S, Emulator, environment, run


def reach(path):
    """Connect to a control socket as soon as it is there."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return VirtualCardControl(path)
        except PortNotFound:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_cards_appear_answer_and_go_away(tmp_path):
    directory = tmp_path / "cards"
    with Emulator(directory, "--count", 2) as emulator:
        assert [card["serial_number"] for card in emulator.cards] == ["0000000018", "0000000026"]
        for index, card in enumerate(emulator.cards):
            assert card["url"] == f"serial:{directory}/card-{index}"
            assert card["control"] == f"{directory}/card-{index}.ctl"
            with connect(card["url"]) as driver_card:
                assert driver_card.serial_number == card["serial_number"]
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
        assert stat.S_IMODE((directory / "0000000018.flash").stat().st_mode) == 0o600
        code, err = emulator.end()
    assert code == 0
    assert "TEST" in err
    left = {path.name for path in directory.iterdir()}
    assert left == {"0000000018.flash", "0000000026.flash", "emulator.lock"}


def test_ready_line_for_people(tmp_path):
    with Emulator(tmp_path, as_json=False) as emulator:
        assert emulator.ready == [f"ready {tmp_path}/card-0 0000000018".encode()]
        assert emulator.end(signal.SIGINT)[0] == 0


def test_killed_emulator_comes_back_as_the_same_card(tmp_path):
    with Emulator(tmp_path) as emulator:
        with connect(emulator.cards[0]["url"]) as card:
            personalise(card, sample.plan())
        assert emulator.end(signal.SIGKILL)[0] == -signal.SIGKILL
    assert (tmp_path / "card-0").is_symlink(), "a killed one cleans nothing up"
    with Emulator(tmp_path) as emulator:
        with connect(emulator.cards[0]["url"]) as card, card.open_session(sample.issuer_keys()) as session:
            assert session.seed_check_value() == sample.plan().seed.check_value()
        with VirtualCardControl(emulator.cards[0]["control"]) as hands:
            assert hands.press("press")[-1].startswith("PIN>")


def test_emulator_killed_amid_writing_comes_back_as_that_card(tmp_path):
    """SIGKILL at some moment after a command was sent; the next run completes on the same card."""
    for command, delay_s in [(6, 0.0), (8, 0.0005), (10, 0.001), (12, 0.0)]:
        directory = tmp_path / str(command)
        with Emulator(directory) as emulator:
            killer = threading.Timer(delay_s, emulator.process.kill)
            sent = itertools.count(1)

            def kill_later(direction, _data, _link, killer=killer, sent=sent, command=command):
                if direction == ">" and next(sent) == command:
                    killer.start()

            with connect(emulator.cards[0]["url"], tap=kill_later) as card, contextlib.suppress(CardError):
                personalise(card, sample.plan())  # or the killer was too late: then it is done
            killer.join()
        with Emulator(directory) as emulator, connect(emulator.cards[0]["url"]) as card:
            assert personalise(card, sample.plan()).serial_number == "0000000018"


def test_second_emulator_on_one_directory_is_refused(tmp_path):
    with Emulator(tmp_path) as emulator:
        refused = run("--dir", tmp_path)
        assert refused.returncode == 5
        assert f"held by another emulator, pid {emulator.process.pid}" in refused.stderr
        assert refused.stdout == ""
        with connect(emulator.cards[0]["url"]) as card:
            assert card.serial_number == "0000000018"


def test_second_emulator_on_one_state_is_refused(tmp_path):
    with Emulator(tmp_path / "a", "--state", tmp_path / "state"):
        assert run("--dir", tmp_path / "b", "--state", tmp_path / "state").returncode == 5
    assert (tmp_path / "state" / "0000000018.flash").stat().st_size == IMAGE_SIZE


def test_card_whose_power_a_fault_cuts_at_boot_is_said_to_be_dark(tmp_path):
    with Emulator(tmp_path, "--count", 2, "--fault", "power-cut=1", ready=0) as emulator:
        with reach(tmp_path / "card-1.ctl") as hands:
            assert not hands.info().powered
            assert hands.plug() == f"serial:{tmp_path}/card-1"
        assert "0000000018 is dark" in emulator.end()[1]


def test_relative_directory_is_shown_whole(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with Emulator("cards") as emulator:
        assert emulator.cards[0]["url"] == f"serial:{tmp_path}/cards/card-0"


def test_batch_key_version_and_serial_numbers_are_settable(tmp_path):
    key_file = tmp_path / "batch.key"
    key_file.write_text(bytes(range(32)).hex() + "\n")
    options = ("--batch-key", key_file, "--kvn", "0F", "--serial-from", "123456")
    with Emulator(tmp_path / "cards", *options) as emulator:
        serial_number = emulator.cards[0]["serial_number"]
        assert serial_number == "0001234566"
        keys = KeySet.diversify(MasterKey(bytes(range(32))), 0x0F, serial_number)
        with connect(emulator.cards[0]["url"]) as card, card.open_session(keys) as session:
            assert session.key_version == 0x0F
        assert emulator.end()[1] == "", "nothing to warn of"


def test_tcp_card_answers_on_loopback(tmp_path):
    with Emulator(tmp_path, "--tcp") as emulator:
        assert emulator.cards[0]["url"].startswith("tcp://127.0.0.1:")
        with connect(emulator.cards[0]["url"]) as card:
            assert card.serial_number == "0000000018"


def test_unplug_is_the_drivers_typed_error_and_plug_ends_it(tmp_path):
    with Emulator(tmp_path) as emulator, VirtualCardControl(emulator.cards[0]["control"]) as hands:
        with connect(emulator.cards[0]["url"]) as card:
            assert card.serial_number
            hands.unplug()
            with pytest.raises(CardRemoved):
                card.life_cycle()
        with pytest.raises(PortNotFound):
            connect(emulator.cards[0]["url"])
        assert hands.plug() == emulator.cards[0]["url"]
        with connect(emulator.cards[0]["url"]) as card:
            assert card.serial_number == "0000000018"


def test_faults_of_the_command_line_apply_to_every_card(tmp_path):
    with Emulator(tmp_path, "--count", 2, "--fault", "unplug=in:100") as emulator:
        for record in emulator.cards:
            with connect(record["url"]) as card, pytest.raises(CardRemoved):
                personalise(card, sample.plan(record["serial_number"]))
            with VirtualCardControl(record["control"]) as hands:
                info = hands.info()
                assert (info.bytes_in, info.plugged, info.powered, info.url) == (100, False, True, None)


def test_control_client_reports_what_the_emulator_refuses(tmp_path):
    with Emulator(tmp_path) as emulator, VirtualCardControl(emulator.cards[0]["control"]) as hands:
        with pytest.raises(UsageError, match="refused fault: fault 'droop' is unknown"):
            hands.set_faults("droop=1")
        hands.set_faults("drop=0.5")
        hands.set_faults("")
        assert hands.display() == " " * 8
        hands.cut_power()
        assert hands.plug() == emulator.cards[0]["url"]
        assert hands.reboot() == emulator.cards[0]["url"]
        assert hands.info().boots == 3
        emulator.end(signal.SIGKILL)
        with pytest.raises(CardRemoved, match="the emulator has ended"):
            hands.display()
    with pytest.raises(PortNotFound, match="no emulator serves"):
        VirtualCardControl(tmp_path / "card-0.ctl")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((), 2, "--dir DIR"),
        (("--dir", "{tmp}", "--count", "0"), 2, "--count"),
        (("--dir", "{tmp}", "--fault", "drop"), 2, "fault 'drop' lacks its value"),
        (("--dir", "{tmp}", "--kvn", "10"), 2, "give 01 to 0F"),
        (("--dir", "{tmp}", "--serial-from", "0000000019"), 2, "the check digit is 8"),
        (("--dir", "{tmp}", "--serial-from", "999999999", "--count", "2"), 2, "no card number 1000000000"),
        (("--dir", "{tmp}", "--serial-from", "x"), 2, "is no serial number"),
        (("--dir", "{tmp}", "--batch-key", "{tmp}/absent"), 2, "No such file"),
        (("--dir", "{tmp}", "--batch-key", "{tmp}/text"), 2, "hexadecimal digits only"),
        (("--dir", "{tmp}", "--batch-key", "{tmp}/short"), 2, "holds 15 bytes"),
        (("--dir", "{tmp}/text"), 1, "cannot use"),
        (("--dir", "{tmp}/" + "long" * 30), 1, "use a shorter --dir"),
        (("--dir", "{tmp}/taken"), 1, "is in the way"),
        (("--dir", "{tmp}/other"), 1, "give it the name 0000000026.flash"),
        (("--dir", "{tmp}/junk"), 1, "holds no card"),
        (("--dir", "{tmp}/half"), 1, "has 100 bytes"),
        (("press", "--dir", "{tmp}", "1"), 3, "no emulator runs card 0"),
        (("screen", "--dir", "{tmp}"), 2, "needs a terminal"),
    ],
)
def test_bad_input_is_one_clear_line(tmp_path, arguments, code, message):
    (tmp_path / "text").write_text("no key")
    (tmp_path / "short").write_text("00" * 15)
    for name, image, content in [
        ("taken", "card-0", b""),
        ("junk", "0000000018.flash", b"\xff" * IMAGE_SIZE),
        ("half", "0000000018.flash", bytes(100)),
    ]:
        (tmp_path / name).mkdir()
        (tmp_path / name / image).write_bytes(content)
    (tmp_path / "other").mkdir()
    if "{tmp}/other" in arguments:
        with Emulator(tmp_path / "made", "--serial-from", "2"):
            made = (tmp_path / "made" / "0000000026.flash").read_bytes()
        (tmp_path / "other" / "0000000018.flash").write_bytes(made)
    result = run(*(argument.format(tmp=tmp_path) for argument in arguments))
    assert result.returncode == code, result.stderr
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    if arguments[:1] == ("screen",):
        return
    told = run(*(argument.format(tmp=tmp_path) for argument in arguments), "--json")
    document = json.loads(told.stdout)
    assert (document["format"], document["exit_code"]) == ("dsc-emulate.error/1", code)
    assert message in document["message"] and told.returncode == code and message in told.stderr


@pytest.mark.parametrize("count", [1, 2])
def test_running_emulator_tells_why_it_did_not_start(tmp_path, count):
    (tmp_path / "card-0").touch()
    with (
        pytest.raises(UsageError, match=r"did not start: .*is in the way"),
        running_emulator(tmp_path, count=count),
    ):
        pytest.fail("it started")


@pytest.fixture
def personalised(tmp_path):
    with Emulator(tmp_path) as emulator:
        with connect(emulator.cards[0]["url"]) as card:
            personalise(card, sample.plan())
        yield tmp_path


def test_press_prints_the_display_after_each_key(personalised):
    pressed = run("press", "--dir", personalised, "--card", 0, "press", "47", "11", "ok")
    assert pressed.stdout.splitlines() == [
        "PIN>    ",
        "PIN>*   ",
        "PIN>**  ",
        "PIN>*** ",
        "PIN>****",
        "CHALLNG>",
    ]
    assert pressed.returncode == 0


def test_press_takes_the_pin_from_standard_input(personalised):
    pressed = run("press", "--dir", personalised, "-", stdin="p 4711 ok 003141 ok\n")
    response = pressed.stdout.splitlines()[-1]
    assert len(response) == 8
    assert response.isdigit()
    plan = sample.plan()
    assert response == ocra.respond(plan.profile.suite, plan.seed, "003141")


def test_press_refuses_a_key_that_is_none_without_repeating_it(personalised):
    refused = run("press", "--dir", personalised, "press", "12x4")
    assert refused.returncode == 2
    assert "its keys are press, 0 to 9 and OK" in refused.stderr
    assert "12x4" not in refused.stderr


class Terminal:
    """`dsc-emulate screen` in a pty."""

    def __init__(self, directory):
        self.pid, self.fileno = pty.fork()
        if self.pid == 0:
            os.execve(COMMAND[0], [*COMMAND, "screen", "--dir", str(directory)], environment())  # noqa: S606
        self.seen = b""

    def wait_for(self, text):
        deadline = time.monotonic() + PATIENCE_S
        while text not in self.seen:
            ready, _, _ = select.select([self.fileno], [], [], deadline - time.monotonic())
            assert ready, f"{text!r} never came: {self.seen!r}"
            try:
                data = os.read(self.fileno, 65536)
            except OSError:  # the process has ended
                data = b""
            assert data, f"{text!r} never came: {self.seen!r}"
            self.seen += data

    def type(self, keys):
        self.seen = b""
        os.write(self.fileno, keys)

    def end(self):
        """Return the exit code."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                os.close(self.fileno)
                return os.waitstatus_to_exitcode(status)
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_screen_shows_the_face_and_takes_the_keyboard(personalised):
    terminal = Terminal(personalised)
    before = termios.tcgetattr(terminal.fileno)
    terminal.wait_for(b"0000000018")
    terminal.type(b"p")
    terminal.wait_for(b"PIN>    ")
    terminal.type(b"4711\r")
    terminal.wait_for(b"CHALLNG>")
    terminal.type(b"q")
    terminal.wait_for(b"\x1b[?1049l")
    assert termios.tcgetattr(terminal.fileno) == before
    assert terminal.end() == 0


@pytest.mark.parametrize(
    ("what", "code"), [("emulator", 1), (signal.SIGTERM, 128 + signal.SIGTERM), (b"\x03", 0)]
)
def test_screen_gives_the_terminal_back_however_it_ends(tmp_path, what, code):
    with Emulator(tmp_path) as emulator:
        terminal = Terminal(tmp_path)
        before = termios.tcgetattr(terminal.fileno)
        terminal.wait_for(b"0000000018")
        if what == "emulator":
            emulator.end()
        elif isinstance(what, bytes):
            terminal.type(what)
        else:
            os.kill(terminal.pid, what)
        terminal.wait_for(b"\x1b[?1049l")
        after = termios.tcgetattr(terminal.fileno)
        assert terminal.end() == code
        assert after == before
