"""The card's HID interface by libusb, without the kernel's HID driver: pyusb with libusb-package."""

import contextlib
import errno
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from .. import errors
from ..report_descriptor import is_card
from ..usb_identity import HID_CLASS, REPORT_LENGTH, USB_PRODUCT, USB_VENDOR
from .exclusive import hold_node, usb_node
from .opening import busy, permission_refused
from .reports import WRITE_TIMEOUT, ReportTransport, no_taker, removed, stalled

_REPORT_DESCRIPTOR_LENGTH = 4096
"""The most that is asked for; a device answers with what it has."""
_CONTROL_TIMEOUT = 2.0
"""Seconds for a control transfer: a device answers within milliseconds, or hangs."""

_T = TypeVar("_T")


class UsbTransport(ReportTransport):
    """A card's HID interface, taken from the kernel's driver until it is closed."""

    def __init__(self, bus: int, address: int) -> None:
        """Open the card at ``bus`` and ``address``, as lsusb shows them.

        Raises LibraryMissing, PortNotFound, PermissionRefused, CardBusy, CardRemoved, UsageError (another
        device), or ProtocolError (a device with a card's ids that is none).
        """
        url = f"usb:{bus}.{address}"
        device = _find(bus, address, url)
        lock = hold_node(usb_node(bus, address), url)
        try:
            pipe = _UsbPipe(device, url)
        except BaseException:
            if lock:
                lock.release()
            raise
        super().__init__(url, pipe, lock)


class _UsbPipe:
    def __init__(self, device: Any, url: str) -> None:
        self._url = url
        self._device = device
        try:
            with _translated(device, url):
                self._interface, self._in, self._out = _hid_interface(device, url)
        except BaseException:
            _dispose(device)
            raise
        try:
            with _translated(device, url):
                self._claim()
                descriptor = self._report_descriptor()
            if not is_card(descriptor):
                raise errors.ProtocolError("this is no card, though it has a card's USB ids", where=url)
        except BaseException:
            self.close()
            raise

    def write_report(self, report: bytes) -> None:
        """Send one report by an interrupt transfer."""
        taken = self._transfer(
            self._out, lambda: self._device.write(self._out, report, round(WRITE_TIMEOUT * 1000))
        )
        if taken != len(report):
            raise errors.LinkError(f"the card took {taken} bytes of a report", where=self._url)

    def read_report(self, milliseconds: int) -> bytes:
        """Return what an interrupt transfer brought. libusb takes 0 for no limit, so at least 1 ms."""
        size = max(REPORT_LENGTH, self._in.wMaxPacketSize)
        try:
            return bytes(self._transfer(self._in, lambda: self._device.read(self._in, size, milliseconds)))
        except errors.CardTimeout:
            return b""

    def close(self) -> None:
        """Give the interface back to the kernel's driver: also one that a killed program took away."""
        import usb.core
        import usb.util

        # Nothing is owed to a device that has gone. Where the driver is bound already or cannot be bound
        # (not on Linux), there is nothing to do, either.
        with contextlib.suppress(usb.core.USBError):
            usb.util.release_interface(self._device, self._interface)
        with contextlib.suppress(usb.core.USBError, NotImplementedError):
            self._device.attach_kernel_driver(self._interface)
        _dispose(self._device)

    def _claim(self) -> None:
        import usb.util

        with contextlib.suppress(NotImplementedError):  # there are such drivers on Linux alone
            if self._device.is_kernel_driver_active(self._interface):
                self._device.detach_kernel_driver(self._interface)
        usb.util.claim_interface(self._device, self._interface)

    def _report_descriptor(self) -> bytes:
        """GET_DESCRIPTOR (HID 1.11, 7.1.1) of the report descriptor."""
        standard_request_to_interface, get_descriptor, report = 0x81, 0x06, 0x22
        return bytes(
            self._device.ctrl_transfer(
                standard_request_to_interface,
                get_descriptor,
                report << 8,
                self._interface,
                _REPORT_DESCRIPTOR_LENGTH,
                round(_CONTROL_TIMEOUT * 1000),
            )
        )

    def _transfer(self, endpoint: Any, transfer: Callable[[], _T]) -> _T:
        """Move one report. A stall refuses it as a whole; it is cleared, and the transfer repeated once."""
        import usb.core

        with _translated(self._device, self._url):
            try:
                return transfer()
            except usb.core.USBError as error:
                if error.errno != errno.EPIPE:
                    raise
            self._device.clear_halt(endpoint)
            return transfer()


def _find(bus: int, address: int, url: str) -> Any:
    try:
        import libusb_package
        import usb.core

        backend = libusb_package.get_libusb1_backend()
    except ImportError as error:
        raise _library_missing(str(error), url) from None
    if backend is None:
        raise _library_missing("libusb itself cannot be loaded", url)
    device = usb.core.find(backend=backend, custom_match=lambda d: (d.bus, d.address) == (bus, address))
    if device is None:
        raise errors.PortNotFound(f"there is no USB device {address} on bus {bus}", where=url)
    if (device.idVendor, device.idProduct) != (USB_VENDOR, USB_PRODUCT):
        # Before anything is done to it: it may be the keyboard.
        ids = f"{device.idVendor:04x}:{device.idProduct:04x}"
        raise errors.UsageError(f"this USB device ({ids}) is no card", where=url)
    return device


def _library_missing(reason: str, url: str) -> errors.LibraryMissing:
    return errors.LibraryMissing(
        f"libusb cannot be used ({reason})", where=url, advice="Install it: pip install pyusb libusb-package."
    )


def _hid_interface(device: Any, url: str) -> tuple[int, Any, Any]:
    """Return number, interrupt IN and interrupt OUT endpoint of the first HID interface that has both."""
    import usb.util

    for interface in device.get_active_configuration():
        if interface.bInterfaceClass != HID_CLASS:
            continue
        found = {
            usb.util.endpoint_direction(endpoint.bEndpointAddress): endpoint
            for endpoint in interface
            if usb.util.endpoint_type(endpoint.bmAttributes) == usb.util.ENDPOINT_TYPE_INTR
        }
        if len(found) == 2:
            return interface.bInterfaceNumber, found[usb.util.ENDPOINT_IN], found[usb.util.ENDPOINT_OUT]
    raise errors.ProtocolError(
        "this is no card, though it has a card's USB ids: no HID interface with endpoints both ways",
        where=url,
    )


def _dispose(device: Any) -> None:
    import usb.util

    usb.util.dispose_resources(device)


@contextlib.contextmanager
def _translated(device: Any, url: str) -> Iterator[None]:
    """Turn libusb's errors into ours."""
    import usb.core

    try:
        yield
    except usb.core.USBError as error:
        node = usb_node(device.bus, device.address)
        match error.errno:
            case errno.EACCES:
                raise permission_refused(node, url) from None
            case errno.EBUSY:
                # By a program that asks for no lock: the lock is ours.
                raise busy(None, url) from None
            case errno.ETIMEDOUT:
                raise no_taker(url) from None
            case errno.EPIPE:
                raise stalled(url) from None
            case errno.ENODEV | errno.ENOENT | errno.EIO:
                raise removed(url) from None
            case _:
                raise errors.LinkError(f"libusb failed ({error.strerror})", where=url) from None
