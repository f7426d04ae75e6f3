"""R20, R21: withdrawal limits to the cent over both windows; what only enrolled users may do."""

import threading
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dscplus_station import log
from dscplus_station.business_days import business_days
from dscplus_station.devices.rules import DeviceType
from dscplus_station.errors import BadInput, NotFound, NotPermitted, StateConflict, StationError
from dscplus_station.limits import service
from dscplus_station.limits.rules import (
    BUSINESS_DAYS,
    FREE_DEPOSITS,
    WITHDRAWAL_LIMITS,
    Gate,
    Limits,
    cents,
    dollars,
    gate_open,
    left,
    passes,
    window_start,
)
from tests.provisioning.command_bench import Bench
from tests.provisioning.sharing_world import OWNER, REQUESTER, SharingWorld
from tests.provisioning.support import record_users, user_values

NONE, CODE_CARD, DSC = DeviceType.NONE, DeviceType.SECURITY_CODE_CARD, DeviceType.DSC_PLUS
CARD_DAY = 200_000 * 100


@pytest.fixture
def world(tmp_path):
    """The clock stands on Monday, 7 December 2026, 10:00 in New York."""
    world = SharingWorld(tmp_path)
    world.at(days=1)
    assert world.station.today() == date(2026, 12, 7)
    yield world
    world.close()


def withdraw(world, amount, user=REQUESTER, kind=CODE_CARD, reference=None):
    world.count = getattr(world, "count", 0) + 1
    return service.withdraw(
        world.station, world.actor, user, kind, amount, reference or f"W-{world.count}"
    ).left


# Rules


@pytest.mark.parametrize(
    ("kind", "per_day", "per_five"),
    [
        (DeviceType.NONE, 50_000, 100_000),
        (DeviceType.SMS, 200_000, 600_000),
        (DeviceType.PHONE_APP, 1_000_000, 1_000_000),
        (DeviceType.SECURITY_CODE_CARD, 200_000, 600_000),
        (DeviceType.DIGITAL_SECURITY_CARD, 1_000_000, 1_500_000),
        (DeviceType.DSC_PLUS, None, None),
        (DeviceType.PLATINUM_GOLD, None, None),
    ],
)
def test_r20_the_table_of_limits(kind, per_day, per_five):
    in_cents = [None if usd is None else usd * 100 for usd in (per_day, per_five)]
    assert WITHDRAWAL_LIMITS[kind] == Limits(*in_cents)


money = st.integers(0, 10**9)


@given(st.none() | money, st.none() | money, money, money)
def test_r20_what_is_left_passes_and_one_cent_more_fails(per_day, per_five, today, in_window):
    still = left(Limits(per_day, per_five), today, in_window)
    if still is None:
        assert per_day is None
        assert per_five is None
        return
    assert passes(still, still)
    assert not passes(still + 1, still)
    for limit, spent in ((per_day, today), (per_five, in_window)):
        if limit is not None:
            assert spent + still <= max(limit, spent)


@settings(deadline=None)  # the first call loads the calendars
@given(st.dates(date(2020, 1, 1), date(2030, 12, 31)), st.sampled_from(["US", "CH-ZH"]))
def test_r20_a_window_holds_five_business_days_and_begins_with_one(today, country):
    is_business_day = business_days(country)
    start = window_start(today, is_business_day)
    days = [start + timedelta(days=n) for n in range((today - start).days + 1)]
    assert sum(map(is_business_day, days)) == BUSINESS_DAYS
    assert is_business_day(start)


@pytest.mark.parametrize(
    ("today", "start"),
    [
        (date(2026, 12, 11), date(2026, 12, 7)),  # Friday: Monday to Friday
        (date(2026, 12, 12), date(2026, 12, 7)),  # Saturday counts with Friday
        (date(2026, 12, 14), date(2026, 12, 8)),  # Monday
        (date(2026, 11, 30), date(2026, 11, 23)),  # Thanksgiving on the 26th
        (date(2027, 1, 4), date(2026, 12, 28)),  # New Year's Day on a Friday
    ],
)
def test_r20_windows_by_the_us_calendar(today, start):
    assert window_start(today, business_days("US")) == start


