"""What a program does with the driver in each golden transcript, and what it must get out of it."""

from collections.abc import Callable

import pytest

from dscplus_driver import errors, personalisation, retire
from dscplus_driver.card import Card
from dscplus_driver.model import KeyInformation, LifeCycle, PinTries, Profile, Tag
from dscplus_driver.personalisation import Plan
from dscplus_driver.sensitive import KeySet, MasterKey, Pin, Seed
from tests.golden import inputs

BATCH = KeySet.diversify(MasterKey(inputs.BATCH_MASTER), 0x01, inputs.SERIAL)
BATCH_256 = KeySet.diversify(MasterKey(inputs.BATCH_MASTER_256), 0x01, inputs.SERIAL)
ISSUER = KeySet.diversify(MasterKey(inputs.ISSUER_MASTER), 0x20, inputs.SERIAL)
ISSUER_256 = KeySet.diversify(MasterKey(inputs.ISSUER_MASTER_256), 0x20, inputs.SERIAL)
RESTOCK = KeySet.diversify(MasterKey(inputs.RESTOCK_MASTER), 0x10, inputs.SERIAL)
WRONG = KeySet(0x01, bytes(16), bytes(16), bytes(16))
PIN, WRONG_PIN = Pin(inputs.PIN), Pin(inputs.WRONG_PIN)

PARTS: dict[str, Callable[[Card], None]] = {}


def part(act: Callable[[Card], None]) -> Callable[[Card], None]:
    PARTS[act.__name__.replace("_", "-")] = act
    return act


@part
def init(card: Card) -> None:
    assert card.serial_number == inputs.SERIAL


@part
def init_repeat(card: Card) -> None:
    assert card.serial_number == inputs.SERIAL
    assert card.life_cycle() is LifeCycle.OP_READY


@part
def ping(card: Card) -> None:
    for payload in (b"", b"\x00", bytes.fromhex("0011002200"), b"\xa5" * 254, bytes(range(256)) * 2):
        card.ping(payload)


@part
def get_data(card: Card) -> None:
    assert card.serial_number == inputs.SERIAL
    assert card.life_cycle() is LifeCycle.OP_READY
    assert card.key_information() == KeyInformation(key_version=0x01, key_length=16)
    assert card.sequence_counter() == 0
    assert card.personality() is None
    assert card.pin_tries() is None
    assert card.quota_left() == 32
    assert card.get_data(Tag.BOOT_ID) == inputs.BOOT_ID


@part
def lost_answer(card: Card) -> None:
    assert card.serial_number == inputs.SERIAL
    with card.open_session(BATCH) as session:
        assert session.sequence_counter() == 1


@part
def damaged_answer(card: Card) -> None:
    assert card.serial_number == inputs.SERIAL


@part
def wrong_session(card: Card) -> None:
    assert card.serial_number == inputs.SERIAL
    with pytest.raises(errors.LinkError, match="session"):
        card.life_cycle()
    assert card.life_cycle() is LifeCycle.OP_READY


def _personalise(
    card: Card, batch: KeySet, issuer: KeySet, seed: bytes, profile: Profile = Profile.CARD_PIN
) -> None:
    questions = iter(inputs.QUESTIONS)
    plan = Plan((batch,), issuer, Seed(seed), PIN, profile, language="en")
    done = personalisation.personalise(card, plan, new_question=lambda: next(questions))
    assert done.serial_number == inputs.SERIAL
    assert done.key_version == 0x20
    assert done.check_value == Seed(seed).check_value()
    assert done.sequence_counter == 2


@part
def personalise_aes_128(card: Card) -> None:
    _personalise(card, BATCH, ISSUER, inputs.SEED_32)


@part
def personalise_aes_256(card: Card) -> None:
    _personalise(card, BATCH_256, ISSUER_256, inputs.SEED_64)


@part
def personalise_server_pin(card: Card) -> None:
    _personalise(card, BATCH, ISSUER, inputs.SEED_20, Profile.SERVER_PIN)


@part
def wrong_pin(card: Card) -> None:
    assert card.serial_number == inputs.SERIAL
    with card.open_session(ISSUER) as session:
        with pytest.raises(errors.WrongPin) as wrong:
            session.verify_pin(WRONG_PIN)
        assert wrong.value.tries_left == 4
        assert session.pin_tries() == PinTries(left=4, limit=5)
        session.verify_pin(PIN)
        assert session.pin_tries() == PinTries(left=5, limit=5)


@part
def pin_blocked(card: Card) -> None:
    assert card.serial_number == inputs.SERIAL
    with card.open_session(ISSUER) as session:
        for left in (4, 3, 2, 1, 0):
            with pytest.raises(errors.WrongPin) as wrong:
                session.verify_pin(WRONG_PIN)
            assert wrong.value.tries_left == left
        with pytest.raises(errors.CardBlocked):
            session.verify_pin(PIN)
        session.unblock_pin()
        session.verify_pin(PIN)


@part
def failed_authentication(card: Card) -> None:
    assert card.serial_number == inputs.SERIAL
    with pytest.raises(errors.AuthenticationFailed):
        card.open_session(WRONG)
    assert card.sequence_counter() == 1


@part
def throttled(card: Card) -> None:
    assert card.serial_number == inputs.SERIAL
    for _ in range(10):
        with pytest.raises(errors.AuthenticationFailed):
            card.open_session(WRONG)
    card.open_session(BATCH)


@part
def stripped_r_mac(card: Card) -> None:
    assert card.serial_number == inputs.SERIAL
    session = card.open_session(BATCH)
    with pytest.raises(errors.CardError):
        session.life_cycle()
    with pytest.raises(errors.SessionClosed):
        session.life_cycle()


@part
def forged_error(card: Card) -> None:
    assert card.serial_number == inputs.SERIAL
    session = card.open_session(BATCH)
    with pytest.raises(errors.OutcomeUnknown):
        session.put_key(ISSUER)


@part
def swapped_card(card: Card) -> None:
    assert card.serial_number == inputs.SERIAL
    with pytest.raises(errors.CardUnfit, match="0000000026"):
        card.open_session(BATCH)


@part
def restock(card: Card) -> None:
    retire.restock(card, ISSUER, RESTOCK)
    assert card.key_information() == KeyInformation(key_version=0x10, key_length=16)


@part
def lock_and_terminate(card: Card) -> None:
    assert card.serial_number == inputs.SERIAL
    with card.open_session(ISSUER) as session:
        session.set_status(LifeCycle.CARD_LOCKED)
        with pytest.raises(errors.StatusWordError) as refused:
            session.respond(inputs.QUESTIONS[0])
        assert refused.value.status_word == 0x6985
        session.set_status(LifeCycle.SECURED)
        session.set_status(LifeCycle.TERMINATED)
    assert card.life_cycle() is LifeCycle.TERMINATED


@part
def hid_init(card: Card) -> None:
    init(card)


@part
def hid_ping(card: Card) -> None:
    for payload in (b"", b"\xa5" * 57, b"\xa5" * 58, bytes(range(256)) * 2):
        card.ping(payload)


@part
def hid_personalise(card: Card) -> None:
    personalise_aes_128(card)


@part
def hid_busy(card: Card) -> None:
    assert card.serial_number == inputs.SERIAL
    assert card.life_cycle() is LifeCycle.OP_READY
