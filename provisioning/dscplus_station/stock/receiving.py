"""A delivery of blank cards comes into stock."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select

from dscplus_station import audit
from dscplus_station.actor import Actor, Role
from dscplus_station.csvfile import Refusal, Row
from dscplus_station.db import load_by_name
from dscplus_station.station import Station
from dscplus_station.stock.rules import (
    TRAINING_SERIALS,
    CardState,
    batch_name_fault,
    serial_number_fault,
)
from dscplus_station.stock.tables import Batch, Card


@dataclass(frozen=True)
class Receipt:
    """What a delivery came to. With refusals nothing was taken."""

    received: list[str]
    already_here: list[str]
    refused: list[Refusal]
    without_key: list[str]
    """Batches whose key is still to be imported before their cards can be personalised."""


def receive(station: Station, actor: Actor, rows: Iterable[Row], refused: Iterable[Refusal]) -> Receipt:
    """Take a delivery into stock as BLANK cards: all rows, or none if one is refused.

    A row that repeats a card in stock from the same batch changes nothing, so a file can be read again. A
    batch is known from its first card on, with or without its key.
    """
    actor.require(Role.STOCK, "receive cards")
    receipt = Receipt([], [], list(refused), [])
    with station.database.writing() as session:
        lines: dict[str, int] = {}
        cards: list[Card] = []
        now = station.now()
        rows = list(rows)
        in_stock = load_by_name(session, Card, {row.values["serial_number"] for row in rows})
        for row in rows:
            serial, batch = row.values["serial_number"], row.values["batch"]
            known = in_stock.get(serial)
            if fault := serial_number_fault(serial):
                receipt.refused.append(Refusal(row.line, serial, fault))
            elif serial.startswith(TRAINING_SERIALS):
                receipt.refused.append(Refusal(row.line, serial, "is a training card's: it is never stock"))
            elif fault := batch_name_fault(batch):
                receipt.refused.append(Refusal(row.line, serial, f"batch {batch!r}: {fault}"))
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
        known_batches = set(session.scalars(select(Batch.name)))
        for name in sorted({card.batch for card in cards} - known_batches):
            session.add(Batch(name=name))
            audit.record(session, actor, now, "stock.batch", name)
        session.flush()
        keyless = select(Batch.name).where(Batch.kcv.is_(None)).order_by(Batch.name)
        receipt.without_key.extend(session.scalars(keyless))
        session.add_all(cards)
        for card in cards:
            audit.record(session, actor, now, "stock.receive", card.serial_number, batch=card.batch)
    return receipt
