"""Anything at all over the wire: no crash, no hang, bounded memory, and the card still works."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from dscplus_card import frames, state
from tests.firmware_ref.both import bench as b

KEYS = ("press", "OK", *"0123456789")
INSTRUCTIONS = (0xA4, 0xCA, 0x50, 0x82, 0xD8, 0xE2, 0x88, 0x2C, 0x20, 0xF0, 0x32, 0x99)
# A life cycle the campaign could not come back from, and the quota, are not its subject.
HARMLESS = st.tuples(
    st.sampled_from([0x00, 0x80]),
    st.sampled_from([ins for ins in INSTRUCTIONS if ins not in (0xF0, 0xD8)]),
    st.integers(0, 255),
    st.sampled_from([0x00, 0x01, 0x81, 0xFF]),
    st.binary(max_size=239),
)

noise = st.one_of(st.binary(max_size=700), st.binary(max_size=20).map(lambda data: b"\x00" + data + b"\x00"))
wild_frames = st.builds(
    b.frame,
    st.sampled_from([b"\x00" * 4, b"SESS"]),
    st.integers(0, 255),
    st.integers(0, 255),
    st.binary(max_size=512),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(noise, wild_frames), max_size=30))
@example([b"\xff" * 600, b"\x00", b"\x01" * 525 + b"\x00"])
def test_noise_and_wild_frames_never_stop_the_card(pieces):
    bench = b.Bench()
    for piece in pieces:
        bench.card.receive(piece)
        bench.card.tick()
        assert len(bench.card.transmit()) <= 4096
    bench.card.receive(b"\x00")
    bench.wait(3000)
    bench.card.transmit()
    host = b.Host(bench, b"fresh...")
    assert host.command(0x80, 0xCA, 0x00, 0x45) == (b.SERIAL.encode(), 0x9000)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=600))
def test_decode_takes_any_bytes_and_splitter_keeps_at_most_a_frame(data):
    frame = frames.decode(data.replace(b"\x00", b"\x01"))
    assert frame is None or len(frame.payload) <= frames.MAX_PAYLOAD
    splitter = frames.Splitter()
    for piece in splitter.split(data * 3):
        assert 0 < len(piece) <= frames.MAX_ENCODED and 0 not in piece
    assert len(splitter._kept) <= frames.MAX_ENCODED


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=512))
def test_decode_reverses_encode(payload):
    encoded = frames.encode(b"\x00\x01\xff\x00", 0, 0xFF, payload)
    assert encoded == b.frame(b"\x00\x01\xff\x00", 0, 0xFF, payload) and len(encoded) <= 527
    frame = frames.decode(encoded[1:-1])
    assert frame is not None and frame.payload == payload


@settings(max_examples=80, deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=300), HARMLESS), max_size=12))
def test_any_apdu_plain_gets_a_status_word(apdus):
    bench, host, _ = b.personalised()
    for apdu in apdus:
        raw = apdu if isinstance(apdu, bytes) else bytes(apdu[:4]) + bytes([len(apdu[4])]) + apdu[4]
        data, status = host.apdu(raw)
        assert len(data) <= 250 and status >> 12 in (6, 9)
    assert bench.memory().number(state.LIFE_CYCLE) == state.SECURED


@settings(max_examples=80, deadline=None)
@given(st.lists(HARMLESS, max_size=12), st.booleans())
def test_any_command_in_the_channel_is_answered_under_it(commands, secured):
    _, _, channel = b.personalised(secured=secured)
    for command in commands:
        if command[1] == 0x32:
            continue  # the display pattern and the keypad test take their time; their own tests have them
        data, status = channel.command(*command)
        assert len(data) <= 239 and status >> 12 in (6, 9)
    assert channel.command(0x80, 0xCA, 0xDF, 0x01)[1] == 0x9000


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(KEYS), st.integers(1, 40000)), max_size=60), st.booleans())
def test_any_keys_at_any_time_show_eight_characters(keys, server_pin):
    profile, suite = (2, b.SUITE_B) if server_pin else (1, b.SUITE_A)
    bench, _, _ = b.personalised(profile, suite)
    for key in keys:
        if isinstance(key, int):
            bench.wait(key)
        else:
            bench.card.press(key)
        display = bench.card.display()
        assert len(display) == 8 and display.isascii() and display.isprintable()
        assert profile == 2 or "0042" not in display or bench.memory().number(state.KEYPAD_RESPONSES)
    assert bench.memory().number(state.LIFE_CYCLE) == state.SECURED
