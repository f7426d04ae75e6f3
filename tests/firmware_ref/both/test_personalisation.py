"""A whole personalisation over the wire, and the card in its holder's hands."""

from dscplus_card import state
from dscplus_card.ocra import Suite, response
from tests.firmware_ref.both import bench as b


def expected(bench, suite, question, counter=0, pin=b""):
    return response(bench.port, Suite(suite.decode()), b.SEED, question, counter, pin)


def test_profile_a_from_blank_to_keypad_response():
    bench, _host, channel = b.issuer_channel()
    assert channel.set_status(state.INITIALIZED) == 0x9000
    check, status = channel.store_data(more=b.dgi(0x0102, b"en") + b.dgi(0x0103, b"SAMPLE"))
    assert status == 0x9000 and len(check) == 8
    assert channel.command(0, 0x2C, 2, 0x81, b.PIN) == (b"", 0x9000)
    for question in (b"000016", b"123456", b"999999"):
        assert channel.respond(question) == (expected(bench, b.SUITE_A, question).encode(), 0x9000)
    assert channel.command(0, 0x20, 0, 0x81, b.PIN) == (b"", 0x9000)
    assert channel.set_status(state.SECURED) == 0x9000
    assert channel.command(0x80, 0xCA, 0xDF, 0x07) == (check, 0x9000)
    assert bench.type("press") == "PIN>    "
    assert bench.type("0042", "OK") == "CHALLNG>"
    assert bench.type("000016", "OK") == expected(bench, b.SUITE_A, b"000016")


def test_profile_b_puts_the_pin_into_the_response():
    bench, _, channel = b.personalised(2, b.SUITE_B)
    answer = expected(bench, b.SUITE_B, b"123456", 0, b"0042")
    assert channel.respond(b"123456", b"0042") == (answer.encode(), 0x9000)
    assert bench.type("press", "0042", "OK", "123456", "OK") == answer
    assert bench.type("press", "0043", "OK", "123456", "OK") != answer


def test_aes_256_keys_personalise_too():
    bench, _, _ = b.personalised(keys=b.ISSUER32)
    assert bench.type("press", "0042", "OK", "123456", "OK") == expected(bench, b.SUITE_A, b"123456")
