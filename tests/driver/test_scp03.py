"""SCP03 and KDF3 against traces of real cards, and every answer that must be refused."""

import json
from pathlib import Path

import pytest

from dscplus_driver import kdf3, scp03
from dscplus_driver.apdu import Command, Response
from dscplus_driver.errors import AuthenticationFailed, ProtocolError, SessionClosed, UsageError
from dscplus_driver.sensitive import KeySet, MasterKey

VECTORS = Path(__file__).parents[1] / "vectors"
SCP03 = json.loads((VECTORS / "scp03.json").read_text())
KDF3 = json.loads((VECTORS / "kdf3.json").read_text())
AID = bytes.fromhex(SCP03["aid"])
CHANNELS = {channel["name"]: channel for channel in SCP03["channels"]}
by_channel = pytest.mark.parametrize("vector", CHANNELS.values(), ids=CHANNELS.keys())


def open_channel(vector, *, answer=None):
    initialize_update = Command.parse(bytes.fromhex(vector["initialize_update"]))
    keys = KeySet(initialize_update.p1, *(bytes.fromhex(vector[name]) for name in ("enc", "mac", "dek")))
    handshake = scp03.Handshake(keys, initialize_update.data, level=int(vector["level"], 16), aid=AID)
    assert bytes(handshake.initialize_update()) == bytes(initialize_update)
    answer = bytes.fromhex(vector["initialize_update_answer"]) if answer is None else answer
    return handshake.external_authenticate(answer)


def after_first_command(name="AES128_33"):
    """A channel whose first command is sent, and that command's true answer."""
    vector = CHANNELS[name]
    _, channel = open_channel(vector)
    channel.wrap(Command.parse(bytes.fromhex(vector["commands"][0]["plain"])))
    return channel, bytes.fromhex(vector["answer"]["wrapped"])


@by_channel
def test_handshake_and_session_keys(vector):
    authenticate, channel = open_channel(vector)
    assert bytes(authenticate).hex() == vector["external_authenticate"]
    assert (channel.s_enc.hex(), channel.s_mac.hex(), channel.s_rmac.hex()) == (
        vector["s_enc"],
        vector["s_mac"],
        vector["s_rmac"],
    )


@by_channel
def test_commands_and_answers(vector):
    _, channel = open_channel(vector)
    for number, command in enumerate(vector["commands"]):
        assert bytes(channel.wrap(Command.parse(bytes.fromhex(command["plain"])))).hex() == command["wrapped"]
        if number == 0:
            plain = channel.unwrap(Response(bytes.fromhex(vector["answer"]["wrapped"]), 0x9000))
            assert plain.data.hex() == vector["answer"]["plain"]


@pytest.mark.parametrize(("key", "kcv"), SCP03["key_check_values"])
def test_key_check_values(key, kcv):
    assert scp03.key_check_value(bytes.fromhex(key)).hex() == kcv


@pytest.mark.parametrize("vector", KDF3["keys"], ids=lambda v: f"{len(v['master']) * 4} bits")
def test_kdf3_key(vector):
    master, data = bytes.fromhex(vector["master"]), bytes.fromhex(vector["diversification_data"])
    assert kdf3.derive(master, vector["purpose"], data).hex() == vector["key"]


@pytest.mark.parametrize("vector", KDF3["key_check_values"], ids=lambda v: f"{len(v['master']) * 4} bits")
def test_kdf3_key_check_values(vector):
    master, data = bytes.fromhex(vector["master"]), bytes.fromhex(vector["diversification_data"])
    for purpose, name in zip(kdf3.PURPOSES, ("enc", "mac", "dek"), strict=True):
        assert scp03.key_check_value(kdf3.derive(master, purpose, data)).hex() == vector[name]


def test_diversified_keys_are_kdf3_of_the_ten_digits():
    keys = KeySet.diversify(MasterKey(bytes(range(0x40, 0x60))), 0x01, "0000000018")
    assert keys.enc.reveal() == kdf3.derive(bytes(range(0x40, 0x60)), 1, b"0000000018")
    assert keys.dek.reveal() == kdf3.derive(bytes(range(0x40, 0x60)), 3, b"0000000018")
    assert (keys.version, keys.key_length()) == (1, 32)


# --- what must be refused ---

HANDSHAKE_ANSWER = bytes.fromhex(CHANNELS["AES128_33"]["initialize_update_answer"])


@pytest.mark.parametrize("position", [10, *range(13, 32)])
def test_a_changed_byte_of_the_cards_answer_fails_the_handshake(position):
    """KVN, challenge, cryptogram, and the sequence counter: the challenge is derived from it."""
    changed = bytearray(HANDSHAKE_ANSWER)
    changed[position] ^= 0x01
    with pytest.raises(AuthenticationFailed):
        open_channel(CHANNELS["AES128_33"], answer=bytes(changed))


@pytest.mark.parametrize("position", [11, 12])
def test_another_protocol_than_scp03_i70_is_refused(position):
    changed = bytearray(HANDSHAKE_ANSWER)
    changed[position] ^= 0x10
    with pytest.raises(ProtocolError):
        open_channel(CHANNELS["AES128_33"], answer=bytes(changed))


@pytest.mark.parametrize(
    "answer", [b"", HANDSHAKE_ANSWER[:-1], HANDSHAKE_ANSWER[:-3], HANDSHAKE_ANSWER + b"\x00"]
)
def test_a_shortened_or_longer_answer_is_refused(answer):
    with pytest.raises(ProtocolError):
        open_channel(CHANNELS["AES128_33"], answer=answer)


