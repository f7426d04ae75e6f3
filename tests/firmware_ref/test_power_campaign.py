"""The whole card under power cuts: its life cut at every flash operation, and again while it recovers."""

import random

import pytest

from dscplus_card import holder, state
from dscplus_card.flash import MemoryFlash, PowerCut
from dscplus_card.state import State
from tests.firmware_ref.both import bench as b

NEW_PIN = b"7391"
OTHER_SEED = bytes(range(0x81, 0xC1))
ALL_FIELDS = range(1, 23)
# Whatever may be in flash at some time and must be nowhere in it once the fields no longer have it.
SECRETS = (b.SEED, OTHER_SEED, b.PIN, NEW_PIN, *b.TRANSPORT, *b.ISSUER)


def a_cards_life(bench: b.Bench) -> None:
    """Personalised as A, used, its PIN changed, wiped, personalised as B, used, terminated."""
    host = b.Host(bench)
    host.open(b.TRANSPORT, 0).put_key(b.ISSUER_VERSION, b.ISSUER)
    channel = host.open(b.ISSUER, b.ISSUER_VERSION)
    channel.set_status(state.INITIALIZED)
    channel.store_data(1, b"OCRA-1:HOTP-SHA256-8:C-QN06")
    channel.command(0, 0x2C, 2, 0x81, b.PIN)
    channel.respond(b"123456")
    channel.command(0, 0x20, 0, 0x81, b.PIN)
    channel.set_status(state.SECURED)
    bench.type("press", "9999", "OK", "0042", "OK", "000001", "OK")
    channel.command(0, 0x2C, 2, 0x81, NEW_PIN)
    channel.set_status(state.CARD_LOCKED)
    channel.set_status(state.OP_READY)
    channel.set_status(state.INITIALIZED)
    channel.store_data(2, b.SUITE_B, OTHER_SEED)
    channel.set_status(state.SECURED)
    bench.type("press", "0042", "OK", "000001", "OK")
    channel.set_status(state.TERMINATED)
    bench.wait(0)


def fields(image: bytes) -> dict[int, bytes]:
    memory = State(MemoryFlash(1024, 3, bytearray(image)))
    return {field: memory.get(field) for field in ALL_FIELDS if memory.get(field)}


def uncut() -> list[dict[int, bytes]]:
    """The fields after each flash operation of a life that is never cut; [0] is before the first."""
    flash = b.blank_flash()
    seen = [fields(flash.image())]
    for name in ("program", "erase"):
        real = getattr(flash, name)

        def watched(*arguments, real=real):
            real(*arguments)
            seen.append(fields(flash.image()))

        setattr(flash, name, watched)
    flash.operations = 0
    a_cards_life(b.Bench(flash))
    assert seen[-1][state.LIFE_CYCLE] == b"\xff" and len(seen) == flash.operations + 1
    return seen


def cut_life(operation: int, tear) -> b.Bench | None:
    """A life cut at that operation, the power back and the card not yet booted; None if it was never cut."""
    flash = b.blank_flash()
    flash.cut_power_at(operation, tear)
    bench = b.Bench.__new__(b.Bench)
    bench.flash, bench.port = flash, b.BenchPort(flash)
    try:
        bench.card = b.Device(bench.port)
        a_cards_life(bench)
    except PowerCut:
        flash.restore_power()
        return bench
    return None


def check_no_old_secret(bench: b.Bench) -> None:
    now = b"|".join(bench.memory().get(field) for field in ALL_FIELDS)
    for secret in SECRETS:
        if secret not in now:
            assert secret not in bench.flash.image()


def campaign(tears: int) -> tuple[int, int]:
    """Every operation cut, every recovery cut again; (cuts, cuts in recovery)."""
    legal = uncut()
    cuts, recovery_cuts = 0, 0
    for operation in range(1, len(legal)):
        for number in range(tears):
            dice = random.Random(operation * 1000 + number)  # noqa: S311
            bench = cut_life(operation, dice.randbytes)
            assert bench is not None
            cuts += 1
            assert fields(bench.flash.image()) in (legal[operation - 1], legal[operation]), operation
            for again in range(1, 10):
                bench.flash.cut_power_at(again, dice.randbytes)
                try:
                    b.Device(bench.port)
                    break
                except PowerCut:
                    recovery_cuts += 1
                    bench.flash.restore_power()
            bench.reboot()
            check_no_old_secret(bench)
            assert len(bench.card.display()) == 8
            told = b.Host(bench).command(0x80, 0xCA, 0xDF, 0x01)[0]
            assert (
                told == legal[operation][state.LIFE_CYCLE] or told == legal[operation - 1][state.LIFE_CYCLE]
            )
            assert bench.memory().number(state.SEQUENCE_COUNTER) >= int.from_bytes(
                legal[operation - 1].get(state.SEQUENCE_COUNTER, b""), "big"
            )
    return cuts, recovery_cuts


def test_a_cards_life_cut_at_every_flash_operation_and_again_in_recovery():
    cuts, recovery_cuts = campaign(tears=8)
    print(f"{cuts} cuts, {recovery_cuts} cuts in recovery")
    assert cuts > 250 and recovery_cuts > 250


def test_seeded_bug_wipe_in_two_commits_is_caught(monkeypatch: pytest.MonkeyPatch):
    real = State.commit

    def one_by_one(self, changes):
        for field, value in changes.items():
            real(self, {field: value})

    legal = uncut()
    monkeypatch.setattr(State, "commit", one_by_one)
    lives = [cut_life(operation, lambda n: b"\xff" * n) for operation in range(1, 60)]
    assert any(life and fields(life.flash.image()) not in legal for life in lives)


def test_seeded_bug_compare_before_recording_the_attempt_is_caught(monkeypatch: pytest.MonkeyPatch):
    def compare_first(memory, pin):
        if pin == memory.get(state.PIN):
            return True
        memory.commit({state.TRIES_LEFT: memory.number(state.TRIES_LEFT) - 1})
        return False

    from tests.firmware_ref.both import test_keypad, test_life_cycle

    monkeypatch.setattr(holder, "check_pin", compare_first)
    for test in (
        test_keypad.test_r5_the_attempt_is_in_flash_before_the_compare,
        test_life_cycle.test_r5_the_attempt_is_in_flash_before_the_compare,
    ):
        with pytest.raises(AssertionError):
            test()


def test_seeded_bug_response_before_the_counter_is_caught(monkeypatch: pytest.MonkeyPatch):
    real = State.commit

    def forgetful(self, changes):
        changes.pop(state.OCRA_COUNTER, None)
        real(self, changes)

    from tests.firmware_ref.both import test_keypad

    monkeypatch.setattr(State, "commit", forgetful)
    with pytest.raises(AssertionError):
        test_keypad.test_the_counter_is_in_flash_before_the_response_shows()
