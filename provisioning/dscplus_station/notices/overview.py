"""The outbox as people look at it, read-only."""

from collections.abc import Sequence

from sqlalchemy import func, select

from dscplus_station.errors import StationError
from dscplus_station.notices.configuration import station_gateways
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
    """How many deliveries wait on each channel that this station has not set up.

    Nothing where the settings cannot be used: the job that sends fails by them, and tells so.
    """
    try:
        gateways = station_gateways(station)
    except StationError:
        return {}
    return waiting_without(station, [one for one in Channel if one not in gateways])
