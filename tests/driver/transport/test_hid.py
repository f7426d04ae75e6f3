"""HID nodes by hidapi: reports and their lengths, waits, failures on the way and at opening."""

import contextlib
import errno
import grp
import os
import pwd
import sys
import threading
from pathlib import Path
from types import ModuleType

import pytest

from dscplus_driver import errors
from dscplus_driver.transport import url as port_url
from dscplus_driver.transport.exclusive import hold
from dscplus_driver.transport.hid import HidTransport
from tests.driver.transport import descriptors
from tests.driver.transport.fake_hidapi import FakeHidapi

REPORT = bytes(range(64))


@pytest.fixture
def hidapi(monkeypatch):
    """A fake hidapi in the place of the module."""
    api = FakeHidapi()
    monkeypatch.setitem(sys.modules, "hidraw", api)
    return api


@pytest.fixture
def node(tmp_path):
    """A file that stands for /dev/hidrawN; there is no USB device behind it."""
    path = tmp_path / "hidraw0"
    path.touch(0o644)
    return str(path)


@pytest.fixture
def transport(hidapi, node):
    """An open transport."""
    with contextlib.closing(HidTransport(node)) as transport:
        yield transport


def test_the_url_opens_the_node(hidapi, node):
    with contextlib.closing(port_url.open_transport(f"hid:{node}")) as transport:
        assert transport.url == f"hid:{node}"
    assert hidapi.opened == [os.fsencode(node)]
    assert hidapi.closed == 1


def test_each_report_is_written_with_report_id_00_before_it(hidapi, transport):
    transport.write(REPORT + REPORT[::-1])
    assert hidapi.written == [b"\x00" + REPORT, b"\x00" + REPORT[::-1]]


@pytest.mark.parametrize("length", [0, 1, 63, 65, 127])
def test_what_is_no_whole_reports_is_not_sent(hidapi, transport, length):
    with pytest.raises(ValueError, match="no reports"):
        transport.write(bytes(length))
    assert hidapi.written == []


def test_a_read_gives_one_report(hidapi, transport):
    hidapi.incoming.put(REPORT)
    hidapi.incoming.put(REPORT[::-1])
    assert transport.read(1.0) == REPORT
    assert transport.read(0.0) == REPORT[::-1]
    assert transport.read(0.0) == b""
    assert transport.read(-1.0) == b""


@pytest.mark.parametrize("length", [0, 1, 63, 65])
def test_a_report_of_another_length_is_none_and_the_wait_goes_on(hidapi, transport, length):
    hidapi.incoming.put(bytes(length))
    hidapi.incoming.put(REPORT)
    assert transport.read(5.0) == REPORT


@pytest.mark.parametrize("length", [0, 1, 65])
def test_reports_of_other_lengths_without_end_do_not_prolong_the_wait(hidapi, transport, monkeypatch, length):
    now = iter(range(100))
    monkeypatch.setattr("dscplus_driver.transport.reports.time.monotonic", lambda: float(next(now)))
    for _ in range(90):
        hidapi.incoming.put(bytes(length))
    assert transport.read(10.0) == b""
    assert hidapi.incoming.qsize() > 80


def test_a_signal_during_a_read_is_no_removal(hidapi, transport):
    hidapi.incoming.put(errno.EINTR)
    hidapi.incoming.put(REPORT)
    assert transport.read(5.0) == REPORT


@pytest.mark.parametrize("code", [errno.EIO, errno.ENODEV, errno.EPROTO])
def test_a_failed_read_is_a_removed_card(hidapi, transport, code):
    hidapi.incoming.put(code)
    with pytest.raises(errors.CardRemoved, match="was removed"):
        transport.read(1.0)


@pytest.mark.parametrize(
    ("result", "kind"),
    [
        (OSError(errno.ETIMEDOUT, ""), errors.CardTimeout),
        (OSError(errno.EPIPE, ""), errors.LinkError),
        (OSError(errno.ENODEV, ""), errors.CardRemoved),
        (OSError(errno.EIO, ""), errors.CardRemoved),
        (OSError(errno.ESHUTDOWN, ""), errors.CardRemoved),
        (0, errors.LinkError),
        (64, errors.LinkError),
    ],
)
def test_a_failed_write_ends_the_message(hidapi, transport, result, kind):
    hidapi.write_results = [65, result]
    with pytest.raises(errors.CardError) as caught:
        transport.write(REPORT * 3)
    assert type(caught.value) is kind
    assert len(hidapi.written) == 2
    assert str(caught.value).startswith(transport.url)


def test_a_second_opener_is_refused_and_the_node_free_after_close(hidapi, node):
    first = HidTransport(node)
    with pytest.raises(errors.CardBusy) as caught:
        HidTransport(node)
    assert caught.value.holder_pid == os.getpid()
    assert len(hidapi.opened) == 1
    first.close()
    first.close()
    assert hidapi.closed == 1
    HidTransport(node).close()


