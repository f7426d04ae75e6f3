"""Makes the sample data: sets the stage, then lets the days go by."""

import heapq
import secrets
import shutil
from collections import deque
from collections.abc import Callable, Container
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from dscplus_driver.sensitive import MasterKey
from dscplus_station.csvfile import Row
from dscplus_station.db import Database
from dscplus_station.demo.hands import cards_folder, slot_tables
from dscplus_station.demo.history.cast import FIRST_DAY, entrances
from dscplus_station.demo.history.clock import TickingClock
from dscplus_station.demo.history.staff import hire, staff_of
from dscplus_station.demo.history.world import World
from dscplus_station.demo.virtual_cards import VirtualCard, virtual_cards
from dscplus_station.errors import StationError
from dscplus_station.home import Home, Settings, write_private
from dscplus_station.keystore.file import FileKeystore
from dscplus_station.keystore.interface import VersionedMaster
from dscplus_station.station import Station
from dscplus_station.stock.batches import import_batch
from dscplus_station.stock.receiving import receive

BATCH_KEY_VERSION = 0x01
TEST_KEY = bytes(range(0x40, 0x50))
"""The test key that GlobalPlatform published, which virtual cards carry unless told otherwise."""


@dataclass(frozen=True)
class Delivery:
    """Cards that come in together. `days_ago`: when; `ours`: their maker used the batch's key."""

    batch: str
    first_number: int
    count: int
    days_ago: int
    ours: bool = True


DELIVERIES = (
    Delivery("SAMPLE-BATCH-1", 1001, 140, FIRST_DAY + 1),
    Delivery("SAMPLE-BATCH-2", 2001, 120, 40),
    Delivery("SAMPLE-BATCH-1", 2991, 2, 40, ours=False),
)
OPENS_AT = time(9, 0)
"""In the issuer's zone. Of the last day what is done is done within the hours before `end`."""
LAST_DAY_BEGINS_BEFORE = timedelta(hours=3)

DAYS = FIRST_DAY + 2
"""The day of the first delivery, those of the lives, and today."""

OnDay = Callable[[int], None]
"""Told how many days are over, of `DAYS`."""


def make_history(
    home: Home,
    keystore: FileKeystore,
    end: datetime,
    countries: Container[str],
    on_day: OnDay = lambda _days: None,
) -> None:
    """Fill a new demo home with all that happened up to `end`; its cards' images stay in `home.path/"cards"`.

    Raises:
        StationError: something did not come out as planned; the home is of no use then.
    """
    settings = home.settings()
    first = _opening(settings, end, FIRST_DAY + 1)
    clock = TickingClock(first)
    with closing(Database(home.database_url)) as database, ExitStack() as emulators:
        station = Station(home, settings, database, clock)
        hire(station)
        delivered = {delivery: emulators.enter_context(_cards_of(home, delivery)) for delivery in DELIVERIES}
        world = World(station, keystore, clock, staff_of(settings.station), deque(), deque(), countries)
        _live(world, delivered, end, on_day)
    _gather_images(home)
    with home.settings_file.open("a", encoding="utf-8") as settings_file:
        settings_file.write(slot_tables(home))


def _live(world: World, delivered: dict[Delivery, list[VirtualCard]], end: datetime, on_day: OnDay) -> None:
    """Let the days go by, each with its mornings, its work and its night."""
    for delivery in DELIVERIES:
        master = VersionedMaster(BATCH_KEY_VERSION, MasterKey(TEST_KEY))
        import_batch(world.station, world.staff.security, world.keystore, delivery.batch, master)
    coming = entrances(world)
    world.enrol([person for entrance in coming for person in entrance.persons])
    # (day, who came first, the life): lives of one day go on in the order in which they entered
    waiting = [(entrance.day, number, entrance.life) for number, entrance in enumerate(coming)]
    heapq.heapify(waiting)
    for day in range(-FIRST_DAY - 1, 1):
        world.clock.go_on(_opening(world.station.settings, end, -day))
        for delivery, cards in delivered.items():
            if delivery.days_ago == -day:
                _receive(world, delivery, cards)
        while waiting and waiting[0][0] <= day:
            _, number, life = heapq.heappop(waiting)
            world.clock.pass_by(1)
            if (days := next(life, None)) is not None:
                heapq.heappush(waiting, (day + days, number, life))
        world.take_in_orders()
        world.make_cards()
        world.night()
        on_day(day + DAYS)
    if waiting:
        raise StationError(f"{len(waiting)} lives of the sample data do not end by today")
    if world.clock() > end:
        raise StationError("the last day of the sample data is longer than its hours")


def _opening(settings: Settings, end: datetime, days_ago: int) -> datetime:
    if days_ago == 0:
        return end - LAST_DAY_BEGINS_BEFORE
    day = (end - timedelta(days=days_ago)).astimezone(settings.zone).date()
    return datetime.combine(day, OPENS_AT, settings.zone)


def _cards_of(home: Home, delivery: Delivery) -> AbstractContextManager[list[VirtualCard]]:
    folder = home.path / "made" / str(delivery.first_number)
    options = ["--serial-from", str(delivery.first_number)]
    if not delivery.ours:
        key = home.path / "made" / f"{delivery.first_number}.key"
        key.parent.mkdir(exist_ok=True)
        write_private(key, secrets.token_hex(16).encode())
        options += ["--batch-key", str(key)]
    return virtual_cards(folder, delivery.count, *options)


def _receive(world: World, delivery: Delivery, cards: list[VirtualCard]) -> None:
    rows = [
        Row(line, {"serial_number": card.serial_number, "batch": delivery.batch})
        for line, card in enumerate(cards, 2)
    ]
    receive(world.station, world.staff.warehouse, rows, ())
    (world.shelf if delivery.ours else world.foreign).extend(cards)


def _gather_images(home: Home) -> None:
    """Bring the cards' images together in one folder, from which each is put into a slot by itself."""
    cards = cards_folder(home)
    cards.mkdir(mode=0o700)
    for image in (home.path / "made").glob("*/*.flash"):
        image.rename(cards / image.name)
    shutil.rmtree(home.path / "made")