def test_calendars():
    assert business_days("US")(date(2025, 8, 1))
    assert not business_days("CH")(date(2025, 8, 1))
    for unknown in ("XX", "CH-XX", 7):
        with pytest.raises(BadInput, match="no calendar of"):
            business_days(unknown)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("0.01", 1),
        ("50000", 5_000_000),
        ("50000.10", 5_000_010),
        ("999999999999.99", 99_999_999_999_999),
        *(
            (bad, None)
            for bad in ("", "0", "0.00", "1.5", "-1", "+1", "1,000", "1e3", "01", " 1", "١", "1.234")
        ),
    ],
)
def test_amounts_are_exact_cents(text, amount):
    assert cents(text) == amount


def test_amounts_as_people_read_them():
    assert dollars(123456789) == "1,234,567.89 USD"
    assert dollars(None) == "unlimited"


@pytest.mark.parametrize("gate", Gate)
def test_r21_gates_are_open_for_the_enrolled(gate):
    assert gate_open(gate, enrolled=True, deposited=FREE_DEPOSITS, deposit=1)
    free = gate_open(gate, enrolled=False, deposited=FREE_DEPOSITS - 1, deposit=1)
    assert free is (gate is Gate.DEPOSIT)
    assert not gate_open(gate, enrolled=False, deposited=FREE_DEPOSITS, deposit=1)


# Records


def test_r20_to_the_cent_on_one_day(world):
    assert withdraw(world, CARD_DAY - 1) == 1
    with pytest.raises(NotPermitted, match=r"0\.02 USD is more than is left .*: 0\.01 USD"):
        withdraw(world, 2)
    assert withdraw(world, 1) == 0
    world.at(hours=13, minutes=59)  # 23:59 in New York, the next day in UTC
    with pytest.raises(NotPermitted):
        withdraw(world, 1)
    world.at(minutes=1)
    assert withdraw(world, 1) == CARD_DAY - 1


def test_r20_five_business_days_to_the_cent(world):
    for _ in range(3):
        withdraw(world, CARD_DAY)
        world.at(days=1)
    assert world.station.today() == date(2026, 12, 10)
    for _ in range(4):  # Thursday to Sunday
        with pytest.raises(NotPermitted, match=r": 0\.00 USD"):
            withdraw(world, 1)
        world.at(days=1)
    assert world.station.today() == date(2026, 12, 14)  # Monday: last Monday's is no longer counted
    assert withdraw(world, CARD_DAY) == 0


def test_r20_a_holiday_of_the_issuers_is_no_business_day_of_the_window(world):
    world.at(days=14)
    for _ in range(3):
        assert world.station.today() in [date(2026, 12, day) for day in (21, 22, 23)]
        withdraw(world, CARD_DAY)
        world.at(days=1)
    world.at(days=4)
    assert world.station.today() == date(2026, 12, 28)  # Monday; Friday was Christmas: back to the 21st
    with pytest.raises(NotPermitted, match=r": 0\.00 USD"):
        withdraw(world, 1)
    world.at(days=1)
    assert withdraw(world, CARD_DAY) == 0


def test_r20_no_limit_with_a_dsc_plus_and_it_counts_for_lesser_devices(world):
    record_users(world, user_values(OWNER, account="U1"), user_values(REQUESTER, account="U1"))
    assert withdraw(world, 10**12, OWNER, DSC) is None
    with pytest.raises(NotPermitted, match="more than is left"):
        withdraw(world, 1)
    record_users(world, user_values(REQUESTER, account="U2"))
    assert withdraw(world, 1) == CARD_DAY - 1


