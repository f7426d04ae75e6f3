"""OCRA against RFC 6287's own answers, and what a verifier builds on it."""

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dscplus_driver import ocra
from dscplus_driver.errors import UsageError
from dscplus_driver.sensitive import Pin, PinHash, Seed

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "rfc6287.json").read_text())["vectors"]
KEY = b"12345678901234567890123456789012"
CARD_PIN = "OCRA-1:HOTP-SHA256-8:QN06"


def inputs(vector):
    chosen = {name: vector[name] for name in ("counter", "timestamp") if name in vector}
    if "pin" in vector:
        chosen["pin"] = Pin(vector["pin"])
    return chosen


def test_all_seventy_published_vectors_are_here():
    assert len(VECTORS) == 70


@pytest.mark.parametrize(
    "vector", VECTORS, ids=lambda v: f"{v['suite']}/{v['question']}/{v.get('counter', '')}"
)
def test_rfc6287_appendix_c(vector):
    key = vector["key"].encode()
    assert ocra.respond(vector["suite"], key, vector["question"], **inputs(vector)) == vector["response"]


@pytest.mark.parametrize("vector", VECTORS[::7], ids=lambda v: v["suite"])
def test_vectors_verify_and_a_changed_digit_does_not(vector):
    key = vector["key"].encode()
    right = vector["response"]
    wrong = right[:-1] + str((int(right[-1]) + 1) % 10)
    assert ocra.verify(vector["suite"], key, vector["question"], right, **inputs(vector)).matched
    assert not ocra.verify(vector["suite"], key, vector["question"], wrong, **inputs(vector))


def test_r2_leading_zeros_count_in_responses_too():
    key = b"12345678901234567890123456789012"
    response = ocra.respond("OCRA-1:HOTP-SHA256-8:QN08-PSHA1", key, "11111111", pin=Pin("1234"))
    assert response == "01501458"
    assert not ocra.verify("OCRA-1:HOTP-SHA256-8:QN08-PSHA1", key, "11111111", "1501458", pin=Pin("1234"))


def test_n_and_sixteen_n_share_one_response():
    assert ocra.respond(CARD_PIN, KEY, "000001") == ocra.respond(CARD_PIN, KEY, "000016")
    assert ocra.respond(CARD_PIN, KEY, "000001") != ocra.respond(CARD_PIN, KEY, "000002")


