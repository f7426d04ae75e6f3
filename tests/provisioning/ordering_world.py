"""A station whose clients order for themselves: what tests of orders, losses and returns begin from."""

from sqlalchemy import select

from dscplus_station.activation.daily import run_timers
from dscplus_station.holds.tables import Hold
from dscplus_station.ordering import service
from dscplus_station.ordering.rules import Purpose
from dscplus_station.ordering.service import Address, Wish
from tests.provisioning.interim_access import give_online_card
from tests.provisioning.support import CARDS, COUNTRIES, GOOD_PIN, World, record_users, user_values

RICH = 1_000_000_01
HOME = Address("Alice Sample", "1 Sample Road, Sampleville", "US")


class OrderingWorld(World):
    """alice and bob are on record, each with an account; six cards are in stock."""

    def __init__(self, folder):
        super().__init__(folder)
        self.stock(6)
        record_users(
            self,
            user_values("alice", account="U-1", primary="yes", phone="+12025554711"),
            user_values("alice.trust", account="U-2", primary="yes"),
            user_values("bob", entity="E-2", account="U-3", document_number="Y7"),
        )

    def draft(self, order="O-1", user="alice", purpose=Purpose.FIRST, replaces=None, equity=RICH, where=HOME):
        wish = Wish(order, user, purpose, replaces)
        return service.draft(self.station, self.actor, wish, equity, where, COUNTRIES)

    def pin(self, order="O-1", digits=GOOD_PIN):
        return service.choose_pin(self.station, self.actor, self.keystore, order, digits)

    def step(self, name, order="O-1"):
        return getattr(service, name)(self.station, self.actor, order)

    def ordered(self, order="O-1", **wish):
        """An order from its draft to the confirmation."""
        self.draft(order, **wish)
        self.pin(order)
        self.step("review", order)
        return self.step("place", order)

    def sent(self, order="O-1", serial_number=CARDS[0], **wish):
        """An ordered card in the post."""
        self.ordered(order, **wish)
        self.secure(order, serial_number)
        return self.ship(order)

    def active(self, order="O-1", serial_number=CARDS[0], **wish):
        """An ordered card that its timer has activated."""
        self.sent(order, serial_number, **wish)
        self.at(days=21)
        assert serial_number in run_timers(self.station, self.actor).activated

    def online_card(self, user="alice"):
        """Give a user interim access."""
        give_online_card(self, user)

    def holds(self):
        """Every hold: order, card, account, state, reason."""
        with self.station.database.reading() as session:
            return [
                (h.order_id, h.serial_number, h.account, h.state.value, h.end_reason)
                for h in session.scalars(select(Hold).order_by(Hold.id))
            ]
