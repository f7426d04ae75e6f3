"""SCP03 in memory: authenticate and ten commands, by the driver and by yubikit, on the same card."""

from __future__ import annotations

import os
from collections.abc import Callable

from yubikit.core import TRANSPORT
from yubikit.core.smartcard import SmartCardConnection, SmartCardProtocol
from yubikit.core.smartcard.scp import KeyRef, Scp03KeyParams, ScpKid, StaticKeys

from dscplus_driver import put_key, store_data
from dscplus_driver.apdu import Command, Response
from dscplus_driver.model import LifeCycle, Profile
from dscplus_driver.scp03 import HOST_CHALLENGE_LENGTH, Handshake
from dscplus_driver.sensitive import KeySet, Pin, Seed
from dscplus_driver.status import SUCCESS

from .measure import Subject, interleave
from .memory_cards import AppletCard
from .records import Section, rate

TRANSPORT_VERSION = 0x01
ISSUER_VERSION = 0x20
KEY_LENGTH = 16  # yubikit derives no other session keys
PIN = Pin("4711")
VERIFY = (0x00, 0x20, 0x00, 0x81, PIN.reveal())
GET_SERIAL_NUMBER = (0x80, 0xCA, 0x00, 0x45)
COMMANDS = (VERIFY, GET_SERIAL_NUMBER) * 5
"""VERIFY carries data to the card, GET DATA brings some back."""


def measure() -> Section:
    """The whole, and then the host's side of it alone: with the seconds inside the card taken off."""
    keys = _random_keys(ISSUER_VERSION)
    card = _personalised_card(keys)
    clients: dict[str, Callable[[], None]] = {
        "driver": lambda: _by_driver(card, keys),
        "yubikit": lambda: _by_yubikit(card, keys),
    }
    seconds = interleave(
        [Subject(f"{name} + card", _whole(client)) for name, client in clients.items()]
        + [Subject(name, _host_alone(client, card)) for name, client in clients.items()]
    )
    return Section(
        f"SCP03: authenticate + {len(COMMANDS)} commands",
        (
            rate("driver, its own work", seconds["driver"], {"yubikit": seconds["yubikit"]}),
            rate("yubikit, its own work", seconds["yubikit"]),
            rate("driver + card", seconds["driver + card"], {"yubikit + card": seconds["yubikit + card"]}),
            rate("yubikit + card", seconds["yubikit + card"]),
        ),
    )


def _random_keys(version: int) -> KeySet:
    return KeySet(version, *(os.urandom(KEY_LENGTH) for _ in range(3)))


def _personalised_card(keys: KeySet) -> AppletCard:
    """A card that VERIFY finds a PIN on, under the issuer's `keys`."""
    transport_keys = _random_keys(TRANSPORT_VERSION)
    card = AppletCard(transport_keys)
    _open(card, transport_keys)(put_key.command(transport_keys, keys))
    transmit = _open(card, keys)
    transmit(Command(0x80, 0xF0, 0x80, LifeCycle.INITIALIZED))
    transmit(store_data.command(keys, Seed(os.urandom(32)), Profile.CARD_PIN, "", ""))
    transmit(Command(0x00, 0x2C, 0x02, 0x81, PIN.reveal()))
    return card


def _open(card: AppletCard, keys: KeySet) -> Callable[[Command], bytes]:
    """Opens a channel by the driver's SCP03; returns what sends a command through it."""

    def send(command: Command) -> Response:
        return Response.parse(card.exchange(bytes(command)))

    def transmit(command: Command) -> bytes:
        response = channel.unwrap(send(channel.wrap(command)))
        if response.status_word != SUCCESS:
            raise RuntimeError(f"the card answered {response.status_word:04X}, so this measures nothing")
        return response.data

    handshake = Handshake(keys, os.urandom(HOST_CHALLENGE_LENGTH))
    authenticate, channel = handshake.external_authenticate(send(handshake.initialize_update()).data)
    Handshake.confirm(send(authenticate))
    return transmit


def _by_driver(card: AppletCard, keys: KeySet) -> None:
    transmit = _open(card, keys)
    for command in COMMANDS:
        transmit(Command(*command))


class _YubikitConnection(SmartCardConnection):
    """yubikit's door to a card: whole APDUs in, data and status word out."""

    def __init__(self, card: AppletCard) -> None:
        self._card = card

    @property
    def transport(self) -> TRANSPORT:
        return TRANSPORT.USB

    def send_and_receive(self, apdu: bytes) -> tuple[bytes, int]:
        answer = self._card.exchange(apdu)
        return answer[:-2], int.from_bytes(answer[-2:], "big")

    def close(self) -> None:
        """Nothing to give back."""


def _by_yubikit(card: AppletCard, keys: KeySet) -> None:
    """`init_scp` puts yubikit's ScpProcessor in front of its formatters."""
    protocol = SmartCardProtocol(_YubikitConnection(card))
    static = StaticKeys(keys.enc.reveal(), keys.mac.reveal(), keys.dek.reveal())
    protocol.init_scp(Scp03KeyParams(KeyRef(ScpKid.SCP03, keys.version), static))
    for command in COMMANDS:
        protocol.send_apdu(*command)  # raises for any status word but 9000


def _whole(client: Callable[[], None]) -> Callable[[int], None]:
    def run(times: int) -> None:
        for _ in range(times):
            client()

    return run


def _host_alone(client: Callable[[], None], card: AppletCard) -> Callable[[int], float]:
    def run(times: int) -> float:
        card.take_busy_seconds()
        for _ in range(times):
            client()
        return card.take_busy_seconds()

    return run
