"""`dsc` in the guest, as root or as somebody else, and a person who types what it says."""

import io
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from dscplus_driver.cli.run import run
from tests.kernel.guest.users import User

DSC = str(Path(sys.prefix, "bin", "dsc").resolve())
TIMEOUT = 120.0
"""Seconds for one command; Python takes some to start in the guest."""


def dsc(*arguments: str, user: User | None = None, expect: int | None = 0) -> Any:
    """Run `dsc … --json`, as a user, or as root within this process, which saves seconds; return its document
    after checking the exit code.
    """
    if user:
        done = user.run(DSC, *arguments, "--json")
        code, out, err = done.returncode, done.stdout, done.stderr
    else:
        output, errors = io.StringIO(), io.StringIO()
        with redirect_stdout(output), redirect_stderr(errors):
            code = run([*arguments, "--json"])
        out, err = output.getvalue(), errors.getvalue()
    assert "Traceback" not in err, err
    assert expect in (None, code), (code, out, err)
    return json.loads(out)


def type_this(finding: dict[str, str]) -> None:
    """Do what a finding of the doctor says, as a person at a terminal; the guest's root needs no sudo."""
    line = finding["type"].replace("sudo ", "")
    subprocess.run(["bash", "-c", line], check=True, timeout=TIMEOUT, stdin=subprocess.DEVNULL)


@contextmanager
def modem_manager(folder: Path) -> Iterator[None]:
    """A program by the name of ModemManager, which does nothing."""
    program = folder / "ModemManager"
    shutil.copy("/bin/sleep", program)
    with subprocess.Popen([program, "infinity"]) as process:
        try:
            yield
        finally:
            process.kill()
