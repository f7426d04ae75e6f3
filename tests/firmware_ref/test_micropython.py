"""The card under MicroPython: the same tests on a board-sized heap, and every file compiled."""

import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from tests.firmware_ref.size_table import CORE, ROOT, compiled_size

BOTH = Path(__file__).parent / "both"
MODULES = sorted(path.stem for path in BOTH.glob("test_*.py"))
MICROPYTHON = Path(sys.executable).parent / "micropython"
HEAP = "heapsize=192k"  # about what an RP2040 leaves
LARGEST_CORE = 64 * 1024


def test_every_module_of_both_is_run():
    assert len(MODULES) >= 8


@pytest.mark.parametrize("name", MODULES)
def test_the_same_tests_pass_under_micropython_and_none_is_left_out(name: str):
    module = importlib.import_module(f"tests.firmware_ref.both.{name}")
    here = {
        test for test, value in vars(module).items() if test.startswith("test_") and inspect.isfunction(value)
    }
    run = subprocess.run(
        [MICROPYTHON, "-X", HEAP, BOTH / "run.py", ROOT, name],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    there = [line.split("::")[1] for line in run.stdout.splitlines() if line.startswith("ok ")]
    assert len(there) == len(here) and set(there) == here


def test_a_failing_test_fails_the_run_under_micropython(tmp_path: Path):
    folder = tmp_path / "tests" / "firmware_ref" / "both"
    folder.mkdir(parents=True)
    (folder / "test_wrong.py").write_text("def test_wrong():\n    assert 1 == 2\n")
    run = subprocess.run(
        [MICROPYTHON, "-X", HEAP, BOTH / "run.py", tmp_path, "test_wrong"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode != 0 and "AssertionError" in run.stdout


@pytest.mark.parametrize("source", CORE, ids=lambda source: source.stem)
def test_mpy_cross_compiles(source: Path):
    assert compiled_size(source) > 0


def test_the_core_is_small():
    assert sum(compiled_size(source) for source in CORE) < LARGEST_CORE
