"""`dsc doctor` tells people and programs the same, with an exit code that fits."""

import json

import pytest

from dscplus_driver.cli import run as cli
from dscplus_driver.doctor import collect
from tests.driver.doctor.test_checks import CLOSED_TO_ROOT, HEALTHY


@pytest.fixture
def doctor(monkeypatch, capsys):
    def ask(facts, *options):
        monkeypatch.setattr(collect, "collect", lambda _system, _found: facts)
        code = cli.run(["doctor", *options])
        return code, capsys.readouterr().out

    return ask


def test_a_healthy_bench_is_a_column_of_ticks(doctor):
    code, out = doctor(HEALTHY)
    assert code == 0 and len(out.splitlines()) == 9
    assert all(line.startswith("✓ ") for line in out.splitlines())


def test_a_finding_is_a_cross_with_what_to_type_under_it(doctor):
    code, out = doctor(CLOSED_TO_ROOT)
    lines = out.splitlines()
    position = next(number for number, line in enumerate(lines) if line.startswith("✗ "))
    assert code == 1 and "ada may not open" in lines[position]
    assert lines[position + 2] == "      sudo /opt/dsc udev install"


def test_no_card_is_exit_code_3(doctor):
    code, out = doctor(CLOSED_TO_ROOT.__class__((), "/opt/dsc", "ada"))
    assert code == 3 and "✗ There is no card on USB." in out


def test_the_document_has_every_check_and_finding(doctor):
    code, out = doctor(CLOSED_TO_ROOT, "--json")
    document = json.loads(out)
    assert code == 1 and document["format"] == "dsc.doctor/1" and document["healthy"] is False
    assert document["cards"] == [{"serial_number": "0000000018", "where": "1-2, card 0000000018"}]
    (bad,) = [check for check in document["checks"] if not check["ok"]]
    assert bad["check"] == "permissions"
    assert bad["findings"][0]["type"] == "sudo /opt/dsc udev install"
    code, out = doctor(HEALTHY, "--json")
    assert code == 0 and json.loads(out)["healthy"] is True


def test_the_real_machine_can_be_looked_at(capsys):
    code = cli.run(["doctor", "--json"])
    document = json.loads(capsys.readouterr().out)
    assert code == (3 if not document["cards"] else 0 if document["healthy"] else 1)
    assert {"libraries", "bus"} <= {check["check"] for check in document["checks"]}
