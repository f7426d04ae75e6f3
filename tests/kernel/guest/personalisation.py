"""What a card on the guest's USB is to become. Nothing in here is a secret."""

from dscplus_driver import KeySet, Pin, Seed
from dscplus_driver.personalisation import Plan
from tests.harness.sample import ISSUER_MASTER, ISSUER_VERSION, PIN
from tests.kernel.guest.usb_cards import UsbCard


def issuer_keys(card: UsbCard) -> KeySet:
    """Return the keys that the sample issuer gives this card."""
    return KeySet.diversify(ISSUER_MASTER, ISSUER_VERSION, card.serial_number)


def plan(card: UsbCard, *more_keys: KeySet) -> Plan:
    """Return a personalisation with a seed of the card's own; the card may hold `more_keys` by now."""
    seed = Seed(b"sample seed of card " + card.serial_number.encode() + b"!!")
    return Plan((card.keys, *more_keys), issuer_keys(card), seed, Pin(PIN))