def test_r20_only_a_device_that_is_active_authenticates(world):
    with pytest.raises(NotPermitted, match=r"has no DSC\+ that is active"):
        withdraw(world, 1, kind=DSC)
    assert withdraw(world, 1, kind=NONE) == 50_000 * 100 - 1
    world.shared()  # now alice.trust has the card, and the code card sleeps
    assert withdraw(world, 10**9, kind=DSC) is None
    with pytest.raises(NotPermitted, match="has no Security Code Card"):
        withdraw(world, 1)


def test_the_same_reference_counts_once_and_never_for_another(world):
    assert withdraw(world, 100, reference="W") == withdraw(world, 100, reference="W") == CARD_DAY - 100
    for other in (
        {"amount": 101},
        {"amount": 100, "kind": NONE},
        {"amount": 100, "user": OWNER, "kind": DSC},
    ):
        with pytest.raises(StateConflict, match="another movement's"):
            withdraw(world, reference="W", **other)
    with pytest.raises(StateConflict):
        service.deposit(world.station, world.actor, REQUESTER, 100, "W")


@pytest.mark.parametrize(("amount", "reference"), [(0, "W"), (-1, "W"), (1, " "), (1, "W" * 41)])
def test_what_is_no_movement(world, amount, reference):
    with pytest.raises(BadInput):
        withdraw(world, amount, reference=reference)
    with pytest.raises(NotFound, match="no user nobody"):
        withdraw(world, 1, user="nobody")


def test_withdrawals_side_by_side_never_exceed_the_limit(world):
    results = []

    def run(number):
        try:
            results.append(withdraw(world, CARD_DAY // 2, reference=f"P-{number}"))
        except StationError as error:
            results.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sum(isinstance(one, NotPermitted) for one in results) == 4
    assert sorted(one for one in results if isinstance(one, int)) == [0, CARD_DAY // 2]


def test_r21_the_first_20000_dollars_come_in_without_a_device(world):
    record_users(world, user_values("bare"))
    deposit = lambda amount, reference: service.deposit(  # noqa: E731
        world.station, world.actor, "bare", amount, reference
    )
    deposit(FREE_DEPOSITS - 1, "D-1")
    deposit(1, "D-2")
    deposit(1, "D-2")
    with pytest.raises(NotPermitted, match="may not deposit more than the first 20,000 USD"):
        deposit(1, "D-3")
    service.deposit(world.station, world.actor, OWNER, FREE_DEPOSITS * 5, "D-4")
    for gate in (Gate.EMAIL, Gate.BANK_INSTRUCTIONS, Gate.SHARE_DEVICE):
        with pytest.raises(NotPermitted, match="may not"):
            service.require_gate(world.station, "bare", gate)
        service.require_gate(world.station, OWNER, gate)


def test_limits_by_command(tmp_path, world):
    bench = Bench(tmp_path)
    told = {one["type"]: one for one in bench.json("limits", "list")["limits"]}
    assert told["SMS"]["per_day_cents"] == 20_000_000
    assert told["DSC+"]["per_day_cents"] is None
    assert "unlimited" in bench.run("limits", "list").output
    world.close()
    passed = bench.json("limits", "withdraw", OWNER, "0.10", "--type", "DSC+", "--reference", "W-1")
    assert (passed["amount_cents"], passed["left"]) == (10, None)
    spent = bench.json("limits", "show", OWNER)["leeway"]
    assert [(one["device_type"], one["spent_today"]) for one in spent] == [("none", 10), ("DSC+", 10)]
    bench.run("limits", "withdraw", OWNER, "1.5", "--type", "DSC+", "--reference", "W-2", code=2)
    bench.run("limits", "withdraw", REQUESTER, "50000.01", "--type", "none", "--reference", "W-3", code=4)
    assert bench.json("limits", "deposit", REQUESTER, 1, "--reference", "D-1")["amount_cents"] == 100
    assert bench.json("limits", "gate", OWNER, "email")["open"] is True
    log.close_log()
