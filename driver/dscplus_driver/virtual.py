"""Virtual cards in given states, for the tests of those who integrate the card (`pytest_plugin`).

Everything here is sample data: the keys are published, and the seeds are made up for one test.
"""

import contextlib
import secrets
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass

from . import ocra
from .card import Card, connect
from .emulator import VirtualCardControl, running_emulator
from .model import Profile
from .personalisation import Plan, personalise
from .sensitive import KeySet, MasterKey, Pin, Seed

TEST_BATCH_MASTER = MasterKey(bytes(range(0x40, 0x50)))  # published by GlobalPlatform; dsc-emulate's default
TEST_BATCH_VERSION = 0x01
TEST_ISSUER_VERSION = 0x20
SAMPLE_PIN = "4711"
SEED_LENGTH = 32


@dataclass(frozen=True, slots=True)
class BlankCard:
    """A running virtual card; ``keys`` are the ones it holds, ``control`` its keypad, display and plug."""

    url: str
    serial_number: str
    keys: KeySet
    control: VirtualCardControl

    def connect(self) -> Card:
        """Open the card's port with the driver."""
        return connect(self.url)


@dataclass(frozen=True, slots=True)
class PersonalisedCard(BlankCard):
    """A virtual card of the card-pin profile, SECURED, with the seed that its verifier keeps."""

    pin: Pin
    seed: Seed
    profile: Profile

    def respond(self, challenge: str, pin: Pin | None = None) -> str:
        """Do what a holder does (R2): press, PIN, OK, challenge, OK; return what the display shows then.

        With the right PIN that is the response, 8 digits.
        """
        digits = (pin or self.pin).reveal().decode("ascii")
        return self.control.press(f"press {digits} ok {challenge} ok")[-1]

    def verify(self, challenge: str, response: str) -> bool:
        """Tell whether a response is right, as a login server with this card's seed does."""
        return bool(ocra.verify(self.profile.suite, self.seed, challenge, response))


@contextlib.contextmanager
def blank_card() -> Iterator[BlankCard]:
    """Run a virtual card under published test keys until the context ends."""
    # Not pytest's tmp_path: the path of a socket has at most 107 bytes.
    with (
        tempfile.TemporaryDirectory(prefix="dsc-") as directory,
        running_emulator(directory) as (card,),
        VirtualCardControl(card.control) as control,
    ):
        keys = KeySet.diversify(TEST_BATCH_MASTER, TEST_BATCH_VERSION, card.serial_number)
        yield BlankCard(card.url, card.serial_number, keys, control)


def personalised(blank: BlankCard) -> PersonalisedCard:
    """Personalise a blank virtual card with a seed and issuer keys of its own."""
    issuer_keys = KeySet.diversify(
        MasterKey(secrets.token_bytes(32)), TEST_ISSUER_VERSION, blank.serial_number
    )
    seed = Seed(secrets.token_bytes(SEED_LENGTH))
    plan = Plan((blank.keys,), issuer_keys, seed, Pin(SAMPLE_PIN))
    with blank.connect() as card:
        personalise(card, plan)
    return PersonalisedCard(
        url=blank.url,
        serial_number=blank.serial_number,
        keys=issuer_keys,
        control=blank.control,
        pin=plan.pin,
        seed=seed,
        profile=plan.profile,
    )
