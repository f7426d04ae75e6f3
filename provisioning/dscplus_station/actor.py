"""Who does it: every service takes an actor, guards its roles and records it."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from dscplus_station.errors import NotAuthorised
from dscplus_station.wording import N_, joined, words


class Role(StrEnum):
    """What an operator may do. One operator may hold several roles."""

    STOCK = "stock"
    """Receives and counts cards."""
    ORDERS = "orders"
    """Imports and cancels orders."""
    PROVISIONING = "provisioning"
    """Personalises cards."""
    SHIPPING = "shipping"
    """Hands cards to a carrier, records what came back undelivered."""
    CLIENT_SERVICES = "client-services"
    """Activates cards and checks responses for their holders, gives interim access."""
    COMPLIANCE = "compliance"
    """Decides which sharings may be that do not go by themselves."""
    RETURNS = "returns"
    """Inspects cards that came back, restocks and scraps them."""
    SUPERVISOR = "supervisor"
    """Resolves quarantines, releases locks, captures deposits as the second person."""
    KEY_CUSTODIAN = "key-custodian"
    """Imports batch keys, makes and restores backups."""
    OPERATORS = "operators"
    """Says who the operators are, and what they may do."""
    AUDIT = "audit"
    """Reads the audit trail; changes nothing."""


ALL_ROLES = frozenset(Role)


@dataclass(frozen=True)
class Actor:
    """An operator at a station, with the roles that were granted."""

    operator: str
    roles: frozenset[Role]
    station: str

    def require(self, role: Role, deed: str) -> None:
        """Refuse unless the actor holds `role`; `deed` completes "may not …" in the refusal.

        Raises:
            NotAuthorised: the role is missing.
        """
        if role not in self.roles:
            raise NotAuthorised(
                "{operator} may not {deed}: that needs the role {role}",
                operator=self.operator,
                deed=words(deed),
                role=role,
            )

    def require_one_of(self, roles: Collection[Role], deed: str) -> None:
        """Refuse unless the actor holds one of `roles`; `deed` as for `require`.

        Raises:
            NotAuthorised: all of them are missing.
        """
        if self.roles.isdisjoint(roles):
            needed = joined(sorted(roles), N_(" or "))
            raise NotAuthorised(
                "{operator} may not {deed}: that needs the role {needed}",
                operator=self.operator,
                deed=words(deed),
                needed=needed,
            )

    def require_second(self, second: "Actor", role: Role, deed: str) -> None:
        """Refuse unless `second`, who holds `role`, is another person (R46).

        Raises:
            NotAuthorised: it is the same one, or the role is missing.
        """
        second.require(role, deed)
        if second.operator == self.operator:
            raise NotAuthorised(
                "{operator} may not {deed} alone: that needs a second person",
                operator=self.operator,
                deed=words(deed),
            )
