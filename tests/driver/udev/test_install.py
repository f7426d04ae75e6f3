"""`dsc udev install` and `uninstall` on a machine made of a folder: what is written, run, asked, and kept."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from dscplus_driver import errors
from dscplus_driver.udev import files
from dscplus_driver.udev.install import HARDWARE_NAMES, RULES, install, uninstall
from dscplus_driver.udev.system import System
from tests.harness.fake_sysfs import FakeSysfs

ROOT = Path(__file__).parents[3]


class Asked(Exception):
    """Somebody was asked, and said no."""


def refuse(question):
    raise Asked(question)


def agree(question):
    assert question


class Machine(System):
    """A machine whose programs do nothing but be recorded."""

    def __init__(self, root, *, root_user=True, group=False, hwdb=True, udev=True):
        super().__init__(root, "/opt/dsc/bin/dsc")
        self.__dict__.update(root_user=root_user, groups={"dsc"} if group else set(), hwdb=hwdb, ran=[])
        self.__dict__["usb"] = FakeSysfs(root / "sys")
        if udev:
            (root / "run/udev").mkdir(parents=True, exist_ok=True)
            (root / "run/udev/control").touch()

    def is_root(self):
        return self.root_user

    def has_group(self, name):
        return name in self.groups

    def has(self, program):
        return program != "systemd-hwdb" or self.hwdb

    def run(self, program, *arguments):
        # What is written must be there by now: udev reads it.
        if (program, *arguments) == ("udevadm", "control", "--reload"):
            arguments = (*arguments, "with rules" if self.rules.exists() else "without rules")
        self.ran.append(" ".join((program, *arguments)))
        if program == "groupadd":
            self.groups.add(arguments[-1])
        if program == "systemd-hwdb":
            (self.root / "etc/udev/hwdb.bin").write_text("compiled")

    @property
    def rules(self):
        return self.root / "etc/udev/rules.d" / RULES

    @property
    def names(self):
        return self.root / "etc/udev/hwdb.d" / HARDWARE_NAMES


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def done(steps):
    return [step.changed for step in steps]


def test_install_makes_the_group_first_and_reloads_before_it_triggers(machine):
    machine.usb.plug("1-2", "0000000018")
    device = machine.usb.controller / "1-2"
    steps = install(machine, refuse)
    assert all(done(steps))
    assert machine.ran[:3] == [
        "groupadd --system dsc",
        "systemd-hwdb update",
        "udevadm control --reload with rules",
    ]
    (trigger,) = machine.ran[3:]
    assert trigger.startswith(f"udevadm trigger --action=change --settle {device} ")


def test_installed_files_are_the_shipped_ones_under_their_digest_and_readable_by_all(machine):
    install(machine, refuse)
    for path in (machine.rules, machine.names):
        assert path.stat().st_mode & 0o777 == 0o644
        mark, _, text = path.read_text().partition("\n")
        assert text == (ROOT / "udev" / path.name).read_text()
        assert mark.startswith("# Written by `dsc udev install`")
        assert list(path.parent.iterdir()) == [path], "nothing else is left there"


def test_a_second_install_changes_nothing_but_lets_udev_look_again(machine):
    install(machine, refuse)
    before = machine.rules.stat()
    machine.ran.clear()
    steps = install(machine, refuse)
    assert machine.ran == ["udevadm control --reload with rules"]
    assert [step.changed for step in steps[:4]] == [False] * 4
    after = machine.rules.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_an_install_that_died_before_compiling_is_made_good(machine):
    install(machine, refuse)
    compiled = machine.root / "etc/udev/hwdb.bin"
    os.utime(compiled, ns=(0, 0))
    machine.ran.clear()
    install(machine, refuse)
    assert "systemd-hwdb update" in machine.ran


def test_an_older_versions_file_is_replaced_without_a_question(machine):
    machine.rules.parent.mkdir(parents=True)
    machine.rules.write_text(files.marked("# rules of last year\n"))
    install(machine, refuse)
    assert "last year" not in machine.rules.read_text()


@pytest.mark.parametrize("command", [install, uninstall])
@pytest.mark.parametrize("edit", ["# mine\n", None])
def test_a_file_that_a_person_edited_is_asked_about_before_anything_is_done(machine, command, edit):
    install(machine, refuse)
    mine = machine.rules.read_text() + edit if edit else 'SUBSYSTEM=="tty", MODE="0600"\n'
    machine.rules.write_text(mine)
    machine.ran.clear()
    with pytest.raises(Asked, match=RULES):
        command(machine, refuse)
    assert machine.rules.read_text() == mine and machine.names.exists() and machine.ran == []
    command(machine, agree)
    assert not machine.rules.exists() or machine.rules.read_text() != mine


def test_uninstall_removes_our_files_only_and_the_group_stays(machine):
    theirs = machine.root / "etc/udev/rules.d/99-theirs.rules"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("# theirs\n")
    install(machine, refuse)
    machine.ran.clear()
    steps = uninstall(machine, refuse)
    assert not machine.rules.exists() and not machine.names.exists() and theirs.exists()
    assert machine.groups == {"dsc"}
    assert machine.ran == ["systemd-hwdb update", "udevadm control --reload without rules"]
    assert all(done(steps))
    machine.ran.clear()
    assert not any(done(uninstall(machine, refuse))) and machine.ran == []


def test_uninstall_takes_back_a_database_that_hides_the_systems_own(machine):
    systems = machine.root / "usr/lib/udev/hwdb.bin"
    systems.parent.mkdir(parents=True)
    systems.write_text("the system's")
    install(machine, refuse)
    machine.ran.clear()
    uninstall(machine, refuse)
    assert not (machine.root / "etc/udev/hwdb.bin").exists() and systems.exists()
    assert "systemd-hwdb update" not in machine.ran


def test_uninstall_keeps_a_database_that_somebody_else_feeds(machine):
    systems = machine.root / "usr/lib/udev/hwdb.bin"
    systems.parent.mkdir(parents=True)
    systems.write_text("the system's")
    install(machine, refuse)
    (machine.names.parent / "90-theirs.hwdb").write_text("usb:v0000*\n NAME=theirs\n")
    machine.ran.clear()
    uninstall(machine, refuse)
    assert (machine.root / "etc/udev/hwdb.bin").exists() and "systemd-hwdb update" in machine.ran


def test_uninstall_says_that_cards_that_are_plugged_in_keep_their_permissions(machine):
    install(machine, refuse)
    machine.usb.plug("1-2", "0000000018")
    last = uninstall(machine, refuse)[-1]
    assert "keep their permissions until they are plugged in again" in last.done


@pytest.mark.parametrize(("command", "word"), [(install, "install"), (uninstall, "uninstall")])
def test_whoever_is_not_root_hears_what_to_type(tmp_path, command, word):
    machine = Machine(tmp_path, root_user=False)
    with pytest.raises(errors.PermissionRefused) as refused:
        command(machine, refuse)
    assert refused.value.advice == f"Type: sudo /opt/dsc/bin/dsc udev {word}"
    assert errors.exit_code(refused.value) == 4
    assert machine.ran == [] and not (tmp_path / "etc").exists()


def test_without_udevs_daemon_the_files_are_there_and_nobody_is_called(tmp_path):
    machine = Machine(tmp_path, udev=False)
    steps = install(machine, refuse)
    assert machine.rules.exists()
    assert not [line for line in machine.ran if line.startswith("udevadm")]
    assert "does not run here" in steps[-1].done


def test_without_systemd_hwdb_only_the_names_are_missing(tmp_path):
    machine = Machine(tmp_path, hwdb=False)
    steps = install(machine, refuse)
    assert "systemd-hwdb update" not in machine.ran
    assert "udevadm control --reload with rules" in machine.ran
    assert any("no systemd-hwdb" in step.done for step in steps)


def test_a_program_that_fails_is_told_with_its_words(tmp_path):
    with pytest.raises(errors.DscError, match=r"^cat /nowhere failed with 1: .*cat: /nowhere: No such file"):
        System(tmp_path).run("cat", "/nowhere")
    with pytest.raises(errors.DscError, match="there is no no-such-program"):
        System(tmp_path).run("no-such-program")


@pytest.mark.parametrize("path", ["", ".", ":", "{here}", "bin:{here}"])
def test_root_runs_the_systems_programs_and_none_that_lie_about(tmp_path, monkeypatch, path):
    """`su` keeps the caller's PATH, and an empty part of it means the working directory."""
    for folder in (tmp_path, tmp_path / "bin"):
        folder.mkdir(exist_ok=True)
        for program in ("cat", "dsc-test-program"):
            trap = folder / program
            trap.write_text("#!/bin/sh\necho TRAPPED >&2; exit 9\n")
            trap.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", path.format(here=tmp_path))
    System(tmp_path).run("cat", "/dev/null")
    if str(tmp_path) not in path.format(here=tmp_path).split(":"):
        assert not System(tmp_path).has("dsc-test-program")


def test_a_file_that_cannot_be_written_is_one_clear_error(machine):
    (machine.root / "etc").write_text("not a folder")
    with pytest.raises(errors.DscError, match=r"could not \w+ .*70-dscplus"):
        install(machine, refuse)


def test_the_devices_of_a_card_come_parents_first_and_no_strangers(machine):
    machine.usb.plug("1-2", "0000000018")
    machine.usb.plug("1-3", "0000000026", ids=(0x1209, 0x0001))
    virtual = machine.usb.plug_uhid("0000000034")
    names = [path.name for path in machine.card_devices()]
    assert names == [
        *("1-2", "1-2:1.0", "ttyACM2", "1-2:1.1", "1-2:1.2", "0003:1209:D5C1.0003", "hidraw4"),
        *("0003:1209:D5C1.0009", Path(virtual).name),
    ]


def test_the_wheel_carries_the_files_where_the_program_looks_for_them(tmp_path):
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        for name in (RULES, HARDWARE_NAMES):
            assert archive.read(f"dscplus_driver/udev/{name}") == (ROOT / "udev" / name).read_bytes()
