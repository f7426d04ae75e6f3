"""Port URLs: serial:PATH, tcp://HOST:PORT, or a bare path, which is serial."""

from urllib.parse import urlsplit

from .. import errors
from . import Transport


def open_transport(url: str) -> Transport:
    """Open the port that a URL names.

    Raises PortUrlError for a URL that cannot be meant, and what the transports raise.
    """
    scheme, colon, rest = url.partition(":")
    if colon and scheme in ("hid", "usb"):
        raise errors.PortUrlError(f"{scheme}: ports are not available in this version", where=url)
    if colon and scheme == "tcp":
        from .tcp import TcpTransport

        return TcpTransport(*_host_and_port(url))
    path = rest if colon and scheme == "serial" else url
    if not path or "://" in path:
        raise errors.PortUrlError("this names no port", where=url)
    from .serial import SerialTransport

    return SerialTransport(path)


def _host_and_port(url: str) -> tuple[str, int]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or not port or parts.username or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise errors.PortUrlError("this names no TCP port", where=url)
    return host, port
