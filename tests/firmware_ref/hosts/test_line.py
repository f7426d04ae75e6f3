"""The wire between host and card: pacing as a UART, and frames that suffer."""

import random

import pytest
from cobs import cobs

from dscplus_card.hosts.faults import Faults
from dscplus_card.hosts.line import (
    MOST_REPORTS_UNDER_WAY,
    MOST_UNDER_WAY,
    FrameFaults,
    Line,
    LostAnswer,
    ReportLine,
    flip_bit,
    split_frames,
)

A = b"\x00AAAA\x00"
B = b"\x00BB\x00"


def frame(cmd, payload=b"", seq=1):
    return b"\x00" + cobs.encode(b"\x01\x02\x00\x04" + bytes((seq, cmd)) + payload + b"CRC-") + b"\x00"


def faulty(**faults):
    return FrameFaults(Faults(**faults), random.Random(faults.get("seed", 0)))  # noqa: S311


def pieces(line, *reads):
    return [piece for data in reads for piece in line.filter(data)]


@pytest.mark.parametrize("baud", [9600, 115_200, 1_000_000])
def test_pace_is_ten_bits_a_byte(baud):
    line = Line(baud)
    line.feed(bytes(1000), now=50.0)
    now, arrived = 50.0, b""
    while (due := line.next_due(now)) is not None:
        assert due > now, "waiting for a moment that has passed would be a busy loop"
        now = due
        arrived += line.take(now)
    assert arrived == bytes(1000)
    assert 1000 / (now - 50.0) == pytest.approx(baud / 10, rel=1e-6)


def test_pace_counts_on_while_the_line_is_busy():
    line = Line(9600)
    line.feed(b"a" * 96, now=0.0)
    line.feed(b"b" * 96, now=0.05)
    assert line.take(0.15) == b"a" * 96 + b"b" * 48
    assert line.take(0.2) == b"b" * 48


def test_slow_line_trickles_so_that_no_reader_times_out():
    line = Line(300)
    line.feed(b"x" * 30, now=0.0)
    gaps, now = [], 0.0
    while (due := line.next_due(now)) is not None:
        gaps.append(due - now)
        now = due
        line.take(now)
    assert max(gaps) <= 10 / 300 + 1e-9


def test_unpaced_line_is_immediate_and_ordered():
    line = Line()
    line.feed(b"1", now=3.0)
    line.feed(b"2", now=3.0, held_s=0.5)
    line.feed(b"3", now=3.0)
    assert line.take(3.0) == b"1"
    assert line.next_due(3.0) == pytest.approx(3.5)
    assert line.take(3.5) == b"23", "what is held up holds up what is behind it"
    assert line.next_due(3.5) is None


def test_cleared_line_loses_what_was_under_way():
    line = Line(9600)
    line.feed(b"abc", now=0.0)
    line.clear()
    assert line.take(10.0) == b""
    assert line.next_due(10.0) is None


@pytest.mark.parametrize(
    ("stream", "frames", "rest"),
    [
        (b"", [], b""),
        (A, [A], b""),
        (A + B, [A, B], b""),
        (b"AA\x00\x00BB\x00\x00C", [b"AA\x00", b"\x00BB\x00"], b"\x00C"),
        (b"\x00\x00", [], b"\x00\x00"),
        (b"x" * 1025, [b"x" * 1025], b""),
    ],
)
def test_frames_end_at_their_delimiter(stream, frames, rest):
    assert split_frames(stream) == (frames, rest)


def test_without_faults_bytes_pass_as_they_come():
    assert pieces(faulty(), b"\x00AB", b"C") == [(b"\x00AB", 0.0), (b"C", 0.0)]


@pytest.mark.parametrize(
    ("faults", "expected"),
    [
        ({"drop": 1.0}, []),
        ({"duplicate": 1.0}, [(A, 0.0), (A, 0.0)]),
        ({"delay": 1.0, "delay_s": 0.25}, [(A, 0.25)]),
        ({"delay": 1.0, "duplicate": 1.0}, [(A, 0.1), (A, 0.0)]),
    ],
)
def test_each_fault_does_what_it_says(faults, expected):
    assert pieces(faulty(**faults), A) == expected


def test_corrupt_flips_one_bit():
    ((hit, _),) = pieces(faulty(corrupt=1.0), A)
    assert sum((x ^ y).bit_count() for x, y in zip(hit, A, strict=True)) == 1


def test_truncate_takes_the_end():
    ((short, _),) = pieces(faulty(truncate=1.0), A)
    assert len(short) < len(A)
    assert A.startswith(short)


def test_outcome_does_not_depend_on_how_the_stream_was_read():
    stream = (A + B) * 50
    script = {"drop": 0.2, "duplicate": 0.2, "corrupt": 0.2, "truncate": 0.2, "seed": 5}
    whole = pieces(faulty(**script), stream)
    bytewise = pieces(faulty(**script), *(bytes((byte,)) for byte in stream))
    assert whole == bytewise
    assert whole != pieces(faulty(**{**script, "seed": 6}), stream)


def test_probability_is_per_frame():
    passed = pieces(faulty(drop=0.25, seed=1), A * 4000)
    assert 0.72 < len(passed) / 4000 < 0.78


def test_flip_bit_is_its_own_inverse():
    assert flip_bit(b"\x00\x01", 8) == b"\x00\x00"
    assert flip_bit(flip_bit(A, 13), 13) == A


def test_lost_answer_counts_requests_not_repeats():
    lost = LostAnswer(2)
    silent = []
    for sent in [
        frame(0x06, seq=0),
        frame(0x03, b"first"),
        frame(0x03, b"first"),
        frame(0x01, b"ping", seq=2),
        frame(0x03, b"second", seq=3),
        frame(0x03, b"second", seq=3),
        frame(0x06, seq=0),
        frame(0x03, b"third"),
    ]:
        for cut in (sent[:3], sent[3:]):
            lost.see_request_bytes(cut)
        silent.append(lost.silent)
    assert silent == [False, False, False, False, True, True, False, False]


def test_lost_answer_ignores_noise():
    lost = LostAnswer(1)
    lost.see_request_bytes(b"\x00\x09short\x00" + b"\x00\x01\x00")
    assert not lost.silent


@pytest.mark.parametrize("baud", [None, 115_200])
def test_a_flood_is_lost_and_not_kept(baud):
    """Who sends faster than the line takes loses bytes, as on a UART; the emulator's memory stays bounded."""
    line = Line(baud)
    for _ in range(100):
        line.feed(bytes(65536), now=50.0, held_s=1.0)
    arrived = 0
    now = 50.0
    while (due := line.next_due(now)) is not None:
        now = due
        arrived += len(line.take(now))
    assert arrived == MOST_UNDER_WAY
    line.feed(b"again", now)
    assert line.take(now + 1) == b"again"


def test_a_flood_of_reports_is_lost_and_not_kept():
    line = ReportLine()
    for _ in range(100_000):
        line.feed(bytes(64), now=50.0, held_s=1.0)
    kept = 0
    while line.take(51.0) is not None:
        kept += 1
    assert kept == MOST_REPORTS_UNDER_WAY
    line.feed(b"again", 52.0)
    assert line.take(52.0) == b"again"
