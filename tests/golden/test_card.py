"""The card answers every golden transcript byte for byte."""

from collections.abc import Callable

import pytest

from dscplus_card.device import Device, manufacture
from dscplus_card.flash import MemoryFlash
from dscplus_card.hosts.port_cpython import CPythonPort
from tests.golden import document
from tests.golden.document import Transcript
from tests.golden.inputs import BATCH, BATCH_256, BOOT_ID, SERIAL

TRANSCRIPTS = document.transcripts()
ON_THE_CARD = [name for name, transcript in TRANSCRIPTS.items() if "card" in transcript.sides]


class Bench:
    """A virtual card whose clock stands still and whose random values are the transcript's."""

    def __init__(self, key_length: int) -> None:
        self.milliseconds = 0
        self.draws: list[bytes] = [BOOT_ID]
        flash = MemoryFlash()
        keys = BATCH if key_length == 16 else BATCH_256
        manufacture(flash, SERIAL, keys.version, (keys.enc, keys.mac, keys.dek))
        self.device = Device(CPythonPort(flash, clock=lambda: self.milliseconds / 1000, random=self._draw))

    def replay(self, transcript: Transcript, change: Callable[[bytes], bytes] = lambda sent: sent) -> None:
        """Feed what was sent to the card; assert that it answers as written, and nothing else."""
        self.draws += transcript.fixed("session")
        answers = b""
        for kind, value in [*transcript.steps, ("wait", 0)]:
            if kind in ("card", "lost"):
                assert isinstance(value, bytes)
                assert answers[: len(value)].hex() == value.hex()
                answers = answers[len(value) :]
                continue
            if kind == "noise":
                continue
            assert answers.hex() == "", "the card says more than the transcript"
            if isinstance(value, int):
                self.milliseconds += value
            elif transcript.hid:
                self.device.receive_report(change(value))
            else:
                self.device.receive(change(value))
            self.device.tick()
            answers = (
                b"".join(iter(self.device.transmit_report, b"")) if transcript.hid else self.device.transmit()
            )
        assert answers.hex() == ""
        assert self.draws == [], "a fixed random value was not drawn"

    def _draw(self, n: int) -> bytes:
        value = self.draws.pop(0)
        assert len(value) == n
        return value


def prepared(transcript: Transcript) -> Bench:
    """Return the card that the transcript begins with."""
    if not transcript.after:
        return Bench(transcript.key_length)
    before = TRANSCRIPTS[transcript.after]
    bench = prepared(before)
    bench.replay(before)
    return bench


@pytest.mark.parametrize("name", ON_THE_CARD)
def test_card_answers_as_the_document_says(name):
    prepared(TRANSCRIPTS[name]).replay(TRANSCRIPTS[name])


@pytest.mark.parametrize("name", ["init", "personalise-aes-128"])
def test_bytes_that_come_one_at_a_time_make_no_difference(name):
    transcript = TRANSCRIPTS[name]
    single = Transcript(name, given=transcript.given)
    for kind, value in transcript.steps:
        if kind == "host" and isinstance(value, bytes):
            single.steps += [(kind, bytes([byte])) for byte in value]
        else:
            single.steps.append((kind, value))
    prepared(transcript).replay(single)


def test_a_replay_notices_one_wrong_bit():
    """The harness is no yes-man: with any byte of a command changed the card does not answer as written."""
    transcript = TRANSCRIPTS["wrong-pin"]
    with pytest.raises(AssertionError):
        prepared(transcript).replay(
            transcript, change=lambda sent: sent[:-3] + bytes([sent[-3] ^ 1]) + sent[-2:]
        )
