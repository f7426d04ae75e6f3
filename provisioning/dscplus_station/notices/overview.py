"""The outbox as people look at it, read-only."""

from collections.abc import Sequence

from sqlalchemy import func, select

from dscplus_station.home import Settings
from dscplus_station.notices.rules import Channel, DeliveryState
from dscplus_station.notices.tables import Delivery
from dscplus_station.station import Station


def waiting_without(station: Station, channels: Sequence[Channel]) -> dict[Channel, int]:
    """How many deliveries wait on channels that have no gateway."""
    query = (
        select(Delivery.channel, func.count())
        .where(Delivery.state == DeliveryState.WAITING, Delivery.channel.in_(channels))
        .group_by(Delivery.channel)
    )
    with station.database.reading() as session:
        return {row[0]: row[1] for row in session.execute(query)}


def without_gateway(station: Station) -> dict[Channel, int]:
    """How many deliveries wait on each channel that this station has not set up."""
    have = set_up(station.settings)
    return waiting_without(station, [one for one in Channel if one not in have])


def set_up(settings: Settings) -> set[Channel]:
    """The channels that `[notices]` names; all in a demo home where it names none."""
    if settings.demo and not settings.notices:
        return set(Channel)
    return {one for one in Channel if one.lower() in settings.notices}
