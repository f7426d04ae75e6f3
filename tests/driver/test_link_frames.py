"""The serial link's frames: golden bytes, boundaries, noise."""

import zlib

import pytest
from cobs import cobs
from hypothesis import given
from hypothesis import strategies as st

from dscplus_driver.link.frames import MAX_ENCODED, MAX_PAYLOAD, Frame, FrameReader

FRAMES = st.builds(
    Frame,
    session=st.integers(0, 2**32 - 1),
    seq=st.integers(0, 255),
    cmd=st.integers(0, 255),
    payload=st.binary(max_size=MAX_PAYLOAD),
)


def test_a_frame_byte_by_byte():
    content = bytes.fromhex("11223344 05 01 aa00bb")
    expected = b"\x00" + cobs.encode(content + zlib.crc32(content).to_bytes(4, "big")) + b"\x00"
    assert Frame(0x11223344, 5, 1, b"\xaa\x00\xbb").encode() == expected


@given(FRAMES)
def test_every_frame_comes_back(frame):
    assert FrameReader().feed(frame.encode()) == [frame]


@pytest.mark.parametrize("length", [0, 1, 243, 244, 245, 253, 254, 255, 256, 497, 498, 499, 508, 511, 512])
@pytest.mark.parametrize("filler", [b"\x00", b"\xff"])
def test_boundary_lengths(length, filler):
    encoded = Frame(0xFFFFFFFF, 255, 3, filler * length).encode()
    assert len(encoded) <= MAX_ENCODED
    assert encoded.count(0) == 2
    assert FrameReader().feed(encoded) == [Frame(0xFFFFFFFF, 255, 3, filler * length)]


def test_the_longest_frame_has_527_bytes():
    longest = max(len(Frame(0xFFFFFFFF, 255, 3, b"\xff" * 512).encode()) for _ in range(1))
    assert longest == MAX_ENCODED == 527


def test_a_payload_of_513_bytes_is_refused():
    with pytest.raises(ValueError, match="at most 512"):
        Frame(1, 1, 3, bytes(513)).encode()


def test_one_zero_ends_a_frame_and_begins_the_next():
    first, second = Frame(1, 1, 1, b"a"), Frame(1, 2, 1, b"b")
    assert FrameReader().feed(first.encode()[:-1] + second.encode()) == [first, second]


@given(FRAMES, st.data())
def test_a_changed_bit_is_never_a_frame(frame, data):
    encoded = bytearray(frame.encode())
    position = data.draw(st.integers(1, len(encoded) - 2))
    encoded[position] ^= 1 << data.draw(st.integers(0, 7))
    assert FrameReader().feed(bytes(encoded)) == []


@given(FRAMES, st.lists(st.integers(1, 600), max_size=5), st.binary(max_size=40).filter(lambda b: 0 not in b))
def test_pieces_and_noise_before_it_do_not_matter(frame, cuts, noise):
    stream = noise + frame.encode()
    reader, found, start = FrameReader(), [], 0
    for cut in [*sorted(cuts), len(stream)]:
        found += reader.feed(stream[start:cut])
        start = max(start, cut)
    assert found == [frame]


@given(st.lists(st.binary(max_size=2000), max_size=20))
def test_memory_is_bounded_for_any_input(pieces):
    reader = FrameReader()
    for piece in pieces:
        reader.feed(piece)
        assert len(reader._pending) <= MAX_ENCODED


def test_an_overlong_frame_is_dropped_whole_and_the_next_one_read():
    good = Frame(1, 1, 1, b"x")
    reader = FrameReader()
    assert reader.feed(b"\x00" + b"\x01" * 100_000) == []
    assert reader.feed(b"\x01" * 10 + good.encode()) == [good]


def test_a_valid_frame_of_more_than_512_bytes_is_dropped():
    content = bytes.fromhex("112233440501") + bytes(513)
    encoded = cobs.encode(content + zlib.crc32(content).to_bytes(4, "big"))
    assert FrameReader().feed(b"\x00" + encoded + b"\x00") == []
