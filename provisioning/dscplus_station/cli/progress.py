"""Progress of a personalisation, for people: bars on a terminal's stderr, else a line a step."""

import sys
from typing import Self

import click
from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from dscplus_station.personalise.journal import OpenRun
from dscplus_station.personalise.rules import RunState
from dscplus_station.personalise.workers import Record, Result

WORDS = {
    RunState.RESERVED: "reserved",
    RunState.KEYS_ROTATED: "issuer keys on the card",
    RunState.SEED_STORED: "seed on the card",
    RunState.PIN_SET: "PIN set",
    RunState.VERIFIED: "verified",
    RunState.SECURED: "secured",
}
_ORDER = list(RunState)


class Progress:
    """Shows how far each port's card is; called from the workers' threads."""

    def __init__(self) -> None:
        self._bars: Bars | None = None
        self._tasks: dict[str, TaskID] = {}
        if sys.stderr.isatty():
            self._bars = Bars(
                TextColumn("{task.description}"),
                BarColumn(bar_width=24),
                TextColumn("{task.fields[word]}"),
                TimeElapsedColumn(),
                console=Console(stderr=True),
            )

    def __enter__(self) -> Self:
        if self._bars is not None:
            self._bars.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        if self._bars is not None:
            self._bars.stop()

    def reached(self, port: str, run: OpenRun, step: RunState) -> None:
        """A step of this port's card is durable."""
        word = WORDS[step]
        if self._bars is None:
            click.echo(f"order {run.order_id}, card {run.serial_number}: {word}", err=True)
            return
        if port not in self._tasks:
            told = f"order {run.order_id}  card {run.serial_number}"
            self._tasks[port] = self._bars.add_task(told, total=len(_ORDER), word=word)
        self._bars.update(self._tasks[port], completed=_ORDER.index(step) + 1, word=word)

    def ended(self, record: Record) -> None:
        """This port's turn is over."""
        if self._bars is not None and record.port in self._tasks and record.result is not Result.COMPLETED:
            self._bars.update(self._tasks[record.port], word=record.result.value)


class Days:
    """Shows how many of `total` simulated days are over: a bar on a terminal, else a line at the end."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._bars: Bars | None = None
        if sys.stderr.isatty():
            columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), TimeElapsedColumn())
            self._bars = Bars(*columns, console=Console(stderr=True))
            self._task = self._bars.add_task("sample data", total=total)

    def __enter__(self) -> Self:
        if self._bars is not None:
            self._bars.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        if self._bars is not None:
            self._bars.stop()

    def over(self, days: int) -> None:
        """So many days are over."""
        if self._bars is not None:
            told = f"sample data, day {days} of {self._total}"
            self._bars.update(self._task, completed=days, description=told)
        elif days == self._total:
            click.echo(f"sample data of {days} simulated days", err=True)