def test_other_keys_are_refused():
    vector = CHANNELS["AES128_33"] | {"mac": "00" * 16}
    with pytest.raises(AuthenticationFailed):
        open_channel(vector)


@pytest.mark.parametrize(
    "response",
    [Response(b"", 0x6982), Response(b"", 0x6300), Response(b"", 0x6283), Response(b"\x00", 0x9000)],
)
def test_only_a_bare_9000_confirms_external_authenticate(response):
    with pytest.raises(AuthenticationFailed):
        scp03.Handshake.confirm(response)


@pytest.mark.parametrize("word", [0x9000, 0x6200, 0x6283, 0x63C3, 0x6300])
@pytest.mark.parametrize("length", [0, 1, 7])
def test_a_success_or_warning_without_its_whole_r_mac_is_refused(word, length):
    channel, genuine = after_first_command()
    with pytest.raises(AuthenticationFailed):
        channel.unwrap(Response(genuine[-length:] if length else b"", word))
    assert channel.closed


def test_every_changed_byte_of_an_answer_is_noticed():
    _, genuine = after_first_command()
    for position in range(len(genuine)):
        channel, _ = after_first_command()
        changed = bytearray(genuine)
        changed[position] ^= 0x80
        with pytest.raises(AuthenticationFailed):
            channel.unwrap(Response(bytes(changed), 0x9000))


def test_every_shortened_answer_is_noticed():
    _, genuine = after_first_command()
    for length in range(len(genuine)):
        channel, _ = after_first_command()
        with pytest.raises(AuthenticationFailed):
            channel.unwrap(Response(genuine[:length], 0x9000))


def test_a_status_word_changed_to_another_warning_is_noticed():
    channel, genuine = after_first_command()
    with pytest.raises(AuthenticationFailed):
        channel.unwrap(Response(genuine, 0x63C0))


def test_an_answer_of_an_earlier_command_is_noticed():
    channel, genuine = after_first_command()
    channel.unwrap(Response(genuine, 0x9000))
    channel.wrap(Command.parse(bytes.fromhex(CHANNELS["AES128_33"]["commands"][0]["plain"])))
    with pytest.raises(AuthenticationFailed):
        channel.unwrap(Response(genuine, 0x9000))


@pytest.mark.parametrize(
    "plaintext", [bytes(16), b"\x01" * 16, b"\x80" + bytes(16) + b"\x00" * 15, bytes(15) + b"\x01"], ids=len
)
def test_a_macked_answer_with_broken_padding_is_refused(plaintext):
    """Only a card that has the keys could make one; it is refused all the same."""
    channel, _ = after_first_command()
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.algorithms import AES
    from cryptography.hazmat.primitives.ciphers.modes import CBC

    encryptor = Cipher(AES(channel.s_enc), CBC(channel._icv(0x80))).encryptor()
    ciphertext = encryptor.update(plaintext) + encryptor.finalize()
    mac = kdf3.Cmac(channel.s_rmac)(channel._chaining + ciphertext + b"\x90\x00")[:8]
    with pytest.raises(AuthenticationFailed, match="encryption is broken"):
        channel.unwrap(Response(ciphertext + mac, 0x9000))


@pytest.mark.parametrize("word", [0x6982, 0x6985, 0x6A80, 0x6F00, 0x9001])
def test_an_error_word_comes_back_bare_and_is_refused_with_data(word):
    channel, genuine = after_first_command()
    assert channel.unwrap(Response(b"", word)) == Response(b"", word)
    with pytest.raises(AuthenticationFailed):
        channel.unwrap(Response(genuine, word))


def test_a_channel_that_met_a_bad_answer_is_closed_and_its_keys_are_gone():
    channel, genuine = after_first_command()
    with pytest.raises(AuthenticationFailed):
        channel.unwrap(Response(b"", 0x9000))
    with pytest.raises(SessionClosed):
        channel.wrap(Command(0x80, 0xCA, 0, 0x45))
    with pytest.raises(SessionClosed):
        channel.unwrap(Response(genuine, 0x9000))
    assert channel.s_enc == channel.s_mac == channel.s_rmac == b""


def test_more_than_239_bytes_are_refused_and_leave_the_channel_as_it_was():
    channel, genuine = after_first_command()
    with pytest.raises(UsageError, match="239"):
        channel.wrap(Command(0x80, 0xE2, 0x88, 0, bytes(240)))
    assert channel.unwrap(Response(genuine, 0x9000)).data


def test_the_largest_command_fits_a_short_apdu():
    channel, _ = after_first_command()
    assert len(bytes(channel.wrap(Command(0x80, 0xE2, 0x88, 0, bytes(239), le=256)))) == 254


def test_data_is_encrypted_but_nothing_is_not():
    channel, _ = after_first_command()
    assert len(channel.wrap(Command(0x80, 0xF0, 0x80, 0x0F)).data) == 8


@pytest.mark.parametrize("level", [0x02, 0x10, 0x30, 0x23, 0x31, 0xFF])
def test_levels_that_scp03_does_not_know_are_refused(level):
    keys = KeySet(1, bytes(16), bytes(16), bytes(16))
    with pytest.raises(UsageError):
        scp03.Handshake(keys, bytes(8), level=level)


def test_padding():
    assert scp03.pad(b"") == b"\x80" + bytes(15)
    assert scp03.pad(bytes(15)) == bytes(15) + b"\x80"
    assert scp03.pad(bytes(16)) == bytes(16) + b"\x80" + bytes(15)
    for length in range(40):
        assert scp03.unpad(scp03.pad(b"\x80" * length)) == b"\x80" * length
