"""Virtual cards in a process of their own, as a station would find them: `dsc-emulate` behind ptys."""

from __future__ import annotations

import json
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


@contextmanager
def virtual_cards(count: int, *, batch_key: bytes, baud: int | None = None) -> Iterator[list[VirtualCard]]:
    """Blank cards with keys of KVN 01 derived from `batch_key`; `baud` paces their wires."""
    with TemporaryDirectory(prefix="dscplus-bench-") as scratch:
        directory = Path(scratch)
        key_file = directory / "batch.key"
        key_file.write_text(batch_key.hex())
        command = [str(Path(sys.executable).parent / "dsc-emulate"), "--json", f"--count={count}"]
        command += [f"--dir={directory / 'cards'}", f"--batch-key={key_file}"]
        if baud is not None:
            command.append(f"--baud={baud}")
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                yield [_ready(process) for _ in range(count)]
            finally:
                process.terminate()
                process.wait(STOP_SECONDS)


def _ready(process: subprocess.Popen[str]) -> VirtualCard:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError("dsc-emulate ended before its cards were ready")
    card = json.loads(line)
    return VirtualCard(card["url"], card["serial_number"])
