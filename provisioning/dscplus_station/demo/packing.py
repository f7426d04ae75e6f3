"""A parcel of the demo: labelled, card and label scanned back, handed over; nobody has to hold a scanner."""

from dscplus_station.actor import Actor
from dscplus_station.scans.rules import card_code
from dscplus_station.shipping.labels import issue_label
from dscplus_station.shipping.rules import Scanned
from dscplus_station.shipping.service import Shipped, ship
from dscplus_station.station import Station


def pack_and_ship(station: Station, actor: Actor, order: str, carrier: str, tracking: str) -> Shipped:
    """Pack and ship the ready card of an order."""
    label = issue_label(station, actor, order)
    scanned = Scanned(card_code(label.serial_number), label.barcode)
    return ship(station, actor, order, carrier, tracking, scanned)
