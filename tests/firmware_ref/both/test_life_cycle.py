"""SET STATUS, wipe, termination; the PIN's commands."""

from dscplus_card import state
from dscplus_card.flash import PowerCut
from tests.firmware_ref.both import bench as b

ALL = (state.OP_READY, state.INITIALIZED, state.SECURED, state.CARD_LOCKED, state.TERMINATED)
LEGAL = (
    (state.OP_READY, state.INITIALIZED),
    (state.INITIALIZED, state.SECURED),
    (state.SECURED, state.CARD_LOCKED),
    (state.CARD_LOCKED, state.SECURED),
    (state.INITIALIZED, state.OP_READY),
    (state.SECURED, state.OP_READY),
    (state.CARD_LOCKED, state.OP_READY),
)
SECRETS = (b.SEED, b.PIN) + b.ISSUER + b.TRANSPORT


def put_in(bench, channel, life_cycle):
    """A personalised card in INITIALIZED, taken to `life_cycle` by the book."""
    path = {
        state.OP_READY: (state.OP_READY,),
        state.INITIALIZED: (),
        state.SECURED: (state.SECURED,),
        state.CARD_LOCKED: (state.SECURED, state.CARD_LOCKED),
    }
    for step in path[life_cycle]:
        assert channel.set_status(step) == 0x9000
    assert bench.memory().number(state.LIFE_CYCLE) == life_cycle


def test_every_transition_that_is_legal_works_and_no_other():
    for old in ALL[:4]:
        for new in ALL:
            bench, _, channel = b.personalised(secured=False)
            put_in(bench, channel, old)
            legal = (old, new) in LEGAL or new == state.TERMINATED
            assert channel.set_status(new) == (0x9000 if legal else 0x6985), (old, new)
            assert bench.memory().number(state.LIFE_CYCLE) == (new if legal else old)


def test_set_status_refuses_unknown_states_and_data():
    _, _, channel = b.issuer_channel()
    for unknown in (0x00, 0x03, 0x08, 0x83, 0xFE):
        assert channel.set_status(unknown) == 0x6A86
    assert channel.command(0x80, 0xF0, 0x80, 0x07, b"x") == (b"", 0x6700)


def test_initialized_needs_issuer_keys_and_secured_needs_seed_and_pin():
    for version in (0x01, 0x1F):
        bench = b.Bench()
        host = b.Host(bench)
        channel = host.open(b.TRANSPORT, 0)
        if version != 0x01:
            channel.put_key(version, b.ISSUER)
            channel = host.open(b.ISSUER, version)
        assert channel.set_status(state.INITIALIZED) == 0x6985
    _, _, channel = b.issuer_channel()
    channel.set_status(state.INITIALIZED)
    assert channel.set_status(state.SECURED) == 0x6985
    channel.store_data()
    assert channel.set_status(state.SECURED) == 0x6985
    channel.command(0, 0x2C, 2, 0x81, b.PIN)
    assert channel.set_status(state.SECURED) == 0x9000
    _, _, channel = b.issuer_channel()
    channel.set_status(state.INITIALIZED)
    channel.store_data(2, b.SUITE_B)
    assert channel.set_status(state.SECURED) == 0x9000


def test_r46_wipe_leaves_keys_and_counters_and_no_seed_or_pin_in_flash():
    for life_cycle in (state.INITIALIZED, state.SECURED, state.CARD_LOCKED):
        bench, _, channel = b.personalised(secured=False)
        channel.store_data(suite=b.SUITE_A, more=b.dgi(0x0102, b"en") + b.dgi(0x0103, b"SAMPLE"))
        channel.command(0, 0x2C, 2, 0x81, b.PIN)
        channel.respond(b"123456")
        put_in(bench, channel, life_cycle)
        sequence = bench.memory().number(state.SEQUENCE_COUNTER)
        assert channel.set_status(state.OP_READY) == 0x9000
        image = bench.flash.image()
        assert b.SEED not in image and b.PIN not in image and b.SUITE_A not in image
        memory = bench.memory()
        for field in (state.PROFILE, state.TRIES_LEFT, state.LANGUAGE, state.TEXT, state.OCRA_COUNTER):
            assert memory.get(field) == b""
        assert memory.number(state.SEQUENCE_COUNTER) == sequence
        assert (
            memory.get(state.KEY_ENC) == b.ISSUER[0] and memory.number(state.KEY_VERSION) == b.ISSUER_VERSION
        )
        assert memory.number(state.WIPES) == 1 and memory.number(state.WIRE_RESPONSES) == 1
        for tag, value in ((0x01, b"\x01"), (0x02, b""), (0x03, b"\xff\xff"), (0x08, b"\x00\x20")):
            assert channel.command(0x80, 0xCA, 0xDF, tag) == (value, 0x9000)


def test_a_wiped_card_is_personalised_again():
    _, _, channel = b.personalised()
    channel.set_status(state.OP_READY)
    assert channel.set_status(state.INITIALIZED) == 0x9000
    assert channel.store_data(2, b.SUITE_B, b"another seed, of 28 bytes...")[1] == 0x9000
    assert channel.set_status(state.SECURED) == 0x9000


