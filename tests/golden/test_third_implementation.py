"""The document's bytes are those that a third implementation computes from the document's formulas."""

import pytest

from tests.golden import document, stories, third
from tests.golden.inputs import BATCH_MASTER

TEXT = document.PATH.read_text("utf-8")


def test_the_document_holds_every_story_and_no_other():
    assert set(document.blocks(TEXT)) == set(stories.bodies())


@pytest.mark.parametrize("name", stories.bodies())
def test_transcript_is_as_computed(name):
    assert document.blocks(TEXT)[name] == stories.bodies()[name]


def test_worked_example_is_as_computed():
    assert document.worked_example(TEXT) == stories.worked_example()


# The third implementation itself against published answers: else it would only prove that three agree.


def test_cmac_nist_sp_800_38b():
    key = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
    message = bytes.fromhex(
        "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411"
    )
    assert third.cmac(key, b"").hex() == "bb1d6929e95937287fa37d129b756746"
    assert third.cmac(key, message[:16]).hex() == "070a16b46b4d4144f79bdd9dd04a287c"
    assert third.cmac(key, message).hex() == "dfa66747de9ae63030ca32611497c827"


@pytest.mark.parametrize(
    ("length", "initialize_update", "answer", "external_authenticate"),
    [
        (
            16,
            "8050300008fdf38259a1e0de44",
            "000000000000000000003003703b1aca81e821f219081cdc01c26b372d000003",
            "84823300108c36f96bcc00724a4e13ad591d7da3f0",
        ),
        (
            32,
            "805032000811666d57866c6f54",
            "0000000000000000000032037053ea8847efa7674e41498a4d66cf0dee000003",
            "84821100102f2ad190eff2fafc4908996d1cebd310",
        ),
    ],
)
def test_scp03_card_traces(monkeypatch, length, initialize_update, answer, external_authenticate):
    monkeypatch.setattr(third, "AID", bytes.fromhex("A0000005591010FFFFFFFF8900000100"))
    enc, mac, dek = ((bytes(range(first, first + 16)) * 2)[:length] for first in (0x00, 0x10, 0x20))
    keys = third.Keys(bytes.fromhex(initialize_update)[2], enc, mac, dek)
    channel = third.Channel(keys, bytes.fromhex(initialize_update)[5:], 3)
    assert channel.initialize_update().hex() == initialize_update
    assert channel.initialize_update_answer("0" * 10)[10:-2].hex() == answer[20:]
    level = external_authenticate[4:6]
    assert (
        channel._macced(bytes.fromhex(f"8482{level}00"), channel.host_cryptogram).hex()
        == external_authenticate
    )


def test_scp03_wrapped_command_and_answer_of_a_card_trace(monkeypatch):
    monkeypatch.setattr(third, "AID", bytes.fromhex("A0000005591010FFFFFFFF8900000100"))
    keys = third.Keys(0x30, *(bytes(range(first, first + 16)) for first in (0x00, 0x10, 0x20)))
    channel = third.Channel(keys, bytes.fromhex("fdf38259a1e0de44"), 3)
    channel.external_authenticate()
    wrapped = channel.command(bytes.fromhex("80E29100"), bytes.fromhex("BF3E035C015A"))
    assert wrapped.hex() == "84e2910018267a85dfe4a98fca6fb0527e0dfecce4914e40401433c87f"
    answer = channel.answer(bytes.fromhex("bf3e125a1089882119900000000000000000000005"), 0x9000)
    assert answer.hex() == (
        "f3ba2b1013aa6224f5e1c138d71805c569e5439b47576260b75fc021b25097cb2e68f8a0144975b99000"
    )
    assert channel.command(bytes.fromhex("80F22002"), b"").hex() == "84f2200208ac6a59024bed84cc"


def test_kdf3_key_check_values_of_globalplatformpro():
    diversification = bytes(range(10)).decode("latin-1")
    keys = [third.kdf3(BATCH_MASTER, purpose, diversification) for purpose in (1, 2, 3)]
    assert [third.kcv(key).hex().upper() for key in keys] == ["E79C05", "D1BD77", "3FDE8C"]


def test_ocra_rfc_6287_c_1():
    suite, seed = "OCRA-1:HOTP-SHA1-6:QN08", b"12345678901234567890"
    answers = [third.ocra(suite, seed, str(digit) * 8) for digit in range(5)]
    assert answers == ["237653", "243178", "653583", "740991", "608993"]


def test_a_changed_digit_in_the_document_is_noticed():
    changed = TEXT.replace("card> 00010101010117", "card> 00010101010118", 1)
    assert changed != TEXT
    assert document.blocks(changed) != stories.bodies()
