"""What every guest test has: a proof that it runs in the guest, cards on USB, and evidence when it fails."""

import time

import pytest

from tests.kernel.guest import evidence, vhci
from tests.kernel.guest.usb_cards import UsbCards
from tests.kernel.guest.users import new_user, remove_user
from tests.kernel.rig.guest_kernel import token


@pytest.fixture(autouse=True, scope="session")
def on_the_guests_kernel():
    """Fail every test on any other kernel; bridge.py has checked that it is the one it booted."""
    assert token() is not None, "a guest test must never run on the host's kernel: make test-kernel"


@pytest.fixture(autouse=True)
def no_device_is_left_behind():
    """Fail the test that leaves a device plugged in, and take it out, so that the next one starts clean."""
    yield
    left = vhci.used_ports()
    for port in left:
        vhci.detach(port)
    assert not left, f"the test left devices in the ports {left}"


@pytest.fixture
def usb_cards():
    """A function: `usb_cards(8)` gives eight virtual cards, plugged in (usb_cards.UsbCards)."""
    cards = UsbCards()
    yield cards
    cards.close()


@pytest.fixture
def usb_card(usb_cards):
    """One virtual card, blank, plugged into port 0."""
    (card,) = usb_cards()
    return card


@pytest.fixture
def user():
    """An unprivileged account in no group but its own (users.User)."""
    account = new_user("visitor")
    yield account
    remove_user(account)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item):
    item.stash[BEGAN] = time.clock_gettime(time.CLOCK_BOOTTIME)
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed:
        report.sections.append(("kernel since the test began", evidence.of_the_kernel(item.stash[BEGAN])))
        report.sections.append(("udev", evidence.of_udev()))
        cards = item.funcargs.get("usb_cards") if hasattr(item, "funcargs") else None
        for emulator in cards.emulators if cards else ():
            report.sections.append(("emulator's standard error", emulator.errors.read_text()))
    return report


BEGAN = pytest.StashKey[float]()
