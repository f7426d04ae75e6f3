"""One sample card and what it is to become, for tests that need some card. Nothing in here is a secret."""

from dscplus_driver import KeySet, MasterKey, Pin, Seed
from dscplus_driver.personalisation import Plan

SERIAL_NUMBER = "0000000018"
BATCH_MASTER = MasterKey(bytes(range(0x40, 0x50)))  # GlobalPlatform's published test key
ISSUER_MASTER = MasterKey(bytes(range(0x80, 0xA0)))
TRANSPORT_VERSION = 0x01
ISSUER_VERSION = 0x20
PIN = "4711"


def transport_keys(serial_number: str = SERIAL_NUMBER) -> KeySet:
    """Return the keys that the sample maker put on this card."""
    return KeySet.diversify(BATCH_MASTER, TRANSPORT_VERSION, serial_number)


def issuer_keys(serial_number: str = SERIAL_NUMBER) -> KeySet:
    """Return the keys that the sample issuer gives this card."""
    return KeySet.diversify(ISSUER_MASTER, ISSUER_VERSION, serial_number)


def plan(serial_number: str = SERIAL_NUMBER) -> Plan:
    """Return a personalisation of the card-pin profile with a seed of its own."""
    seed = Seed(b"sample seed of card " + serial_number.encode() + b"!!")
    return Plan((transport_keys(serial_number),), issuer_keys(serial_number), seed, Pin(PIN))
