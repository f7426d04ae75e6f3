"""Where the story plays: a fresh demo home, a clock that is moved, virtual cards, an inbox for notices."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from dscplus_driver.emulator import VirtualCardControl
from dscplus_station.activation.daily import run_timers
from dscplus_station.actor import ALL_ROLES, Actor, Role
from dscplus_station.demo.scenario import fresh_home
from dscplus_station.demo.virtual_cards import VirtualCard, virtual_cards
from dscplus_station.errors import StationError
from dscplus_station.home import Home
from dscplus_station.keystore.file import FileKeystore
from dscplus_station.notices.gateways import Message
from dscplus_station.notices.rules import Channel
from dscplus_station.notices.sending import send_due
from dscplus_station.opening import open_station
from dscplus_station.station import Station

FIRST_DAY = date(2027, 3, 1)
"""A Monday; two weeks later the clocks of New York go forward."""
MORNING = time(7)
"""When the job runner's turn is, in the issuer's zone."""
CARDS = 2


class StoryBroken(StationError):
    """A step of the story did not happen as it must: the records say otherwise."""


@dataclass(frozen=True)
class Fact:
    """Something that the records must say now: in words, what they say, what they must say."""

    told: str
    found: object
    expected: object


@dataclass(frozen=True)
class Happening:
    """One thing that happened, at a simulated moment, and the facts that the records told after it."""

    at: datetime
    who: str
    what: str
    facts: list[str]


@dataclass
class Inbox:
    """What reached people: a gateway on every channel, of messages with the simulated moment."""

    clock: Callable[[], datetime]
    messages: list[tuple[datetime, Channel, Message]] = field(default_factory=list)

    def gateways(self) -> Mapping[Channel, "_Letterbox"]:
        """One for each channel."""
        return {channel: _Letterbox(self, channel) for channel in Channel}


@dataclass(frozen=True)
class _Letterbox:
    inbox: Inbox
    channel: Channel

    def send(self, message: Message) -> None:
        self.inbox.messages.append((self.inbox.clock(), self.channel, message))


class MovedClock:
    """A clock that stands until it is moved, and never goes back."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def __call__(self) -> datetime:
        return self._now

    def forward(self, moment: datetime) -> None:
        """Go to a later moment."""
        if moment < self._now:
            raise ValueError("a clock is never moved back")
        self._now = moment


class Stage:
    """What the acts play with. `tell` gets each happening once its facts were found true."""

    def __init__(
        self,
        station: Station,
        keystore: FileKeystore,
        clock: MovedClock,
        cards: list[VirtualCard],
        tell: Callable[[Happening], None],
    ) -> None:
        self.station = station
        self.keystore = keystore
        self.cards = cards
        self.inbox = Inbox(clock)
        self._clock = clock
        self._tell = tell
        name = station.settings.station
        self.portal = Actor("portal", frozenset({Role.CLIENT_SERVICES, Role.ORDERS}), name)
        self.phone = Actor("sample.agent", frozenset({Role.CLIENT_SERVICES}), name)
        self.jobs = Actor("jobs", ALL_ROLES, name)
        warehouse = {Role.STOCK, Role.PROVISIONING, Role.SHIPPING, Role.RETURNS}
        self.warehouse = Actor("sample.packer", frozenset(warehouse), name)
        self.supervisor = Actor("sample.supervisor", frozenset({Role.SUPERVISOR}), name)
        self.custodian = Actor("sample.custodian", frozenset({Role.KEY_CUSTODIAN, Role.STOCK}), name)

    def happens(self, who: str, what: str, *facts: Fact) -> None:
        """Something has been done: check what the records say of it, and tell it.

        Raises:
            StoryBroken: a fact is not as it must be.
        """
        for fact in facts:
            if fact.found != fact.expected:
                step = f"{self._clock():%Y-%m-%d}: {who} {what}"
                raise StoryBroken(f"{step}: {fact.told}: found {fact.found}, not {fact.expected}")
        self._tell(Happening(self.station.now(), who, what, [fact.told for fact in facts]))

    def later(self, **span: float) -> None:
        """Let time pass: keyword arguments of `timedelta`."""
        self._clock.forward(self.station.now() + timedelta(**span))

    def days_pass(self, until: date) -> None:
        """Go to the morning of a later day; each morning on the way the timers run and notices are sent."""
        while self.station.today() < until:
            following = self.station.today() + timedelta(days=1)
            zone = self.station.settings.zone
            self._clock.forward(datetime.combine(following, MORNING, zone).astimezone(UTC))
            run_timers(self.station, self.jobs)
            self.post()

    def post(self) -> None:
        """Hand over every notice that is due."""
        send_due(self.station, self.jobs, self.inbox.gateways())

    def press(self, card: VirtualCard, keys: str) -> str:
        """Press keys of a card in the client's hands; gives what its display shows then, without blanks."""
        with VirtualCardControl(card.control) as control:
            return control.press(keys)[-1].strip()

    def arrived(self, day: date) -> list[tuple[Channel, str]]:
        """Channel and subject of each notice that reached somebody on a day."""
        zone = self.station.settings.zone
        return [
            (channel, message.subject)
            for at, channel, message in self.inbox.messages
            if at.astimezone(zone).date() == day
        ]

    def references(self) -> list[str]:
        """The reference of each message that reached somebody."""
        return [message.reference for _, _, message in self.inbox.messages]


@contextmanager
def set_up(home: Home, tell: Callable[[Happening], None]) -> Iterator[Stage]:
    """A stage in a fresh demo home, while the block runs.

    Raises:
        StationError: the home is something else than a demo home; virtual cards did not start.
    """
    keystore = fresh_home(home)
    zone = home.settings().zone
    clock = MovedClock(datetime.combine(FIRST_DAY, time(10), zone).astimezone(UTC))
    station = open_station(home, clock)
    try:
        with virtual_cards(home.path / "cards", CARDS) as cards:
            yield Stage(station, keystore, clock, cards, tell)
    finally:
        station.database.close()
