"""Printers take a label whole, or tell whether any of it may have arrived; in time."""

import errno
import os
import socket
import stat
import threading
import time
from pathlib import Path

import pytest

from dscplus_station.documents.label import label
from dscplus_station.errors import BadInput
from dscplus_station.opening import open_station
from dscplus_station.printing.configuration import read_printer
from dscplus_station.printing.printers import PrinterOut, Printout
from dscplus_station.printing.printers.device import DevicePrinter
from dscplus_station.printing.printers.folder import FolderPrinter
from dscplus_station.printing.printers.network import NetworkPrinter
from dscplus_station.printing.rules import status_fields, trouble
from dscplus_station.scans.rules import label_code
from dscplus_station.typesetting.plan_zpl import plan_as_zpl
from tests.provisioning.documents.printed import barcodes, pages, picture, printed_label
from tests.provisioning.documents.sample import JAPANESE, LABEL
from tests.provisioning.printing import fake_printer
from tests.provisioning.printing.fake_printer import FakePrinter, status

PRINTOUT = Printout("label-1", label(LABEL))
ZPL = plan_as_zpl(PRINTOUT.plan, 8)


def network(printer, **times):
    return NetworkPrinter(printer.host, printer.port, 8, **({"status_s": 2.0, "send_s": 5.0} | times))


def test_a_printer_that_is_ready_gets_the_label_whole():
    with FakePrinter() as printer:
        network(printer).send(PRINTOUT)
        assert printer.labels == [ZPL.rstrip()]
        assert barcodes(printed_label(printer.labels[0])) == [label_code("O-1042", "0000000018", 1)]
        network(printer).send(Printout("label-2", label(JAPANESE)))
        assert len(printer.labels) == 2


def test_a_printer_that_tells_no_status_gets_it_too():
    with FakePrinter(fake_printer.dumb) as printer:
        network(printer, status_s=0.05).send(PRINTOUT)
        assert printer.labels == [ZPL.rstrip()]


def test_so_does_one_whose_answer_is_nonsense():
    with FakePrinter(fake_printer.answers_nonsense) as printer:
        network(printer, status_s=0.2).send(PRINTOUT)
        assert printer.labels == [ZPL.rstrip()]


@pytest.mark.parametrize(
    ("flag", "told"),
    [
        ("paper_out", "out of labels: put a new roll in"),
        ("pause", "paused: press its pause key"),
        ("full", "buffer is full"),
        ("hot", "too hot"),
        ("head_up", "head is open: close it"),
        ("ribbon_out", "out of ribbon"),
    ],
)
def test_a_printer_that_cannot_print_gets_nothing_and_says_why(flag, told):
    with FakePrinter() as printer:
        printer.answers = [status(**{flag: 1})]
        with pytest.raises(PrinterOut, match=f"printer 127.0.0.1:{printer.port} prints nothing: it") as out:
            network(printer).send(PRINTOUT)
        assert told in str(out.value)
        assert not out.value.reached
    assert printer.labels == []


def test_out_of_labels_under_the_label_may_have_come_out():
    with FakePrinter() as printer:
        printer.answers = [status(), status(paper_out=1)]
        with pytest.raises(PrinterOut, match="stopped: it is out of labels") as out:
            network(printer).send(PRINTOUT)
        assert out.value.reached


@pytest.mark.parametrize(
    ("behave", "told", "reached"),
    [
        (fake_printer.hangs_up_at_once, "broke off", False),
        (fake_printer.half_closes, "hung up", False),
        (fake_printer.hangs_up_under_the_label, "broke off", True),
        (fake_printer.stops_answering, "stopped answering", True),
        (fake_printer.never_ending, "broke off|does not end", True),
        (fake_printer.hung, "broke off|does not end", True),
    ],
)
def test_a_printer_that_behaves_badly_is_told_in_time(behave, told, reached):
    with FakePrinter(behave) as printer:
        began = time.monotonic()
        with pytest.raises(PrinterOut, match=told) as out:
            network(printer, status_s=0.1, send_s=0.3).send(PRINTOUT)
        assert time.monotonic() - began < 5
        assert out.value.reached is reached


def test_a_printer_that_is_off_is_told():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(PrinterOut, match=f"printer 127.0.0.1:{port} cannot be reached .*: is it on") as out:
        NetworkPrinter("127.0.0.1", port, 8).send(PRINTOUT)
    assert not out.value.reached


def test_a_name_that_leads_nowhere_is_told(monkeypatch):
    def unknown(*_args, **_kwargs):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(PrinterOut, match="cannot be reached"):
        NetworkPrinter("printer.invalid", 9100, 8).send(PRINTOUT)


def test_a_status_is_read_by_its_fields():
    assert trouble(status_fields(status())) is None
    assert status_fields(status()[:-4]) is None
    assert status_fields(b"") is None
    assert status_fields(b"\x021,2\x03\x023\x03\x024\x03") is None
    assert status_fields(b"noise" + status()) == status_fields(status())
    assert "head" in trouble(status_fields(status(paper_out=1, head_up=1)))


# --- A device file ---------------------------------------------------------------------------------


@pytest.fixture
def device(tmp_path):
    path = tmp_path / "lp0"
    os.mkfifo(path)
    return path


