"""The driver speaks every golden transcript byte for byte, and understands what the card answers."""

import pytest

from dscplus_driver.card import Card
from tests.golden import document
from tests.golden.hosts_part import PARTS
from tests.golden.script import OffScript, Script

TRANSCRIPTS = document.transcripts()
ON_THE_DRIVER = [name for name, transcript in TRANSCRIPTS.items() if "driver" in transcript.sides]


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
    with pytest.raises(OffScript):
        PARTS["wrong-pin"](Card(script, clock=script.clock, random=script.random))
