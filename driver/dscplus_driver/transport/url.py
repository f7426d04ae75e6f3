"""Port URLs: serial:PATH, hid:PATH, usb:BUS.ADDRESS, tcp://HOST:PORT, or a bare path, which is serial."""

import re
from urllib.parse import urlsplit

from .. import errors
from . import Transport

_USB_PLACE = re.compile(r"([0-9]{1,3})\.([0-9]{1,3})")


def open_transport(url: str) -> Transport:
    """Open the port that a URL names.

    Raises PortUrlError for a URL that cannot be meant, and what the transports raise.
    """
    # Each library is loaded when it is needed: a missing one hurts nobody who goes another way.
    scheme, colon, rest = url.partition(":")
    if colon and scheme == "tcp":
        from .tcp import TcpTransport

        return TcpTransport(*_host_and_port(url))
    if colon and scheme == "usb":
        from .usb import UsbTransport

        return UsbTransport(*_bus_and_address(rest, url))
    path = rest if colon and scheme in ("serial", "hid") else url
    if not path or "://" in url or "\0" in path:
        raise errors.PortUrlError("this names no port", where=url)
    if colon and scheme == "hid":
        from .hid import HidTransport

        return HidTransport(path)
    try:
        from .serial import SerialTransport
    except ImportError as error:
        raise errors.LibraryMissing(
            f"pyserial cannot be loaded ({error})", where=url, advice="Install it: pip install pyserial."
        ) from None
    return SerialTransport(path)


def _bus_and_address(place: str, url: str) -> tuple[int, int]:
    match = _USB_PLACE.fullmatch(place)
    bus, address = (int(number) for number in match.groups()) if match else (0, 0)
    if not bus or not 1 <= address <= 127:
        raise errors.PortUrlError(
            "this names no USB device",
            where=url,
            advice="Write bus and address as lsusb shows them: usb:1.4.",
        )
    return bus, address


def _host_and_port(url: str) -> tuple[str, int]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
        (host or "").encode("idna")  # a part of a name may be as long as 63 letters
    except ValueError:
        host = port = None
    if not host or not port or parts.username or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise errors.PortUrlError("this names no TCP port", where=url)
    return host, port
