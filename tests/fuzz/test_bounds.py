"""No hang and no growth, whatever arrives and however long."""

import tracemalloc
from collections.abc import Callable

import pytest

from dscplus_driver import errors
from dscplus_driver.card import Card
from dscplus_driver.link.frames import FrameReader
from dscplus_driver.link.interface import LinkKind
from dscplus_driver.link.serial import ANSWER_TIMEOUT, CEILING, RETRANSMISSIONS
from tests.fuzz.rig import INIT, NO_SESSION, PING, VirtualCard, frames_in
from tests.golden.third import frame

STREAM = 256 * 1024
CHUNK = 512


def peak_growth(act: Callable[[], None]) -> int:
    """The most bytes that were allocated at once while acting, beyond those before."""
    tracemalloc.start()
    try:
        act()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("filler", [b"\x01", b"\xff", b"\x00", b"\x01\x02\x00"])
def test_an_endless_stream_does_not_grow_the_card(filler):
    card = VirtualCard()
    chunk = filler * (CHUNK // len(filler))

    def flood() -> None:
        for _ in range(STREAM // CHUNK):
            card.device.receive(chunk)

    assert peak_growth(flood) < 64 * 1024


@pytest.mark.parametrize("filler", [b"\x01", b"\xff", b"\x00", b"\x01\x02\x00"])
def test_an_endless_stream_does_not_grow_the_driver(filler):
    reader = FrameReader()
    chunk = filler * (CHUNK // len(filler))

    def flood() -> None:
        for _ in range(STREAM // CHUNK):
            assert reader.feed(chunk) == []

    assert peak_growth(flood) < 64 * 1024


def test_a_host_that_asks_and_never_reads_does_not_grow_the_card():
    card = VirtualCard()
    session = card.open_link(b"\x11" * 8)

    def flood() -> None:
        for seq in range(1, 1000):
            card.device.receive(frame(session, seq % 256, PING, b"\x55" * 512))

    assert peak_growth(flood) < 64 * 1024


class Babbler:
    """A port at which bytes never stop coming, one at a time, a millisecond each."""

    url = "babbler:"
    link = LinkKind.SERIAL

    def __init__(self, says: Callable[[int], bytes]) -> None:
        self.seconds = 0.0
        self.reads = 0
        self._says = says

    def write(self, data: bytes) -> None:
        pass

    def read(self, timeout: float) -> bytes:
        self.reads += 1
        said = self._says(self.reads)
        self.seconds += 0.001 if said else timeout
        return said

    def close(self) -> None:
        pass


KEEPALIVE_BEFORE_A_SESSION = frame(NO_SESSION, 0, 0x3B, b"\x01")


@pytest.mark.parametrize(
    "says",
    [
        lambda _n: b"\x55",
        lambda _n: b"\x00",
        lambda n: bytes([n % 256]),
        lambda _n: KEEPALIVE_BEFORE_A_SESSION,
    ],
    ids=["noise", "zeros", "counting", "keepalives"],
)
def test_the_driver_gives_up_at_its_ceiling_though_bytes_keep_coming(says):
    port = Babbler(says)
    with pytest.raises(errors.CardTimeout):
        Card(port, clock=lambda: port.seconds).life_cycle()
    assert CEILING <= port.seconds < CEILING + 1


def test_the_driver_gives_up_on_silence():
    port = Babbler(lambda _n: b"")
    with pytest.raises(errors.CardTimeout):
        Card(port, clock=lambda: port.seconds).life_cycle()
    assert port.reads == RETRANSMISSIONS + 1
    assert port.seconds == pytest.approx((RETRANSMISSIONS + 1) * ANSWER_TIMEOUT)


def test_a_flood_of_inits_leaves_a_card_that_answers():
    card = VirtualCard()
    for number in range(1, 2000):
        (answer,) = frames_in(card.send(frame(NO_SESSION, 0, INIT, number.to_bytes(8, "big"))))
        assert answer.payload[:8] == number.to_bytes(8, "big")
