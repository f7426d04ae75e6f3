"""Who works in the sample data: operators as a security officer adds them, and the portal."""

import json
from dataclasses import dataclass
from pathlib import Path

from dscplus_station.actor import ALL_ROLES, Actor, Role
from dscplus_station.home import Home, write_private
from dscplus_station.operators import service as operators
from dscplus_station.operators.rules import Position, roles_of
from dscplus_station.station import Station
from dscplus_station.system_user import system_user

PIN = "271828"
PASSWORD = "two spare cradles"  # noqa: S105 (a demo home's, and told to whoever starts it)
"""A PIN goes with the badge: every sample operator has this one. A password goes with the name."""

VISITOR = "sample.visitor"
SECOND_PERSON = "sample.sofia"
"""As whom a visitor of the demo signs in and acts on the command line; who confirms what takes two people.
Both have the password."""

POSITIONS: dict[str, tuple[Position, ...]] = {
    "sample.otto": (Position.SECURITY_OFFICER,),
    "sample.wanda": (Position.WAREHOUSE,),
    "sample.rolf": (Position.RETURNS,),
    "sample.clara": (Position.CLIENT_SERVICES,),
    "sample.conrad": (Position.COMPLIANCE,),
    SECOND_PERSON: (Position.SUPERVISOR,),
    "sample.audrey": (Position.AUDITOR,),
    VISITOR: (Position.WAREHOUSE, Position.RETURNS, Position.CLIENT_SERVICES, Position.SUPERVISOR),
}


@dataclass(frozen=True)
class Staff:
    """The people behind the records, and the portal, which acts for clients."""

    warehouse: Actor
    returns: Actor
    clients: Actor
    compliance: Actor
    supervisor: Actor
    security: Actor
    portal: Actor


def staff_of(station: str) -> Staff:
    """The staff of a station, each with the roles of the own position."""

    def actor(operator: str) -> Actor:
        return Actor(operator, roles_of(POSITIONS[operator]), station)

    return Staff(
        warehouse=actor("sample.wanda"),
        returns=actor("sample.rolf"),
        clients=actor("sample.clara"),
        compliance=actor("sample.conrad"),
        supervisor=actor(SECOND_PERSON),
        security=actor("sample.otto"),
        portal=Actor("portal", frozenset({Role.ORDERS, Role.CLIENT_SERVICES}), station),
    )


def hire(station: Station) -> None:
    """Add the operators, with badges; what opens them goes into `sample-badges.json` of the demo home."""
    founder = Actor("init", ALL_ROLES, station.settings.station)
    badges = {}
    for name, positions in POSITIONS.items():
        carried = system_user() if name == VISITOR else None
        operators.add(station, founder, name, positions, system_user=carried, secret=PIN)
        badges[name] = operators.new_badge(station, founder, name)
    for name in (VISITOR, SECOND_PERSON):
        operators.set_secret(station, founder, name, PASSWORD)
    write_private(_badges_file(station.home), json.dumps(badges, indent=1).encode())


def badge_of(home: Home, operator: str) -> str:
    """The code on a sample operator's badge."""
    code: str = json.loads(_badges_file(home).read_bytes())[operator]
    return code


def _badges_file(home: Home) -> Path:
    return home.path / "sample-badges.json"
