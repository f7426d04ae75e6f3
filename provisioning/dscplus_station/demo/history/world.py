"""The world of the sample data: a station, its staff, virtual cards on the shelf, and days that go by."""

from collections import deque
from collections.abc import Callable, Container
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from dscplus_driver.emulator import VirtualCardControl
from dscplus_station.activation.daily import run_timers
from dscplus_station.csvfile import Row
from dscplus_station.demo.history.clock import TickingClock
from dscplus_station.demo.history.people import Person
from dscplus_station.demo.history.staff import Staff
from dscplus_station.demo.packing import pack_and_ship
from dscplus_station.demo.virtual_cards import VirtualCard
from dscplus_station.errors import StationError
from dscplus_station.keystore.file import FileKeystore
from dscplus_station.notices.contacts import set_contact
from dscplus_station.notices.gateways.mailbox import mailboxes
from dscplus_station.notices.sending import send_due
from dscplus_station.orders.importing import import_orders
from dscplus_station.personalise.journal import OpenRun
from dscplus_station.personalise.rules import RunState
from dscplus_station.personalise.workers import Result, Workers
from dscplus_station.station import Station
from dscplus_station.users.importing import import_users

SLOTS = 4
"""Cards that are personalised side by side, as on the bench."""
MINUTES_TO_CHANGE_CARDS = 7
MINUTES_TO_THE_PARCELS = 30
MINUTES_TO_THE_NIGHT = 30
CARRIERS = ("Sample Post", "Sample Express", "Sample Courier")


@dataclass
class Job:
    """An order for the warehouse, and what comes of it today.

    Args:
        pulled_out_at: the step after whose record the card's plug is pulled; None: it is left in.
        shipped: whether the card goes into the post the same day.
        foreign: a card that is none of ours, and is to be found out; None: the next one on the shelf.
    """

    order: str
    pulled_out_at: RunState | None = None
    shipped: bool = True
    foreign: VirtualCard | None = None

    @property
    def result(self) -> Result:
        """How the card's turn is to end."""
        if self.foreign is not None:
            return Result.QUARANTINED
        return Result.COMPLETED if self.pulled_out_at is None else Result.INTERRUPTED


@dataclass
class World:
    """Everything the people of the sample data have at hand.

    Args:
        shelf: blank cards in stock, the next one first; `foreign`: cards in stock that are none of ours.
    """

    station: Station
    keystore: FileKeystore
    clock: TickingClock
    staff: Staff
    shelf: deque[VirtualCard]
    foreign: deque[VirtualCard]
    countries: Container[str]
    intake: list[Row] = field(default_factory=list)
    """Rows of today's orders file."""
    jobs: list[Job] = field(default_factory=list)
    cards: dict[str, VirtualCard] = field(default_factory=dict)
    """By order: the card that was made for it."""
    shipments: int = 0

    def enrol(self, people: list[Person]) -> None:
        """Put people on record as the portal knows them, each with an account and addresses."""
        rows = [Row(line, _user_row(person)) for line, person in enumerate(people, 2)]
        refused = import_users(
            self.station, self.staff.clients, self.keystore, rows, (), self.countries
        ).refused
        _require(not refused, f"users were refused: {refused}")
        for person in people:
            reached = {"email": person.email, "mobile": person.mobile, "language": person.language}
            set_contact(self.station, self.staff.clients, person.user, **reached)

    def take_in_orders(self) -> None:
        """Import today's orders file."""
        rows, self.intake = self.intake, []
        if not rows:
            return
        refused = import_orders(
            self.station, self.staff.warehouse, self.keystore, rows, (), self.countries
        ).refused
        _require(not refused, f"orders were refused: {refused}")

    def make_cards(self) -> None:
        """Personalise the day's cards, several side by side, and ship those that go today."""
        jobs, self.jobs = self.jobs, []
        for job in jobs:
            self.cards[job.order] = job.foreign or self.shelf.popleft()
        with ThreadPoolExecutor(SLOTS, "bench") as pool:
            for first in range(0, len(jobs), SLOTS):
                for done in [pool.submit(self._make, job) for job in jobs[first : first + SLOTS]]:
                    done.result()
                self.clock.pass_by(MINUTES_TO_CHANGE_CARDS)
        self.clock.pass_by(MINUTES_TO_THE_PARCELS)
        for job in jobs:
            if job.shipped and job.result is Result.COMPLETED:
                self.ship(job.order)

    def ship(self, order: str) -> None:
        """Print the label of an order's card, scan both back, and hand them to a carrier."""
        self.shipments += 1
        carrier = CARRIERS[self.shipments % len(CARRIERS)]
        pack_and_ship(self.station, self.staff.warehouse, order, carrier, f"SP{self.shipments:09d}XX")

    def night(self) -> None:
        """Run the jobs of the night: timers and notices."""
        self.clock.pass_by(MINUTES_TO_THE_NIGHT)
        run_timers(self.station, self.staff.clients)
        send_due(self.station, self.staff.clients, mailboxes(self.station.home))

    def press(self, order: str, keys: str) -> str:
        """Press keys of an order's card; what its display shows then."""
        with VirtualCardControl(self.cards[order].control) as control:
            return control.press(keys)[-1].strip()

    def _make(self, job: Job) -> None:
        card = self.cards[job.order]
        workers = Workers(self.station, self.keystore, self.staff.warehouse, on_step=_plug_pulled(job, card))
        (record,) = workers.serve((card.port,), job.order)
        _require(record.result is job.result, f"order {job.order}: {record.result}, {record.told}")


def _plug_pulled(job: Job, card: VirtualCard) -> Callable[[str, OpenRun, RunState], None]:
    def on_step(_port: str, _run: OpenRun, step: RunState) -> None:
        if step is job.pulled_out_at:
            with VirtualCardControl(card.control) as control:
                control.unplug()

    return on_step


def _user_row(person: Person) -> dict[str, str]:
    return {
        "user": person.user,
        "entity": f"SAMPLE-E{person.entity:03d}",
        "account": f"SAMPLE-{person.number:03d}",
        "primary": "yes",
        "birth_date": f"19{60 + person.identity % 40}-02-{1 + person.identity % 28:02d}",
        "citizenship": person.country,
        "residence": person.country,
        "document_type": "passport",
        "document_number": f"SAMPLE{person.identity:04d}",
        "ssn": "",
        "phone": person.mobile,
    }


def _require(good: bool, told: str) -> None:
    if not good:
        raise StationError(f"the sample data did not come out as planned: {told}")