def test_r6_no_issued_question_is_a_multiple_of_sixteen_and_every_other_can_be():
    issued = {ocra.new_question(4, below=lambda _n, k=k: k) for k in range(10**4 // 16 * 15)}
    assert issued == {f"{n:04d}" for n in range(10**4) if n % 16}


@pytest.mark.parametrize("digits", [4, 5, 6, 7, 8])
def test_questions_have_their_leading_zeros(digits):
    assert ocra.new_question(digits, below=lambda _n: 0) == "1".rjust(digits, "0")
    largest = ocra.new_question(digits, below=lambda n: n - 1)
    assert largest == str(10**digits - 1)


@pytest.mark.parametrize("digits", [0, 3, 9])
def test_questions_of_other_lengths_are_refused(digits):
    with pytest.raises(UsageError):
        ocra.new_question(digits)


def test_counter_zero_verifies_and_tells_the_next():
    response = ocra.respond("OCRA-1:HOTP-SHA256-8:C-QN06", KEY, "123457", counter=0)
    verdict = ocra.verify("OCRA-1:HOTP-SHA256-8:C-QN06", KEY, "123457", response, counter=0)
    assert verdict == ocra.Verdict(True, 1)


@pytest.mark.parametrize(("ahead", "matched"), [(0, True), (9, True), (10, False)])
def test_look_ahead_is_ten_values(ahead, matched):
    suite = "OCRA-1:HOTP-SHA256-8:C-QN06"
    response = ocra.respond(suite, KEY, "123457", counter=5 + ahead)
    verdict = ocra.verify(suite, KEY, "123457", response, counter=5)
    assert (verdict.matched, verdict.next_counter) == (matched, 6 + ahead if matched else None)


def test_a_used_counter_value_is_not_accepted_again():
    suite = "OCRA-1:HOTP-SHA256-8:C-QN06"
    response = ocra.respond(suite, KEY, "123457", counter=5)
    assert not ocra.verify(suite, KEY, "123457", response, counter=6)


@pytest.mark.parametrize(
    "suite",
    [
        "",
        "OCRA-2:HOTP-SHA256-8:QN06",
        "OCRA-1:HOTP-MD5-8:QN06",
        "OCRA-1:HOTP-SHA256-3:QN06",
        "OCRA-1:HOTP-SHA256-11:QN06",
        "OCRA-1:HOTP-SHA256-8:QN03",
        "OCRA-1:HOTP-SHA256-8:QN65",
        "OCRA-1:HOTP-SHA256-8:QX06",
        "OCRA-1:HOTP-SHA256-8:QN06-C",
        "OCRA-1:HOTP-SHA256-8:QN06-T60S",
        "OCRA-1:HOTP-SHA256-8:QN06-T0M",
        "OCRA-1:HOTP-SHA256-8:QN06-T49H",
        "OCRA-1:HOTP-SHA256-8:QN06\n",
        "ocra-1:hotp-sha256-8:qn06",
    ],
)
def test_no_such_suite(suite):
    with pytest.raises(UsageError):
        ocra.Suite.parse(suite)


def test_every_part_of_a_suite_is_read():
    suite = ocra.Suite.parse("OCRA-1:HOTP-SHA512-10:C-QH40-PSHA256-S128-T48H")
    assert (suite.hash_name, suite.digits, suite.counter) == ("sha512", 10, True)
    assert (suite.question_format, suite.question_length) == ("H", 40)
    assert (suite.pin_hash, suite.session_length, suite.time_step) == ("sha256", 128, 48 * 3600)
    assert ocra.Suite.parse("OCRA-1:HOTP-SHA1-6:QA10-S").session_length == 64


@pytest.mark.parametrize(
    ("suite", "question", "given", "complaint"),
    [
        (CARD_PIN, "123", {}, "4 to 6 characters"),
        (CARD_PIN, "1" * 13, {}, "this one has 13"),
        (CARD_PIN, "12345x", {}, "decimal digits"),
        (CARD_PIN, "１２３４５６", {}, "decimal digits"),
        ("OCRA-1:HOTP-SHA256-8:QH06", "12345g", {}, "hexadecimal"),
        ("OCRA-1:HOTP-SHA256-8:QA06", "12345ü", {}, "ASCII"),
        (CARD_PIN, "123456", {"pin": Pin("1234")}, "takes no PIN"),
        (CARD_PIN + "-PSHA1", "123456", {}, "needs a PIN"),
        (CARD_PIN, "123456", {"counter": 0}, "takes no counter"),
        ("OCRA-1:HOTP-SHA256-8:C-QN06", "123456", {}, "needs a counter"),
        ("OCRA-1:HOTP-SHA256-8:C-QN06", "123456", {"counter": 1 << 64}, "counter lies"),
        (CARD_PIN + "-S004", "123456", {"session": b"12345"}, "at most 4 bytes"),
        (CARD_PIN + "-T1M", "123456", {"timestamp": -1}, "not negative"),
    ],
)
def test_inputs_that_do_not_fit_the_suite_are_refused(suite, question, given, complaint):
    with pytest.raises(UsageError, match=complaint):
        ocra.respond(suite, KEY, question, **given)


def test_zero_digits_is_the_whole_hmac():
    assert len(ocra.respond("OCRA-1:HOTP-SHA256-0:QN06", KEY, "123456")) == 64


def test_hex_questions_of_odd_length():
    suite = "OCRA-1:HOTP-SHA256-8:QH08"
    assert ocra.respond(suite, KEY, "12345") == ocra.respond(suite, KEY, "123450")
    assert ocra.respond(suite, KEY, "abcde") == ocra.respond(suite, KEY, "ABCDE")


def test_short_session_information_is_filled_on_the_left():
    suite = CARD_PIN + "-S004"
    short = ocra.respond(suite, KEY, "123456", session=b"\x01")
    assert short == ocra.respond(suite, KEY, "123456", session=b"\x00\x00\x00\x01")


@given(st.binary(min_size=20, max_size=64), st.integers(0, 10**6 - 1))
def test_a_seed_answers_as_its_bytes_do(key, number):
    question = f"{number:06d}"
    response = ocra.respond(CARD_PIN, Seed(key), question)
    assert response == ocra.respond(CARD_PIN, key, question)
    assert len(response) == 8 and response.isdigit()
    assert ocra.verify(CARD_PIN, Seed(key), question, response)


@given(st.text(max_size=12))
def test_no_text_breaks_the_verifier(response):
    right = ocra.respond(CARD_PIN, KEY, "123457")
    assert bool(ocra.verify(CARD_PIN, KEY, "123457", response)) == (response == right)


def test_a_pin_hash_serves_in_place_of_the_pin():
    suite, key = "OCRA-1:HOTP-SHA256-8:QN08-PSHA1", b"12345678901234567890123456789012"
    assert ocra.respond(suite, key, "00000000", pin=PinHash(hashlib.sha1(b"1234").digest())) == "83238735"  # noqa: S324 (the suite says so)
    with pytest.raises(UsageError, match="another length"):
        ocra.respond(suite, key, "00000000", pin=PinHash(hashlib.sha256(b"1234").digest()))
