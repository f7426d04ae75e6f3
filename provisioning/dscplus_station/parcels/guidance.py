"""What is expected of an operator, and what is to be done now, by what is at hand."""

from dscplus_station.parcels.rules import Phase, Situation
from dscplus_station.shipping.rules import labels_printed
from dscplus_station.station import Station
from dscplus_station.wording import N_, Words, words

_EXPECTED = {
    Phase.IDLE: N_("Expected: an order, or a finished card."),
    Phase.WAITING: N_("Expected: a card for order {order}, in a slot."),
    Phase.STOPPED: N_("Expected: OK or CANCEL, since two cards were plugged in for order {order}."),
    Phase.CARD_SEEN: N_("Expected: the label of order {order}, card {card}."),
    Phase.LABEL_SEEN: N_("Expected: card {card}, the number on its back."),
    Phase.PAIRED: N_("Expected: the tracking number on the parcel of order {order}."),
}
_NOW = {
    Phase.IDLE: N_("Scan an order."),
    Phase.WAITING: N_("Plug a card in for order {order}: {name}, {country}."),
    Phase.STOPPED: N_("Take both cards out. Then scan OK and plug one in; or scan CANCEL."),
    Phase.CARD_SEEN: N_("Scan its label. No label: scan REPRINT."),
    Phase.LABEL_SEEN: N_("Scan the number on the card's back."),
    Phase.PAIRED: N_("Put both into the envelope and scan its tracking number."),
}
_NOW_EXPECTING = N_("Plug card {card} in for order {order}: {name}, {country}.")
_EXPECTED_ORDER = N_("Expected: the barcode of order {order}.")
_NOW_ORDER = N_("Scan its order.")


def _facts(present: Situation) -> dict[str, object]:
    if present.parcel is not None:
        return {"order": present.parcel.order, "card": present.parcel.serial_number}
    if present.waiting is not None:
        waiting = present.waiting
        return {
            "order": waiting.order,
            "name": waiting.first_name,
            "country": waiting.country,
            "card": waiting.expected,
        }
    return {}


def expected_in(station: Station, present: Situation) -> Words:
    """What would have been in place."""
    text = _EXPECTED[present.phase]
    if present.phase is Phase.CARD_SEEN and not labels_printed(station.settings.labels):
        text = _EXPECTED_ORDER
    return words(text, **_facts(present))


def what_now_in(station: Station, present: Situation) -> Words:
    """What is to be done now."""
    text = _NOW[present.phase]
    if present.phase is Phase.CARD_SEEN and not labels_printed(station.settings.labels):
        text = _NOW_ORDER
    if present.phase is Phase.WAITING and present.waiting is not None and present.waiting.expected:
        text = _NOW_EXPECTING
    return words(text, **_facts(present))
