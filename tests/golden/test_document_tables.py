"""The tables of docs/protocol.md say what driver and card do."""

import re

import pytest

from dscplus_card import applet, device, hid_link, state
from dscplus_card import link as card_link
from dscplus_driver import status
from dscplus_driver.link import hid
from dscplus_driver.link import serial as link
from dscplus_driver.link.frames import LinkCommand, LinkErrorCode
from dscplus_driver.model import LifeCycle, Tag
from tests.fuzz.rig import MSG, VirtualCard, frames_in
from tests.golden import document, inputs
from tests.golden.third import Channel, put_key_data, store_data

TEXT = document.PATH.read_text("utf-8")


def rows(heading: str, *, first: str) -> list[list[str]]:
    """The cells of the table rows under a heading whose first cell matches."""
    section = TEXT.split(f"\n{heading}\n")[1].split("\n#")[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines()]
    return [row for row in cells if len(row) > 1 and re.fullmatch(first, row[0])]


LINK_ROWS = rows("### 2.2 Commands of the link", first="[0-9A-F]{2}")


def test_link_commands():
    table = {int(row[0], 16): row[1] for row in LINK_ROWS if row[1].isupper()}
    assert table == {int(command): command.name for command in LinkCommand}


def test_link_errors():
    table = {int(row[0], 16): row[1].upper() for row in LINK_ROWS if row[1].islower()}
    assert table == {int(code): code.name for code in LinkErrorCode}


def test_host_timers():
    timers = {row[0]: row[1] for row in rows("### 2.7 The host's timers", first=".*")}
    assert timers["answer timeout"] == f"{link.ANSWER_TIMEOUT * 1000:.0f} ms"
    assert timers["retransmissions"] == str(link.RETRANSMISSIONS)
    assert timers["ceiling"] == f"{link.CEILING:.0f} s"


def test_hid_commands_and_errors_are_the_cards():
    commands = {row[1]: int(row[0], 16) for row in rows("### 14.2 Commands", first="[0-9A-F]{2}")}
    assert commands == {name: getattr(card_link, name) for name in commands}
    assert set(commands) == {command.name for command in LinkCommand} | {"LOCK"}
    errors = {int(row[0], 16): row[1] for row in rows("### 14.4 Receiving a message", first="[0-9A-F]{2}")}
    assert errors.pop(0x0A) == "lock required"
    assert errors == {int(code): code.name.lower() for code in LinkErrorCode}


def test_hid_timers_and_limits():
    words = " ".join(TEXT.split("\n## 14 The HID link\n")[1].split("\n## ")[0].split())
    for said in (
        f"no report comes for {hid_link.MESSAGE_TIMEOUT_MS} ms",
        f"for up to {hid_link.LONGEST_LOCK_S} s",
        f"up to {card_link.MAX_PAYLOAD} bytes is cut",
        f"at most {card_link.MAX_UNSENT // hid_link.REPORT_LENGTH} reports",
        f"KEEPALIVE every {card_link.KEEPALIVE_MS} ms",
        f"gives up a request after {hid.ANSWER_TIMEOUT:.0f} s of it",
        f"and INIT after {hid.INIT_TIMEOUT} s",
        f"for {hid.BUSY_PATIENCE:.0f} s: longer than the {applet.CHANNEL_LAPSE_MS // 1000} s",
    ):
        assert said in words, said
    assert "The card keeps eight channels." in words and hid_link.MAX_CHANNELS == 8
    assert "(asking four times in all" in words and hid.INIT_TRIES == 4
    assert "within 5 s" in " ".join(TEXT.split()) and device.ERASE_MS == 5000


def test_life_cycle_bytes():
    table = {row[1]: int(row[0], 16) for row in rows("## 3 Identity and life cycle", first="[0-9A-F]{2}")}
    assert table == {life_cycle.name: int(life_cycle) for life_cycle in LifeCycle}


def test_tags():
    table = {int(row[0], 16): row for row in rows("## 7 Data objects (GET DATA)", first="[0-9A-F]{4}")}
    assert set(table) == set(Tag)
    card = VirtualCard()
    session = card.open_link(b"\x11" * 8)
    for seq, (tag, row) in enumerate(table.items(), 1):
        answer = card.ask(session, seq, MSG, bytes.fromhex(f"80CA{tag:04X}")).payload
        assert answer[-2:].hex() == ("6982" if row[3] == "channel" else "9000"), f"GET DATA {tag:04X}"


