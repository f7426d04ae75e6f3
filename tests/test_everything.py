"""`make test` fails when either of the two runs does, and hides nothing of what they say."""

import sys

import pytest

from tests import everything
from tests.everything import side_by_side
from tests.kernel.rig.packages import RigUnavailable


def saying(word, status):
    return [sys.executable, "-c", f"print({word!r}); raise SystemExit({status})"]


@pytest.mark.parametrize(
    ("shown", "kept", "ended"), [(0, 0, 0), (1, 0, 1), (0, 1, 1), (2, 1, 2), (0, -9, 247)]
)
def test_both_are_heard_and_either_can_fail(capfd, shown, kept, ended):
    assert side_by_side(saying("the others", shown), saying("the kernel's", kept)) % 256 == ended
    assert capfd.readouterr().out.split("\n") == ["the others", "the kernel's", "", ""]


WAITING = """
import pathlib, sys, time
pathlib.Path(sys.argv[1]).touch()
for _ in range(1000):
    if pathlib.Path(sys.argv[2]).exists():
        raise SystemExit(0)
    time.sleep(0.02)
raise SystemExit(1)
"""


def test_they_run_at_the_same_time(tmp_path):
    """Each waits for the other's sign."""
    signs = [str(tmp_path / "one"), str(tmp_path / "other")]
    commands = [[sys.executable, "-c", WAITING, *order] for order in (signs, signs[::-1])]
    assert side_by_side(*commands) == 0


@pytest.mark.parametrize(("ci", "ended"), [("", 0), ("true", 1)])
def test_without_qemu_only_ci_fails(monkeypatch, capfd, ci, ended):
    def lacking():
        raise RigUnavailable("apt-get install qemu-system-x86")

    monkeypatch.setenv("CI", ci)
    monkeypatch.setattr(everything.packages, "check_machine", lacking)
    monkeypatch.setattr(everything, "OTHER_TESTS", saying("the others", 0))
    assert everything.main() == ended
    told = capfd.readouterr()
    assert told.out == "the others\n"
    assert told.err == "The kernel tests did not run (make test-kernel): apt-get install qemu-system-x86\n"
