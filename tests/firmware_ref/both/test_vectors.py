"""The published known answers that the card must give: CMAC, SCP03, key check values, KDF3, OCRA."""

import json
import sys

from dscplus_card import ocra, scp03
from dscplus_card.cmac import cbc_decrypt, cbc_encrypt, cmac, pad, unpad
from dscplus_card.flash import MemoryFlash
from dscplus_card.octets import equal
from tests.firmware_ref.both.bench import BenchPort, raises

_VECTORS = __file__.rsplit("/", 3)[0] + "/vectors/"
_PORT = BenchPort(MemoryFlash(1024, 1))
_HAS_AES_192 = sys.implementation.name != "micropython"  # cryptolib has no 24-byte keys; the wire uses none


def load(name):
    with open(_VECTORS + name) as file:
        return json.load(file)


def unhex(text):
    return bytes.fromhex(text)


def short(apdu):
    """Header and data of an APDU, without Lc and Le."""
    return apdu[:4], apdu[5 : 5 + apdu[4]] if len(apdu) > 5 else b""


def test_cmac_sp_800_38b():
    done = 0
    for vector in load("cmac.json")["vectors"]:
        key = unhex(vector["key"])
        if len(key) == 24 and not _HAS_AES_192:
            assert raises(ValueError, lambda: _PORT.aes_encrypt_block(key, b"\x00" * 16))
            continue
        assert cmac(_PORT, key, unhex(vector["message"])).hex() == vector["cmac"]
        done += 1
    assert done == (12 if _HAS_AES_192 else 8)


def test_cbc_goes_there_and_back_and_chains():
    key = bytes(range(16))
    data = bytes(64)
    ciphertext = cbc_encrypt(_PORT, key, b"\x07" * 16, data)
    assert len({ciphertext[at : at + 16] for at in range(0, 64, 16)}) == 4
    assert cbc_decrypt(_PORT, key, b"\x07" * 16, ciphertext) == data


def test_padding_is_exact_at_every_length():
    for n in range(49):
        data = bytes([0x80] * n)
        padded = pad(data)
        assert len(padded) % 16 == 0 and len(padded) > n
        assert unpad(padded) == data
    for wrong in (
        b"",
        b"\x00" * 16,
        b"\x80" + b"\x00" * 16,
        b"\x80" + b"\x00" * 31,
        b"\x01" * 16,
        b"\x80" * 15,
    ):
        assert unpad(wrong) is None, wrong


def test_constant_time_equal_is_equality():
    assert equal(b"", b"") and equal(b"1234", b"1234")
    for other in (b"", b"123", b"12345", b"1235", b"0234", b"\xb1234"):
        assert not equal(b"1234", other)


def test_scp03_card_side_on_real_traces():
    data = load("scp03.json")
    aid = unhex(data["aid"])
    assert len(data["channels"]) >= 5
    commands = 0
    for trace in data["channels"]:
        enc, mac = unhex(trace["enc"]), unhex(trace["mac"])
        host_challenge = short(unhex(trace["initialize_update"]))[1]
        answer = unhex(trace["initialize_update_answer"])
        challenge = answer[13:21]
        assert scp03.card_challenge(_PORT, enc, answer[29:32], aid) == challenge
        channel = scp03.SecureChannel(_PORT, enc, mac, host_challenge, challenge)
        assert channel.card_cryptogram == answer[21:29]
        for name, key in (("s_enc", channel.s_enc), ("s_mac", channel.s_mac), ("s_rmac", channel.s_rmac)):
            assert key.hex() == trace[name]
        channel.authenticate(*short(unhex(trace["external_authenticate"])))
        for number, command in enumerate(trace["commands"]):
            wrapped = unhex(command["wrapped"])
            plain = unhex(command["plain"])
            assert channel.unwrap(*short(wrapped)) == short(plain)[1]
            commands += 1
            if number == 0:
                plain_answer = unhex(trace["answer"]["plain"])
                assert channel.wrap(plain_answer, 0x9000)[:-2].hex() == trace["answer"]["wrapped"]
    assert commands >= 25


def test_scp03_every_level_refuses_a_changed_byte():
    for trace in load("scp03.json")["channels"]:
        answer = unhex(trace["initialize_update_answer"])
        host_challenge = short(unhex(trace["initialize_update"]))[1]
        header, data = short(unhex(trace["external_authenticate"]))
        wrapped_header, wrapped = short(unhex(trace["commands"][0]["wrapped"]))
        for at in range(len(wrapped)):
            channel = scp03.SecureChannel(
                _PORT, unhex(trace["enc"]), unhex(trace["mac"]), host_challenge, answer[13:21]
            )
            channel.authenticate(header, data)
            changed = wrapped[:at] + bytes([wrapped[at] ^ 0x10]) + wrapped[at + 1 :]
            assert raises(scp03.SecurityError, lambda: channel.unwrap(wrapped_header, changed))
        for at in range(len(data)):
            channel = scp03.SecureChannel(
                _PORT, unhex(trace["enc"]), unhex(trace["mac"]), host_challenge, answer[13:21]
            )
            changed = data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :]
            assert raises(scp03.SecurityError, lambda: channel.authenticate(header, changed))