def test_the_usb_device_behind_the_node_is_what_is_held(hidapi, usb_tree):
    usb_tree.plug(1, 2, "/dev/null", "/dev/zero")
    with contextlib.closing(HidTransport("/dev/null")), pytest.raises(errors.CardBusy):
        hold(Path("/dev/zero"), "serial:")
    hold(Path("/dev/zero"), "serial:").release()


@pytest.mark.parametrize(
    "descriptor", [descriptors.KEYBOARD, descriptors.FIDO_KEY, descriptors.WITH_REPORT_ID, b""]
)
def test_a_hid_device_that_is_no_card_is_left_alone(hidapi, node, descriptor):
    hidapi.descriptor = descriptor
    with pytest.raises(errors.ProtocolError, match="no card"):
        HidTransport(node)
    assert hidapi.closed == 1 and hidapi.written == []
    hidapi.descriptor = descriptors.CARD
    HidTransport(node).close()


def test_a_card_removed_while_it_is_opened(hidapi, node):
    hidapi.descriptor = errno.EIO
    with pytest.raises(errors.CardRemoved):
        HidTransport(node)
    assert hidapi.closed == 1


def test_a_node_exchanged_while_it_is_opened(hidapi, node, monkeypatch):
    def swapped(lock):
        raise errors.CardRemoved("gone")

    monkeypatch.setattr("dscplus_driver.transport.exclusive.CardLock.check", swapped)
    with pytest.raises(errors.CardRemoved):
        HidTransport(node)
    assert hidapi.closed == 1
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "hidraw", hidapi)
    HidTransport(node).close()


def test_no_such_node(hidapi, tmp_path):
    with pytest.raises(errors.PortNotFound, match="there is no "):
        HidTransport(str(tmp_path / "hidraw9"))
    assert hidapi.opened == []


def test_a_node_that_hidapi_does_not_open_is_no_hid_device(hidapi, node):
    hidapi.refused = True
    with pytest.raises(errors.UsageError, match="is no HID device"):
        HidTransport(node)
    hidapi.refused = False
    HidTransport(node).close()


def refuse(code, monkeypatch, path):
    """Let the system refuse to open a path for writing."""
    real = os.open

    def fake(name, flags, *rest, **more):
        if str(name) == path and flags & os.O_RDWR:
            raise OSError(code, os.strerror(code))
        return real(name, flags, *rest, **more)

    monkeypatch.setattr(os, "open", fake)


def test_a_refusal_names_owner_group_mode_and_the_rule(hidapi, node, monkeypatch):
    hidapi.refused = True
    refuse(errno.EACCES, monkeypatch, node)
    with pytest.raises(errors.PermissionRefused) as caught:
        HidTransport(node)
    user, group = pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid()).gr_name
    assert f"may not open {node} ({user}:{group} -rw-r--r--)" in str(caught.value)
    assert "`dsc udev install`" in str(caught.value)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (errno.ENOENT, errors.PortNotFound),
        (errno.ENODEV, errors.CardRemoved),
        (errno.ENXIO, errors.CardRemoved),
        (errno.EBUSY, errors.CardBusy),
    ],
)
def test_why_a_node_was_not_opened(hidapi, node, monkeypatch, code, kind):
    hidapi.refused = True
    refuse(code, monkeypatch, node)
    with pytest.raises(kind):
        HidTransport(node)


def test_hidapi_missing(monkeypatch, node):
    monkeypatch.setitem(sys.modules, "hidraw", None)
    with pytest.raises(errors.LibraryMissing, match="pip install hidapi"):
        HidTransport(node)


def test_another_package_of_that_name(monkeypatch, node):
    monkeypatch.setitem(sys.modules, "hidraw", ModuleType("hidraw"))
    with pytest.raises(errors.LibraryMissing, match="not hidapi's"):
        HidTransport(node)


def test_close_while_another_thread_reads_ends_that_read(hidapi, node):
    transport = HidTransport(node)
    ended = []

    def read():
        try:
            transport.read(60.0)
        except errors.CardRemoved as error:
            # By now nothing may have been freed under the read.
            ended.append(str(error))

    reader = threading.Thread(target=read)
    reader.start()
    assert 0 < hidapi.waiting.get(timeout=10) <= 100
    transport.close()
    reader.join(10)
    assert len(ended) == 1 and f"{transport.url}: the port was closed" in ended[0]
    assert hidapi.closed == 1


def test_a_closed_port_is_a_removed_card(transport):
    transport.close()
    with pytest.raises(errors.CardRemoved, match="was closed"):
        transport.read(0.0)
    with pytest.raises(errors.CardRemoved, match="was closed"):
        transport.write(REPORT)
