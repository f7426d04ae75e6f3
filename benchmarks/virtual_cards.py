"""Virtual cards in a process of their own, as a station would find them: `dsc-emulate` behind ptys."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

STOP_SECONDS = 10


@dataclass(frozen=True)
class VirtualCard:
    """Where one card is, and who."""

    url: str
    serial_number: str


class Emulator:
    """A running dsc-emulate and its cards."""

    def __init__(self, process: subprocess.Popen[str], count: int) -> None:
        self._process = process
        self.cards = [self._ready() for _ in range(count)]

    def cpu_seconds(self) -> float:
        """Seconds that the process has computed since it started; the kernel counts in steps of 10 ms."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        user, system = int(fields[11]), int(fields[12])  # utime and stime of proc(5), counted after the name
        return (user + system) / os.sysconf("SC_CLK_TCK")

    def _ready(self) -> VirtualCard:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("dsc-emulate ended before its cards were ready")
        card = json.loads(line)
        return VirtualCard(card["url"], card["serial_number"])


@contextmanager
def virtual_cards(
    count: int, *, batch_key: bytes, baud: int | None = None, serial_from: int = 1
) -> Iterator[Emulator]:
    """Blank cards with keys of KVN 01 derived from `batch_key`; `baud` paces their wires."""
    with TemporaryDirectory(prefix="dscplus-bench-") as scratch:
        directory = Path(scratch)
        key_file = directory / "batch.key"
        key_file.write_text(batch_key.hex())
        command = [str(Path(sys.executable).parent / "dsc-emulate"), "--json", f"--count={count}"]
        command += [f"--dir={directory / 'cards'}", f"--batch-key={key_file}", f"--serial-from={serial_from}"]
        if baud is not None:
            command.append(f"--baud={baud}")
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                yield Emulator(process, count)
            finally:
                process.terminate()
                process.wait(STOP_SECONDS)
