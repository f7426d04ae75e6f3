"""Hands on a running virtual card: what `dsc-emulate press` and `screen` do through its control socket."""

import json
import socket
from pathlib import Path
from types import TracebackType
from typing import Any

import click

from dscplus_card.hosts.directory import control_path
from dscplus_card.hosts.emulate import EXIT_FAILED, EXIT_NOT_FOUND, EXIT_USAGE, fail
from dscplus_card.hosts.keys import KeysError, read_keys

ANSWER_TIMEOUT_S = 10.0  # the emulator answers within milliseconds; a card that hangs shall not hang its user


class EmulatorEnded(click.ClickException):
    """The emulator went away while somebody held its card."""

    exit_code = EXIT_FAILED


class Hands:
    """A connection to one card's control socket; errors are click.ClickException with the right exit code."""

    def __init__(self, directory: Path, card: int) -> None:
        self._name = f"card {card} in {directory}"
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(ANSWER_TIMEOUT_S)
        try:
            self._socket.connect(str(control_path(directory, card)))
        except OSError as error:
            self._socket.close()
            raise fail(f"no emulator runs {self._name}: {error.strerror or error}", EXIT_NOT_FOUND) from error
        self._answers = self._socket.makefile("rb")

    def __enter__(self) -> "Hands":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the control socket back; the card goes on."""
        self._answers.close()
        self._socket.close()

    def press(self, keys: str) -> list[str]:
        """Press the keys that `keys` names; returns the display after each."""
        try:
            pressed = read_keys(keys)
        except KeysError as error:
            raise fail(str(error), EXIT_USAGE) from error
        displays: list[str] = self._ask({"do": "press", "keys": " ".join(pressed)})["displays"]
        return displays

    def display(self) -> str:
        """Return the 8 characters of the display."""
        return str(self._ask({"do": "display"})["display"])

    def serial_number(self) -> str:
        """Return the serial number that is printed on the card's back."""
        return str(self.info()["serial_number"])

    def info(self) -> dict[str, Any]:
        """Return what the emulator knows about the card."""
        return self.act("info")

    def act(self, do: str, **fields: str | int) -> dict[str, Any]:
        """Carry out another request of docs/emulator.md; returns its answer without ``ok``."""
        answer = self._ask({"do": do, **fields})
        del answer["ok"]
        return answer

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            self._socket.sendall(json.dumps(request).encode() + b"\n")
            line = self._answers.readline()
        except (BrokenPipeError, ConnectionResetError):
            line = b""
        except OSError as error:
            raise fail(f"{self._name} does not answer: {error}", EXIT_FAILED) from error
        if not line:
            raise EmulatorEnded(f"{self._name} has gone: its emulator ended")
        answer: dict[str, Any] = json.loads(line)
        if not answer["ok"]:
            raise fail(f"{self._name}: {answer['error']}", EXIT_FAILED)
        return answer
