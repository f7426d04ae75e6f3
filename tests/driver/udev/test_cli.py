"""`dsc udev install` and `uninstall` as commands: questions, exit codes, documents."""

import io
import json

import pytest

from dscplus_driver.cli import run as cli
from dscplus_driver.udev import system
from tests.driver.udev.test_install import Machine


@pytest.fixture
def machine(tmp_path, monkeypatch):
    machine = Machine(tmp_path)
    monkeypatch.setattr(system, "System", lambda: machine)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    monkeypatch.delenv("SUDO_USER", raising=False)
    return machine


def test_install_tells_each_step_and_then_how_to_join_the_group(machine, monkeypatch, capsys):
    monkeypatch.setenv("SUDO_USER", "ada")
    assert cli.run(["udev", "install"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[0] == "group dsc: created"
    assert f"{machine.rules}: written" in out.splitlines()
    assert "sudo usermod -aG dsc ada" in err and "log out" in err


def test_both_write_a_document(machine, capsys):
    for command, done in (("install", "written"), ("uninstall", "removed")):
        assert cli.run(["udev", command, "--json"]) == 0
        document = json.loads(capsys.readouterr().out)
        assert document["format"] == f"dsc.udev.{command}/1" and document["advice"]
        (step,) = [step for step in document["steps"] if step["what"] == str(machine.rules)]
        assert (step["done"], step["changed"]) == (done, True)


@pytest.mark.parametrize("command", ["install", "uninstall"])
def test_an_edited_file_needs_an_answer_or_yes(machine, capsys, command):
    assert cli.run(["udev", "install"]) == 0
    machine.rules.write_text("# mine\n")
    assert cli.run(["udev", command]) == 2
    assert machine.rules.read_text() == "# mine\n"
    assert "Say --yes." in capsys.readouterr().err
    assert cli.run(["udev", command, "--yes"]) == 0
    assert not machine.rules.exists() or machine.rules.read_text() != "# mine\n"


def test_whoever_is_not_root_gets_exit_code_4(machine, capsys):
    machine.__dict__["root_user"] = False
    assert cli.run(["udev", "install"]) == 4
    assert capsys.readouterr().err.endswith("Type: sudo /opt/dsc/bin/dsc udev install\n")
