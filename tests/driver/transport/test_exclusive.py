"""One opener per card across its interfaces: the lock on its USB device's node, found through sysfs."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dscplus_driver import errors
from dscplus_driver.transport import exclusive
from dscplus_driver.transport.exclusive import hold, hold_node, lock_holder, usb_device_node
from dscplus_driver.transport.serial import SerialTransport

HIDRAW = Path("/dev/null")
"""Stands for a hidraw node: a character device with a number of its own."""
OTHER = Path("/dev/zero")


@pytest.fixture
def held():
    """Locks that are released after the test."""
    with contextlib.ExitStack() as stack:

        def take(node):
            lock = hold(Path(node), f"x:{node}")
            stack.callback(lock.release)
            return lock

        yield take


def test_every_node_of_a_card_leads_to_its_usb_device(usb_tree, terminal):
    own = usb_tree.plug(3, 14, HIDRAW, terminal[1])
    assert usb_device_node(HIDRAW) == own
    assert usb_device_node(Path(terminal[1])) == own
    assert own.name == "014" and own.parent.name == "003"


def test_symlinks_to_nodes_are_followed(usb_tree, tmp_path):
    own = usb_tree.plug(1, 2, HIDRAW)
    link = tmp_path / "0000000018-hid"
    link.symlink_to(HIDRAW)
    assert usb_device_node(link) == own


def test_nodes_without_a_cards_usb_device_lead_nowhere(usb_tree, tmp_path):
    assert usb_device_node(HIDRAW) is None
    assert usb_device_node(tmp_path / "none") is None
    # A USB adapter may carry four serial ports with a card at each.
    usb_tree.plug(1, 9, OTHER, ids=(0x0403, 0x6011))
    assert usb_device_node(OTHER) is None
    # A container that was given the tty and not the USB device.
    usb_tree.plug(1, 2, HIDRAW).unlink()
    assert usb_device_node(HIDRAW) is None


def test_one_node_held_keeps_out_the_others_of_the_same_card_alone(usb_tree, terminal, held):
    usb_tree.plug(1, 2, HIDRAW, terminal[1])
    usb_tree.plug(1, 3, OTHER)
    held(HIDRAW)
    held(OTHER)
    with pytest.raises(errors.CardBusy) as caught:
        hold(Path(terminal[1]), "x:tty")
    assert caught.value.holder_pid == os.getpid()
    assert f"this program (process {os.getpid()})" in str(caught.value)


def test_released_is_free_again(usb_tree):
    usb_tree.plug(1, 2, HIDRAW)
    first = hold(HIDRAW, "x:")
    first.release()
    first.release()
    second = hold(HIDRAW, "x:")
    second.release()


def test_release_unlocks_though_a_child_process_has_a_copy(usb_tree):
    usb_tree.plug(1, 2, HIDRAW)
    lock = hold(HIDRAW, "x:")
    copy = os.dup(lock._fd)
    lock.release()
    hold(HIDRAW, "x:").release()
    os.close(copy)


def test_a_refused_opener_leaves_no_descriptor_open(usb_tree, held):
    usb_tree.plug(1, 2, HIDRAW)
    held(HIDRAW)
    before = os.listdir("/proc/self/fd")  # noqa: PTH208
    with pytest.raises(errors.CardBusy):
        hold(HIDRAW, "x:")
    assert os.listdir("/proc/self/fd") == before  # noqa: PTH208


def test_a_killed_holder_leaves_nothing_behind(usb_tree):
    own = usb_tree.plug(1, 2, HIDRAW)
    script = (
        "import sys; from pathlib import Path; from dscplus_driver.transport.exclusive import hold_node;"
        "lock = hold_node(Path(sys.argv[1]), 'x:'); print(1, flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(own)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout.readline() == b"1\n"
        with pytest.raises(errors.CardBusy, match=f"in use by process {holder.pid}") as caught:
            hold(HIDRAW, "x:")
        assert caught.value.holder_pid == holder.pid
        holder.kill()
        holder.wait(10)
        hold(HIDRAW, "x:").release()


def test_a_serial_port_of_a_held_card_is_not_opened(usb_tree, terminal, held):
    usb_tree.plug(1, 2, HIDRAW, terminal[1])
    with contextlib.closing(SerialTransport(terminal[1])), pytest.raises(errors.CardBusy):
        hold(HIDRAW, "x:")
    lock = held(HIDRAW)
    with pytest.raises(errors.CardBusy):
        SerialTransport(terminal[1])
    lock.release()
    SerialTransport(terminal[1]).close()


def test_a_serial_port_that_is_none_gives_its_lock_back(usb_tree):
    usb_tree.plug(1, 2, OTHER)
    with pytest.raises(errors.UsageError, match="not a serial port"):
        SerialTransport(str(OTHER))
    hold(OTHER, "x:").release()


def test_a_node_that_came_to_another_card_meanwhile_is_noticed(usb_tree, held):
    usb_tree.plug(1, 2, HIDRAW)
    lock = held(HIDRAW)
    lock.check()
    usb_tree.plug(1, 3, HIDRAW)
    with pytest.raises(errors.CardRemoved, match="while it was being opened"):
        lock.check()


def test_a_usb_device_that_came_back_under_its_address_is_another(usb_tree, held):
    own = usb_tree.plug(1, 2, HIDRAW)
    lock = held(HIDRAW)
    own.rename(own.with_name("old"))
    own.touch()
    with pytest.raises(errors.CardRemoved):
        lock.check()


def test_a_card_that_left_altogether_is_noticed(usb_tree, held):
    own = usb_tree.plug(1, 2, HIDRAW)
    lock = held(HIDRAW)
    own.unlink()
    with pytest.raises(errors.CardRemoved):
        lock.check()


def test_a_serial_port_exchanged_while_it_was_opened_is_closed_and_free(usb_tree, terminal, monkeypatch):
    usb_tree.plug(1, 2, terminal[1])

    class Swap(exclusive.CardLock):
        def check(self):
            usb_tree.plug(1, 3, terminal[1])
            super().check()

    monkeypatch.setattr(exclusive, "CardLock", Swap)
    before = os.listdir("/proc/self/fd")  # noqa: PTH208
    with pytest.raises(errors.CardRemoved) as caught:
        SerialTransport(terminal[1])
    # The traceback keeps alive what was not closed.
    assert caught.value.__traceback__ and os.listdir("/proc/self/fd") == before  # noqa: PTH208
    monkeypatch.undo()
    SerialTransport(terminal[1]).close()


def test_a_node_alone_is_locked_itself(tmp_path):
    node = tmp_path / "hidraw7"
    node.touch()
    lock = hold_node(node, "x:")
    with pytest.raises(errors.CardBusy):
        hold_node(node, "x:")
    lock.check()
    lock.release()
    hold_node(node, "x:").release()


def test_where_there_is_no_sysfs_nothing_is_locked(monkeypatch):
    monkeypatch.setattr(exclusive.sys, "platform", "darwin")
    assert hold_node(HIDRAW, "x:") is None


def test_a_node_that_is_not_there_is_no_port(tmp_path):
    with pytest.raises(errors.PortNotFound, match="there is no "):
        hold_node(tmp_path / "hidraw7", "hid:x")


def test_the_lock_table_is_read_by_device_and_inode(tmp_path, monkeypatch):
    file = tmp_path / "port"
    file.touch()
    status = file.stat()
    name = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    locks = tmp_path / "locks"
    monkeypatch.setattr(exclusive, "LOCKS", locks)
    assert lock_holder(file) is None
    locks.write_text(
        f"1: POSIX  ADVISORY  WRITE 11 {name} 0 EOF\n2: FLOCK  ADVISORY  WRITE 4711 {name} 0 EOF\n"
    )
    assert lock_holder(str(file)) == 4711
    locks.write_text("1: FLOCK  ADVISORY  WRITE 4711 00:00:1 0 EOF\n")
    assert lock_holder(file) is None
    # Of another process namespace Linux tells no number.
    locks.write_text(f"1: FLOCK  ADVISORY  WRITE 0 {name} 0 EOF\n")
    assert lock_holder(file) is None
