"""`dsc-station story`: one client's life, on a moved clock."""

import signal
import sys
from dataclasses import asdict
from datetime import date

import click
from rich.console import Console

from dscplus_station.cli.common import Desk, command
from dscplus_station.story.play import play
from dscplus_station.story.stage import Happening


@click.command("story")
@command
def story(desk: Desk) -> None:
    """One client's life, played by the real services on a moved clock, with real virtual cards.

    She orders a card, activates it and logs in; loses it; gets a passcode and an online card; a replacement
    activates itself; a second user name shares it; it goes back, and the deposit is released. After each step
    the facts are read from the records, and one that is not as it must be ends the story with exit code 1.
    The home is made anew; a directory that is not a demo home is refused.

    \b
    Example:
      dsc-station story --home story-home
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # the emulator ends with us
    happenings: list[Happening] = []
    days = _Days()

    def tell(happening: Happening) -> None:
        happenings.append(happening)
        if not desk.as_json:
            days.show(happening)

    play(desk.home, tell)
    facts = sum(len(one.facts) for one in happenings)
    desk.tell(
        "story",
        {"happenings": [asdict(one) for one in happenings], "facts": facts},
        lambda: click.echo(
            f"{len(happenings)} happenings, {facts} facts, each read from the records and true"
        ),
    )


class _Days:
    """Shows happenings under the day that they are of."""

    def __init__(self) -> None:
        self._console = Console(highlight=False)
        self._day: date | None = None

    def show(self, happening: Happening) -> None:
        """Show one, and the day first if it is a new one."""
        if happening.at.date() != self._day:
            self._day = happening.at.date()
            self._console.print(f"\n[bold]{self._day:%a %d %b %Y}[/bold]")
        self._console.print(f"  [bold]{happening.who}[/bold] {happening.what}", soft_wrap=True)
        for fact in happening.facts:
            self._console.print(f"    [green]✓[/green] {fact}")
