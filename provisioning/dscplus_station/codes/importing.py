"""The tables of legacy code cards, as printed by their maker: put on record, so that logins verify them."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from dscplus_station import audit
from dscplus_station.actor import Actor, Role
from dscplus_station.codes.rules import INDEXES, CodeTable, value_fault
from dscplus_station.csvfile import Refusal, Row
from dscplus_station.devices.rules import DeviceType
from dscplus_station.devices.tables import Device
from dscplus_station.keystore.interface import Keystore, codes_of
from dscplus_station.station import Station

COLUMNS = ("serial_number", "index", "value")
"""The columns of a file of tables: a row a value, and all values of each card."""


@dataclass
class CodesResult:
    """What a file came to: cards whose tables were sealed, cards that had just these, rows refused."""

    recorded: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)


@dataclass
class _Card:
    """What a file says of one card: its first line, and its values by index."""

    line: int
    values: dict[int, str] = field(default_factory=dict, repr=False)


def import_codes(
    station: Station, actor: Actor, keystore: Keystore, rows: Iterable[Row], refused: Iterable[Refusal]
) -> CodesResult:
    """Seal the tables of legacy code cards that are on record: all cards of a file, or none.

    A file can be imported again; a table on record is never replaced. No refusal repeats a value.
    """
    actor.require(Role.CLIENT_SERVICES, "record the tables of code cards")
    result = CodesResult(refused=list(refused))
    cards: dict[str, _Card] = {}
    for row in rows:
        serial = row.values["serial_number"]
        card = cards.setdefault(serial, _Card(row.line))
        if fault := _row_fault(card, row.values["index"], row.values["value"]):
            result.refused.append(Refusal(row.line, serial[:40], fault))
        else:
            card.values[int(row.values["index"])] = row.values["value"]
    with station.database.writing() as session:
        accepted: list[tuple[Device, CodeTable]] = []
        for serial, card in cards.items():
            device = session.scalars(
                select(Device).where(Device.serial_number == serial, Device.ended_at.is_(None))
            ).one_or_none()
            fault = _card_fault(device, card)
            if fault is None and device is not None:
                table = CodeTable("".join(card.values[index] for index in range(1, INDEXES + 1)))
                if device.sealed_codes is None:
                    accepted.append((device, table))
                elif CodeTable(keystore.unseal(codes_of(serial), device.sealed_codes).decode()) == table:
                    result.unchanged.append(serial)
                else:
                    fault = "has another table on record already"
            if fault is not None:
                result.refused.append(Refusal(card.line, serial[:40], fault))
        result.refused.sort(key=lambda refusal: refusal.line)
        if not result.refused:
            _seal(session, station, actor, keystore, accepted)
            result.recorded = [device.serial_number for device, _ in accepted]
    return result


def _row_fault(card: _Card, index: str, value: str) -> str | None:
    if not (index.isascii() and index.isdigit() and len(index) <= 3 and 1 <= int(index) <= INDEXES):
        return f"an index is a number from 1 to {INDEXES}"
    if int(index) in card.values:
        return f"index {int(index)} stands here twice"
    return value_fault(value)


def _card_fault(device: Device | None, card: _Card) -> str | None:
    if device is None or device.type is not DeviceType.SECURITY_CODE_CARD:
        return f"is no {DeviceType.SECURITY_CODE_CARD} on record: `dsc-station users import-devices` first"
    if len(card.values) != INDEXES:
        return f"{len(card.values)} good values, not {INDEXES}"
    return None


def _seal(
    session: Session,
    station: Station,
    actor: Actor,
    keystore: Keystore,
    accepted: Iterable[tuple[Device, CodeTable]],
) -> None:
    for device, table in accepted:
        device.sealed_codes = keystore.seal(codes_of(device.serial_number), table.reveal())
        audit.record(session, actor, station.now(), "codes.import", device.serial_number)
