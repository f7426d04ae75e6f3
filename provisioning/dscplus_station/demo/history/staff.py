"""Who works in the sample data. Each holds what the own work needs, and no more."""

from dataclasses import dataclass

from dscplus_station.actor import Actor, Role


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
    """The staff of a station."""

    def actor(operator: str, *roles: Role) -> Actor:
        return Actor(operator, frozenset(roles), station)

    return Staff(
        warehouse=actor("sample.wanda", Role.STOCK, Role.ORDERS, Role.PROVISIONING, Role.SHIPPING),
        returns=actor("sample.rolf", Role.SHIPPING, Role.PROVISIONING),
        clients=actor("sample.clara", Role.CLIENT_SERVICES),
        compliance=actor("sample.conrad", Role.COMPLIANCE),
        supervisor=actor("sample.sofia", Role.SUPERVISOR, Role.PROVISIONING, Role.SHIPPING),
        security=actor("sample.otto", Role.KEY_CUSTODIAN),
        portal=actor("portal", Role.ORDERS, Role.CLIENT_SERVICES),
    )