def test_an_error_word_carries_no_r_mac_and_a_warning_does():
    for status, carries in ((0x9000, True), (0x63C4, True), (0x6283, True), (0x6982, False), (0x6A80, False)):
        assert scp03.carries_mac(status) == carries


def test_kdf3_and_key_check_values():
    data = load("kdf3.json")
    for vector in data["keys"]:
        master, kdd = unhex(vector["master"]), unhex(vector["diversification_data"])
        assert kdf3(master, vector["purpose"], kdd).hex() == vector["key"]
    done = 0
    for vector in data["key_check_values"]:
        master, kdd = unhex(vector["master"]), unhex(vector["diversification_data"])
        if len(master) == 24 and not _HAS_AES_192:
            continue
        for purpose, name in ((1, "enc"), (2, "mac"), (3, "dek")):
            assert scp03.key_check_value(_PORT, kdf3(master, purpose, kdd)).hex() == vector[name]
            done += 1
    assert done == (9 if _HAS_AES_192 else 6)


def kdf3(master, purpose, kdd):
    """As whoever makes a card's keys derives them; the card never does."""
    out = b""
    for counter in (1, 2):
        out += cmac(_PORT, master, bytes([counter, 0, 0, 0, purpose, 0]) + kdd)
    return out[: len(master)]


def test_key_check_values_of_the_trace_keys():
    for first, kcv in ((0x00, "c35280"), (0x10, "013808"), (0x20, "840de5")):
        assert scp03.key_check_value(_PORT, bytes(range(first, first + 16))).hex() == kcv


def test_rfc_6287_every_vector_of_the_cards_suites():
    served, refused = 0, 0
    for vector in load("rfc6287.json")["vectors"]:
        try:
            suite = ocra.Suite(vector["suite"])
        except ocra.SuiteError:
            refused += 1
            # what a keypad cannot serve: SHA-512, alphanumeric questions, time
            assert "SHA512" in vector["suite"] or ":QA" in vector["suite"]
            continue
        pin, counter = vector.get("pin", "").encode(), vector.get("counter", 0)
        key, question = vector["key"].encode(), vector["question"].encode()
        assert ocra.response(_PORT, suite, key, question, counter, pin) == vector["response"]
        served += 1
    assert (served, refused) == (25, 45)


def test_r5_suites_that_the_card_refuses():
    for text in (
        "",
        "OCRA-1",
        "OCRA-2:HOTP-SHA256-8:QN06",
        "OCRA-1:HOTP-SHA512-8:QN06",
        "OCRA-1:TOTP-SHA256-8:QN06",
        "OCRA-1:HOTP-SHA256-5:QN06",
        "OCRA-1:HOTP-SHA256-9:QN06",
        "OCRA-1:HOTP-SHA256-08:QN06",
        "OCRA-1:HOTP-SHA256-8-8:QN06",
        "OCRA-1:HOTP-SHA256-8:QN03",
        "OCRA-1:HOTP-SHA256-8:QN09",
        "OCRA-1:HOTP-SHA256-8:QA06",
        "OCRA-1:HOTP-SHA256-8:QH06",
        "OCRA-1:HOTP-SHA256-8:QN6",
        "OCRA-1:HOTP-SHA256-8:C",
        "OCRA-1:HOTP-SHA256-8:",
        "OCRA-1:HOTP-SHA256-8:QN06-C",
        "OCRA-1:HOTP-SHA256-8:C-C-QN06",
        "OCRA-1:HOTP-SHA256-8:QN06-PSHA512",
        "OCRA-1:HOTP-SHA256-8:QN06-P",
        "OCRA-1:HOTP-SHA256-8:QN06-SSHA1",
        "OCRA-1:HOTP-SHA256-8:QN06-S064",
        "OCRA-1:HOTP-SHA256-8:QN06-T1M",
        "OCRA-1:HOTP-SHA256-8:QN06-PSHA1-T1M",
        "OCRA-1:HOTP-SHA256-8:QN06:",
        "ocra-1:hotp-sha256-8:qn06",
        " OCRA-1:HOTP-SHA256-8:QN06",
    ):
        assert raises(ocra.SuiteError, lambda: ocra.Suite(text)), text


def test_r2_leading_zeros_of_response_and_question_count():
    suite = ocra.Suite("OCRA-1:HOTP-SHA256-6:QN06")
    seed = b"12345678901234567890"
    responses = [ocra.response(_PORT, suite, seed, f"{n:06d}".encode(), 0, b"") for n in range(60)]
    assert all(len(response) == 6 for response in responses)
    assert any(response[0] == "0" for response in responses)
    # n and 16·n are one question to OCRA, by the RFC's own padding
    assert responses[1] == responses[16] and responses[2] == responses[32] and responses[1] != responses[2]
