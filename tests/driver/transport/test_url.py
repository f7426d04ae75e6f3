"""Port URLs: which are understood, and what the others are told."""

import contextlib
import socket
import sys

import pytest

from dscplus_driver import errors
from dscplus_driver.transport import url as port_url


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.mark.parametrize("prefix", ["serial:", ""])
def test_serial_urls_and_bare_paths(terminal, prefix):
    with contextlib.closing(port_url.open_transport(prefix + terminal[1])) as transport:
        assert transport.url == f"serial:{terminal[1]}"


def test_tcp_urls(listener):
    port = listener.getsockname()[1]
    with contextlib.closing(port_url.open_transport(f"tcp://127.0.0.1:{port}")) as transport:
        assert transport.url == f"tcp://127.0.0.1:{port}"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "serial:",
        "tcp:",
        "tcp://",
        "tcp://host",
        "tcp://host:99999",
        "tcp://:1",
        "tcp://u@h:1",
        "tcp://h:1/x",
        "tcp://" + "h" * 64 + ":1",
        "tcp://h..h:1",
        "http://h:1",
        "hid:",
        "hid://x",
        "hid:/dev/hid\0raw",
    ],
)
def test_urls_that_name_no_port(url):
    with pytest.raises(errors.PortUrlError):
        port_url.open_transport(url)


@pytest.mark.parametrize(
    "place",
    [
        "",
        "1",
        "1.",
        ".1",
        "1.2.3",
        "1.0",
        "0.1",
        "1.128",
        "1000.1",
        "1:2",
        "a.b",
        "-1.2",
        "1.+2",
        "1. 2",
        "١.٢",
        "1.2\n",
    ],
)
def test_usb_places_that_are_none(place):
    with pytest.raises(errors.PortUrlError, match=r"as lsusb shows them: usb:1\.4"):
        port_url.open_transport(f"usb:{place}")


@pytest.mark.parametrize(("url", "place"), [("usb:1.4", (1, 4)), ("usb:003.127", (3, 127))])
def test_usb_urls_are_bus_and_address_in_decimal(url, place, monkeypatch):
    monkeypatch.setattr("dscplus_driver.transport.usb.UsbTransport", lambda *args: args)
    assert port_url.open_transport(url) == place


def test_hid_urls_are_paths(monkeypatch):
    monkeypatch.setattr("dscplus_driver.transport.hid.HidTransport", lambda path: path)
    assert port_url.open_transport("hid:/dev/dsc/0000000018-hid") == "/dev/dsc/0000000018-hid"


def test_without_pyserial_the_serial_port_says_what_to_install(monkeypatch):
    monkeypatch.delitem(sys.modules, "dscplus_driver.transport.serial", raising=False)
    monkeypatch.setitem(sys.modules, "serial", None)
    with pytest.raises(errors.LibraryMissing, match="pip install pyserial"):
        port_url.open_transport("/dev/ttyACM0")


def test_the_advice_names_every_kind_of_port():
    for kind in ("serial:PATH", "hid:PATH", "usb:BUS.ADDRESS", "tcp://HOST:PORT"):
        assert kind in errors.PortUrlError.default_advice


@pytest.mark.parametrize("scheme", ["serial:", "hid:", ""])
@pytest.mark.parametrize("path", ["/dev/" + "x" * 5000, "/dev/null/hidraw0", "/dev"])
def test_paths_that_no_system_opens_are_one_clear_error(scheme, path):
    with pytest.raises(errors.DscError) as caught:
        port_url.open_transport(scheme + path)
    assert path in str(caught.value)


def test_a_loop_of_links_is_one_clear_error(tmp_path):
    (tmp_path / "card").symlink_to(tmp_path / "card")
    for scheme in ("serial:", "hid:"):
        with pytest.raises(errors.DscError):
            port_url.open_transport(f"{scheme}{tmp_path}/card")
