"""A station where a person has two user names, one with an active card: what tests of sharing begin from."""

from sqlalchemy import select

from dscplus_station.activation.daily import run_timers
from dscplus_station.csvfile import Row
from dscplus_station.devices.legacy import import_legacy_devices
from dscplus_station.devices.tables import Assignment, Device
from dscplus_station.login.rules import Purpose
from dscplus_station.login.service import check_login, issue_challenge
from dscplus_station.sharing import service
from tests.provisioning.interim_access import give_passcode
from tests.provisioning.support import CARDS, World, other_response, record_users, user_values

OWNER, REQUESTER = "alice", "alice.trust"


class SharingWorld(World):
    """alice has an active card; alice.trust, the same entity, an old code card SCC-1."""

    def __init__(self, folder):
        super().__init__(folder)
        self.stock(3)
        self.shipped(user=OWNER)
        self.at(days=14)
        run_timers(self.station, self.actor)
        record_users(self, user_values(OWNER), user_values(REQUESTER))
        assert self.hold("SCC-1", "Security Code Card", REQUESTER).recorded

    def hold(self, serial_number, kind, user):
        row = Row(2, {"serial_number": serial_number, "type": kind, "user": user})
        return import_legacy_devices(self.station, self.actor, [row], [])

    def own_card(self, user, serial_number=CARDS[1]):
        """Give a user an active card of the own."""
        self.shipped(f"O-{serial_number}", serial_number, user=user)
        self.at(days=14)
        run_timers(self.station, self.actor)

    def proof(self, user=OWNER, serial_number=CARDS[0], purpose=Purpose.SHARING):
        question = issue_challenge(self.station, self.actor, serial_number, user, purpose).challenge
        return question, self.response(serial_number, question)

    def request(self, requester=REQUESTER, owner=OWNER, serial_number=CARDS[0], proof=None, wrong=False):
        question, response = proof or self.proof(owner, serial_number)
        response = other_response(response) if wrong else response
        return service.request(
            self.station, self.actor, self.keystore, requester, owner, serial_number, question, response
        )

    def submit(self, sharing):
        return service.submit(self.station, self.actor, self.keystore, sharing)

    def approve(self, sharing):
        return service.approve(self.station, self.actor, self.keystore, sharing, "seen")

    def shared(self, **who):
        """A sharing that was requested and submitted."""
        sharing = self.request(**who).sharing
        self.submit(sharing)
        return sharing

    def login(self, user, serial_number=CARDS[0]):
        question, response = self.proof(user, serial_number, Purpose.LOGIN)
        answer = check_login(self.station, self.actor, self.keystore, serial_number, question, response, user)
        return answer.outcome

    def passcode(self, user):
        """Give a user interim access."""
        return give_passcode(self, user)

    def states(self):
        """The state of every assignment, by user and device; the last one of each counts."""
        with self.station.database.reading() as session:
            rows = session.execute(
                select(Assignment.user_name, Device.serial_number, Assignment.state)
                .join(Device, Device.id == Assignment.device_id)
                .order_by(Assignment.id)
            )
            return {(user, serial): state.value for user, serial, state in rows}