def test_status_words():
    table = {row[0] for row in rows("## 8 Status words", first="[0-9A-F]{3}[0-9A-Fx]")}
    assert table == {f"{word:04X}" for word in status.MEANINGS} | {"63Cx"}


def _transitions() -> set[tuple[str, str]]:
    allowed = set()
    for source, target, _needs in rows("## 3 Identity and life cycle", first="[A-Z_, ]+|any but TERMINATED"):
        sources = [name for name in LifeCycle.__members__ if name != "TERMINATED"]
        if source != "any but TERMINATED":
            sources = source.split(", ")
        allowed |= {(name, target) for name in sources}
    return allowed


@pytest.mark.parametrize("source", LifeCycle.__members__)
@pytest.mark.parametrize("target", LifeCycle.__members__)
def test_life_cycle_transitions(source, target):
    """Each of the 25 pairs, on a card that has all that a transition may need."""
    card = VirtualCard()
    session = card.open_link(b"\x11" * 8)
    seq = 0

    def speak(apdu: bytes) -> bytes:
        nonlocal seq
        seq += 1
        return card.ask(session, seq, MSG, apdu).payload

    def channel_under(keys, counter: int) -> Channel:
        channel = Channel(keys, b"\x22" * 8, counter)
        speak(channel.initialize_update())
        assert speak(channel.external_authenticate()) == b"\x90\x00"
        return channel

    def set_status(life_cycle: str) -> bytes:
        return speak(channel.command(bytes([0x80, 0xF0, 0x80, LifeCycle[life_cycle]]), b""))

    channel = channel_under(inputs.BATCH, 1)
    speak(channel.command(bytes.fromhex("80D80181"), put_key_data(inputs.BATCH, inputs.ISSUER)))
    channel = channel_under(inputs.ISSUER, 2)
    way = {"CARD_LOCKED": ["INITIALIZED", "SECURED", "CARD_LOCKED"], "SECURED": ["INITIALIZED", "SECURED"]}
    for step in way.get(source, [source] if source != "OP_READY" else []):
        assert set_status(step)[-2:] == b"\x90\x00"
        if step == "INITIALIZED":
            data = store_data(inputs.ISSUER, 1, inputs.SUITE_A, inputs.SEED_32, "en", "")
            speak(channel.command(bytes.fromhex("80E28800"), data))
            speak(channel.command(bytes.fromhex("002C0281"), inputs.PIN.encode()))
    assert card.remembers()[state.LIFE_CYCLE] == bytes([LifeCycle[source]])
    succeeded = set_status(target)[-2:] == b"\x90\x00"
    assert succeeded == ((source, target) in _transitions())
    after = LifeCycle[target] if succeeded else LifeCycle[source]
    assert card.remembers()[state.LIFE_CYCLE] == bytes([after])


BUDGET = {
    (row[0].split(",")[0], row[1][:7]): row[2:]
    for row in rows("### 12.2 Byte budget", first="personalisation.*|restock")
}


def on_the_wire(transcript: str) -> tuple[int, int]:
    """Round trips and bytes of a transcript: both ways, both zeros, up to where the channel is left."""
    steps = [value for _, value in document.transcripts()[transcript].steps if isinstance(value, bytes)]
    selects = [at for at, data in enumerate(steps) if frames_in(data)[0].payload.startswith(b"\x00\xa4")]
    steps = steps[: selects[0]] if selects else steps
    return len(steps) // 2, sum(map(len, steps))


@pytest.mark.parametrize(
    ("sequence", "keys", "transcript"),
    [
        ("personalisation", "AES-128", "personalise-aes-128"),
        ("personalisation", "AES-256", "personalise-aes-256"),
        ("restock", "AES-128", "restock"),
    ],
)
def test_byte_budget(sequence, keys, transcript):
    round_trips, octets = on_the_wire(transcript)
    assert BUDGET[sequence, keys] == [str(round_trips), str(octets), f"{octets * 10 / 115.2:.0f} ms"]
    assert "**1,300 bytes in 16 round trips**" in " ".join(TEXT.split())
    assert octets <= 1300 and round_trips <= 16


def test_byte_budget_of_a_restock_with_long_keys():
    """PUT KEY's three ciphertexts have 48 bytes more; tests/driver/test_retire.py measures both."""
    octets = int(BUDGET["restock", "AES-128"][1]) + 48
    assert BUDGET["restock", "AES-256"] == ["9", str(octets), f"{octets * 10 / 115.2:.0f} ms"]
