"""Every byte of a good conversation changed: the driver never takes it for good, the card never breaks."""

from collections.abc import Iterator

import pytest

from dscplus_driver import errors
from dscplus_driver.card import Card
from tests.fuzz.invariants import STATUS_WORDS
from tests.fuzz.rig import INIT, Seen, VirtualCard, frames_in
from tests.golden import document
from tests.golden.document import Transcript
from tests.golden.hosts_part import PARTS
from tests.golden.script import OffScript, Script
from tests.golden.third import frame

TRANSCRIPTS = document.transcripts()
CHANGING = ["personalise-aes-128", "personalise-server-pin", "wrong-pin", "restock", "lock-and-terminate"]


def _answers(transcript: Transcript) -> Iterator[tuple[int, Seen]]:
    """Each answer of the card that something is concluded from, and which step it is.

    Not INIT's, as its boot id proves nothing; nor what is said in the clear after SELECT has left a channel.
    """
    for at, (kind, value) in enumerate(transcript.steps):
        if not isinstance(value, bytes):
            continue
        (seen,) = frames_in(value)
        if kind == "host" and seen.payload.startswith(b"\x00\xa4"):
            return
        if kind == "card" and seen.cmd != INIT:
            yield at, seen


def _not_taken_for_success(transcript: Transcript, at: int, seen: Seen, payload: bytes) -> None:
    """Replay with another payload in one answer, its CRC right: only the channel stands in its way."""
    steps = list(transcript.steps)
    steps[at] = ("card", frame(seen.session, seen.seq, seen.cmd, payload))
    script = Script(Transcript(transcript.name, given=transcript.given, steps=steps))
    with pytest.raises((errors.DscError, OffScript)):
        PARTS[transcript.name](Card(script, clock=script.clock, random=script.random))


@pytest.mark.parametrize("name", CHANGING)
def test_one_changed_byte_in_an_answer_is_never_taken_for_success(name):
    for at, seen in _answers(TRANSCRIPTS[name]):
        if seen.payload == b"\x69\x85":
            continue  # an error word proves nothing: any other error would do as well
        for byte in range(len(seen.payload)):
            payload = bytearray(seen.payload)
            payload[byte] ^= 0x01
            _not_taken_for_success(TRANSCRIPTS[name], at, seen, bytes(payload))


@pytest.mark.parametrize("name", CHANGING)
def test_one_shortened_answer_is_never_taken_for_success(name):
    for at, seen in _answers(TRANSCRIPTS[name]):
        for length in range(len(seen.payload)):
            for payload in {seen.payload[:length], seen.payload[:length] + b"\x90\x00"} - {seen.payload}:
                _not_taken_for_success(TRANSCRIPTS[name], at, seen, payload)


@pytest.mark.parametrize("change", [0x01, 0x80, 0xFF])
def test_one_changed_byte_in_a_request_never_breaks_the_card(change):
    """On the card's side the transcript goes on as if nothing had been: every answer is a documented one."""
    transcript = TRANSCRIPTS["personalise-aes-128"]
    requests = [frames_in(value)[0] for kind, value in transcript.steps if kind == "host"]
    for at, mutated in enumerate(requests):
        for byte in range(0, len(mutated.payload), 3):
            payload = bytearray(mutated.payload)
            payload[byte] ^= change
            card = VirtualCard()
            session = card.open_link(b"\x11" * 8)
            for seq, seen in enumerate(requests[1:], 1):
                sent = bytes(payload) if seq == at else seen.payload
                answer = card.ask(session, seq, seen.cmd, sent)
                assert int.from_bytes(answer.payload[-2:], "big") in STATUS_WORDS
