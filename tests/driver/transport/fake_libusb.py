"""A backend for pyusb with devices that a test scripts: what libusb would do when the driver asks it."""

import errno
from types import SimpleNamespace

import usb.backend
from usb.core import USBError, USBTimeoutError

from dscplus_driver.usb_identity import USB_PRODUCT, USB_VENDOR
from tests.driver.transport import descriptors

IN, OUT, INTERFACE = 0x83, 0x03, 2
HID_CLASS, CDC_CLASS = 0x03, 0x0A
INTERRUPT, BULK = 0x03, 0x02


def endpoint(address, kind=INTERRUPT, size=64):
    """An endpoint's descriptor."""
    return SimpleNamespace(
        bLength=7,
        bDescriptorType=5,
        bEndpointAddress=address,
        bmAttributes=kind,
        wMaxPacketSize=size,
        bInterval=1,
        bRefresh=0,
        bSynchAddress=0,
        extra_descriptors=b"",
    )


def interface(number, kind, *endpoints):
    """An interface's descriptor and those of its endpoints."""
    descriptor = SimpleNamespace(
        bLength=9,
        bDescriptorType=4,
        bInterfaceNumber=number,
        bAlternateSetting=0,
        bNumEndpoints=len(endpoints),
        bInterfaceClass=kind,
        bInterfaceSubClass=0,
        bInterfaceProtocol=0,
        iInterface=0,
        extra_descriptors=b"",
    )
    return descriptor, endpoints


CARD_INTERFACES = (
    interface(1, CDC_CLASS, endpoint(0x82, BULK), endpoint(0x02, BULK)),
    interface(INTERFACE, HID_CLASS, endpoint(IN), endpoint(OUT)),
)


class FakeUsbDevice:
    """A device, and all that was done to it."""

    def __init__(
        self, bus=1, address=4, ids=(USB_VENDOR, USB_PRODUCT), *, interfaces=CARD_INTERFACES, driver="usbhid"
    ):
        self.bus, self.address, self.ids = bus, address, ids
        self.interfaces = interfaces
        self.driver: str | None = driver
        """Who has the HID interface: usbhid, us, another, nobody."""
        self.descriptor = descriptors.CARD
        self.refuse: dict[str, Exception] = {}
        """By the backend's method: what it raises."""
        self.incoming: list[bytes | int] = []
        """What reads give: packets, or an errno."""
        self.written: list[bytes] = []
        self.write_errors: list[int | None] = []
        self.halts_cleared: list[int] = []
        self.timeouts: list[int] = []
        self.open_handles = 0


class FakeLibusb(usb.backend.IBackend):
    """pyusb's backend over such devices."""

    def __init__(self, *devices):
        self.devices = devices

    def _refuse(self, device, method):
        if method in device.refuse:
            raise device.refuse[method]

    def enumerate_devices(self):
        return iter(self.devices)

    def get_parent(self, dev):
        return None

    def get_device_descriptor(self, dev):
        return SimpleNamespace(
            bLength=18,
            bDescriptorType=1,
            bcdUSB=0x200,
            bDeviceClass=0xEF,
            bDeviceSubClass=2,
            bDeviceProtocol=1,
            bMaxPacketSize0=64,
            idVendor=dev.ids[0],
            idProduct=dev.ids[1],
            bcdDevice=0x100,
            iManufacturer=0,
            iProduct=0,
            iSerialNumber=0,
            bNumConfigurations=1,
            address=dev.address,
            bus=dev.bus,
            port_number=1,
            port_numbers=(1,),
            speed=2,
        )

    def get_configuration_descriptor(self, dev, config):
        if config:
            raise IndexError(config)
        return SimpleNamespace(
            bLength=9,
            bDescriptorType=2,
            wTotalLength=100,
            bNumInterfaces=len(dev.interfaces),
            bConfigurationValue=1,
            iConfiguration=0,
            bmAttributes=0x80,
            bMaxPower=50,
            extra_descriptors=b"",
        )

    def get_interface_descriptor(self, dev, intf, alt, config):
        if alt or intf >= len(dev.interfaces):
            raise IndexError(intf)
        return dev.interfaces[intf][0]

    def get_endpoint_descriptor(self, dev, ep, intf, alt, config):
        return dev.interfaces[intf][1][ep]

    def open_device(self, dev):
        self._refuse(dev, "open_device")
        dev.open_handles += 1
        return dev

    def close_device(self, dev_handle):
        dev_handle.open_handles -= 1

    def get_configuration(self, dev_handle):
        return 1

    def claim_interface(self, dev_handle, intf):
        self._refuse(dev_handle, "claim_interface")
        if dev_handle.driver is not None:
            raise USBError("Resource busy", -6, errno.EBUSY)
        dev_handle.driver = "us"

    def release_interface(self, dev_handle, intf):
        self._refuse(dev_handle, "release_interface")
        dev_handle.driver = None

    def is_kernel_driver_active(self, dev_handle, intf):
        self._refuse(dev_handle, "is_kernel_driver_active")
        return dev_handle.driver == "usbhid"

    def detach_kernel_driver(self, dev_handle, intf):
        self._refuse(dev_handle, "detach_kernel_driver")
        dev_handle.driver = None

    def attach_kernel_driver(self, dev_handle, intf):
        self._refuse(dev_handle, "attach_kernel_driver")
        if dev_handle.driver is not None:
            raise USBError("Resource busy", -6, errno.EBUSY)
        dev_handle.driver = "usbhid"

    def ctrl_transfer(self, dev_handle, bmRequestType, bRequest, wValue, wIndex, data, timeout):  # noqa: N803
        self._refuse(dev_handle, "ctrl_transfer")
        assert (bmRequestType, bRequest, wValue, wIndex) == (0x81, 0x06, 0x2200, INTERFACE)
        assert timeout > 0 and dev_handle.driver == "us"
        data[: len(dev_handle.descriptor)] = type(data)("B", dev_handle.descriptor)
        return len(dev_handle.descriptor)

    def intr_write(self, dev_handle, ep, intf, data, timeout):
        assert ep == OUT and timeout > 0 and dev_handle.driver == "us"
        code = dev_handle.write_errors.pop(0) if dev_handle.write_errors else None
        if code:
            raise _failure(code)
        dev_handle.written.append(bytes(data))
        return len(data)

    def intr_read(self, dev_handle, ep, intf, buff, timeout):
        # libusb takes 0 for no limit at all.
        assert ep == IN and timeout > 0 and dev_handle.driver == "us"
        dev_handle.timeouts.append(timeout)
        found = dev_handle.incoming.pop(0) if dev_handle.incoming else errno.ETIMEDOUT
        if isinstance(found, int):
            raise _failure(found)
        assert len(found) <= len(buff)
        buff[: len(found)] = type(buff)("B", found)
        return len(found)

    def clear_halt(self, dev_handle, ep):
        self._refuse(dev_handle, "clear_halt")
        dev_handle.halts_cleared.append(ep)


def _failure(code):
    return (
        USBTimeoutError("Operation timed out", -7, code)
        if code == errno.ETIMEDOUT
        else USBError("x", -1, code)
    )
