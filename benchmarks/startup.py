"""How long the commands take to start: most of what a person waits for."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from .measure import ROUNDS, Subject, interleave, ratios
from .records import Section, at_most, duration

LIMIT = 1 / 3
TIMEOUT_SECONDS = 60


def measure() -> Section:
    """`dsc` beside an empty Python program and ykman."""
    programs = Path(sys.executable).parent
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "dsc --version": [str(programs / "dsc"), "--version"],
        "dsc --help": [str(programs / "dsc"), "--help"],
        "ykman --version": [str(programs / "ykman"), "--version"],
        "ykman --help": [str(programs / "ykman"), "--help"],
    }
    subjects = [Subject(name, _starter(command), batch=1) for name, command in commands.items()]
    seconds = interleave(subjects, ROUNDS)
    rows = []
    for name, values in seconds.items():
        program, _, option = name.partition(" ")
        if program != "dsc":
            rows.append(duration(name, values))
            continue
        theirs = f"ykman {option}"
        beside = {"python -c pass": seconds["python -c pass"], theirs: seconds[theirs]}
        goal = at_most(LIMIT, ratios(values, seconds[theirs]), "≤ 1/3 of ykman's")
        rows.append(duration(name, values, beside, goal))
    return Section("Start-up", tuple(rows))


def _starter(command: list[str]) -> Callable[[int], None]:
    def start(times: int) -> None:
        for _ in range(times):
            subprocess.run(command, check=True, capture_output=True, timeout=TIMEOUT_SECONDS)

    return start
