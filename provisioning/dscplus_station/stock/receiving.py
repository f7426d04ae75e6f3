"""A delivery of blank cards comes into stock."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select

from dscplus_station import audit
from dscplus_station.actor import Actor, Role
from dscplus_station.csvfile import Refusal, Row
from dscplus_station.station import Station
from dscplus_station.stock.rules import CardState, serial_number_fault
from dscplus_station.stock.tables import Batch, Card


@dataclass(frozen=True)
class Receipt:
    """What a delivery came to. With refusals nothing was taken."""

    received: list[str]
    already_here: list[str]
    refused: list[Refusal]


def receive(station: Station, actor: Actor, rows: Iterable[Row], refused: Iterable[Refusal]) -> Receipt:
    """Take a delivery into stock as BLANK cards: all rows, or none if one is refused.

    A row that repeats a card in stock from the same batch changes nothing, so a file can be read again.
    """
    actor.require(Role.STOCK, "receive cards")
    receipt = Receipt([], [], list(refused))
    with station.database.writing() as session:
        batches = set(session.scalars(select(Batch.name)))
        lines: dict[str, int] = {}
        cards: list[Card] = []
        now = station.now()
        for row in rows:
            serial, batch = row.values["serial_number"], row.values["batch"]
            known = session.get(Card, serial)
            if fault := serial_number_fault(serial):
                receipt.refused.append(Refusal(row.line, serial, fault))
            elif batch not in batches:
                receipt.refused.append(
                    Refusal(
                        row.line, serial, f"unknown batch {batch!r}: import its key first (keys import-batch)"
                    )
                )
            elif serial in lines:
                receipt.refused.append(Refusal(row.line, serial, f"stands in line {lines[serial]} already"))
            elif known is not None and known.batch != batch:
                receipt.refused.append(
                    Refusal(row.line, serial, f"is here already, from batch {known.batch}")
                )
            elif known is not None:
                receipt.already_here.append(serial)
            else:
                cards.append(
                    Card(
                        serial_number=serial,
                        batch=batch,
                        state=CardState.BLANK,
                        received_at=now,
                        changed_at=now,
                    )
                )
                receipt.received.append(serial)
            lines.setdefault(serial, row.line)
        if receipt.refused:
            receipt.received.clear()
            return receipt
        session.add_all(cards)
        for card in cards:
            audit.record(session, actor, now, "stock.receive", card.serial_number, batch=card.batch)
    return receipt