def test_old_keys_do_not_survive_put_key_in_flash():
    bench, _, _ = b.issuer_channel()
    for key in b.TRANSPORT:
        assert key not in bench.flash.image()


def test_old_pin_and_old_seed_do_not_survive_being_replaced():
    bench, _, channel = b.personalised(secured=False)
    assert channel.command(0, 0x2C, 2, 0x81, b"7391") == (b"", 0x9000)
    assert b.PIN not in bench.flash.image() and b"7391" in bench.flash.image()
    assert channel.store_data(seed=b"t" * 32)[1] == 0x9000
    image = bench.flash.image()
    assert b.SEED not in image and b"7391" not in image


def test_an_old_pin_that_flash_would_not_erase_is_told_and_goes_at_the_next_boot():
    bench, _, channel = b.personalised()
    erase = bench.flash.erase
    bench.flash.erase = lambda sector: None
    assert channel.command(0, 0x2C, 2, 0x81, b"7391") == (b"", 0x6581)
    assert b.PIN in bench.flash.image()
    bench.flash.erase = erase
    bench.reboot()
    assert b.PIN not in bench.flash.image()
    assert bench.memory().get(state.PIN) == b"7391"  # whole or not at all: here whole


def test_terminated_answers_first_and_then_erases_every_secret():
    for start in (b.issuer_channel, b.personalised):
        bench, host, channel = start()
        before = bench.flash.operations
        wrapped = channel.wrap(0x80, 0xF0, 0x80, state.TERMINATED)
        got = host.start(b.MSG, wrapped)
        ((_, _, _, answer),) = got
        assert channel.unwrap(answer[:-2], 0x9000) == (b"", 0x9000)
        assert bench.flash.operations - before == 1  # one record: the state
        assert bench.card.next_tick_ms() == 0
        bench.wait(0)
        for secret in SECRETS:
            assert secret not in bench.flash.image()
        assert host.send(host.session, host.seq, b.MSG, wrapped) == got  # a lost answer is still repeated
        assert host.command(0x80, 0xCA, 0x00, 0xE0) == (b"", 0x9000)
        assert host.command(0x80, 0xCA, 0xDF, 0x01) == (b"\xff", 0x9000)
        assert host.command(0x80, 0xCA, 0xDF, 0x07) == (b"", 0x6982)
        assert host.command(0x80, 0xE2, 0x88, 0) == (b"", 0x6985)


def test_terminated_is_not_erased_while_its_answer_is_unsent():
    bench, host, channel = b.personalised()
    host.seq += 1
    wrapped = channel.wrap(0x80, 0xF0, 0x80, state.TERMINATED)
    bench.card.receive(b.frame(host.session, host.seq, b.MSG, wrapped))
    bench.card.tick()
    assert b.SEED in bench.flash.image()
    bench.card.transmit()
    bench.card.tick()
    assert b.SEED not in bench.flash.image()


def test_terminated_waits_5_s_at_most_for_an_answer_that_nobody_reads():
    for host_class in (b.Host, b.HidHost):
        bench, _, _ = b.personalised()
        bench.wait(5000)  # until the channel in which that was done has lapsed
        host = host_class(bench, b"nonce..2")
        channel = host.open(b.ISSUER, b.ISSUER_VERSION)
        host.heard = list
        host.start(b.MSG, channel.wrap(0x80, 0xF0, 0x80, state.TERMINATED))
        bench.wait(4999)
        assert b.SEED in bench.flash.image()
        host.start(b.MSG, b"\x80\xca\xdf\x01")  # a host that goes on asking gains no time
        bench.wait(1)
        assert b.SEED not in bench.flash.image()
        assert bench.card.next_tick_ms() is None


def test_terminated_on_a_flash_that_cannot_erase_stays_up_and_erases_at_a_later_boot():
    bench, host, channel = b.personalised()
    erase, program = bench.flash.erase, bench.flash.program
    host.start(b.MSG, channel.wrap(0x80, 0xF0, 0x80, state.TERMINATED))
    bench.flash.erase = lambda sector: None
    bench.flash.program = lambda sector, offset, data: None
    bench.card.tick()
    assert bench.card.next_tick_ms() is None  # no hot loop
    assert host.command(0x80, 0xCA, 0xDF, 0x01) == (b"\xff", 0x9000)
    bench.reboot()
    assert b.Host(bench).command(0x80, 0xCA, 0xDF, 0x01) == (b"\xff", 0x9000)
    assert b.SEED in bench.flash.image()
    bench.flash.erase, bench.flash.program = erase, program
    bench.reboot()
    for secret in SECRETS:
        assert secret not in bench.flash.image()


def test_a_card_whose_flash_has_died_boots_and_says_so():
    bench, _, _ = b.personalised()
    boots = bench.memory().number(state.BOOTS)
    bench.flash.program = lambda sector, offset, data: None
    bench.reboot()
    host = b.Host(bench)
    assert host.command(0x80, 0xCA, 0x00, 0x45) == (b.SERIAL.encode(), 0x9000)
    assert host.command(0x80, 0x50, 0, 0, b"hostchal") == (b"", 0x6581)
    assert bench.type("press", "0042", "OK") == "FAULT   "
    assert bench.memory().number(state.BOOTS) == boots


