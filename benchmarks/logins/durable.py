"""Whether an answer leaves only after its data are on the disk, as the kernel sees it; how fast that is."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

from benchmarks.servers import Server

from .traffic import Login, drive

TRACER = "strace"
TRACE_SECONDS = 60
PAGES = 10
"""Of 4 KiB: about what a login's transaction appends to the log."""
_SYNCED = re.compile(r"\b(?:fsync|fdatasync)(?:\(.*\)| resumed>.*\)) += 0")
_ANSWERED = re.compile(r"\b(?:sendto|sendmsg|write)\(\d+, \"HTTP/1\.1 2")


class NotDurable(AssertionError):
    """An answer left before its data were on the disk: its figures would prove nothing."""


def syncs_per_login(server: Server, logins: list[Login], folder: Path) -> float:
    """Log in one after the other while the server's calls are traced; gives how often it synced a login.

    Raises:
        NotDurable: an answer left without a sync since the one before it.
    """
    assert shutil.which(TRACER), f"the check that commits are on the disk takes {TRACER}: apt-get install it"
    trace = folder / "trace"
    command = [TRACER, "-f", "-s", "12", "-e", "trace=fsync,fdatasync,sendto,sendmsg,write"]
    command += ["-e", "signal=none", "-o", str(trace)]
    for pid in server.processes():
        command += ["-p", str(pid)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer:
        try:
            assert tracer.stderr is not None
            assert "attached" in tracer.stderr.readline(), f"{TRACER} may not look at the server"
            time.sleep(1)  # until it has all the threads
            drive(server.port, logins, connections=1)
        finally:
            tracer.send_signal(signal.SIGINT)
            tracer.communicate(timeout=TRACE_SECONDS)
    return _check(trace.read_text(errors="replace")) / len(logins)


def _check(trace: str) -> int:
    """The number of syncs in a trace of requests that came one after the other."""
    syncs = since = answers = 0
    for line in trace.splitlines():
        if _SYNCED.search(line):
            syncs, since = syncs + 1, since + 1
        elif _ANSWERED.search(line):
            answers += 1
            if not since:
                raise NotDurable(f"answer {answers} left without a sync since the one before it")
            since = 0
    if not answers:
        raise NotDurable("no answer was seen in the trace")
    return syncs


def raw_syncs(folder: Path, times: int = 100) -> float:
    """Seconds that the disk takes for an appended transaction and fdatasync, with nothing else to do."""
    file = os.open(folder / "raw", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        began = time.perf_counter()
        for number in range(times):
            os.pwrite(file, b"\xa5" * 4096 * PAGES, number * 4096 * PAGES)
            os.fdatasync(file)
        return (time.perf_counter() - began) / times
    finally:
        os.close(file)
