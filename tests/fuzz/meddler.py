"""Somebody on the cable who can do anything but compute a MAC."""

from dscplus_card import state
from dscplus_driver import errors, personalisation, retire
from dscplus_driver.card import Card
from dscplus_driver.model import LifeCycle, Profile
from dscplus_driver.personalisation import Plan, Step
from dscplus_driver.retire import RestockStep
from dscplus_driver.sensitive import Seed
from tests.fuzz.rig import ERROR, KEEPALIVE, MSG, Choices, Seen, VirtualCard, Wire, frames_in
from tests.golden import inputs
from tests.golden.hosts_part import BATCH, ISSUER, PIN, RESTOCK, WRONG_PIN
from tests.golden.third import frame, ocra

WORDS = (0x9000, 0x63C4, 0x6200, 0x6982, 0x6985, 0x6A88, 0x6700, 0x6581)
FIRST_BYTES_LEFT_ALONE = 2


class Meddler:
    """Decides by the fuzzer's bytes what becomes of each frame; when they are used up it lets all pass."""

    def __init__(self, choices: Choices) -> None:
        self._choices = choices
        self._recorded: list[Seen] = []
        self.harmed = 0

    def __call__(self, direction: str, data: bytes) -> tuple[list[bytes], list[bytes]]:
        (seen,) = frames_in(data)
        self._recorded.append(seen)
        action = self._choices.byte() if self._choices else 0xFF
        if action >= 0x60:
            return [data], []
        self.harmed += 1
        return self._harm(action % 12, seen, data)

    def _harm(self, action: int, seen: Seen, data: bytes) -> tuple[list[bytes], list[bytes]]:
        choices = self._choices
        if action == 0:
            return [], []
        if action == 1:
            return [data, data], []
        if action == 2:
            at = choices.byte() % len(data)
            return [data[:at] + bytes([data[at] ^ (choices.byte() or 1)]) + data[at + 1 :]], []
        if action == 3:
            return [data[: choices.byte() % len(data)]], []
        payload = self._other_payload(action, seen)
        if payload is not None:
            return [frame(seen.session, seen.seq, seen.cmd, payload)], []
        if action == 9:
            return [frame(seen.session, seen.seq, ERROR, choices.take(1)), data], []
        if action == 10:
            return [frame(seen.session, seen.seq, KEEPALIVE, b"\x01"), data], []
        # The one spoken to never hears of it; the speaker gets an answer made up.
        return [], [frame(seen.session, seen.seq, MSG, self._word())]

    def _other_payload(self, action: int, seen: Seen) -> bytes | None:
        choices, payload = self._choices, seen.payload
        if action == 4 and payload:
            at = choices.byte() % len(payload)
            return payload[:at] + bytes([payload[at] ^ (choices.byte() or 1)]) + payload[at + 1 :]
        if action == 5:
            return self._word()
        if action == 6:
            return self._recorded[choices.byte() % len(self._recorded)].payload
        if action == 7:
            return payload[:-10] + payload[-2:]
        if action == 8:
            return payload[: len(payload) // 2] + b"\x90\x00"
        return None

    def _word(self) -> bytes:
        return WORDS[self._choices.byte() % len(WORDS)].to_bytes(2, "big")


def meddled_card(data: bytes) -> tuple[VirtualCard, Card, Meddler]:
    """A virtual card, the driver's view of it, and who sits between them."""
    card = VirtualCard()
    meddler = Meddler(Choices(data))
    wire = Wire(card, meddler)
    drawn = iter(range(1, 1 << 30))
    return card, Card(wire, clock=wire.clock, random=lambda n: next(drawn).to_bytes(n, "big")), meddler


def life_of_a_card(data: bytes) -> bool:
    """Personalise, check the PIN, restock, scrap, with a meddler all the way: whatever the driver reports is
    true of the card. Tells whether it came through to the end.
    """
    card, host, _ = meddled_card(data)
    try:
        _personalise(card, host)
        _wrong_pin_never_passes(host)
        _restock(card, host)
        retire.scrap(host, (ISSUER, RESTOCK))
    except errors.DscError:
        return False
    assert card.remembers()[state.LIFE_CYCLE] == b"\xff", "scrapped, says the driver"
    return True


def _personalise(card: VirtualCard, host: Card) -> None:
    seed = Seed(inputs.SEED_32)

    def on_step(step: Step) -> None:
        truth = card.remembers()
        holds = {
            Step.KEYS_ROTATED: truth[state.KEY_VERSION] == b"\x20"
            and truth[state.KEY_DEK] == ISSUER.dek.reveal(),
            Step.INITIALIZED: truth[state.LIFE_CYCLE] in (b"\x07", b"\x0f"),
            Step.SEED_STORED: truth[state.SEED] == inputs.SEED_32
            and truth[state.SUITE] == Profile.CARD_PIN.suite.encode(),
            Step.PIN_SET: truth[state.PIN] == PIN.reveal(),
            Step.RESPONSE_CHECKED: truth[state.SEED] == inputs.SEED_32,
            Step.PIN_VERIFIED: truth[state.PIN] == PIN.reveal() and truth[state.TRIES_LEFT] == b"\x05",
            Step.SECURED: truth[state.LIFE_CYCLE] == b"\x0f",
            Step.WIPED: truth[state.SEED] == b"" and truth[state.LIFE_CYCLE] == b"\x01",
        }
        assert holds[step], f"{step}, says the driver"

    plan = Plan((BATCH,), ISSUER, seed, PIN, language="en")
    done = personalisation.personalise(host, plan, on_step=on_step)
    truth = card.remembers()
    assert truth[state.LIFE_CYCLE] == b"\x0f"
    assert truth[state.SEED] == inputs.SEED_32
    assert truth[state.PIN] == PIN.reveal()
    assert (done.serial_number, done.key_version) == (inputs.SERIAL, 0x20)
    assert done.check_value == seed.check_value()


def _wrong_pin_never_passes(host: Card) -> None:
    with host.open_session(ISSUER) as session:
        try:
            session.verify_pin(WRONG_PIN)
        except errors.WrongPin as wrong:
            assert wrong.tries_left <= 4
        else:
            raise AssertionError("a wrong PIN is right, says the driver")
        assert session.respond("123456") == ocra(inputs.SUITE_A, inputs.SEED_32, "123456")
        assert session.life_cycle() is LifeCycle.SECURED


def _restock(card: VirtualCard, host: Card) -> None:
    def on_step(step: RestockStep) -> None:
        truth = card.remembers()
        holds = {
            RestockStep.WIPED: truth[state.SEED] == truth[state.PIN] == b"",
            RestockStep.PROVEN: truth[state.LIFE_CYCLE] == b"\x01" and truth[state.QUOTA] == b"\x00\x20",
            RestockStep.KEYS_ROTATED: truth[state.KEY_VERSION] == b"\x10",
        }
        assert holds[step], f"{step}, says the driver"

    retire.restock(host, ISSUER, RESTOCK, on_step=on_step)