def test_a_device_gets_the_label_whole(device):
    reader = os.open(device, os.O_RDONLY | os.O_NONBLOCK)
    taken = []

    def take():
        while b"^XZ" not in b"".join(taken):
            try:
                taken.append(os.read(reader, 1000))
            except BlockingIOError:
                time.sleep(0.001)

    thread = threading.Thread(target=take)
    thread.start()
    big = Printout("big", label(JAPANESE))
    DevicePrinter(device, 12).send(big)
    thread.join(10)
    os.close(reader)
    assert b"".join(taken) == plan_as_zpl(big.plan, 12)


def test_a_device_without_a_printer_is_told(device):
    with pytest.raises(PrinterOut, match="no printer behind it") as out:
        DevicePrinter(device, 8).send(PRINTOUT)
    assert not out.value.reached
    with pytest.raises(PrinterOut, match="is not there"):
        DevicePrinter(device.with_name("lp1"), 8).send(PRINTOUT)


def test_a_device_that_takes_nothing_is_told_in_time(device):
    reader = os.open(device, os.O_RDONLY | os.O_NONBLOCK)
    writer = os.open(device, os.O_WRONLY | os.O_NONBLOCK)
    try:
        while True:
            os.write(writer, b"x" * 4096)
    except BlockingIOError:
        pass
    with pytest.raises(PrinterOut, match="takes nothing") as out:
        DevicePrinter(device, 8, send_s=0.1).send(PRINTOUT)
    assert not out.value.reached
    os.close(reader)
    with pytest.raises(PrinterOut):
        DevicePrinter(device, 8, send_s=0.1).send(PRINTOUT)
    os.close(writer)


@pytest.mark.parametrize(
    ("code", "told"), [(errno.ENOSPC, "out of labels"), (errno.ENODEV, "unplugged"), (errno.EIO, "an error")]
)
def test_what_a_device_fails_with_is_told_by_what_to_do(device, monkeypatch, code, told):
    reader = os.open(device, os.O_RDONLY | os.O_NONBLOCK)
    write = os.write
    left = [10]

    def fail_later(descriptor, content):
        if not left:
            raise OSError(code, os.strerror(code))
        return write(descriptor, content[: left.pop()])

    monkeypatch.setattr(os, "write", fail_later)
    with pytest.raises(PrinterOut, match=told) as out:
        DevicePrinter(device, 8).send(PRINTOUT)
    assert out.value.reached
    os.close(reader)


def test_a_file_is_no_device(tmp_path):
    (tmp_path / "lp0").write_bytes(b"")
    with pytest.raises(PrinterOut, match="folder = "):
        DevicePrinter(tmp_path / "lp0", 8).send(PRINTOUT)
    assert (tmp_path / "lp0").read_bytes() == b""


# --- A folder --------------------------------------------------------------------------------------


def test_a_folder_gets_both_files(tmp_path):
    FolderPrinter(tmp_path / "labels", 8).send(PRINTOUT)
    assert (tmp_path / "labels" / "label-1.zpl").read_bytes() == ZPL
    pdf = (tmp_path / "labels" / "label-1.pdf").read_bytes()
    assert "Alice Sample" in pages(pdf)[0]
    assert barcodes(picture(pdf)) == [label_code("O-1042", "0000000018", 1)]
    assert stat.S_IMODE((tmp_path / "labels" / "label-1.pdf").stat().st_mode) == 0o600


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "labels").write_bytes(b"")
    with pytest.raises(PrinterOut, match="labels"):
        FolderPrinter(tmp_path / "labels", 8).send(PRINTOUT)


# --- Settings --------------------------------------------------------------------------------------


def printer_of(world, text):
    with world.home.settings_file.open("a") as file:
        file.write(text)
    station = open_station(world.home, lambda: world.moment)
    try:
        return read_printer(station)
    finally:
        station.database.close()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('host = "192.0.2.7"', NetworkPrinter("192.0.2.7", 9100, 8)),
        ('host = "192.0.2.7"\nport = 6101\ndots_per_mm = 12', NetworkPrinter("192.0.2.7", 6101, 12)),
    ],
)
def test_the_settings_name_a_network_printer(world, text, expected):
    assert printer_of(world, f"[printer]\n{text}\n") == expected


def test_the_settings_name_a_device(world):
    printer = printer_of(world, '[printer]\ndevice = "/dev/usb/lp0"\n')
    assert printer == DevicePrinter(Path("/dev/usb/lp0"), 8)


def test_a_demo_home_prints_into_a_folder_of_its_own(demo_world):
    assert printer_of(demo_world, "") == FolderPrinter(demo_world.home.path / "labels", 8)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[printer]\n",
        '[printer]\nhost = "a"\nfolder = "b"\n',
        '[printer]\nhost = ""\n',
        "[printer]\nhost = 9100\n",
        '[printer]\nhost = "a"\nport = 0\n',
        '[printer]\nfolder = "a"\nport = 9100\n',
        '[printer]\nhost = "a"\ndots_per_mm = 203\n',
        '[printer]\nhost = "a"\nhosts = "b"\n',
    ],
)
def test_settings_that_cannot_be_used_are_told(world, text):
    with pytest.raises(BadInput, match=r"\[printer\]"):
        printer_of(world, text)