def test_a_termination_that_flash_refuses_leaves_card_and_channel_as_they_were():
    bench, _, channel = b.personalised()
    program = bench.flash.program
    bench.flash.program = lambda sector, offset, data: None
    assert channel.set_status(state.TERMINATED) == 0x6581
    bench.flash.program = program
    assert channel.command(0x80, 0xCA, 0xDF, 0x01) == (b"\x0f", 0x9000)
    assert channel.set_status(state.TERMINATED) == 0x9000


def test_terminated_and_cut_before_the_erase_erases_at_the_next_boot():
    bench, host, channel = b.personalised()
    host.start(b.MSG, channel.wrap(0x80, 0xF0, 0x80, state.TERMINATED))
    assert b.SEED in bench.flash.image()
    bench.reboot()
    for secret in SECRETS:
        assert secret not in bench.flash.image()
    assert bench.memory().number(state.LIFE_CYCLE) == state.TERMINATED


def tries(channel):
    data, status = channel.command(0x80, 0xCA, 0xDF, 0x03)
    assert status == 0x9000
    return data


def test_r5_verify_counts_down_blocks_and_is_unblocked():
    bench, _, channel = b.personalised()
    for left in (4, 3, 2, 1, 0):
        assert channel.command(0, 0x20, 0, 0x81, b"9999") == (b"", 0x63C0 | left)
        assert tries(channel) == bytes([left, 5])
    for pin in (b"9999", b.PIN):
        assert channel.command(0, 0x20, 0, 0x81, pin) == (b"", 0x6983)
    assert bench.memory().number(state.WRONG_PINS) == 5
    assert bench.type("press") == "BLOCKED "
    assert channel.command(0, 0x2C, 3, 0x81) == (b"", 0x9000)
    assert tries(channel) == b"\x05\x05"
    assert channel.command(0, 0x20, 0, 0x81, b.PIN) == (b"", 0x9000)


def test_r5_a_right_pin_gives_all_tries_back():
    _, _, channel = b.personalised()
    for _ in range(4):
        channel.command(0, 0x20, 0, 0x81, b"9999")
    assert channel.command(0, 0x20, 0, 0x81, b.PIN) == (b"", 0x9000)
    assert tries(channel) == b"\x05\x05"


def test_r5_the_attempt_is_in_flash_before_the_compare():
    bench, _, channel = b.personalised()
    for cut, wrong_pins in ((1, 0), (2, 0)):
        before = bench.memory().number(state.TRIES_LEFT)
        # cut the flash operation that would tell right from wrong: the try must be gone already
        bench.flash.cut_power_at(cut, lambda n: b"\x00" * n)
        assert b.raises(PowerCut, lambda: channel.command(0, 0x20, 0, 0x81, b.PIN))
        bench.reboot()
        assert bench.memory().number(state.TRIES_LEFT) == before - (cut - 1)
        assert bench.memory().number(state.WRONG_PINS) == wrong_pins
        channel = b.Host(bench).open(b.ISSUER, 0)


def test_pin_commands_check_their_data():
    _, _, channel = b.personalised()
    for ins, p1 in ((0x20, 0), (0x2C, 2)):
        for data, status in (
            (b"", 0x6700),
            (b"123", 0x6700),
            (b"12345", 0x6700),
            (b"12a4", 0x6A80),
            (b"\x01234", 0x6A80),
        ):
            assert channel.command(0, ins, p1, 0x81, data) == (b"", status), (ins, data)
    assert channel.command(0, 0x2C, 3, 0x81, b.PIN) == (b"", 0x6700)
    assert tries(channel) == b"\x05\x05"


def test_no_pin_in_this_profile_or_none_set_is_6984():
    _, _, channel = b.personalised(2, b.SUITE_B)
    for command in ((0, 0x20, 0, 0x81, b.PIN), (0, 0x2C, 2, 0x81, b.PIN), (0, 0x2C, 3, 0x81)):
        assert channel.command(*command) == (b"", 0x6984)
    _, _, channel = b.issuer_channel()
    channel.set_status(state.INITIALIZED)
    assert channel.command(0, 0x2C, 2, 0x81, b.PIN) == (b"", 0x6984)
    channel.store_data()
    for command in ((0, 0x20, 0, 0x81, b.PIN), (0, 0x2C, 3, 0x81)):
        assert channel.command(*command) == (b"", 0x6984)


def test_card_locked_refuses_keypad_verify_and_internal_authenticate():
    bench, _, channel = b.personalised()
    channel.set_status(state.CARD_LOCKED)
    assert bench.type("press") == "LOCKED  "
    assert channel.command(0, 0x20, 0, 0x81, b.PIN) == (b"", 0x6985)
    assert channel.respond(b"123456") == (b"", 0x6985)
    assert channel.command(0, 0x2C, 2, 0x81, b"7391") == (b"", 0x9000)
    assert channel.set_status(state.SECURED) == 0x9000
    assert channel.command(0, 0x20, 0, 0x81, b"7391") == (b"", 0x9000)
