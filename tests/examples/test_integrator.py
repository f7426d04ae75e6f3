"""The example project runs as its reader would run it; the plugin costs those who never use it nothing."""

import os
import subprocess
import sys

import pytest

from dscplus_driver.emulator import running_emulator
from dscplus_driver.errors import UsageError

PATIENCE_S = 120


def python(*arguments, cwd):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        env=environment,
    )


def test_example_project_passes_with_the_installed_plugin(pytestconfig):
    result = python("-m", "pytest", "-q", cwd=pytestconfig.rootpath / "examples" / "integrator")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "7 passed" in result.stdout


def test_fixtures_are_listed_with_what_they_give(pytestconfig):
    result = python("-m", "pytest", "--fixtures", "-q", cwd=pytestconfig.rootpath / "examples" / "integrator")
    for fixture in ("dsc_blank_card", "dsc_personalised_card", "dsc_card_with_faults"):
        assert f"{fixture} -- " in result.stdout


def test_plugin_loads_nothing_that_nobody_asked_for(tmp_path):
    script = (
        "import sys, dscplus_driver.pytest_plugin\n"
        "heavy = {'cryptography', 'serial', 'click', 'cobs', 'dscplus_card', 'dscplus_driver.card'}\n"
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)\n"
    )
    result = python("-c", script, cwd=tmp_path)
    assert result.returncode == 0, result.stderr


def test_emulator_that_does_not_start_says_why(tmp_path):
    refusal = pytest.raises(UsageError, match="did not start: fault 'droop' is unknown")
    with refusal, running_emulator(tmp_path, "--fault", "droop=1"):
        raise AssertionError("it ran")


def test_emulator_ends_with_its_context(tmp_path):
    with running_emulator(tmp_path, count=2) as cards:
        assert [card.serial_number for card in cards] == ["0000000018", "0000000026"]
        assert (tmp_path / "card-1").is_symlink()
    assert not (tmp_path / "card-1").is_symlink()
