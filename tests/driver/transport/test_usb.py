"""The HID interface by libusb: endpoints from the descriptors, the kernel's driver, stalls, failures."""

import contextlib
import errno
import os
import sys

import pytest
from usb.core import USBError

from dscplus_driver import errors
from dscplus_driver.transport.exclusive import hold_node, usb_node
from dscplus_driver.transport.url import open_transport
from dscplus_driver.transport.usb import UsbTransport
from tests.driver.transport import descriptors
from tests.driver.transport.fake_libusb import (
    BULK,
    HID_CLASS,
    IN,
    OUT,
    FakeLibusb,
    FakeUsbDevice,
    endpoint,
    interface,
)

REPORT = bytes(range(64))
PLACE = (1, 4)


@pytest.fixture
def bus(usb_tree, monkeypatch):
    """A function: `bus(device, …)` plugs devices in, for pyusb and in /dev."""

    def plug(*devices):
        for device in devices:
            usb_tree.plug(device.bus, device.address, ids=device.ids)
        backend = FakeLibusb(*devices)
        monkeypatch.setattr("libusb_package.get_libusb1_backend", lambda: backend)
        return devices[0]

    return plug


@pytest.fixture
def device(bus):
    """A card on the bus."""
    return bus(FakeUsbDevice())


@pytest.fixture
def transport(device):
    """An open transport to it."""
    with contextlib.closing(UsbTransport(*PLACE)) as transport:
        yield transport


def free(device):
    """Tell whether the card is as nobody had ever opened it."""
    hold_node(usb_node(device.bus, device.address), "x:").release()
    return device.driver == "usbhid" and device.open_handles == 0


def test_the_url_opens_the_card_at_that_place(bus):
    others = FakeUsbDevice(1, 3, (0x046D, 0xC31C)), FakeUsbDevice(2, 4)
    card = bus(FakeUsbDevice(), *others)
    with contextlib.closing(open_transport("usb:001.004")) as transport:
        assert transport.url == "usb:1.4"
        assert card.driver == "us" and card.open_handles == 1
        assert all(other.driver == "usbhid" and not other.open_handles for other in others)
    assert free(card)


def test_reports_go_both_ways(device, transport):
    transport.write(REPORT + REPORT[::-1])
    assert device.written == [REPORT, REPORT[::-1]]
    device.incoming = [REPORT, REPORT[::-1]]
    assert transport.read(1.0) == REPORT
    assert transport.read(0.0) == REPORT[::-1]


def test_a_read_without_a_report_ends_and_never_waits_for_ever(device, transport):
    assert transport.read(0.0) == b"" and transport.read(-1.0) == b""
    assert set(device.timeouts) == {1}


@pytest.mark.parametrize("length", [0, 1, 63])
def test_a_report_of_another_length_is_none_and_the_wait_goes_on(device, transport, length):
    device.incoming = [bytes(length), REPORT]
    assert transport.read(5.0) == REPORT


def test_timeouts_within_the_wait_are_no_end(device, transport):
    device.incoming = [errno.ETIMEDOUT, errno.ETIMEDOUT, REPORT]
    assert transport.read(5.0) == REPORT


def test_endpoints_and_interface_come_from_the_descriptors(bus):
    mouse = interface(0, HID_CLASS, endpoint(0x81))
    bulk = interface(1, HID_CLASS, endpoint(0x84, BULK), endpoint(0x04, BULK))
    card = bus(FakeUsbDevice(interfaces=(mouse, bulk, *FakeUsbDevice().interfaces)))
    with contextlib.closing(UsbTransport(*PLACE)) as transport:
        transport.write(REPORT)
    assert card.written == [REPORT]


def test_a_stall_is_cleared_and_the_report_moved_once_more(device, transport):
    device.incoming = [errno.EPIPE, REPORT]
    assert transport.read(5.0) == REPORT
    device.write_errors = [errno.EPIPE]
    transport.write(REPORT)
    assert device.written == [REPORT]
    assert device.halts_cleared == [IN, OUT]


def test_a_stall_that_stays_is_an_error(device, transport):
    device.incoming = [errno.EPIPE, errno.EPIPE, REPORT]
    with pytest.raises(errors.LinkError, match="stalled"):
        transport.read(5.0)
    device.write_errors = [errno.EPIPE, errno.EPIPE]
    with pytest.raises(errors.LinkError, match="stalled"):
        transport.write(REPORT * 2)
    assert device.written == [] and device.halts_cleared == [IN, OUT]


def test_a_stall_that_cannot_be_cleared_since_the_card_has_gone(device, transport):
    device.incoming = [errno.EPIPE]
    device.refuse["clear_halt"] = USBError("No such device", -4, errno.ENODEV)
    with pytest.raises(errors.CardRemoved):
        transport.read(5.0)


@pytest.mark.parametrize("code", [errno.ENODEV, errno.EIO, errno.ENOENT])
def test_a_card_that_has_gone(device, transport, code):
    device.incoming = [code]
    with pytest.raises(errors.CardRemoved, match="was removed"):
        transport.read(1.0)
    device.write_errors = [None, code]
    with pytest.raises(errors.CardRemoved, match="was removed"):
        transport.write(REPORT * 3)
    assert len(device.written) == 1


