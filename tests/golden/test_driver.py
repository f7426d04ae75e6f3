"""The driver speaks every golden transcript byte for byte, and understands what the card answers."""

import pytest

from dscplus_driver.card import Card
from tests.golden import document
from tests.golden.document import Transcript
from tests.golden.hosts_part import PARTS

TRANSCRIPTS = document.transcripts()
ON_THE_DRIVER = [name for name, transcript in TRANSCRIPTS.items() if "driver" in transcript.sides]


class Script:
    """A transport that plays the card's part of a transcript, and the clock that goes with it."""

    url = "script:"

    def __init__(self, transcript: Transcript) -> None:
        self.left = list(transcript.steps)
        self.draws = [value for name, value in transcript.given if name in ("nonce", "challenge")]
        self.seconds = 0.0

    def clock(self) -> float:
        return self.seconds

    def random(self, n: int) -> bytes:
        value = self.draws.pop(0)
        assert len(value) == n
        return value

    def write(self, data: bytes) -> None:
        self._skip_what_the_host_does_not_see()
        kind, value = self.left.pop(0)
        assert kind == "host"
        assert isinstance(value, bytes)
        assert data.hex() == value.hex()

    def read(self, timeout: float) -> bytes:
        self._skip_what_the_host_does_not_see()
        kind, value = self.left.pop(0)
        if isinstance(value, int):
            assert value / 1000 <= timeout, "the transcript lets the driver wait longer than it does"
            self.seconds += value / 1000
            return b"" if value / 1000 == timeout else self.read(timeout - value / 1000)
        assert kind == "card", "the driver waits for an answer that the transcript does not have"
        return value

    def close(self) -> None:
        pass

    def _skip_what_the_host_does_not_see(self) -> None:
        while self.left and self.left[0][0] in ("lost", "other"):
            self.left.pop(0)


def test_the_host_has_a_part_in_every_transcript_of_the_document():
    assert set(PARTS) == set(ON_THE_DRIVER)


@pytest.mark.parametrize("name", ON_THE_DRIVER)
def test_driver_speaks_as_the_document_says(name):
    script = Script(TRANSCRIPTS[name])
    PARTS[name](Card(script, clock=script.clock, random=script.random))
    assert script.left == []
    assert script.draws == []


def test_every_transcript_is_replayed_on_at_least_one_side():
    on_the_card = {name for name, transcript in TRANSCRIPTS.items() if "card" in transcript.sides}
    assert on_the_card | set(ON_THE_DRIVER) == set(TRANSCRIPTS)


def test_a_replay_notices_one_wrong_bit():
    """The harness is no yes-man: a driver that is asked for another PIN does not match."""
    script = Script(TRANSCRIPTS["pin-blocked"])
    with pytest.raises(AssertionError):
        PARTS["wrong-pin"](Card(script, clock=script.clock, random=script.random))
