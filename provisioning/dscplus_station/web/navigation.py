"""The places that the kiosk's navigation names, each for whom it is."""

from collections.abc import Collection
from dataclasses import dataclass

from dscplus_station.actor import Actor, Role
from dscplus_station.wording import N_


@dataclass(frozen=True)
class Place:
    """An entry of the navigation; shown to who has one of the roles, once a page is served there."""

    path: str
    name: str
    roles: frozenset[Role]


_BENCH = frozenset({Role.PROVISIONING, Role.SHIPPING})
_LOOK = frozenset({Role.STOCK, Role.ORDERS, Role.CLIENT_SERVICES, Role.SUPERVISOR, Role.AUDIT})

PLACES = (
    Place("/bench", N_("Bench"), _BENCH),
    Place("/returns", N_("Returns"), frozenset({Role.RETURNS, Role.SUPERVISOR})),
    Place("/cards", N_("Cards"), _LOOK),
    Place("/orders", N_("Orders"), _LOOK),
    Place("/shipments", N_("Shipments"), _LOOK),
    Place("/day", N_("Day"), _LOOK),
    Place("/hands", N_("Your hands"), frozenset(Role)),
    Place("/training", N_("Training"), frozenset(Role)),
    Place("/documents", N_("Documents"), _BENCH | {Role.SUPERVISOR}),
)


def places_for(actor: Actor, served: Collection[str]) -> list[Place]:
    """What this operator finds in the navigation, out of the paths that are `served`."""
    return [place for place in PLACES if place.path in served and place.roles & actor.roles]
