"""Hands for a virtual card: press its keys, read its display, pull its plug, by its control socket.

Nothing of this is on the card's wire; a real card has fingers and eyes instead. The requests are described in
docs/emulator.md. Keys are never logged: they may be a PIN.
"""

import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from . import errors

ANSWER_TIMEOUT = 10.0
"""Seconds; the emulator answers within milliseconds, but a wait must end."""

START_TIMEOUT = 30.0
"""Seconds for all cards of a new emulator to be ready; a few milliseconds each on an idle machine."""
STOP_TIMEOUT = 10.0
"""Seconds for an emulator to end before it is killed."""


@dataclass(frozen=True, slots=True)
class VirtualCardInfo:
    """What the emulator knows about one of its cards; the counts are those of docs/emulator.md."""

    serial_number: str
    url: str | None
    plugged: bool
    powered: bool
    boots: int
    display: str
    bytes_in: int
    bytes_out: int
    flash_operations: int


class VirtualCardControl:
    """A connection to the control socket of one virtual card.

    Every method raises CardRemoved when the emulator has ended, CardTimeout when it does not answer, and
    UsageError when it refuses the request.
    """

    def __init__(self, path: Path | str) -> None:
        """Connect to a socket such as ``DIR/card-0.ctl``. Raises PortNotFound if no emulator serves it."""
        self._where = str(path)
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(ANSWER_TIMEOUT)
        try:
            self._socket.connect(self._where)
        except OSError as error:
            self._socket.close()
            raise errors.PortNotFound(
                f"no emulator serves this control socket ({error.strerror or error})",
                where=self._where,
                advice="Start dsc-emulate, and name the .ctl file in its --dir.",
            ) from None
        self._answers = self._socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the connection back; the card goes on. Closing twice is harmless."""
        self._answers.close()
        self._socket.close()

    def press(self, keys: str) -> list[str]:
        """Press keys, e.g. ``"press 1234 ok"``; returns the display (8 characters) after each key."""
        displays: list[str] = self._ask("press", keys=keys)["displays"]
        return displays

    def display(self) -> str:
        """Return the 8 characters of the display; blanks when it is off."""
        display: str = self._ask("display")["display"]
        return display

    def unplug(self) -> None:
        """Pull the card out of its port; it lives on from its battery."""
        self._ask("unplug")

    def plug(self) -> str | None:
        """Plug the card in, and give it power if a cut took it; returns its port's URL.

        None if a scripted fault cut the power while the card booted.
        """
        return self._url(self._ask("plug"))

    def cut_power(self) -> None:
        """Take the card's power away; it stays dark and off its port until `plug`."""
        self._ask("power-cut")

    def reboot(self) -> str | None:
        """Cut the power and give it back; returns as `plug`."""
        return self._url(self._ask("reboot"))

    def set_faults(self, spec: str) -> None:
        """Follow a fault script from now on, e.g. ``"drop=0.05,seed=7"``; ``""`` ends all faults."""
        self._ask("fault", spec=spec)

    def stall(self, endpoint: str) -> None:
        """Halt a USB endpoint (``hid-in``, ``hid-out``, ``cdc-in``, ``cdc-out``) until the host clears it."""
        self._ask("stall", endpoint=endpoint)

    def send_zero_length_report(self) -> None:
        """Answer the next poll for an input report with an empty packet."""
        self._ask("zero-length-report")

    def freeze(self, seconds: float) -> None:
        """Let the card stand still for so long, as a suspended emulator would; 0 ends it."""
        self._ask("freeze", milliseconds=round(seconds * 1000))

    def info(self) -> VirtualCardInfo:
        """Return what the emulator knows about the card."""
        answer = self._ask("info")
        return VirtualCardInfo(**{name: answer[name] for name in VirtualCardInfo.__slots__})

    def _ask(self, do: str, **fields: str | int) -> dict[str, Any]:
        try:
            self._socket.sendall(json.dumps({"do": do, **fields}).encode() + b"\n")
            line = self._answers.readline()
        except TimeoutError:
            raise errors.CardTimeout(
                f"the emulator did not answer within {ANSWER_TIMEOUT:g} s",
                where=self._where,
                advice="Restart it.",
            ) from None
        except OSError:
            line = b""
        if not line.endswith(b"\n"):
            raise errors.CardRemoved(
                "the emulator has ended",
                where=self._where,
                advice="Start dsc-emulate again with the same --dir.",
            )
        answer: dict[str, Any] = json.loads(line)
        if not answer["ok"]:
            raise errors.UsageError(f"the emulator refused {do}: {answer['error']}", where=self._where)
        return answer

    @staticmethod
    def _url(answer: dict[str, Any]) -> str | None:
        url: str | None = answer["url"]
        return url


@dataclass(frozen=True, slots=True)
class ReadyCard:
    """A card of a running emulator: its port's URL, its serial number, its control socket."""

    url: str
    serial_number: str
    control: str


@contextlib.contextmanager
def running_emulator(directory: Path | str, *options: str, count: int = 1) -> Iterator[list[ReadyCard]]:
    """Run ``dsc-emulate`` in a process of its own; give its cards, in order, when all of them answer.

    ``options`` are those of the command, e.g. ``"--baud", "115200"``. The process ends with the context.
    Raises UsageError with the emulator's own message if it does not start, CardTimeout if that takes long.
    """
    command = [sys.executable, "-m", "dscplus_card.hosts.emulate", "--json"]
    arguments = ["--dir", str(directory), "--count", str(count), *options]
    # The emulator sees the packages where this process sees them.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with subprocess.Popen(  # noqa: S603 - this interpreter, this package's own emulator
        command + arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    ) as process:
        try:
            cards = [json.loads(line) for line in _ready_lines(process, count)]
            for card in cards:
                if card["format"] == "dsc-emulate.error/1":
                    raise _did_not_start(card["message"])
            yield [ReadyCard(card["url"], card["serial_number"], card["control"]) for card in cards]
        finally:
            process.terminate()
            try:
                process.wait(STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                process.kill()


def _ready_lines(process: "subprocess.Popen[bytes]", count: int) -> list[bytes]:
    assert process.stdout and process.stderr, "both are pipes"  # noqa: S101
    deadline = time.monotonic() + START_TIMEOUT
    received = b""
    while received.count(b"\n") < count:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
            raise errors.CardTimeout(
                f"the emulator was not ready within {START_TIMEOUT:g} s", advice="Is the machine overloaded?"
            )
        data = os.read(process.stdout.fileno(), 65536)
        if not data:
            said = process.stderr.read().decode("utf-8", "replace").strip().splitlines()
            raise _did_not_start(said[-1] if said else "no reason given")
        received += data
    return received.splitlines()


def _did_not_start(reason: str) -> errors.UsageError:
    return errors.UsageError(f"the emulator did not start: {reason}")
