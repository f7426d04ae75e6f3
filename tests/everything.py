"""`python -m tests.everything`, for `make test`: all tests, those on a kernel in QEMU beside all the others.

Both wait a good deal, at different times. What the kernel's tests print is shown when the others have ended.
"""

import compileall
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.kernel.rig import packages

PROJECT = Path(__file__).parents[1]
READ_IN_THE_GUEST = ("driver", "firmware_ref", "tests/kernel")
PYTEST = (sys.executable, "-m", "pytest")
KERNEL_TESTS = (*PYTEST, "tests/kernel")
# A file's tests run in one process and in their order: what they share is made once.
OTHER_TESTS = (*PYTEST, "-n", "2", "--dist", "loadfile", "tests")


def side_by_side(shown: Sequence[str], kept: Sequence[str]) -> int:
    """Run two commands at the same time, and show at the end what `kept` printed. Return 0 if both passed."""
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        with subprocess.Popen(kept, stdout=output, stderr=subprocess.STDOUT) as beside:
            status = subprocess.run(shown, check=False).returncode
        output.seek(0)
        print(output.read(), flush=True)
    return status or beside.returncode


def main() -> int:
    """Run all tests; where the kernel's cannot run, say what they lack, and in CI (`CI` set) fail."""
    os.chdir(PROJECT)
    signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl-C reaches both runs, and each ends in its own way
    try:
        packages.check_machine()
    except packages.RigUnavailable as lacking:
        status = subprocess.run(OTHER_TESTS, check=False).returncode
        print(f"The kernel tests did not run (make test-kernel): {lacking}", file=sys.stderr)
        return status or int(bool(os.environ.get("CI")))
    for folder in READ_IN_THE_GUEST:  # it cannot keep what it compiles, and would do so again and again
        compileall.compile_dir(folder, quiet=1)
    return side_by_side(OTHER_TESTS, KERNEL_TESTS)


if __name__ == "__main__":
    sys.exit(main())
