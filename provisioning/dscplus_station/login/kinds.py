"""R23: how each type of device asks, and how its answer is judged; the rest of a login is one for all."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from dscplus_driver import ocra
from dscplus_driver.sensitive import PinHash, Seed
from dscplus_station.codes.rules import (
    CodeTable,
    code_answer_fault,
    new_question,
    passcode_fault,
    passcode_fits,
)
from dscplus_station.devices.held import Held
from dscplus_station.devices.rules import CODE_CARDS, DeviceType
from dscplus_station.keystore.interface import Keystore, codes_of, pin_hash_of, seed_of
from dscplus_station.login.rules import well_formed


class Asks(StrEnum):
    """What the login screen asks a user for."""

    RESPONSE = "response"
    """The response that the card shows for six digits."""
    VALUES = "values"
    """The values at two indexes, three digits each."""
    PASSCODE = "passcode"
    """The passcode itself: there is nothing to ask first."""


@dataclass(frozen=True)
class Kind:
    """How one type of device is asked and judged.

    Args:
        new_question: draws six digits; None if nothing is asked first.
        fault: what is wrong with the form of a question and its answer, or None; it repeats neither.
        fits: whether the answer is the right one, compared in constant time.
    """

    asks: Asks
    new_question: Callable[[], str] | None
    fault: Callable[[str, str], str | None]
    fits: Callable[[Keystore, Held, str, str], bool]


def kind_of(device: Held) -> Kind | None:
    """How a device is asked and judged; None if its answers cannot be verified here."""
    if device.type is DeviceType.DSC_PLUS:
        return _CARD
    if device.sealed_codes is None:
        return None
    if device.type in CODE_CARDS:
        return _CODE_CARD
    return _PASSCODE


def _response_fits(keystore: Keystore, device: Held, question: str, response: str) -> bool:
    """Compute and compare; the secrets live no longer than this call."""
    assert device.run_id and device.suite and device.sealed_seed  # noqa: S101 (a live DSC+ has them: by CHECKs)
    place = (device.serial_number, device.run_id)
    seed = Seed(keystore.unseal(seed_of(*place), device.sealed_seed))
    pin_hash = None
    if device.sealed_pin_hash is not None:
        pin_hash = PinHash(keystore.unseal(pin_hash_of(*place), device.sealed_pin_hash))
    return ocra.verify(device.suite, seed, question, response, pin=pin_hash).matched


def _values_fit(keystore: Keystore, device: Held, question: str, answer: str) -> bool:
    return CodeTable(_codes(keystore, device).decode("ascii")).fits(question, answer)


def _passcode_fits(keystore: Keystore, device: Held, _question: str, answer: str) -> bool:
    return passcode_fits(_codes(keystore, device), answer)


def _codes(keystore: Keystore, device: Held) -> bytes:
    assert device.sealed_codes  # noqa: S101 (`kind_of` looked)
    return keystore.unseal(codes_of(device.serial_number), device.sealed_codes)


_CARD = Kind(Asks.RESPONSE, lambda: ocra.new_question(), well_formed, _response_fits)
_CODE_CARD = Kind(Asks.VALUES, new_question, code_answer_fault, _values_fit)
_PASSCODE = Kind(Asks.PASSCODE, None, passcode_fault, _passcode_fits)
