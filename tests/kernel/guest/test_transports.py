"""The three ways to a card on a real kernel: opening, personalising, one opener, the kernel's driver."""

import contextlib
import subprocess
import sys
import threading

import pytest

from dscplus_driver import LifeCycle, connect, errors, personalise
from dscplus_driver.transport.url import open_transport
from tests.driver.transport import descriptors
from tests.kernel.guest.personalisation import plan
from tests.kernel.guest.uhid import UhidDevice
from tests.kernel.guest.usb_cards import TIMEOUT

KINDS = ("hid", "usb", "serial")

HOLD = (
    "import sys; from dscplus_driver import connect;"
    "card = connect(sys.argv[1]); print(card.serial_number, flush=True); sys.stdin.read(); card.close()"
)


class Holder:
    """Another process that has opened a card and spoken to it."""

    def __init__(self, url, serial_number):
        command = [sys.executable, "-c", HOLD, url]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline().strip() == serial_number

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.process.communicate(timeout=TIMEOUT)
        self.process.stdout.close()

    def kill(self):
        self.process.kill()
        self.process.wait(TIMEOUT)


@pytest.fixture
def uhid():
    """A function: `uhid(descriptor)` gives a HID device with a card's ids."""
    with contextlib.ExitStack() as stack:
        yield lambda descriptor: stack.enter_context(UhidDevice("0000000018", descriptor))


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_personalisation(usb_card, kind):
    with connect(usb_card.urls[kind]) as card:
        assert card.serial_number == usb_card.serial_number
        done = personalise(card, plan(usb_card))
        assert done.serial_number == usb_card.serial_number
        assert card.life_cycle() is LifeCycle.SECURED


def test_one_way_after_the_other_and_none_is_left_closed(usb_card):
    for _ in range(2):
        for kind in KINDS:
            with connect(usb_card.urls[kind]) as card:
                assert card.serial_number == usb_card.serial_number


@pytest.mark.parametrize("held", KINDS)
def test_other_processes_hear_who_has_the_card_until_it_is_killed(usb_card, held):
    urls = usb_card.urls
    with Holder(urls[held], usb_card.serial_number) as holder:
        for wanted in KINDS:
            if (held, wanted) == ("usb", "hid"):
                # libusb has taken the interface from the kernel's driver: there is no node to open.
                with pytest.raises(errors.PortNotFound):
                    connect(urls[wanted])
                continue
            with pytest.raises(errors.CardBusy, match=f"process {holder.process.pid}") as caught:
                connect(urls[wanted])
            assert caught.value.holder_pid == holder.process.pid
        holder.kill()
    with connect(urls[held]) as card:
        assert card.serial_number == usb_card.serial_number
    # Also after libusb's client was killed, which left the interface without a driver.
    with connect(usb_card.urls["hid"]) as card:
        assert card.serial_number == usb_card.serial_number


def test_one_card_held_leaves_the_others_free(usb_cards):
    first, second = usb_cards(2)
    with connect(first.urls["hid"]), connect(second.urls["serial"]) as card:
        assert card.serial_number == second.serial_number


def test_libusb_takes_the_interface_from_the_kernel_and_gives_it_back(usb_card):
    interface = usb_card.sysfs / f"{usb_card.sysfs.name}:1.2"
    assert (interface / "driver").resolve().name == "usbhid"
    transport = open_transport(usb_card.urls["usb"])
    assert (interface / "driver").resolve().name == "usbfs"
    assert not list(interface.glob("*/hidraw/*"))
    transport.close()
    assert (interface / "driver").resolve().name == "usbhid"
    assert list(interface.glob("*/hidraw/*"))


def test_another_program_that_claimed_the_interface_is_found_out(usb_card):
    script = (
        "import sys, libusb_package, usb.core, usb.util;"
        "device = usb.core.find(backend=libusb_package.get_libusb1_backend(), idVendor=0x1209);"
        "device.detach_kernel_driver(2); usb.util.claim_interface(device, 2); print(1, flush=True);"
        "sys.stdin.read()"
    )
    url = usb_card.urls["usb"]
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout.readline() == b"1\n"
        with pytest.raises(errors.CardBusy, match="another program"):
            open_transport(url)
        other.communicate(timeout=TIMEOUT)
    open_transport(url).close()
    assert usb_card.hidraw


def test_a_user_without_permission_is_told_the_way(usb_card, user):
    script = (
        "import sys; from dscplus_driver.cli.run import run;"
        "print([run(['info', '--port', url]) for url in sys.argv[1:]])"
    )
    done = user.run(sys.executable, "-c", script, *usb_card.urls.values())
    assert done.stdout.strip() == "[4, 4, 4]", done
    told = done.stderr.strip().splitlines()
    assert len(told) == 3
    assert all("this user may not open /dev/" in line and "`dsc udev install`" in line for line in told)


@pytest.mark.parametrize("kind", KINDS)
def test_a_node_that_vanishes_between_list_and_open(usb_card, kind):
    url = usb_card.urls[kind]
    usb_card.unplug()
    with pytest.raises((errors.PortNotFound, errors.CardRemoved)):
        connect(url)


def test_a_hid_device_with_a_cards_ids_that_is_no_card(uhid):
    with pytest.raises(errors.ProtocolError, match="no card"):
        connect(f"hid:{uhid(descriptors.KEYBOARD).node}")


def test_a_hid_device_that_says_nothing_times_out(uhid):
    with connect(f"hid:{uhid(descriptors.CARD).node}") as card, pytest.raises(errors.CardTimeout):
        card.serial_number  # noqa: B018 - reading it speaks to the card


def test_reports_of_other_lengths_are_passed_over(uhid):
    device = uhid(descriptors.CARD)
    transport = open_transport(f"hid:{device.node}")
    for length in (1, 63, 65, 200):
        device.send(bytes(range(length)))
    device.send(bytes(range(64)))
    assert transport.read(TIMEOUT) == bytes(range(64))
    assert transport.read(0.0) == b""
    transport.close()


def test_a_hid_node_without_a_usb_device_has_one_opener(uhid):
    url = f"hid:{uhid(descriptors.CARD).node}"
    transport = open_transport(url)
    with pytest.raises(errors.CardBusy):
        open_transport(url)
    transport.close()
    open_transport(url).close()


@pytest.mark.parametrize("kind", KINDS)
def test_close_from_another_thread_ends_a_read(usb_card, kind):
    transport = open_transport(usb_card.urls[kind])
    begun, ended = threading.Event(), []

    def read():
        begun.set()
        try:
            transport.read(TIMEOUT)
        except errors.CardRemoved as error:
            ended.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    begun.wait(TIMEOUT)
    transport.close()
    reader.join(TIMEOUT)
    assert len(ended) == 1 and not reader.is_alive()
    with connect(usb_card.urls[kind]) as card:
        assert card.serial_number == usb_card.serial_number
