"""What docs/security.md says of recorders, leaked keys and floods, shown on the golden transcripts.

Some of these tests show that something *is* possible: the residual risks that the document names.
"""

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from dscplus_card import state
from dscplus_card.commands_keys import authentication_delay
from tests.fuzz.rig import MSG, VirtualCard, frames_in
from tests.golden import document, inputs
from tests.golden.third import Channel, Keys, aes, ocra

TRANSCRIPTS = document.transcripts()
PERSONALISATIONS = {
    "personalise-aes-128": (inputs.BATCH, inputs.ISSUER, inputs.SEED_32, inputs.SUITE_A, None),
    "personalise-aes-256": (inputs.BATCH_256, inputs.ISSUER_256, inputs.SEED_64, inputs.SUITE_A, None),
    "personalise-server-pin": (inputs.BATCH, inputs.ISSUER, inputs.SEED_20, inputs.SUITE_B, inputs.PIN),
}
HANDSHAKE_END = 5
"""Exchanges up to and with the first EXTERNAL AUTHENTICATE: INIT, two GET DATA, the handshake's two."""


def recorded(name: str) -> list[tuple[bytes, bytes]]:
    """What a recorder on the cable has: each request's and answer's payload."""
    steps = [value for _, value in TRANSCRIPTS[name].steps if isinstance(value, bytes)]
    payloads = [frames_in(value)[0].payload for value in steps]
    return list(zip(payloads[::2], payloads[1::2], strict=True))


def cbc_decrypt(key: bytes, icv: bytes, data: bytes) -> bytes:
    decryptor = Cipher(algorithms.AES(key), modes.CBC(icv)).decryptor()
    return decryptor.update(data)


def unwrapped(channel: Channel, number: int, apdu: bytes) -> bytes:
    """The plain data of the channel's command of that number, to one who has its session keys."""
    plain = cbc_decrypt(channel.s_enc, aes(channel.s_enc, number.to_bytes(16, "big")), apdu[5:-8])
    return plain[: plain.rindex(b"\x80")]


@pytest.mark.parametrize("name", PERSONALISATIONS)
def test_a_recorder_sees_no_secret_in_the_clear(name):
    _, issuer, seed, suite, pin = PERSONALISATIONS[name]
    cable = b"|".join(payload for exchange in recorded(name) for payload in exchange)
    assert inputs.SERIAL.encode() in cable  # the search does find what travels in the clear
    responses = [ocra(suite, seed, question, pin).encode() for question in inputs.QUESTIONS]
    questions = [question.encode() for question in inputs.QUESTIONS]
    for secret in (seed, inputs.PIN.encode(), issuer.enc, issuer.mac, issuer.dek, *questions, *responses):
        assert secret not in cable
        assert secret[:8] not in cable


@pytest.mark.parametrize("name", PERSONALISATIONS)
def test_residual_risk_a_recording_and_the_batch_master_give_keys_and_seed(name):
    """SCP03 has no forward secrecy: why a batch master stays a secret after its last card was rotated."""
    batch, issuer, seed, _, _ = PERSONALISATIONS[name]
    exchanges = recorded(name)
    first = Channel(batch, exchanges[3][0][5:], 1)
    put_key = unwrapped(first, 1, exchanges[HANDSHAKE_END][0])
    size, block = len(batch.enc), len(batch.enc) + 7  # 88, L, key length, ciphertext, 03, KCV 3
    starts = [1 + block * number + 3 for number in range(3)]
    stolen = Keys(put_key[0], *(cbc_decrypt(batch.dek, bytes(16), put_key[at : at + size]) for at in starts))
    assert stolen == issuer
    second = Channel(stolen, exchanges[HANDSHAKE_END + 1][0][5:], 2)
    store_data = unwrapped(second, 2, exchanges[HANDSHAKE_END + 4][0])
    at = store_data.index(b"\x80\x01") + 3
    sealed = store_data[at : at + store_data[at - 1]]
    assert cbc_decrypt(stolen.dek, bytes(16), sealed)[1 : 1 + len(seed)] == seed


def test_a_leaked_batch_master_opens_no_personalised_card():
    card = _personalised()
    session = card.open_link(b"\x31" * 8)
    channel = Channel(inputs.BATCH, b"\x32" * 8, 3)
    assert card.ask(session, 1, MSG, channel.initialize_update()).payload == b"\x6a\x88"
    any_version = b"\x80\x50\x00\x00\x08" + b"\x32" * 8
    answer = card.ask(session, 2, MSG, any_version).payload
    assert answer[21:29] != channel.card_cryptogram
    assert card.ask(session, 3, MSG, channel.external_authenticate()).payload == b"\x69\x82"


def test_a_recording_replayed_to_the_card_changes_nothing():
    """Session keys hang on the sequence counter, which never comes again."""
    card = _personalised()
    before = card.remembers()
    session = card.open_link(b"\x33" * 8)
    for seq, (request, _) in enumerate(recorded("personalise-aes-128")[1:], 1):
        card.ask(session, seq, MSG, request)
    after = card.remembers()
    for field in (state.LIFE_CYCLE, state.SEED, state.PIN, state.KEY_VERSION, state.KEY_ENC, state.QUOTA):
        assert after[field] == before[field]


def test_a_flood_takes_decades_to_use_up_the_sequence_counter():
    to_the_longest = 20
    rising = sum(authentication_delay(failures) for failures in range(to_the_longest))
    assert authentication_delay(to_the_longest) == authentication_delay(255) == 60_000
    milliseconds = rising + (0xFFFFFF - to_the_longest) * 60_000
    assert milliseconds / 1000 / 86_400 / 365 > 30


def test_issued_challenges_have_distinct_inputs_and_all_challenges_have_not():
    """R6, n and 16 n: no two of the 937,500 challenges that are issued share a response's input."""

    def question_field(number: int) -> str:
        return f"{number:X}".rstrip("0")

    assert len({question_field(number) for number in range(10**6)}) == 937_501
    issued = [number for number in range(10**6) if number % 16]
    assert len({question_field(number) for number in issued}) == len(issued) == 937_500


def test_residual_risk_the_flash_of_the_reference_card_holds_the_seed_in_the_clear():
    assert inputs.SEED_32 in _personalised().flash.image()


def _personalised() -> VirtualCard:
    card = VirtualCard()
    session = card.open_link(b"\x30" * 8)
    for seq, (request, answer) in enumerate(recorded("personalise-aes-128")[1:], 1):
        assert card.ask(session, seq, MSG, request).payload == answer
    return card