def test_a_card_that_takes_nothing(device, transport):
    device.write_errors = [errno.ETIMEDOUT]
    with pytest.raises(errors.CardTimeout, match="took no report for 5 s"):
        transport.write(REPORT)


def test_whatever_else_libusb_says_is_an_error_of_ours(device, transport):
    device.incoming = [errno.EOVERFLOW]
    with pytest.raises(errors.LinkError, match="libusb failed"):
        transport.read(1.0)


def test_close_gives_the_interface_back_once(device):
    transport = UsbTransport(*PLACE)
    transport.close()
    transport.close()
    assert free(device)


def test_close_gives_back_what_a_killed_program_had_taken(bus):
    card = bus(FakeUsbDevice(driver=None))
    UsbTransport(*PLACE).close()
    assert free(card)


def test_close_of_a_card_that_has_gone(device):
    transport = UsbTransport(*PLACE)
    for method in ("release_interface", "attach_kernel_driver"):
        device.refuse[method] = USBError("No such device", -4, errno.ENODEV)
    transport.close()
    assert device.open_handles == 0
    hold_node(usb_node(*PLACE), "x:").release()


@pytest.mark.parametrize(
    ("method", "failure", "kind"),
    [
        ("open_device", USBError("Access denied", -3, errno.EACCES), errors.PermissionRefused),
        ("open_device", USBError("No such device", -4, errno.ENODEV), errors.CardRemoved),
        ("detach_kernel_driver", USBError("No such device", -4, errno.ENODEV), errors.CardRemoved),
        ("claim_interface", USBError("Resource busy", -6, errno.EBUSY), errors.CardBusy),
        ("ctrl_transfer", USBError("Pipe error", -9, errno.EPIPE), errors.LinkError),
        ("ctrl_transfer", USBError("Input/Output Error", -1, errno.EIO), errors.CardRemoved),
        ("ctrl_transfer", KeyboardInterrupt(), KeyboardInterrupt),
    ],
)
def test_whatever_fails_at_opening_leaves_nothing_taken(device, method, failure, kind):
    device.refuse[method] = failure
    with pytest.raises(kind):
        UsbTransport(*PLACE)
    assert free(device)


def test_a_refusal_names_the_node_and_the_rule(device):
    device.refuse["open_device"] = USBError("Access denied", -3, errno.EACCES)
    with pytest.raises(errors.PermissionRefused, match=r"bus/usb/001/004 \(.*`dsc udev install`"):
        UsbTransport(*PLACE)


def test_an_interface_that_another_program_has_stays_with_it(bus):
    card = bus(FakeUsbDevice(driver="another"))
    with pytest.raises(errors.CardBusy, match="another program"):
        UsbTransport(*PLACE)
    assert card.driver == "another" and card.open_handles == 0


def test_a_second_opener_is_refused_before_anything_is_touched(device):
    with contextlib.closing(UsbTransport(*PLACE)):
        with pytest.raises(errors.CardBusy) as caught:
            UsbTransport(*PLACE)
        assert caught.value.holder_pid == os.getpid()
        assert device.driver == "us" and device.open_handles == 1
    assert free(device)


def test_where_no_kernel_driver_can_be_detached(device):
    device.driver = None
    for method in ("is_kernel_driver_active", "detach_kernel_driver", "attach_kernel_driver"):
        device.refuse[method] = NotImplementedError()
    with contextlib.closing(UsbTransport(*PLACE)) as transport:
        transport.write(REPORT)
    assert device.written == [REPORT] and device.open_handles == 0


def test_another_device_is_left_alone(bus):
    keyboard = bus(FakeUsbDevice(ids=(0x046D, 0xC31C)))
    with pytest.raises(errors.UsageError, match=r"046d:c31c\) is no card"):
        UsbTransport(*PLACE)
    assert free(keyboard)


def test_a_device_with_a_cards_ids_that_is_none(device):
    device.descriptor = descriptors.FIDO_KEY
    with pytest.raises(errors.ProtocolError, match="no card"):
        UsbTransport(*PLACE)
    assert free(device)


def test_a_device_with_a_cards_ids_and_no_hid_interface(bus):
    card = bus(FakeUsbDevice(interfaces=FakeUsbDevice().interfaces[:1]))
    with pytest.raises(errors.ProtocolError, match="no HID interface"):
        UsbTransport(*PLACE)
    assert free(card)


def test_nothing_at_that_place(device):
    with pytest.raises(errors.PortNotFound, match="no USB device 9 on bus 1"):
        UsbTransport(1, 9)


def test_libusb_missing(monkeypatch):
    monkeypatch.setattr("libusb_package.get_libusb1_backend", lambda: None)
    with pytest.raises(errors.LibraryMissing, match="pip install pyusb libusb-package"):
        UsbTransport(*PLACE)


@pytest.mark.parametrize("module", ["libusb_package", "usb.core"])
def test_pyusb_or_its_library_missing(monkeypatch, module):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(errors.LibraryMissing, match="pip install pyusb libusb-package"):
        UsbTransport(*PLACE)
